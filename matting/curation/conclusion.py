"""Turn everything known about a set into verdicts and a report."""

from pathlib import Path
from typing import NamedTuple

from matting.curation.audit import defect_rate, draw_sample, read_decisions, write_sample
from matting.curation.audit_page import Entry, audit_page
from matting.curation.checks import read_limits
from matting.curation.credibility import read_credibility
from matting.curation.report import report_html, report_markdown, report_tables
from matting.curation.run import Curation, Progress, measure_all
from matting.curation.verdicts import judge, write_verdicts
from matting.data.verdicts import read_accepted
from matting.errors import MattingError
from matting.evaluation.report import Table
from matting.files import write_atomic


class Conclusion(NamedTuple):
    """The result of a curation.

    Attributes:
        tables: The funnel, and after an audit its estimate for the remaining pairs.
        warnings: Warnings, each one sentence.
        report: The HTML report.
    """

    tables: list[Table]
    warnings: list[str]
    report: Path


def conclude(
    curation: Curation, progress: Progress, limits: Path | None = None, workers: int | None = None
) -> Conclusion:
    """Judge every pair, and write the verdicts and the reports.

    Args:
        curation: The set; pairs that have not been measured yet are measured.
        progress: Displays progress.
        limits: As in `choose_limits`.
        workers: Processes; all cores by default. The result does not depend on it.

    Returns:
        Tables, warnings and the path of the report.
    """
    chosen, warnings = choose_limits(curation, limits), list[str]()
    measured, credibility = measure_all(curation, progress, workers), read_credibility(curation)
    decided = read_decisions(curation.decisions)
    decisions = {
        name: decision
        for name, decision in decided.items()
        if name in curation.items and decision.stamp == curation.stamp(name)
    }
    if stale := decided.keys() - decisions.keys():
        warnings.append(
            f"{len(stale)} audited pairs, such as '{min(stale)}', have changed since the audit; audit them again"
        )
    judged = [
        judge(one._replace(credibility=credibility.get(one.name)), chosen, decisions.get(one.name)) for one in measured
    ]
    rate, page = defect_rate(decisions), curation.folder / "report.html"
    tables = report_tables(judged, rate, chosen["credibility"])
    # Before the reports, which read images again: an interruption then does not cost the verdicts.
    write_verdicts(curation.verdicts, judged)
    write_atomic(curation.folder / "report.md", report_markdown(curation, tables).encode())
    write_atomic(page, report_html(curation, judged, tables, chosen["credibility"]).encode())
    if unreadable := sum(bool(one.problem) for one in measured):
        warnings.append(f"{unreadable} pairs cannot be read; the report says which and why")
    return Conclusion(tables[: 2 if rate else 1], warnings, page)


def choose_limits(curation: Curation, given: Path | None) -> dict[str, float]:
    """Return the project's limits, overridden by those given now or in an earlier command.

    Args:
        curation: The set; its folder keeps a copy of the given file.
        given: YAML file as in `matting.curation.checks.read_limits`; None keeps the limits given before.
    """
    # Read before it is copied, so that a bad file does not replace a good one.
    chosen = read_limits(given or (curation.limits if curation.limits.is_file() else None))
    if given:
        write_atomic(curation.limits, given.read_bytes())
    return chosen


class Drawn(NamedTuple):
    """A sample for the audit: the number of sampled pairs, of accepted pairs, and the page that shows the sample."""

    pairs: int
    accepted: int
    page: Path


def draw_audit(curation: Curation, share: float, seed: int, progress: Progress) -> Drawn:
    """Sample the accepted pairs and write the page on which a person judges them.

    Args:
        curation: The set, with verdicts.
        share: As in `draw_sample`.
        seed: Seed of the sample.
        progress: Displays progress.

    Raises:
        MattingError: If nothing was accepted.
    """
    accepted = read_accepted(curation.verdicts).get(curation.name, {})
    names = draw_sample([item for item in curation.items.values() if accepted.get(item.name)], share, seed)
    if not names:
        raise MattingError(f"{curation.verdicts}: expected accepted pairs to audit, found none")
    sample, file = {name: curation.stamp(name) for name in names}, curation.folder / "audit.html"
    shown = progress(names, "rendering the page")
    entries = (Entry(name, curation.items[name].tags, curation.read(name)) for name in shown)
    page = audit_page(entries, sample, f"Edge audit of {curation.name}: {len(names)} pairs")
    write_atomic(file, page.encode())
    write_sample(curation.sample, sample)
    return Drawn(len(names), sum(accepted.values()), file)
