from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from matting.data.test_sets import match_predictions, name_predictions
from matting.errors import MattingError
from matting.images import write_png


def test_names_are_given_or_those_of_the_path_as_typed(tmp_path):
    for name in ("real/preds", "b/preds", "x=y"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "real")
    given = [f"{tmp_path}/link/preds", f"mine={tmp_path}/real", f"{tmp_path}/b/preds", f"{tmp_path}/x=y"]
    named = name_predictions(given)
    assert list(named) == ["link/preds", "mine", "b/preds", f"{tmp_path.name}/x=y"]
    assert named["mine"] == tmp_path / "real" and list(name_predictions(given[:1])) == ["preds"]


def test_bad_folders_and_equal_names_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere: expected a folder of predictions, found nothing"):
        name_predictions([f"a={tmp_path}/nowhere"])
    with pytest.raises(MattingError, match="found 'a' twice"):
        name_predictions([f"a={tmp_path}", f"a={Path(tmp_path).parent}"])


def store(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        write_png(folder / f"{name}.png", np.zeros((4, 4), np.uint8))


def test_names_without_a_partner_are_problems_on_both_sides(discs, tmp_path):
    store(tmp_path, "disc0", "extra", "previews/disc0")
    files, problems = match_predictions(discs[:2], tmp_path)
    assert files == {("toy", "disc0"): tmp_path / "disc0.png"}
    assert [line.split(":")[0] for line in problems] == ["disc1", "extra"]


def test_a_name_that_two_sets_share_needs_the_folder_of_its_set(discs, tmp_path):
    a, b = (replace(discs[0], dataset=name) for name in "AB")
    store(tmp_path, "disc0", "A/disc0", "B/disc1")
    files, problems = match_predictions([a, b, replace(discs[1], dataset="B")], tmp_path)
    assert files == {("A", "disc0"): tmp_path / "A/disc0.png", ("B", "disc1"): tmp_path / "B/disc1.png"}
    assert problems == [
        f"disc0: no prediction in {tmp_path}/B",
        f"disc0: predicted in {tmp_path}, but not for which set; move it to {tmp_path}/SET or remove it",
    ]


def test_a_name_with_a_slash_is_a_file_in_a_subfolder(discs, tmp_path):
    # As in a corpus of several portrait sets.
    store(tmp_path, "p3m/disc0", "own/disc0")
    pairs = [replace(discs[0], name=f"{one}/disc0") for one in ("p3m", "own")]
    files, problems = match_predictions(pairs, tmp_path)
    assert files == {("toy", pair.name): tmp_path / f"{pair.name}.png" for pair in pairs} and not problems
