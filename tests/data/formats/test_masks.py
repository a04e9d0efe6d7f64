"""Masks of people: what counts as one, how its edge is treated, and how neighbours share a split."""

import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matting.augment import Pipeline
from matting.data.dataset import DrawDataset, collate
from matting.data.formats import IncompleteError, Source, masks
from matting.data.formats.approximate import trimap_from_mask
from matting.data.formats.splits import SPLITS, hashed_split
from matting.data.scenes import Scenes
from matting.images import read_alpha
from matting.plan.plan import Draw
from tests.data.formats.trees import SIZE, lines, photo, save

MODULE = sys.modules["matting.data.formats.masks"]  # its function has its name
ROWS, COLUMNS = np.mgrid[: SIZE[0], : SIZE[1]]
PERSON = np.hypot(ROWS - 26, COLUMNS - 18) < 11
VOID = np.abs(np.hypot(ROWS - 26, COLUMNS - 18) - 12) < 1


def indexed(numbers: np.ndarray) -> Image.Image:
    """A mask of class numbers with the colours of PASCAL VOC."""
    image = Image.fromarray(numbers.astype(np.uint8), "P")
    colours = np.random.default_rng(0).integers(0, 256, (256, 3), np.uint8)
    colours[0], colours[255] = 0, (224, 224, 192)
    image.putpalette(colours.tobytes())
    return image


def numbers(person: int, void: int = 0) -> np.ndarray:
    return np.where(PERSON, person, np.where(VOID, void, 0)).astype(np.uint8)


def tree(root: Path, mask: Image.Image | np.ndarray, names: tuple[str, ...] = ("a",)) -> Path:
    for seed, name in enumerate(names):
        save(root / f"image/{name}.jpg", photo(seed))
        (root / "mask").mkdir(exist_ok=True)
        (mask if isinstance(mask, Image.Image) else Image.fromarray(mask)).save(root / f"mask/{name}.png")
    lines(root / "split.csv", [f"{name},train" for name in names])
    return root


def read(root: Path, treatment: str = "ignore_band") -> Source:
    return masks(root, split_list=root / "split.csv", treatment=treatment)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "mask",
    [
        numbers(255),
        numbers(1),
        Image.fromarray(PERSON),
        indexed(numbers(15)),
        Image.fromarray(numbers(1)).convert("P"),
        Image.fromarray(np.dstack([numbers(255)] * 3)),
        Image.fromarray(numbers(255)).convert("LA"),
        Image.fromarray(np.where(PERSON, 65535, 0).astype(np.uint16)),
    ],
    ids=["0/255", "0/1", "1 bit", "indexed", "gray palette", "gray in RGB", "opaque alpha", "16 bits"],
)
def test_every_encoding_of_a_mask_gives_the_same(tmp_path, mask):
    layers = read(tree(tmp_path, mask)).layers(0, recomposed=False)
    assert np.array_equal(layers.alpha, np.where(PERSON, 255, 0))
    assert np.array_equal(layers.ignore, trimap_from_mask(PERSON) == 128)


@pytest.mark.parametrize("mask", [indexed(numbers(15, 255)), numbers(1, 255)], ids=["indexed", "gray numbers"])
@pytest.mark.parametrize("treatment", ["ignore_band", "refine"])
def test_void_is_ignored_and_not_a_person(tmp_path, mask, treatment, mock_solver):
    layers = read(tree(tmp_path, mask), treatment).layers(0, recomposed=False)
    band = trimap_from_mask(PERSON) == 128 if treatment == "ignore_band" else np.zeros(SIZE, bool)
    assert np.array_equal(layers.ignore, VOID | band)
    assert not layers.alpha[VOID & (trimap_from_mask(PERSON) == 0)].any()


@pytest.fixture
def mock_solver(monkeypatch):
    """A matting method that returns 0.25 everywhere."""
    asked = []

    def quarter(photo, trimap):
        asked.append(trimap.shape)
        return np.full(trimap.shape, 0.25)

    monkeypatch.setattr(MODULE, "closed_form", quarter)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    return asked


def test_mattes_are_estimated_once_and_change_no_user_file(tmp_path, project_cache, mock_solver):
    root = tree(tmp_path, numbers(255), ("a", "b"))
    before = {path: path.read_bytes() for path in root.rglob("*.*")}
    source = read(root, "refine")
    assert len(mock_solver) == 2 and {path: path.read_bytes() for path in root.rglob("*.*")} == before
    assert all(item.alpha.is_relative_to(project_cache) for item in source.items)
    trimap = trimap_from_mask(PERSON)
    assert np.array_equal(source.layers(0, recomposed=False).alpha, np.where(trimap == 128, 64, trimap))
    assert read(root, "refine").items == source.items and len(mock_solver) == 2
    Image.fromarray(numbers(255)[::-1].copy()).save(root / "mask/a.png")
    assert read(root, "refine").items[0].alpha != source.items[0].alpha and len(mock_solver) == 3


def test_large_images_are_estimated_small(tmp_path, monkeypatch, mock_solver):
    monkeypatch.setattr(MODULE, "LARGEST_SIDE", 24)
    source = read(tree(tmp_path, numbers(255)), "refine")
    alpha = read_alpha(source.items[0].alpha)
    assert alpha.shape == SIZE and max(mock_solver[0]) <= 24
    assert (alpha[26, 18], alpha[1, 1]) == (255, 0) and 30 < alpha[26, 18 + 11] < 160


