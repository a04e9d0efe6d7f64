from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matting.errors import MattingError
from matting.plan.catalog import Catalog
from matting.plan.curriculum import Curriculum, Rule, Stage
from matting.plan.mixture import Mixture, apportion
from matting.plan.pairing import Pairing
from matting.plan.plan import EpochPlan, plan_epoch
from tests.plan.conftest import make_catalog
from tests.plan.test_mixture import windows

ARTICLE = {"studio": 1, "portraits": 8, "coarse": 5, "augmented": 12}
THREE_STAGES = Curriculum(
    "3stage",
    [
        Stage("foundation", 0.3, {"studio": None, "portraits": Rule(["clear"])}),
        Stage("diversity", 0.4, {"studio": None, "portraits": Rule(["clear", "medium"]), "coarse": None}),
        Stage("robustness", 0.3, None, severity=(0.5, 1.0)),
    ],
)
ROWS = st.integers(26, 300).map(lambda rows: rows * 2)
SEEDS = st.integers(0, 2**31)
FRACTIONS = st.sampled_from([0.0, 0.3, 0.5, 1.0])


def make_plan(catalog: Catalog, seed: int = 0, epoch: int = 0, rows: int = 260, **settings: object) -> EpochPlan:
    settings = {"mixture": Mixture(ARTICLE), "epochs": 10} | settings
    return plan_epoch(seed, epoch, rows=rows, catalog=catalog, **settings)


def columns(plan: EpochPlan) -> dict[str, list[float]]:
    return {name: getattr(plan, name).tolist() for name in EpochPlan.columns()}


@given(SEEDS, st.integers(0, 9), ROWS, FRACTIONS)
def test_counts_are_exact_and_windows_are_level(seed: int, epoch: int, rows: int, fraction: float) -> None:
    plan = make_plan(make_catalog(layered_portraits=25), seed, epoch, rows, pairing=Pairing(fraction))
    assert np.bincount(plan.stream, minlength=4).tolist() == apportion([1, 8, 5, 12], rows).tolist()
    allowed = 2 if fraction else 1
    assert np.abs(windows(plan.stream, 26, 4) - [1, 8, 5, 12]).max() <= allowed


@given(SEEDS, st.integers(0, 9), FRACTIONS)
def test_the_same_arguments_give_the_same_table(seed: int, epoch: int, fraction: float) -> None:
    first, second = (make_plan(make_catalog(), seed, epoch, pairing=Pairing(fraction)) for _ in range(2))
    assert columns(first) == columns(second)
    assert columns(first) != columns(make_plan(make_catalog(), seed, epoch + 1, pairing=Pairing(fraction)))
    assert columns(first) != columns(make_plan(make_catalog(), seed + 1, epoch, pairing=Pairing(fraction)))


