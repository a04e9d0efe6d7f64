import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from matting.data.test_sets import Pair
from matting.errors import MattingError
from matting.evaluation import Description, Setting, all_foreground, corrupted_pairs, evaluate
from matting.evaluation.report import difference_tables, label_tables, method_tables, to_markdown, write_report
from matting.evaluation.report.gallery import render_tiles, select_entries, signed_error
from matting.images import read_rgb

SETTING = Setting(
    "Toy",
    "synthetic corpus, not real data",
    {
        "clear": Description("alpha times 0.8", trained_on="synthetic corpus, not real data"),
        "all": Description("all 1"),
    },
    wall_seconds=12.0,
    notes={"seed": "1"},
)


@pytest.fixture
def methods(too_transparent):
    return {"clear": too_transparent, "all": all_foreground}


def test_report_files_agree_with_each_other(discs, methods, tmp_path):
    evaluation = evaluate(methods, discs)
    metrics = write_report(tmp_path / "out", evaluation, methods, SETTING)
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["metrics"] == metrics and results["corpus"] == SETTING.corpus and results["images"] == 4
    with (tmp_path / "out" / "per_image.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4 * 2 * 2
    sads = [float(r["sad"]) for r in rows if r["method"] == "clear" and r["region"] == "unknown"]
    assert metrics["test/toy/unknown/sad"] == pytest.approx(np.mean(sads))
    assert rows[4]["tags"] == "glasses hat" and rows[4]["difficulty"] == "hard"
    report = (tmp_path / "out" / "report.md").read_text()
    assert "**synthetic corpus, not real data**" in report and "panels.png" in report and "seed: 1" in report
    assert f"{metrics['test/toy/whole/mad'] * 1000:.1f} [" in report
    assert read_rgb(tmp_path / "out" / "panels.png").shape[1] > 1000
    assert sorted(p.name for p in (tmp_path / "out").iterdir()) == [
        "panels.png",
        "per_image.csv",
        "report.html",
        "report.md",
        "results.json",
    ]


def test_results_contain_intervals_differences_and_provenance(discs, methods, tmp_path):
    write_report(tmp_path, evaluate(methods, discs, protocol="p3m"), methods, SETTING)
    results = json.loads((tmp_path / "results.json").read_text())
    cell = results["by_method"]["all"]["test/toy/whole/mad"]
    assert cell["low"] <= cell["mean"] <= cell["high"] and cell["images"] == 4
    difference = results["differences"]["all"]["test/toy/whole/mad"]
    assert difference["mean"] == pytest.approx(results["metrics"]["test/toy/whole/mad"] - cell["mean"])
    assert results["protocol"]["metrics"] == "p3m" and results["method_under_test"] == "clear"
    assert results["methods"] == {"clear": "alpha times 0.8", "all": "all 1"}
    assert results["seen_in_training"] == {"clear": {"toy": "same data set, different images"}, "all": {"toy": "no"}}
    assert results["versions"]["torch"] and results["hardware"]["cores"] >= 1 and results["wall_seconds"] == 12.0


def test_failures_are_in_the_report_and_an_empty_test_is_refused(discs, methods, tmp_path):
    def gone():
        raise MattingError("gone.png: expected an image, found nothing")

    broken = Pair("gone", gone, "toy")
    write_report(tmp_path, evaluate(methods, [*discs, broken]), methods, SETTING)
    assert "Left out: 1" in (tmp_path / "report.md").read_text()
    assert json.loads((tmp_path / "results.json").read_text())["failures"][0]["name"] == "gone"
    with pytest.raises(ValueError, match=r"at least one scored image.*gone\.png"):
        write_report(tmp_path / "empty", evaluate(methods, [broken]), methods, SETTING)
    assert not (tmp_path / "empty").exists()


def test_results_are_valid_json_where_corruptions_have_no_score(discs, methods, tmp_path):
    def broken(example):
        raise MattingError("out of memory")

    # One fails everywhere, the other has no error to compare with.
    perfect = {"clear": broken, "all": lambda example: example.alpha / np.float32(255)}
    corrupted = evaluate(perfect, corrupted_pairs(discs[:1]))
    write_report(tmp_path, evaluate(methods, discs), methods, SETTING, corrupted)
    found = json.loads((tmp_path / "results.json").read_text(), parse_constant=pytest.fail)["corruptions"]
    assert found["clear"]["whole/mad"]["jpeg"] == {"means": [None] * 5, "ratios": [None] * 5, "relative": None}
    assert found["all"]["whole/mad"]["jpeg"]["means"] == [0] * 5


def test_file_names_that_are_not_utf8_cost_no_report(discs, methods, tmp_path):
    def gone():
        raise MattingError("expected an image, found nothing")

    odd = replace(discs[0], name="caf\udce9")
    write_report(tmp_path, evaluate(methods, [odd, Pair("th\udce9", gone, "toy")]), methods, SETTING)
    assert b"caf\xe9" in (tmp_path / "per_image.csv").read_bytes()
    assert b"th\xe9" in (tmp_path / "report.md").read_bytes()
    assert "caf?" in (tmp_path / "report.html").read_text()
    assert json.loads((tmp_path / "results.json").read_text())["images"] == 1


def test_a_method_without_a_description_is_refused(discs, methods, tmp_path):
    with pytest.raises(ValueError, match="description of every method, found none of 'all'"):
        write_report(
            tmp_path / "out", evaluate(methods, discs), methods, Setting("t", "c", {"clear": Description("")}, 1)
        )
    assert not (tmp_path / "out").exists()


def test_tables_have_a_row_per_method_and_label(discs, methods):
    evaluation = evaluate(methods, discs)
    whole, unknown = method_tables(evaluation)
    assert [row[0] for row in whole.rows] == ["clear", "all"] and whole.rows[0][-1] == "4"
    assert "unknown region" in unknown.title
    labels = label_tables(evaluation, "clear")[0]
    assert {row[0]: row[-1] for row in labels.rows} == {"toy.glasses": "2", "toy.hard": "3", "toy.hat": "1"}
    (row,) = difference_tables(evaluation)[0].rows
    assert row[0] == "all" and row[1].startswith("-")
    lines = to_markdown(whole).splitlines()
    assert len({line.count("|") for line in lines[2:]}) == 1


def test_unlabelled_images_have_no_label_table_and_one_method_no_differences(discs, too_transparent):
    evaluation = evaluate({"clear": too_transparent}, [discs[0], Pair("x", discs[1].load, "toy")][1:])
    assert label_tables(evaluation, "clear") == [] and difference_tables(evaluation) == []


def test_exhibits_are_worst_median_best_then_labels_without_repeats(discs, methods):
    evaluation = evaluate(methods, discs)
    entries = select_entries(evaluation, "clear")
    mads = {r.pair.name: r.scores["mad"] for r in evaluation.rows if r.method == "clear" and r.region == "whole"}
    ranked = sorted(mads, key=mads.get, reverse=True)
    assert [e.pair.name for e in entries[:3]] == [ranked[0], ranked[2], ranked[3]]
    assert len({e.pair for e in entries}) == len(entries) == 3
    assert [e.reason for e in select_entries(evaluation, "clear", limit=2)] == ["worst of 4", "median"]


def test_signed_error_shows_the_direction():
    target = np.full((2, 3), 128, np.uint8)
    alpha = np.float32([[1, 128 / 255, 0]] * 2)
    red, white, blue = signed_error(alpha, target)[0].astype(int)
    assert red[0] > red[2] + 50 and blue[2] > blue[0] + 50 and (white == 255).all()


def test_tiles_share_one_size_and_keep_the_aspect(discs, too_transparent):
    example = discs[0].load()
    tall = example._replace(image=example.image[:, :24], alpha=example.alpha[:, :24], trimap=example.trimap[:, :24])
    shapes = {tile.shape for tile in render_tiles(tall, too_transparent(tall))}
    ((height, width, _),) = shapes
    assert height / width == pytest.approx(2, rel=0.02)
