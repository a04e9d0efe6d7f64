"""Several sets in one role: what is planned, what is read, what is refused."""

from collections import Counter
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hydra.errors import HydraException
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import open_dict

from matting.config import build, explain, load_config
from matting.data.corpora import Corpus, disk_corpus
from matting.data.dataset import DrawDataset
from matting.data.formats import pairs, ppm100, rwp
from matting.errors import MattingError
from matting.plan.catalog import Catalog, SourceIndex
from matting.plan.curriculum import Curriculum, Rule, Stage
from matting.plan.mixture import Mixture, apportion, level_counts
from matting.plan.pairing import Pairing
from matting.plan.plan import EpochPlan, plan_epoch
from matting.plan.schedule import summarise
from matting.training.schedule import build_schedule, planned_length
from tests.data.formats.trees import lines, pair_tree
from tests.plan.conftest import make_index

EPOCHS = 7
MIXTURE = Mixture({"studio": 1, "portraits": 8, "coarse": 5, "augmented": 12})
WEIGHTS = st.lists(st.integers(1, 40), min_size=1, max_size=4)


def make_catalog(sizes: list[int], weights: list[int] | None = None, layered: int = 0) -> Catalog:
    """Portrait sets of the given sizes, of which the second has so many layered items."""
    sets = {f"s{k}": make_index(size, min(layered, size) if k == 1 else 0, True) for k, size in enumerate(sizes)}
    given = {"portraits": dict(zip(sets, weights, strict=True))} if weights else {}
    roles = {"studio": {"a": make_index(7, 7, False)}, "portraits": sets, "coarse": {"c": make_index(20, 0, True)}}
    return Catalog(roles, np.random.default_rng(0).random((9, 4)), given)


def plans(catalog: Catalog, rows: int = 260, fraction: float = 0.0, **settings: object) -> list[EpochPlan]:
    options = {"mixture": MIXTURE, "pairing": Pairing(fraction), "epochs": EPOCHS} | settings
    return [plan_epoch(3, epoch, rows=rows, catalog=catalog, **options) for epoch in range(EPOCHS)]


def rows_of(plan: EpochPlan, stream: str, role: str = "portraits") -> list[int]:
    """Rows of each set of a role in a stream."""
    mine = plan.stream == plan.streams.index(stream)
    counts = np.bincount(plan.source[mine], minlength=len(plan.sources))
    return [int(n) for name, n in zip(plan.sources, counts, strict=True) if name.startswith(f"{role}.")]


def webster(weights: list[int], rows: int) -> list[int]:
    """Sainte-Laguë's method as its inventor describes it: row by row to the largest weight / (2 n + 1)."""
    counts = [0] * len(weights)
    for _ in range(rows):
        counts[max(range(len(weights)), key=lambda k: (weights[k] / (2 * counts[k] + 1), -k))] += 1
    return counts


@given(WEIGHTS, st.integers(0, 200))
def test_level_counts_are_websters(weights: list[int], rows: int) -> None:
    assert level_counts(tuple(weights), rows) == tuple(webster(weights, rows))


@given(WEIGHTS, st.integers(0, 200))
def test_a_further_row_takes_no_row_from_any_set(weights: list[int], rows: int) -> None:
    steps = np.diff([level_counts(tuple(weights), rows), level_counts(tuple(weights), rows + 1)], axis=0)[0]
    assert sorted(steps.tolist()) == [0] * (len(weights) - 1) + [1]


@given(st.lists(st.integers(1, 60), min_size=2, max_size=4), st.sampled_from([0.0, 0.5, 1.0]), st.data())
def test_sets_get_their_shares_of_the_role_over_every_number_of_epochs(
    sizes: list[int], fraction: float, data: st.DataObject
) -> None:
    """By items or by weights, in the role's own stream and in the augmented one, which stay as exact as they were."""
    weights = data.draw(st.none() | st.lists(st.integers(1, 9), min_size=len(sizes), max_size=len(sizes)))
    totals = {"portraits": 80, "augmented": int(apportion([1, 8, 5], 120)[1])}
    counts = {stream: np.zeros(len(sizes), int) for stream in totals}
    for epoch, plan in enumerate(plans(make_catalog(sizes, weights, layered=5), fraction=fraction)):
        assert np.bincount(plan.stream).tolist() == [10, 80, 50, 120]
        for stream, rows in totals.items():
            counts[stream] += rows_of(plan, stream)
            assert tuple(counts[stream]) == level_counts(tuple(weights or sizes), (epoch + 1) * rows)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=3), st.sampled_from([0.0, 0.5, 1.0]), st.booleans())
