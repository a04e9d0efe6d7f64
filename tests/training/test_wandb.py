"""What W&B records, read back from the file of an offline run."""

import json
import os
import runpy
import struct
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from wandb.proto import wandb_internal_pb2

from matting.batch import TrainingBatch
from matting.commands.dashboard import dashboard, layout
from matting.evaluation.report.gallery import TILE
from matting.training.callbacks import Panels
from matting.training.callbacks.panels import panel_rows
from tests.training.runs import SHORT

BLOCK = 32768
HEADER = struct.Struct("<IHB")


def records(path: Path) -> Iterator[Any]:
    """Records of W&B's run file: a header of seven bytes, then LevelDB's log format, whose blocks may split records."""
    data, position, parts = path.read_bytes(), 7, b""
    while position + HEADER.size <= len(data):
        if (left := BLOCK - position % BLOCK) < HEADER.size:
            position += left
            continue
        _, size, kind = HEADER.unpack_from(data, position)
        position += HEADER.size + size
        parts += data[position - size : position]
        if kind in (1, 4):  # whole, or the last part
            record = wandb_internal_pb2.Record()
            record.ParseFromString(parts)
            parts = b""
            yield record


def read_run(job: Path) -> dict[str, Any]:
    (file,) = job.glob("wandb/offline-run-*/*.wandb")
    found: dict[str, Any] = {
        "history": [],
        "artifacts": set(),
        "images": list(file.parent.glob("files/media/**/*.png")),
    }
    for record in records(file):
        if record.HasField("history"):
            found["history"].append(
                {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
            )
        if record.HasField("artifact"):
            found["artifacts"].add(record.artifact.type)
        if record.HasField("run"):
            found["group"], found["config"] = (
                record.run.run_group,
                {u.key: u.value_json for u in record.run.config.update},
            )
        if record.HasField("exit"):
            found["exit"] = record.exit.exit_code
    return found


@pytest.mark.slow
def test_a_sweep_with_a_failing_job_as_a_dashboard_sees_it(tmp_path: Path) -> None:
    environment = {name: value for name, value in os.environ.items() if name != "WANDB_API_KEY"}
    environment |= {"NETRC": str(tmp_path / "none"), "WANDB_SILENT": "true"}
    jobs = ["model.norm=layer,batch", "+curriculum=3stage", "trainer.max_epochs=3", "trainer.log_every_n_steps=1"]
    command = [sys.executable, "train.py", "-m", *SHORT, *jobs, "logger=wandb", "callbacks.progress=null"]
    folder = tmp_path / "sweep"
    done = subprocess.run(
        [*command, f"hydra.sweep.dir={folder}"], env=environment, capture_output=True, text=True, timeout=500
    )
    assert done.returncode == 1 and "Traceback" not in done.stderr
    failed, finished = (read_run(next(folder.glob(f"{k}_*"))) for k in (0, 1))
    assert failed["exit"] == 1 and finished["exit"] == 0
    assert failed["group"] == finished["group"] == "sweep"
    assert "commit" in finished["config"] and '"weights"' in finished["config"]["data"]
    assert "model.norm=batch" in finished["config"]["overrides"]
    logged = {name for line in finished["history"] for name in line}
    assert {
        "train/loss",
        "plan/portraits",
        "plan/stage",
        "val/synthetic/unknown/sad",
        "test/synthetic/unknown/sad",
    } <= logged
    stages = [float(line["plan/stage"]) for line in finished["history"] if "plan/stage" in line]
    assert stages == [0, 1, 2], "one stage an epoch here"
    shown = [line for line in finished["history"] if any(name.startswith("panels/validation") for name in line)]
    assert len(shown) == 3, "images after every epoch"
    assert len(finished["images"]) == sum(int(line["panels/validation/count"]) for line in shown)
    assert {"evaluation/per_image/nrows", "evaluation/methods/nrows"} <= logged
    assert {"checkpoint", "plan"} <= finished["artifacts"]
    assert dashboard_names() <= {name.removesuffix("/count") for name in logged}


def dashboard_names() -> set[str]:
    """Every metric and image that the dashboard's panels refer to."""
    panels = [panel for section in layout("entity", "project", "synthetic").sections for panel in section.panels]
    return {
        str(name)
        for panel in panels
        for kind in ("y", "metrics", "media_keys")
        for name in getattr(panel, kind, None) or ()
    }


def test_a_dashboard_without_a_key_or_project_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    with pytest.raises(ValueError, match="expected ENTITY/PROJECT, found 'project'"):
        dashboard("project")
    with pytest.raises(ValueError, match="expected a W&B key, found none; run 'wandb login'"):
        dashboard("me/project")
    assert len(dashboard_names()) > 10


def test_the_documentation_shows_the_dashboard_as_it_is_now() -> None:
    docs = Path(__file__).parents[2] / "docs"
    panels = runpy.run_path(str(docs / "dashboard.py"))["current"]()
    drawn = Image.open(docs / "images" / "dashboard.png").text["Description"]
    assert drawn == json.dumps(panels), "draw it again: python docs/dashboard.py"
    assert {name for panel in panels for name in panel.shown} == dashboard_names()
    assert all(panel.x == "trainer/global_step" for panel in panels if "Line" in panel.kind)


def test_a_panel_shows_image_alpha_prediction_error_and_cutout() -> None:
    side = 32
    half = torch.zeros(2, 1, side, side)
    half[..., side // 2 :] = 1
    photo, trimap = torch.full((2, 3, side, side), 0.2), torch.zeros(2, side, side, dtype=torch.int64)
    shown = {"image": photo, "alpha": half, "trimap": trimap}
    batch = TrainingBatch(**dict.fromkeys(TrainingBatch._fields, torch.zeros(2)) | shown)
    rows = panel_rows(batch, torch.stack([half[0], 1 - half[1]]))
    assert {row.shape for row in rows} == {(TILE[0], 5 * TILE[0], 3)}
    image, target, preds, error, _ = np.split(rows[1].astype(int), 5, axis=1)
    assert (image == 51).all() and np.abs(target + preds - 255).max() <= 1
    red, blue = error[..., 0] - error[..., 2], error[..., 2] - error[..., 0]
    assert red[:, :140].min() > 50 and blue[:, 160:].min() > 50, "too opaque on the left, too clear on the right"
    assert (np.split(rows[0], 5, axis=1)[3] == 255).all()


def test_zero_images_are_refused() -> None:
    with pytest.raises(ValueError, match=r"callbacks\.panels\.images: expected at least 1, found 0"):
        Panels("validation", images=0)
