"""Estimated foregrounds, with which the person of a photo can be composited onto another background.

A photo shows ``I = a F + (1 - a) B``. Composited with the photo itself as F, hair keeps a rim of the old background,
and a loss that compares two backgrounds penalises the correct answer. F is therefore estimated once and stored in the
project's cache; nothing is written to the user's data.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.progress import track

from matting.cache import cache_dir
from matting.data.formats.base import Item, Source, describe, state_of
from matting.data.formats.quarantine import Skip
from matting.errors import MattingError
from matting.files import digest, write_atomic
from matting.foreground import VERSION, estimate_foreground
from matting.images import Pixels, read_rgb
from matting.processes import in_processes

JPEG_QUALITY = 95
"""Photos are JPEGs themselves; at this quality, without chroma subsampling, no visible artefacts are added."""


def with_estimated_foregrounds(source: Source, workers: int | None = None, skip: Skip | None = None) -> Source:
    """Give every item of a source a foreground layer.

    Args:
        source: Items that have layers keep them. Only what is not in the cache is estimated, with a progress bar.
        workers: Number of processes; all cores by default.
        skip: Is told of each item with a bad file, which is left out.

    Returns:
        The source with layered items only.

    Raises:
        MattingError: If an image cannot be read or differs in size from its matte, unless it is skipped; or if no item
            is left.
    """
    bad: set[int] = set()
    reader = describe(source.alpha_reader)
    files = {
        item.name: _cache_file(source.name, reader, item) for item in source.items if item.photo and not item.layered
    }
    missing = [
        index for index, item in enumerate(source.items) if item.name in files and not files[item.name].is_file()
    ]
    if missing:
        # One folder for all files of a source.
        files[source.items[missing[0]].name].parent.mkdir(parents=True, exist_ok=True)
        jobs = partial(_estimate, source, files, skip is not None)
        problems = in_processes(jobs, missing, workers, partial(_lost, source))
        # Each estimate is written to its file, so an interrupted run resumes where it stopped.
        shown = track(problems, f"foregrounds of {source.name}", len(missing), console=Console(stderr=True))
        for index, problem in zip(missing, shown, strict=True):
            if problem and skip:
                skip(source.items[index].name, problem)
                bad.add(index)
    items = [
        replace(item, foreground=files.get(item.name, item.foreground))
        for index, item in enumerate(source.items)
        if index not in bad
    ]
    if bad and not items:
        raise MattingError(f"no item of '{source.name}' can be read; verify the set")
    return replace(source, items=items)


def _lost(source: Source, index: int, reason: str) -> str:
    raise MattingError(f"{source.items[index].photo}: expected an estimate of the foreground, but {reason}")


def _estimate(source: Source, files: dict[str, Path], skips: bool, index: int) -> str:
    """Write an estimate to its file; return what is wrong with the item if it is to be skipped, or nothing."""
    item = source.items[index]
    try:
        photo, alpha = _read(source, item)
    # Of reading alone: a full disk, for example, is no fault of the item and ends the run.
    except (MattingError, OSError) as error:
        if not skips:
            raise
        return str(error)
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    colours = estimate_foreground(photo, alpha.astype(np.float32) / np.float32(255))
    _, data = cv2.imencode(".jpg", colours[..., ::-1], options)
    write_atomic(files[item.name], data.tobytes())
    return ""


def _read(source: Source, item: Item) -> tuple[Pixels, Pixels]:
    """Read photo and matte."""
    if item.photo is None:
        raise ValueError(f"item '{item.name}' has no photo to estimate a foreground from")
    photo, alpha = read_rgb(item.photo), source.alpha_reader(item.alpha)
    if photo.shape[:2] != alpha.shape:
        raise MattingError(
            f"{item.alpha}: expected the size of {item.photo}, found another; correct or remove the pair"
        )
    return photo, alpha


def _cache_file(source: str, reader: str, item: Item) -> Path:
    """Name the cache file after its inputs, so that a changed photo, matte or estimator gets a new one."""
    # The reader as well: it may render the matte from annotations, and then the matte's file is the photo.
    facts = [f"version {VERSION}", reader, item.name, *state_of(item.photo, item.alpha)]
    return cache_dir() / "foregrounds" / source / f"{digest(facts)}.jpg"
