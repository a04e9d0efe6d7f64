"""A study as a Markdown page, made of its CSV files alone."""

from collections.abc import Iterator, Mapping, Sequence
from math import ceil, floor, log10, sqrt

from matting.evaluation import METRICS, Estimate, difference_over_seeds, mean_over_seeds
from matting.evaluation.report import Table, to_markdown
from matting.evaluation.report.sections import CHARTS, SCENARIOS
from matting.evaluation.report.tables import REGION_TITLE, SCALE, TITLE, metric_titles, with_interval
from matting.plan.curriculum import DIFFICULTIES
from matting.studies.convergence import difference_over_runs, mean_over_runs, steps_to_reach
from matting.studies.power import smallest_difference
from matting.studies.study import DEVIATION, FLOOR, Study

GROUPS = {"all": None} | {level: frozenset({level}) for level in DIFFICULTIES} | dict(SCENARIOS)
"""Labels of each group of test images; None is all images."""

CONVERGENCE = "whole/sad"
"""End of the name of the validation score by which convergence is judged."""

PLANNED = (3, 5, 8)
"""Numbers of seeds for which the page says what a study could see."""


def study_markdown(study: Study) -> str:
    """Format a study as a page: what was measured, the verdict in words, tables, convergence, missing runs.

    Args:
        study: The scores.

    Returns:
        Markdown; the same scores give the same page.
    """
    parts = [f"> **{' | '.join(corpora(study))}**\n", *(f"- {line}" for line in _facts(study)), ""]
    for name in study.sets:
        one, where = study.on(name), f" on {name}" if len(study.sets) > 1 else ""
        parts += [f"### Verdict{where}\n", *(f"- {line}" for line in verdict(one)), ""]
        tables = [*method_tables(one), *difference_tables(one), scenario_table(one)]
        parts += [to_markdown(table._replace(title=table.title + where)) for table in tables]
    parts += map(to_markdown, [*background_tables(study), *convergence_tables(study)])
    if missing := study.missing():
        parts += ["### Missing\n", *(f"- {line}" for line in missing), ""]
    return "\n".join(parts)


def corpora(study: Study) -> list[str]:
    """Return the descriptions of the data, which say whether images are synthetic."""
    return list(dict.fromkeys(run.facts["corpus"] for run in study.finished))


def groups(study: Study) -> dict[str, frozenset[str] | None]:
    """Return the labels of all groups that are some of the test images, and of all of them, by name of the group."""
    # Asked of the floor, which every study has, with a score for every image.
    sizes = {name: study.table(FLOOR, *CHARTS[0], labels).size for name, labels in GROUPS.items()}
    return {name: GROUPS[name] for name, size in sizes.items() if name == "all" or 0 < size < sizes["all"]}


def method_tables(study: Study) -> list[Table]:
    """Return means over seeds and images with 95 % intervals, one table per region; the last row is the floor."""
    return [
        Table(
            f"Test, {REGION_TITLE[region]} (mean [95 %], lower is better)",
            ["row", *metric_titles(), "seeds"],
            [
                [row, *(_mean(study, row, region, metric) for metric in METRICS), _seeds(study, row)]
                for row in [*study.rows, FLOOR]
            ],
        )
        for region in study.regions
    ]


def difference_tables(study: Study) -> list[Table]:
    """Return paired differences from the reference row, one table per region."""
    reference, *others = study.rows
    return [
        Table(
            f"Minus {reference}, {REGION_TITLE[region]} (above zero: {reference} is better)",
            ["row", *metric_titles()],
            [
                [row, *(with_interval(_difference(study, row, region, m), SCALE[m], sign="+") for m in METRICS)]
                for row in others
            ],
        )
        for region in study.regions
        if others
    ]


def scenario_table(study: Study) -> Table:
    """Return the first of `CHARTS` by difficulty and scenario."""
    region, metric = CHARTS[0]
    found = groups(study)
    counts = {name: study.table(FLOOR, region, metric, labels).shape[1] for name, labels in found.items()}
    return Table(
        f"{TITLE[metric]}, {REGION_TITLE[region]}, by difficulty and scenario (with number of images)",
        ["row", *(f"{name} ({counts[name]})" for name in found)],
        [[row, *(_mean(study, row, region, metric, found[g]) for g in found)] for row in [*study.rows, FLOOR]],
    )


def background_tables(study: Study) -> list[Table]:
    """Return how much alpha depends on the background; no table if no subject is shown on several backgrounds."""
    found = {row: [run.metrics[DEVIATION] for run in study.of(row) if DEVIATION in run.metrics] for row in study.rows}
    if not any(found.values()):
        return []
    title = (
        "Standard deviation of alpha over backgrounds of one subject · 10³ (a matte that never changes has 0; "
        "Student and Welch intervals)"
    )
    return [Table(title, ["row", "deviation", f"minus {study.rows[0]}"], _over_runs(study, found, 1000.0))]


def convergence_tables(study: Study) -> list[Table]:
    """Return steps to the validation SAD that every run reaches, and to that of every run of the reference row."""
    best = {row: [min(values) for _, values in study.curves(row, CONVERGENCE)] for row in study.rows}
    # A row that was never validated reaches no target, so there is none that all reach.
    if not all(best.values()):
        return []
    reference = study.rows[0]
    targets = {_rounded_up(max(map(max, best.values()))): "which every run reaches"}
    # `setdefault`: where both targets are equal, one table is enough.
    targets.setdefault(_rounded_up(max(best[reference])), f"which every run of {reference} reaches")
    return [_convergence_table(study, what, target) for target, what in targets.items()]


