"""Many photographs: which file each one's cut-out goes to, and all of them one after the other."""

import glob
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from matting.errors import MattingError
from matting.files import json_text, write_atomic, write_csv
from matting.images import encode_picture, list_pictures, read_rgb
from matting.inference.clock import Clock
from matting.inference.cutout import Style, cut_out
from matting.inference.predictor import Predictor

SETTINGS, FAILURES = "cutout.json", "failures.csv"
"""What is written beside the results: how they were made, and which photographs were not done."""


class Job(NamedTuple):
    """A photograph and the file its cut-out goes to."""

    photo: Path
    target: Path

    def done(self) -> bool:
        """Whether the result is there and no older than the photograph."""
        both = self.target.is_file() and self.photo.is_file()
        return both and self.target.stat().st_mtime >= self.photo.stat().st_mtime


def plan_jobs(photos: Sequence[Path | str], output: Path, suffix: str = ".png") -> list[Job]:
    """Say which file each photograph's cut-out goes to, before any is opened.

    Args:
        photos: Files, which need not be pictures by name; folders, which are searched for pictures; and patterns with
            ``*``, ``?`` or ``[…]``, for shells that leave them to the program.
        output: Folder of the results: ``NAME.png`` for a file, ``SUB/NAME.png`` for one found below a folder.
        suffix: Of the results.

    Returns:
        One job per photograph, each named once however often it was given.

    Raises:
        FileNotFoundError: A path does not exist, or no photograph was found.
        MattingError: Two photographs would give one file, or a result would replace one of the photographs.
    """
    paths = [path for given in photos for path in _expand(str(given))]
    # Not Path.resolve, which raises where links run in a circle.
    jobs = {os.path.realpath(job.photo): job for path in paths for job in _jobs_of(path, output, suffix)}
    if not jobs:
        raise FileNotFoundError(f"expected photographs, found none in {', '.join(map(str, photos))}")
    by_target: dict[str, list[Path]] = defaultdict(list)
    for job in jobs.values():
        by_target[os.path.realpath(job.target)].append(job.photo)
    for target, sources in by_target.items():
        if len(sources) > 1:
            listed = " and ".join(map(str, sources[:3]))
            raise MattingError(
                f"expected one photograph per result, but {listed} would all become {target}; rename one"
            )
        if target in jobs:
            raise MattingError(
                f"{target}: a cut-out would replace this photograph; choose another folder with --output"
            )
    return list(jobs.values())


def pixels_within(megabytes: int, size: int) -> int:
    """Return the largest photograph that stays within so much memory, at a working size, beside the loaded network.

    Raises:
        MattingError: That is too little for the network at work.
    """
    network, per_pixel = max(300, size * size // 1000), 20  # experiments/cutout_speed measures less
    if megabytes <= network:
        raise MattingError(f"--max-memory: expected more than {network} megabytes at {size} px, found {megabytes}")
    return (megabytes - network) * 10**6 // per_pixel


def cut_out_all(
    jobs: Iterable[Job], predictor: Predictor, style: Style, max_pixels: int, clock: Clock
) -> list[tuple[Path, str]]:
    """Cut the people out of photographs, one file each; one that fails does not stop the others.

    Args:
        jobs: From `plan_jobs`.
        predictor: The network.
        style: What is written.
        max_pixels: Larger photographs are refused.
        clock: Takes the time of each step.

    Returns:
        Photographs that were not done, and why.
    """
    failures: list[tuple[Path, str]] = []
    for job in jobs:
        try:
            with clock("decode"):
                image = read_rgb(job.photo, to_srgb=True, max_pixels=max_pixels)
            result = cut_out(predictor, image, style, clock)
            with clock("encode"):
                data = encode_picture(result, job.target.suffix)
                job.target.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(job.target, data)
        except (MattingError, OSError) as error:
            text = str(error)
            failures.append((job.photo, text if str(job.photo) in text else f"{job.photo}: {text}"))
    return failures


def check_settings(output: Path, settings: dict[str, object], overwrite: bool) -> None:
    """Refuse to go on in a folder whose results were made in another way; note how these are made.

    Args:
        output: Folder of the results; made where it is missing.
        settings: How they are made, JSON-ready.
        overwrite: Do not refuse.

    Raises:
        MattingError: The folder's results were made in another way.
    """
    file, text = output / SETTINGS, json_text(settings)
    if file.is_file() and not overwrite and file.read_text() != text:
        raise MattingError(
            f"{file}: expected the settings of this call, found other ones: the folder's results were made with "
            "another network or in another way; choose another --output, or --overwrite"
        )
    output.mkdir(parents=True, exist_ok=True)
    write_atomic(file, text.encode())


def write_failures(output: Path, failures: Sequence[tuple[Path, str]]) -> None:
    """List in the folder of the results which photographs were not done; where all were, no list is left.

    Args:
        output: Folder of the results.
        failures: As `cut_out_all` returns them.
    """
    if not failures:
        (output / FAILURES).unlink(missing_ok=True)
        return
    write_csv(output / FAILURES, ["photo", "reason"], failures)


def _expand(given: str) -> list[Path]:
    """A path as it is where it exists, for names may hold brackets; else what its pattern matches."""
    if Path(given).exists() or not glob.has_magic(given):
        return [Path(given)]
    matches = glob.glob(given, recursive=True)  # noqa: PTH207 (Path.glob refuses absolute patterns)
    found = sorted(map(Path, matches))
    if not found:
        raise FileNotFoundError(f"{given}: expected photographs that match this pattern, found none; check the path")
    return found


def _jobs_of(path: Path, output: Path, suffix: str) -> list[Job]:
    if path.is_dir():
        found = list_pictures(path, recursive=True)
        return [Job(photo, (output / photo.relative_to(path)).with_suffix(suffix)) for photo in found]
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected a photograph or a folder, found nothing; check the path")
    return [Job(path, output / f"{path.stem}{suffix}")]
