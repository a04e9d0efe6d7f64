"""A test as files: `report.html` and `report.md` to read, `results.json` and `per_image.csv` to compute with."""

import csv
import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from matting.evaluation import provenance
from matting.evaluation.examples import Method
from matting.evaluation.exhibits import draw_plates
from matting.evaluation.folders import TRIMAP_RADIUS_SHARE
from matting.evaluation.page import report_html
from matting.evaluation.panels import panel_sheet
from matting.evaluation.scoring import METRICS, Evaluation
from matting.evaluation.summary import cells, mean_diagnosis, summarise
from matting.evaluation.tables import diagnosis_tables, difference_tables, label_tables, method_tables, to_markdown
from matting.images import write_atomic, write_png


@dataclass(frozen=True)
class Setting:
    """What a reader must know beside the figures.

    Attributes:
        title: Heading of the report.
        corpus: What the pictures are, such as ``demo corpus, not real data``: printed above every figure.
        methods: What each method is, by name, in words: where it comes from and how pictures are resized for it.
        wall_seconds: Duration of the whole run, in seconds.
        split: First part of the result keys.
        notes: Anything else worth a line, by name: checkpoint, training mixture, seed.
    """

    title: str
    corpus: str
    methods: Mapping[str, str]
    wall_seconds: float
    split: str = "test"
    notes: Mapping[str, str] = field(default_factory=dict)


def write_report(
    folder: Path, evaluation: Evaluation, methods: Mapping[str, Method], setting: Setting
) -> dict[str, float]:
    """Write the report of an evaluation; its first method is the one under test.

    Args:
        folder: Target; made where it is missing, files of an earlier report in it are replaced one by one.
        evaluation: The scores.
        methods: The evaluated methods; they predict the few pictures shown once more.
        setting: What stands beside the figures.

    Returns:
        The flat figures of the method under test, as `summarise` names them: what a logger takes.

    Raises:
        ValueError: Not one picture was scored; the reasons are in the text.
    """
    if not evaluation.rows:
        reasons = "; ".join(failure.reason for failure in evaluation.failures[:3]) or "there were no pictures"
        raise ValueError(f"expected at least one scored picture to report on, found none: {reasons}")
    folder.mkdir(parents=True, exist_ok=True)
    first = evaluation.methods[0]
    plates = list(draw_plates(evaluation, methods))
    results = collect_results(evaluation, setting)
    write_png(folder / "panels.png", panel_sheet(plates, f"{first} · {setting.corpus}"))
    write_atomic(folder / "per_image.csv", per_image_csv(evaluation).encode())
    write_atomic(folder / "report.md", report_markdown(evaluation, results).encode())
    write_atomic(folder / "report.html", report_html(evaluation, results, plates).encode())
    # Last, because whoever finds it takes the report for complete.
    write_atomic(folder / "results.json", (json.dumps(results, indent=2) + "\n").encode())
    return summarise(evaluation, first, setting.split)


def collect_results(evaluation: Evaluation, setting: Setting) -> dict[str, Any]:
    """Gather everything `results.json` holds.

    Args:
        evaluation: The scores.
        setting: What stands beside the figures.

    Returns:
        JSON-ready: the flat object ``metrics`` of the method under test, the same ``by_method`` with intervals, paired
        ``differences`` from the method under test, protocol, corpus, provenance and failures.
    """
    first, *others = evaluation.methods
    pictures = len({row.pair for row in evaluation.rows})
    return {
        "title": setting.title,
        "corpus": setting.corpus,
        "metrics": summarise(evaluation, first, setting.split),
        "by_method": {method: _estimates(evaluation, setting.split, method) for method in evaluation.methods},
        "differences": {other: _estimates(evaluation, setting.split, first, other) for other in others},
        "diagnoses": {method: mean_diagnosis(evaluation, method) for method in evaluation.methods},
        "method_under_test": first,
        "pictures": pictures,
        "failures": [{"name": failure.pair.name, "reason": failure.reason} for failure in evaluation.failures],
        "protocol": {
            "metrics": evaluation.protocol,
            "trimap": f"the set's own; else within {TRIMAP_RADIUS_SHARE:.0%} of the long side from the matte's edge",
            "average": "per picture first, then the unweighted mean; 95 % percentile bootstrap intervals over pictures",
        },
        "methods": dict(setting.methods),
        "notes": dict(setting.notes),
        "commit": provenance.commit(),
        "hardware": provenance.hardware(),
        "versions": provenance.versions(),
        "wall_seconds": round(setting.wall_seconds, 2),
        "seconds_per_picture": {name: round(spent / pictures, 4) for name, spent in evaluation.seconds.items()},
    }


def per_image_csv(evaluation: Evaluation) -> str:
    """Return one CSV line per method, picture and region, with a header line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["method", "set", "name", "difficulty", "tags", "region", *METRICS])
    for method, pair, region, scores in evaluation.rows:
        labels = [pair.dataset, pair.name, pair.difficulty or "", " ".join(sorted(pair.tags))]
        writer.writerow([method, *labels, region, *(f"{scores[metric]:.8g}" for metric in METRICS)])
    return text.getvalue()


def report_markdown(evaluation: Evaluation, results: Mapping[str, Any]) -> str:
    """Return the report as Markdown, from the scores and what `collect_results` gathered."""
    first = evaluation.methods[0]
    tables = [
        *method_tables(evaluation),
        *difference_tables(evaluation),
        *label_tables(evaluation, first),
        *diagnosis_tables(evaluation),
    ]
    parts = [
        f"# {results['title']}\n",
        f"> **{results['corpus']}** · {results['pictures']} pictures · method under test: **{first}**\n",
        "Means over pictures with 95 % bootstrap intervals; lower is better everywhere.\n",
        *map(to_markdown, tables),
        "## Pictures\n\n![Worst, median and best pictures](panels.png)\n",
        _failures(evaluation),
        _provenance(results),
    ]
    return "\n".join(part for part in parts if part)


def _estimates(evaluation: Evaluation, split: str, method: str, baseline: str | None = None) -> dict[str, Any]:
    return {
        f"{split}/{cell.group}/{cell.region}/{cell.metric}": dict(cell.estimate._asdict())
        for cell in cells(evaluation, method, baseline)
    }


def _failures(evaluation: Evaluation) -> str:
    if not evaluation.failures:
        return ""
    lines = "\n".join(f"- `{failure.pair.name}`: {failure.reason}" for failure in evaluation.failures)
    return f"## Left out: {len(evaluation.failures)} pictures\n\n{lines}\n"


def _provenance(results: Mapping[str, Any]) -> str:
    facts = (f"- {name}: {fact}" for name, fact in provenance.measurement_facts(results).items())
    return "## How it was measured\n\n" + "\n".join(facts) + "\n"
