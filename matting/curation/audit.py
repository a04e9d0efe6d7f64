"""Gate 3, the edge audit: sample pairs for a person, read the decisions, and estimate the defects that remain."""

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, get_args

from matting.curation.verdicts import Audited
from matting.data.formats import Item
from matting.data.verdicts import Verdict
from matting.errors import MattingError
from matting.evaluation.statistics import wilson
from matting.files import read_csv, write_csv

SHARE = 0.05
"""The share of pairs that a person inspects, from the article."""


class DefectRate(NamedTuple):
    """The rate of defects among the pairs that reached the audit.

    Attributes:
        defects: Audited pairs that were not accepted.
        audited: Audited pairs.
        low: Lower end of the 95 % Wilson interval of the share.
        high: Its upper end.
    """

    defects: int
    audited: int
    low: float
    high: float


def draw_sample(items: Sequence[Item], share: float = SHARE, seed: int = 0) -> list[str]:
    """Sample the pairs to audit at random, stratified by their tags.

    A systematic sample (Cochran, "Sampling Techniques", 1977, chapter 8): the pairs are ordered by a hash of their
    combination of tags, then by a hash of their name, and every k-th is taken from a random start. Each pair has the
    same probability, and every combination of tags gets its share of the sample to within one. The hashes depend on
    name and seed only, so the order of ``items`` does not matter.

    Args:
        items: Pairs that the earlier gates accepted.
        share: Share of them to sample, in (0, 1]; at least one pair is sampled if there are any.
        seed: Seed of the hashes.

    Returns:
        Names of the sampled pairs, sorted.

    Raises:
        MattingError: If the share is not in (0, 1].
    """
    if not 0 < share <= 1:
        raise MattingError(f"expected a share of the pairs above 0 and up to 1, found {share}")
    count = math.ceil(share * len(items) - 1e-9)  # rounding must not add a pair to a whole number
    ordered = sorted(items, key=lambda item: (_hash("\n".join(sorted(item.tags)), seed), _hash(item.name, seed)))
    # The start is a fraction of a pair, start / count, so that no pair is favoured if count does not divide the pairs.
    start = int.from_bytes(_hash("", seed)) % len(ordered) if ordered else 0
    return sorted(ordered[(start + k * len(ordered)) // count].name for k in range(count))


def _hash(name: str, seed: int) -> bytes:
    return hashlib.blake2b(os.fsencode(f"{seed}/{name}"), digest_size=16).digest()


def sample_id(sample: Mapping[str, str]) -> str:
    """Return an id of the sample, twelve hexadecimal digits; it changes with the pairs and with their files.

    Args:
        sample: Stamp of each sampled pair, by name.
    """
    return hashlib.blake2b(json.dumps(list(sample.items())).encode(), digest_size=6).hexdigest()


def write_sample(path: Path, sample: Mapping[str, str]) -> None:
    """Write a sample as CSV with the columns name and stamp."""
    write_csv(path, ["name", "stamp"], sample.items())


def read_sample(path: Path) -> dict[str, str]:
    """Read the stamp of each sampled pair, by name.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected the sample of 'matting curate audit', found nothing; run it first")
    return {row["name"]: row.get("stamp", "") for row in read_csv(path)}


def read_export(path: Path, sample: Mapping[str, str]) -> dict[str, Audited]:
    """Read the decisions that the audit page exported.

    Args:
        path: The JSON file.
        sample: Stamp of each sampled pair, by name.

    Returns:
        Decision by name.

    Raises:
        MattingError: If it is not an export, belongs to another sample, or contains an unknown verdict.
        FileNotFoundError: If it is missing.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected the file that the audit page exports, found nothing; check the path")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        audit, decisions = content["audit"], content["decisions"]
        found = {
            name: Audited(entry["verdict"], str(entry.get("reason", "")), sample.get(name, ""))
            for name, entry in decisions.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise MattingError(f"{path}: expected an export of the audit page, found something else ({error!r})") from error
    # The page was built from one state of the files; a decision about others must not count for these.
    if audit != sample_id(sample):
        raise MattingError(
            f"{path}: expected an export of sample {sample_id(sample)}, found {audit} (another sample, or its "
            "files have changed); export again from the latest audit page"
        )
    for name, decision in found.items():
        if name not in sample or decision.verdict not in get_args(Verdict):
            raise MattingError(
                f"{path}: expected {'/'.join(get_args(Verdict))} for pairs of the sample, found "
                f"'{decision.verdict}' for '{name}'; export again"
            )
    return found


def defect_rate(decisions: Mapping[str, Audited]) -> DefectRate | None:
    """Estimate the share of defects among the pairs that reached the audit; None if nothing was decided yet."""
    if not decisions:
        return None
    verdicts = Counter(decision.verdict == "accept" for decision in decisions.values())
    return DefectRate(verdicts[False], len(decisions), *wilson(verdicts[False], len(decisions)))


def write_decisions(path: Path, decisions: Mapping[str, Audited]) -> None:
    """Write the decisions as CSV with the columns name, verdict, reason and stamp."""
    write_csv(path, ["name", *Audited._fields], ((name, *decision) for name, decision in sorted(decisions.items())))


def read_decisions(path: Path) -> dict[str, Audited]:
    """Read what `write_decisions` wrote; empty if there is no file."""
    if not path.is_file():
        return {}
    verdicts: dict[str, Verdict] = {verdict: verdict for verdict in get_args(Verdict)}
    return {
        row["name"]: Audited(verdicts[row["verdict"]], row["reason"], row.get("stamp", "")) for row in read_csv(path)
    }
