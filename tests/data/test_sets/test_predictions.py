from pathlib import Path

import pytest

from matting.data.test_sets import name_predictions
from matting.errors import MattingError


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
