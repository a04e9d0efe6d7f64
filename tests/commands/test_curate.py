import csv
import json
import os
import shutil
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

from matting.cli import app
from matting.config import build, load_config
from matting.curation.audit import read_sample, sample_id
from matting.curation.checks import BY_NAME
from matting.curation.ledger import read_lines
from matting.curation.run import Curation
from matting.data.corpora import synthetic_corpus
from matting.data.folds import FOLD_RULE
from matting.data.formats.folders import read_names
from matting.data.verdicts import read_accepted
from matting.evaluation.statistics import wilson
from matting.images import read_alpha, read_rgb, write_png
from matting.synthetic import ensure_corpus

PEOPLE = 24


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """A small corpus with planted defects; its images are smaller than 512 pixels, which these limits allow."""
    folder = ensure_corpus(people=PEOPLE, image_size=160, defects=True, show_progress=False, workers=1)
    copy = tmp_path_factory.mktemp("set") / "corpus"
    shutil.copytree(folder, copy)
    return copy


@pytest.fixture(scope="module")
def limits(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("limits") / "limits.yaml"
    path.write_text("low_resolution: 3.5\n")
    return path


def call(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["curate", *map(str, arguments)], catch_exceptions=True)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def curation(root, limits, tmp_path) -> Path:
    call("run", "rwp", root / "RWP", "-o", tmp_path / "out", "--workers", 1, "--limits", limits)
    return tmp_path / "out"


def verdicts(folder: Path) -> dict[str, dict[str, str]]:
    with (folder / "verdicts.csv").open() as file:
        return {row["name"]: row for row in csv.DictReader(file)}


def state(folder: Path) -> dict[Path, tuple[int, bytes]]:
    return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in folder.rglob("*") if path.is_file()}


def test_run_judges_every_pair_and_changes_nothing(root, limits, tmp_path):
    before = state(root)
    output = call("run", "rwp", root / "RWP", "-o", tmp_path / "out", "--workers", 1, "--limits", limits)
    assert state(root) == before
    assert len(verdicts(tmp_path / "out")) == len(list((root / "RWP/image").iterdir()))
    assert "about 17 %" in output and "not run" in output
    assert (
        "<img" in (tmp_path / "out/report.html").read_text() and "http" not in (tmp_path / "out/report.md").read_text()
    )


def test_planted_defects_are_found_more_often_than_clean_pairs_fail(root, curation):
    planted = {line.split(",")[0] for line in read_names(root / "defects.csv")[1:]}
    failed = {name for name, row in verdicts(curation).items() if row["verdict"] != "accept"}
    clean = set(verdicts(curation)) - planted
    assert len(failed & planted) / len(planted) > len(failed & clean) / len(clean)


def test_second_run_measures_nothing_and_gives_the_same_verdicts(root, limits, curation, monkeypatch):
    from matting.curation import run

    before = (curation / "verdicts.csv").read_bytes()
    monkeypatch.setattr(run, "_measure", lambda curation, name: pytest.fail("measured again"))
    call("run", "rwp", root / "RWP", "-o", curation)  # the limits given before still apply
    assert (curation / "verdicts.csv").read_bytes() == before
    other = curation / "other.yaml"
    other.write_text("blur: -1\n")
    call("run", "rwp", root / "RWP", "-o", curation, "--limits", other)
    assert all("blur" in row["reasons"] for row in verdicts(curation).values())


