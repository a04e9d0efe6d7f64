import json
import subprocess
import sys

import cv2
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from matting.metrics.functional import all_metrics, conn, grad, mad, mse, sad
from tests.metrics.reference import slow_metrics

METRICS = {"sad": sad, "mse": mse, "mad": mad, "grad": grad, "conn": conn}
PROTOCOLS = ("adobe", "p3m")


def blob(seed, shape, sharpness=6.0):
    noise = cv2.GaussianBlur(np.random.default_rng(seed).normal(size=shape).astype(np.float32), (0, 0), 4)
    return np.uint8(np.clip(128 + sharpness * 400 * noise, 0, 255))


@st.composite
def pairs(draw):
    """Generate a matte and a prediction of it: scaled, shifted, blurred or noisy; both uint8, soft or hard."""
    shape = draw(st.tuples(st.integers(5, 90), st.integers(5, 90)))
    seed = draw(st.integers(0, 10_000))
    target = blob(seed, shape, draw(st.sampled_from([0.3, 2.0, 8.0])))
    change = draw(st.sampled_from(["noise", "shift", "blur", "scale", "one pixel", "other"]))
    rng = np.random.default_rng(seed + 1)
    preds = {
        "noise": lambda: np.uint8(np.clip(target + rng.integers(-30, 31, shape), 0, 255)),
        "shift": lambda: np.roll(target, 3, axis=1),
        "blur": lambda: cv2.GaussianBlur(target, (0, 0), 2),
        "scale": lambda: np.uint8(target * draw(st.sampled_from([0.0, 0.05, 0.5, 0.97]))),
        "one pixel": lambda: np.where(np.arange(target.size).reshape(shape) == target.size // 2, 255 - target, target),
        "other": lambda: blob(seed + 2, shape),
    }[change]()
    return preds.astype(np.uint8), target, rng.random(shape) < 0.3


@settings(max_examples=200)
@given(pairs(), st.sampled_from(PROTOCOLS), st.booleans())
def test_agrees_with_the_definition_over_both_regions(pair, protocol, as_float):
    preds, target, unknown = pair
    trimap = np.where(unknown, 128, 255).astype(np.uint8)
    given_as = (preds / 255, target / 255) if as_float else (preds, target)
    values = all_metrics(*given_as, trimap, regions=("whole", "unknown"), protocol=protocol)
    for region, counted in (("whole", None), ("unknown", unknown)):
        if region == "unknown" and not unknown.any():
            continue
        for name, expected in slow_metrics(preds, target, counted, protocol).items():
            assert values[f"{name}/{region}"] == pytest.approx(expected, rel=1e-5, abs=1e-12), (name, region)


def test_small_case_by_hand():
    preds, target = np.array([[0, 51], [255, 255]], np.uint8), np.array([[0, 0], [255, 0]], np.uint8)
    assert sad(preds, target) == pytest.approx(1.2 / 1000)
    assert mad(preds, target) == pytest.approx(1.2 / 4)
    assert mse(preds, target) == pytest.approx((0.2**2 + 1) / 4)
    # The pixel at the lower right is in no component: l = 0, so φ = 1 − 1 against φ = 1.
    # The one above it has d = 0.2 against 0.
    assert conn(preds, target) == pytest.approx(1.2 / 1000)


def test_gradient_of_a_step_edge_has_unit_norm_kernels():
    target = np.zeros((40, 40), np.uint8)
    target[:, 20:] = 255
    x = np.arange(-4, 5)
    derivative, smoothing = x * np.exp(-(x**2) / 2 / 1.4**2), np.exp(-(x**2) / 2 / 1.4**2)
    derivative, smoothing = derivative / np.linalg.norm(derivative), smoothing / np.linalg.norm(smoothing)
    magnitude = smoothing.sum() * np.abs([derivative[k:].sum() for k in range(1, 9)])
    flat = np.zeros((40, 40), np.uint8)
    assert grad(flat, target) == pytest.approx(40 * (magnitude**2).sum() / 1000, rel=1e-5)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_identical_mattes_have_no_error_and_the_order_of_the_two_does_not_matter(metric, protocol):
    a, b = blob(0, (60, 50)), blob(1, (60, 50))
    assert metric(a, a, protocol=protocol) == 0
    assert metric(a, b, protocol=protocol) == pytest.approx(metric(b, a, protocol=protocol), rel=1e-5)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_arrays_tensors_and_dtypes_agree(metric):
    preds, target = blob(0, (60, 50)), blob(1, (60, 50))
    expected = metric(preds, target)
    as_float = preds.astype(np.float32) / np.float32(255), target.astype(np.float32) / np.float32(255)
    for p, g in (
        as_float,
        (as_float[0], target),
        (preds, target / 255),
        tuple(torch.from_numpy(a) for a in (preds, target)),
        (torch.from_numpy(as_float[0]).requires_grad_(), target),
        (np.asfortranarray(preds), target[::-1][::-1]),
    ):
        value = metric(p, g)
        assert type(value) is float
        assert value == pytest.approx(expected, rel=1e-5)
    half = torch.from_numpy(as_float[0]).bfloat16()
    assert metric(half, target) == pytest.approx(metric(half.float(), target))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_single_metrics_equal_the_joint_call(protocol):
    preds, target, trimap = blob(0, (150, 300)), blob(1, (150, 300)), np.full((150, 300), 128, np.uint8)
    trimap[:50] = 0
    ignore = blob(2, (150, 300)) > 128
    joint = all_metrics(preds, target, trimap, regions=("whole", "unknown"), protocol=protocol, ignore=ignore)
    for name, metric in METRICS.items():
        for region in ("whole", "unknown"):
            single = metric(preds, target, trimap, region=region, protocol=protocol, ignore=ignore)
            assert joint[f"{name}/{region}"] == pytest.approx(single, rel=1e-8)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_the_parts_of_an_image_add_up(metric):
    preds, target = blob(0, (60, 50)), blob(1, (60, 50))
    trimap = np.where(blob(2, (60, 50)) > 100, 128, 255).astype(np.uint8)
    unknown = metric(preds, target, trimap, region="unknown")
    rest = metric(preds, target, ignore=torch.from_numpy(trimap == 128))
    n, m = np.sum(trimap == 128), np.sum(trimap == 255)
    weights = (n / (n + m), m / (n + m)) if metric in (mse, mad) else (1, 1)
    assert weights[0] * unknown + weights[1] * rest == pytest.approx(metric(preds, target), rel=1e-6)


def test_127_and_128_are_both_unknown():
    preds, target = blob(0, (60, 50)), blob(1, (60, 50))
    trimaps = [np.full((60, 50), code, np.uint8) for code in (127, 128)]
    assert sad(preds, target, trimaps[0], region="unknown") == sad(preds, target, trimaps[1], region="unknown")
    assert sad(preds, target, trimaps[0], region="unknown") == sad(preds, target)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_no_unknown_pixel_no_error(metric):
    trimap = np.zeros((60, 50), np.uint8)
    assert metric(blob(0, (60, 50)), blob(1, (60, 50)), trimap, region="unknown") == 0
    assert metric(blob(0, (60, 50)), blob(1, (60, 50)), ignore=np.ones((60, 50), bool)) == 0


def test_masking_the_prediction_beforehand_changes_grad():
    # A soft prediction that leaks around the subject: cutting it at the trimap's edge makes an edge of its own.
    target = np.zeros((80, 80), np.uint8)
    target[30:50, 30:50] = 255
    preds = cv2.GaussianBlur(target, (0, 0), 8)
    trimap = np.full((80, 80), 128, np.uint8)
    trimap[:26], trimap[54:], trimap[:, :26], trimap[:, 54:] = 0, 0, 0, 0
    masked = np.where(trimap == 128, preds, target)
    as_is, pre_masked = (grad(p, target, trimap, region="unknown") for p in (preds, masked))
    assert pre_masked != pytest.approx(as_is, rel=0.05)


@pytest.mark.parametrize("value", [0, 77, 255])
def test_constant_alphas_have_no_gradient(value):
    constant, target = np.full((60, 50), value, np.uint8), blob(1, (60, 50))
    assert grad(constant, np.full((60, 50), 3, np.uint8)) == pytest.approx(0, abs=1e-12)
    assert grad(constant, target) == pytest.approx(grad(np.zeros((60, 50), np.uint8), target), rel=1e-6)


def test_protocols_differ_in_stretching_only_where_they_should():
    target = blob(1, (60, 50))
    assert grad(target // 2, target // 2 * 2, protocol="adobe") == pytest.approx(0, abs=1e-9)  # stretched to one range
    assert grad(target // 2, target // 2 * 2, protocol="p3m") > 0.1
    assert sad(target // 2, target, protocol="adobe") == sad(target // 2, target, protocol="p3m")


def test_reading_the_module_loads_no_logger_or_trainer():
    code = (
        "import sys, json, matting.metrics.functional; "
        "print(json.dumps([m for m in ('lightning', 'hydra', 'wandb', 'torchmetrics') if m in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_no_digit_depends_on_where_in_memory_arrays_lie(protocol):
    preds, target = blob(0, (300, 200)), blob(1, (300, 200))
    results, held = set(), []
    for size in range(16, 1616, 16):
        held.append(np.empty(size, np.uint8))  # moves the arrays of the next call
        results.add(tuple(metric(preds, target, protocol=protocol) for metric in METRICS.values()))
    assert len(results) == 1
