"""The report of a curation: the funnel compared with the article's, reasons, agreement, and the worst of each check."""

from collections import Counter
from collections.abc import Mapping, Sequence
from html import escape
from typing import get_args

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.curation.audit import DefectRate
from matting.curation.checks import BY_NAME, CHECKS, Check, Gate
from matting.curation.pair import AnnotatedPair
from matting.curation.run import Curation
from matting.curation.verdicts import Judged
from matting.data.verdicts import Verdict
from matting.evaluation.report.page import data_uri, document, table_html
from matting.evaluation.report.tables import Table, to_markdown
from matting.evaluation.statistics import wilson

PUBLISHED: Mapping[Gate, str] = {"quality": "about 17 %", "credibility": "about 9 %", "audit": "about 3 %"}
"""The article's rate of each gate; it gives none for the annotation rules."""

TITLES: Mapping[Gate, str] = {
    "quality": "1 quality",
    "rules": "annotation rules",
    "credibility": "2 alpha credibility",
    "audit": "3 edge audit",
}

_EXAMPLES = 2  # of each check
_SIDE = 420  # longest side of an example
_BINS = 20


def funnel_table(judged: Sequence[Judged], rate: DefectRate | None) -> Table:
    """Return the table of how many pairs reached each gate, and how many it stopped.

    Args:
        judged: All pairs.
        rate: Rate of defects among the audited pairs; None if there was no audit.
    """
    entering, rows = len(judged), []
    for gate, title in TITLES.items():
        stopped = sum(one.gate == gate for one in judged)
        cells = [str(entering), str(stopped), _share(stopped, entering)]
        if gate == "audit":
            looked = f"{entering}, {rate.audited} looked at" if rate else ""
            cells = [looked, str(stopped), _share(rate.defects, rate.audited)] if rate else ["", "", "not run"]
        rows.append([title, *cells, PUBLISHED.get(gate, "not given")])
        entering -= stopped
    rows.append(["accepted", str(entering), "", _share(entering, len(judged)), ""])
    return Table("Funnel", ["gate", "reached", "stopped", "share [95 %]", "in the article"], rows)


def verdict_table(judged: Sequence[Judged]) -> Table:
    """Return the number of pairs by verdict."""
    counts = Counter(one.verdict for one in judged)
    rows = [[name, str(counts[name]), _share(counts[name], len(judged))] for name in get_args(Verdict)]
    return Table("Verdicts", ["verdict", "pairs", "share [95 %]"], rows)


def reason_table(judged: Sequence[Judged], credible: float) -> Table:
    """Return the reasons by frequency; a pair may have several. An agreement below ``credible`` is one."""
    counts = Counter(reason for one in judged if one.verdict != "accept" for reason in one.reasons)
    advice = {name: check.advice for name, check in BY_NAME.items()} | {
        "credibility": f"The agreement of models that have not seen the pair with its matte is below {credible}.",
        "unreadable": "A file cannot be read, or photo and matte differ in size.",
    }
    rows = [[reason, str(count), advice.get(reason, "given by a person")] for reason, count in counts.most_common()]
    return Table("Reasons", ["reason", "pairs", "what to do"], rows)


def remaining_table(judged: Sequence[Judged], rate: DefectRate) -> Table:
    """Return the audit's estimate for the accepted pairs that nobody looked at."""
    unseen = sum(one.verdict == "accept" and not one.reasons for one in judged)
    about = f"{unseen * rate.defects / rate.audited:.0f} [{unseen * rate.low:.0f}, {unseen * rate.high:.0f}]"
    row = [str(unseen), _share(rate.defects, rate.audited), about]
    columns = ["accepted, not looked at", "with defects [95 %]", "that is, pairs"]
    return Table("Defects that remain, by the audit (Wilson)", columns, [row])


def unreadable_table(judged: Sequence[Judged]) -> Table:
    """Return the pairs that could not be measured, and why."""
    rows = [[one.measured.name, one.measured.problem] for one in judged if one.measured.problem]
    return Table("Unreadable", ["pair", "found"], rows)


