"""``matting plan``: every set with its share, as a table and as JSON."""

import json

import pytest
from typer.testing import CliRunner

from matting.cli import app
from tests.data.formats.trees import pair_tree

RUNNER = CliRunner()


@pytest.fixture
def overrides(tmp_path):
    for k, name in enumerate(("RWP", "mine")):
        names = [f"p{n}" for n in range(40)]
        pair_tree(tmp_path / name, names, "image", "alpha", (".jpg", ".png"), first=100 * k)
    nothing = [f"corpus.{name}=null" for name in ("studio", "composites", "coarse", "backgrounds")]
    own = ["+corpus/portraits@corpus.portraits.own=pairs", f"corpus.portraits.own.root={tmp_path}/mine"]
    length = ["data=portraits", "data.epoch_rows=80", "trainer.max_epochs=3"]
    return ["corpus=disk", f"corpus.root={tmp_path}", *nothing, *own, *length]


def test_json_has_the_rows_of_every_set(overrides):
    weights = "+corpus.weights.portraits={rwp:1,own:3}"
    shown = RUNNER.invoke(app, ["plan", "--json", *overrides, weights])
    assert shown.exit_code == 0, shown.output
    epochs = [json.loads(line) for line in shown.stdout.splitlines() if line.startswith("{")]
    assert [epoch["sets"] for epoch in epochs] == [{"portraits": {"portraits.rwp": 20, "portraits.own": 60}}] * 3


def test_the_table_has_a_row_for_every_set_of_a_role(overrides):
    shown = RUNNER.invoke(app, ["plan", *overrides, "+corpus.weights.portraits={rwp:1,own:3}"])
    assert shown.exit_code == 0, shown.output
    rows = [line.replace("│", " ").split() for line in shown.stdout.splitlines()]
    assert ["portraits.rwp", "20", "25.0%"] in rows and ["portraits.own", "60", "75.0%"] in rows


def test_names_of_sets_are_whole_on_80_columns(tmp_path):
    corpus = ["corpus.people=16", "corpus.image_size=96", "data.epoch_rows=2600"]
    shown = RUNNER.invoke(app, ["plan", *corpus, "trainer.max_epochs=1"], env={"COLUMNS": "80"})
    assert shown.exit_code == 0, shown.output
    names = [line.split()[0] for line in shown.stdout.splitlines() if line.startswith(" ") and "." in line]
    assert {"studio.composition1k", "portraits.rwp", "coarse.coco_matting"} <= set(names), shown.stdout


def test_a_single_set_needs_no_row_of_its_own(overrides):
    shown = RUNNER.invoke(app, ["plan", *overrides, "corpus.portraits.own=null"])
    assert shown.exit_code == 0 and "portraits.rwp" not in shown.stdout


def test_a_number_that_is_none_is_named_before_the_corpus_is_read():
    shown = RUNNER.invoke(app, ["plan", "corpus=disk", "corpus.root=/no/folder", "data.batch_size=eight"])
    assert "data.batch_size: expected a whole number, found 'eight'" in str(shown.exception)
