import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matting.augment.grid import degradation_grid, main, read_layers
from matting.augment.portrait import render_portrait


def test_the_first_column_is_the_clean_image() -> None:
    grid = degradation_grid(render_portrait(48), seed=3)
    strips = grid.reshape(-1, 48 + 18, 5 * 48, 3)[:, 18:]
    assert len(strips) == 13
    images = [strip for strip in strips if (strip[..., 0] != strip[..., 2]).any()]
    assert len(images) == 11
    for strip in images:
        np.testing.assert_array_equal(strip[:, :48], images[0][:, :48])
        assert (strip[:, :48] != strip[:, -48:]).any()


def test_the_rendered_portrait_has_soft_hair_and_definite_regions() -> None:
    alpha = render_portrait(128).alpha
    assert 0.2 < (alpha > 0.99).float().mean() < 0.6
    assert ((alpha > 0.05) & (alpha < 0.95)).float().mean() > 0.03


def test_the_command_writes_an_image_and_takes_one(tmp_path: Path) -> None:
    assert main(["-o", str(tmp_path / "grid.jpg"), "--size", "40"]) == 0
    with Image.open(tmp_path / "grid.jpg") as grid:
        assert grid.width == 200
    assert main([str(tmp_path / "grid.jpg"), "-o", str(tmp_path / "again.png"), "--size", "40"]) == 0


@pytest.mark.parametrize("name", ["missing.png", "broken.png"])
def test_an_unreadable_image_is_reported_in_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "broken.png").write_bytes(b"nothing")
    assert main([str(tmp_path / name), "-o", str(tmp_path / "grid.png")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error:") and name in error and not (tmp_path / "grid.png").exists()


def test_a_photo_is_both_layers_and_a_cutout_is_before_the_street(tmp_path: Path) -> None:
    Image.new("RGB", (50, 40), (200, 10, 10)).save(tmp_path / "photo.png")
    photo = read_layers(tmp_path / "photo.png", 32)
    assert (photo.foreground == photo.background).all()
    Image.new("RGBA", (50, 40), (200, 10, 10, 128)).save(tmp_path / "cutout.png")
    cutout = read_layers(tmp_path / "cutout.png", 32)
    assert (cutout.foreground != cutout.background).any() and (cutout.alpha < 1).all()


def test_the_package_imports_without_a_training_framework() -> None:
    code = "import sys, matting.augment; print({'lightning', 'hydra', 'wandb', 'timm'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"