def test_no_item_returns_before_all_of_its_set_were_used(sizes: list[int], fraction: float, weighted: bool) -> None:
    used: Counter[tuple[int, int, int]] = Counter()
    for plan in plans(make_catalog(sizes, [5, 1, 3][: len(sizes)] if weighted else None, layered=3), fraction=fraction):
        first = plan.view == 0
        columns = (plan.stream[first].tolist(), plan.source[first].tolist(), plan.item[first].tolist())
        used.update(zip(*columns, strict=True))
    for stream, source in {key[:2] for key in used if key[1] in range(1, 1 + len(sizes))}:
        counts = [used[stream, source, item] for item in range(sizes[source - 1])]
        assert max(counts) - min(counts) <= 1


def test_the_smallest_set_is_not_rounded_away() -> None:
    """2 of 1,002 items are a seventh of a row per epoch: after seven epochs they have had a row, like all others."""
    found = [rows_of(plan, "portraits")[1] for plan in plans(make_catalog([1000, 2]))]
    assert sum(found) == 1 and sum(rows_of(plan, "portraits")[0] for plan in plans(make_catalog([1000, 2]))) == 559


def test_items_of_all_sets_are_drawn_equally_often() -> None:
    used: Counter[tuple[int, int]] = Counter()
    for plan in plans(make_catalog([30, 10, 40])):
        mine = plan.stream == plan.streams.index("portraits")
        used.update(zip(plan.source[mine].tolist(), plan.item[mine].tolist(), strict=True))
    assert set(used.values()) == {EPOCHS} and len(used) == 80


def test_sets_are_spread_evenly_through_the_role() -> None:
    (plan, *_) = plans(make_catalog([10, 10], [3, 1]))
    mine = plan.source[plan.stream == plan.streams.index("portraits")]
    windows = np.convolve(mine == 2, np.ones(4, int), "valid")
    assert windows.min() >= 0 and windows.max() <= 2 and windows.mean() == pytest.approx(1, abs=0.05)


def test_what_a_stage_closes_leaves_its_share_to_the_other_sets() -> None:
    catalog = make_catalog([30, 30])
    hard = SourceIndex(np.full(30, 2), np.zeros(30, bool), np.ones(30, bool), [frozenset()] * 30)
    catalog = Catalog({**catalog.roles, "portraits": {**catalog.roles["portraits"], "s1": hard}}, catalog.scenes)
    curriculum = Curriculum("c", [Stage("first", 0.5, {"portraits": Rule(["clear"])}), Stage("second", 0.5)])
    found = [rows_of(plan, "portraits") for plan in plans(catalog, curriculum=curriculum)]
    assert found[0] == [260, 0] and found[-1] == [40, 40]


def test_the_summary_counts_sets_by_stream() -> None:
    (plan, *_) = plans(make_catalog([30, 10]))
    summary = summarise(plan)
    assert summary.sets["portraits"] == {"portraits.s0": 60, "portraits.s1": 20}
    assert list(summary.sets["augmented"]) == ["studio.a", "portraits.s0", "portraits.s1", "coarse.c"]
    by_set = summary.rows_by_set()
    assert sum(by_set.values()) == 260 and by_set["portraits.s0"] == 60 + summary.sets["augmented"]["portraits.s0"]


NAMES = [f"p{k}" for k in range(40)]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """RWP without a manifest, and two folders of pairs with the same names."""
    root = tmp_path_factory.mktemp("sets")
    pair_tree(root / "RWP", NAMES, "image", "alpha", (".jpg", ".png"))
    for k, name in enumerate(("mine", "yours")):
        pair_tree(root / name, NAMES, "image", "alpha", (".jpg", ".png"), first=100 * (k + 1))
    return root


def configured(root: Path, *overrides: str) -> Corpus:
    nothing = [f"corpus.{name}=null" for name in ("studio", "composites", "coarse", "backgrounds")]
    try:
        corpus = build(load_config(["corpus=disk", f"corpus.root={root}", *nothing, *overrides]).corpus)
    except HydraException as error:  # as the command line reports it
        raise ValueError(explain(error)) from error
    assert isinstance(corpus, Corpus)
    return corpus


OWN = "+corpus/portraits@corpus.portraits.own=pairs"


