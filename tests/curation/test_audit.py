import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matting.curation.audit import (
    defect_rate,
    draw_sample,
    read_decisions,
    read_export,
    read_sample,
    sample_id,
    write_decisions,
    write_sample,
)
from matting.curation.audit_page import WINDOW, Entry, audit_page, softest_windows
from matting.curation.verdicts import Audited
from matting.data.formats import Item
from tests.curation.conftest import disc, disc_alpha, levels


def items(counts: dict[str, int]) -> list[Item]:
    return [
        Item(f"{tag}{k}", Path("a.png"), Path("a.jpg"), tags=frozenset({tag}))
        for tag in counts
        for k in range(counts[tag])
    ]


@settings(max_examples=50)
@given(
    counts=st.dictionaries(st.sampled_from("abcdef"), st.integers(1, 200), min_size=1),
    share=st.floats(0.01, 1),
    seed=st.integers(0, 9),
)
def test_every_stratum_gives_its_share_to_within_one(counts, share, seed):
    drawn = draw_sample(items(counts), share, seed)
    assert len(drawn) == len(set(drawn)) == int(np.ceil(share * sum(counts.values()) - 1e-9))
    per_tag = Counter(name[0] for name in drawn)
    of_all = len(drawn) / sum(counts.values())
    assert all(abs(per_tag[tag] - of_all * count) < 1 for tag, count in counts.items())


def test_every_pair_has_the_same_chance_however_rare_its_tags():
    pool = items({"a": 1, "b": 1, "c": 2, "d": 16})
    times = Counter(name for seed in range(4000) for name in draw_sample(pool, 0.1, seed))
    assert times.keys() == {item.name for item in pool}
    assert all(abs(count - 400) < 5 * np.sqrt(360) for count in times.values())  # binomial, five deviations


def test_sample_depends_on_the_seed_and_not_on_the_order():
    pool = items({"a": 100, "b": 60})
    assert draw_sample(pool, seed=1) == draw_sample(pool[::-1], seed=1) != draw_sample(pool, seed=2)


def test_share_beyond_reason_is_refused():
    with pytest.raises(ValueError, match="share"):
        draw_sample([], 5)


def test_windows_show_the_softest_places_and_stay_inside():
    alpha = disc_alpha(radius=60, x=150, y=150, width=1)
    alpha[300:340, 350:480] = 0.5
    (y, x), *others = softest_windows(levels(alpha))
    assert y <= 300 and y + WINDOW >= 340 and x <= 350 and x + WINDOW >= 480
    assert all(0 <= y <= 512 - WINDOW and 0 <= x <= 512 - WINDOW for y, x in others)
    assert len(softest_windows(np.zeros((20, 30), np.uint8))) == 1


def test_page_refers_to_nothing_outside_itself():
    alpha = disc_alpha()
    from matting.curation.pair import AnnotatedPair

    pair = AnnotatedPair(disc(alpha), levels(alpha))
    page = audit_page([Entry("<a'b>", frozenset({"hat"}), pair)], {"<a'b>": "1"}, "a & b")
    assert "http" not in page and "src='data:" in page and "<a'b>" not in page
    assert "&lt;a&#x27;b&gt;" in page and "a &amp; b" in page


def export(path: Path, sample: dict[str, str], decisions: object, audit: str | None = None) -> Path:
    path.write_text(json.dumps({"audit": audit or sample_id(sample), "decisions": decisions}))
    return path


def test_export_reads_back_and_gives_a_rate(tmp_path):
    sample = {"a": "1", "b": "2", "c": "3"}
    path = export(
        tmp_path / "e.json", sample, {"a": {"verdict": "accept"}, "b": {"verdict": "reject", "reason": "x, y"}}
    )
    found = read_export(path, sample)
    assert found == {"a": Audited("accept", "", "1"), "b": Audited("reject", "x, y", "2")}
    write_decisions(tmp_path / "audit.csv", found)
    assert read_decisions(tmp_path / "audit.csv") == found
    rate = defect_rate(found)
    assert (rate.defects, rate.audited) == (1, 2) and rate.low < 0.5 < rate.high
    assert defect_rate({}) is None
    write_sample(tmp_path / "sample.csv", sample | {"d, e": "4"})
    assert read_sample(tmp_path / "sample.csv") == sample | {"d, e": "4"}
    with pytest.raises(FileNotFoundError, match="run it first"):
        read_sample(tmp_path / "nothing.csv")


def test_export_of_files_that_changed_since_is_refused(tmp_path):
    path = export(tmp_path / "e.json", {"a": "1", "b": "2"}, {"a": {"verdict": "accept"}})
    with pytest.raises(ValueError, match="files have changed"):
        read_export(path, {"a": "1", "b": "3"})


@pytest.mark.parametrize(
    ("decisions", "audit", "message"),
    [
        ({"z": {"verdict": "accept"}}, None, "of the sample"),
        ({"a": {"verdict": "fine"}}, None, "expected accept"),
        ({"a": {"verdict": "accept"}}, "other", "another sample"),
        ([], None, "something else"),
        ({"a": "accept"}, None, "something else"),
    ],
)
def test_wrong_export_is_explained(tmp_path, decisions, audit, message):
    with pytest.raises(ValueError, match=message):
        read_export(export(tmp_path / "e.json", {"a": "1"}, decisions, audit), {"a": "1"})
