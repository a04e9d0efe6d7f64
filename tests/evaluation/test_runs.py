from pathlib import Path

import pytest
from omegaconf import OmegaConf

from matting.evaluation.runs import read_training


@pytest.fixture
def run(tmp_path):
    def write(name, **changes):
        config = {
            "seed": 0,
            "folder": "${hydra:runtime.output_dir}",
            "data": {"mixture": {"weights": {"portraits": 8, "augmented": changes.pop("augmented", 12)}}},
            "augment": {
                "_target_": "matting.augment.Pipeline",
                "blur": {"_target_": "matting.augment.CameraBlur"},
                "augmix": None,
                "chain": [{"_target_": "not.reached.Nobody"}],
            },
        }
        file = tmp_path / name / ".hydra" / "config.yaml"
        file.parent.mkdir(parents=True)
        OmegaConf.save(OmegaConf.create(config | changes), file)
        return tmp_path / name / "checkpoints" / "last.ckpt"

    return write


def test_runs_that_differ_in_seed_and_folder_alone_are_one_configuration(run):
    first, second = read_training(run("a")), read_training(run("b", seed=7, folder="b", resume="x"))
    other = read_training(run("c", optimizer={"lr": 1.0}))
    assert first == second._replace(seed=0) and second.seed == 7 and first.configuration != other.configuration


def test_augmentations_count_where_the_mixture_degrades(run):
    assert read_training(run("a")).mixture == "portraits 8, augmented 12"
    assert read_training(run("z")).augmentations == {"Pipeline", "CameraBlur"}
    assert read_training(run("b", augmented=0)).augmentations == frozenset()
    assert read_training(run("c", data={"mixture": {"weights": {"portraits": 1}}})).augmentations == frozenset()


def test_a_mixture_by_sizes_has_no_weights_and_may_degrade(run):
    degraded = read_training(run("a", data={"mixture": {"augmented_share": 0.5}}))
    assert degraded.mixture == "sources by their sizes" and degraded.augmentations == {"Pipeline", "CameraBlur"}
    assert read_training(run("b", data={"mixture": {"augmented_share": 0}})).augmentations == frozenset()


def test_a_checkpoint_without_a_run_folder_has_no_training(tmp_path):
    assert read_training(tmp_path / "checkpoints" / "last.ckpt") is None
    assert read_training(Path("/last.ckpt")) is None, "the root has no folder above it"
