import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from matting.metrics.windows import windows


@settings(max_examples=60)
@given(st.integers(1, 300), st.integers(1, 600), st.integers(0, 6), st.integers(0, 999), st.integers(0, 9))
def test_windows_are_disjoint_and_cover_all_that_active_pixels_reach(height, width, margin, seed, count):
    rng = np.random.default_rng(seed)
    active = np.zeros((height, width), np.uint8)
    points = [(int(rng.integers(height)), int(rng.integers(width))) for _ in range(count)]
    reached = np.zeros((height, width), bool)
    for y, x in points:
        active[y, x] = 255
        reached[max(y - margin, 0) : y + margin + 1, max(x - margin, 0) : x + margin + 1] = True
    covered = np.zeros((height, width), int)
    for window in windows(active, margin):
        covered[window] += 1
    assert covered.max() <= 1
    assert (covered[reached] == 1).all()
    assert count or not covered.any()
