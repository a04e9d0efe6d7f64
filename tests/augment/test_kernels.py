import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage, signal

from matting.augment.kernels import camera_shake, convolve, disc, linear_motion

RADIUS = 9
KEYS = torch.arange(6)
AMOUNT = torch.tensor([0.0, 1.0, 2.5, 7.0, 12.0, 18.0])
KERNELS = {
    "motion": linear_motion(AMOUNT, torch.linspace(0, 3, 6), RADIUS),
    "shake": camera_shake(AMOUNT, KEYS, RADIUS),
    "disc": disc(AMOUNT / 2, RADIUS),
}


def image(rows: int = 6, side: int = 40) -> torch.Tensor:
    return torch.rand(rows, 3, side, side + 7, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS.keys())
def test_kernels_conserve_energy_stay_centred_and_start_at_the_identity(kernel: torch.Tensor) -> None:
    pixels = torch.arange(-RADIUS, RADIUS + 1.0)
    torch.testing.assert_close(kernel.sum(dim=(1, 2)), torch.ones(6))
    assert (kernel >= 0).all()
    torch.testing.assert_close((kernel.sum(1) * pixels).sum(1), torch.zeros(6), atol=2e-3, rtol=0)
    torch.testing.assert_close((kernel.sum(2) * pixels).sum(1), torch.zeros(6), atol=2e-3, rtol=0)
    identity = torch.zeros(2 * RADIUS + 1, 2 * RADIUS + 1)
    identity[RADIUS, RADIUS] = 1
    assert torch.equal(kernel[0], identity)


@pytest.mark.parametrize("kernel", KERNELS.values(), ids=KERNELS.keys())
def test_convolution_against_scipy_with_each_row_s_kernel(kernel: torch.Tensor) -> None:
    layer = image()
    found = convolve(layer, kernel)
    for row in range(6):
        for channel in range(3):
            expected = ndimage.convolve(
                layer[row, channel].double().numpy(), kernel[row].double().numpy(), mode="mirror"
            )
            np.testing.assert_allclose(found[row, channel].numpy(), expected, atol=2e-6)


def test_disc_against_a_supersampled_disc() -> None:
    found = disc(torch.tensor([5.3]), RADIUS)[0].numpy()
    fine = (np.arange(19 * 16) + 0.5) / 16 - 9.5
    inside = (np.hypot(fine[:, None], fine[None, :]) < 5.3).astype(float)
    expected = inside.reshape(19, 16, 19, 16).mean(axis=(1, 3))
    np.testing.assert_allclose(found, expected / expected.sum(), atol=1.5e-3)


@settings(max_examples=20)
@given(st.floats(2, 16), st.floats(0, 3.14))
def test_motion_lies_on_its_line_with_the_spread_of_a_uniform_stroke(length: float, angle: float) -> None:
    kernel = linear_motion(torch.tensor([length]), torch.tensor([angle]), RADIUS)[0]
    pixels = torch.arange(-RADIUS, RADIUS + 1.0)
    along = pixels[None, :] * np.cos(angle) + pixels[:, None] * np.sin(angle)
    across = pixels[:, None] * np.cos(angle) - pixels[None, :] * np.sin(angle)
    assert ((kernel > 0) & (across.abs() > 1.5)).sum() == 0
    assert abs((kernel * along**2).sum() - length**2 / 12) < 0.35  # bilinear splatting adds up to 1/4


def test_a_horizontal_motion_keeps_every_row_and_box_filters_along_it() -> None:
    edge = (torch.arange(48) >= 24).float().expand(1, 3, 30, 48)
    kernel = linear_motion(torch.tensor([8.0]), torch.tensor([0.0]), RADIUS)
    blurred = convolve(edge, kernel)
    torch.testing.assert_close(blurred, blurred[:, :, :1].expand_as(blurred), atol=1e-6, rtol=0)
    ramp = blurred[0, 0, 0]
    assert (ramp[:19] < 1e-5).all() and (ramp[29:] > 1 - 1e-5).all() and (ramp[20:28].diff() > 0.1).all()
    torch.testing.assert_close(convolve(edge.transpose(2, 3), kernel), edge.transpose(2, 3), atol=1e-6, rtol=0)


def test_an_asymmetric_kernel_is_convolved_not_correlated() -> None:
    kernel = torch.zeros(1, 5, 5)
    kernel[0, 2, 4] = 1
    layer = image(1)
    expected = signal.convolve2d(layer[0, 0].numpy(), kernel[0].numpy(), mode="same")
    np.testing.assert_allclose(convolve(layer, kernel)[0, 0, :, 4:].numpy(), expected[:, 4:], atol=1e-6)


def test_shake_fills_its_extent_and_differs_between_keys() -> None:
    kernels = camera_shake(torch.full((6,), 14.0), KEYS, RADIUS)
    pixels = torch.arange(-RADIUS, RADIUS + 1.0)
    reach = torch.stack([torch.hypot(pixels[:, None], pixels)[kernel > 0].max() for kernel in kernels])
    assert (reach > 6).all() and (reach < 8.5).all()
    assert (kernels[0] - kernels[1:]).abs().sum(dim=(1, 2)).min() > 0.1
