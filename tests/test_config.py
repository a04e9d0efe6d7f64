"""The configuration: every choice composes, file names match their contents, mistakes end in one line."""

import subprocess
import sys
from pathlib import Path

import hydra
import pytest
from hydra import compose, initialize_config_dir
from hydra.errors import HydraException
from omegaconf import OmegaConf

from matting.config import CONFIG_FOLDER, build, explain, load_config, run_command
from matting.errors import MattingError
from matting.plan.curriculum import Curriculum
from matting.plan.mixture import Mixture
from tests.conftest import MINIATURE
from train import train

GROUPS = ("data", "corpus", "model", "loss", "augment", "callbacks", "logger", "trainer", "experiment")
CHOICES = [
    f"{group}={path.stem}"
    for group in GROUPS
    for path in sorted((CONFIG_FOLDER / group).glob("*.yaml"))
    if path.stem != "base"
]
STAGES = {
    "foundation": {"studio", "portraits"},
    "diversity": {"studio", "portraits", "coarse"},
    "robustness": {"studio", "portraits", "coarse", "augmented"},
}
ARTICLE = {"studio": 1, "portraits": 8, "coarse": 5, "augmented": 12}


@pytest.mark.parametrize("choice", CHOICES)
def test_every_choice_composes_and_resolves(choice: str) -> None:
    root = ["corpus.root=/data"] if choice in ("corpus=disk", "experiment=finetune") else []
    config = load_config([choice, "folder=/run", *root])
    OmegaConf.resolve(config)
    left_to_the_user = {"model.path", "corpus.root", "corpus.sets.coarse.masks.root", "corpus.sets.test.ppm.root"}
    assert set(OmegaConf.missing_keys(config)) <= left_to_the_user


def test_the_articles_mixture_is_what_its_name_states() -> None:
    assert build(load_config(["data=mix_1_8_5_12"]).data.mixture) == Mixture(ARTICLE)


@pytest.mark.parametrize("source", ARTICLE)
def test_leaving_one_out_leaves_the_others_as_they_are(source: str) -> None:
    mixture = build(load_config([f"data=without_{source}"]).data.mixture)
    assert mixture.streams() == {name: weight for name, weight in ARTICLE.items() if name != source}


@pytest.mark.parametrize("source", ARTICLE)
def test_a_single_source_is_alone(source: str) -> None:
    mixture = build(load_config([f"data={source}"]).data.mixture)
    assert mixture.streams() == {source: 1}


def test_the_uniform_mixture_weights_all_equally() -> None:
    assert build(load_config(["data=mix_uniform"]).data.mixture).streams() == dict.fromkeys(ARTICLE, 1)


def test_the_natural_mixture_follows_the_sizes() -> None:
    mixture = build(load_config(["data=mix_natural"]).data.mixture)({"portraits": 700, "coarse": 70})
    assert mixture.streams() == {"portraits": 700, "coarse": 70, "augmented": 660}


def curriculum(name: str) -> Curriculum:
    built: Curriculum = build(load_config([f"+curriculum={name}"]).curriculum)
    assert built.name == name
    return built


def test_the_curriculum_is_the_articles() -> None:
    stages = curriculum("3stage").stages
    assert [stage.fraction for stage in stages] == [0.3, 0.4, 0.3]
    assert {stage.name: set(stage.open or ()) for stage in stages} == STAGES
    assert [list(stage.rule("portraits").difficulties) for stage in stages] == [
        ["clear"],
        ["clear", "medium"],
        ["clear", "medium", "hard"],
    ]


def test_the_controls_differ_from_the_curriculum_in_one_thing() -> None:
    ordered, backwards, shuffled = curriculum("3stage"), curriculum("reversed"), curriculum("shuffled")
    assert [stage.name for stage in backwards.stages] == [stage.name for stage in ordered.stages][::-1]
    for stage, other in zip(ordered.stages, list(backwards.stages)[::-1], strict=True):
        assert (stage.fraction, stage.open) == (other.fraction, other.open)
        assert tuple(stage.severity) == tuple(other.severity)[::-1]
    assert shuffled.stages == ordered.stages and shuffled.shuffled
    assert len(curriculum("none").stages) == 1 and curriculum("none").stages[0].open is None


def test_a_job_on_several_nodes_composes() -> None:
    overrides = ["hydra=slurm", "trainer=ddp", "trainer.num_nodes=2", "trainer.devices=8", "seed=1"]
    with initialize_config_dir(str(CONFIG_FOLDER), version_base="1.3"):
        config = compose("train", overrides, return_hydra_config=True)
    launcher = config.hydra.launcher
    assert "slurm" in launcher._target_.lower()
    assert (launcher.nodes, launcher.tasks_per_node, launcher.gpus_per_node) == (2, 8, 8)
    assert config.trainer.strategy == "ddp" and config.trainer.use_distributed_sampler is False


