"""A resumed run continues as the run it was, in its own folder, or says what would change."""

import csv
import json
import logging
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from matting.config import explain
from matting.errors import MattingError
from matting.training.guard import ResumeGuard, check_options
from matting.training.resume import FRESH_STORE, continue_requeued, find_run, merged, resumed_arguments
from matting.training.schedule import planned_length
from tests.training.runs import assert_same_training, checkpoint, configure, keep_overrides, logged, resume, run
from tests.training.test_resume import KilledError, die_at

RUN = ("trainer.max_epochs=2", "callbacks.checkpoint.every_n_epochs=null")
SAVING = "callbacks.checkpoint.every_n_train_steps=2"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    run(folder, *RUN, SAVING)
    keep_overrides(folder, *RUN, SAVING)
    return folder


@pytest.fixture
def crashed(tmp_path: Path) -> Path:
    """A run that died in step 9, three steps after its last checkpoint but one, in epoch 1."""
    folder = tmp_path / "crashed"
    with pytest.raises(KilledError):
        run(folder, *RUN, SAVING, "callbacks.checkpoint.save_on_exception=false", die_at(9))
    keep_overrides(folder, *RUN, SAVING)
    return folder


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / "metrics.csv").open() as file:
        return [row for row in csv.DictReader(file) if not row.get("test/synthetic/whole/mad")]


def test_a_run_continues_in_its_own_folder_and_its_records_are_those_of_one_run(whole: Path, crashed: Path) -> None:
    assert max(logged(crashed)) >= checkpoint(crashed)["global_step"] == 8
    resume(crashed)
    assert_same_training(whole, crashed)
    assert table(crashed) == table(whole)
    assert (crashed / "plan.csv").read_text() == (whole / "plan.csv").read_text()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["seed=1"], "seed 0 -> 1; leave them out"),
        (["data.mixture.weights.coarse=9"], "data.mixture.weights.coarse 5 -> 9"),
        (["data.pairing.fraction=0", "data.batch_size=8"], "data.pairing.fraction 0.5 -> 0, data.batch_size 4 -> 8"),
        (["+curriculum=3stage"], "curriculum.name absent -> 3stage"),
        (["augment=none"], "augment."),
        (["corpus.people=20"], "corpus.people 16 -> 20"),
        (["trainer.accumulate_grad_batches=2"], "trainer.accumulate_grad_batches 1 -> 2"),
        (["+trainer.limit_train_batches=3"], "trainer.limit_train_batches absent -> 3"),
    ],
)
def test_options_that_change_the_plan_are_refused(whole: Path, options: list[str], words: str) -> None:
    with pytest.raises(ValueError, match="resume: expected the run's own options") as caught:
        resume(whole, "trainer.max_epochs=3", *options)
    line = explain(caught.value)
    assert line is not None and words in line and "resume.allow=[" in line


def test_a_corpus_with_other_items_is_refused(crashed: Path) -> None:
    """Its options are the same: the files have changed."""
    saved = checkpoint(crashed)
    sizes = saved["MattingDataModule"]["origin"]["corpus"]
    sizes["corpus.items.portraits.rwp"] += 1
    torch.save(saved, crashed / "checkpoints" / "last.ckpt")
    with pytest.raises(ValueError, match=r"found others: corpus\.items\.portraits\.rwp \d+ -> \d+; "):
        resume(crashed)
    resume(crashed, "resume.allow=corpus")


