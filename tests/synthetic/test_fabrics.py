import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matting.synthetic.fabrics import PATTERNS, cloth


@pytest.mark.parametrize("scale", [2.0, 9.0])
def test_cloth_is_about_its_colour(scale: float) -> None:
    woven = cloth(np.random.default_rng(5), 81, 63, (0.6, 0.3, 0.2), scale, kind="plain")
    assert woven.shape == (81, 63, 3)
    mean = woven.mean(axis=(0, 1))
    assert mean[0] > mean[1] > mean[2] and woven.std() > 0.01


@pytest.mark.parametrize("kind", PATTERNS)
@given(seed=st.integers(0, 999), height=st.integers(1, 90), width=st.integers(1, 90), scale=st.floats(1.5, 30))
@settings(max_examples=8, deadline=None)
def test_every_pattern_covers_a_cloth_of_any_size(kind: str, seed: int, height: int, width: int, scale: float) -> None:
    woven = cloth(np.random.default_rng(seed), height, width, (0.5, 0.4, 0.3), scale, kind=kind)
    assert woven.shape == (height, width, 3) and woven.dtype == np.float32
    assert np.isfinite(woven).all() and woven.min() >= 0 and woven.max() <= 1


def test_cloths_are_as_quiet_as_a_wall_or_as_busy_as_a_print() -> None:
    cloths = [cloth(np.random.default_rng(seed), 64, 64, (0.4, 0.3, 0.5), 6.0) for seed in range(40)]
    contrasts = [woven.mean(axis=2).std() for woven in cloths]
    assert min(contrasts) < 0.04 and max(contrasts) > 0.15
