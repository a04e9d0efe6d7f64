from dataclasses import replace

import numpy as np
import pytest

from matting.errors import MattingError
from matting.evaluation import CORRUPTIONS, Description, Prediction, Setting, all_foreground, corrupted_pairs, evaluate
from matting.evaluation.background_invariance import BackgroundDeviation
from matting.evaluation.report import Findings, sections
from matting.evaluation.report.sections import scenario_tables
from matting.evaluation.setting import UNKNOWN


def shifted(amount):
    return lambda example: np.clip(example.alpha / np.float32(255) + np.float32(amount), 0, 1).astype(np.float32)


METHODS = {"a/0": shifted(0.1), "a/1": shifted(0.2), "net": shifted(0.3), "all": all_foreground}
SETTING = Setting(
    "Toy",
    "toy corpus",
    {
        "a/0": Description("run", "toy corpus", frozenset({"AugMix"}), "same", 0),
        "a/1": Description("run", "another corpus", None, "same", 1),
        "net": Description("unknown origin", UNKNOWN, None),
        "all": Description("trivial"),
    },
    wall_seconds=1.0,
)


@pytest.fixture
def evaluation(discs):
    return evaluate(METHODS, [replace(discs[0], tags=frozenset({"side_backlit"})), *discs[1:]])


def tables(findings, heading):
    return {section.heading: section.tables for section in sections(findings)}.get(heading, [])


def test_sections_without_content_are_left_out(evaluation):
    headings = [section.heading for section in sections(Findings(evaluation, SETTING))]
    assert headings == [
        "Methods",
        "Scenarios",
        "Differences on the same images",
        "Over training runs",
        "By label",
        "Diagnosis",
    ]
    for section in sections(Findings(evaluation, SETTING)):
        for table in section.tables:
            assert {len(row) for row in table.rows} == {len(table.header)}


def test_what_was_seen_in_training_is_reported_per_method(evaluation):
    seen = tables(Findings(evaluation, SETTING), "Methods")[-1]
    assert seen.title == "Seen in training" and seen.header == ["method", "toy", "trained on"]
    assert seen.rows == [
        ["a/0", "same data set, different images", "toy corpus"],
        ["a/1", "data set of another name", "another corpus"],
        ["net", "not known", "not known"],
        ["all", "no", "nothing"],
    ]


def test_a_set_for_testing_alone_was_not_seen_in_training(discs):
    evaluation = evaluate(METHODS, [discs[0], replace(discs[1], dataset="own")])
    seen = tables(Findings(evaluation, replace(SETTING, only_tested=frozenset({"own"}))), "Methods")[-1]
    assert seen.header == ["method", "own", "toy", "trained on"]
    assert seen.rows[0][1:3] == ["data set of another name", "same data set, different images"]
    assert seen.rows[3][1:3] == ["no", "no"]


def test_scenarios_come_from_labels_and_from_sets_with_all_methods_side_by_side(discs):
    pairs = [
        replace(discs[0], tags=frozenset({"side_backlit"})),
        replace(discs[1], tags=frozenset({"backlit", "side_backlit"})),
        replace(discs[2], dataset="screenshot"),
        discs[3],
    ]
    evaluation = evaluate(METHODS, pairs)
    mad, sad = scenario_tables(evaluation)
    assert [row[0] for row in mad.rows] == ["back-lit hair", "phone screenshot"] == [row[0] for row in sad.rows]
    assert [row[-1] for row in mad.rows] == ["2", "1"] and mad.header == ["scenario", *METHODS, "images"]
    expected = np.mean([np.abs(METHODS["net"](p.load()) - p.load().alpha / 255).mean() for p in pairs[:2]])
    assert float(mad.rows[0][3].split(" [")[0]) == pytest.approx(1000 * expected, rel=0.01)
    assert scenario_tables(evaluate(METHODS, discs[3:])) == []


def test_runs_of_one_configuration_are_averaged_over_seeds(evaluation):
    whole = tables(Findings(evaluation, SETTING), "Over training runs")[0]
    assert "a/0 over 2 seeds" in whole.title and [row[0] for row in whole.rows] == ["mean", "minus net", "minus all"]
    column = whole.header.index("MAD · 10³")
    runs = [np.mean(evaluation.scores(run, "toy", "whole", "mad")) for run in ("a/0", "a/1")]
    assert float(whole.rows[0][column].split(" [")[0]) == pytest.approx(1000 * np.mean(runs), rel=0.01)
    difference = np.mean(runs) - np.mean(evaluation.scores("net", "toy", "whole", "mad"))
    assert float(whole.rows[1][column].split(" [")[0]) == pytest.approx(1000 * difference, rel=0.01)


def test_two_checkpoints_of_one_training_are_not_averaged_over_seeds():
    again = {name: replace(one, seed=0) for name, one in SETTING.methods.items()}
    assert SETTING.runs_over_seeds() == {"a/0": ["a/0", "a/1"]}
    assert replace(SETTING, methods=again).runs_over_seeds() == {}


def test_further_diagnoses_are_shown_where_a_method_has_them(evaluation, discs):
    assert len(tables(Findings(evaluation, SETTING), "Diagnosis")) == 1
    deviations = [
        BackgroundDeviation("a/0", "x", 3, 0.02),
        BackgroundDeviation("a/0", "y", 3, 0.04),
        BackgroundDeviation("net", "x", 3, float("nan")),
    ]
    table = tables(Findings(evaluation, SETTING, deviations), "Diagnosis")[1]
    assert len(table.header) == 2  # no method has values in the other columns
    assert [row[-1] for row in table.rows] == ["30.0", "none", "none", "none"]

    def confident(example):
        return Prediction(shifted(0)(example), np.broadcast_to(np.float32([0, 1, 0])[:, None, None], (3, 48, 48)))

    setting = replace(SETTING, methods={"m": Description("m")})
    table = tables(Findings(evaluate({"m": confident}, discs[:1]), setting), "Diagnosis")[1]
    trimap = discs[0].load().trimap
    assert float(table.rows[0][1]) == pytest.approx(100 * np.mean((trimap == 0) | (trimap == 255)), rel=0.01)


def test_corruptions_have_a_table_per_method_with_what_was_seen(evaluation, discs):
    looking = {name: METHODS[name] for name in ("a/0", "net")}
    findings = Findings(evaluation, SETTING, corrupted=evaluate(looking, corrupted_pairs(discs[:1])))
    first, second = tables(findings, "Corruptions")
    assert first.title.startswith("a/0: MAD") and "1 images" in first.title
    rows = {row[0]: row for row in first.rows}
    assert (
        len(rows) == len(CORRUPTIONS) + 2 and rows["not seen in training"][-2] == "1.00" == rows["all"][-2] == "1.00"
    )  # this method ignores the image
    assert rows["gaussian noise"][-1] == "AugMix" and rows["haze"][-1] == "no" and rows["jpeg"][-2] == "1.00"
    assert {row[-1] for row in second.rows} == {"not known", ""}
    assert rows["jpeg"][1].endswith("[1.00]") and len(second.rows) == len(CORRUPTIONS) + 1


def test_a_method_that_fails_on_all_corrupted_images_has_no_table(evaluation, discs):
    def broken(example):
        raise MattingError("out of memory")

    corrupted = evaluate({"a/0": broken, "net": METHODS["net"]}, corrupted_pairs(discs[:1]))
    (table,) = tables(Findings(evaluation, SETTING, corrupted=corrupted), "Corruptions")
    assert table.title.startswith("net: ")