def test_no_loss_and_no_trimap_target_looks_at_the_band(tmp_path):
    source = read(tree(tmp_path, numbers(255)))
    dataset = DrawDataset({"coarse.masks": source}, Scenes([]), 48, min_crop=1.0)
    batch = Pipeline.plain(48)(collate([dataset[Draw(0, 0, -1, seed=0, view=0, severity=0.0, pair=-1)]]))
    soft = (batch.alpha > 0.05) & (batch.alpha < 0.95)
    assert soft.any() and not batch.valid[soft].any(), "the staircase of the outline is nobody's target"
    assert batch.valid[0, 0, 0, 0] == 1 and batch.valid[0, 0, 26, 24] == 1


def disc(value: int) -> np.ndarray:
    return np.where(PERSON, value, 0).astype(np.uint8)


SOFT = np.clip((11 - np.hypot(ROWS - 26, COLUMNS - 18)) * 20 + 128, 0, 255).astype(np.uint8)
BAD = {
    "classes": (
        numbers(1, 2),
        r"a\.png: expected one class in addition to the background 0, found 1, 2; keep the person's",
    ),
    "trimap": (numbers(255, 128), r"a\.png: expected one class .*, found 128, 255"),
    "indexed classes": (indexed(numbers(15, 7)), r"a\.png: expected one class .*, found 7, 15"),
    "colours": (np.dstack([disc(200), disc(30), disc(30)]), r"a\.png: expected a mask .*, found colours"),
    "cutout": (np.dstack([photo(0), numbers(255)]), r"a\.png: expected a mask .*, found colours or transparency"),
    "soft": (SOFT, r"a\.png: expected a mask of two values, found \d+ gray levels; mattes are read by 'pairs'"),
    "nobody": (disc(0), r"a\.png: expected a person in the mask, found background only; remove the pair"),
    "void only": (indexed(numbers(0, 255)), r"a\.png: expected a person in the mask, found background only"),
    "size": (np.full((10, 12), 255, np.uint8) * (np.arange(12) > 5).astype(np.uint8), r"a\.png: expected a .*36x48"),
}


@pytest.mark.parametrize("treatment", ["refine", "ignore_band"])
@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_mask_is_refused_in_one_line(tmp_path, kind, treatment, mock_solver):
    mask, message = BAD[kind]
    with pytest.raises((ValueError, FileNotFoundError), match=message) as caught:
        read(tree(tmp_path, mask), treatment).layers(0, recomposed=False)
    assert "\n" not in str(caught.value) and not mock_solver


@pytest.mark.parametrize("kind", [kind for kind in BAD if kind != "size"])
def test_a_bad_mask_in_the_middle_is_refused_when_it_is_drawn(tmp_path, kind):
    root = tree(tmp_path, numbers(255), ("0", "a"))
    mask, message = BAD[kind]
    (mask if isinstance(mask, Image.Image) else Image.fromarray(mask)).save(root / "mask/a.png")
    source = read(root)
    assert source.layers(0, recomposed=False).alpha.any()
    with pytest.raises(ValueError, match=message):
        source.layers(1, recomposed=False)


def test_a_missing_partner_is_named(tmp_path):
    root = tree(tmp_path, numbers(255), ("a", "b", "c"))
    (root / "mask/b.png").unlink()
    (root / "image/c.jpg").unlink()
    with pytest.raises(IncompleteError) as caught:
        read(root)
    assert [problem.rpartition("/")[2] for problem in caught.value.problems[:2]] == [
        "b.jpg has no matte",
        "c.png has no image",
    ]


@pytest.mark.parametrize("options", [{"treatment": "blur"}, {"block": 0}])
def test_unknown_options_are_refused(tmp_path, options):
    with pytest.raises(ValueError, match="expected treatment refine or ignore_band and block >= 1"):
        masks(tree(tmp_path, numbers(255)), **options)


def by_split(root: Path, block: int) -> dict[str, str]:
    found = {}
    for split in SPLITS:
        try:
            found |= {item.name: split for item in masks(root, split=split, treatment="ignore_band", block=block).items}
        except FileNotFoundError:
            continue
    return found


def test_neighbours_share_a_split_and_adding_images_moves_none(tmp_path):
    names = tuple(f"eg_{k:05d}" for k in range(0, 200, 5))
    alone, blocks = by_split(tree(tmp_path / "a", numbers(255), names), 1), by_split(tmp_path / "a", 20)
    assert alone == {name: hashed_split(name) for name in names}
    assert blocks.keys() == alone.keys() and set(blocks.values()) <= set(SPLITS)
    for k in range(0, 200, 20):
        assert len({blocks[f"eg_{n:05d}"] for n in range(k, k + 20, 5)}) == 1
    assert len({alone[f"eg_{n:05d}"] for n in range(0, 200, 5)}) > 1
    more = by_split(tree(tmp_path / "b", numbers(255), (*names, "eg_00001", "portrait", "x 7 b")), 20)
    assert {name: split for name, split in more.items() if name in blocks} == blocks
    assert more["eg_00001"] == more["eg_00000"]


def test_a_block_is_one_identity(tmp_path):
    root = tree(tmp_path, numbers(255), ("s_19", "s_20", "s_39", "other"))
    found = {
        item.name: item.identity
        for split in SPLITS
        if split in set(by_split(root, 20).values())
        for item in masks(root, split=split, treatment="ignore_band", block=20).items
    }
    assert found["s_20"] == found["s_39"] != found["s_19"] and found["other"] == "masks/other"
