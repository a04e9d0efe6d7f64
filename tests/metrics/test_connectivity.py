import cv2
import numpy as np
import pytest

from matting.metrics.connectivity import connected_levels
from matting.metrics.functional import conn
from tests.metrics.reference import largest_component, slow_metrics


def matte(height=40, width=60):
    return np.zeros((height, width), np.uint8)


def agrees(preds, target, protocol="adobe"):
    value = conn(preds, target, protocol=protocol)
    assert value == pytest.approx(slow_metrics(preds, target, protocol=protocol)["conn"], rel=1e-5, abs=1e-12)
    return value


@pytest.mark.parametrize("protocol", ["adobe", "p3m"])
@pytest.mark.parametrize("strength", [0, 20, 60, 130])
def test_an_empty_or_weak_prediction_has_its_full_error(strength, protocol):
    target = matte()
    target[10:30, 10:40] = 255
    value = agrees(np.minimum(target, strength).astype(np.uint8), target, protocol)
    # Up to level k both are connected; above it the target alone has d = 1 − k/10.
    level = np.floor(strength / 25.5) / 10
    lag = strength / 255 - level
    assert value == pytest.approx(0.6 * (1 - level - lag * (lag >= 0.15)), rel=1e-5)


def test_the_background_is_never_a_component():
    preds = matte(100, 100)
    preds[50, 50] = 255
    target = preds.copy()
    target[50, 51] = 255
    assert agrees(preds, target) == pytest.approx(1 / 1000)


def test_an_island_larger_than_the_subject_takes_its_place():
    subject, island = np.s_[10:20, 5:15], np.s_[5:35, 30:55]
    target, preds = matte(), matte()
    target[subject] = preds[island] = target[island] = 255
    preds[subject] = 200
    # The subject is not in the largest component at any level, so l = 0: φ = 1 − 200/255 against 1 − 1.
    assert agrees(preds, target) == pytest.approx(100 * (1 - 200 / 255) / 1000, rel=1e-5)


def test_an_island_that_takes_over_halfway_ends_the_count():
    target = matte()
    target[5:35, 5:25], target[5:15, 40:50] = 100, 255
    preds = target.copy()
    preds[5, 5] = 90
    preds[5, 45] = 240
    # Largest up to 0.3: the left block (100/255 = 0.39). From 0.4 on the right one, which was not in it below.
    levels = connected_levels(np.minimum(preds, target), np.arange(1, 11) * 25.5, column_major=True)
    assert levels[10, 10] == 3
    assert levels[10, 45] == 0
    agrees(preds, target)


@pytest.mark.parametrize("protocol", ["adobe", "p3m"])
def test_of_two_equal_components_the_first_in_memory_order_counts(protocol):
    target = matte(30, 60)
    target[20:25, 5:15] = 255  # first by columns
    target[3:8, 40:50] = 255  # first by rows
    preds = target.copy()
    preds[22, 10] = 128
    in_first = protocol == "adobe"
    # In the component l = 0.5 and d of the prediction is under θ; outside it l = 0 and d is the alpha itself.
    expected = 0.5 if in_first else 1 - 128 / 255
    assert agrees(preds, target, protocol) == pytest.approx(expected / 1000, rel=1e-5)


def test_a_diagonal_touch_does_not_connect():
    target = matte()
    target[5:20, 5:20] = 255
    target[20:26, 20:26] = 255
    preds = target.copy()
    preds[22, 22] = 128
    assert agrees(preds, target) == pytest.approx((1 - 128 / 255) / 1000, rel=1e-5)
    joined = target.copy()
    joined[20, 19] = 255
    preds[20, 19] = 255
    assert agrees(preds, joined) == pytest.approx(0.5 / 1000, rel=1e-5)


def test_thresholds_are_compared_in_float32_by_adobe_and_in_float64_by_p3m():
    target = matte()
    target[5:35, 5:35] = 255
    preds = target.copy()
    preds[20, 20] = 153  # 153 / 255 is 0.6, or a little less than 6 · 0.1 in float64
    assert agrees(preds, target, "adobe") == pytest.approx((1 - 0.6) / 1000, rel=1e-5)
    assert agrees(preds, target, "p3m") == pytest.approx((1 - 0.5) / 1000, rel=1e-5)
    assert conn(preds.astype(np.float32) / 255, target) == pytest.approx(0.4 / 1000, rel=1e-5)
    assert conn(preds / 255, target, protocol="p3m") == pytest.approx(0.5 / 1000, rel=1e-5)


def test_many_islands_and_no_majority():
    rng = np.random.default_rng(0)
    for density in (0.3, 0.5, 0.6):
        target = np.where(rng.random((50, 70)) < density, rng.integers(0, 256, (50, 70)), 0).astype(np.uint8)
        preds = np.where(rng.random((50, 70)) < 0.2, rng.integers(0, 256, (50, 70)), target).astype(np.uint8)
        for protocol in ("adobe", "p3m"):
            agrees(preds, target, protocol)


def test_two_people_of_about_one_size_with_loose_strands():
    target = matte(300, 400)
    cv2.ellipse(target, (110, 180), (80, 110), 0, 0, 360, 255, -1)
    cv2.ellipse(target, (300, 180), (78, 110), 0, 0, 360, 255, -1)
    rng = np.random.default_rng(0)
    for x, y in rng.integers(0, 60, (40, 2)) * (6, 1):
        target[y, x : x + 4] = 255
    soft = cv2.GaussianBlur(target, (0, 0), 3)
    for threshold in (1, 128, 250):
        mask = np.uint8(soft >= threshold)
        levels = connected_levels(mask, np.array([1]), column_major=True)
        np.testing.assert_array_equal(levels == 1, largest_component(mask > 0, column_major=True))
    agrees(cv2.GaussianBlur(target, (0, 0), 1), soft)


@pytest.mark.parametrize("shape", [(1, 1), (1, 4), (4, 1), (1, 40), (40, 1), (17, 16)])
def test_any_size(shape):
    rng = np.random.default_rng(0)
    for _ in range(5):
        agrees(*(rng.integers(0, 256, shape).astype(np.uint8) for _ in range(2)))