def test_a_folder_of_ones_own_is_added_on_the_command_line(folders: Path) -> None:
    corpus = configured(folders, OWN, f"corpus.portraits.own.root={folders}/mine")
    assert list(corpus.sets) == ["portraits.rwp", "portraits.own"] and corpus.label.endswith(": rwp, own (pairs)")
    assert list(corpus.validation) == ["rwp", "own"]
    names = [pair.name for pair in corpus.test]
    assert len(set(names)) == len(names) and {name.split("/")[0] for name in names} == {"rwp", "own"}
    assert [pair.tags for pair in corpus.test] == [{name.split("/")[0]} for name in names]
    assert corpus.test[-1].load().alpha.any()


def test_sets_are_chosen_as_a_list_and_weighed(folders: Path) -> None:
    corpus = configured(
        folders,
        "corpus/portraits=[rwp,pairs]",
        f"corpus.portraits.pairs.root={folders}/mine",
        "+corpus.weights.portraits={rwp: 1, pairs: 3}",
    )
    assert list(corpus.train["portraits"]) == ["rwp", "pairs"]
    config = load_config(["data=portraits", "data.epoch_rows=200", "data.pairing.fraction=0"])
    assert summarise(build_schedule(config, corpus, planned_length(config)).plan(0)).sets["portraits"] == {
        "portraits.rwp": 50,
        "portraits.pairs": 150,
    }


def test_what_a_later_stage_lacks_is_found_before_the_first(folders: Path) -> None:
    corpus = configured(folders, OWN, f"corpus.portraits.own.root={folders}/mine")
    config = load_config(["data=portraits", "+curriculum=3stage", "data.epoch_rows=40", "data.pairing.fraction=0"])
    build_schedule(config, corpus, planned_length(config))
    with open_dict(config):
        config.curriculum.stages[2].weights = {"portraits": 1, "coarse": 1}
    with pytest.raises(MattingError, match="stage 'robustness': unknown role coarse"):
        build_schedule(config, corpus, planned_length(config))


def test_a_set_can_be_removed_again(folders: Path) -> None:
    corpus = configured(folders, OWN, f"corpus.portraits.own.root={folders}/mine", "corpus.portraits.rwp=null")
    assert list(corpus.sets) == ["portraits.own"]
    assert all("/" not in pair.name for pair in corpus.test), "names of a single set stay as they are"


def test_readers_are_listed_in_python(folders: Path) -> None:
    corpus = disk_corpus(folders, portraits=[partial(rwp, folders / "RWP"), partial(pairs, folders / "mine")])
    assert list(corpus.train["portraits"]) == ["rwp", "pairs"]
    named = disk_corpus(
        folders, portraits={"a": partial(pairs, folders / "mine"), "b": partial(pairs, folders / "yours")}
    )
    assert list(named.train["portraits"]) == ["a", "b"]
    identities = [{item.identity for item in source.items} for source in named.sets.values()]
    assert not identities[0] & identities[1], "p1 here and p1 there are two people"


def test_every_set_is_decoded_from_its_own_folder(folders: Path) -> None:
    corpus = configured(folders, OWN, f"corpus.portraits.own.root={folders}/mine")
    config = load_config(["data=portraits", "data.epoch_rows=40", "data.pairing.fraction=0"])
    dataset = DrawDataset(corpus.sets, corpus.scenes, 16)
    for draw in build_schedule(config, corpus, planned_length(config)).plan(0).draws(slice(0, 40)):
        source = list(corpus.sets.values())[draw.source]
        expected = DrawDataset({"alone": source}, corpus.scenes, 16)[draw._replace(source=0)]
        assert np.array_equal(dataset[draw].foreground, expected.foreground)


