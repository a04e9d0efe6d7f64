import csv

import pytest

from matting.curation.checks import BY_NAME, CHECKS, default_limits, read_limits
from matting.curation.verdicts import COLUMNS, Audited, Measured, judge, write_verdicts
from matting.data.verdicts import read_accepted

CLEAN = {check.name: 0.0 for check in CHECKS}
LIMITS = dict.fromkeys(CLEAN, 1.0) | {"credibility": 0.92}


def test_every_check_has_a_limit_a_sentence_and_a_documented_score():
    assert set(default_limits()) == {*BY_NAME, "credibility"}
    for check in CHECKS:
        assert check.advice.endswith(".") and check.measure.__doc__


@pytest.mark.parametrize(
    ("scores", "credibility", "audited", "expected"),
    [
        ({}, None, None, ("accept", None, ())),
        ({}, 0.93, None, ("accept", None, ())),
        ({}, 0.91, None, ("re-annotate", "credibility", ("credibility",))),
        ({"holes": 2.0}, None, None, ("re-annotate", "rules", ("holes",))),
        ({"blur": 2.0, "holes": 2.0}, 0.5, None, ("reject", "quality", ("blur", "holes", "credibility"))),
        ({"holes": 2.0}, 0.5, Audited("accept", ""), ("accept", None, ("audited",))),
        ({}, None, Audited("reject", "edited"), ("reject", "audit", ("edited",))),
    ],
)
def test_verdict(scores, credibility, audited, expected):
    judged = judge(Measured("rwp", "a", CLEAN | scores, credibility=credibility), LIMITS, audited)
    assert (judged.verdict, judged.gate, judged.reasons) == expected


def test_a_score_at_its_limit_passes():
    assert judge(Measured("rwp", "a", CLEAN | {"blur": 1.0}), LIMITS).verdict == "accept"


def test_unreadable_pair_is_rejected():
    assert judge(Measured("rwp", "a", {}, problem="truncated"), LIMITS).reasons == ("unreadable",)


def test_csv_reads_back(tmp_path):
    pairs = [judge(Measured("rwp", name, CLEAN | {"blur": blur}), LIMITS) for name, blur in (("a, b", 0), ("c", 2))]
    write_verdicts(tmp_path / "verdicts.csv", pairs)
    assert read_accepted(tmp_path / "verdicts.csv") == {"rwp": {"a, b": True, "c": False}}
    with (tmp_path / "verdicts.csv").open() as file:
        assert tuple(next(csv.reader(file))) == COLUMNS


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,verdict\na,accept\n", "missing: source"),
        ("source,name,verdict\nrwp,a,fine\n", "line 2: expected accept/"),
    ],
)
def test_bad_csv_is_explained(tmp_path, text, message):
    (tmp_path / "verdicts.csv").write_text(text)
    with pytest.raises(ValueError, match=message):
        read_accepted(tmp_path / "verdicts.csv")


def test_limits_of_a_file_replace_some(tmp_path):
    (tmp_path / "limits.yaml").write_text("blur: 3\n")
    assert read_limits(tmp_path / "limits.yaml") == dict(default_limits()) | {"blur": 3.0}


@pytest.mark.parametrize("text", ["blurr: 3\n", "blur: much\n", "blur\n", "- 1\n", "a: [\n", "blur: .nan\n"])
def test_bad_limits_are_explained(tmp_path, text):
    (tmp_path / "limits.yaml").write_text(text)
    with pytest.raises(ValueError, match=r"limits.yaml: "):
        read_limits(tmp_path / "limits.yaml")
