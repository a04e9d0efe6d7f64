import csv
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from matting.cli import app
from matting.errors import MattingError
from matting.studies import figures, gather, read_study, steps_to_reach, study_markdown
from matting.studies.convergence import difference_over_runs, mean_over_runs
from tests.studies.conftest import Sweep, write

EXPERIMENTS = Path(__file__).resolve().parents[2] / "experiments"
SETS = ("synthetic", "ppm")
STUDIES = sorted(path.parent for path in EXPERIMENTS.glob("*/curves.csv"))


def report(*arguments: object) -> None:
    app(["report", *map(str, arguments)], standalone_mode=False)


def section(page: str, title: str) -> str:
    return next(part for part in page.split("### ") if part.startswith(title))


def row(table: str, name: str) -> list[str]:
    return next(line for line in table.splitlines() if line.startswith(f"| {name} |")).strip("| ").split(" | ")


def test_the_page_reports_what_the_scores_show(curricula: Sweep, tmp_path: Path) -> None:
    report(curricula.folder, "-o", tmp_path / "out")
    page = (tmp_path / "out" / "table.md").read_text()
    assert page.startswith("> **synthetic corpus: not real photos**")
    verdict = section(page, "Verdict")
    assert re.search(r"\*\*shuffled\*\* against 3stage: .*worse \(\+200\d", verdict)
    assert re.search(r"\*\*none\*\* against 3stage: .*no difference shown", verdict)
    assert "4 comparisons at the 5 % level: 0.2 of them" in verdict and "factor of about 0.87" in verdict
    assert "is not shown to beat" not in verdict
    assert row(section(page, "Test, whole image"), "shuffled")[1].startswith("12.0 [")
    assert row(section(page, "MAD"), "3stage")[0] == "3stage" and "back-lit hair (1)" in section(page, "MAD")
    assert "12 runs, 3 rows, 1.20 hours together" in page and "### Missing" not in page


def test_each_test_set_has_its_own_tables(sweep: Sweep, tmp_path: Path) -> None:
    """The second set has a score of its own; nothing is averaged over both."""
    for name, level in (("a", 10.0), ("b", 12.0)):
        path = sweep.run(f"data={name}", 1, level) / "per_image.csv"
        lines = list(csv.DictReader(path.open()))
        other = [line | {"set": "ppm", "sad": 2 * float(line["sad"])} for line in lines]
        write(path, lines + other)
    report(sweep.folder, "-o", tmp_path)
    page = (tmp_path / "table.md").read_text()
    found = [row(section(page, f"Test, whole image (mean [95 %], lower is better) on {name}"), "b")[1] for name in SETS]
    assert [float(text.split()[0]) for text in found] == pytest.approx([12, 24], abs=0.1)
    assert all(f"### Verdict on {name}" in page for name in SETS)


def test_convergence_counts_steps_to_a_level_every_run_reaches(curricula: Sweep, tmp_path: Path) -> None:
    """The slowest run ends at 20 - 0.51 * 20 = 9.8; a run of speed v reaches that after 10.2 / v steps."""
    report(curricula.folder, "-o", tmp_path)
    first, second = re.findall(
        r"### (Convergence.*?)\n\n(?=###|$|\Z)", (tmp_path / "table.md").read_text() + "\n", re.S
    )
    assert "is 9.8, which every run reaches" in first
    expected = [np.mean([10.2 / (speed + 0.01 * seed) for seed in (1, 2, 3, 4)]) for speed in (0.8, 0.5)]
    found = [float(row(first, name)[1].split()[0]) for name in ("3stage", "shuffled")]
    assert found == pytest.approx(expected, abs=0.06)
    assert float(row(first, "shuffled")[3].split()[0]) == pytest.approx(expected[1] - expected[0], abs=0.06)
    assert row(second, "shuffled")[1:3] == ["not by every run", "0 of 4"]


def test_dependence_on_the_background_is_compared(sweep: Sweep) -> None:
    runs = [sweep.run(f"data={name}", seed, level) for name, level in (("a", 10), ("b", 30)) for seed in (1, 2, 3)]
    table = section(study_markdown(gather(runs)), "Standard deviation of alpha over backgrounds")
    assert row(table, "a")[1].startswith("102 [") and row(table, "b")[2].startswith("+200 [")
    runs = [sweep.run("data=c", seed, diagnoses={}) for seed in (1, 2)]
    assert "Standard deviation of alpha" not in study_markdown(gather(runs))


def test_a_network_that_learnt_nothing_is_named(sweep: Sweep) -> None:
    page = study_markdown(gather([sweep.run("data=a", seed=1, level=10), sweep.run("data=b", seed=1, level=40)]))
    assert "b is not shown to beat the mean matte" in page and "a is not shown" not in page
    assert "A row with one seed does not show" in page


def test_reports_are_idempotent_and_need_the_csv_files_only(curricula: Sweep, tmp_path: Path) -> None:
    report(curricula.folder, "-o", tmp_path / "out")
    before = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert set(before) == {"runs.csv", "per_image.csv", "curves.csv", "table.md", "learning_curves.png", "groups.png"}
    report(curricula.folder, "-o", tmp_path / "out")
    assert {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir()} == before
    shutil.rmtree(curricula.folder)
    assert study_markdown(read_study(tmp_path / "out")).encode() == before["table.md"]


