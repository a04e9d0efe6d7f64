"""Cut out many photos: choose the file of each result, and process them one after the other."""

import glob
import os
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

from matting.errors import MattingError
from matting.files import StorageError, json_text, storing, write_atomic, write_csv
from matting.image_formats import SUFFIXES, unread
from matting.images import encode_image, list_folder, list_images, read_photo
from matting.inference.clock import Clock
from matting.inference.cutout import Style, cut_out
from matting.inference.predictor import Predictor
from matting.processes import in_processes

RESULTS = (".png", ".webp")
"""File name suffixes of results."""

SHOWN = 5
"""Number of files named in a message."""

SETTINGS, FAILURES = "cutout.json", "failures.csv"
"""Files in a folder of results: the settings they were made with, and the photos that failed."""


Progress = Callable[["Sequence[Job]"], "Iterable[Job]"]
"""Yields what it is given and shows progress."""


class Job(NamedTuple):
    """A photo and the file its cutout goes to."""

    photo: Path
    target: Path

    def done(self, since: int) -> bool:
        """Return whether the result exists, and is no older than the photo and this time in nanoseconds."""
        both = self.target.is_file() and self.photo.is_file()
        return both and self.target.stat().st_mtime_ns >= max(self.photo.stat().st_mtime_ns, since)


class Outcome(NamedTuple):
    """The outcome for many photos.

    Attributes:
        failures: Photos that failed, each with the reason.
        empty: Photos in which no subject was found.
    """

    failures: list[tuple[Path, str]]
    empty: list[Path]


def split_result(photos: list[str], output: Path | None) -> tuple[list[str], Path | None]:
    """Split off the second of two arguments as the name of the result if it is a PNG or WebP that does not exist.

    Args:
        photos: As given by the user, such as ``["photo.jpg", "new.png"]``.
        output: The option ``-o``; if it is given, all arguments are photos.

    Returns:
        The photos and the output.
    """
    if output is not None or len(photos) != 2 or glob.has_magic(photos[1]) or not Path(photos[0]).is_file():
        return photos, output
    last = Path(photos[1])
    return (photos[:1], last) if last.suffix.lower() in RESULTS and not os.path.lexists(last) else (photos, None)


def results_folder(output: Path | None) -> Path | None:
    """Return the folder of the results, where their settings are recorded; None if the output is a file or not given.

    Raises:
        MattingError: The output is an image file of a format that results cannot have.
    """
    return None if output is None or _names_result(output) else output


def plan_jobs(
    photos: Sequence[Path | str], output: Path | None, form: Literal["png", "webp"] | None = None
) -> list[Job]:
    """Choose the file of each photo's cutout, before any photo is opened.

    Args:
        photos: Files, with any suffix; folders, which are searched for images, except in the folder of the results; and
            patterns with ``*``, ``?`` or ``[…]``, for shells that do not expand them.
        output: Folder of the results: ``NAME.png`` for a file, ``SUB/NAME.png`` for one found below a folder. Or the
            result file of a single photo, ``*.png`` or ``*.webp``. None for ``NAME.png`` in the current directory, or
            ``NAME_cutout.png`` if ``NAME.png`` is one of the photos.
        form: Format of the results; None for PNG, or for the format of the result's name.

    Returns:
        One job per photo, even if a photo was given several times.

    Raises:
        FileNotFoundError: A path does not exist, or no photo was found.
        MattingError: Two photos would have the same result file, a result would replace a photo, or the output does not
            fit the input.
    """
    paths = [path for given in photos for path in _expand(str(given))]
    _check_output(paths, output, form)
    suffix = f".{form or 'png'}"
    # Not Path.resolve, which raises on a loop of symbolic links.
    jobs = {os.path.realpath(job.photo): job for path in paths for job in _jobs_of(path, output, suffix)}
    if not jobs:
        left_out = "".join(f"; {line}" for line in files_left_out(photos, output)[:SHOWN])
        raise FileNotFoundError(f"expected photos, found none in {', '.join(map(str, photos))}{left_out}")
    if output is None:
        jobs = {photo: _avoid_inputs(job, jobs.keys()) for photo, job in jobs.items()}
    by_target: dict[str, list[Path]] = defaultdict(list)
    for job in jobs.values():
        by_target[os.path.realpath(job.target)].append(job.photo)
    for target, sources in by_target.items():
        if len(sources) > 1:
            listed = " and ".join(map(str, sources[:3]))
            raise MattingError(f"expected one photo per result, but {listed} would all become {target}; rename one")
        if target in jobs:
            raise MattingError(f"{target}: a cutout would replace this photo; choose another name or folder with -o")
    return list(jobs.values())


