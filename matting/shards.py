"""Images inside Parquet files that ``matting data pack`` wrote: each has a path below its file, and is read by itself.

``SHARD.parquet/000012-image.jpg`` is column ``image`` of row 12. The file may be on this machine or behind any address
that `fsspec` knows, such as ``s3://bucket/shards``.
"""

import hashlib
import json
import os
import re
import threading
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, NamedTuple

from matting.errors import MattingError
from matting.extras import require

KEY = b"matting"
"""Key of the index in the file's own metadata."""

CACHE_BYTES = 64 * 2**20
"""Memory for row groups that were read, in each process."""

_ENTRY = re.compile(r"(.+\.parquet)/(\d{6,})-(\w+)\.\w+")
_REMOTE = re.compile(r"([a-z][a-z0-9+]+):/+(?=[^/])")


class Entry(NamedTuple):
    """An image in a shard: the address of the file, the row, and the column."""

    address: str
    row: int
    column: str


def entry_of(path: Path) -> Entry | None:
    """Return what a path names inside a shard; None if it is the path of a file of its own."""
    if not (found := _ENTRY.fullmatch(path.as_posix())):
        return None
    return Entry(address_of(found[1]), int(found[2]), found[3])


def address_of(path: str | Path) -> str:
    """Return the address that was made a path, which has lost a slash (``s3:/bucket``); other paths as they are."""
    return _REMOTE.sub(r"\1://", os.fspath(path), count=1)


def is_remote(path: str | Path) -> bool:
    """Return whether a path is an address of `fsspec`."""
    return _REMOTE.match(os.fspath(path)) is not None


def read_bytes(path: Path) -> bytes:
    """Read a file, or an image in a shard.

    Raises:
        OSError: There is no such file.
        MattingError: The shard is damaged, or has no such row.
    """
    entry = entry_of(path)
    return path.read_bytes() if entry is None else _open(os.getpid(), entry.address).read(entry)


def exists(path: Path) -> bool:
    """Return whether there is such a file, or a shard with such an entry."""
    entry = entry_of(path)
    return path.is_file() if entry is None else entry.row < len(read_index(entry.address)["items"])


def state_of(path: Path) -> tuple[int, Any]:
    """Return the size of a file or a shard, and its time or another sign of its state, which differ if it changes."""
    entry = entry_of(path)
    if entry is None or not is_remote(entry.address):
        info = Path(entry.address if entry else path).stat()
        return info.st_size, info.st_mtime_ns
    system, inside = require("fsspec", entry.address).core.url_to_fs(entry.address)
    info = system.info(inside)
    return info["size"], str(info.get("ETag") or info.get("LastModified") or info.get("mtime") or info.get("created"))


def damage(path: Path) -> str | None:
    """Return in words how an image in a shard differs from its checksum; None if it does not, or is a file."""
    if not (entry := entry_of(path)):
        return None
    expected = read_index(entry.address)["items"][entry.row]["sha256"][entry.column]
    found = hashlib.sha256(read_bytes(path)).hexdigest()
    if found == expected:
        return None
    return f"{path}: expected the checksum {expected[:12]}…, found {found[:12]}…; copy the shard again"


def find_shards(root: str | Path) -> list[str]:
    """List the Parquet files of a folder and those below it, without hidden ones, sorted.

    What was read of files before is dropped, since they may have changed.

    Raises:
        FileNotFoundError: There is no such folder.
        MattingError: The address cannot be read.
    """
    forget()
    if not is_remote(root):
        below = (path for path in sorted(Path(root).rglob("*.parquet")) if path.is_file())
        # Without hidden folders, such as the `.cache` of the hub's client.
        return [str(path) for path in below if not any(part[0] == "." for part in path.relative_to(root).parts)]
    address = address_of(root)
    try:
        system, inside = require("fsspec", address).core.url_to_fs(address)
        found = sorted(name for name in system.find(inside) if name.endswith(".parquet"))
        return [address_of(system.unstrip_protocol(name)) for name in found]
    except ImportError as error:  # a file system that needs a package of its own
        raise MattingError(f"{address}: {error}; install it, for s3:// with pip install s3fs") from error
    except Exception as error:  # each file system has errors of its own
        reason = " ".join(str(error).split()) or type(error).__name__
        raise MattingError(f"{address}: expected a folder of Parquet files, found: {reason}; check address") from error


