import numpy as np
import pytest
import torch
from scipy import signal

from matting.augment import LayerGaps
from matting.augment.gaps import match_light, wiener

from .conftest import make_batch

KEYS = torch.arange(6)


def layers() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    batch = make_batch(6)
    return batch.foreground / 255, batch.background / 255, batch.alpha / 255


EACH = [{"denoise": 1.0}, {"noise": 1.0}, {"defocus": 1.0}, {"light": 1.0}]


@pytest.mark.parametrize("switch", EACH)
def test_each_switch_changes_composites_and_neither_clean_rows_nor_photos(switch: dict[str, float]) -> None:
    foreground, background, alpha = layers()
    background[3:] = foreground[3:]
    severity = torch.tensor([0.0, 1.0, 1.0, 1.0, 1.0, 0.0])
    changed = LayerGaps(**switch)(foreground, background, alpha, KEYS, severity)
    for before, after in zip((foreground, background), changed, strict=True):
        assert torch.equal(before[[0, 3, 4, 5]], after[[0, 3, 4, 5]])
        assert after.min() >= 0 and after.max() <= 1
    moved = torch.stack([(changed[i] - (foreground, background)[i])[1:3].abs().sum() > 0 for i in (0, 1)])
    assert moved.tolist() == {"denoise": [True, True], "noise": [True, True], "defocus": [False, True]}.get(
        next(iter(switch)), [True, False]
    )


def test_everything_is_off_by_default() -> None:
    foreground, background, alpha = layers()
    found = LayerGaps()(foreground, background, alpha, KEYS, torch.ones(6))
    assert torch.equal(found[0], foreground) and torch.equal(found[1], background)


def test_wiener_against_scipy() -> None:
    rng = np.random.default_rng(0)
    plane = np.clip(0.5 + 0.2 * np.sin(np.arange(40) / 5)[:, None] + rng.normal(0, 0.05, (40, 44)), 0, 1)
    found = wiener(torch.from_numpy(plane).float()[None, None], torch.tensor([0.05]))[0, 0].numpy()
    expected = signal.wiener(plane, 5, noise=0.05**2)
    np.testing.assert_allclose(found[2:-2, 2:-2], expected[2:-2, 2:-2], atol=1e-4)
    assert (
        np.abs(wiener(torch.from_numpy(plane).float()[None, None], torch.zeros(1))[0, 0].numpy() - plane).max() < 1e-5
    )


def test_match_light_moves_the_subject_s_statistics() -> None:
    foreground, background, alpha = layers()
    amount = torch.tensor([1.0, 0.0, -1.0, 0.5, 1.0, 1.0])
    found = match_light(foreground, background, alpha, amount)
    torch.testing.assert_close(found[1], foreground[1])
    means = (found * alpha).sum(dim=(2, 3)) / alpha.sum(dim=(2, 3))
    before, goal = (foreground * alpha).sum(dim=(2, 3)) / alpha.sum(dim=(2, 3)), background.mean(dim=(2, 3))
    torch.testing.assert_close(means[0], goal[0], atol=0.02, rtol=0)
    torch.testing.assert_close(means[3], (before[3] + goal[3]) / 2, atol=0.02, rtol=0)
    torch.testing.assert_close(means[2], 2 * before[2] - goal[2], atol=0.02, rtol=0)


def test_a_probability_outside_the_unit_interval_is_refused() -> None:
    with pytest.raises(ValueError, match=r"defocus=1\.5"):
        LayerGaps(defocus=1.5)
