"""Create the mattes of the COCO portraits: a folder of ``<id>.png``, approximate by construction."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from matting.closed_form import closed_form
from matting.data.formats.approximate import Refine, approximate_matte
from matting.data.formats.coco_instances import PersonFilter, Selection, select_portraits
from matting.images import read_rgb, write_png
from matting.processes import in_processes


def missing_mattes(coco: Path, output: Path, split: str, rule: PersonFilter, limit: int | None) -> list[Selection]:
    """List the portraits that have no matte yet, in the annotations' order.

    Args:
        coco: The folder that contains ``train2017``, ``val2017`` and ``annotations``.
        output: Folder of the mattes.
        split: ``train`` or ``val``.
        rule: Selects the portraits.
        limit: Maximum number of portraits, with those that have a matte, or None for all.

    Returns:
        The portraits without a matte.

    Raises:
        FileNotFoundError: If the annotations are missing.
        ValueError: If they cannot be read, or there is no such split.
    """
    chosen = list(select_portraits(coco, split, rule).items())[:limit]
    return [selection for name, selection in chosen if not (output / f"{name}.png").is_file()]


def make_mattes(
    photos: Path, selections: list[Selection], output: Path, refine: Refine = closed_form, workers: int | None = None
) -> Iterator[Path]:
    """Refine outlines into mattes and write them.

    Args:
        photos: The folder of the photos, such as ``train2017``.
        selections: The portraits.
        output: Existing folder for the mattes; an interrupted run leaves only complete files.
        refine: As in `approximate_matte`; anything but `closed_form` runs in this process.
        workers: Number of processes; all cores by default.

    Yields:
        Each file, once it is written.

    Raises:
        ValueError: If a photo cannot be read, or differs in size from its annotation.
    """
    # A network would be copied into every process, and it uses all cores by itself.
    job = partial(_make, photos, output, refine)
    yield from in_processes(job, selections, workers if refine is closed_form else 1)


def _make(photos: Path, output: Path, refine: Refine, selection: Selection) -> Path:
    photo = photos / selection.photo.file_name
    path = output / f"{photo.stem}.png"
    write_png(path, approximate_matte(read_rgb(photo), selection.mask(), refine))
    return path
