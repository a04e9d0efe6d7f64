"""Gathering run folders into a study: settings and scores of each run, and a check that the runs are comparable."""

import re
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from matting.errors import MattingError
from matting.evaluation import BACKGROUND_DEVIATION, METRICS
from matting.evaluation.runs import NOT_THE_CONFIGURATION
from matting.files import read_csv, read_json
from matting.studies.study import DEVIATION, FINISHED, FLOOR, Point, Run, Score, Study

FINGERPRINT = "all foreground"
"""A method that is the same in every run: if its scores agree, the test images and the metrics are the same."""


class _Folder(NamedTuple):
    """A run folder on disk; `results` and `images` are empty if the run did not finish."""

    path: Path
    overrides: dict[str, str]
    seed: int
    results: dict[str, Any]
    images: list[dict[str, str]]


def find_runs(paths: Sequence[Path]) -> list[Path]:
    """Find run folders.

    Args:
        paths: Run folders, or folders of sweeps, which contain one run folder per job.

    Returns:
        Run folders in the given order; those of a sweep in the order of its jobs.

    Raises:
        MattingError: If a path is neither, or a run is given twice.
    """
    found: list[Path] = []
    for path in paths:
        # By the number of the job: as text, 10 would come before 2.
        runs = [path] if _is_run(path) else sorted(filter(_is_run, path.glob("*")), key=_job)
        if not runs:
            raise MattingError(f"{path}: expected a run folder (with .hydra/) or the folder of a sweep, found neither")
        found += runs
    resolved = [path.resolve() for path in found]
    if repeated := [path for path in found if resolved.count(path.resolve()) > 1]:
        raise MattingError(f"{repeated[0]}: expected each run once, found it twice; give it once")
    return found


def gather(paths: Sequence[Path], reference: str | None = None) -> Study:
    """Gather runs that differ in some overrides and in their seed.

    Args:
        paths: Run folders, as returned by `find_runs`.
        reference: Row with which the others are compared; that of the first run by default.

    Returns:
        The study, with the reference row first.

    Raises:
        FileNotFoundError: If a file of a finished run is missing.
        MattingError: If the runs were measured differently, two runs have the same row and seed, no run is finished, or
            there is no such reference.
    """
    folders = [_read(path) for path in paths]
    finished = [folder for folder in folders if folder.results]
    if not finished:
        raise MattingError(f"expected at least one finished run, found none of {len(folders)} with a results.json")
    _check_alike(finished)
    names = _row_names([folder.overrides for folder in folders])
    rows = list(dict.fromkeys(names))
    if reference is not None and reference not in rows:
        raise MattingError(f"--reference: expected one of {', '.join(rows)}; found '{reference}'")
    # False sorts first, so the reference row does.
    order = sorted(range(len(folders)), key=lambda k: (names[k] != reference, rows.index(names[k]), folders[k].seed))
    seen: dict[tuple[str, int], Path] = {}
    for k in order:
        folder, key = folders[k], (names[k], folders[k].seed)
        # A run that crashed may be repeated: only finished ones exclude each other.
        if folder.results and key in seen:
            raise MattingError(f"expected one run of {key[0]}, seed {key[1]}; found {seen[key]} and {folder.path}")
        seen |= {key: folder.path} if folder.results else {}
    kept = [(names[k], folders[k]) for k in order]
    scores = [score for row, folder in kept for score in _scores(row, folder)]
    # One run's floor stands for all of them; it belongs to no training, hence its seed of -1.
    first = next(folder for _, folder in kept if folder.results)
    return Study(
        [_run(row, folder) for row, folder in kept],
        [*scores, *_scores(FLOOR, first._replace(seed=-1), method=FLOOR)],
        [point for row, folder in kept if folder.results for point in _curve(row, folder)],
    )


def _is_run(path: Path) -> bool:
    return (path / ".hydra" / "overrides.yaml").is_file()


def _job(path: Path) -> tuple[int, str]:
    from omegaconf import OmegaConf

    # Outside a sweep the number of the job is missing.
    number = OmegaConf.select(OmegaConf.load(path / ".hydra" / "hydra.yaml"), "hydra.job.num", throw_on_missing=False)
    return (-1 if number is None else int(number), path.name)


def _read(path: Path) -> _Folder:
    from omegaconf import OmegaConf

    # Hydra marks settings that are added or deleted with + and ~.
    overrides = dict(
        str(line).lstrip("+~").partition("=")[::2] for line in OmegaConf.load(path / ".hydra/overrides.yaml")
    )
    kept = {key: _told(value) for key, value in overrides.items() if key.split(".")[0] not in NOT_THE_CONFIGURATION}
    seed = int(OmegaConf.select(OmegaConf.load(path / ".hydra/config.yaml"), "seed"))
    file = path / "results.json"
    if not file.is_file():
        return _Folder(path, kept, seed, {}, [])
    try:
        results = read_json(file)
        return _Folder(path, kept, seed, results, read_csv(path / "per_image.csv"))
    except ValueError as error:
        raise MattingError(f"{file}: expected what a run writes at its end, found {error}; run it again") from error


