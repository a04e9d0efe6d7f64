import torch
from hypothesis import given
from hypothesis import strategies as st
from kornia.color import linear_rgb_to_rgb, rgb_to_linear_rgb

from matting.augment import compose


def test_compose_is_the_matting_equation() -> None:
    foreground, background = torch.rand(2, 3, 5, 7), torch.rand(2, 3, 5, 7)
    alpha = torch.rand(2, 1, 5, 7)
    expected = alpha * foreground + (1 - alpha) * background
    torch.testing.assert_close(compose(foreground, background, alpha), expected)


@given(st.booleans(), st.integers(0, 1000))
def test_a_photo_as_both_layers_comes_back_bit_for_bit(linear_light: bool, seed: int) -> None:
    photo = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(seed))
    alpha = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(seed + 1))
    assert torch.equal(compose(photo, photo, alpha, linear_light), photo)


def test_linear_light_mixes_photons() -> None:
    white, black, half = torch.ones(1, 3, 1, 1), torch.zeros(1, 3, 1, 1), torch.full((1, 1, 1, 1), 0.5)
    torch.testing.assert_close(compose(white, black, half, linear_light=True), torch.full((1, 3, 1, 1), 0.735357))


def test_srgb_round_trip_and_known_points() -> None:
    levels = torch.linspace(0, 1, 256).expand(3, 1, 256)
    torch.testing.assert_close(linear_rgb_to_rgb(rgb_to_linear_rgb(levels)), levels, atol=2e-6, rtol=0)
    half = torch.full((3, 1, 1), 0.5)
    torch.testing.assert_close(rgb_to_linear_rgb(half), torch.full((3, 1, 1), 0.214041), atol=1e-6, rtol=0)