def read_index(address: str) -> dict[str, Any]:
    """Return what a shard says of its rows; empty if it was not written by ``matting data pack``.

    Raises:
        MattingError: The file is truncated, or something else.
    """
    return _open(os.getpid(), address).index


class _Shard:
    """An open Parquet file and the row groups that were read last."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._lock = threading.Lock()  # pyarrow's reader may be used by one thread at a time
        self._arrow = require("pyarrow", f"{address}: reading Parquet")
        parquet = require("pyarrow.parquet", f"{address}: reading Parquet")
        try:
            # To a store one request for what is next to each other; on a disk that would only cost threads.
            buffer = is_remote(address)
            self._file = parquet.ParquetFile(self._source(), page_checksum_verification=True, pre_buffer=buffer)
            metadata = self._file.metadata
            names = self._file.schema_arrow.names
        except (OSError, self._arrow.ArrowException) as error:
            raise self._broken(error) from error
        self._together = ["image" if "image" in names else "foreground", "alpha"]
        self._ends = list(accumulate(metadata.row_group(k).num_rows for k in range(metadata.num_row_groups)))

    @cached_property  # a process that only reads rows needs none
    def index(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self._file.metadata.metadata or {}).get(KEY, b"{}"))
        return content

    def _source(self) -> Any:
        if not is_remote(self.address):
            return self.address
        system, inside = require("fsspec", self.address).core.url_to_fs(self.address)
        # Without read-ahead: what follows a row is not what is read next.
        return self._arrow.PythonFile(system.open(inside, "rb", cache_type="none"), mode="r")

    def _broken(self, error: Exception) -> MattingError:
        reason = " ".join(str(error).split())
        return MattingError(f"{self.address}: expected a whole Parquet file, found: {reason}; copy it again")

    def read(self, entry: Entry) -> bytes:
        if not self._ends or entry.row >= self._ends[-1]:
            raise MattingError(f"{self.address}: expected a row {entry.row}, found fewer; pack the set again")
        group = bisect_right(self._ends, entry.row)
        first = self._ends[group - 1] if group else 0
        with self._lock:
            if (found := _cache.get((self.address, group, entry.column))) is None:
                # A draw needs both: next to each other, they are one request to a store.
                columns = self._together if entry.column in self._together else [entry.column]
                parts = self._group(group, columns)
                for column, content in parts.items():
                    _cache.put((self.address, group, column), content)
                found = parts[entry.column]
            return found[entry.row - first]

    def _group(self, group: int, columns: Sequence[str]) -> dict[str, Sequence[bytes]]:
        try:
            leaves = [f"{column}.bytes" for column in columns]
            table = self._file.read_row_group(group, columns=leaves, use_threads=False)
            cells = {column: table.column(column).to_pylist() for column in columns}
        except (OSError, self._arrow.ArrowException, KeyError) as error:
            raise self._broken(error) from error
        # A part of a row that is not there, None or without bytes, is asked for by nobody.
        return {column: [(cell or {}).get("bytes") or b"" for cell in rows] for column, rows in cells.items()}


class _Cache:
    """The lists of bytes that were used last, as far as `CACHE_BYTES` go."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, Sequence[bytes]] = OrderedDict()
        self._size = 0
        self._lock = threading.Lock()

    def get(self, key: Any) -> Sequence[bytes] | None:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def put(self, key: Any, content: Sequence[bytes]) -> None:
        with self._lock:
            # Its neighbour alone may have been dropped: then both are read again.
            self._size += sum(map(len, content)) - sum(map(len, self._kept.pop(key, ())))
            self._kept[key] = content
            while self._size > CACHE_BYTES:
                _, dropped = self._kept.popitem(last=False)
                self._size -= sum(map(len, dropped))


_cache = _Cache()


@lru_cache(maxsize=256)  # files that a process has open
def _open(process: int, address: str) -> _Shard:
    """Open a shard; by process, since a file that is open cannot be shared with a fork."""
    return _Shard(address)


def forget() -> None:
    """Close all shards and drop what was read of them."""
    _open.cache_clear()
    _cache.__init__()  # type: ignore[misc]


def index_bytes(content: Mapping[str, Any]) -> bytes:
    """Return an index as it is stored."""
    return json.dumps(content, separators=(",", ":"), sort_keys=True).encode()
