import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from matting.synthetic import SCENARIO_SETS, ensure_corpus, ensure_scenarios
from matting.synthetic.defects import DEFECTS
from matting.synthetic.plan import plan_items


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    cache = tmp_path_factory.mktemp("scenarios")
    return ensure_scenarios(per_set=9, image_size=96, workers=1, cache_dir=cache, show_progress=False)


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_every_set_contains_pairs_of_equal_stems(root: Path) -> None:
    rows = rows_of(root / "manifest.csv")
    for name in SCENARIO_SETS:
        stems = {row["name"] for row in rows if row["set"] == name}
        assert len(stems) == 9
        assert {p.stem for p in (root / name / "image").iterdir()} == stems
        assert {p.stem for p in (root / name / "alpha").iterdir()} == stems


def test_the_sets_show_what_they_are_named_after(root: Path) -> None:
    rows = rows_of(root / "manifest.csv")
    for name, tag in (("backlit", "backlit"), ("glasses", "glasses"), ("group", "group")):
        assert all(row[tag] == "1" for row in rows if row["set"] == name)
    assert all(row["backlit"] == row["group"] == "0" for row in rows if row["set"] == "clean")


def test_one_person_has_eight_backgrounds_with_one_matte(root: Path) -> None:
    groups: dict[str, list[str]] = {}
    for row in rows_of(root / "manifest.csv"):
        if row["set"] == "backgrounds":
            groups.setdefault(row["identity"], []).append(row["name"])
    assert sorted(map(len, groups.values())) == [1, 8]
    names = max(groups.values(), key=len)
    alphas = [(root / f"backgrounds/alpha/{name}.png").read_bytes() for name in names]
    assert len(set(alphas)) == 1
    images = [cv2.imread(str(root / f"backgrounds/image/{name}.jpg")).astype(np.float32) for name in names]
    assert min(np.abs(images[0] - other).mean() for other in images[1:]) > 2


def test_a_set_needs_an_image(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="per_set must be at least 1"):
        ensure_scenarios(per_set=0, cache_dir=tmp_path)


def test_planted_defects_are_listed_and_leave_the_rest_alone(tmp_path: Path) -> None:
    plain, faulty = (
        ensure_corpus(people=12, image_size=96, workers=1, cache_dir=tmp_path, show_progress=False, defects=defects)
        for defects in (False, True)
    )
    planted = {row["name"] for row in rows_of(faulty / "defects.csv")}
    assert planted and not (plain / "defects.csv").exists()
    for path in sorted((plain / "RWP/image").iterdir()):
        pair = [path.relative_to(plain), Path("RWP/alpha") / f"{path.stem}.png"]
        same = all((faulty / part).read_bytes() == (plain / part).read_bytes() for part in pair)
        assert same == (path.stem not in planted)
    listed = {item.defect for item in plan_items(120, defects=True)} - {None}
    assert listed == set(DEFECTS)
