"""The result of a curation: a CSV with one row per pair, read by people and by training."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from matting.curation.checks import CHECKS, Gate, failed
from matting.data.verdicts import Verdict
from matting.files import write_csv

COLUMNS = ("source", "name", "verdict", "gate", "reasons", "credibility", *(check.name for check in CHECKS))


class Measured(NamedTuple):
    """The measurements of one pair.

    Attributes:
        source: Name of its source.
        name: Name of the item.
        scores: Score by check; empty if a file cannot be read.
        problem: Why it cannot be read, or empty.
        credibility: Agreement with the cross-check models, or None if there was no cross-check.
    """

    source: str
    name: str
    scores: Mapping[str, float]
    problem: str = ""
    credibility: float | None = None


class Judged(NamedTuple):
    """The verdict on one pair.

    Attributes:
        measured: The measurements it is based on.
        verdict: ``accept``, ``re-annotate`` or ``reject``.
        gate: The first gate that stopped it; None for an accepted pair.
        reasons: Names of checks, ``unreadable``, ``credibility``, or what a person wrote.
    """

    measured: Measured
    verdict: Verdict
    gate: Gate | None
    reasons: tuple[str, ...]


class Audited(NamedTuple):
    """What a person decided about one pair.

    Attributes:
        verdict: As in `Judged`.
        reason: The reason in the person's words.
        stamp: Stamp of the files that the person saw; see `Curation.stamp`.
    """

    verdict: Verdict
    reason: str
    stamp: str = ""


def judge(measured: Measured, limits: Mapping[str, float], audited: Audited | None = None) -> Judged:
    """Judge a pair: a person's decision is final, otherwise the most severe verdict of the failed checks.

    Args:
        measured: The pair.
        limits: Limit by check, above which a score fails, and the smallest ``credibility``.
        audited: The decision of gate 3, if the pair was audited.

    Returns:
        The verdict. Gates come in the order quality, rules, credibility, audit; ``gate`` is the first that stopped
        the pair.
    """
    # First, because training cannot use a pair that cannot be read, whatever a person decided about it.
    if measured.problem:
        return Judged(measured, "reject", "quality", ("unreadable",))
    if audited and audited.verdict == "accept":
        return Judged(measured, "accept", None, ("audited",))
    if audited:
        return Judged(measured, audited.verdict, "audit", (audited.reason or "audited",))
    checks = failed(measured.scores, limits)
    doubted = measured.credibility is not None and measured.credibility < limits["credibility"]
    if not checks:
        stopped: Gate | None = "credibility" if doubted else None
        return Judged(measured, "re-annotate" if doubted else "accept", stopped, ("credibility",) if doubted else ())
    verdict: Verdict = "reject" if any(check.verdict == "reject" for check in checks) else "re-annotate"
    reasons = (*(check.name for check in checks), *(("credibility",) if doubted else ()))
    return Judged(measured, verdict, checks[0].gate, reasons)


def write_verdicts(path: Path, judged: Iterable[Judged]) -> None:
    """Write the CSV: `COLUMNS`, reasons separated by semicolons, scores with five digits."""
    write_csv(path, COLUMNS, map(_row, judged))


def _row(judged: Judged) -> list[str]:
    pair = judged.measured
    scores = [f"{pair.scores[check.name]:.5g}" if pair.scores else "" for check in CHECKS]
    credibility = "" if pair.credibility is None else f"{pair.credibility:.4f}"
    verdict = [judged.verdict, judged.gate or "", ";".join(judged.reasons)]
    return [pair.source, pair.name, *verdict, credibility, *scores]
