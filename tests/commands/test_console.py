import itertools

from matting.commands import console


def test_without_a_terminal_progress_is_a_line_now_and_then(monkeypatch, capsys):
    clock = itertools.count(step=12)
    monkeypatch.setattr(console.time, "monotonic", lambda: float(next(clock)))
    assert list(console.track(list("abcdefgh"), "scoring")) == list("abcdefgh")
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "scoring: 2 of 8 after 0.6 min, about 2 min left",
        "scoring: 5 of 8 after 1.2 min, about 1 min left",
    ]


def test_of_many_problems_some_are_printed_and_the_others_counted(capsys):
    console.list_problems("wrong:", [f"{k}.jpg" for k in range(console.SHOWN + 2)])
    lines = capsys.readouterr().err.splitlines()
    assert lines[:2] == ["wrong:", "  0.jpg"] and lines[-1] == "  … and 2 more" and len(lines) == console.SHOWN + 2