def test_allowed_options_change_the_plan_from_there_on(crashed: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        resume(crashed, "data.mixture.weights.coarse=9", "resume.allow=[data.mixture]")
    assert "resumed with a change: data.mixture.weights.coarse 5 -> 9" in caplog.text
    assert checkpoint(crashed)["global_step"] == 12


def test_another_learning_rate_is_applied_from_the_first_step_and_said(
    crashed: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        resume(crashed, "optimizer.lr=5e-4", "optimizer.weight_decay=0.1")
    assert "optimizer.lr 0.001 -> 0.0005" in caplog.text
    rates = logged(crashed, "lr-AdamW/pg1")
    assert {step: float(rate) for step, rate in rates.items() if step >= 8}.keys() == {8, 9, 10, 11}
    shape = logged(crashed, "lr-AdamW/pg1")
    before, after = float(shape[7]) / 1e-3, float(shape[8]) / 5e-4
    assert 0 < after < before < 1  # the schedule goes on where it was, from the new peak
    groups = checkpoint(crashed)["optimizer_states"][0]["param_groups"]
    assert {group["weight_decay"] for group in groups} == {0.0, 0.1}
    assert checkpoint(crashed)["lr_schedulers"][0]["base_lrs"] == [5e-4] * len(groups)


def test_a_finished_run_says_so_and_how_to_continue(whole: Path, caplog: pytest.LogCaptureFixture) -> None:
    before = {path: path.stat().st_mtime_ns for path in whole.rglob("*")}
    with caplog.at_level(logging.INFO):
        assert resume(whole) == {}
    assert f"the run is finished after 2 epochs and 12 steps; its report is {whole}/report.md" in caplog.text
    assert f"To train it further: resume={whole} trainer.max_epochs=4\n" in caplog.text
    assert before == {path: path.stat().st_mtime_ns for path in whole.rglob("*")}


def test_a_finished_run_with_stages_and_steps_says_what_to_allow(tmp_path: Path) -> None:
    config = configure(tmp_path, "+curriculum=3stage", "trainer.max_epochs=3", "trainer.max_steps=14")
    line = ResumeGuard(config, SimpleNamespace(world_size=1)).how_to_continue(planned_length(config), "RUN")
    options = "trainer.max_epochs=6 trainer.max_steps=28 resume.allow=[trainer.max_epochs,trainer.max_steps]"
    assert line.endswith(f"To train it further: resume=RUN {options}")


def test_a_run_that_was_killed_before_its_report_gets_it(crashed: Path, whole: Path) -> None:
    resume(crashed)
    scores = (crashed / "results.json").read_text()
    (crashed / "results.json").unlink()
    again = resume(crashed)
    assert again and (crashed / "results.json").is_file()
    metrics = [json.loads(text)["metrics"] for text in (scores, (crashed / "results.json").read_text())]
    quality = [{name: value for name, value in one.items() if "seconds" not in name} for one in metrics]
    assert quality[0] == pytest.approx(quality[1], rel=1e-6)
    assert "12 steps, 48 views in 2 epochs" in (crashed / "report.md").read_text()
    assert_same_training(crashed, whole)


@pytest.mark.parametrize("end", ["trainer.max_epochs=1", "trainer.max_steps=9"])
def test_a_finished_run_is_extended_to_the_longer_run(tmp_path: Path, end: str) -> None:
    """With a constant rate, the two differ in nothing: not in a weight, nor in what was drawn."""
    constant = ("optimizer.warmup=0", "optimizer.final_lr_ratio=1")
    longer = [override.partition("=")[0] + "=" + {"1": "3", "9": "18"}[override[-1]] for override in (end,)]
    limits = ("trainer.max_epochs=3", *longer)
    run(tmp_path / "longer", *constant, *limits)
    run(tmp_path / "short", *constant, "trainer.max_epochs=3", end)
    keep_overrides(tmp_path / "short", *constant, "trainer.max_epochs=3", end)
    resume(tmp_path / "short", *longer)
    assert_same_training(tmp_path / "longer", tmp_path / "short")
    assert logged(tmp_path / "longer") == logged(tmp_path / "short")
    assert (tmp_path / "short/plan.csv").read_text() == (tmp_path / "longer/plan.csv").read_text()


def test_another_network_is_one_line(whole: Path) -> None:
    with pytest.raises(ValueError, match="resume: expected the run's own network") as caught:
        resume(whole, "trainer.max_epochs=3", "model.decoder_channels=[16,16,16,16,16]")
    line = explain(caught.value)
    assert line is not None and "-> [16, 16, 16, 16, 16]" in line and "model=trained model.path=" in line


@pytest.mark.parametrize("content", [b"", b"no checkpoint", b"PK\x03\x04 and then nothing"])
def test_a_file_that_is_no_checkpoint_is_one_line(whole: Path, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "checkpoints" / "last.ckpt"
    file.parent.mkdir()
    file.write_bytes(content)
    keep_overrides(tmp_path, *RUN)
    with pytest.raises(ValueError, match=r"expected a checkpoint written by train\.py, found something else") as caught:
        resume(tmp_path)
    line = explain(caught.value)
    assert line is not None and "\n" not in line and "weights_only" not in line and len(line) < 300


def test_weights_alone_cannot_be_resumed(whole: Path, tmp_path: Path) -> None:
    saved = checkpoint(whole)
    (tmp_path / "checkpoints").mkdir()
    torch.save({name: saved[name] for name in ("state_dict", "hyper_parameters")}, tmp_path / "checkpoints/last.ckpt")
    keep_overrides(tmp_path, *RUN)
    with pytest.raises(ValueError, match="expected a checkpoint of a training run, found weights without"):
        resume(tmp_path)


def test_a_checkpoint_without_a_record_is_resumed_with_a_warning(
    crashed: Path, whole: Path, caplog: pytest.LogCaptureFixture
) -> None:
    saved = checkpoint(crashed)
    del saved["MattingDataModule"]["origin"]
    torch.save(saved, crashed / "checkpoints" / "last.ckpt")
    resume(crashed)
    assert caplog.text.count("they are not compared") == 1
    assert_same_training(whole, crashed)


def test_the_command_line_of_a_resumed_run(tmp_path: Path) -> None:
    folder = tmp_path / "it's a run = 50 % ü"
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "checkpoints" / "last.ckpt").touch()
    keep_overrides(folder)
    (folder / ".hydra" / "overrides.yaml").write_text("- +curriculum=3stage\n- seed=3\n- resume.checkpoint=old\n")
    place = str(folder).replace("'", "\\'")
    for run_or_file in (str(folder), f"{folder}/checkpoints/last.ckpt"):
        assert resumed_arguments([f"resume={run_or_file}", "seed=4", "--cfg", "job"]) == [
            "+curriculum=3stage",
            f"hydra.run.dir='{place}'",
            "hydra.output_subdir=.hydra/resumed",
            f"resume.checkpoint='{place}/checkpoints/last.ckpt'",
            "seed=4",
            "--cfg",
            "job",
        ]
    with pytest.raises(ValueError, match="one by one"):
        resumed_arguments(["-m", f"resume={folder}"])
    assert resumed_arguments(["seed=4", "-m"]) == ["seed=4", "-m"]


def test_torchrun_continues_the_run_in_the_given_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts the same command line again, on each machine with a count of restarts of its own."""
    given = ["seed=4", f"hydra.run.dir='{tmp_path}/my run'", "resume.checkpoint=other.ckpt", "--cfg", "job"]
    file = tmp_path / "my run" / "checkpoints" / "last.ckpt"
    file.parent.mkdir(parents=True)
    file.touch()
    assert resumed_arguments(given) == given
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
    continued = [
        "hydra.output_subdir=.hydra/resumed",
        f"resume.checkpoint='{file}'",
        given[0],
        given[1],
        "--cfg",
        "job",
    ]
    assert resumed_arguments(given) == continued
    file.unlink()
    assert resumed_arguments(given) == given
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "2")
    monkeypatch.delenv(FRESH_STORE, raising=False)
    with pytest.raises(MattingError, match=f"set {FRESH_STORE}=1 before it"):
        resumed_arguments(given)
    monkeypatch.setenv(FRESH_STORE, "1")
    assert resumed_arguments(given) == given
    with pytest.raises(MattingError, match=r"expected a run folder that all processes share.* hydra\.run\.dir=FOLDER"):
        resumed_arguments(["seed=4"])


def test_a_job_of_slurm_continues_the_run_in_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = configure(tmp_path)
    file = tmp_path / "checkpoints" / "last.ckpt"
    monkeypatch.setenv("SUBMITIT_EXECUTOR", "slurm")
    continue_requeued(config)
    assert config.resume.checkpoint is None
    file.parent.mkdir()
    file.touch()
    continue_requeued(config)
    assert config.resume.checkpoint == str(file)


@pytest.mark.parametrize(
    ("given", "left"),
    [
        (["+curriculum=none"], ["data=mix_uniform"]),
        (["curriculum=none"], ["data=mix_uniform"]),
        (["++data=x"], ["+curriculum=3stage"]),
        (["resume.allow=[data]"], ["+curriculum=3stage", "data=mix_uniform"]),
    ],
)
def test_new_overrides_replace_those_of_the_run(given: list[str], left: list[str]) -> None:
    assert merged(["+curriculum=3stage", "data=mix_uniform", "resume.allow=x"], given)[: len(left)] == left


def test_what_is_no_run_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"resume: expected a run folder .* found none at .*/nothing"):
        find_run(f"{tmp_path}/nothing")
    (tmp_path / "a.ckpt").touch()
    with pytest.raises(FileNotFoundError, match=r"expected \.hydra/overrides\.yaml in the run folder"):
        find_run(f"{tmp_path}/a.ckpt")


VALUES: Any = st.one_of(st.none(), st.integers(0, 3), st.text(max_size=3))
NAMES = st.sampled_from(
    ["seed", "data.size", "data.workers", "optimizer.lr", "trainer.max_epochs", "augment.warp.scale"]
)
OPTIONS = st.dictionaries(NAMES, VALUES)


@given(OPTIONS, OPTIONS, st.sampled_from([[], ["data"], ["seed", "augment"], ["seed", "data", "augment"]]))
def test_every_difference_is_refused_or_said(saved: dict[str, Any], now: dict[str, Any], allow: list[str]) -> None:
    changed = {name for name in {*saved, *now} if (name in saved, saved.get(name)) != (name in now, now.get(name))}
    guarded = {"seed", "data.size", "augment.warp.scale"}
    refused = {name for name in changed & guarded if name.partition(".")[0] not in allow}
    if refused:
        with pytest.raises(ValueError, match="expected the run's own options") as caught:
            check_options(saved, now, allow)
        assert all(f"{name} " in str(caught.value) for name in refused)
    else:
        assert {words.partition(" ")[0] for words in check_options(saved, now, allow)} == changed


def test_the_length_moves_the_stages_of_a_curriculum_only() -> None:
    before, after = {"trainer.max_epochs": 3}, {"trainer.max_epochs": 6}
    assert check_options(before, after) == ["trainer.max_epochs 3 -> 6"]
    stages = {"curriculum.stages": [1, 2]}
    with pytest.raises(ValueError, match=r"resume\.allow=\[trainer\.max_epochs\]"):
        check_options(before | stages, after | stages)
