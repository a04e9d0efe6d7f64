"""Scores kept while an evaluation runs, so that one interrupted after hours goes on where it stopped."""

import json
from pathlib import Path
from typing import Any

from matting.data.test_sets.examples import Pair
from matting.files import write_atomic


class Journal:
    """A file of one JSON line per scored image.

    Failures are not kept: an image that was put right is scored when the evaluation goes on.

    Args:
        path: The file; its folder is made. It is read if it belongs to the same question and begun anew if not.
        question: Says what is computed: methods, checkpoints, protocol. Scores of another question are never mixed in.
    """

    def __init__(self, path: Path, question: str) -> None:
        self.path = path
        self._kept = _read(path, question)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Written anew, because an interruption may have left half a line at its end.
        lines = [_line({"question": question}), *(_line([*key, content]) for key, content in self._kept.items())]
        write_atomic(path, "".join(lines).encode())

    def __len__(self) -> int:
        return len(self._kept)

    def recall(self, pair: Pair) -> Any | None:
        """Return what was recorded for an image, or None."""
        return self._kept.get((pair.dataset, pair.name))

    def record(self, pair: Pair, content: Any) -> None:
        """Append what is to be kept of an image, JSON-ready."""
        with self.path.open("a") as file:
            file.write(_line([pair.dataset, pair.name, content]))

    def remove(self) -> None:
        """Delete the file: the evaluation is complete and its report written."""
        self.path.unlink(missing_ok=True)


def _line(content: Any) -> str:
    return json.dumps(content) + "\n"


def _read(path: Path, question: str) -> dict[tuple[str, str], Any]:
    if not path.is_file():
        return {}
    head, *lines = path.read_text().split("\n")  # the last is empty, or the half of a line
    try:
        if json.loads(head) != {"question": question}:
            return {}
        return {(dataset, name): content for dataset, name, content in map(json.loads, lines[:-1])}
    except ValueError:
        return {}