def test_an_interrupted_run_resumes_after_half_a_line(root, limits, curation):
    before = (curation / "verdicts.csv").read_bytes()
    scores = curation / "scores.jsonl"
    scores.write_bytes(scores.read_bytes()[: scores.stat().st_size // 2])
    call("run", "rwp", root / "RWP", "-o", curation, "--limits", limits, "--workers", 1)
    assert (curation / "verdicts.csv").read_bytes() == before


def test_several_processes_give_the_verdicts_of_one(root, limits, curation, tmp_path):
    call("run", "rwp", root / "RWP", "-o", tmp_path / "two", "--workers", 2, "--limits", limits)
    assert (tmp_path / "two/verdicts.csv").read_bytes() == (curation / "verdicts.csv").read_bytes()


def test_changed_file_is_measured_again_and_a_damaged_one_rejected(limits, root, tmp_path):
    copy = tmp_path / "set"
    shutil.copytree(root / "RWP", copy)
    call("run", "rwp", copy, "-o", tmp_path / "out", "--workers", 1, "--limits", limits)
    photo = sorted((copy / "image").iterdir())[0]
    photo.write_bytes(photo.read_bytes()[:500])
    call("run", "rwp", copy, "-o", tmp_path / "out", "--workers", 1, "--limits", limits)
    assert verdicts(tmp_path / "out")[photo.stem]["reasons"] == "unreadable"
    report = (tmp_path / "out/report.md").read_text()
    assert "Unreadable" in report and f"| {photo.stem} |" in report


def test_labelled_glass_is_judged_and_other_labels_are_refused(root, limits, tmp_path):
    regions = tmp_path / "regions"
    regions.mkdir()
    solid, other = sorted((root / "RWP/alpha").iterdir())[:2]
    alpha = read_alpha(solid)
    write_png(regions / solid.name, np.where(alpha == 255, 128, 0).astype(np.uint8))
    out = tmp_path / "out"
    run = ("run", "rwp", root / "RWP", "-o", out, "--workers", 1, "--limits", limits)
    call(*run, "--regions", regions)
    assert "wrong_translucency" in verdicts(out)[solid.stem]["reasons"]
    write_png(regions / other.name, np.full_like(read_alpha(other), 7))
    with pytest.raises(ValueError, match=f"{other.name}: expected the values .*found 7"):
        call(*run, "--regions", regions)
    write_png(regions / other.name, np.zeros_like(read_alpha(other)))
    call(*run, "--regions", regions)
    assert verdicts(out)[other.stem]["reasons"] != "unreadable"
    with pytest.raises(FileNotFoundError, match="check --regions"):
        call(*run, "--regions", tmp_path / "nowhere")
    (tmp_path / "others").mkdir()
    write_png(tmp_path / "others/nobody.png", np.zeros((8, 8), np.uint8))
    with pytest.raises(ValueError, match="named like a pair"):
        call("run", "rwp", root / "RWP", "-o", tmp_path / "second", "--regions", tmp_path / "others")


def audited(folder: Path, file: Path) -> list[str]:
    """Draw a sample whose first pair is rejected for its `halo`, and the others accepted."""
    call("audit", folder, "--share", 0.3)
    sample = read_sample(folder / "audit_sample.csv")
    names = list(sample)
    assert all(verdicts(folder)[name]["verdict"] == "accept" for name in names)
    decisions = {name: {"verdict": "accept"} for name in names} | {names[0]: {"verdict": "reject", "reason": "halo"}}
    file.write_text(json.dumps({"audit": sample_id(sample), "decisions": decisions}))
    return names


def test_audit_draws_a_page_and_apply_merges_what_it_exports(curation, tmp_path):
    export = tmp_path / "export.json"
    names = audited(curation, export)
    output = call("apply", curation, export)
    assert "Wilson" in output and verdicts(curation)[names[0]]["reasons"] == "halo"
    assert verdicts(curation)[names[0]]["gate"] == "audit"
    looked = f"{len(names)} looked at | 1 | {100 / len(names):.1f} % ["
    report = (curation / "report.md").read_text()
    assert looked in report
    unseen = sum(row["verdict"] == "accept" and not row["reasons"] for row in verdicts(curation).values())
    low, high = wilson(1, len(names))
    assert f"| {unseen / len(names):.0f} [{unseen * low:.0f}, {unseen * high:.0f}] |" in report
    assert "alt='halo'" not in (curation / "report.html").read_text()  # a person's reason is not a result of the check


def test_a_decision_applies_to_the_files_that_were_judged(root, limits, tmp_path):
    copy, out, export = tmp_path / "set", tmp_path / "out", tmp_path / "export.json"
    shutil.copytree(root / "RWP", copy)
    call("run", "rwp", copy, "-o", out, "--workers", 1, "--limits", limits)
    names = audited(out, export)
    call("apply", out, export)
    (matte,) = (copy / "alpha").glob(f"{names[0]}.*")
    os.utime(matte, ns=(0, 0))
    (photo,) = (copy / "image").glob(f"{names[1]}.*")
    photo.write_bytes(photo.read_bytes()[:500])
    output = call("run", "rwp", copy, "-o", out)
    assert "2 audited pairs" in output and "audit them again" in output
    assert verdicts(out)[names[0]]["verdict"] == "accept" and verdicts(out)[names[0]]["reasons"] == ""
    assert verdicts(out)[names[1]]["reasons"] == "unreadable"
    assert verdicts(out)[names[2]]["reasons"] == "audited"


def test_decisions_on_part_of_the_sample_give_a_warning(curation, tmp_path):
    export = tmp_path / "export.json"
    names = audited(curation, export)
    content = json.loads(export.read_text())
    export.write_text(json.dumps(content | {"decisions": {names[0]: content["decisions"][names[0]]}}))
    output = call("apply", curation, export)
    assert f"decisions on 1 of {len(names)} pairs" in output and "once the whole sample is judged" in output


def test_annotators_get_an_image_of_each_failure(root, curation, tmp_path):
    output = call("export", curation, "--images", tmp_path / "images", "--workers", 1)
    expected = {
        f"{name}.{reason}"
        for name, row in verdicts(curation).items()
        for reason in row["reasons"].split(";")
        if reason in BY_NAME
    }
    exported = {path.stem for path in (tmp_path / "images").glob("*.png")}
    assert exported and exported <= expected and f"{len(exported)} images" in output
    of_the_whole = {"low_resolution", "underexposed", "low_contrast", "blur", "jpeg_ghost", "stair_steps"}
    assert {name.rsplit(".", 1)[1] for name in expected - exported} <= of_the_whole
    name, check = min(exported).rsplit(".", 1)
    (photo,) = (root / "RWP" / "image").glob(f"{name}.*")
    image, photo = read_rgb(tmp_path / "images" / f"{name}.{check}.png"), read_rgb(photo)
    assert image.shape == photo.shape and ((image[..., 0] > 150) & (image[..., 1] < 100)).any()  # red
    with pytest.raises(FileExistsError, match="new folder"):
        call("export", curation, "--images", tmp_path / "images")


def test_training_reads_what_was_accepted(curation):
    overrides = [f"corpus.people={PEOPLE}", "corpus.image_size=160", "corpus.defects=true"]
    everything = build(load_config(overrides).corpus).train["portraits"]["rwp"]
    chosen = build(load_config([*overrides, f"corpus.verdicts={curation / 'verdicts.csv'}"]).corpus).train["portraits"][
        "rwp"
    ]
    accepted = {name for name, row in verdicts(curation).items() if row["verdict"] == "accept"}
    assert {item.name for item in chosen.items} == {item.name for item in everything.items} & accepted
    assert 0 < len(chosen) < len(everything)


def test_parquet_has_the_content_of_the_csv(root, curation, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    call("export", curation, "--parquet", tmp_path / "verdicts.parquet")
    rows = parquet.read_table(tmp_path / "verdicts.parquet").to_pylist()
    assert [row["name"] for row in rows] == list(verdicts(curation))
    for row, expected in zip(rows, verdicts(curation).values(), strict=True):
        assert {k: row[k] for k in ("source", "verdict", "gate", "reasons")} == {k: expected[k] for k in row if k in (
            "source", "verdict", "gate", "reasons")}  # fmt: skip
        assert row["blur"] == float(expected["blur"]) and row["credibility"] is None
    assert read_accepted(tmp_path / "verdicts.parquet") == read_accepted(curation / "verdicts.csv")
    (tmp_path / "bad.parquet").write_bytes(b"name,verdict")
    with pytest.raises(ValueError, match="expected a Parquet file"):
        read_accepted(tmp_path / "bad.parquet")


class FiftyOne(ModuleType):
    """The part of FiftyOne that the export uses, written after its documentation."""

    def __init__(self):
        super().__init__("fiftyone")
        self.datasets = {}
        self.fails_at = None

    class Sample(dict):
        def __init__(self, filepath, tags):
            super().__init__(filepath=filepath, tags=tags)

    Classification = staticmethod(lambda label: ("classification", label))
    Heatmap = staticmethod(lambda map_path: ("heatmap", map_path))

    def dataset_exists(self, name):
        return name in self.datasets

    def Dataset(self, name, persistent):  # noqa: N802
        assert persistent
        self.datasets[name] = []

        def add_samples(samples):
            for number, sample in enumerate(samples):
                if number == self.fails_at:
                    raise ConnectionError("the database went away")
                self.datasets[name].append(sample)

        return SimpleNamespace(add_samples=add_samples, delete=lambda: self.datasets.pop(name))


def test_fiftyone_gets_every_pair_with_its_verdict(root, curation, tmp_path, monkeypatch):
    stand_in = FiftyOne()
    monkeypatch.setitem(sys.modules, "fiftyone", stand_in)
    before = state(root)
    call("export", curation, "--fiftyone", "portraits")
    assert state(root) == before
    samples = {sample["pair"]: sample for sample in stand_in.datasets["portraits"]}
    for name, row in verdicts(curation).items():
        assert samples[name]["verdict"] == ("classification", row["verdict"])
        assert samples[name]["reasons"] == [reason for reason in row["reasons"].split(";") if reason]
        assert samples[name]["halo"] == float(row["halo"])
        assert Path(samples[name]["filepath"]).is_file() and Path(samples[name]["matte"][1]).is_file()
    with pytest.raises(ValueError, match="choose another name"):
        call("export", curation, "--fiftyone", "portraits")
    table = tmp_path / "verdicts.csv"
    for old, new, reason in (
        ("\nrwp,rwp_", "\nrwp,gone_", "'gone_.*is not in the data set"),
        (",accept,,,,", ",accept,,,soon,", "verdicts.csv, line .*'soon'"),
    ):
        table.write_text((curation / "verdicts.csv").read_text().replace(old, new))
        monkeypatch.setattr(Curation, "verdicts", table)
        with pytest.raises(ValueError, match=reason):
            call("export", curation, "--fiftyone", "stale")
        assert "stale" not in stand_in.datasets
    monkeypatch.undo()
    monkeypatch.setitem(sys.modules, "fiftyone", stand_in)
    stand_in.fails_at = 1
    with pytest.raises(ConnectionError):
        call("export", curation, "--fiftyone", "half")
    assert "half" not in stand_in.datasets
    monkeypatch.setitem(sys.modules, "fiftyone", None)
    with pytest.raises(ValueError, match="pip install"):
        call("export", curation, "--fiftyone", "again")


def test_verdicts_on_another_set_are_refused(tmp_path):
    (tmp_path / "verdicts.csv").write_text("source,name,verdict\nrwp,nobody,accept\n")
    (tmp_path / "other.csv").write_text("source,name,verdict\np3m10k,nobody,accept\n")
    for name, message in (("verdicts.csv", "no verdict on"), ("other.csv", "expected verdicts on")):
        with pytest.raises(ValueError, match=message):
            synthetic_corpus(PEOPLE, image_size=160, defects=True, verdicts=tmp_path / name)


def test_each_set_has_its_own_verdicts(tmp_path):
    def written(name: str, source: str, items: list[str], verdict: str = "accept") -> Path:
        rows = [f"{source},{item},{'reject' if k else verdict}\n" for k, item in enumerate(items)]
        (tmp_path / name).write_text("source,name,verdict\n" + "".join(rows))
        return tmp_path / name

    whole = synthetic_corpus(PEOPLE, image_size=160).sets
    names = {role: [item.name for item in source.items] for role, source in whole.items()}
    (role, source), (other, second) = [(role, whole[role]) for role in ("portraits.rwp", "studio.composition1k")]
    files = [written("one.csv", source.name, names[role]), written("two.csv", second.name, names[other])]
    chosen = synthetic_corpus(PEOPLE, image_size=160, verdicts=files).sets
    assert [len(chosen[role]), len(chosen[other])] == [1, 1]
    one = synthetic_corpus(PEOPLE, image_size=160, verdicts=files[0]).sets
    assert [len(one[role]), len(one[other])] == [1, len(second)]
    assert any("has none of them" in note for note in one[other].notes)
    with pytest.raises(ValueError, match="another verdict on"):
        synthetic_corpus(
            PEOPLE, image_size=160, verdicts=[*files, written("three.csv", source.name, names[role], "reject")]
        )


def test_folder_of_another_set_is_refused(root, curation, limits):
    with pytest.raises(ValueError, match="another set"):
        call("run", "rwp", root / "RWP", "-o", curation, "--split", "val", "--limits", limits)
    with pytest.raises(FileNotFoundError, match="matting curate run"):
        call("audit", root)


@pytest.mark.slow
def test_folds_judge_only_pairs_they_have_not_seen(root, curation, limits, tmp_path):
    import torch

    from matting.models import AttentionUNet

    settings = {"encoder": "resnet10t", "pretrained": False, "encoder_weights": None}
    model = AttentionUNet(**settings)
    state = {f"model.{name}": value for name, value in model.state_dict().items()}
    paths = []
    for fold in range(2):
        paths += [tmp_path / f"{fold}.ckpt"]
        parameters = {"size": 64, "corpus": "synthetic", "fold": fold, "folds": 2, "fold_rule": FOLD_RULE}
        parameters |= {"model": model.settings}
        torch.save({"state_dict": state, "hyper_parameters": parameters}, paths[-1])
    call("crosscheck", curation, "--checkpoint", paths[0], "--checkpoint", paths[1], "--limits", limits)
    rows = read_lines(curation / "credibility.jsonl")
    assert len(rows) == len(verdicts(curation)) and {len(row["agreement"]) for row in rows} == {1}
    assert np.mean([row["verdict"] == "accept" for row in verdicts(curation).values()]) == 0  # the network is untrained
    (tmp_path / "lenient.yaml").write_text("low_resolution: 3.5\ncredibility: 0\n")
    call(
        "crosscheck",
        curation,
        "--checkpoint",
        paths[0],
        "--checkpoint",
        paths[1],
        "--limits",
        tmp_path / "lenient.yaml",
    )
    assert not any("credibility" in row["reasons"] for row in verdicts(curation).values())
    with pytest.raises(ValueError, match="seen by every network"):
        call("crosscheck", curation, "--checkpoint", paths[0], "--limits", limits)
