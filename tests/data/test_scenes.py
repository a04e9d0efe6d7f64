from pathlib import Path

import numpy as np
import pytest

from matting.data.scenes import IDENTITY_PHOTO_BLUE, Scenes, scene_statistics
from matting.images import write_png
from matting.plan.catalog import PLAIN


@pytest.fixture
def scenes(tmp_path: Path) -> Scenes:
    files = []
    for k, level in enumerate((40, 200)):
        files.append(tmp_path / f"{k}.png")
        write_png(files[-1], np.full((50, 70, 3), level, np.uint8))
    return Scenes(files)


def test_plain_scenes_come_first(scenes: Scenes) -> None:
    rng = np.random.default_rng(0)
    assert len(scenes) == len(PLAIN) + 2
    assert (scenes.read(PLAIN.index("white"), rng, 8) == 255).all()
    assert (scenes.read(PLAIN.index("blue"), rng, 8) == IDENTITY_PHOTO_BLUE).all()
    assert (scenes.read(len(PLAIN), rng, 8) == 40).all()


def test_a_gradient_runs_between_two_colours(scenes: Scenes) -> None:
    image = scenes.read(PLAIN.index("gradient"), np.random.default_rng(3), 32).astype(int)
    steps = np.abs(np.diff(image, axis=0)).max(), np.abs(np.diff(image, axis=1)).max()
    assert max(steps) <= 256 / 31 * 2
    assert np.ptp(image, axis=(0, 1)).max() > 20


def test_views_follow_their_random_numbers(scenes: Scenes, tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 60, 3)).astype(np.uint8)
    write_png(tmp_path / "noise.png", noise)
    pool = Scenes([tmp_path / "noise.png"])
    views = [pool.read(len(PLAIN), np.random.default_rng(seed), 16) for seed in (1, 1, 2)]
    assert (views[0] == views[1]).all() and (views[0] != views[2]).any()


def test_statistics_measure_what_they_claim() -> None:
    gray, red = np.full((64, 64, 3), 128, np.uint8), np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 255
    checks = np.kron(np.indices((8, 8)).sum(axis=0) % 2, np.ones((8, 8)))[..., None].repeat(3, 2).astype(np.uint8) * 255
    lightness, contrast, a, b, spread, texture = scene_statistics(gray)
    assert (lightness, contrast, a, b, spread, texture) == pytest.approx((53.6, 0, 0, 0, 0, 0), abs=0.1)
    assert scene_statistics(red)[2] > 70
    assert scene_statistics(checks)[1] > 40 and scene_statistics(checks)[5] > 5


def test_statistics_are_measured_once_and_again_when_a_file_changes(
    scenes: Scenes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATTING_CACHE", str(tmp_path / "cache"))
    first = scenes.statistics()
    assert first.shape == (5, 6)
    monkeypatch.setattr(Scenes, "_measure", lambda self, index: pytest.fail("measured again"))
    np.testing.assert_array_equal(scenes.statistics(), first)
    monkeypatch.undo()
    monkeypatch.setenv("MATTING_CACHE", str(tmp_path / "cache"))
    write_png(scenes.files[0], np.full((50, 71, 3), 90, np.uint8))
    assert scenes.statistics()[len(PLAIN), 0] != first[len(PLAIN), 0]


def test_bad_files_are_left_out_and_the_others_measured_once(
    scenes: Scenes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MATTING_CACHE", str(tmp_path / "cache"))
    (tmp_path / "bad.png").write_bytes(b"")
    pool, told = Scenes([scenes.files[0], tmp_path / "bad.png", tmp_path / "gone.png", scenes.files[1]]), {}
    left = pool.readable(told.__setitem__)
    assert left == scenes and told.keys() == {"bad.png", "gone.png"} and "gone.png: expected" in told["gone.png"]
    monkeypatch.setattr(Scenes, "_measure", lambda self, index: pytest.fail("measured again"))
    assert left.statistics()[len(PLAIN) + 1, 0] > left.statistics()[len(PLAIN), 0]
    assert left.readable(told.__setitem__) is left
