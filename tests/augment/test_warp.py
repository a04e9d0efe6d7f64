import math

import cv2
import numpy as np
import pytest
import torch

from matting.augment import Warp, compose
from matting.augment.warp import antialias, homography, sample, unknown_place

from .conftest import make_batch

KEYS = torch.arange(64)


def layers_of(rows: int, side: int = 48) -> torch.Tensor:
    batch = make_batch(rows, side)
    return torch.cat([batch.foreground, batch.background, batch.alpha], dim=1).float() / 255


def matrix_of(
    zoom: float = 1,
    angle: float = 0,
    mirror: float = 1,
    centre: tuple[float, float] = (0, 0),
    size: int = 48,
) -> torch.Tensor:
    one = torch.ones(1)
    return homography(zoom * one, angle * one, mirror * one, torch.zeros(1, 2), torch.tensor([centre]), 48, size)


def test_the_identity_keeps_the_image() -> None:
    layers = layers_of(1)
    torch.testing.assert_close(sample(layers, matrix_of(), 48), layers, atol=1e-5, rtol=0)


def test_a_flip_is_a_mirror_image() -> None:
    layers = layers_of(1)
    torch.testing.assert_close(sample(layers, matrix_of(mirror=-1.0), 48), layers.flip(3), atol=1e-5, rtol=0)


def test_a_quarter_turn_and_a_whole_pixel_shift_are_exact() -> None:
    layers = layers_of(1)
    turned = sample(layers, matrix_of(angle=math.pi / 2), 48)
    torch.testing.assert_close(turned, layers.rot90(1, (2, 3)), atol=1e-4, rtol=0)
    shifted = sample(layers, matrix_of(centre=(5.0, 3.0), size=32), 32)
    torch.testing.assert_close(shifted, layers[..., 11:43, 13:45], atol=1e-5, rtol=0)