def files_left_out(photos: Sequence[Path | str], output: Path | None) -> list[str]:
    """List what `plan_jobs` takes for no photo in the given folders: images that are not read, links, then others.

    Args:
        photos: As for `plan_jobs`.
        output: As for `plan_jobs`.

    Returns:
        One line per image or link to a folder, with what to do, and one line for all other files.
    """
    folders = [path for given in photos for path in _expand(str(given)) if path.is_dir()]
    others = [file for folder in folders for file in list_folder(folder, recursive=True).others]
    if output is not None:
        others = [file for file in others if not any(_below(file, output, folder) for folder in folders)]
    lines = [f"{file}: {advice}" for file in others if (advice := unread(file))]
    rest = [str(file) for file in others if not unread(file)]
    if rest:
        shown = ", ".join(rest[:SHOWN]) + (", …" if len(rest) > SHOWN else "")
        lines.append(f"{len(rest)} file{'s' if len(rest) > 1 else ''} without an image: {shown}")
    return lines


def check_new(jobs: Sequence[Job], folder: Path | None) -> None:
    """Refuse to replace existing files, unless they are in a folder of results: elsewhere they may be anything.

    Args:
        jobs: From `plan_jobs`.
        folder: From `results_folder`.

    Raises:
        FileExistsError: The target of a job exists, or a file where the failures are listed.
    """
    if folder and (folder / SETTINGS).is_file():
        return
    for file in [*(job.target for job in jobs), *([folder / FAILURES] if folder else [])]:
        # Also true of a broken link, which the write would replace.
        if os.path.lexists(file):
            raise FileExistsError(
                f"{file}: expected a new file, found one that exists; replace it with --overwrite, or choose another "
                "place with -o"
            )


