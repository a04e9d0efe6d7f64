import json

import numpy as np
import pytest

from matting.data.test_sets import Example, Pair
from matting.evaluation import Description, Prediction, Setting, all_foreground, evaluate
from matting.evaluation.diagnosis import (
    BAND_TITLES,
    CALIBRATION,
    COLOUR,
    HOLE_AREA,
    HOLES,
    QUANTITIES,
    RING_TITLES,
    SPILL,
    diagnose,
)
from matting.evaluation.report import write_report
from matting.evaluation.report.tables import diagnosis_tables
from matting.evaluation.summary import mean_diagnosis
from matting.trimap import implied_trimap

TARGET = np.zeros((200, 200), np.uint8)
TARGET[:, 100:] = 255
TARGET[:, 98:100] = 128  # alpha 0.5: between 0.3 and 0.8


def example_of(target):
    return Example("x", np.repeat(target[..., None], 3, axis=2), target, implied_trimap(target))


def diagnose_matte(alpha, target):
    return diagnose(example_of(target), Prediction(alpha))


def test_error_is_found_in_its_band_and_ring():
    alpha = TARGET.astype(np.float32) / 255
    alpha[:, 98:100] += 0.2
    alpha[:, :30] = 0.4
    found = diagnose_matte(alpha, TARGET)
    assert found[BAND_TITLES[1]] == pytest.approx(0.2, abs=1e-5)
    assert np.isnan(found[BAND_TITLES[0]]) and np.isnan(found[BAND_TITLES[2]])
    assert found[RING_TITLES[3]] > 0.1 and found[RING_TITLES[1]] == pytest.approx(0, abs=1e-6)
    assert found[HOLES] == 0 and found[HOLE_AREA] == 0
    assert tuple(found) == QUANTITIES


def test_holes_are_counted_in_the_sure_foreground():
    alpha = TARGET.astype(np.float32) / 255
    alpha[20:30, 150:160] = 0
    alpha[60:70, 150:160] = 0.5
    found = diagnose_matte(alpha, TARGET)
    assert found[HOLES] == 2 and 0 < found[HOLE_AREA] < 0.02


def test_jpeg_noise_in_the_truth_makes_no_edge():
    noise = np.random.default_rng(0).integers(-4, 5, TARGET.shape)
    noisy = np.clip(TARGET.astype(int) + noise, 0, 255).astype(np.uint8)
    noisy[:, 98:100] = 128
    alpha = np.full(TARGET.shape, 0.5, np.float32)
    assert diagnose_matte(alpha, noisy) == pytest.approx(diagnose_matte(alpha, TARGET), nan_ok=True)


def test_means_leave_out_images_without_the_quantity(discs, too_transparent):
    evaluation = evaluate({"clear": too_transparent, "all": all_foreground}, discs)
    means = mean_diagnosis(evaluation, "clear")
    expected = [diagnose_matte(too_transparent(pair.load()), pair.load().alpha)[RING_TITLES[0]] for pair in discs]
    assert means[RING_TITLES[0]] == pytest.approx(np.mean(expected))
    assert means[RING_TITLES[3]] is None  # no pixel of so small an image is 64 away from the edge
    (table,) = diagnosis_tables(evaluation)
    assert [row[0] for row in table.rows] == ["clear", "all"] and "none" in table.rows[0]
    assert {len(row) for row in table.rows} == {len(table.header)}


def test_images_with_an_ignore_mask_have_no_diagnosis(discs, too_transparent, tmp_path):
    example = discs[0].load()
    masked = Pair("masked", lambda: example._replace(ignore=np.zeros_like(example.alpha)), "toy")
    evaluation = evaluate({"m": too_transparent}, [masked])
    assert not evaluation.diagnoses and diagnosis_tables(evaluation) == []
    write_report(tmp_path, evaluation, {"m": too_transparent}, Setting("t", "c", {"m": Description("m")}, 1.0))
    results = json.loads((tmp_path / "results.json").read_text(), parse_constant=pytest.fail)
    assert set(results["diagnoses"]["m"].values()) == {None}


@pytest.mark.parametrize(("confidence", "error"), [(1.0, 0.0), (0.7, 0.3)])
def test_a_trimap_is_judged_at_its_own_size(confidence, error):
    example = example_of(TARGET)
    classes = np.searchsorted([0, 128, 255], example.trimap[::2, ::2])
    probabilities = np.where(np.arange(3)[:, None, None] == classes, confidence, (1 - confidence) / 2)
    prediction = Prediction(TARGET.astype(np.float32) / 255, probabilities.astype(np.float32))
    assert diagnose(example, prediction)[CALIBRATION] == pytest.approx(error, abs=1e-5)
    assert np.isnan(diagnose_matte(prediction.alpha, TARGET)[CALIBRATION])


def large_copy(layer):
    return layer.repeat(6, axis=0).repeat(6, axis=1)


def test_colours_are_judged_where_the_true_ones_are_known():
    red, blue = (np.broadcast_to(np.uint8(colour), (200, 200, 3)) for colour in ((220, 30, 30), (20, 40, 230)))
    share = TARGET[..., None] / 255
    image = np.rint(share * red + (1 - share) * blue).astype(np.uint8)
    example = example_of(TARGET)._replace(image=image, foreground=red, background=blue)
    right = diagnose(example, Prediction(TARGET.astype(np.float32) / 255))
    greedy = diagnose(example, Prediction((TARGET > 0).astype(np.float32)))
    assert abs(right[SPILL]) < 0.05 and right[COLOUR] < 0.02
    assert greedy[SPILL] == pytest.approx(0.5, abs=0.02)  # colours of the photo, half background, are kept
    large = Example(*(layer if layer is None or isinstance(layer, str) else large_copy(layer) for layer in example))
    assert diagnose(large, Prediction((large.alpha > 0).astype(np.float32)))[SPILL] == pytest.approx(0.5, abs=0.05)
    assert np.isnan(diagnose(example._replace(background=None), Prediction(TARGET / np.float32(255)))[SPILL])
    assert np.isnan(diagnose_matte(TARGET / np.float32(255), TARGET)[COLOUR])
