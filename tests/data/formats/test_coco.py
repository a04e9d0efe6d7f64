import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pycocotools import mask as coco_mask

from matting.data import formats
from matting.data.formats.coco_annotations import Person, person_mask
from matting.data.formats.coco_matting import joined_alpha, matte_box
from tests.data.formats.trees import SIZE, annotation, box_polygon, coco_tree, joined_matte, matte, save

ALONE, GROUP, UNANNOTATED, BESIDE, VALIDATION = 1, 2, 3, 4, 5
OWN, OTHER = (4.0, 6.0, 16.0, 44.0), (20.0, 10.0, 30.0, 40.0)


def disc(left: int, top: int, right: int, bottom: int) -> np.ndarray:
    alpha = np.zeros(SIZE, np.uint8)
    alpha[top:bottom, left:right] = 255
    alpha[top, left:right] = 128
    return alpha


def coco_matting_tree(root: Path, form: str = "joined") -> tuple[Path, Path]:
    """Mattes of five photos: alone, two mattes, not annotated, next to a stranger, of the validation set."""
    folders = ["train2017", "train2017", "unlabeled2017", "train2017", "val2017"]
    people = [annotation(ALONE, OWN), annotation(GROUP, OWN), annotation(GROUP, OTHER)]
    people += [annotation(BESIDE, OWN), annotation(BESIDE, OTHER), annotation(ALONE, OTHER, category_id=2)]
    coco = coco_tree(root / "coco", people, dict(zip(range(1, 6), folders, strict=True)))
    own, other = disc(4, 6, 16, 44), disc(20, 10, 30, 40)
    files = {
        f"{ALONE:012d}_cell phone_00": own,
        f"{GROUP:012d}_handbag_tie_00": own,
        f"{GROUP:012d}_tie_01": other,
        f"{UNANNOTATED:012d}_remote_00": own,
        f"{BESIDE:012d}_banana_00": own,
        f"{VALIDATION:012d}_tie_00": own,
    }
    for name, alpha in files.items():
        if form == "split":
            save(root / "COCO-Matting/alpha" / f"{name}.png", alpha)
        else:
            joined_matte(root / "COCO-Matting/trimap_alpha" / f"{name}.png", alpha, trimap_first=form == "joined")
    return root / "COCO-Matting", coco


def by_id(source: formats.Source) -> list[int]:
    return [int(item.name[:12]) for item in source.items]


@pytest.mark.parametrize("form", ["joined", "swapped", "split"])
def test_every_form_gives_the_matte_and_its_photo(tmp_path, form):
    source = formats.coco_matting(*coco_matting_tree(tmp_path, form), scope="ignore_others")
    assert by_id(source) == [ALONE, GROUP, GROUP, UNANNOTATED, BESIDE]
    assert source.items[0].name.endswith("_cell phone_00")
    assert source.items[3].photo.parent.name == "unlabeled2017"
    assert np.array_equal(source.layers(0, recomposed=False).alpha, disc(4, 6, 16, 44))


def test_single_person_drops_groups_and_annotated_strangers(tmp_path):
    source = formats.coco_matting(*coco_matting_tree(tmp_path))
    assert by_id(source) == [ALONE, UNANNOTATED]
    assert "1 of 2 photos have no annotations" in source.notes[0]
    assert by_id(formats.coco_matting(*coco_matting_tree(tmp_path), split="val")) == [VALIDATION]


def test_ignore_others_marks_other_mattes_and_outlines_only(tmp_path):
    source = formats.coco_matting(*coco_matting_tree(tmp_path), scope="ignore_others")
    alone, group, second, unannotated, stranger = (source.layers(k, recomposed=False) for k in range(5))
    assert not alone.ignore.any() and not unannotated.ignore.any()
    for layers in (group, stranger):
        assert layers.ignore[15:35, 22:28].all(), "the other person"
        assert not layers.ignore[layers.alpha > 0].any(), "never the item's own matte"
        assert not layers.ignore[:, :3].any() and not layers.ignore[:4].any(), "never plain background"
    assert second.ignore[10:40, 5:15].all() and not second.ignore[12:38, 21:29].any()


def test_crop_shows_the_box_of_the_matte(tmp_path):
    source = formats.coco_matting(*coco_matting_tree(tmp_path), scope="crop")
    assert len(source) == 5
    layers = source.layers(2, recomposed=False)
    assert layers.alpha.shape == (30 + 2 * 3, 10 + 2 * 1) and layers.foreground.shape == (36, 12, 3)
    assert np.array_equal(layers.alpha, disc(20, 10, 30, 40)[7:43, 19:31])


@given(arrays(np.uint8, (7, 9), elements=st.sampled_from([0, 0, 0, 3, 255])))
def test_the_box_of_a_matte_contains_all_of_it(alpha):
    box = matte_box(alpha)
    assert (box.cut(alpha) > 0).sum() == (alpha > 0).sum() and min(box.height, box.width) >= 1


@pytest.mark.parametrize("problem", ["photo", "name"])
def test_incomplete_sets_are_refused(tmp_path, problem):
    root, coco = coco_matting_tree(tmp_path)
    if problem == "photo":
        (coco / "unlabeled2017" / f"{UNANNOTATED:012d}.jpg").unlink()
        text = "000000000003.jpg is in none of train2017, unlabeled2017, val2017"
    else:
        save(root / "trimap_alpha/readme.png", matte(0))
        text = "readme.png is not named <12-digit COCO id>_<things>_<NN>"
    with pytest.raises(formats.IncompleteError, match=text):
        formats.coco_matting(root, coco)