def axes_of_curves(study, path: Path, monkeypatch: pytest.MonkeyPatch) -> list[list[tuple[int, ...]]]:
    """The steps of each line in each axes of the learning curves."""
    drawn = []
    monkeypatch.setattr(figures, "_finish", lambda figure, *_: drawn.append(figure))
    figures.plot_learning_curves(study, path)
    return [[tuple(line.get_xdata()) for line in axes.lines] for figure in drawn for axes in figure.axes]


def test_learning_curves_have_no_empty_axes(sweep: Sweep, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [sweep.run("data=a", seed) for seed in (1, 2)]
    assert axes_of_curves(gather(runs), tmp_path, monkeypatch) == [[(4, 8, 12, 16, 20)]] * 2
    lines = (runs[0] / "metrics.csv").read_text().splitlines()
    (runs[0] / "metrics.csv").write_text("\n".join(lines[:4]) + "\n")  # the run was shorter than the other
    assert axes_of_curves(gather(runs), tmp_path, monkeypatch) == [[(4, 8)]] * 2
    for run in runs:
        text = (run / "metrics.csv").read_text()
        (run / "metrics.csv").write_text(text.replace("unknown/sad", "unknown/other"))
    assert axes_of_curves(gather(runs), tmp_path, monkeypatch) == [[(4, 8)]]
    for run in runs:
        (run / "metrics.csv").write_text("epoch,step,train/loss\n0,3,1.0\n")
    (tmp_path / "old.png").touch()
    assert axes_of_curves(gather(runs), tmp_path / "old.png", monkeypatch) == [] and not list(tmp_path.glob("*.png"))


def test_missing_runs_are_listed_in_the_page_and_on_the_console(
    curricula: Sweep, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    curricula.crashed("+curriculum=3stage", seed=5)
    report(curricula.folder, "-o", tmp_path)
    missing = section((tmp_path / "table.md").read_text(), "Missing")
    assert "3stage, seed 5: no results.json" in missing and "none, seed 5: not among the runs" in missing
    assert "3 runs without results" in capsys.readouterr().err


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    for name in ("runs.csv", "per_image.csv", "curves.csv"):
        (tmp_path / name).write_text("a,b\n1,2\n")
    with pytest.raises(ValueError, match="expected the CSV files that 'matting report' writes"):
        read_study(tmp_path)


def test_steps_to_reach_interpolates_and_may_never_arrive() -> None:
    steps, values = [10, 20, 30], [8.0, 4.0, 5.0]
    assert steps_to_reach(steps, values, 9.0) == 10
    assert steps_to_reach(steps, values, 5.0) == 17.5
    assert steps_to_reach(steps, values, 3.0) is None


def test_intervals_over_runs_are_those_of_student_and_welch() -> None:
    first, second = [10.0, 12.0, 17.0], [20.0, 21.0, 25.0, 22.0]
    assert mean_over_runs(first)[1:3] == pytest.approx(stats.t.interval(0.95, 2, np.mean(first), stats.sem(first)))
    welch = stats.ttest_ind(first, second, equal_var=False).confidence_interval()
    assert difference_over_runs(first, second)[1:3] == pytest.approx((welch.low, welch.high))
    assert difference_over_runs([1.0, 1.0], [3.0, 3.0])[:3] == (-2, -2, -2)


@pytest.mark.parametrize("folder", STUDIES, ids=lambda folder: folder.name)
def test_committed_tables_match_their_csv_files(folder: Path) -> None:
    assert study_markdown(read_study(folder)) == (folder / "table.md").read_text()
    assert (folder / "README.md").is_file()


def test_the_effects_of_studies_are_drawn_together(tmp_path: Path) -> None:
    for study, level in (("first", 12.0), ("more/first", 9.0)):
        sweep = Sweep(tmp_path / "sweeps" / study)
        for name, score in (("a", 10.0), ("b", level), ("c", 10.0)):
            for seed in (1, 2, 3):
                sweep.run(f"data={name}", seed, score)
        report(sweep.folder, "-o", tmp_path / study)
    report("--summary", tmp_path / "first", tmp_path / "more/first", "-o", tmp_path / "both")
    lines = (tmp_path / "both/effects.md").read_text().splitlines()
    cells = [line.strip("| ").split(" | ") for line in lines if line.startswith(("| first", "| more/first"))]
    assert [(one[0], one[2], one[-1]) for one in cells] == [
        *(("first", "b", "worse"), ("first", "c", "not shown")),
        *(("more/first", "b", "better"), ("more/first", "c", "not shown")),
    ]
    assert float(cells[0][5].split()[0]) == pytest.approx(2000, abs=20), "MAD is printed in thousandths"
    assert (tmp_path / "both/effects.png").read_bytes().startswith(b"\x89PNG")


def test_a_summary_is_made_of_reports(tmp_path: Path) -> None:
    with pytest.raises(MattingError, match=r"expected a folder that 'matting report' wrote, found no runs\.csv"):
        report("--summary", tmp_path, "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_summary_needs_rows_to_compare(sweep: Sweep, tmp_path: Path) -> None:
    sweep.run("data=a", seed=1)
    report(sweep.folder, "-o", tmp_path / "one")
    with pytest.raises(MattingError, match="one: expected a report of two rows or more, found 1; leave it out"):
        report("--summary", tmp_path / "one", "-o", tmp_path / "out")
    assert not (tmp_path / "out").exists()
