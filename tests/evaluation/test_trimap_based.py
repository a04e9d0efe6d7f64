from types import SimpleNamespace

import numpy as np
import pytest

from matting.data.test_sets import Example
from matting.evaluation.trimap_based import closed_form_method
from matting.trimap import implied_trimap


def soft_edge(side: int) -> Example:
    """Return a red subject on blue, mixed along a ramp, so that the colours determine alpha."""
    ramp = np.clip(np.linspace(-2, 3, side), 0, 1) * np.ones((side, 1))
    alpha = np.rint(ramp * 255).astype(np.uint8)
    image = np.dstack([alpha, np.zeros_like(alpha), 255 - alpha])
    return Example("ramp", image, alpha, implied_trimap(alpha))


@pytest.mark.slow
@pytest.mark.parametrize("side", [60, 200])
def test_closed_form_recovers_alpha_from_the_colours(side):
    example = soft_edge(side)
    alpha = closed_form_method(size=100)(example)
    assert alpha.shape == (side, side) and alpha.dtype == np.float32
    assert np.abs(alpha - example.alpha / 255).mean() < 0.01


def test_a_trimap_without_one_sure_region_leaves_the_unknown_region_at_one_half():
    example = soft_edge(40)
    method = closed_form_method()
    everything = method(example._replace(trimap=np.full_like(example.trimap, 128)))
    assert (everything == 0.5).all()
    no_background = np.maximum(example.trimap, 128)
    assert set(np.unique(method(example._replace(trimap=no_background)))) == {0.5, 1.0}


def test_what_the_solver_prints_is_not_shown(monkeypatch, capsys):
    def talkative(image, trimap):
        print("PERFORMANCE WARNING:")
        return trimap

    solver = SimpleNamespace(estimate_alpha_cf=talkative)
    monkeypatch.setattr("matting.closed_form.require", lambda *_: solver)
    assert closed_form_method()(soft_edge(40)).shape == (40, 40)
    assert capsys.readouterr() == ("", "")