@pytest.mark.parametrize("trimap_first", [True, False])
def test_a_hard_matte_is_told_from_its_trimap(tmp_path, trimap_first):
    alpha = np.zeros((10, 12), np.uint8)
    alpha[2:9, 3:9] = 255
    trimap = np.where(cv2.blur(alpha, (3, 3)) % 255, 128, alpha).astype(np.uint8)
    halves = (trimap, alpha) if trimap_first else (alpha, trimap)
    assert np.array_equal(joined_alpha(save(tmp_path / "a.png", np.hstack(halves))), alpha)


def test_bad_options_and_odd_widths_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no split 'train' with scope 'everyone'"):
        formats.coco_matting(tmp_path, tmp_path, scope="everyone")
    with pytest.raises(ValueError, match="no split 'test'"):
        formats.coco_matting(tmp_path, tmp_path, split="test")
    with pytest.raises(ValueError, match="found a width of 35"):
        joined_alpha(save(tmp_path / "odd.png", matte(0, (10, 35))))


@pytest.mark.parametrize("form", ["polygons", "counts", "compressed"])
def test_outlines_in_every_encoding_are_rendered_as_by_coco(form):
    expected = np.zeros(SIZE, bool)
    expected[6:44, 4:16] = expected[10:40, 20:30] = True
    code = coco_mask.encode(np.asfortranarray(expected.astype(np.uint8)))
    flat = np.concatenate([[False], expected.ravel(order="F"), [False]])
    counts = np.diff(np.concatenate([[0], np.flatnonzero(np.diff(flat)), [expected.size]])).tolist()
    outline = {
        "polygons": [box_polygon(*OWN), box_polygon(*OTHER)],
        "counts": {"counts": counts, "size": list(SIZE)},
        "compressed": {"counts": code["counts"].decode(), "size": list(SIZE)},
    }[form]
    assert np.array_equal(person_mask(Person(outline, (0, 0, 0, 0), 1.0, False), *SIZE), expected)


def instances_tree(root: Path) -> Path:
    """One photo for each reason to take it or not."""
    big, small = (4.0, 6.0, 30.0, 46.0), (5.0, 5.0, 9.0, 9.0)
    people = [
        annotation(1, big),
        annotation(2, (4.0, 6.0, 10.0, 12.0)),  # no large person
        annotation(3, (4.0, 0.0, 30.0, 46.0)),  # cut off at the top
        annotation(4, (4.0, 6.0, 30.0, 47.9)),  # cut off at the bottom, as portraits are
        annotation(5, big),
        annotation(5, big, iscrowd=1),
        annotation(6, big),
        annotation(6, (31.0, 6.0, 34.0, 9.0)),  # a bystander
        *(annotation(7, big) for _ in range(4)),  # too many
        annotation(9, big, category_id=2),
        annotation(1, small, category_id=2),
    ]
    return coco_tree(root, people, dict.fromkeys(range(1, 10), "train2017"))


def test_portraits_are_chosen_by_size_count_crowd_and_truncation(tmp_path):
    source = formats.coco_instances(instances_tree(tmp_path), rule=formats.PersonFilter(border=1.5))
    assert [int(item.name) for item in source.items] == [1, 4, 6]
    assert "outlines, hard and coarse" in source.notes[0]
    relaxed = formats.PersonFilter(most=4, truncated=True, largest_at_least=0.02)
    assert [int(item.name) for item in formats.coco_instances(tmp_path, rule=relaxed).items] == [1, 2, 3, 4, 6, 7]


def test_outlines_are_mattes_and_bystanders_are_ignored(tmp_path):
    source = formats.coco_instances(instances_tree(tmp_path), rule=formats.PersonFilter(border=1.5))
    layers = source.layers(2, recomposed=False)
    expected = np.zeros(SIZE, np.uint8)
    expected[6:46, 4:30] = 255
    assert np.array_equal(layers.alpha, expected)
    assert layers.ignore[6:9, 31:34].all() and layers.ignore.sum() == 9
    assert not source.layers(0, recomposed=False).ignore.any()


def test_refined_mattes_are_read_where_they_are(tmp_path):
    root, mattes = instances_tree(tmp_path / "coco"), tmp_path / "mattes"
    rule = formats.PersonFilter(border=1.5)
    for k in (1, 4, 6):
        save(mattes / f"{k:012d}.png", matte(k))
    source = formats.coco_instances(root, mattes=mattes, rule=rule)
    assert np.array_equal(source.layers(1, recomposed=False).alpha, matte(4)) and not source.notes
    (mattes / f"{4:012d}.png").unlink()
    with pytest.raises(formats.IncompleteError, match=r"000000000004\.png is missing"):
        formats.coco_instances(root, mattes=mattes, rule=rule)


@pytest.mark.parametrize("content", ["{", "[]", '{"images": []}', '{"categories": [{"id": 1}]}'])
def test_another_json_is_refused(tmp_path, content):
    path = tmp_path / "annotations/instances_train2017.json"
    path.parent.mkdir()
    path.write_text(content)
    with pytest.raises(ValueError, match=r"instances_train2017\.json: expected COCO's instance annotations"):
        formats.coco_instances(tmp_path)


def test_the_test_split_has_no_annotations(tmp_path):
    with pytest.raises(ValueError, match="only those are annotated"):
        formats.coco_instances(tmp_path, "test")


def test_annotations_of_other_photos_are_left_out(tmp_path):
    from matting.data.formats.coco_annotations import read_people

    root = instances_tree(tmp_path)
    found = read_people(root / "annotations/instances_train2017.json", only={6})
    assert list(found) == [6] and len(found[6].people) == 2
    assert json.loads((root / "annotations/instances_train2017.json").read_text())["images"][5]["id"] == 6
