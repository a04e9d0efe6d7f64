"""A data set as the Hugging Face hub stores it: Parquet files with the encoded images in their rows.

Layout, as written by ``push_to_hub`` and ``to_parquet`` of the library `datasets`::

    ROOT/**/{train,validation,test}*.parquet      with the columns image and alpha

A cell is the bytes of an image file, or a struct of ``bytes`` and ``path``; without bytes, the path names a file near
the Parquet file. The images are unpacked once, as they are, into the cache folder, since the row groups of such files
may be as large as the files. Those that ``matting data pack`` wrote are read in place, row by row.
"""

import os
import re
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import track

from matting.cache import cache_dir
from matting.data.formats.base import Item, Source
from matting.data.formats.folders import complete, require_folder
from matting.data.formats.splits import check_split, hashed_split, in_split
from matting.errors import MattingError
from matting.extras import require
from matting.files import digest, open_csv, stamp, write_csv
from matting.shards import address_of, find_shards, is_remote, read_index

WORDS = {
    "train": {"train", "training"},
    "val": {"val", "valid", "validation", "dev"},
    "test": {"test", "testing", "eval", "evaluation"},
}
"""Words in the name of a file or folder that assign it to a split, as the hub reads them."""

INDEX = "index.csv"
VERSION = 1
"""Version of the unpacked form; a new one unpacks all files again."""


class _Row(NamedTuple):
    """An unpacked row; a file is empty where the row has none."""

    name: str
    photo: Path
    alpha: Path


def hf_dataset(
    root: Path | str,
    split: str = "train",
    split_list: Path | str | None = None,
    image: str = "image",
    alpha: str = "alpha",
) -> Source:
    """Read a split of a data set in Parquet files.

    Args:
        root: The folder; subfolders are read as well. A packed set may be at any address of `fsspec`, such as ``s3://…``.
        split: ``train``, ``val`` or ``test``.
        split_list: File with one ``name,split`` per line. By default the names of files and folders decide; where none
            names ``val`` or ``test``, a hash of the name takes 10 % of the training rows for it.
        image: Column of the photos.
        alpha: Column of the mattes.

    Returns:
        A source named ``hf_dataset``. Names are ``<Parquet file>/<row>``, without the suffix; in a packed set those of
        the set that was packed, in its order.

    Raises:
        IncompleteError: If a row lacks its photo or its matte.
        FileNotFoundError: If there are no Parquet files.
        MattingError: If pyarrow is missing, or a file is damaged or has other columns.
    """
    check_split(split)
    base = Path(root) if is_remote(root) else require_folder(Path(root), "a folder of Parquet files")
    files = find_shards(base)
    if not files:
        raise FileNotFoundError(f"{address_of(base)}: expected Parquet files, found none; check the path")
    indices = {address: read_index(address) for address in files}
    if all(indices.values()):
        return _packed(base, indices, split, split_list)
    if is_remote(root):
        raise MattingError(f"{address_of(base)}: expected shards of 'matting data pack', found others; pack the set")
    return _unpacked(base, list(map(Path, files)), split, split_list, image, alpha)


def _packed(base: Path, indices: Mapping[str, dict[str, Any]], split: str, split_list: Path | str | None) -> Source:
    """Return a source whose files are entries of shards; nothing is unpacked."""
    counts = Counter(index["split"] for index in indices.values())
    for address, index in indices.items():
        if counts[index["split"]] != index["shards"]:
            found = f"{index['shards']} shards of '{index['split']}', found {counts[index['split']]}"
            raise FileNotFoundError(f"{address_of(base)}: expected {found}, such as {address}; copy the others")
    rows = [
        (index["split"], Path(address) / f"{number:06d}-", item)
        for address, index in indices.items()
        for number, item in enumerate(index["items"])
    ]
    if split_list:
        chosen = in_split((item["name"] for _, _, item in rows), split, split_list).names
        kept = [(path, item) for _, path, item in rows if item["name"] in chosen]
    else:
        kept = [(path, item) for own, path, item in rows if own == split]
    return complete(Source("hf_dataset", [_item(path, item) for path, item in kept]), base, [])


def _item(start: Path, row: Mapping[str, Any]) -> Item:
    files = {column: start.with_name(f"{start.name}{column}{end}") for column, end in row["suffixes"].items()}
    return Item(
        row["name"],
        files["alpha"],
        files.get("image"),
        files.get("foreground"),
        files.get("background"),
        files.get("trimap"),
        row["difficulty"],
        frozenset(row["tags"].split()),
        row["identity"] or f"hf_dataset/{row['name']}",
    )


