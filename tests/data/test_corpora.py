"""Corpora: readers in the roles of a mixture, by configuration."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from matting.config import build, load_config
from matting.data.corpora import Corpus, disk_corpus, evaluation_pairs, synthetic_corpus
from matting.data.dataset import DrawDataset
from matting.data.formats import Source, foregrounds, pairs, ppm100, rwp636
from matting.data.formats.decoded import DecodedSource
from matting.data.indexing import catalog_of
from matting.data.scenes import Scenes
from matting.data.verify import find_format, verify
from matting.errors import MattingError
from matting.images import read_rgb
from matting.plan.plan import Draw
from matting.synthetic import SCENARIO_SETS, ensure_corpus
from tests.data.formats.trees import SIZE, distinctions_tree, lines, matte, p3m_tree, pair_tree, photo, save, voc_tree

PEOPLE, SIDE = 16, 96


@pytest.fixture(scope="module")
def synthetic_root(project_cache) -> Path:
    return ensure_corpus(people=PEOPLE, seed=0, image_size=SIDE, show_progress=False)


def configured(*overrides: str) -> Corpus:
    corpus = build(load_config(overrides).corpus)
    assert isinstance(corpus, Corpus)
    return corpus


def test_the_synthetic_corpus_is_read_by_the_readers_of_the_real_sets(synthetic_root):
    rendered = synthetic_corpus(PEOPLE, 0, SIDE)
    disk = configured("corpus=disk", f"corpus.root={synthetic_root}", "corpus.composites_per_foreground=2")
    assert {role: source.items for role, source in rendered.sets.items()} == {
        role: source.items for role, source in disk.sets.items()
    }
    assert [pair.name for pair in rendered.test] == [pair.name for pair in disk.test]
    assert "not real photos" in rendered.label and str(synthetic_root) in disk.label
    assert (rendered.name, disk.name) == ("synthetic", "disk")


@pytest.mark.parametrize(
    ("name", "folder"),
    [
        ("composition1k", "Combined_Dataset"),
        ("rwp", "RWP"),
        ("coco_matting", "COCO-Matting"),
        ("coco_instances", "coco"),
    ],
)
def test_the_synthetic_corpus_passes_verification(synthetic_root, name, folder):
    report = verify(find_format(name), synthetic_root / folder, lambda futures, label: futures)
    unreadable = [line for line in report.problems if "expected images of 'coco_instances'" not in line]
    assert unreadable == []


def test_every_draw_of_the_synthetic_corpus_decodes(synthetic_root):
    corpus = synthetic_corpus(PEOPLE, 0, SIDE)
    dataset = DrawDataset(corpus.sets, corpus.scenes, 32)
    for number, source in enumerate(corpus.sets.values()):
        for index, item in enumerate(source.items):
            crop = dataset[Draw(number, index, -1 if item.photo else 0, seed=index, view=0, severity=0.0, pair=-1)]
            assert crop.foreground.shape == crop.background.shape == (32, 32, 3) and crop.alpha.any()


def test_test_images_of_the_synthetic_corpus_load(synthetic_root):
    for pair in synthetic_corpus(PEOPLE, 0, SIDE).test:
        example = pair.load()
        assert example.image.shape[:2] == example.alpha.shape == example.trimap.shape
        assert set(np.unique(example.trimap)) <= {0, 127, 128, 255}


def test_the_synthetic_corpus_is_tested_on_every_scenario(synthetic_root):
    plain, further = synthetic_corpus(PEOPLE, 0, SIDE), synthetic_corpus(PEOPLE, 0, SIDE, scenarios=2)
    added = further.test[len(plain.test) :]
    assert [pair.name for pair in further.test[: len(plain.test)]] == [pair.name for pair in plain.test]
    for name in SCENARIO_SETS:
        shown = [pair for pair in added if name in pair.tags]
        assert sum(pair.name.startswith(name) for pair in shown) == 2
        assert {pair.dataset for pair in shown} == {"synthetic"}
    first, second = (pair for pair in added if "backgrounds" in pair.tags)
    assert first.subject == second.subject and np.array_equal(first.load().alpha, second.load().alpha)


def test_roles_are_chosen_and_left_out_by_configuration(synthetic_root, tmp_path):
    p3m_tree(tmp_path / "elsewhere", nested=False)
    corpus = configured(
        "corpus=disk",
        f"corpus.root={synthetic_root}",
        "corpus/portraits=p3m10k",
        f"corpus.portraits.p3m10k.root={tmp_path / 'elsewhere'}",
        "corpus.coarse=null",
    )
    assert list(corpus.sets) == ["studio.composition1k", "portraits.p3m10k"]
    assert [item.name for item in corpus.validation["p3m10k"].items] == ["P3M-500-P_1"]
    assert corpus.test[0].name == "P3M-500-NP_1" and corpus.test[0].tags == {"p3m10k"}
    assert (corpus.test[0].load().trimap == 128).all(), "the trimap that the set ships"


@pytest.mark.parametrize("group", ["studio", "portraits", "coarse"])
def test_every_choice_composes_and_names_a_reader(group):
    folder = Path(__file__).parents[2] / "conf/corpus" / group
    for path in sorted(folder.glob("*.yaml")):
        config = load_config(["corpus=disk", "corpus.root=/datasets", f"corpus/{group}={path.stem}"])
        reader = config.corpus[group][path.stem]
        assert reader._target_ == f"matting.data.formats.{path.stem}"
        options = {"split_list": "list", "mattes": "mattes"}
        for key in options.keys() & reader.keys():
            reader[key] = options[key]
        with pytest.raises((FileNotFoundError, ValueError)):
            build(reader)(split="train")


def test_what_a_set_lacks_is_logged(tmp_path, caplog):
    names = [f"p{k}" for k in range(40)]
    pair_tree(tmp_path / "RWP", names, "image", "alpha", (".jpg", ".png"))
    corpus = configured(
        "corpus=disk",
        f"corpus.root={tmp_path}",
        "corpus.studio=null",
        "corpus.composites=null",
        "corpus.coarse=null",
        "corpus.backgrounds=null",
    )
    assert "portraits.rwp: there is no manifest" in caplog.text
    assert len(corpus.scenes) == 3, "the rendered ones"


def small_corpus(root: Path, **options: object) -> Corpus:
    portraits = [save(root / f"{k}/image.jpg", photo(k)) and save(root / f"{k}/alpha.png", matte(k)) for k in range(40)]
    assert portraits
    from functools import partial

    from matting.data.formats import pairs

    return disk_corpus(root, portraits=partial(pairs, root), **options)


def test_foregrounds_are_estimated_for_training_only(tmp_path, monkeypatch):
    monkeypatch.setattr(foregrounds, "estimate_foreground", lambda photo, alpha: photo)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    corpus = small_corpus(tmp_path, estimate_foregrounds=True)
    assert all(item.layered for item in corpus.train["portraits"]["pairs"].items)
    assert not any(item.layered for item in corpus.validation["pairs"].items)
    draw = Draw(0, 0, 1, seed=0, view=1, severity=0.0, pair=0)
    assert np.unique(DrawDataset(corpus.sets, corpus.scenes, 16)[draw].background.reshape(-1, 3), axis=0).shape[0] == 1


def test_labels_are_withheld_of_the_same_people_in_training_alone(synthetic_root):
    def labelled(corpus):
        return {
            (full, item.identity or item.name)
            for full, source in corpus.sets.items()
            for k, item in enumerate(source.items)
            if (ignore := source.layers(k, recomposed=False).ignore) is None or not ignore.all()
        }

    whole, half, none = (labelled(synthetic_corpus(people=PEOPLE, image_size=SIDE, labelled=n)) for n in (1, 0.5, 0))
    assert half < whole
    assert 0.25 < len(half) / len(whole) < 0.75
    assert not none
    assert half == labelled(synthetic_corpus(people=PEOPLE, image_size=SIDE, labelled=0.5))
    corpus = synthetic_corpus(people=PEOPLE, image_size=SIDE, labelled=0)
    assert all(source.ignored is None for source in corpus.validation.values())
    with pytest.raises(MattingError, match=r"corpus\.labelled: expected a share in \[0, 1\], found 1\.5"):
        synthetic_corpus(people=PEOPLE, image_size=SIDE, labelled=1.5)


def test_decoded_layers_are_cached_on_request(tmp_path):
    corpus = small_corpus(tmp_path, cache_gigabytes=0.01, cache_side=24)
    assert isinstance(corpus.train["portraits"]["pairs"], DecodedSource) and type(corpus.validation["pairs"]) is Source
    crop = DrawDataset(corpus.sets, corpus.scenes, 16)[Draw(0, 0, -1, seed=0, view=0, severity=0.0, pair=-1)]
    assert crop.foreground.shape == (16, 16, 3)


def test_a_set_of_another_name_withholds_labels_of_its_own_people(tmp_path):
    """Identities made of file names begin with the name of the set, also where the layers are cached."""

    def withheld(name, **options):
        portraits = {name: partial(pairs, tmp_path)}
        source = disk_corpus(tmp_path, portraits=portraits, labelled=0.5, **options).train["portraits"][name]
        return [bool(source.layers(k, recomposed=False).ignore.all()) for k in range(len(source))]

    small_corpus(tmp_path)
    direct = [withheld(name) for name in ("own", "other")]
    assert [withheld(name, cache_gigabytes=0.01, cache_side=24) for name in ("own", "other")] == direct
    assert direct[0] != direct[1]


def test_the_policy_for_bad_files(tmp_path, project_cache):
    assert small_corpus(tmp_path).quarantine is None
    assert small_corpus(tmp_path, on_bad_file="skip").quarantine == project_cache / "quarantine/disk.csv"
    with pytest.raises(ValueError, match="expected 'raise' or 'skip', found 'ignore'"):
        small_corpus(tmp_path, on_bad_file="ignore")


def test_files_that_are_bad_from_the_start_are_left_out(tmp_path, project_cache, monkeypatch, caplog):
    monkeypatch.setenv("MATTING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(foregrounds, "estimate_foreground", lambda photo, alpha: photo)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    whole = small_corpus(tmp_path / "set")
    bad = whole.train["portraits"]["pairs"].items[3]
    scenes = [save(tmp_path / f"scenes/{k}.png", photo(k)) for k in range(3)]
    for file in (bad.photo, scenes[1]):
        file.write_bytes(file.read_bytes()[:60])
    options = {"estimate_foregrounds": True, "backgrounds": tmp_path / "scenes", "on_bad_file": "skip"}
    for _ in range(2):
        caplog.clear()
        # Not `small_corpus`, which would write the photos again.
        corpus = disk_corpus(tmp_path / "set", portraits=partial(pairs, tmp_path / "set"), **options)
        left = corpus.train["portraits"]["pairs"].items
        assert [item.name for item in left] == [i.name for i in whole.train["portraits"]["pairs"].items if i != bad]
        assert all(item.layered for item in left) and corpus.scenes.files == [scenes[0], scenes[2]]
        assert f"portraits.pairs: '{bad.name}' is left out" in caplog.text
        assert "backgrounds: '1.png' is left out" in caplog.text
        assert catalog_of(corpus).scenes.shape == (len(corpus.scenes), 6)
        assert [row.split(",")[:2] for row in corpus.quarantine.read_text().splitlines()] == [
            ["portraits.pairs", bad.name],
            ["backgrounds", "1.png"],
        ]


def test_files_that_are_bad_from_the_start_are_named(tmp_path, monkeypatch):
    monkeypatch.setenv("MATTING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    bad = small_corpus(tmp_path / "set").train["portraits"]["pairs"].items[3].photo
    scene = save(tmp_path / "scenes/0.png", photo(0))
    scene.write_bytes(b"")
    corpus = disk_corpus(tmp_path, portraits=partial(pairs, tmp_path / "set"), backgrounds=tmp_path / "scenes")
    with pytest.raises(MattingError, match=r"^\S+scenes/0\.png: expected [^\n]+, found[^\n]+; [^\n]+$"):
        catalog_of(corpus)
    bad.write_bytes(b"")
    with pytest.raises(MattingError, match=rf"^{bad}: expected [^\n]+, found[^\n]+; [^\n]+$"):
        disk_corpus(tmp_path, portraits=partial(pairs, tmp_path / "set"), estimate_foregrounds=True)


def test_test_images_keep_cleaned_mattes_and_detail_regions(tmp_path):
    pair_tree(tmp_path / "ppm", ["a"], "image", "matte", (".jpg", ".jpg"))
    example = evaluation_pairs(ppm100(tmp_path / "ppm"), "ppm", Scenes([]))[0].load()
    assert not np.isin(example.alpha, [1, 2, 253, 254]).any()
    pair_tree(tmp_path / "rwp", ["a"], "image", "alpha", (".jpg", ".png"))
    save(tmp_path / "rwp/detailmap/a_cloud_trimap.jpg", np.full(SIZE, 255, np.uint8))
    pair = evaluation_pairs(rwp636(tmp_path / "rwp"), "rwp636", Scenes([]))[0]
    assert (pair.load().trimap == 128).all() and pair.tags == {"rwp636"}


def test_another_studio_set_brings_its_own_composites(tmp_path):
    distinctions_tree(tmp_path / "Distinctions-646")
    voc_tree(tmp_path / "VOC2012/JPEGImages")
    pair_tree(tmp_path, [f"p{k}" for k in range(40)], "image", "alpha", (".jpg", ".png"))
    corpus = configured(
        "corpus=disk",
        f"corpus.root={tmp_path}",
        "corpus/studio=distinctions646",
        "corpus/portraits=pairs",
        "corpus.coarse=null",
        "corpus.backgrounds=null",
        "corpus.composites_per_foreground=3",
    )
    assert list(corpus.train["studio"]) == ["distinctions646"]
    composed = [pair for pair in corpus.test if "distinctions646" in pair.tags]
    assert [pair.name for pair in composed] == [f"{fg}_{k}" for fg in ("test_13", "test_2") for k in range(3)]
    example = composed[1].load()
    share = example.alpha[..., None].astype(np.float32) / 255
    background = read_rgb(tmp_path / "VOC2012/JPEGImages/2008_000001.jpg")
    assert min(background.shape[:2]) < SIZE[0], "so the official rule enlarges it"
    foreground = read_rgb(tmp_path / "Distinctions-646/Test/FG/test_13.png")
    opaque = share[..., 0] == 1
    assert np.array_equal(example.image[opaque], foreground[opaque]) and example.image.shape == foreground.shape


def test_each_cutout_is_tested_on_one_scene(synthetic_root):
    source = synthetic_corpus(PEOPLE, 0, SIDE).train["studio"]["composition1k"]
    first, again = (evaluation_pairs(source, "own", Scenes([]))[0].load() for _ in range(2))
    assert np.array_equal(first.image, again.image)
    layers = source.layers(0, recomposed=True)
    share = layers.alpha[..., None] / 255
    composed = share * layers.foreground + (1 - share) * first.background
    assert np.abs(first.image - composed).max() < 1.001 and np.array_equal(first.alpha, layers.alpha)
    others = evaluation_pairs(source, "own", Scenes([]))[1].load()
    assert not np.array_equal(others.background[:20, :20], first.background[:20, :20])


def test_sets_on_disk_join_or_replace_the_rendered_ones(synthetic_root, tmp_path):
    pair_tree(tmp_path / "own", ["a", "b"], "image", "alpha", (".jpg", ".png"))
    lists = lines(tmp_path / "list", ["a,train", "b,test"])
    own = partial(pairs, tmp_path / "own", split_list=lists)
    corpus = synthetic_corpus(
        PEOPLE, 0, SIDE, sets={"portraits": {"own": own}, "coarse": {"coco_matting": None, "own": own}}
    )
    assert {role: list(sets) for role, sets in corpus.train.items()} == {
        "studio": ["composition1k"],
        "portraits": ["rwp", "own"],
        "coarse": ["own"],
    }
    assert corpus.label.endswith(", and portraits.own, coarse.own") and "not real" not in corpus.label
    assert "own/b" in {pair.name for pair in corpus.test}


def test_sets_for_testing_alone_are_test_sets_of_their_own(synthetic_root, tmp_path):
    pair_tree(tmp_path / "own", ["a", "b"], "image", "alpha", (".jpg", ".png"))
    own = partial(pairs, tmp_path / "own", split_list=lines(tmp_path / "list", ["a,train", "b,test"]))
    plain, corpus = (
        synthetic_corpus(PEOPLE, 0, SIDE),
        synthetic_corpus(PEOPLE, 0, SIDE, sets={"coarse": None, "test": {"own": own}}),
    )
    assert {role: list(sets) for role, sets in corpus.train.items()} == {
        role: list(sets) for role, sets in plain.train.items()
    }
    assert [(pair.dataset, pair.name) for pair in corpus.test if pair.dataset != "synthetic"] == [("own", "b")]
    assert [pair.name for pair in corpus.test][:-1] == [pair.name for pair in plain.test]
    assert corpus.only_tested == {"own"} and not plain.only_tested


def test_what_is_tested_is_not_trained_on(synthetic_root, tmp_path):
    pair_tree(tmp_path / "own", ["a", "b"], "image", "alpha", (".jpg", ".png"))
    trained = partial(pairs, tmp_path / "own", split_list=lines(tmp_path / "one", ["a,train", "b,train"]))
    tested = partial(pairs, tmp_path / "own", split_list=lines(tmp_path / "two", ["b,test"]))
    with pytest.raises(MattingError, match="'b' is in split 'test' of 'held' and"):
        synthetic_corpus(PEOPLE, 0, SIDE, sets={"portraits": {"own": trained}, "test": {"held": tested}})


def test_a_role_that_does_not_exist_is_refused():
    with pytest.raises(MattingError, match=r"corpus\.sets: expected .* coarse or test, found 'potraits'"):
        synthetic_corpus(PEOPLE, 0, SIDE, sets={"potraits": {}})
