import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from matting.synthetic.brush import dead_leaves
from matting.synthetic.layers import Frame, fill
from matting.synthetic.textures import natural_colour, noise, random_light, shade


@given(st.integers(0, 999), st.integers(1, 70), st.integers(1, 70), st.floats(0.5, 200), st.integers(1, 9))
@settings(max_examples=60)
def test_noise_has_the_size_and_range_asked_for(seed: int, height: int, width: int, cell: float, octaves: int) -> None:
    plane = noise(np.random.default_rng(seed), height, width, cell, octaves)
    assert plane.shape == (height, width) and plane.dtype == np.float32
    assert plane.min() >= 0 and plane.max() <= 1


def slope(plane: np.typing.NDArray[np.float32]) -> float:
    """Exponent of the power spectrum between 1/40 and 1/5 of the sampling rate."""
    side = len(plane)
    window = np.hanning(side)[:, None] * np.hanning(side)
    power = np.abs(np.fft.fft2((plane - plane.mean()) * window)) ** 2
    radius = np.hypot(np.fft.fftfreq(side)[:, None], np.fft.fftfreq(side)[None])
    band = (radius > 1 / 40) & (radius < 1 / 5)
    return float(np.polyfit(np.log(radius[band]), np.log(power[band] + 1e-12), 1)[0])


def test_a_slower_fade_leaves_more_detail() -> None:
    steep, flat = (slope(noise(np.random.default_rng(0), 128, 128, 64, 7, fade)) for fade in (0.5, 0.85))
    assert steep < flat - 0.5


def test_colours_are_dull_as_a_rule_and_vivid_if_asked() -> None:
    def chroma(vivid: float) -> float:
        rng = np.random.default_rng(3)
        colours = np.stack([natural_colour(rng, vivid=vivid) for _ in range(400)])
        assert colours.min() >= 0 and colours.max() <= 0.95
        return float(np.median((colours.max(axis=1) - colours.min(axis=1)) / colours.max(axis=1)))

    assert chroma(0.0) < 0.3 < 0.5 < chroma(1.0)


def test_dead_leaves_have_the_spectrum_of_photos() -> None:
    palette = np.random.default_rng(1).random((8, 3)).astype(np.float32)
    slopes = [slope(dead_leaves(np.random.default_rng(k), 192, 192, palette).mean(axis=2)) for k in range(4)]
    assert -3.5 < np.mean(slopes) < -1.2


def test_a_part_that_grows_out_of_a_body_has_no_seam() -> None:
    frame = Frame(80, 80, 40.0, (40.0, 40.0))
    square = np.array([(-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8)])
    body, part, light = fill(frame, square), fill(frame, square * 0.5), random_light(np.random.default_rng(0))
    alone, joined = (shade(part, (0.5, 0.5, 0.5), light, 1.0, below)[..., :3] for below in (None, body))
    inside = np.s_[28:52, 28:52]
    assert joined[inside].std() < 0.8 * alone[inside].std()