def verdict(study: Study) -> Iterator[str]:
    """Describe in words what the differences from the reference row show, and what they cannot show."""
    reference, *others = study.rows
    charts = [(region, metric) for region, metric in CHARTS if region in study.regions]
    for row in others:
        yield f"**{row}** against {reference}: " + "; ".join(_judged(study, row, *chart) for chart in charts) + "."
    for row in study.rows:
        above = difference_over_seeds(study.table(row, *CHARTS[0]), study.table(FLOOR, *CHARTS[0]))
        if above.high >= 0:
            yield f"{row} is not shown to beat the {FLOOR}: a network that has learnt so little allows few conclusions."
    count = len(others) * len(charts)
    if count:
        expected = f"{0.05 * count:.2g} of them would show a difference if nothing differed"
        yield f"{count} comparisons at the 5 % level: {expected}."
    seen = [smallest_difference(study.table(reference, *CHARTS[0]) * SCALE[CHARTS[0][1]], runs) for runs in PLANNED]
    if all(seen):
        yield (
            f"By the variation between the runs of {reference}, differences in {TITLE[CHARTS[0][1]]}, "
            f"{REGION_TITLE[CHARTS[0][0]]}, of {', '.join(f'{one:.3g}' for one in seen)} would be seen in four of five "
            f"studies with {', '.join(map(str, PLANNED))} seeds."
        )
    fewest = min(len(study.table(row, *CHARTS[0])) for row in study.rows)
    if fewest == 1:
        yield "A row with one seed does not show the variation between trainings: its intervals cover images alone."
    else:
        yield (
            f"With {fewest} seeds the part of an interval that comes from training is too narrow, "
            # See `difference_over_seeds` for the factor.
            f"by a factor of about {sqrt((fewest - 1) / fewest):.2f}."
        )


def _judged(study: Study, row: str, region: str, metric: str) -> str:
    difference = _difference(study, row, region, metric)
    scale, name = SCALE[metric], f"{TITLE[metric]}, {REGION_TITLE[region]}"
    if difference.low <= 0 <= difference.high:
        return f"{name}: no difference shown ({with_interval(difference, scale, sign='+')})"
    word = "worse" if difference.mean > 0 else "better"
    return f"{name}: {word} ({with_interval(difference, scale, sign='+')})"


def _facts(study: Study) -> Iterator[str]:
    """Yield one line per fact; where the runs differ it lists all values, as a warning for the comparison."""
    for name in ("training", "protocol", "commit", "hardware"):
        values = list(dict.fromkeys(run.facts[name] for run in study.finished))
        differing = " (the runs differ)" if len(values) > 1 else ""
        yield f"{name}{differing}: {' | '.join(values)}"
    hours = sum(float(run.facts["hours"]) for run in study.finished)
    runs, rows = len(study.finished), len(study.rows)
    yield f"{runs} run{'s' * (runs != 1)}, {rows} row{'s' * (rows != 1)}, {hours:.2f} hours together"
    yield "intervals: 95 % bootstrap over images and seeds; differences: on the same images, from the first row"


def _convergence_table(study: Study, what: str, target: float) -> Table:
    runs = {row: [steps_to_reach(*curve, target) for curve in study.curves(row, CONVERGENCE)] for row in study.rows}
    reached = {row: [steps for steps in found if steps is not None] for row, found in runs.items()}
    # A mean over those that got there would favour a row whose slow runs did not.
    complete = {row: reached[row] for row, found in runs.items() if len(reached[row]) == len(found)}
    columns = _over_runs(study, complete, 1.0)
    rows = [
        [row, mean or "not by every run", f"{len(reached[row])} of {len(runs[row])}", difference]
        for row, mean, difference in columns
    ]
    title = f"Convergence: steps until validation SAD (whole image) is {target:g}, {what} (Student and Welch intervals)"
    return Table(title, ["row", "steps", "runs that reached it", f"minus {study.rows[0]}"], rows)


def _over_runs(study: Study, values: Mapping[str, Sequence[float]], scale: float) -> list[list[str]]:
    """Return the mean of each row over runs and its difference from that of the first row; empty without values."""
    first, rows = study.rows[0], []
    for row in study.rows:
        own, reference = values.get(row, []), values.get(first, [])
        mean = with_interval(mean_over_runs(own), scale) if own else ""
        # Welch's interval needs a variance on both sides, so at least two runs.
        both = row != first and min(len(own), len(reference)) > 1
        difference = with_interval(difference_over_runs(own, reference), scale, sign="+") if both else ""
        rows.append([row, mean, difference])
    return rows


def _rounded_up(value: float) -> float:
    """Round up to three significant digits, so that a run that reaches the value still does."""
    step = 10.0 ** (floor(log10(max(value, 1e-9))) - 2)
    # Formatted, because the product may end in digits such as 0.30000000000000004.
    return float(f"{ceil(value / step) * step:.6g}")


def _mean(study: Study, row: str, region: str, metric: str, labels: frozenset[str] | None = None) -> str:
    return with_interval(mean_over_seeds(study.table(row, region, metric, labels)), SCALE[metric])


def _difference(study: Study, row: str, region: str, metric: str) -> Estimate:
    return difference_over_seeds(study.table(row, region, metric), study.table(study.rows[0], region, metric))


def _seeds(study: Study, row: str) -> str:
    return "" if row == FLOOR else str(len(study.table(row, *CHARTS[0])))