def _told(value: str) -> str:
    """Shorten the value of an override to what says how a run was configured, wherever its data lay.

    Of an absolute path the last part is kept, and of a reader that is spelled out its name and its options.
    """
    value = re.sub(r"(?<=[^/])/(?=$|[\s,}\]'\"])", "", value)  # as the completion of a shell ends folders
    value = re.sub(r"(?<![^\s:,={\['\"])/(?:[^/,{}\[\]'\"]+/)*", "", value)
    if spelled := re.fullmatch(r"\{\s*_target_:\s*(?:\w+\.)*(\w+)\s*,\s*(.*)\}", value):
        options = [one for one in re.split(r",\s*", spelled[2]) if not re.match(r"_partial_|root:", one)]
        return f"{spelled[1]}({', '.join(options)})" if options else spelled[1]
    return value


def _check_alike(folders: Sequence[_Folder]) -> None:
    """Raise an error for runs whose scores are not comparable."""
    first = folders[0]
    for folder in folders[1:]:
        if folder.results["protocol"] != first.results["protocol"]:
            raise MattingError(
                f"expected runs of one protocol, found '{first.results['protocol']}' in {first.path} and "
                f"'{folder.results['protocol']}' in {folder.path}; report them separately"
            )
        if not _same_images(folder, first):
            raise MattingError(f"{folder.path}: its test images are not those of {first.path}; report them separately")
        # Where networks failed on different images, scores of different images would be paired.
        if lacking := _scored(first).symmetric_difference(_scored(folder)):
            one, other = (first, folder) if min(lacking) in _scored(first) else (folder, first)
            raise MattingError(
                f"{other.path}: expected scores of the same images as in {one.path}, found none of {min(lacking)}, on "
                "which the network failed; run it again or leave it out"
            )


def _scored(folder: _Folder) -> set[str]:
    """Return the images, with region, on which the network has a score."""
    own = folder.results["method_under_test"]
    return {_image(line) for line in folder.images if line["method"] == own}


def _image(line: dict[str, str]) -> str:
    return f"{line['set']}/{line['name']}/{line['region']}"


def _same_images(one: _Folder, other: _Folder) -> bool:
    """Return whether the fingerprint method has the same scores, up to rounding differences between processors."""
    # Not `zip`, which would drop the images that only one of them has.
    pairs = list(zip_longest(_fingerprint(one), _fingerprint(other), fillvalue=("", ())))
    return all(
        first == second and np.allclose(scores, others, rtol=1e-4) for (first, scores), (second, others) in pairs
    )


def _fingerprint(folder: _Folder) -> list[tuple[str, tuple[float, ...]]]:
    lines = [line for line in folder.images if line["method"] == FINGERPRINT]
    return [(_image(line), tuple(float(line[metric]) for metric in METRICS)) for line in lines]


def _row_names(overrides: Sequence[dict[str, str]]) -> list[str]:
    """Name each run by the overrides in which the runs differ, such as ``3stage`` or ``gates=true, loss=baseline``."""
    keys = dict.fromkeys(key for run in overrides for key in run)
    varied = [key for key in keys if len({run.get(key) for run in overrides}) > 1]
    if len(varied) < 2:
        # Where nothing varies, the runs differ in their seed alone.
        return [run.get(key, "default") for run in overrides for key in varied] or ["this configuration"] * len(
            overrides
        )
    # The last part of a key is enough, unless two keys share it.
    short = {key: key.replace("/", ".").rpartition(".")[2] for key in varied}
    label = short if len(set(short.values())) == len(short) else {key: key for key in varied}
    named = [", ".join(f"{label[key]}={run[key]}" for key in varied if key in run) for run in overrides]
    return [name or "default" for name in named]


def _run(row: str, folder: _Folder) -> Run:
    overrides = " ".join(f"{key}={value}" for key, value in folder.overrides.items())
    if not folder.results:
        return Run(row, folder.seed, "no results.json: crashed, stopped or still running", {"overrides": overrides}, {})
    results = folder.results
    facts = {
        "overrides": overrides,
        "commit": results["commit"] or "not a checkout",
        "corpus": results["corpus"],
        "protocol": "; ".join(f"{name}: {text}" for name, text in results["protocol"].items()),
        "training": results["notes"]["training"],
        "hardware": ", ".join(f"{name}: {value}" for name, value in results["hardware"].items() if value),
        "hours": f"{results['wall_seconds'] / 3600:.4f}",
    }
    sets = {line["set"] for line in folder.images}
    # Without the means of labels, `<set>.<tag>`: the scores per image have the labels.
    metrics = {name: value for name, value in results["metrics"].items() if name.split("/")[1] in sets}
    deviation = results.get("diagnoses", {}).get(results["method_under_test"], {}).get(BACKGROUND_DEVIATION)
    return Run(row, folder.seed, FINISHED, facts, metrics | ({} if deviation is None else {DEVIATION: deviation}))


def _scores(row: str, folder: _Folder, method: str | None = None) -> list[Score]:
    if not folder.results:
        return []
    wanted, scored = method or folder.results["method_under_test"], _scored(folder)
    return [
        Score(
            *(row, folder.seed, line["set"], line["name"]),
            frozenset({*line["tags"].split(), *line["difficulty"].split()}),
            line["region"],
            tuple(float(line[metric]) for metric in METRICS),
        )
        for line in folder.images
        # The floor is compared with the network, so on the images that the network has.
        if line["method"] == wanted and _image(line) in scored
    ]


def _curve(row: str, folder: _Folder) -> list[Point]:
    points = []
    for line in read_csv(folder.path / "metrics.csv"):
        # Lines of training steps have these columns too, but empty.
        values = {name: float(value) for name, value in line.items() if name.startswith("val/") and value}
        if values:
            # Lightning logs the index of the last step; the number of steps taken is one more.
            points.append(Point(row, folder.seed, int(line["step"]) + 1, values))
    return points
