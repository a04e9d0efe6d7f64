"""The table of the article's claims: its numbers are those of the studies."""

import re
from pathlib import Path

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
ESTIMATE = re.compile(r"[+-]?\d+(?:\.\d+)? \[[^\]]+\]")


def test_effects_in_the_table_of_claims_are_those_of_the_runs() -> None:
    section = (EXPERIMENTS / "README.md").read_text().split("## The article's claims")[1].split("\n## ")[0]
    rows = [ESTIMATE.findall(line) for line in section.splitlines() if line.startswith("| ")][2:]
    pages = [EXPERIMENTS / "effects.md", EXPERIMENTS / "augment/corruptions.md", *EXPERIMENTS.glob("*/table.md")]
    known = "\n".join(page.read_text() for page in pages)
    assert len(rows) >= 8 and all(rows)
    assert [estimate for row in rows for estimate in row if estimate not in known] == []
