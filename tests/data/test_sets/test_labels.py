from dataclasses import replace

import pytest

from matting.data.test_sets import Listing, with_labels


def table(tmp_path, text, encoding="utf-8"):
    (tmp_path / "labels.csv").write_text(text, encoding=encoding)
    return tmp_path / "labels.csv"


@pytest.mark.parametrize(("newline", "encoding"), [("\n", "utf-8"), ("\r\n", "utf-8-sig")])
def test_labels_and_difficulty_reach_the_pairs(discs, tmp_path, newline, encoding):
    lines = ["name,split,difficulty,group,glasses,backlit", "disc0,test,hard,g1,1,0", "disc1,test,,g2,1,1", ""]
    path = tmp_path / "labels.csv"
    path.write_bytes(newline.join(lines).encode(encoding))
    first, second, third = with_labels(Listing(discs[:3], []), path).pairs
    assert first.tags == {"glasses"} and first.difficulty == "hard"
    assert second.tags == {"glasses", "backlit"} and second.difficulty is None
    assert third == discs[2]


def test_a_manifest_of_scenarios_is_read_with_identities(discs, tmp_path):
    path = table(tmp_path, "name,set,difficulty,identity,hat\ndisc0,toy,clear,person_1,0\ndisc1,toy,clear,,1\n")
    first, second, _ = with_labels(Listing(discs[:3], []), path).pairs
    assert first.subject == "person_1" and first.tags == set() and second.subject is None and second.tags == {"hat"}


def test_names_without_a_pair_are_problems(discs, tmp_path):
    listing = with_labels(Listing(discs, ["old"]), table(tmp_path, "name,hat\nnobody,1\n"))
    assert listing.pairs == discs and listing.problems[0] == "old" and "nobody: labelled in" in listing.problems[1]


def test_labels_of_one_name_are_distinguished_by_the_set(discs, tmp_path):
    pairs = [replace(discs[0], dataset=name, tags=frozenset()) for name in "AB"]
    lines = "disc0,A,1,0\ndisc0,B,0,1\ndisc0,C,1,1\n"
    listing = with_labels(Listing(pairs, []), table(tmp_path, f"name,set,hat,glasses\n{lines}"))
    assert [pair.tags for pair in listing.pairs] == [{"hat"}, {"glasses"}]
    (problem,) = listing.problems
    assert problem.startswith("C/disc0: labelled in") and "no such pair" in problem
    listing = with_labels(Listing(pairs, []), table(tmp_path, "name,hat\ndisc0,1\n"))
    assert listing.pairs == pairs and "several sets have such a pair; add a column 'set'" in listing.problems[0]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("file,hat\ndisc0,1\n", "column 'name'"),
        ("", "column 'name'"),
        ("name,hat\ndisc0,yes\n", "found 'yes'"),
        ("name,hat\ndisc0,1\ndisc0,0\n", "one row for 'disc0', found two"),
        ("name,set,hat\ndisc0,toy,1\ndisc0,toy,0\n", "one row for 'toy/disc0', found two"),
    ],
)
def test_other_tables_are_refused(discs, tmp_path, text, message):
    with pytest.raises(ValueError, match=message):
        with_labels(Listing(discs, []), table(tmp_path, text))


def test_missing_table(discs, tmp_path):
    with pytest.raises(FileNotFoundError, match=r"none\.csv"):
        with_labels(Listing(discs, []), tmp_path / "none.csv")
