import numpy as np
import pytest
import torch

from matting.metrics.functional import all_metrics, conn, grad, mad, mse, sad

GOOD = np.full((6, 8), 0.5, np.float32)
CODES = np.full((6, 8), 128, np.uint8)


def changed(value):
    alpha = GOOD.copy()
    alpha[2, 3] = value
    return alpha


@pytest.mark.parametrize("metric", [sad, mse, mad, grad, conn, all_metrics])
@pytest.mark.parametrize("side", ["preds", "target"])
@pytest.mark.parametrize(
    ("bad", "error", "message"),
    [
        (changed(np.nan), ValueError, "expected finite values"),
        (changed(np.inf), ValueError, "expected finite values"),
        (changed(1.01), ValueError, r"found 0.5 to 1.01; divide 8-bit codes by 255"),
        (changed(-0.01), ValueError, "found -0.01 to 0.5"),
        (GOOD * 255, ValueError, "divide 8-bit codes by 255"),
        (CODES.astype(np.int64), TypeError, "found int64"),
        (CODES.astype(np.uint16), TypeError, "divide integers by their largest code"),
        (CODES > 3, TypeError, "found bool"),
        (GOOD[None], ValueError, r"found \(1, 6, 8\)"),
        (np.dstack([GOOD] * 3), ValueError, "drop the channel axis"),
        (GOOD[:0], ValueError, "at least one pixel"),
        (GOOD.tolist(), TypeError, "found list"),
        (None, TypeError, "found NoneType"),
        (GOOD[:-1], ValueError, "resize the prediction"),
        (torch.full((6, 8), torch.nan), ValueError, "expected finite values"),
    ],
)
def test_invalid_mattes_are_refused(metric, side, bad, error, message):
    pair = {"preds": GOOD, "target": GOOD, side: bad}
    with pytest.raises(error, match=message):
        metric(**pair)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"region": "unknown"}, ValueError, "trimap_from_alpha"),
        ({"region": "unknown", "trimap": CODES[:-1]}, ValueError, r"found \(5, 8\)"),
        ({"region": "unknown", "trimap": GOOD}, TypeError, "found float32"),
        ({"region": "unknown", "trimap": CODES - 2}, ValueError, r"found \[126\]"),
        ({"region": "unknown", "trimap": np.ones((6, 8), np.uint8)}, ValueError, r"found \[1\]"),
        ({"region": "fg"}, ValueError, "found 'fg'"),
        ({"protocol": "mmagic"}, ValueError, "found 'mmagic'"),
        ({"ignore": GOOD}, TypeError, "boolean or integer"),
        ({"ignore": CODES[:-1]}, ValueError, r"found \(5, 8\)"),
    ],
)
@pytest.mark.parametrize("metric", [sad, mse, mad, grad, conn])
def test_invalid_options_are_refused(metric, options, error, message):
    with pytest.raises(error, match=message):
        metric(GOOD, GOOD, **options)


def test_inputs_are_not_modified():
    preds, target = changed(0.9), GOOD.copy()
    all_metrics(preds, target, CODES, regions=("whole", "unknown"), ignore=CODES > 200)
    np.testing.assert_array_equal(preds, changed(0.9))
    np.testing.assert_array_equal(target, GOOD)