def test_curriculum_is_absent_unless_it_is_added() -> None:
    assert "curriculum" not in load_config([])


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        (["optimzer.lr=1"], "unknown option 'optimzer'"),
        (["trainer.max_epoch=1"], "did you mean 'trainer.max_epochs'"),
        (["data=mix_1_8_5"], "data has no choice 'mix_1_8_5', did you mean 'mix_1_8_5_12'?"),
        (["+data.mixture.weights.rpw=3"], "unknown role rpw; the corpus has: studio, portraits, coarse"),
        (["corpus=disk"], "corpus.root"),
        (["corpus=disk", "corpus.root=/no/such/folder"], "/no/such/folder"),
        (["data.batch_size=3"], "data.batch_size: expected an even number under pairing, found 3"),
        (["model.encoder=resnet35"], "timm has no model 'resnet35'"),
        (["model.norm=layer"], "expected one of batch, group, found 'layer'"),
        (["loss.weights.alpha_l1=-1"], "weights >= 0"),
        (["data.epoch_rows=4"], "data.epoch_rows: expected at least one batch"),
        (["resume.checkpoint=/no/such.ckpt"], "/no/such.ckpt"),
        (["trainer.accelerator=toaster"], "trainer: "),
        (["+trainer.speed=9"], "trainer: "),
        (["+optimizer.momentum=0.9"], "unexpected keyword argument 'momentum'"),
        (["callbacks.plan._target_=matting.training.callbacks.Plan"], "matting.training.callbacks.Plan"),
    ],
)
def test_a_mistake_gives_one_line(overrides: list[str], expected: str, tmp_path: Path) -> None:
    corpus = [] if overrides[0].startswith("corpus=") else MINIATURE[:2]
    with pytest.raises(Exception) as caught:  # of several libraries
        train(load_config([*corpus, *MINIATURE[2:], f"folder={tmp_path}", "callbacks.progress=null", *overrides]))
    message = explain(caught.value)
    assert message is not None and expected in message
    assert "\n" not in message


def test_the_command_prints_the_line_and_no_traceback(tmp_path: Path) -> None:
    command = [sys.executable, "train.py", "model=tiny", "corpus=disk", "corpus.root=/no/such/folder"]
    done = subprocess.run([*command, f"hydra.run.dir={tmp_path}"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1].startswith("error: corpus.portraits.rwp: /no/such/folder")
    assert "Traceback" not in done.stderr
    assert "Error executing job" not in done.stderr


def broken(kind: str) -> None:
    """A target of the configuration that raises."""
    if kind == "mistake":
        raise MattingError("expected a number, found none; give one")
    if kind == "file":
        raise FileNotFoundError("/no/such/file: expected a file")
    raise ValueError("not enough values to unpack")


@pytest.mark.parametrize(
    ("kind", "line"),
    [
        ("mistake", "expected a number, found none; give one"),
        ("file", "/no/such/file: expected a file"),
        ("bug", None),
    ],
)
def test_what_a_target_raises_is_a_mistake_or_a_fault(kind: str, line: str | None) -> None:
    with pytest.raises(HydraException) as caught:
        build(OmegaConf.create({"part": {"_target_": f"{__name__}.broken", "kind": kind}}))
    assert explain(caught.value) == line


def test_an_error_of_a_worker_is_its_last_line() -> None:
    text = "Caught MattingError in DataLoader worker process 0.\nOriginal Traceback (most recent call last):\n  File x"
    assert (
        explain(MattingError(f"{text}\nmatting.errors.MattingError: a.png: expected a: b\n")) == "a.png: expected a: b"
    )


@pytest.mark.parametrize(("kind", "debug"), [("mistake", False), ("mistake", True), ("bug", False)])
def test_a_job_ends_in_one_line_or_in_its_traceback(kind, debug, tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "job.yaml").write_text(f"kind: {kind}\n")
    job = hydra.main(version_base="1.3", config_path=str(tmp_path), config_name="job")(lambda cfg: broken(cfg.kind))
    monkeypatch.setattr(sys, "argv", ["job", *["--debug"] * debug, f"hydra.run.dir={tmp_path}"])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "0")
    one_line = kind == "mistake" and not debug
    with pytest.raises(SystemExit if one_line else ValueError) as caught:
        run_command(job)
    if one_line:
        assert caught.value.code == "error: expected a number, found none; give one"
        assert capsys.readouterr().err == ""


def test_an_option_without_a_value_is_named() -> None:
    with pytest.raises(MattingError, match=r"corpus\.sets\.coarse\.masks\.root: expected a value, found none; give "):
        build(load_config(["corpus=base"]).corpus)


def test_run_folders_can_be_kept_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for root, expected in ((None, "./outputs/"), (str(tmp_path), f"{tmp_path}/outputs/")):
        monkeypatch.delenv("MATTING_RUNS", raising=False)
        if root is not None:
            monkeypatch.setenv("MATTING_RUNS", root)
        with initialize_config_dir(str(CONFIG_FOLDER), version_base="1.3"):
            config = compose("train", [], return_hydra_config=True)
        assert config.hydra.run.dir.startswith(expected)
        assert config.hydra.sweep.dir.startswith(expected.replace("outputs", "multirun"))
