import cv2
import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from matting.augment import trimap_labels


def reference(alpha: np.ndarray, radius: int) -> np.ndarray:
    kernel = np.ones((2 * radius + 1, 2 * radius + 1), np.uint8)
    erode = lambda mask: cv2.erode(mask.astype(np.uint8), kernel, borderType=cv2.BORDER_REPLICATE)  # noqa: E731
    trimap = np.ones(alpha.shape, np.int64)
    trimap[erode(alpha == 255) == 1] = 2
    trimap[erode(alpha == 0) == 1] = 0
    return trimap


@settings(max_examples=30)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 9), min_size=2, max_size=4))
def test_against_opencv_erosion(seed: int, radii: list[int]) -> None:
    noise = np.random.default_rng(seed).normal(size=(len(radii), 24, 31)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(plane, (0, 0), 4) for plane in noise])
    alpha = (np.clip(smooth * 12 + 0.5, 0, 1) * 255).round().astype(np.uint8)
    found = trimap_labels(torch.from_numpy(alpha)[:, None] / 255, torch.tensor(radii))
    for row, radius in enumerate(radii):
        np.testing.assert_array_equal(found[row].numpy(), reference(alpha[row], radius))


def test_soft_pixels_are_unknown_at_radius_zero_and_a_hard_edge_is_not() -> None:
    alpha = torch.tensor([0.0, 0.0, 0.3, 1.0, 1.0, 0.0]).view(1, 1, 1, 6)
    assert trimap_labels(alpha, torch.tensor([0])).flatten().tolist() == [0, 0, 1, 2, 2, 0]
    assert trimap_labels(alpha, torch.tensor([1])).flatten().tolist() == [0, 1, 1, 1, 1, 1]


def test_an_alpha_that_rounds_to_a_stored_limit_is_definite() -> None:
    alpha = torch.tensor([0.0015, 0.9985]).view(1, 1, 1, 2)
    assert trimap_labels(alpha, torch.tensor([0])).flatten().tolist() == [0, 2]