def pixels_within(megabytes: int, size: int) -> int:
    """Return the largest number of pixels of a photo that fits in memory along with the loaded network.

    Args:
        megabytes: Memory for one photo.
        size: Working size of the network, in pixels.

    Raises:
        MattingError: The memory is too small for the network itself.
    """
    network, per_pixel = max(300, size * size // 1000), 20  # upper bounds of what experiments/cutout_speed measured
    if megabytes <= network:
        raise MattingError(f"--max-memory: expected more than {network} megabytes at {size} px, found {megabytes}")
    return (megabytes - network) * 10**6 // per_pixel


def cut_out_all(
    jobs: Sequence[Job], predictor: Predictor, style: Style, max_pixels: int, clock: Clock, progress: Progress = iter
) -> Outcome:
    """Cut the people out of photos, one file each; one that fails does not stop the others.

    Args:
        jobs: From `plan_jobs`.
        predictor: The network. It is used in this process, or on the cluster of `matting.processes.on_dask`.
        style: The kind of results.
        max_pixels: Size limit of a photo, in pixels; larger ones fail.
        clock: Records the time of each step.
        progress: Yields the jobs and shows progress.

    Returns:
        The photos that failed, and those without a subject, for which a result is written nevertheless.

    Raises:
        StorageError: The disk of the results is full or read-only.
    """
    outcome = Outcome([], [])
    done = in_processes(partial(_cut_out, predictor, style, max_pixels), jobs, 1, _lost)
    for job, one in zip(progress(jobs), done, strict=True):
        clock.add(one.clock)
        if one.problem:
            outcome.failures.append((job.photo, one.problem))
        elif one.empty:
            outcome.empty.append(job.photo)
    return outcome


class _Done(NamedTuple):
    """What became of one photo: the reason if it failed, and whether no subject was found."""

    clock: Clock
    problem: str = ""
    empty: bool = False


def _cut_out(predictor: Predictor, style: Style, max_pixels: int, job: Job) -> _Done:
    clock = Clock()
    try:
        with clock("decode"):
            image, opacity = read_photo(job.photo, max_pixels)
        result = cut_out(predictor, image, style, clock, opacity)
        with clock("encode"):
            data = encode_image(result.pixels, job.target.suffix.lower())
            with storing(job.target):
                # Not before: a photo that fails leaves no empty folder.
                job.target.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(job.target, data)
    except StorageError:
        raise  # no other photo could be written either
    # Anything else is a bug: it ends the batch and keeps its traceback.
    except (MattingError, OSError) as error:
        text = str(error)
        return _Done(clock, text if str(job.photo) in text else f"{job.photo}: {text}")
    return _Done(clock, empty=not result.subject_found)


def _lost(job: Job, reason: str) -> _Done:
    return _Done(Clock(), f"{job.photo}: {reason}")


def check_settings(output: Path, settings: dict[str, object], overwrite: bool) -> int:
    """Refuse to continue in a folder whose results were made with other settings, and record the present ones.

    Args:
        output: Folder of the results; created if it is missing.
        settings: Settings of the results, JSON-serialisable.
        overwrite: Replace other settings instead of refusing.

    Returns:
        When they were recorded, in nanoseconds: older results have other settings, see `Job.done`.

    Raises:
        MattingError: The folder's results were made with other settings.
    """
    file, text = output / SETTINGS, json_text(settings)
    if not file.is_file() or file.read_text() != text:
        if file.is_file() and not overwrite:
            raise MattingError(
                f"{file}: expected the settings of this call, found others: the folder's results were made with "
                "another network, style or background; choose another --output, or add --overwrite"
            )
        output.mkdir(parents=True, exist_ok=True)
        write_atomic(file, text.encode())
    return file.stat().st_mtime_ns


def write_failures(output: Path, failures: Sequence[tuple[Path, str]]) -> None:
    """Write the list of failed photos to the folder of the results; if none failed, remove an old list.

    Args:
        output: Folder of the results.
        failures: The failures of an `Outcome`.
    """
    if not failures:
        (output / FAILURES).unlink(missing_ok=True)
        return
    write_csv(output / FAILURES, ["photo", "reason"], failures)


def _expand(given: str) -> list[Path]:
    """Return an existing path as it is, since names may contain brackets; otherwise the matches of its pattern."""
    if Path(given).exists() or not glob.has_magic(given):
        return [Path(given)]
    matches = glob.glob(given, recursive=True)  # noqa: PTH207 (Path.glob refuses absolute patterns)
    found = sorted(map(Path, matches))
    if not found:
        raise FileNotFoundError(f"{given}: expected photos that match this pattern, found none; check the path")
    return found


def _names_result(output: Path) -> bool:
    suffix = output.suffix.lower()
    if suffix in SUFFIXES.difference(RESULTS) and not output.is_dir():
        raise MattingError(f"-o {output}: expected a file name ending in {' or '.join(RESULTS)}, found '{suffix}'")
    return suffix in RESULTS and not output.is_dir()


def _check_output(paths: Sequence[Path], output: Path | None, form: str | None) -> None:
    folders = [path for path in paths if path.is_dir()]
    if output is None:
        if folders:
            raise MattingError(f"{folders[0]}: expected -o FOLDER for the results of a folder, found none; give one")
        return
    if _names_result(output) and form and output.suffix.lower() != f".{form}":
        raise MattingError(f"expected one format, found --format {form} and -o {output}; leave one out")
    if _names_result(output) and (folders or len(paths) != 1):
        given = f"the folder {folders[0]}" if folders else f"{len(paths)} photos"
        raise MattingError(f"-o {output}: expected one photo for one file, found {given}; give a folder with -o")
    for folder in folders:
        if os.path.realpath(folder) == os.path.realpath(output):
            raise MattingError(
                f"-o {output}: expected another folder than that of the photos; give a new one, such as "
                f"{output / 'cutouts'}"
            )


def _jobs_of(path: Path, output: Path | None, suffix: str) -> list[Job]:
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected a photo or a folder, found nothing; check the path")
    # Results of an earlier call may be inside the searched folder; they are not photos.
    if path.is_dir() and output is not None:
        found = [photo for photo in list_images(path, recursive=True) if not _below(photo, output, path)]
        return [Job(photo, (output / photo.relative_to(path)).with_suffix(suffix)) for photo in found]
    if output is not None and _names_result(output):
        return [Job(path, output)]
    return [Job(path, (output or Path()) / f"{path.stem}{suffix}")]


def _below(photo: Path, output: Path, searched: Path) -> bool:
    """Return whether a photo is in the folder of the results and that folder is inside the searched one."""
    real = Path(os.path.realpath(output))
    # The parent is resolved, not the photo: a file there may be a link to one elsewhere.
    return real.is_relative_to(os.path.realpath(searched)) and Path(os.path.realpath(photo.parent)).is_relative_to(real)


def _avoid_inputs(job: Job, photos: Collection[str]) -> Job:
    """Return the job, with another target if its target is one of the photos."""
    if os.path.realpath(job.target) not in photos:
        return job
    return job._replace(target=job.target.with_stem(f"{job.target.stem}_cutout"))