def test_one_set_may_lack_a_split_and_the_log_says_so(folders: Path, tmp_path: Path, caplog) -> None:
    pair_tree(tmp_path, NAMES, "image", "matte", (".jpg", ".jpg"), first=500)
    train_only = partial(ppm100, tmp_path, split_list=lines(tmp_path / "a.csv", [f"{n},train" for n in NAMES]))
    test_only = partial(ppm100, tmp_path, split_list=lines(tmp_path / "b.csv", [f"{n},test" for n in NAMES]))
    corpus = disk_corpus(folders, portraits=[partial(rwp, folders / "RWP"), train_only])
    assert list(corpus.validation) == ["rwp"] and len(corpus.train["portraits"]["ppm100"]) == 40
    assert "portraits.ppm100: there is nothing in its split 'val'" in caplog.text
    corpus = disk_corpus(folders, portraits=[partial(rwp, folders / "RWP"), test_only])
    assert list(corpus.sets) == ["portraits.rwp"] and sum("ppm100" in pair.tags for pair in corpus.test) == 40
    with pytest.raises(FileNotFoundError, match=r"corpus\.portraits: .*'ppm100' for this split, found none"):
        disk_corpus(folders, portraits=train_only)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ((OWN, "corpus.portraits.own.root=/none"), r"corpus\.portraits\.own: /none: expected a folder of pairs"),
        (("corpus.portraits.rwp=null",), r"corpus\.portraits: expected at least one set, found none"),
        (("+corpus.portraits.own=/my/images",), r"corpus\.portraits\.own: expected a reader .* found /my/images"),
        (("+corpus.weights.portraits.own=2",), r"weights\.portraits: expected a weight for each of rwp, found own"),
        (("+corpus.weights.portraits.rwp=0",), r"weights\.portraits\.rwp: expected a number above 0, found 0"),
        (("+corpus.weights.portraits.rwp=much",), r"weights\.portraits\.rwp: expected a number, found 'much'"),
        (("+corpus.weights.coarse.masks=1",), r"weights\.coarse: expected a weight for each of no set, found masks"),
    ],
)
def test_mistakes_name_the_option(folders: Path, overrides: tuple[str, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message) as caught:
        configured(folders, *overrides)
    assert "\n" not in str(caught.value)


def test_two_unnamed_sets_of_one_format_are_refused(folders: Path) -> None:
    readers = [partial(pairs, folders / "mine"), partial(pairs, folders / "yours")]
    with pytest.raises(ValueError, match="two sets are called 'pairs'"):
        disk_corpus(folders, portraits=readers)


def test_nobody_is_both_trained_and_tested_on(folders: Path, tmp_path: Path) -> None:
    """The same folder in two roles, once through a link, with lists that contradict one another."""
    (tmp_path / "link").symlink_to(folders / "mine")
    everything = partial(
        pairs, tmp_path / "link", split_list=lines(tmp_path / "all.csv", [f"{n},train" for n in NAMES])
    )
    with pytest.raises(ValueError, match=r"'p\d+' is in split 'val' of 'own' and, .* 'train' of 'coarse\.all'"):
        disk_corpus(folders, portraits={"own": partial(pairs, folders / "mine")}, coarse={"all": everything})


def verdicts(path: Path, source: str, accepted: int) -> Path:
    rows = [f"{source},{name},{'accept' if k < accepted else 'reject'}" for k, name in enumerate(sorted(NAMES))]
    return lines(path, ["source,name,verdict", *rows])


def test_verdicts_apply_to_the_set_they_are_about(folders: Path, tmp_path: Path) -> None:
    own = {"mine": partial(pairs, folders / "mine"), "rwp": partial(rwp, folders / "RWP")}
    whole, file = disk_corpus(folders, portraits=own), verdicts(tmp_path / "v.csv", "pairs", 20)
    by_format, by_name = (
        disk_corpus(folders, portraits=own, verdicts=given) for given in (file, {"portraits": {"mine": str(file)}})
    )
    for chosen in (by_format, by_name):
        assert 0 < len(chosen.sets["portraits.mine"]) < len(whole.sets["portraits.mine"])
        assert chosen.sets["portraits.rwp"].items == whole.sets["portraits.rwp"].items
    assert by_format.sets["portraits.mine"].items == by_name.sets["portraits.mine"].items


def test_verdicts_on_one_of_two_sets_of_a_format_need_its_name(folders: Path, tmp_path: Path) -> None:
    overrides = (OWN, f"corpus.portraits.own.root={folders}/mine", "+corpus/portraits@corpus.portraits.more=pairs")
    overrides += (f"corpus.portraits.more.root={folders}/yours",)
    file = verdicts(tmp_path / "v.csv", "pairs", 20)
    with pytest.raises(ValueError, match=r"'pairs', which portraits\.own and portraits\.more are.*\{own:FILE\}"):
        configured(folders, *overrides, f"corpus.verdicts={file}")
    chosen = configured(folders, *overrides, f"corpus.verdicts={{portraits:{{more:{file}}}}}")
    assert len(chosen.sets["portraits.more"]) < len(chosen.sets["portraits.own"])
    with pytest.raises(ValueError, match=r"unknown set portraits\.less; the corpus has: portraits\.rwp"):
        configured(folders, *overrides, f"corpus.verdicts={{portraits:{{less:{file}}}}}")
    with pytest.raises(ValueError, match=r"expected verdicts on rwp for portraits\.rwp, found pairs"):
        configured(folders, *overrides, f"corpus.verdicts={{portraits:{{rwp:{file}}}}}")
