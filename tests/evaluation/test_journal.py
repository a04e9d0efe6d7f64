import pytest

from matting.errors import MattingError
from matting.evaluation import Journal, all_foreground, evaluate


def counting(method, calls):
    def counted(example):
        calls.append(example.name)
        return method(example)

    return counted


def test_an_interrupted_evaluation_resumes_and_ends_the_same(discs, too_transparent, tmp_path):
    methods = {"clear": too_transparent, "all": all_foreground}
    expected = evaluate(methods, discs)

    def interrupt(example):
        if example.name == "disc2":
            raise KeyboardInterrupt
        return too_transparent(example)

    path = tmp_path / "out" / "unfinished.jsonl"
    with pytest.raises(KeyboardInterrupt):
        evaluate({"clear": interrupt, "all": all_foreground}, discs, journal=Journal(path, "q"))
    calls = []
    resumed = Journal(path, "q")
    assert len(resumed) == 2
    found = evaluate({"clear": counting(too_transparent, calls), "all": all_foreground}, discs, journal=resumed)
    assert calls == ["disc2", "disc3"]
    assert [row[:3] for row in found.rows] == [row[:3] for row in expected.rows] and found.seconds["clear"] > 0
    for ours, theirs in zip(found.rows, expected.rows, strict=True):
        assert ours.scores == pytest.approx(theirs.scores)
    resumed.remove()
    assert not path.exists()


def test_scores_of_another_question_are_not_mixed_in(discs, too_transparent, tmp_path):
    evaluate({"m": too_transparent}, discs, journal=Journal(tmp_path / "j", "first"))
    assert len(Journal(tmp_path / "j", "second")) == 0
    assert len(Journal(tmp_path / "j", "first")) == 0  # it was replaced


@pytest.mark.parametrize("cut", [1, 20, 300])
def test_an_image_with_an_incomplete_line_is_scored_again(discs, too_transparent, tmp_path, cut):
    path = tmp_path / "j"
    evaluate({"m": too_transparent}, discs, journal=Journal(path, "q"))
    path.write_bytes(path.read_bytes()[:-cut])
    calls = []
    evaluate({"m": counting(too_transparent, calls)}, discs, journal=Journal(path, "q"))
    assert calls == [pair.name for pair in discs[-len(calls) :]] and 1 <= len(calls) <= 3
    assert len(Journal(path, "q")) == 4


def test_a_file_that_is_no_journal_is_replaced(tmp_path):
    (tmp_path / "j").write_text("something else\n[1, 2]\n")
    assert len(Journal(tmp_path / "j", "q")) == 0


def test_failures_are_retried(discs, too_transparent, tmp_path):
    def failing(example):
        raise MattingError("no memory")

    evaluate({"m": failing}, discs, journal=Journal(tmp_path / "j", "q"))
    assert len(evaluate({"m": too_transparent}, discs, journal=Journal(tmp_path / "j", "q")).rows) == 8
