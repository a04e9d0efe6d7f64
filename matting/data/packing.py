"""Pack a data set into a few large Parquet files, for disks and stores that are slow with many small ones.

Layout, which the library `datasets` reads as well::

    OUTPUT/{train,validation,test}-00000-of-00002.parquet

One row per item: ``image`` and ``alpha``, with ``foreground``, ``background`` and ``trimap`` where a set has them, each
a struct of ``bytes`` and ``path`` with the file as it is; ``name``, ``difficulty``, ``identity`` and ``tags``; and the
SHA-256 of each image. A row group has one item, or a few small ones, so that any item can be read by itself. The index
in the file's metadata repeats what planning needs, so that a set is opened without reading a row.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from matting.data.formats.base import Item, Source, describe, state_of, stored_trimap
from matting.data.formats.folders import EmptyError
from matting.data.verify.formats import Format
from matting.errors import MattingError
from matting.extras import require
from matting.files import digest, json_text, replacing
from matting.images import encode_image, read_alpha
from matting.processes import in_processes
from matting.shards import KEY, index_bytes, read_bytes, read_index

SHARD_BYTES = 256 * 2**20
"""Size of a shard, about; the last item may go beyond it."""

GROUP_BYTES = 2**18
"""Least size of a row group, which is read as a whole: fewer bytes would save little time, and each costs 2 kB."""

VERSION = 1
COLUMNS = {"image": "photo", "alpha": "alpha", "foreground": "foreground", "background": "background"}
"""Attribute of an item by column, but for the trimap, which only some sets have as a file."""

HUB_SPLITS = {"train": "train", "val": "validation", "test": "test"}
"""Names of splits in file names, as the hub's library knows them."""

Progress = Callable[[Sequence[Any], str], Iterable[Any]]
"""Yields what it is given and shows the progress under a label."""


@dataclass(frozen=True)
class _Shard:
    """A shard to write: where, and which items of which source."""

    path: Path
    split: str
    indices: range
    count: int


def pack(
    entry: Format, root: Path, output: Path, progress: Progress, workers: int | None = None, size: int = SHARD_BYTES
) -> list[Path]:
    """Pack all splits of a data set. What an interrupted call has finished is kept by the next one.

    Args:
        entry: Format of the set.
        root: Folder of the set. It is only read.
        output: Folder of the shards; created if it does not exist.
        progress: Shows progress.
        workers: Number of processes; all cores by default. The result does not depend on it.
        size: Size of a shard in bytes.

    Returns:
        The shards. The same set gives the same bytes.

    Raises:
        MattingError: The format computes its mattes from annotations or ignores a part of them, the folder has other
            Parquet files, or a file cannot be read.
        FileNotFoundError: The set is missing or incomplete.
    """
    sources = _open(entry, root)
    for source in sources.values():
        if source.ignored or source.frame or source.plain_variants:
            raise MattingError(
                f"'{entry.name}' has mattes with pixels that are not annotated, which a packed set cannot express; "
                "keep its files"
            )
    columns = _columns(sources.values())
    shards = [shard for split, source in sources.items() for shard in _plan(source, split, output, size)]
    if other := sorted(set(output.glob("*.parquet")) - {shard.path for shard in shards}):
        raise MattingError(f"{output}: expected no other Parquet files, found {other[0].name}; choose a new folder")
    output.mkdir(parents=True, exist_ok=True)
    written = in_processes(partial(_write, sources, columns), shards, workers)
    return [path for _, path in zip(progress(shards, "packing"), written, strict=True)]


def _open(entry: Format, root: Path) -> dict[str, Source]:
    sources: dict[str, Source] = {}
    empty = ""
    for split in entry.splits:
        try:
            sources[split] = entry.reader(root, split=split)
        except EmptyError as error:
            empty = str(error)
    if not sources:
        raise FileNotFoundError(empty)
    return sources


def _columns(sources: Iterable[Source]) -> list[str]:
    """Return the columns that any item has: all shards have the same ones."""
    items = [item for source in sources for item in source.items]
    found = [column for column, name in COLUMNS.items() if any(getattr(item, name) for item in items)]
    return [*found, "trimap"] if any(item.trimap for item in items) else found


def _plan(source: Source, split: str, output: Path, size: int) -> list[_Shard]:
    """Share the items of a split out to shards, in their order, by the sizes of their files."""
    starts, filled = [0], 0
    for index, item in enumerate(source.items):
        own = sum(path.stat().st_size for path in _files(item))
        if filled and filled + own > size:
            starts.append(index)
            filled = 0
        filled += own
    ranges = [range(*pair) for pair in zip(starts, [*starts[1:], len(source)], strict=True)]
    names = [f"{HUB_SPLITS[split]}-{k:05d}-of-{len(ranges):05d}.parquet" for k in range(len(ranges))]
    return [_Shard(output / name, split, rows, len(ranges)) for name, rows in zip(names, ranges, strict=True)]


def _files(item: Item) -> list[Path]:
    found = (item.photo, item.alpha, item.foreground, item.background, item.trimap)
    return list(dict.fromkeys(path for path in found if path))


