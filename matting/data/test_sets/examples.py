"""What is evaluated: pairs are light and streamed, examples are loaded one at a time."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Example(NamedTuple):
    """One test image in memory.

    Attributes:
        name: Unique within its set; a folder of predictions is looked up by it.
        image: ``(H, W, 3)`` uint8 RGB.
        alpha: ``(H, W)`` uint8, 255 = foreground: the true matte.
        trimap: ``(H, W)`` uint8, 0 background, 127 or 128 unknown, 255 foreground.
        ignore: ``(H, W)`` uint8, nonzero where the annotation says nothing; None where it holds everywhere.
        foreground: ``(H, W, 3)`` uint8 RGB, the true straight colours of the subject; None where they are not known.
        background: ``(H, W, 3)`` uint8 RGB, what lies behind the subject; None where it is not known.
    """

    name: str
    image: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    trimap: NDArray[np.uint8]
    ignore: NDArray[np.uint8] | None = None
    foreground: NDArray[np.uint8] | None = None
    background: NDArray[np.uint8] | None = None


@dataclass(frozen=True)
class Pair:
    """A test image not yet loaded: cheap to hold by the thousand.

    Attributes:
        name: Unique within `dataset`.
        load: Reads or composes the image; called once for the figures and again for the few that are shown.
        dataset: Name of the test set, as it stands in result keys.
        tags: Attribute tags such as ``glasses``; each gets a row of its own in the report.
        difficulty: ``clear``, ``medium`` or ``hard``, or None where nobody judged it.
        subject: Who is shown: of images with one subject, those with one and the same matte differ by their
            background alone, and a report compares what a method says of them. None for whoever is shown once.
    """

    name: str
    load: Callable[[], Example]
    dataset: str
    tags: frozenset[str] = frozenset()
    difficulty: str | None = None
    subject: str | None = None

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Names of the result rows this pair counts in: its set, and ``set.tag`` for every label."""
        labels = sorted(self.tags | ({self.difficulty} if self.difficulty else set()))
        return (self.dataset, *(f"{self.dataset}.{label}" for label in labels))