def report_tables(judged: Sequence[Judged], rate: DefectRate | None, credible: float) -> list[Table]:
    """Return all tables of a report, the funnel first; ``credible`` is the smallest accepted agreement."""
    tables = [funnel_table(judged, rate), *([remaining_table(judged, rate)] if rate else [])]
    tables += [verdict_table(judged), reason_table(judged, credible), unreadable_table(judged)]
    return [table for table in tables if table.rows]


def report_markdown(curation: Curation, tables: Sequence[Table]) -> str:
    """Return the report as Markdown."""
    return f"# Curation of {curation.name}\n\n" + "\n".join(map(to_markdown, tables))


def report_html(curation: Curation, judged: Sequence[Judged], tables: Sequence[Table], credible: float) -> str:
    """Return the report as one page, with the worst pairs of each check and where they fail.

    The pairs shown are read and measured once more. An agreement below ``credible`` fails a pair.
    """
    body = [f"<h1>Curation of {escape(curation.name)}</h1>", *map(table_html, tables), _agreement(judged, credible)]
    body.append("<h2>The worst of each check</h2>")
    for check in CHECKS:
        # The reason of an audited pair is a person's words, which may happen to be the name of a check.
        failing = [one for one in judged if one.gate != "audit" and check.name in one.reasons]
        worst = sorted(failing, key=lambda one: -one.measured.scores[check.name])[:_EXAMPLES]
        if worst:
            tiles = "".join(_example(curation, one, check) for one in worst)
            body.append(f"<h3>{check.name}</h3><p>{escape(check.advice)}</p><div class=tiles>{tiles}</div>")
    return document(f"Curation of {curation.name}", body)


def overlay(pair: AnnotatedPair, where: NDArray[np.bool_] | None, side: int = _SIDE) -> NDArray[np.uint8]:
    """Render the photo, darkened, with the outline of the matte in white and the places of a finding in red.

    Args:
        pair: Photo and matte.
        where: ``(H, W)`` bool, or None for no place.
        side: Longest side of the result; smaller photos are not enlarged.

    Returns:
        ``(h, w, 3)`` uint8 RGB.
    """
    scale = min(1.0, side / max(pair.alpha.shape))
    size = (max(1, round(pair.alpha.shape[1] * scale)), max(1, round(pair.alpha.shape[0] * scale)))
    image = (0.6 * cv2.resize(pair.photo, size, interpolation=cv2.INTER_AREA)).astype(np.uint8)
    lines = [np.rint(line * scale).astype(np.int32) for line in pair.contours]
    cv2.polylines(image, lines, True, (255, 255, 255), 1, cv2.LINE_AA)
    if where is not None:
        marked = cv2.resize(where.astype(np.float32), size, interpolation=cv2.INTER_AREA)[..., None]
        marked = np.clip(2 * marked, 0, 0.8)
        image = (image * (1 - marked) + np.array([255, 40, 40]) * marked).astype(np.uint8)
    return np.asarray(image, np.uint8)


def _example(curation: Curation, one: Judged, check: Check) -> str:
    pair = curation.read(one.measured.name)
    image = overlay(pair, check.measure(pair).where)
    caption = f"{escape(one.measured.name)}<br>{one.measured.scores[check.name]:.3g}"
    return f"<div><img alt='{check.name}' src='{data_uri(image)}'>{caption}</div>"


def _agreement(judged: Sequence[Judged], credible: float) -> str:
    """Return the histogram of the agreement with the cross-check models."""
    values = [one.measured.credibility for one in judged if one.measured.credibility is not None]
    if not values:
        return ""
    # From 0.6, or from the lowest value: most agreements are near 1, and equal axes compare between sets.
    counts, edges = np.histogram(values, _BINS, (min(0.6, *values), 1.0))
    bars = "".join(
        f"<div class=bar><span>{low:.3f} to {high:.3f}</span><div class=track>"
        f"<i style='width:{100 * count / counts.max():.1f}%'></i></div><span>{count}</span></div>"
        for low, high, count in zip(edges[:-1], edges[1:], counts, strict=True)
    )
    return f"<h2>Agreement with cross-check models; pairs below {credible:g} are annotated again</h2>{bars}"


def _share(count: int, of: int) -> str:
    if not of:
        return "none"
    low, high = wilson(count, of)
    return f"{100 * count / of:.1f} % [{100 * low:.1f}, {100 * high:.1f}]"
