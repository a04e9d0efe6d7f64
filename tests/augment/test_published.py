import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance, ImageOps

from matting.augment import EXTRA_OPERATIONS, PUBLISHED_OPERATIONS, AugMix
from matting.augment.published import (
    autocontrast,
    brightness,
    colour,
    contrast,
    equalize,
    posterize,
    sharpness,
    solarize,
)

STRENGTHS = (0.05, 0.3, 0.55, 0.8, 1.0)
REFERENCES = {
    autocontrast: lambda image, s: ImageOps.autocontrast(image),
    equalize: lambda image, s: ImageOps.equalize(image),
    posterize: lambda image, s: ImageOps.posterize(image, max(1, 4 - int(s * 4))),
    solarize: lambda image, s: ImageOps.solarize(image, 256 - int(s * 256)),
    colour: lambda image, s: ImageEnhance.Color(image).enhance(0.1 + 1.8 * s),
    contrast: lambda image, s: ImageEnhance.Contrast(image).enhance(0.1 + 1.8 * s),
    brightness: lambda image, s: ImageEnhance.Brightness(image).enhance(0.1 + 1.8 * s),
    sharpness: lambda image, s: ImageEnhance.Sharpness(image).enhance(0.1 + 1.8 * s),
}


def photos() -> np.ndarray:
    rng = np.random.default_rng(2)
    ramps = np.linspace(40, 200, 31)[None, :, None] + rng.normal(0, 20, (5, 24, 31, 3))
    return ramps.reshape(5, 24, 31, 3).clip(0, 230).astype(np.uint8)


@pytest.mark.parametrize("operation", REFERENCES)
def test_against_pillow(operation) -> None:  # type: ignore[no-untyped-def]
    images = photos()
    rows = torch.from_numpy(images).permute(0, 3, 1, 2) / 255
    found = (operation(rows, torch.tensor(STRENGTHS), torch.arange(5)) * 255).permute(0, 2, 3, 1).numpy()
    for row, strength in enumerate(STRENGTHS):
        expected = np.asarray(REFERENCES[operation](Image.fromarray(images[row]), strength), dtype=np.float64)
        assert np.abs(found[row] - expected).max() <= 2.01, strength  # Pillow truncates to 8 bits at every step


def test_a_flat_image_survives_the_histogram_operations() -> None:
    flat = torch.full((1, 3, 8, 8), 100 / 255)
    for operation in (autocontrast, equalize):
        torch.testing.assert_close(operation(flat, torch.ones(1), torch.arange(1)), flat)


def test_the_published_set_can_be_mixed() -> None:
    rows = torch.from_numpy(photos()).permute(0, 3, 1, 2) / 255
    mixed = AugMix(PUBLISHED_OPERATIONS + EXTRA_OPERATIONS).mix(rows, torch.arange(5), torch.ones(5))
    assert mixed.min() >= 0 and mixed.max() <= 1 and not torch.equal(mixed, rows)
