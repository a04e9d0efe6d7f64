import cv2
import numpy as np
import pytest
import torch

from matting.augment import LayeredImage, Phone
from matting.augment.phone import interface_of, low_resolution
from matting.augment.randomness import Keys, Stream, fold

from .conftest import make_batch

KEYS = torch.arange(6)


def photo() -> tuple[torch.Tensor, torch.Tensor]:
    batch = make_batch(6, 64)
    return batch.foreground / 255, batch.alpha / 255


def run(
    phone: Phone,
    image: torch.Tensor,
    alpha: torch.Tensor,
    appearance: torch.Tensor = KEYS,
    severity: torch.Tensor = torch.ones(6),  # noqa: B008
) -> tuple[torch.Tensor, torch.Tensor]:
    degraded = phone.degrade(LayeredImage(image, alpha, image, image), Keys(KEYS, appearance), severity)
    return degraded.image, degraded.alpha


@pytest.mark.parametrize("phone", [Phone(low_resolution=1), Phone(screenshot=1), Phone(1, 1)])
def test_severity_zero_returns_both_bit_for_bit_and_the_range_holds(phone: Phone) -> None:
    image, alpha = photo()
    severity = torch.tensor([0.0, 0.2, 0.4, 0.6, 0.8, 1.0])
    shown, matte = run(phone, image, alpha, severity=severity)
    assert torch.equal(shown[0], image[0]) and torch.equal(matte[0], alpha[0])
    assert (shown[1:] != image[1:]).flatten(1).any(1).all()
    assert shown.min() >= 0 and shown.max() <= 1 and matte.min() >= 0 and (matte <= alpha).all()


def test_low_resolution_keeps_the_matte_and_a_screenshot_covers_it() -> None:
    image, alpha = photo()
    full = torch.ones_like(alpha)
    assert torch.equal(run(Phone(low_resolution=1), image, full)[1], full)
    covered = run(Phone(screenshot=1), image, full)[1]
    opacity = interface_of(fold(fold(KEYS, Stream.PHONE), 2), 64, 64)[1]
    torch.testing.assert_close(covered, 1 - opacity, atol=1e-6, rtol=0)
    assert (covered[:, :, 0] < 1).all() and (covered[:, :, 32] == 1).any()


def test_the_cover_follows_geometry_and_not_appearance() -> None:
    image, alpha = photo()
    one = run(Phone(screenshot=1), image, alpha)
    other = run(Phone(screenshot=1), image, alpha, KEYS + 9)
    assert torch.equal(one[1], other[1]) and not torch.equal(one[0], other[0])


def test_low_resolution_removes_what_a_small_image_cannot_hold() -> None:
    x = torch.arange(64)
    stripes = torch.where(x % 2 == 0, 1.0, 0.0).expand(2, 3, 64, 64)
    waves = (0.5 + 0.5 * torch.sin(2 * np.pi * x / 32)).expand(2, 3, 64, 64)
    factor = torch.tensor([1.0, 4.0])
    fine, coarse = low_resolution(stripes, factor, 4.0), low_resolution(waves, factor, 4.0)
    torch.testing.assert_close(fine[0], stripes[0], atol=1e-4, rtol=0)
    assert fine[1].std() < 0.02
    assert (coarse[1] - waves[1]).abs()[..., 8:-8].mean() < 0.08


def test_low_resolution_against_opencv() -> None:
    image, _ = photo()
    found = low_resolution(image[:1], torch.tensor([2.0]), 4.0)[0, 0].numpy()
    small = cv2.resize(image[0, 0].numpy(), (32, 32), interpolation=cv2.INTER_AREA)
    expected = cv2.resize(small, (64, 64), interpolation=cv2.INTER_CUBIC)
    assert np.abs(found - expected)[4:-4, 4:-4].max() < 0.03


@pytest.mark.parametrize("bad", [{"screenshot": 1.5}, {"low_resolution": -1.0}, {"factor": 0.5}])
def test_bad_arguments_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="expected"):
        Phone(**bad)
