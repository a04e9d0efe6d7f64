import numpy as np
import pytest

from matting.data.test_sets import Pair
from matting.errors import MattingError
from matting.evaluation import Journal, all_foreground, cells, evaluate, summarise
from matting.metrics.functional import conn, grad, mad, mse, sad


def test_rows_contain_the_values_of_the_metrics(discs, too_transparent):
    evaluation = evaluate({"clear": too_transparent, "all": all_foreground}, discs)
    assert len(evaluation.rows) == len(discs) * 2 * 2 and not evaluation.failures
    for method, pair, region, scores in evaluation.rows:
        example = pair.load()
        alpha = too_transparent(example) if method == "clear" else all_foreground(example)
        for metric in (sad, mse, mad, grad, conn):
            expected = metric(alpha, example.alpha, example.trimap, region=region)
            assert scores[metric.__name__] == pytest.approx(expected, rel=1e-6)


def test_protocol_and_ignore_mask_reach_the_metrics(discs, too_transparent):
    example = discs[0].load()
    ignored = Pair("ignored", lambda: example._replace(ignore=np.ones_like(example.alpha)), "toy")
    assert evaluate({"m": too_transparent}, [ignored]).rows == []  # no pixel counts in any region
    adobe, p3m = (evaluate({"m": too_transparent}, discs, protocol=name).rows[0].scores for name in ("adobe", "p3m"))
    assert adobe["sad"] == pytest.approx(p3m["sad"]) and adobe["grad"] != p3m["grad"]


def test_summary_is_the_unweighted_mean_per_set_and_label(discs, too_transparent):
    evaluation = evaluate({"clear": too_transparent, "all": all_foreground}, discs)
    flat = summarise(evaluation, "clear", split="test")
    sads = [sad(too_transparent(pair.load()), pair.load().alpha) for pair in discs]
    assert flat["test/toy/whole/sad"] == pytest.approx(np.mean(sads))
    assert flat["test/toy.glasses/whole/sad"] == pytest.approx(np.mean(sads[:2]))
    assert flat["test/toy.hat/whole/sad"] == pytest.approx(sads[1])
    assert flat["test/toy.hard/whole/sad"] == pytest.approx(np.mean(sads[1:]))
    assert len(flat) == 4 * 2 * 5


def test_differences_are_paired(discs, too_transparent):
    evaluation = evaluate({"clear": too_transparent, "all": all_foreground}, discs)
    first, second = summarise(evaluation, "clear"), summarise(evaluation, "all")
    for cell in cells(evaluation, "clear", baseline="all"):
        key = f"test/{cell.group}/{cell.region}/{cell.metric}"
        assert cell.estimate.mean == pytest.approx(first[key] - second[key])


def broken():
    raise MattingError("broken.png: expected an image, found none")


def test_a_bad_image_is_left_out_for_all_and_a_bad_prediction_for_its_method(discs, too_transparent):
    pairs = [discs[0], Pair("broken", broken, "toy"), discs[1]]

    def wrong_size_once(example):
        alpha = too_transparent(example)
        return alpha[:-1] if example.name == "disc1" else alpha

    evaluation = evaluate({"good": too_transparent, "bad": wrong_size_once}, pairs)
    names = {name: {pair.name for pair in evaluation.scored(name)} for name in ("good", "bad")}
    assert names == {"good": {"disc0", "disc1"}, "bad": {"disc0"}}
    assert [failure[::2] for failure in evaluation.failures] == [(pairs[1], None), (pairs[2], "bad")]
    assert "48x48, found 48x47" in evaluation.failures[1].reason
    assert str(evaluation.failures[1]).startswith("disc1, bad: ")
    shared = evaluation.common_scores(["good", "bad"], "toy", "whole", "mad")
    assert list(map(len, shared)) == [1, 1] and len(evaluation.scores("good", "toy", "whole", "mad")) == 2
    assert {cell.estimate.images for cell in cells(evaluation, "good", "bad")} == {1}


def test_nan_is_a_failure_not_a_score(discs):
    evaluation = evaluate({"nan": lambda e: np.full(e.alpha.shape, np.nan, np.float32)}, discs[:1])
    assert not evaluation.rows and "NaN" in evaluation.failures[0].reason


def test_images_are_streamed_one_at_a_time(discs, too_transparent):
    alive = []

    def watch(pairs):
        for pair in pairs:
            assert len(alive) == len(set(alive))
            yield pair
            assert alive[-1] == pair.name  # scored before the next one is asked for

    noted = [Pair(pair.name, lambda pair=pair: alive.append(pair.name) or pair.load(), "toy") for pair in discs]
    evaluate({"m": too_transparent}, noted, progress=watch)
    assert alive == [pair.name for pair in discs]


def test_no_method_is_refused(discs):
    with pytest.raises(ValueError, match="at least one method"):
        evaluate({}, discs)


def without_unknown(pair):
    example = pair.load()
    return Pair("sure", lambda: example._replace(trimap=np.where(example.alpha > 127, 255, 0).astype(np.uint8)), "toy")


def test_an_image_without_unknown_pixels_is_left_out_of_that_region_alone(discs, too_transparent):
    alone = evaluate({"m": too_transparent}, discs[:1])
    both = evaluate({"m": too_transparent}, [discs[0], without_unknown(discs[1])])
    assert both.scores("m", "toy", "unknown", "mad") == alone.scores("m", "toy", "unknown", "mad")
    assert len(both.scores("m", "toy", "whole", "mad")) == 2 and not both.failures
    none = evaluate({"m": too_transparent}, [without_unknown(discs[1])])
    assert not [key for key in summarise(none, "m") if "unknown" in key]


def test_unusual_true_mattes_are_named(discs, too_transparent, tmp_path):
    nothing = np.zeros((48, 48), np.uint8)
    empty = Pair("nobody", lambda: discs[0].load()._replace(alpha=nothing, trimap=nothing), "toy")
    for _ in range(2):  # the second time from the journal
        evaluation = evaluate({"m": too_transparent}, [discs[0], empty], journal=Journal(tmp_path / "j", "q"))
        assert [(doubt.pair.name, "the matte is empty" in doubt.reason) for doubt in evaluation.doubts] == [
            ("nobody", True)
        ]
