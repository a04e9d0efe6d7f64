"""Bad files during training: an error names the file, or it is listed and another item is drawn."""

import csv
import multiprocessing
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from matting.data.dataset import DrawDataset
from matting.data.formats import Item, Source
from matting.data.formats.quarantine import record, substitute_scenes, substitutes
from matting.data.scenes import Scenes
from matting.plan.catalog import PLAIN
from matting.plan.plan import Draw
from tests.data.formats.trees import matte, photo, save

COUNT = 12


@pytest.fixture
def source(tmp_path):
    items = []
    for k in range(COUNT):
        alpha, image = save(tmp_path / f"{k}.png", matte(k)), save(tmp_path / f"{k}.jpg", photo(k))
        level = ("clear", "hard")[k % 2]
        items.append(Item(str(k), alpha, image, difficulty=level, tags=frozenset({"hat"} if k % 3 else {"backlit"})))
    return Source("rwp", items)


def draw(item, seed=0, **changes):
    return Draw(source=0, item=item, scene=-1, seed=seed, view=0, severity=0.0, pair=-1)._replace(**changes)


def break_file(item):
    item.photo.write_bytes(item.photo.read_bytes()[:100])


def test_by_default_the_error_names_the_file_and_the_reason(source):
    break_file(source.items[3])
    with pytest.raises(ValueError, match=r"3\.jpg: expected JPEG.*found: (?i:truncated)"):
        DrawDataset({"rwp": source}, Scenes([]), 16)[draw(3)]


def test_skipping_draws_another_item_of_the_same_kind_and_lists_the_bad_one(source, tmp_path):
    path = tmp_path / "run/quarantine.csv"
    dataset = DrawDataset({"rwp": source}, Scenes([]), 16, quarantine=path)
    whole = [dataset[draw(k)].draw.item for k in range(COUNT)]
    assert whole == list(range(COUNT)) and not path.exists()
    break_file(source.items[3])
    source.items[5].alpha.unlink()
    for _ in range(2):
        found = dataset[draw(3, seed=7)]
    assert found.draw.item not in (3, 5) and found.draw._replace(item=3) == draw(3, seed=7)
    replaced = source.items[found.draw.item]
    assert (replaced.difficulty, replaced.tags) == (source.items[3].difficulty, source.items[3].tags)
    dataset[draw(5)]
    with path.open() as file:
        rows = list(csv.reader(file))
    assert sorted(row[:2] for row in rows) == [["rwp", "3"], ["rwp", "5"]]
    assert "3.jpg" in rows[0][2]


def test_the_substitute_is_a_function_of_the_draw_and_shared_by_a_pair(source, tmp_path):
    break_file(source.items[3])
    chosen = []
    for folder in ("a", "b"):
        dataset = DrawDataset({"rwp": source}, Scenes([]), 16, quarantine=tmp_path / folder / "list.csv")
        chosen.append([dataset[draw(3, seed=seed, view=view)].draw.item for seed in range(6) for view in (0, 1)])
    assert chosen[0] == chosen[1]
    assert chosen[0][::2] == chosen[0][1::2]


def test_substitutes_are_spread_over_the_items_alike(source):
    counts = Counter(next(substitutes(source, 1, seed)) for seed in range(300))
    alike = {k for k in range(COUNT) if k != 1 and k % 2 == 1 and k % 3}
    assert counts.keys() == alike and min(counts.values()) > 0.6 * 300 / len(alike)


def test_layered_items_are_replaced_by_layered_ones(source, tmp_path):
    items = [Item(i.name, i.alpha, i.photo, foreground=i.photo if k < 4 else None) for k, i in enumerate(source.items)]
    assert set(substitutes(Source("s", items), 0, seed=1)) == {1, 2, 3}


def test_unique_tags_fall_back_to_the_difficulty(source):
    items = [*source.items, Item("odd", source.items[0].alpha, source.items[0].photo, tags=frozenset({"tiny"}))]
    assert set(substitutes(Source("s", items), COUNT, seed=1)) == {0, 2, 4, 6, 8, 10}


def test_nothing_is_searched_while_files_are_good(source, tmp_path):
    dataset = DrawDataset({"rwp": source}, Scenes([]), 16, quarantine=tmp_path / "list.csv")
    looked = []

    class Watched(list):
        def __iter__(self):
            looked.append(1)
            return super().__iter__()

    object.__setattr__(source, "items", Watched(source.items))
    dataset[draw(3)]
    assert not looked


def test_a_set_of_bad_files_ends_the_run(source, tmp_path):
    for item in source.items:
        break_file(item)
    with pytest.raises(ValueError, match="no item of 'rwp' like '0' can be read"):
        DrawDataset({"rwp": source}, Scenes([]), 16, quarantine=tmp_path / "list.csv")[draw(0)]


@pytest.fixture
def layered(source, tmp_path):
    """The source with a foreground layer for each photo."""
    items = [replace(i, foreground=save(tmp_path / f"layer{i.name}.png", photo(int(i.name)))) for i in source.items]
    return Source("rwp", items)


def names(path):
    with path.open() as file:
        return sorted({tuple(row[:2]) for row in csv.reader(file)})