def _unpacked(
    base: Path, files: Sequence[Path], split: str, split_list: Path | str | None, image: str, alpha: str
) -> Source:
    named = {path: split_of(path.relative_to(base)) for path in files}
    # A file is unpacked only if it may have rows of this split; with a list, any file may.
    rows = {path: _rows(base, path, (image, alpha)) for path in files if split_list or _may_hold(path, split, named)}
    if split_list:
        chosen = in_split((row.name for found in rows.values() for row in found), split, split_list).names
    else:
        chosen = {row.name for path, found in rows.items() for row in found if _belongs(row.name, path, split, named)}
    kept = [row for found in rows.values() for row in found if row.name in chosen]
    # An empty Path stands for an empty cell, and has no name.
    problems = [f"row {r.name} has no {c}" for r in kept for c, f in ((image, r.photo), (alpha, r.alpha)) if not f.name]
    items = [
        Item(r.name, r.alpha, r.photo, identity=f"hf_dataset/{r.name}") for r in kept if r.alpha.name and r.photo.name
    ]
    return complete(Source("hf_dataset", items), base, problems)


def split_of(path: Path) -> str:
    """Return the split that the name of a file, or of the folder nearest to it, contains as a word; else ``train``.

    Example:
        >>> split_of(Path("data/validation-00000-of-00002.parquet"))
        'val'
    """
    for part in reversed(path.parts):
        words = set(re.split(r"[^a-z]+", part.lower()))
        for split, names in WORDS.items():
            if words & names:
                return split
    return "train"


def _may_hold(path: Path, split: str, named: dict[Path, str]) -> bool:
    return named[path] == split or (named[path] == "train" and split not in named.values())


def _belongs(name: str, path: Path, split: str, named: dict[Path, str]) -> bool:
    """Return whether a row is of a split: that of its file, or the hash's where no file has the hash's split."""
    hashed = hashed_split(name)
    return (hashed if named[path] == "train" and hashed not in named.values() else named[path]) == split


def _rows(base: Path, path: Path, columns: tuple[str, str]) -> list[_Row]:
    """Return the rows of a Parquet file, which is unpacked first if that has not been done in its present state."""
    folder = cache_dir() / "hf_dataset" / digest([f"version {VERSION}", stamp(path), *columns])
    if not (folder / INDEX).is_file():
        _unpack(path, columns, folder)
    stem = path.relative_to(base).with_suffix("").as_posix()
    # Joined to an absolute path, the folder is dropped: that is how images outside of it are found.
    files = [tuple(folder / cell if cell else Path() for cell in row.values()) for row in open_csv(folder / INDEX)]
    return [_Row(f"{stem}/{number:06d}", *pair) for number, pair in enumerate(files)]


def _unpack(path: Path, columns: tuple[str, str], folder: Path) -> None:
    """Write the images of a Parquet file and their index; the folder appears once it is complete."""
    # One folder for each process, as several may unpack the same file at once.
    partial = folder.with_name(f"{folder.name}-{os.getpid()}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        cells = enumerate(_cells(path, columns))
        index = [[_store(cell, path, partial / f"{k:06d}-{c}") for c, cell in enumerate(row)] for k, row in cells]
        write_csv(partial / INDEX, ("photo", "alpha"), index)
        if not folder.exists():  # another process may have been faster
            partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _cells(path: Path, columns: tuple[str, str]) -> Iterator[list[Any]]:
    pyarrow, parquet = (require(module, f"{path}: reading Parquet") for module in ("pyarrow", "pyarrow.parquet"))
    try:
        with parquet.ParquetFile(path) as file:
            found = file.schema_arrow.names
            if missing := [name for name in columns if name not in found]:
                raise MattingError(
                    f"{path}: expected the columns {' and '.join(columns)}, found {', '.join(found)}; "
                    f"name the column of '{missing[0]}', such as corpus.portraits.hf_dataset.alpha=COLUMN"
                )
            # A few rows at a time, since each has two whole images.
            batches = file.iter_batches(batch_size=8, columns=list(columns))
            rows = (row for batch in batches for row in batch.to_pylist())
            label = f"unpacking {path.name}"
            for row in track(rows, label, file.metadata.num_rows, console=Console(stderr=True)):
                yield [row[name] for name in columns]
    except pyarrow.ArrowException as error:
        raise MattingError(f"{path}: expected a Parquet file, found something else ({error}); copy it again") from error


def _store(cell: Any, parquet: Path, target: Path) -> str:
    """Write an image next to the index; return its file name, the path of a file outside, or an empty text."""
    content, named = (cell.get("bytes"), cell.get("path")) if isinstance(cell, dict) else (cell, None)
    if content is None:
        outside = parquet.parent / named if named else parquet
        return str(outside.resolve()) if named and outside.is_file() else ""
    if not isinstance(content, bytes):
        raise MattingError(f"{parquet}: expected cells with the bytes of an image, found {type(content).__name__}")
    suffix = Path(named or "").suffix.lower() or (".jpg" if content.startswith(b"\xff\xd8") else ".png")
    target.with_suffix(suffix).write_bytes(content)
    return target.with_suffix(suffix).name
