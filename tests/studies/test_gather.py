import json
from pathlib import Path

import pytest

from matting.studies import find_runs, gather, study_markdown
from matting.studies.study import FLOOR
from tests.studies.conftest import Sweep


def test_a_sweep_is_read_in_the_order_of_its_jobs(curricula: Sweep) -> None:
    """Twelve jobs: by name, the folder of job 10 would come before that of job 2."""
    study = gather(find_runs([curricula.folder]))
    assert study.rows == ["3stage", "shuffled", "none"] and study.seeds == [1, 2, 3, 4]
    assert study.table("shuffled", "whole", "sad").shape == (4, 3)
    assert study.table(FLOOR, "unknown", "mad").tolist() == [[30, 30, 30]]
    assert study.table("none", "whole", "sad", frozenset({"glasses", "backlit"})).shape == (4, 2)
    assert study.curves("3stage", "whole/sad")[0][0] == [4, 8, 12, 16, 20], "steps taken, not the index of the last"
    assert study.finished[0].metrics == {"test/synthetic/whole/sad": 10.0, "test/deviation_over_backgrounds": 0.101}
    assert study.missing() == []


def test_rows_are_named_by_what_differs(sweep: Sweep) -> None:
    for gates in ("true", "false"):
        for loss in ("closed_loop", "baseline"):
            sweep.run(f"model.gates={gates} loss={loss} data.size=64", seed=1)
    assert gather(find_runs([sweep.folder])).rows[1] == "gates=true, loss=baseline"


def test_a_run_without_the_override_is_the_default(sweep: Sweep) -> None:
    runs = [sweep.run("", seed=1), sweep.run("+curriculum=3stage", seed=1)]
    assert gather(runs).rows == ["default", "3stage"]
    assert gather(runs[:1]).rows == ["this configuration"]


def test_crashed_and_absent_runs_are_listed(sweep: Sweep) -> None:
    sweep.run("data=a", seed=1)
    sweep.crashed("data=a", seed=2)
    sweep.run("data=b", seed=1)
    sweep.crashed("data=c", seed=1)
    study = gather(find_runs([sweep.folder]))
    assert study.rows == ["a", "b"]
    listed = [line.partition(":")[0] for line in study.missing()]
    assert listed == ["a, seed 2", "c, seed 1", "b, seed 2", "c, seed 2"]


def test_the_reference_comes_first(curricula: Sweep) -> None:
    runs = find_runs([curricula.folder])
    assert gather(runs, reference="shuffled").rows == ["shuffled", "3stage", "none"]
    with pytest.raises(ValueError, match="--reference: expected one of 3stage, shuffled, none; found 'reversed'"):
        gather(runs, reference="reversed")


def test_runs_measured_differently_are_refused(sweep: Sweep) -> None:
    runs = [sweep.run("data=a", seed=1), sweep.run("data=b", seed=1, protocol={"metrics": "p3m"})]
    with pytest.raises(ValueError, match=r"expected runs of one protocol.*report them separately"):
        gather(runs)


def test_where_data_lies_is_no_part_of_a_row(sweep: Sweep) -> None:
    """Tables are committed: they have no folders of a machine in them, and rows of two machines are one."""
    own = "+corpus.sets.portraits.own={_target_:any.pairs,_partial_:true,root:/x/y,split_list:/a/list.csv}"
    runs = [sweep.run("data=a corpus.root=/home/one/data", 1), sweep.run("data=a corpus.root=/home/two/data/", 2)]
    runs += [sweep.run(f"data=a corpus.root=/home/two/data {own}", 1)]
    study = gather(runs)
    assert study.rows == ["default", "pairs(split_list:list.csv)"]
    assert study.runs[0].facts["overrides"].startswith("data=a corpus.root=data")
    assert all("/home" not in run.facts["overrides"] for run in study.runs)


def test_training_data_may_be_what_is_studied(sweep: Sweep) -> None:
    runs = [sweep.run("corpus=a", seed=1), sweep.run("corpus=b", seed=1, corpus="real people")]
    assert study_markdown(gather(runs)).startswith("> **synthetic corpus: not real photos | real people**")


def test_other_test_images_of_the_same_name_are_refused(sweep: Sweep) -> None:
    runs = [sweep.run("data=a", seed=1), sweep.run("data=b", seed=1)]
    table = runs[1] / "per_image.csv"
    whole = table.read_text()
    table.write_text(whole.replace("90.0", "90.00001"))  # another processor, or another alignment in memory
    assert len(gather(runs).finished) == 2
    table.write_text(whole.replace("90.0", "80.0"))
    with pytest.raises(ValueError, match="its test images are not those of"):
        gather(runs)


def without(run: Path, *parts: str) -> None:
    """Remove the scores whose line has all parts, as if the network had failed there."""
    table = run / "per_image.csv"
    kept = [line for line in table.read_text().splitlines(keepends=True) if not all(part in line for part in parts)]
    table.write_text("".join(kept))


def test_runs_whose_networks_failed_on_different_images_are_refused(sweep: Sweep) -> None:
    """With as many images each, the scores of different ones would be paired."""
    runs = [sweep.run("data=a", seed=1), sweep.run("data=b", seed=1)]
    without(runs[0], "model,synthetic,a,")
    with pytest.raises(ValueError, match=rf"{runs[0].name}: expected .* none of synthetic/a/unknown, on which the net"):
        gather(runs)
    without(runs[1], "model,synthetic,b,")
    with pytest.raises(ValueError, match="found none of synthetic/a/unknown"):
        gather(runs)
    without(runs[0], "model,synthetic,b,")
    without(runs[1], "model,synthetic,a,")
    study = gather(runs)
    assert study.table("a", "whole", "mad").shape == study.table(FLOOR, "whole", "mad").shape == (1, 1)


def test_a_test_set_without_unknown_pixels_has_no_tables_of_them(sweep: Sweep) -> None:
    runs = [sweep.run(f"data={name}", seed) for name in "ab" for seed in (1, 2)]
    for run in runs:
        without(run, ",unknown,")
    page = study_markdown(gather(runs))
    assert "Test, whole image" in page and "Test, unknown region" not in page and "SAD, unknown" not in page


def test_two_runs_of_one_row_and_seed_are_refused(sweep: Sweep) -> None:
    first, again = sweep.run("data=a", seed=1), sweep.run("data=a", seed=1)
    with pytest.raises(ValueError, match="expected one run of this configuration, seed 1; found"):
        gather([first, again])
    with pytest.raises(ValueError, match="expected each run once"):
        find_runs([first, first])
    (again / "results.json").unlink()
    assert len(gather([first, again]).finished) == 1, "a crashed run may have been repeated"


def test_folders_that_are_no_runs_are_refused(tmp_path: Path, sweep: Sweep) -> None:
    with pytest.raises(ValueError, match="expected a run folder"):
        find_runs([tmp_path])
    run = sweep.run("data=a", seed=1)
    (run / "results.json").write_text(json.dumps({})[:1])
    with pytest.raises(ValueError, match=r"results\.json: expected what a run writes"):
        gather([run])
    (run / "results.json").unlink()
    with pytest.raises(ValueError, match="at least one finished run, found none of 1"):
        gather([run])