@given(SEEDS, st.integers(1, 30), st.integers(1, 40), FRACTIONS, st.integers(2, 6))
def test_no_item_returns_before_all_were_used(seed: int, small: int, large: int, fraction: float, epochs: int) -> None:
    """Over any number of epochs, in each stream and source, counts of use differ by at most one."""
    catalog = make_catalog(small, large, large, layered_portraits=large // 2)
    used: Counter[tuple[int, int, int]] = Counter()
    for epoch in range(epochs):
        plan = make_plan(catalog, seed, epoch, pairing=Pairing(fraction), epochs=epochs)
        first = plan.view == 0
        used.update(
            zip(plan.stream[first].tolist(), plan.source[first].tolist(), plan.item[first].tolist(), strict=True)
        )
    for stream, source in {key[:2] for key in used}:
        size = len(list(catalog.sources.values())[source].layered)
        counts = [used[stream, source, item] for item in range(size)]
        assert max(counts) - min(counts) <= 1


@given(SEEDS, st.integers(0, 50), st.sampled_from([0.2, 0.5, 1.0]), ROWS)
def test_pairs_share_everything_but_the_background(seed: int, layered: int, fraction: float, rows: int) -> None:
    plan = make_plan(make_catalog(layered_portraits=layered), seed, rows=rows, pairing=Pairing(fraction))
    second = np.flatnonzero(plan.view == 1)
    assert (second % 2 == 1).all(), "pairs begin at even rows, so no even batch splits one"
    for name in ("stream", "source", "item", "seed", "severity", "pair"):
        assert (getattr(plan, name)[second] == getattr(plan, name)[second - 1]).all()
    assert (plan.scene[second] != plan.scene[second - 1]).all()
    assert (plan.view[second - 1] == 0).all()
    assert sorted(plan.pair[second]) == list(range(len(second)))
    assert (np.delete(plan.pair, np.concatenate([second, second - 1])) == -1).all()


def test_the_second_background_is_the_antagonist_of_the_first_that_is_shown() -> None:
    """Also where the first is plain: the catalog's three plain scenes and six others on a line."""
    catalog = make_catalog(coarse=10)
    coarse = replace(catalog.roles["coarse"]["c"], layered=np.ones(10, bool), plain_variants=True)
    statistics = np.arange(9.0)[:, None] * np.ones(6)
    every = Pairing(1.0, candidates=1000)  # of which every scene is one
    plan = make_plan(Catalog({**catalog.roles, "coarse": {"c": coarse}}, statistics), rows=2600, pairing=every)
    second = np.flatnonzero(plan.view == 1)
    first, chosen = plan.scene[second - 1], plan.scene[second]
    assert {-1, 0, 1, 2} <= set(first)
    known = first >= 0
    farthest = np.where(first < 4, 8, 0)
    assert (chosen[known & (first != 4)] == farthest[known & (first != 4)]).all()
    assert set(chosen[~known]) == {0, 8}, "of a photo's own background nothing is known"


def test_items_without_a_foreground_layer_are_never_paired(catalog: Catalog) -> None:
    plan = make_plan(catalog, rows=2600, pairing=Pairing(1.0))
    names = np.array(plan.sources)[plan.source]
    assert set(names[plan.pair >= 0]) == {"studio.a"}
    assert (plan.pair >= 0)[names == "studio.a"].mean() > 0.95


def test_paired_seeds_are_equal_and_others_differ(catalog: Catalog) -> None:
    plan = make_plan(catalog, rows=2600, pairing=Pairing(0.5))
    assert len(set(plan.seed[plan.view == 0].tolist())) == (plan.view == 0).sum()


def test_backgrounds_go_where_there_is_none(catalog: Catalog) -> None:
    plan = make_plan(catalog, rows=520)
    layered_only = np.array(plan.sources)[plan.source] == "studio.a"
    assert (plan.scene[layered_only] >= 0).all() and (plan.scene[layered_only] < 9).all()
    assert (plan.scene[~layered_only] == -1).all()


def test_plain_variants_are_drawn_along_with_the_original() -> None:
    """White, blue, gradient and the photo's own background, each about a quarter of the draws of layered items."""
    catalog = make_catalog(coarse=10)
    coco = replace(catalog.roles["coarse"]["c"], layered=np.arange(10) < 5, plain_variants=True)
    plan = make_plan(Catalog({**catalog.roles, "coarse": {"c": coco}}, catalog.scenes), rows=2600)
    mine = plan.scene[(plan.source == 2) & (plan.item < 5)]
    assert set(mine) == {-1, 0, 1, 2}
    assert np.bincount(mine + 1).min() > 0.2 * len(mine)
    assert set(plan.scene[(plan.source == 2) & (plan.item >= 5)]) == {-1}


def test_only_the_augmented_stream_is_degraded_and_draws_by_weight(catalog: Catalog) -> None:
    plan = make_plan(catalog, rows=2600)
    augmented = np.array(plan.streams)[plan.stream] == "augmented"
    assert (plan.severity[~augmented] == 0).all()
    assert (plan.severity[augmented] > 0).all() and plan.severity.max() <= 1
    assert np.bincount(plan.source[augmented]).tolist() == apportion([1, 8, 5], 1200).tolist()


def test_stages_open_what_the_article_says(catalog: Catalog) -> None:
    expected = {
        0: {("studio", d) for d in (0, 1, 2)} | {("portraits", 0)},
        3: {(s, d) for s in ("studio", "coarse") for d in (0, 1, 2)} | {("portraits", 0), ("portraits", 1)},
    }
    for epoch, kinds in expected.items():
        plan = make_plan(catalog, epoch=epoch, rows=520, curriculum=THREE_STAGES)
        opened = {(plan.streams[s], int(d)) for s, d in zip(plan.stream, plan.difficulty, strict=True)}
        assert opened == kinds
    last = make_plan(catalog, epoch=9, rows=520, curriculum=THREE_STAGES)
    assert set(last.streams) == set(ARTICLE)
    assert make_plan(catalog, epoch=7, rows=520, curriculum=THREE_STAGES).severity.max() <= 0.5


def test_weights_of_open_streams_keep_their_ratio(catalog: Catalog) -> None:
    plan = make_plan(catalog, epoch=0, rows=90, curriculum=THREE_STAGES)
    assert dict(zip(plan.streams, np.bincount(plan.stream).tolist(), strict=True)) == {"studio": 10, "portraits": 80}


def test_tags_open_and_close_items(catalog: Catalog) -> None:
    for rule, inside in ((Rule(any_tag=["backlit"]), True), (Rule(no_tag=["backlit"]), False)):
        curriculum = Curriculum("tags", [Stage("one", open={"portraits": rule})])
        plan = make_plan(catalog, curriculum=curriculum)
        assert {("backlit" in catalog.sources["portraits.b"].tags[item]) for item in plan.item} == {inside}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mixture": Mixture({"rpw": 1})}, "unknown role rpw; the corpus has: studio, portraits, coarse"),
        ({"rows": 261, "pairing": Pairing(0.5)}, "even number of rows"),
        ({"curriculum": Curriculum("x", [Stage("s", weights={"studio": 0})])}, "'s' opens no stream"),
        ({"curriculum": Curriculum("x", [Stage("s", open={"augmented": None})])}, "no role for it"),
        (
            {"curriculum": Curriculum("x", [Stage("s", open={"portraits": Rule(any_tag=["x"])})])},
            "no item of 'portraits'",
        ),
    ],
)
def test_impossible_plans_are_refused(catalog: Catalog, settings: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_plan(catalog, **settings)


@pytest.mark.parametrize(
    ("weights", "augmented_from"), [({"portraits": 1, "coarse": 1}, None), ({"augmented": 1}, {"coarse": 1})]
)
def test_a_stage_s_weights_are_checked_against_the_corpus(
    catalog: Catalog, weights: dict[str, float], augmented_from: dict[str, float] | None
) -> None:
    without = Catalog({role: sets for role, sets in catalog.roles.items() if role != "coarse"}, catalog.scenes)
    settings = {"mixture": Mixture({"portraits": 1}, augmented_from), "epochs": 1}
    message = "stage 's': unknown role coarse; the corpus has: studio, portraits$"
    with pytest.raises(MattingError, match=message):
        make_plan(without, curriculum=Curriculum("x", [Stage("s", weights=weights)]), **settings)


def test_a_closed_stream_needs_no_role_in_the_corpus(catalog: Catalog) -> None:
    without = Catalog({"portraits": catalog.roles["portraits"]}, catalog.scenes)
    stage = Stage("s", open={"portraits": None}, weights={"portraits": 1, "coarse": 1})
    plan = make_plan(without, mixture=Mixture({"portraits": 1}), curriculum=Curriculum("x", [stage]))
    assert plan.streams == ("portraits",)


def test_foregrounds_without_backgrounds_are_refused() -> None:
    catalog = make_catalog()
    with pytest.raises(ValueError, match=r"corpus\.backgrounds"):
        make_plan(Catalog(catalog.roles, np.empty((0, 4))))
