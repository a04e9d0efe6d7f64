from pathlib import Path

import fsspec
import numpy as np
import pytest
from typer.testing import CliRunner

from matting.cli import app
from matting.data.formats import coco_instances
from matting.data.verify import FORMATS
from matting.errors import MattingError
from matting.images import read_alpha
from tests.data.formats.trees import annotation, coco_tree, p3m_tree, pair_tree, photo, save

RUNNER = CliRunner()


def test_list_shows_every_format_with_its_terms():
    shown = RUNNER.invoke(app, ["data", "list"], env={"COLUMNS": "80"})
    assert shown.exit_code == 0
    for entry in FORMATS:
        facts = {"data set": entry.title, "images": entry.size, "licence": entry.licence, "obtain": entry.obtain}
        lines = [entry.name, *(f"  {name}: {fact}" for name, fact in facts.items())]
        assert "\n".join(lines) in shown.stdout  # no word is cut, however narrow the terminal
        assert "https://" in entry.obtain or entry.obtain == "your own"


def test_verify_succeeds_on_a_good_tree_and_prints_a_summary(tmp_path):
    root = pair_tree(tmp_path, [f"{k}" for k in range(20)], "images", "alphas", (".jpg", ".png"))
    shown = RUNNER.invoke(app, ["data", "verify", "pairs", str(root)])
    assert shown.exit_code == 0 and "complete and readable" in shown.stdout
    assert "train" in shown.stdout and "36" in shown.stdout


def test_verify_fails_on_a_bad_tree_and_reports_why(tmp_path):
    root = p3m_tree(tmp_path)
    (root / "train/mask/p_1.png").write_bytes(b"")
    shown = RUNNER.invoke(app, ["data", "verify", "p3m10k", str(root)])
    assert shown.exit_code == 1 and "complete and readable" not in shown.stdout
    assert "problems (1):" in shown.stderr and "p_1.png: expected" in shown.stderr


def test_verify_refuses_an_unknown_format(tmp_path):
    shown = RUNNER.invoke(app, ["data", "verify", "adobe", str(tmp_path)])
    assert isinstance(shown.exception, ValueError) and "found 'adobe'" in str(shown.exception)


def test_verify_of_a_folder_that_is_not_there_is_one_line(tmp_path):
    shown = RUNNER.invoke(app, ["data", "verify", "pairs", str(tmp_path / "own")])
    assert isinstance(shown.exception, MattingError) and not shown.stdout
    assert str(shown.exception).endswith("own: expected the folder of a data set, found nothing")


@pytest.fixture
def coco(tmp_path: Path) -> Path:
    people = [annotation(k, (6.0, 8.0, 28.0, 47.0)) for k in (1, 2, 3)]
    return coco_tree(tmp_path / "coco", people, dict.fromkeys((1, 2, 3), "train2017"))


def test_coco_mattes_are_made_once_and_read_back(coco, tmp_path, monkeypatch):
    refined = []
    monkeypatch.setattr(
        "matting.closed_form.closed_form", lambda photo, trimap: refined.append(1) or np.full(trimap.shape, 0.5)
    )
    command = ["data", "coco-mattes", str(coco), str(tmp_path / "mattes"), "--workers", "1"]
    shown = RUNNER.invoke(app, [*command, "--limit", "2"])
    assert shown.exit_code == 0 and "2 mattes made" in shown.stdout and len(refined) == 2
    shown = RUNNER.invoke(app, command)
    assert "1 matte made, 3 in" in shown.stdout and len(refined) == 3
    source = coco_instances(coco, mattes=tmp_path / "mattes")
    alpha = source.layers(0, recomposed=False).alpha
    assert set(np.unique(alpha)) == {0, 128, 255} and alpha[30, 16] == 255 and alpha[3, 3] == 0


def test_a_photo_of_another_size_stops_with_its_reason(coco, tmp_path):
    save(coco / f"train2017/{2:012d}.jpg", photo(0, (20, 20)))
    shown = RUNNER.invoke(app, ["data", "coco-mattes", str(coco), str(tmp_path / "mattes"), "--workers", "1"])
    assert shown.exit_code == 1 and "expected a mask of (20, 20)" in str(shown.exception)


def test_a_network_refines_where_the_outline_is_uncertain(coco, tmp_path, monkeypatch):
    import matting.inference

    class Trained:
        @staticmethod
        def predictor(photo):
            return np.full(photo.shape[:2], 0.2, np.float32)

    monkeypatch.setattr(matting.inference, "load", lambda source, **options: Trained())
    output = tmp_path / "mattes"
    shown = RUNNER.invoke(app, ["data", "coco-mattes", str(coco), str(output), "--checkpoint", "run"])
    assert shown.exit_code == 0
    assert set(np.unique(read_alpha(output / f"{1:012d}.png"))) == {0, 51, 255}


def test_missing_annotations_are_reported(tmp_path):
    shown = RUNNER.invoke(app, ["data", "coco-mattes", str(tmp_path), str(tmp_path / "mattes")])
    assert "instances_train2017.json: expected COCO's instance annotations" in str(shown.exception)
    assert not (tmp_path / "mattes").exists()


def test_a_set_is_packed_and_verified_in_a_store(tmp_path):
    root = pair_tree(tmp_path / "own", [f"{k}" for k in range(30)], "images", "alphas", (".jpg", ".png"))
    command = ["data", "pack", "pairs", str(root), "-o", str(tmp_path / "shards"), "--workers", "1"]
    shown = RUNNER.invoke(app, command)
    assert shown.exit_code == 0 and "3 shards" in shown.stdout
    memory = fsspec.filesystem("memory")
    memory.put(str(tmp_path / "shards"), "/packed", recursive=True)
    shown = RUNNER.invoke(app, ["data", "verify", "hf_dataset", "memory://packed"])
    assert shown.exit_code == 0 and "complete and readable" in shown.stdout, shown.output
    for file in memory.find("/packed"):
        memory.pipe(file, memory.cat(file)[:-9])
    shown = RUNNER.invoke(app, ["data", "verify", "hf_dataset", "memory://packed"])
    assert (
        shown.exit_code == 1 and "memory://packed/" in shown.stderr and "expected a whole Parquet file" in shown.stderr
    )
    memory.rm("/packed", recursive=True)
