"""The report as one self-contained HTML file: no network, no script, no second file."""

import base64
from collections.abc import Iterable, Mapping, Sequence
from html import escape
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.evaluation.provenance import measurement_facts
from matting.evaluation.report.gallery import COLUMNS, RenderedEntry
from matting.evaluation.report.sections import (
    CHARTS,
    LABEL_HEADING,
    SCENARIO_HEADING,
    SCENARIOS,
    Figure,
    Findings,
    scenario_scores,
    sections,
)
from matting.evaluation.report.tables import REGION_TITLE, SCALE, TITLE, Table
from matting.evaluation.scoring import Evaluation
from matting.evaluation.statistics import Estimate, bootstrap_mean

_STYLE = """
:root { --ink: #20242c; --pale: #6b7280; --line: #d9dde3; --paper: #fff; --tint: #f4f6f8; --bar: #2f8f66;
  --warn: #8a4b08 }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6e8ec; --pale: #9aa2af; --line: #353b45; --paper: #15181d; --tint: #1e2229; --bar: #45b384;
    --warn: #f0b266 }
}
* { box-sizing: border-box }
body { margin: 0 auto; max-width: 1320px; padding: 32px 24px 64px; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 8px }
h2 { font-size: 19px; margin: 40px 0 12px; padding-top: 16px; border-top: 1px solid var(--line) }
h3 { font-size: 15px; margin: 24px 0 6px }
p { margin: 4px 0; overflow-wrap: anywhere }
.pale, figcaption { color: var(--pale) }
.corpus { display: inline-block; margin: 4px 0 8px; padding: 4px 12px; border: 1px solid; border-radius: 6px;
  color: var(--warn); font-weight: 600 }
.tables { display: flex; flex-wrap: wrap; gap: 0 48px }
.tables > div { min-width: 0; max-width: 100% }
.scroll { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; white-space: nowrap }
th, td { padding: 5px 14px 5px 0; text-align: right; border-bottom: 1px solid var(--line) }
th { color: var(--pale); font-weight: 500 }
th:first-child, td:first-child { text-align: left }
td small { color: var(--pale) }
.bars { display: grid; gap: 0 48px; grid-template-columns: repeat(auto-fit, minmax(300px, 1fr)) }
.bar { display: grid; grid-template-columns: minmax(8em, 14em) 1fr 4em; gap: 10px; align-items: center; margin: 5px 0 }
.bar > :first-child { overflow-wrap: anywhere; line-height: 1.2 }
.bar > :last-child { text-align: right; font-variant-numeric: tabular-nums }
.track { position: relative; height: 16px; background: var(--tint); border-radius: 3px }
.track i { position: absolute; left: 0; top: 0; bottom: 0; background: var(--bar); border-radius: 3px }
.track b { position: absolute; top: 7px; height: 2px; background: var(--ink) }
.plot { max-width: 100%; border-radius: 3px }
figure { margin: 20px 0 28px }
.tiles { display: grid; grid-template-columns: repeat(5, 1fr); gap: 8px; margin-top: 8px }
.tiles div { font-size: 12px; color: var(--pale); line-height: 1.3 }
.tiles img { display: block; width: 100%; border: 1px solid var(--line); border-radius: 3px; margin-bottom: 3px }
details > summary { cursor: pointer; color: var(--pale); margin-top: 6px }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 4px 20px; margin: 0 }
dt { color: var(--pale) } dd { margin: 0; overflow-wrap: anywhere }
@media (max-width: 720px) {
  body { padding: 20px 14px 40px } .tiles { grid-template-columns: repeat(2, 1fr) }
  .bar { grid-template-columns: 8em 1fr 3.5em } dl { grid-template-columns: 1fr } dd { margin-bottom: 8px }
}
"""


def report_html(findings: Findings, results: Mapping[str, Any], entries: Sequence[RenderedEntry]) -> str:
    """Return the whole report as one self-contained page.

    Args:
        findings: The content of the report.
        results: The result of `matting.evaluation.report.writing.collect_results`.
        entries: The gallery of the method under test.

    Returns:
        HTML with embedded style and images, readable at any width, in light and dark mode.
    """
    evaluation, first = findings.evaluation, findings.evaluation.methods[0]
    charts = {SCENARIO_HEADING: _scenario_bars(evaluation), LABEL_HEADING: _label_bars(evaluation, first)}
    body = [
        f"<h1>{escape(results['title'])}</h1><p class=corpus>{escape(results['corpus'])}</p>",
        f"<p>{results['images']} images · method under test: <b>{escape(first)}</b></p>",
        "<p class=pale>Means over images with 95 % bootstrap intervals; lower is better everywhere.</p>",
        *(
            _section(one.heading, [charts.get(one.heading, ""), _plot(one.figure), _tables(one.tables)])
            for one in sections(findings)
        ),
        "<h2>Images</h2>",
        *map(_figure, entries),
        _section("Left out", [_list(list(map(str, evaluation.failures)))]),
        _section("Doubtful true mattes", [_list([f"{d.pair.name}: {d.reason}" for d in evaluation.doubts])]),
        "<h2>How it was measured</h2>",
        _facts(results),
    ]
    return document(results["title"], body)


