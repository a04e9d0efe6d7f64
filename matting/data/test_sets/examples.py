"""Test images: pairs are cheap descriptions, examples are loaded one at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Example(NamedTuple):
    """One test image in memory.

    Attributes:
        name: Name, unique within its set.
        image: ``(H, W, 3)`` uint8 RGB.
        alpha: ``(H, W)`` uint8, 255 = foreground: the ground-truth matte.
        trimap: ``(H, W)`` uint8, 0 background, 127 or 128 unknown, 255 foreground.
        ignore: ``(H, W)`` uint8, nonzero where there is no annotation; None if the whole image is annotated.
        foreground: ``(H, W, 3)`` uint8 RGB, the true straight colours of the subject; None if unknown.
        background: ``(H, W, 3)`` uint8 RGB, what is behind the subject; None if unknown.
        dataset: Name of its set; with `name` it finds the prediction in a folder. `Pair.example` fills it in.
    """

    name: str
    image: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    trimap: NDArray[np.uint8]
    ignore: NDArray[np.uint8] | None = None
    foreground: NDArray[np.uint8] | None = None
    background: NDArray[np.uint8] | None = None
    dataset: str = ""


@dataclass(frozen=True)
class Pair:
    """A test image not yet loaded, cheap to keep by the thousand.

    Attributes:
        name: Name, unique within `dataset`.
        load: Reads or composes the image; called once for the scores and again for the few images that are shown. A
            report calls `example`, which has the names of the pair.
        dataset: Name of the test set, as used in result keys.
        tags: Attribute tags such as ``glasses``; each gets a row of its own in the report.
        difficulty: ``clear``, ``medium`` or ``hard``, or None if it was not rated.
        subject: Who is shown. Images with the same subject and the same matte differ only in their background, and a
            report compares a method's results on them. None for subjects shown once.
    """

    name: str
    load: Callable[[], Example]
    dataset: str
    tags: frozenset[str] = frozenset()
    difficulty: str | None = None
    subject: str | None = None

    def example(self) -> Example:
        """Load the image under the name and the set of the pair, whatever the files are called."""
        return self.load()._replace(name=self.name, dataset=self.dataset)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Names of the result rows to which this pair contributes: its set, and ``set.tag`` for every label."""
        # Sorted, since the order of a set of texts differs between processes.
        labels = sorted(self.tags | ({self.difficulty} if self.difficulty else set()))
        return (self.dataset, *(f"{self.dataset}.{label}" for label in labels))