def _write(sources: Mapping[str, Source], columns: Sequence[str], shard: _Shard) -> Path:
    source = sources[shard.split]
    inputs = _fingerprint(source, columns, [source.items[k] for k in shard.indices])
    if shard.path.is_file() and _inputs(shard.path) == inputs:
        return shard.path
    arrow, parquet = (require(module, "data pack") for module in ("pyarrow", "pyarrow.parquet"))
    schema = _schema(arrow, columns)
    encoded = [f"{column}.bytes" for column in columns]
    items: list[dict[str, Any]] = []
    with (
        replacing(shard.path) as temporary,
        parquet.ParquetWriter(
            temporary,
            schema,
            compression={name: "NONE" if name in encoded else "ZSTD" for name in _leaves(schema)},
            use_dictionary=False,
            write_statistics=False,
            write_page_checksum=True,
        ) as writer,
    ):
        for rows in _groups(source, columns, shard.indices):
            writer.write_table(arrow.Table.from_pylist(rows, schema), row_group_size=len(rows))
            items += [_indexed(row, columns) for row in rows]
        content = {"version": VERSION, "format": source.name, "split": shard.split, "shards": shard.count}
        writer.add_key_value_metadata({KEY: index_bytes(content | {"inputs": inputs, "items": items})})
    return shard.path


def _fingerprint(source: Source, columns: Sequence[str], items: Sequence[Item]) -> str:
    """Hash what a shard depends on: how the set is read, and the files and metadata of the items."""
    readers = describe(source.alpha_reader), describe(source.trimap_reader)
    facts = [f"{VERSION} {source.name}", *columns, *readers]
    for item in items:
        # A manifest may give other metadata to the same files.
        facts += [item.name, item.difficulty, item.identity, *sorted(item.tags), *state_of(*_files(item))]
    return digest(facts)


def _inputs(path: Path) -> str | None:
    try:
        return read_index(str(path)).get("inputs")
    except MattingError:
        return None  # not one of ours any more: written again


def _leaves(schema: Any) -> list[str]:
    structs = {field.name: [f"{field.name}.bytes", f"{field.name}.path"] for field in schema if field.type.num_fields}
    return [leaf for name in schema.names for leaf in structs.get(name, [name])]


def _schema(arrow: Any, columns: Sequence[str]) -> Any:
    image, text = arrow.struct({"bytes": arrow.binary(), "path": arrow.string()}), arrow.string()
    texts = ("difficulty", "identity", "tags", *(f"{column}_sha256" for column in columns))
    fields = {"name": text, **dict.fromkeys(columns, image), **dict.fromkeys(texts, text)}
    features = {
        name: {"_type": "Image"} if kind is image else {"dtype": "string", "_type": "Value"}
        for name, kind in fields.items()
    }
    # By this the hub's library shows images instead of bytes.
    return arrow.schema(fields, {"huggingface": json_text({"info": {"features": features}})})


def _groups(source: Source, columns: Sequence[str], indices: range) -> Iterator[list[dict[str, Any]]]:
    rows: list[dict[str, Any]] = []
    filled = 0
    for index in indices:
        rows.append(_row(source, source.items[index], columns))
        filled += sum(len(rows[-1][column]["bytes"]) for column in columns if rows[-1][column])
        if filled >= GROUP_BYTES:
            yield rows
            rows, filled = [], 0
    if rows:
        yield rows


def _row(source: Source, item: Item, columns: Sequence[str]) -> dict[str, Any]:
    # An identity that a reader made of the file name is made again of the name of the set.
    own = "" if item.identity == f"{source.name}/{item.name}" else item.identity
    row: dict[str, Any] = {"name": item.name, "difficulty": item.difficulty, "identity": own}
    row["tags"] = " ".join(sorted(item.tags))
    for column in columns:
        row[column] = _cell(source, item, column)
        row[f"{column}_sha256"] = hashlib.sha256(row[column]["bytes"]).hexdigest() if row[column] else None
    return row


def _cell(source: Source, item: Item, column: str) -> dict[str, Any] | None:
    """Return a file as it is; a matte or a trimap that the format computes from its file, as PNG."""
    path = item.trimap if column == "trimap" else getattr(item, COLUMNS[column])
    if path is None:
        return None
    if column == "alpha" and source.alpha_reader is not read_alpha:
        return {"bytes": encode_image(source.alpha_reader(path), ".png"), "path": f"{path.stem}.png"}
    if column == "trimap" and source.trimap_reader is not stored_trimap:
        trimap = source.trimap_reader(item, source.alpha_reader(item.alpha))
        return None if trimap is None else {"bytes": encode_image(trimap, ".png"), "path": f"{path.stem}.png"}
    return {"bytes": read_bytes(path), "path": path.name}


def _indexed(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """Return what the index says of a row."""
    has = [column for column in columns if row[column]]
    return {
        **{name: row[name] for name in ("name", "difficulty", "identity", "tags")},
        "suffixes": {column: Path(row[column]["path"]).suffix for column in has},
        "sha256": {column: row[f"{column}_sha256"] for column in has},
    }
