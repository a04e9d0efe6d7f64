import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from matting.models import MattingOutput, fuse

logits = st.lists(st.floats(-20, 20), min_size=3, max_size=3)


def one_pixel(alpha, scores):
    scores = torch.tensor(scores)[None, :, None, None]
    return MattingOutput(torch.full((1, 1, 1, 1), alpha), scores, scores)


@given(st.floats(0, 1, width=32), logits)
def test_none_is_the_alpha_head(alpha, scores):
    assert fuse(one_pixel(alpha, scores), "none").item() == alpha


@pytest.mark.parametrize(("scores", "expected"), [([5.0, 0, 0], 0.0), ([0, 5.0, 0], 0.3), ([0, 0, 5.0], 1.0)])
def test_snap_follows_the_trimap_where_it_is_definite(scores, expected):
    assert fuse(one_pixel(0.3, scores), "snap").item() == pytest.approx(expected)


@given(st.floats(0, 1, width=32), logits)
def test_soft_is_the_expectation(alpha, scores):
    background, unknown, foreground = torch.tensor(scores).double().softmax(0)
    expected = 0 * background + alpha * unknown + 1 * foreground
    assert fuse(one_pixel(alpha, scores), "soft").item() == pytest.approx(expected.item(), abs=1e-6)


@pytest.mark.parametrize("fusion", ["none", "snap", "soft"])
@given(alpha=st.floats(0, 1, width=32), scores=logits)
def test_result_is_a_matte(fusion, alpha, scores):
    assert 0 <= fuse(one_pixel(alpha, scores), fusion).item() <= 1 + 1e-6


def test_other_fusions_are_refused():
    with pytest.raises(ValueError, match="expected none, snap or soft, found 'hard'"):
        fuse(one_pixel(0.5, [0.0, 0.0, 0.0]), "hard")
