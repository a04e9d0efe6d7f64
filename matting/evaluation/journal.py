"""Scores saved while an evaluation runs, so that an interrupted evaluation resumes where it stopped."""

import json
from pathlib import Path
from typing import Any

from matting.data.test_sets.examples import Pair
from matting.files import storing, write_atomic


class Journal:
    """A file of one JSON line per scored image.

    Failures are not saved: an image that has been repaired is scored when the evaluation resumes.

    Args:
        path: The file; its folder is created. An existing file is read if its `question` is the same, else replaced.
        question: What is computed: methods, checkpoints, protocol. It identifies the file, so that scores of different
            evaluations are never mixed.
    """

    def __init__(self, path: Path, question: str) -> None:
        self.path = path
        self._kept = _read(path, question)
        path.parent.mkdir(parents=True, exist_ok=True)
        # Rewritten, because an interruption may have left an incomplete line at the end.
        lines = [_line({"question": question}), *(_line([*key, content]) for key, content in self._kept.items())]
        write_atomic(path, "".join(lines).encode())

    def __len__(self) -> int:
        return len(self._kept)

    def recall(self, pair: Pair) -> Any | None:
        """Return what was recorded for an image, or None if nothing was."""
        return self._kept.get((pair.dataset, pair.name))

    def record(self, pair: Pair, content: Any) -> None:
        """Append the JSON-serialisable result of an image."""
        # Opened for each image: a line that stays in a buffer would be lost with the process.
        with storing(self.path), self.path.open("a") as file:
            file.write(_line([pair.dataset, pair.name, content]))

    def remove(self) -> None:
        """Delete the file once the evaluation is complete and its report written."""
        self.path.unlink(missing_ok=True)


def _line(content: Any) -> str:
    return json.dumps(content) + "\n"


def _read(path: Path, question: str) -> dict[tuple[str, str], Any]:
    if not path.is_file():
        return {}
    head, *lines = path.read_text().split("\n")  # the last one is empty or incomplete
    try:
        if json.loads(head) != {"question": question}:
            return {}
        # A later line of an image replaces an earlier one, in which more methods had failed.
        return {(dataset, name): content for dataset, name, content in map(json.loads, lines[:-1])}
    except ValueError:
        return {}
