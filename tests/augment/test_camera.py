import pytest
import torch
from kornia.color import rgb_to_linear_rgb

from matting.augment import CameraBlur, LayeredImage, compose
from matting.augment.camera import expose, sensor_noise, unclip
from matting.augment.kernels import convolve, linear_motion
from matting.augment.randomness import Keys

from .conftest import make_batch

KEYS = torch.arange(6) * 13


def layers_of(rows: int = 6, photo: bool = False) -> LayeredImage:
    batch = make_batch(rows, 48)
    foreground, background, alpha = batch.foreground / 255, batch.background / 255, batch.alpha / 255
    if photo:
        foreground = background
    return LayeredImage(compose(foreground, background, alpha), alpha, foreground, background)


def run(blur: CameraBlur, layers: LayeredImage, severity: float = 1.0) -> tuple[torch.Tensor, torch.Tensor]:
    degraded = blur.degrade(layers, Keys(KEYS, KEYS + 1), torch.full((6,), severity))
    return degraded.image, degraded.alpha


def test_severity_zero_returns_image_and_alpha_bit_for_bit() -> None:
    layers = layers_of()
    image, alpha = run(CameraBlur(subject=0.5, alpha="blurred"), layers, severity=0.0)
    assert torch.equal(image, layers.image) and torch.equal(alpha, layers.alpha)


def test_the_camera_leaves_alpha_sharp_or_blurs_it_along() -> None:
    layers = layers_of()
    sharp, kept = run(CameraBlur(subject=0), layers)
    both, moved = run(CameraBlur(subject=0, alpha="blurred"), layers)
    assert torch.equal(sharp, both) and torch.equal(kept, layers.alpha)
    assert ((moved - layers.alpha).abs().amax(dim=(1, 2, 3)) > 0.01).all()


def test_a_moving_subject_leaves_the_background_and_takes_its_matte_along() -> None:
    layers = layers_of()
    clean = CameraBlur(subject=1, extent=(0.2, 0.2), noise=0, quality=95)
    image, alpha = run(clean, layers)
    assert ((alpha - layers.alpha).abs().amax(dim=(1, 2, 3)) > 0.1).all()
    torch.testing.assert_close(alpha.sum(dim=(1, 2, 3)), layers.alpha.sum(dim=(1, 2, 3)), rtol=1e-3, atol=0)
    untouched = (alpha < 1e-3).expand_as(image)
    assert (image - layers.background)[untouched].abs().mean() < 0.02  # what JPEG at 95 leaves over


def test_the_subject_s_motion_is_the_matting_equation_on_blurred_layers() -> None:
    layers = layers_of(1)
    kernel = linear_motion(torch.tensor([6.0]), torch.tensor([0.0]), 4)
    light, alpha = expose(layers, kernel, torch.ones(1, 1, 1, 1, dtype=torch.bool))
    premultiplied = convolve(rgb_to_linear_rgb(layers.foreground) * layers.alpha, kernel)
    expected_alpha = convolve(layers.alpha, kernel)
    expected = premultiplied + (1 - expected_alpha) * rgb_to_linear_rgb(layers.background)
    torch.testing.assert_close(alpha, expected_alpha.clamp(0, 1), atol=1e-6, rtol=0)
    torch.testing.assert_close(light, expected.clamp(0, 1), atol=1e-5, rtol=0)


def test_in_photos_only_the_camera_moves() -> None:
    photo = layers_of(photo=True)
    subject, alpha = run(CameraBlur(subject=1), photo)
    assert torch.equal(alpha, photo.alpha)
    camera, _ = run(CameraBlur(subject=0), photo)
    assert torch.equal(subject, camera)


def test_blur_happens_in_linear_light_and_highlights_bloom() -> None:
    gray = torch.full((1, 3, 33, 33), 0.3)
    lamp = gray.clone()
    lamp[:, :, 14:19, 14:19] = 1.0
    alpha = torch.zeros(1, 1, 33, 33)
    kernel = linear_motion(torch.tensor([10.0]), torch.tensor([0.0]), 6)
    camera = torch.zeros(1, 1, 1, 1, dtype=torch.bool)
    light, _ = expose(LayeredImage(lamp, alpha, lamp, gray), kernel, camera)
    plain = convolve(rgb_to_linear_rgb(lamp), kernel)
    assert light[0, 0, 16, 16] == 1  # still clipped, where a blur of display values would have dimmed it
    assert plain[0, 0, 16, 16] < 0.6 and light.sum() > plain.sum()
    dark, _ = expose(LayeredImage(gray, alpha, gray, gray), kernel, camera)
    torch.testing.assert_close(dark, rgb_to_linear_rgb(gray), atol=1e-6, rtol=0)  # energy is conserved below clipping


def test_unclip_changes_highlights_only_and_keeps_their_colour() -> None:
    light = torch.tensor([[0.2, 0.5, 0.89], [0.95, 0.95, 0.95], [1.0, 1.0, 1.0], [1.0, 0.2, 0.1]])[:, :, None, None]
    found = unclip(light)
    assert torch.equal(found[[0, 3]], light[[0, 3]])
    torch.testing.assert_close(found[1] / light[1], torch.full((3, 1, 1), 1.75))
    torch.testing.assert_close(found[2], torch.full((3, 1, 1), 4.0))


def test_sensor_noise_has_the_variance_asked_for() -> None:
    light = torch.full((2, 3, 128, 128), 0.5)
    light[1] = 0.2
    shot, read = torch.tensor([0.004, 0.0]), torch.tensor([0.01, 0.02])
    noise = sensor_noise(light, shot, read, KEYS[:2]) - light
    expected = torch.tensor([0.004 * 0.5 + 0.01**2, 0.02**2])
    torch.testing.assert_close(noise.var(dim=(1, 2, 3)), expected, rtol=0.03, atol=0)


def test_the_share_of_touched_rows_is_the_probability() -> None:
    rows = 200
    layers = LayeredImage(*(layer[:1, ..., :16, :16].expand(rows, -1, -1, -1) for layer in layers_of(1)))
    keys = Keys(torch.arange(rows), torch.arange(rows))
    image = CameraBlur(p=0.3).planned(layers, keys, torch.ones(rows)).image
    touched = (image != layers.image).flatten(1).any(1).sum()
    assert 37 <= touched <= 83  # binomial(200, 0.3) within 3.5 sigma


@pytest.mark.parametrize(
    "bad", [{"p": 2.0}, {"subject": -1.0}, {"extent": (0.3, 0.1)}, {"alpha": "soft"}, {"quality": 99.0}]
)
def test_bad_arguments_are_refused(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="expected"):
        CameraBlur(**bad)  # type: ignore[arg-type]