def test_against_opencv_bicubic() -> None:
    layers = layers_of(1)
    matrix = matrix_of(zoom=1.2, angle=0.2, centre=(2.0, -1.0))
    pixels = np.linalg.inv(matrix[0].double().numpy())
    y, x = np.mgrid[0:48, 0:48]
    where = np.einsum("ij,jhw->ihw", pixels, np.stack([x, y, np.ones_like(x)])).astype(np.float32)
    plane = layers[0, 0].numpy()
    expected = cv2.remap(plane, where[0], where[1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
    found = sample(layers, matrix, 48)[0, 0].numpy()
    np.testing.assert_allclose(found[4:-4, 4:-4], expected[4:-4, 4:-4], atol=4e-3)  # OpenCV's steps of 1/32 px


def test_compositing_then_warping_equals_warping_the_composite() -> None:
    layers, warp = layers_of(16, 64), Warp()
    composite = compose(layers[:, :3], layers[:, 3:6], layers[:, 6:])
    both = warp(torch.cat([layers, composite], dim=1), layers[:, 6:], KEYS[:16], 48)
    later = compose(both[:, :3], both[:, 3:6], both[:, 6:7])
    difference = (later - both[:, 7:]).abs()
    assert difference.max() < 0.04 and difference.mean() < 1e-3


def test_equal_keys_share_geometry_whatever_the_background() -> None:
    layers, warp = layers_of(2, 64), Warp()
    layers[1, 3:6] = 1 - layers[1, 3:6]
    warped = warp(layers, layers[:, 6:], torch.tensor([9, 9]), 48)
    assert torch.equal(warped[0, :3], warped[1, :3]) and torch.equal(warped[0, 6], warped[1, 6])
    assert not torch.equal(warped[0, 3:6], warped[1, 3:6])


def test_the_range_holds_and_keys_differ() -> None:
    layers = (layers_of(32, 64) > 0.5).float()  # hard edges: bicubic would overshoot
    warped = Warp(degrees=45, perspective=0.3)(layers, layers[:, 6:], KEYS[:32], 48)
    assert warped.min() >= 0 and warped.max() <= 1
    assert (warped[0] - warped[1:]).abs().flatten(1).max(1).values.min() > 0.05


def test_rows_flip_as_often_as_asked() -> None:
    ramp = torch.linspace(0, 1, 32).expand(64, 1, 32, 32)
    still = Warp(flip=0.25, scale=(1, 1), degrees=0, shift=0, perspective=0, center_on_unknown=0)
    warped = still(ramp, ramp, KEYS, 32)
    flipped = warped[:, 0, 0, 0] > 0.5
    assert 5 <= flipped.sum() <= 28  # binomial(64, 1/4) within 3.5 sigma
    torch.testing.assert_close(warped[~flipped], ramp[~flipped], atol=1e-5, rtol=0)


def test_perspective_keeps_the_centre_in_place() -> None:
    one, tilt, centre = torch.ones(1), torch.tensor([[0.004, -0.003]]), torch.tensor([[3.0, 2.0]])
    matrix = homography(one, 0 * one, one, tilt, centre, 64, 48)
    shown = matrix[0] @ torch.tensor([31.5 + 3, 31.5 + 2, 1])
    torch.testing.assert_close(shown[:2] / shown[2], torch.tensor([23.5, 23.5]))


def test_the_unknown_place_is_unknown_and_moves_with_the_key() -> None:
    alpha = torch.zeros(64, 1, 64, 64)
    alpha[:, :, 8:16, 40:60] = 0.5
    places = unknown_place(alpha, KEYS) + 32
    assert (places[:, 0] >= 40).all() and (places[:, 0] <= 60).all()
    assert (places[:, 1] >= 8).all() and (places[:, 1] <= 16).all()
    assert places[:, 0].unique().numel() > 3


def test_without_an_unknown_region_the_centre_is_kept() -> None:
    assert torch.equal(unknown_place(torch.ones(3, 1, 32, 32), KEYS[:3]), torch.zeros(3, 2))


def test_center_on_unknown_brings_the_unknown_region_into_the_window() -> None:
    alpha = torch.zeros(8, 1, 96, 96)
    alpha[:, :, 4:12, 4:12] = 0.5
    aimed = Warp(flip=0, scale=(1, 1), degrees=0, shift=0, perspective=0, center_on_unknown=1)
    assert (aimed(alpha, alpha, KEYS[:8], 48).amax(dim=(1, 2, 3)) > 0.4).all()
    blind = Warp(flip=0, scale=(1, 1), degrees=0, shift=0, perspective=0, center_on_unknown=0)
    assert blind(alpha, alpha, KEYS[:8], 48).max() == 0


def test_every_unknown_place_is_aimed_at_equally_often(monkeypatch: pytest.MonkeyPatch) -> None:
    chosen = []

    def spy(alpha: torch.Tensor, key: torch.Tensor) -> torch.Tensor:
        chosen.append(unknown_place(alpha, key))
        return chosen[-1]

    monkeypatch.setattr("matting.augment.warp.unknown_place", spy)
    rows = 4096
    # the centre is all that moves the window: a ramp tells which rows are aimed
    ramp = torch.linspace(0.1, 0.9, 32).expand(rows, 1, 32, 32)
    alpha = torch.zeros(rows, 1, 32, 32)
    alpha[:, :, :2, ::4] = 0.5  # eight cells of the first line, the first of all among them
    aimed = Warp(flip=0, scale=(1, 1), degrees=0, shift=0, perspective=0, center_on_unknown=0.25)
    window = aimed(ramp, alpha, torch.arange(rows), 16)
    moved = (window[:, 0, 0, 0] - ramp[:, 0, 0, 8]).abs() > 1e-3
    counts = chosen[0][moved][:, 0].unique(return_counts=True)[1]
    assert len(counts) == 8 and counts.sum() > 900
    assert (counts - counts.sum() / 8).abs().max() < 4 * (counts.sum() / 8) ** 0.5


def test_antialias_filters_only_what_shrinks_and_keeps_the_energy() -> None:
    point = torch.zeros(3, 1, 17, 17)
    point[:, :, 8, 8] = 1
    filtered = antialias(point, torch.tensor([0.7, 1.0, 2.0]))
    assert torch.equal(filtered[:2], point[:2])
    binomial = torch.tensor([0.25, 0.5, 0.25])
    torch.testing.assert_close(filtered[2, 0, 7:10, 7:10], binomial[:, None] * binomial)
    torch.testing.assert_close(filtered.sum(dim=(1, 2, 3)), torch.ones(3))


@pytest.mark.parametrize(
    "bad", [{"flip": 1.5}, {"center_on_unknown": -0.1}, {"scale": (0.2, 1.0)}, {"scale": (1.2, 1.0)}]
)
def test_bad_arguments_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Warp(**bad)  # type: ignore[arg-type]