def document(title: str, body: Iterable[str]) -> str:
    """Return a whole HTML page in the style of the reports.

    Args:
        title: Title of the window.
        body: Parts of the page, as HTML.

    Returns:
        HTML.
    """
    head = "<meta charset=utf-8><meta name=viewport content='width=device-width, initial-scale=1'>"
    start = f"<!doctype html><html lang=en><head>{head}<title>{escape(title)}</title><style>{_STYLE}</style></head>"
    return f"{start}<body>{''.join(body)}</body></html>\n"


def _section(heading: str, parts: Iterable[str]) -> str:
    content = "".join(parts)
    return f"<h2>{escape(heading)}</h2>{content}" if content else ""


def _plot(figure: Figure | None) -> str:
    return f"<img class=plot alt='{escape(figure.title)}' src='{data_uri(figure.pixels)}'>" if figure else ""


def _tables(tables: Sequence[Table]) -> str:
    return f"<div class=tables>{''.join(f'<div>{table_html(table)}</div>' for table in tables)}</div>"


def table_html(table: Table) -> str:
    """Return a table under its title as HTML, with the intervals in smaller type."""
    header = "".join(f"<th>{escape(name)}" for name in table.header)
    # In HTML the closing tags of rows and cells are optional.
    rows = "".join(f"<tr>{''.join(map(_cell, row))}" for row in table.rows)
    return f"<h3>{escape(table.title)}</h3><div class=scroll><table><tr>{header}{rows}</table></div>"


def _cell(text: str) -> str:
    value, bracket, interval = escape(text).partition(" [")
    return f"<td>{value} <small>[{interval}</small>" if bracket else f"<td>{value}"


def _label_bars(evaluation: Evaluation, method: str) -> str:
    """Chart the method under test by label, one chart per metric."""
    labels = [group for group in evaluation.groups if group not in evaluation.sets]
    if not labels:
        return ""
    charts = [
        _chart(
            f"{TITLE[metric]}, {REGION_TITLE[region]}",
            {label: evaluation.scores(method, label, region, metric) for label in labels},
            SCALE[metric],
        )
        for region, metric in CHARTS
    ]
    return f"<div class=bars>{''.join(charts)}</div>"


def _scenario_bars(evaluation: Evaluation) -> str:
    """Chart the methods side by side, one chart per scenario."""
    region, metric = CHARTS[0]
    charts = []
    for scenario in SCENARIOS:
        samples = {name: scenario_scores(evaluation, scenario, name, region, metric) for name in evaluation.methods}
        if all(samples.values()):
            charts.append(_chart(f"{scenario}: {TITLE[metric]}, {REGION_TITLE[region]}", samples, SCALE[metric]))
    return f"<div class=bars>{''.join(charts)}</div>" if charts else ""


def _chart(title: str, samples: Mapping[str, Sequence[float]], scale: float) -> str:
    estimates = {name: bootstrap_mean(sample) for name, sample in samples.items() if sample}
    # All scores may be 0: bars are divided by this.
    longest = max((estimate.high for estimate in estimates.values()), default=0.0) or 1.0
    bars = "".join(_bar(name, estimate, longest, scale) for name, estimate in estimates.items())
    return f"<div><h3>{escape(title)}</h3>{bars}</div>"


def _bar(name: str, estimate: Estimate, longest: float, scale: float) -> str:
    mean, low, high = (100 * value / longest for value in estimate[:3])
    bar = f"<i style='width:{mean:.2f}%'></i><b style='left:{low:.2f}%;width:{high - low:.2f}%'></b>"
    number = f"<span>{scale * estimate.mean:.3g}</span>"
    return f"<div class=bar><span>{escape(name)}</span><div class=track>{bar}</div>{number}</div>"


def _figure(entry: RenderedEntry) -> str:
    caption = f"<figcaption><b>{escape(entry.title)}</b> · {escape(entry.scores)}</figcaption>"
    close_up = _details("close-up at 200 %", zip(COLUMNS, entry.close_up, strict=True))
    others = _details("mattes of the other methods", entry.others.items()) if entry.others else ""
    return f"<figure>{caption}{_tiles(zip(COLUMNS, entry.tiles, strict=True))}{close_up}{others}</figure>"


def _details(summary: str, tiles: Iterable[tuple[str, NDArray[np.uint8]]]) -> str:
    return f"<details open><summary>{escape(summary)}</summary>{_tiles(tiles)}</details>"


def _tiles(tiles: Iterable[tuple[str, NDArray[np.uint8]]]) -> str:
    named = ((escape(name), data_uri(tile)) for name, tile in tiles)
    shown = "".join(f"<div><img alt='{name}' src='{uri}'>{name}</div>" for name, uri in named)
    return f"<div class=tiles>{shown}</div>"


def data_uri(image: NDArray[np.uint8]) -> str:
    """Return an image, ``(H, W, 3)`` uint8 RGB, as a data URI in JPEG."""
    # Not PNG: the page contains every image, and PNGs of photos are large.
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 90])
    return "data:image/jpeg;base64," + base64.b64encode(jpeg.tobytes()).decode()


def _list(lines: Sequence[str]) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _facts(results: Mapping[str, Any]) -> str:
    facts = (f"<dt>{escape(name)}</dt><dd>{escape(fact)}</dd>" for name, fact in measurement_facts(results).items())
    return f"<dl>{''.join(facts)}</dl>"