def test_a_bad_background_is_listed_itself_and_another_one_drawn(layered, tmp_path):
    files = [save(tmp_path / f"scene{k}.png", photo(k)) for k in range(6)]
    files[2].write_bytes(files[2].read_bytes()[:60])
    bad, path = len(PLAIN) + 2, tmp_path / "list.csv"
    draws = [draw(k % COUNT, seed=k, scene=bad, view=k % 2) for k in range(24)]
    datasets = [
        DrawDataset({"rwp": layered}, Scenes(files), 16, quarantine=file) for file in (path, tmp_path / "b.csv")
    ]
    found, again = ([dataset[one] for one in draws] for dataset in datasets)
    assert names(path) == [("backgrounds", "scene2.png")]
    assert [crop.draw._replace(scene=bad) for crop in found] == draws, "nothing but the background is replaced"
    assert len({crop.draw.scene for crop in found} - {bad}) > 5
    for crop, other, one in zip(found, again, draws, strict=True):
        planned = datasets[0][one._replace(scene=crop.draw.scene)]
        assert np.array_equal(crop.background, planned.background) and crop.draw == planned.draw == other.draw
    with pytest.raises(ValueError, match=r"scene2\.png: expected"):
        DrawDataset({"rwp": layered}, Scenes(files), 16)[draws[0]]


def test_views_of_a_pair_replace_a_background_by_different_ones():
    chosen = [[next(substitute_scenes(50, 7, seed, view)) for view in (0, 1)] for seed in range(100)]
    assert sum(first == second for first, second in chosen) < 10 and 7 not in np.array(chosen)


def test_a_folder_of_bad_backgrounds_ends_the_run_and_lists_no_item(layered, tmp_path):
    files = [tmp_path / f"missing{k}.png" for k in range(400)]
    dataset = DrawDataset({"rwp": layered}, Scenes(files), 16, quarantine=tmp_path / "list.csv")
    seed = next(s for s in range(20) if min(substitute_scenes(len(dataset.scenes), 5, s, 0)) >= len(PLAIN))
    with pytest.raises(ValueError, match=r"missing2\.png: neither this background nor 20 others can be read"):
        dataset[draw(0, seed=seed, scene=5)]
    assert {source for source, _ in names(tmp_path / "list.csv")} == {"backgrounds"}


@pytest.mark.parametrize("broken", [("photo",), ("foreground",), ("photo", "foreground"), ("alpha",)])
def test_views_of_a_pair_show_one_person_whichever_file_is_bad(layered, tmp_path, broken):
    for name in broken:
        file = getattr(layered.items[3], name)
        file.write_bytes(file.read_bytes()[:60])
    for seed in range(8):
        views = [
            # Of its own dataset each, as in different workers.
            DrawDataset({"rwp": layered}, Scenes([]), 16, quarantine=tmp_path / f"{seed}{view}.csv")[
                draw(3, seed=seed, view=view, pair=0, scene=scene)
            ]
            for view, scene in ((0, -1), (1, 2))
        ]
        assert views[0].draw.item == views[1].draw.item and np.array_equal(views[0].alpha, views[1].alpha)
        # A view whose own file is bad shows the person from the other one.
        assert (views[0].draw.item == 3) == (broken in (("photo",), ("foreground",)))
        if broken == ("photo",):
            assert views[0].draw.scene >= 0 and names(tmp_path / f"{seed}0.csv") == [("rwp", "3")]


def test_without_a_partner_a_bad_photo_is_replaced_by_another_one(layered, tmp_path):
    break_file(layered.items[3])
    found = DrawDataset({"rwp": layered}, Scenes([]), 16, quarantine=tmp_path / "list.csv")[draw(3)].draw
    assert found.item != 3 and found.scene == -1


def _write(job):
    path, number = job
    for k in range(20):
        record(path, "rwp", f"item {k}", f"reason of {number}, with a comma\nand a line")


def test_processes_do_not_mix_their_lines(tmp_path):
    path = tmp_path / "list.csv"
    with multiprocessing.get_context("fork").Pool(3) as pool:
        pool.map(_write, [(path, number) for number in range(3)])
    with path.open() as file:
        rows = list(csv.reader(file))
    assert {len(row) for row in rows} == {3} and len({tuple(row) for row in rows}) == 60


def test_own_background_layers_reach_the_batch(tmp_path):
    files = [save(tmp_path / f"{k}.png", photo(k, (32, 32))) for k in range(3)]
    item = Item("a", save(tmp_path / "a.png", matte(0, (32, 32))), *files)
    crop = DrawDataset({"s": Source("s", [item])}, Scenes([]), 32, min_crop=1)[draw(0)]
    assert np.array_equal(crop.foreground, photo(1, (32, 32))) and np.array_equal(crop.background, photo(2, (32, 32)))


def test_the_ignore_mask_follows_the_crop(tmp_path):
    item = Item("a", save(tmp_path / "a.png", matte(0, (64, 64))), save(tmp_path / "a.jpg", photo(0, (64, 64))))
    source = Source("s", [item], ignored=lambda item, alpha: alpha > 100)
    for seed in range(4):
        crop = DrawDataset({"s": source}, Scenes([]), 64)[draw(0, seed=seed)]
        assert set(np.unique(crop.ignore)) <= {0, 1}
        assert (crop.ignore[crop.alpha > 180] == 1).all() and (crop.ignore[crop.alpha == 0] == 0).all()
