"""Export verdicts: a Parquet file, images for annotators, and a FiftyOne data set."""

import io
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from matting.curation.checks import BY_NAME
from matting.curation.report import overlay
from matting.curation.run import Curation, Progress
from matting.curation.verdicts import COLUMNS
from matting.errors import MattingError
from matting.extras import require
from matting.files import open_csv, write_atomic
from matting.images import read_alpha, write_png
from matting.processes import in_processes

_TEXT = 5  # columns before the numbers
_SIDE = 1600  # longest side of an image for annotators


def read_verdicts(path: Path) -> list[dict[str, Any]]:
    """Read the rows of a ``verdicts.csv``: `COLUMNS`, numbers as float, None where a cell is empty.

    Raises:
        FileNotFoundError: If there is no such file.
        MattingError: If it has other columns, or text in a column of numbers.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected the verdicts of 'matting curate run', found nothing; run it first")
    table = open_csv(path)
    if tuple(table.fieldnames or ()) != COLUMNS:
        raise MattingError(f"{path}: expected the columns of this version; run 'matting curate run' again")
    try:
        return [_typed(row) for row in table]
    except ValueError as error:
        raise MattingError(f"{path}, line {table.line_num}: {error}; run 'matting curate run' again") from error


def _typed(row: Mapping[str, str]) -> dict[str, Any]:
    numbers = {name: float(row[name]) if row[name] else None for name in COLUMNS[_TEXT:]}
    return {name: row[name] for name in COLUMNS[:_TEXT]} | numbers


def write_parquet(verdicts: Path, path: Path) -> None:
    """Write a ``verdicts.csv`` as Parquet: text and float64, null where a cell is empty.

    Raises:
        FileNotFoundError, MattingError: As `read_verdicts`; also if pyarrow is missing.
    """
    pyarrow, parquet = (require(module, f"{path}: writing Parquet") for module in ("pyarrow", "pyarrow.parquet"))
    types = [pyarrow.string()] * _TEXT + [pyarrow.float64()] * (len(COLUMNS) - _TEXT)
    table = pyarrow.Table.from_pylist(read_verdicts(verdicts), pyarrow.schema(list(zip(COLUMNS, types, strict=True))))
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    write_atomic(path, buffer.getvalue())


def write_images(curation: Curation, folder: Path, progress: Progress, workers: int | None = None) -> int:
    """Render for annotators where each pair fails each check that has a location, as ``NAME.CHECK.png``.

    Args:
        curation: The set, with verdicts.
        folder: New folder.
        progress: Displays progress.
        workers: Processes; all cores by default.

    Returns:
        Number of images written.

    Raises:
        FileExistsError: If the folder exists.
        FileNotFoundError, MattingError: As `read_verdicts`; also if a file has become unreadable.
    """
    failed = [(row["name"], row["reasons"].split(";")) for row in read_verdicts(curation.verdicts) if row["reasons"]]
    work = [(name, checks) for name, reasons in failed if (checks := [one for one in reasons if one in BY_NAME])]
    if folder.exists():
        raise FileExistsError(f"{folder}: exists already; name a new folder")
    folder.mkdir(parents=True)
    # Measured again, because scores are stored but locations are not.
    counts = in_processes(partial(_write_overlays, curation=curation, folder=folder), work, workers)
    return sum(count for _, count in zip(progress(work, "rendering"), counts, strict=True))


def _write_overlays(work: tuple[str, Sequence[str]], curation: Curation, folder: Path) -> int:
    name, checks = work
    pair = curation.read(name)
    places = {check: where for check in checks if (where := BY_NAME[check].measure(pair).where) is not None}
    for check, where in places.items():
        path = folder / f"{name}.{check}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        write_png(path, overlay(pair, where, _SIDE))
    return len(places)


def to_fiftyone(curation: Curation, name: str) -> int:
    """Create a persistent FiftyOne data set: photos, mattes as heat maps, verdicts, reasons and every score.

    The data set refers to the user's files; none is copied or changed.

    Args:
        curation: The set, with verdicts.
        name: Name of the FiftyOne data set.

    Returns:
        Number of pairs in it.

    Raises:
        FileNotFoundError: As `read_verdicts`.
        MattingError: If FiftyOne is missing or has a data set of that name, or a judged pair is gone.
    """
    fiftyone = require("fiftyone", "exporting a FiftyOne data set")
    rows = read_verdicts(curation.verdicts)
    if fiftyone.dataset_exists(name):
        raise MattingError(f"FiftyOne has a data set '{name}'; choose another name, or delete it there")
    if gone := [row["name"] for row in rows if row["name"] not in curation.items]:
        raise MattingError(f"{curation.verdicts}: '{gone[0]}' is not in the data set; run 'matting curate run' again")
    samples = []
    for row in rows:
        item = curation.items[row["name"]]
        sample = fiftyone.Sample(filepath=str(item.photo), tags=sorted(item.tags))
        sample["pair"] = item.name
        sample["verdict"] = fiftyone.Classification(label=row["verdict"])
        sample["gate"] = row["gate"] or None
        sample["reasons"] = row["reasons"].split(";") if row["reasons"] else []
        # Other readers compute the matte from the file, which FiftyOne would show as it is.
        if curation.parts[0].alpha_reader is read_alpha:
            sample["matte"] = fiftyone.Heatmap(map_path=str(item.alpha))
        for column in COLUMNS[_TEXT:]:
            sample[column] = row[column]
        samples.append(sample)
    dataset = fiftyone.Dataset(name, persistent=True)
    try:
        dataset.add_samples(samples)
    except BaseException:
        dataset.delete()  # never leave half a data set behind
        raise
    return len(samples)
