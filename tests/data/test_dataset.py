from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from matting.data.dataset import DrawDataset, collate
from matting.data.formats import Item, Source
from matting.data.scenes import Scenes
from matting.images import write_png
from matting.plan.catalog import PLAIN
from matting.plan.plan import Draw

PHOTO, LAYER = 0, 1


@pytest.fixture
def dataset(tmp_path: Path) -> DrawDataset:
    """One item with a photo and one with a foreground layer only."""
    rng = np.random.default_rng(0)
    for name in ("photo", "layer"):
        write_png(tmp_path / f"{name}.png", rng.integers(0, 256, (60, 80, 3)).astype(np.uint8))
    alpha = np.zeros((60, 80), np.uint8)
    alpha[10:50, 20:60], alpha[10:50, 18:20] = 255, 128
    write_png(tmp_path / "alpha.png", alpha)
    items = [
        Item("photo", tmp_path / "alpha.png", photo=tmp_path / "photo.png", foreground=tmp_path / "layer.png"),
        Item("layer", tmp_path / "alpha.png", foreground=tmp_path / "layer.png"),
    ]
    return DrawDataset({"set": Source("set", items)}, Scenes([tmp_path / "photo.png"]), size=24)


def draw(item: int, scene: int, seed: int = 5, view: int = 0) -> Draw:
    return Draw(source=0, item=item, scene=scene, seed=seed, view=view, severity=0.5, pair=-1)


def test_a_draw_is_a_function_of_its_row(dataset: DrawDataset) -> None:
    first, again, other = (dataset[draw(LAYER, len(PLAIN), seed)] for seed in (5, 5, 6))
    for name in ("foreground", "background", "alpha"):
        assert (getattr(first, name) == getattr(again, name)).all()
    assert (first.alpha != other.alpha).any()


def test_a_photo_is_both_layers(dataset: DrawDataset) -> None:
    crop = dataset[draw(PHOTO, -1)]
    assert (crop.foreground == crop.background).all()


def test_views_of_a_pair_share_geometry_and_foreground_but_not_the_background(dataset: DrawDataset) -> None:
    first, second = (dataset[draw(LAYER, len(PLAIN), view=view)] for view in (0, 1))
    assert (first.foreground == second.foreground).all() and (first.alpha == second.alpha).all()
    assert (first.background != second.background).any()


def test_a_photo_on_another_scene_uses_its_foreground_layer(dataset: DrawDataset) -> None:
    recomposed, layer = dataset[draw(PHOTO, 0)], dataset[draw(LAYER, 0)]
    assert (recomposed.foreground == layer.foreground).all()
    assert (recomposed.background == 255).all()


def test_an_item_without_background_needs_a_scene(dataset: DrawDataset) -> None:
    with pytest.raises(ValueError, match="plan a scene"):
        dataset[draw(LAYER, -1)]


def test_collate_stacks_planes_and_keeps_the_row(dataset: DrawDataset) -> None:
    draws = [draw(LAYER, 0, seed=2**61), draw(PHOTO, -1, seed=7)]
    crops = [dataset[d] for d in draws]
    batch = collate(crops)
    assert batch.foreground.shape == (2, 3, 24, 24) and batch.alpha.shape == (2, 1, 24, 24)
    assert batch.foreground.dtype == batch.ignore.dtype == torch.uint8
    np.testing.assert_array_equal(batch.foreground[1].permute(1, 2, 0).numpy(), crops[1].foreground)
    assert batch.seed.tolist() == [2**61, 7] and batch.scene.tolist() == [0, -1]
    assert batch.person.dtype == torch.int64 and batch.person.min() >= 0 and batch.severity.tolist() == [0.5, 0.5]


def test_persons_are_distinguished_by_identity_and_not_by_photo(dataset: DrawDataset) -> None:
    """Two photos of one person are one person in the contrast; items without an identity are themselves."""
    photo, layer = dataset.sources["set"].items
    sets = {
        "portraits.a": Source("rwp", [replace(photo, identity="ana"), replace(layer, identity="ana"), photo]),
        "portraits.b": Source("rwp", [replace(photo, name="other", identity="ana"), photo]),
    }
    several = replace(dataset, sources=sets)
    draws = [draw(0, 0), draw(1, 0), draw(2, 0), draw(0, 0)._replace(source=1), draw(1, 0)._replace(source=1)]
    ana, again, nobody, elsewhere, other = collate([several[d] for d in draws]).person.tolist()
    assert ana == again == elsewhere and len({ana, nobody, other}) == 3


def test_a_substitute_is_the_person_that_it_shows(dataset: DrawDataset, tmp_path: Path) -> None:
    photo = dataset.sources["set"].items[PHOTO]
    (tmp_path / "broken.png").write_bytes(b"")
    items = [replace(photo, name="bad", photo=tmp_path / "broken.png", identity="bo"), replace(photo, identity="ana")]
    skipping = replace(dataset, sources={"set": Source("set", items)}, quarantine=tmp_path / "list.csv")
    assert skipping[draw(0, -1)].person == skipping[draw(1, -1)].person
