import colorsys

import numpy as np
import pytest
import torch

from matting.augment.operations import colour_jitter, gaussian_noise, jpeg_artefacts, motion_blur

OPERATIONS = [gaussian_noise, jpeg_artefacts, motion_blur, colour_jitter]
KEYS = torch.arange(5)
STRENGTH = torch.tensor([0.0, 0.1, 0.3, 0.6, 1.0])


def image(rows: int = 5) -> torch.Tensor:
    return torch.rand(rows, 3, 32, 36, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("operation", OPERATIONS)
def test_range_type_and_input_kept_and_rows_independent(operation) -> None:  # type: ignore[no-untyped-def]
    layer = image()
    before = layer.clone()
    found = operation(layer, STRENGTH, KEYS)
    assert torch.equal(layer, before)
    assert found.shape == layer.shape and found.dtype == torch.float32
    assert found.min() >= 0 and found.max() <= 1
    for row in range(5):
        alone = operation(layer[row : row + 1], STRENGTH[row : row + 1], KEYS[row : row + 1])
        torch.testing.assert_close(alone[0], found[row], atol=1e-6, rtol=0)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_more_strength_changes_more(operation) -> None:  # type: ignore[no-untyped-def]
    layer = image(1).expand(5, -1, -1, -1) * 0.5 + 0.25
    changes = (operation(layer, STRENGTH, torch.full((5,), 2)) - layer).abs().mean(dim=(1, 2, 3))
    assert (changes.diff() > 0).all()


def test_noise_has_the_variance_asked_for() -> None:
    gray = torch.full((2, 3, 128, 128), 0.5)
    noise = gaussian_noise(gray, torch.tensor([0.1, 0.3]), KEYS[:2]) - gray
    torch.testing.assert_close(noise.std(dim=(1, 2, 3)), torch.tensor([0.03, 0.09]), rtol=0.02, atol=0)
    assert noise.mean(dim=(1, 2, 3)).abs().max() < 1e-3


def test_jitter_keeps_gray_gray_and_is_the_identity_at_zero() -> None:
    gray = image()[:, :1].expand(-1, 3, -1, -1)
    found = colour_jitter(gray, STRENGTH, KEYS)
    torch.testing.assert_close(found, found[:, :1].expand_as(found), atol=1e-5, rtol=0)
    torch.testing.assert_close(colour_jitter(image(), torch.zeros(5), KEYS), image(), atol=1e-6, rtol=0)


def test_jitter_turns_the_hue() -> None:
    reddish = torch.tensor([0.6, 0.4, 0.4])[None, :, None, None].expand(64, 3, 4, 4)
    turned = colour_jitter(reddish, torch.full((64,), 0.5), torch.arange(64))[:, :, 0, 0].numpy()
    hues = np.array([colorsys.rgb_to_hsv(*colour)[0] for colour in turned])
    signed = (hues + 0.5) % 1 - 0.5
    assert signed.min() < -0.03 and signed.max() > 0.03 and np.abs(signed).max() < 0.1
