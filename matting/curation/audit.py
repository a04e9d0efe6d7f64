"""Gate 3, the edge audit: which pairs a person looks at, what they decided, and what that says of all the others."""

import hashlib
import json
import math
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
"""The article's share of pairs that a person looks at."""


class DefectRate(NamedTuple):
    """What an audit says of the pairs that came to it.

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
    """Draw the pairs to be audited, at random, stratified by their tags.

    A systematic sample (Cochran, "Sampling Techniques", 1977, chapter 8): the pairs lie in a row, one combination of
    tags after the other, both in an order of the lottery, and from a random start every so-manieth is drawn. So each
    pair has the same chance, and every combination gives its share of the sample to within one. A pair's lot is a hash
    of its name and the seed: the order in which pairs are given does not count.

    Args:
        items: Pairs that the gates before accepted.
        share: Of them, in (0, 1]; at least one pair is drawn where there are any.
        seed: Of the lottery.

    Returns:
        Names, sorted.

    Raises:
        MattingError: If the share is not in (0, 1].
    """
    if not 0 < share <= 1:
        raise MattingError(f"expected a share of the pairs above 0 and up to 1, found {share}")
    count = math.ceil(share * len(items) - 1e-9)
    row = sorted(items, key=lambda item: (_lot("\n".join(sorted(item.tags)), seed), _lot(item.name, seed)))
    begin = int.from_bytes(_lot("", seed)) % len(row) if row else 0
    return sorted(row[(begin + place * len(row)) // count].name for place in range(count))


def _lot(name: str, seed: int) -> bytes:
    return hashlib.blake2b(f"{seed}/{name}".encode(), digest_size=16).digest()


def sample_id(sample: Mapping[str, str]) -> str:
    """What tells one sample from another, and from the same pairs with other files: twelve digits of a hash.

    Args:
        sample: Stamps of the pairs that were drawn, by name.
    """
    return hashlib.blake2b(json.dumps(list(sample.items())).encode(), digest_size=6).hexdigest()


def write_sample(path: Path, sample: Mapping[str, str]) -> None:
    """Write what was drawn, as CSV with the columns name and stamp."""
    write_csv(path, ["name", "stamp"], sample.items())


def read_sample(path: Path) -> dict[str, str]:
    """The stamps of the pairs that were drawn, by name.

    Raises:
        FileNotFoundError: If there is no such file.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected the sample of 'matting curate audit', found nothing; draw it first")
    return {row["name"]: row.get("stamp", "") for row in read_csv(path)}


def read_export(path: Path, sample: Mapping[str, str]) -> dict[str, Audited]:
    """Read what the audit page exported.

    Args:
        path: The JSON file.
        sample: Stamps of the pairs that were drawn, by name.

    Returns:
        Decision by name.

    Raises:
        MattingError: If it is no such file, is of another sample, or holds an unknown verdict.
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
    if audit != sample_id(sample):
        raise MattingError(
            f"{path}: is of another sample ({audit}), or of files that changed, than this curation's "
            f"({sample_id(sample)}); open the page that was drawn last, and export that"
        )
    for name, decision in found.items():
        if name not in sample or decision.verdict not in get_args(Verdict):
            raise MattingError(
                f"{path}: expected {'/'.join(get_args(Verdict))} for pairs of the sample, found "
                f"'{decision.verdict}' for '{name}'; export it again"
            )
    return found


def defect_rate(decisions: Mapping[str, Audited]) -> DefectRate | None:
    """Estimate the share of defects among the pairs that came to the audit; None where nothing was decided yet."""
    if not decisions:
        return None
    verdicts = Counter(decision.verdict == "accept" for decision in decisions.values())
    return DefectRate(verdicts[False], len(decisions), *wilson(verdicts[False], len(decisions)))


def write_decisions(path: Path, decisions: Mapping[str, Audited]) -> None:
    """Write the decisions as CSV with the columns name, verdict, reason and stamp."""
    write_csv(path, ["name", *Audited._fields], ((name, *decision) for name, decision in sorted(decisions.items())))


def read_decisions(path: Path) -> dict[str, Audited]:
    """Read what `write_decisions` wrote; nothing where there is no file."""
    if not path.is_file():
        return {}
    verdicts: dict[str, Verdict] = {verdict: verdict for verdict in get_args(Verdict)}
    return {
        row["name"]: Audited(verdicts[row["verdict"]], row["reason"], row.get("stamp", "")) for row in read_csv(path)
    }
