"""The report as files: `report.html` and `report.md` to read, `results.json` and `per_image.csv` to compute with."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matting.errors import MattingError
from matting.evaluation import provenance
from matting.evaluation.background_invariance import BACKGROUND_DEVIATION, background_deviations
from matting.evaluation.prediction import Method
from matting.evaluation.report.gallery import render_entries
from matting.evaluation.report.page import report_html
from matting.evaluation.report.panels import panel_sheet
from matting.evaluation.report.sections import CHARTS, Findings, Section, mean_deviation, sections
from matting.evaluation.report.tables import to_markdown
from matting.evaluation.robustness import degradations
from matting.evaluation.scoring import METRICS, Evaluation, Row
from matting.evaluation.setting import Setting
from matting.evaluation.summary import cells, mean_diagnosis, summarise
from matting.files import csv_text, json_text, write_atomic
from matting.images import write_png
from matting.trimap import RADIUS_SHARE


def write_report(
    folder: Path,
    evaluation: Evaluation,
    methods: Mapping[str, Method],
    setting: Setting,
    corrupted: Evaluation | None = None,
    training: Sequence[Section] = (),
) -> dict[str, float]:
    """Write the report of an evaluation; its first method is the one under test.

    Args:
        folder: Target folder; created if missing. Files of an earlier report are replaced one by one.
        evaluation: The scores.
        methods: The evaluated methods, which predict the images of the gallery again.
        setting: What the report states along with the scores.
        corrupted: Scores of some of the methods on `matting.evaluation.robustness.corrupted_pairs`.
        training: Sections about the training of the method under test.

    Returns:
        The means of the method under test by flat name, as in `summarise`, ready for a logger.

    Raises:
        MattingError: No image was scored; the message contains the reasons.
        ValueError: A method has no description.
    """
    first = evaluation.methods[0]
    if not any(row.method == first for row in evaluation.rows):
        # Failures of other methods do not explain why this one has no scores.
        own = dict.fromkeys(failure.reason for failure in evaluation.failures if failure.method in (None, first))
        reasons = "; ".join(list(own)[:3]) or "there were no images"
        raise MattingError(f"expected at least one scored image of '{first}' to report on, found none: {reasons}")
    # Before the predictions for the gallery, which take time.
    if undescribed := [name for name in evaluation.methods if name not in setting.methods]:
        raise ValueError(
            f"expected a description of every method, found none of '{undescribed[0]}'; add it to the setting"
        )
    findings = Findings(evaluation, setting, background_deviations(evaluation.pairs, methods), corrupted, training)
    # A list, since both the sheet and the page show them.
    entries = list(render_entries(evaluation, methods))
    results = collect_results(findings)
    folder.mkdir(parents=True, exist_ok=True)
    write_png(folder / "panels.png", panel_sheet(entries, f"{evaluation.methods[0]} · {setting.corpus}"))
    for figure in (section.figure for section in training if section.figure):
        write_png(folder / figure.name, figure.pixels)
    # A file name need not be valid UTF-8: tables keep its bytes, a browser shows a question mark.
    write_atomic(folder / "per_image.csv", per_image_csv(evaluation).encode(errors="surrogateescape"))
    if corrupted is not None:
        write_atomic(folder / "corruptions.csv", per_image_csv(corrupted).encode(errors="surrogateescape"))
    write_atomic(folder / "report.md", report_markdown(findings, results).encode(errors="surrogateescape"))
    write_atomic(folder / "report.html", report_html(findings, results, entries).encode(errors="replace"))
    # Last, because its presence marks the report as complete.
    write_atomic(folder / "results.json", json_text(results).encode())
    return summarise(evaluation, evaluation.methods[0], setting.split)


def collect_results(findings: Findings) -> dict[str, Any]:
    """Collect the content of `results.json`.

    Args:
        findings: The content of the report.

    Returns:
        JSON-serialisable: the flat ``metrics`` of the method under test, the same ``by_method`` with intervals, paired
        ``differences`` from the method under test, diagnoses, corruptions, protocol, corpus, provenance and failures.
    """
    evaluation, setting, deviations, corrupted = (
        findings.evaluation,
        findings.setting,
        findings.deviations,
        findings.corrupted,
    )
    first, *others = evaluation.methods
    images = len(evaluation.pairs)
    return {
        "title": setting.title,
        "corpus": setting.corpus,
        "metrics": summarise(evaluation, first, setting.split),
        "by_method": {method: _estimates(evaluation, setting.split, method) for method in evaluation.methods},
        "differences": {other: _estimates(evaluation, setting.split, first, other) for other in others},
        "over_seeds": setting.runs_over_seeds(),
        "diagnoses": {
            method: mean_diagnosis(evaluation, method) | {BACKGROUND_DEVIATION: mean_deviation(deviations, method)}
            for method in evaluation.methods
        },
        "corruptions": {} if corrupted is None else {name: _corruptions(corrupted, name) for name in corrupted.methods},
        "method_under_test": first,
        "images": images,
        "failures": [
            {"name": failure.pair.name, "method": failure.method, "reason": failure.reason}
            for failure in evaluation.failures
        ],
        "doubts": [{"name": doubt.pair.name, "reason": doubt.reason} for doubt in evaluation.doubts],
        "protocol": protocol_facts(evaluation),
        "methods": {name: description.text for name, description in setting.methods.items()},
        "seen_in_training": {
            name: {one: setting.seen_in_training(name, one) for one in evaluation.sets} for name in evaluation.methods
        },
        "notes": dict(setting.notes),
        "commit": provenance.commit(),
        "hardware": provenance.hardware(),
        "versions": provenance.versions(),
        "wall_seconds": round(setting.wall_seconds, 2),
        "seconds_per_image": {
            name: round(spent / max(1, len(evaluation.scored(name))), 4) for name, spent in evaluation.seconds.items()
        },
    }


def protocol_facts(evaluation: Evaluation) -> dict[str, str]:
    """Describe in words how scores are computed: metrics, regions, size, trimap and average, by name."""
    return {
        "metrics": evaluation.protocol,
        "regions": "the whole image, and the trimap's unknown region",
        "size": "the original size of each image: mattes are resized to it; no padding, no upper limit",
        "trimap": f"that of the test set, or within {RADIUS_SHARE:.0%} of the long side from the matte's edge",
        "average": "per image, then unweighted over images with pixels in the region; 95 % percentile bootstrap",
    }


def per_image_csv(evaluation: Evaluation) -> str:
    """Return one CSV line per method, image and region, with a header line."""
    return csv_text(["method", "set", "name", "difficulty", "tags", "region", *METRICS], map(_line, evaluation.rows))


def _line(row: Row) -> list[str]:
    labels = [row.pair.dataset, row.pair.name, row.pair.difficulty or "", " ".join(sorted(row.pair.tags))]
    return [row.method, *labels, row.region, *(f"{row.scores[metric]:.8g}" for metric in METRICS)]


def report_markdown(findings: Findings, results: Mapping[str, Any]) -> str:
    """Return the report as Markdown, made of the findings and of the result of `collect_results`."""
    first = findings.evaluation.methods[0]
    parts = [
        f"# {results['title']}\n",
        f"> **{results['corpus']}** · {results['images']} images · method under test: **{first}**\n",
        "Means over images with 95 % bootstrap intervals; lower is better everywhere.\n",
        *(_section(section) for section in sections(findings)),
        "## Images\n\n![Worst, median and best images](panels.png)\n",
        _failures(findings.evaluation),
        _doubts(findings.evaluation),
        _provenance(results),
    ]
    return "\n".join(part for part in parts if part)


def _section(section: Section) -> str:
    figure = [f"![{section.figure.title}]({section.figure.name})\n"] if section.figure else []
    return "\n".join([f"## {section.heading}\n", *figure, *map(to_markdown, section.tables)])


def _corruptions(corrupted: Evaluation, method: str) -> dict[str, Any]:
    return {
        f"{region}/{metric}": {
            name: {"means": list(found.means), "ratios": list(found.ratios), "relative": found.relative}
            for name, found in degradations(corrupted, method, region, metric).items()
        }
        for region, metric in CHARTS
    }


def _estimates(evaluation: Evaluation, split: str, method: str, baseline: str | None = None) -> dict[str, Any]:
    return {
        f"{split}/{cell.group}/{cell.region}/{cell.metric}": dict(cell.estimate._asdict())
        for cell in cells(evaluation, method, baseline)
    }


def _failures(evaluation: Evaluation) -> str:
    if not evaluation.failures:
        return ""
    return f"## Left out: {len(evaluation.failures)}\n\n" + "".join(f"- {failure}\n" for failure in evaluation.failures)


def _doubts(evaluation: Evaluation) -> str:
    if not evaluation.doubts:
        return ""
    return "## Doubtful true mattes\n\n" + "".join(f"- {d.pair.name}: {d.reason}\n" for d in evaluation.doubts)


def _provenance(results: Mapping[str, Any]) -> str:
    facts = (f"- {name}: {fact}" for name, fact in provenance.measurement_facts(results).items())
    return "## How it was measured\n\n" + "\n".join(facts) + "\n"
