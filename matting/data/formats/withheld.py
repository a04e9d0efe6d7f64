"""Labels withheld from training, to study what can be learnt from images without them."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from matting.data.formats.base import Item, Source
from matting.errors import MattingError
from matting.files import digest
from matting.images import Pixels

Ignored = Callable[[Item, Pixels], NDArray[np.bool_]]


@dataclass(frozen=True)
class Withheld:
    """Masks of pixels without a usable annotation: all pixels of the items whose label is withheld.

    Attributes:
        labelled: Share of the people whose labels are kept, in [0, 1].
        source: Name of the set, which stands for people without an identity of their own.
        others: Such masks of the items whose label is kept; None if their whole images are annotated.
    """

    labelled: float
    source: str
    others: Ignored | None

    def __call__(self, item: Item, alpha: Pixels) -> NDArray[np.bool_]:
        """Return ``(H, W)`` bool, True where there is no label, for an item and its matte."""
        person = item.identity or f"{self.source}/{item.name}"
        # By a hash, so that all images of a person are alike, whatever the other items of the set.
        if int(digest(["label", person])[:8], 16) >= self.labelled * 16**8:
            return np.ones(alpha.shape, np.bool_)
        return self.others(item, alpha) if self.others else np.zeros(alpha.shape, np.bool_)


def with_labels_withheld(source: Source, labelled: float) -> Source:
    """Withhold the labels of some people from the losses; only terms that need no annotation see their images.

    Mattes still place the people on other backgrounds, so that both views of a pair exist.

    Args:
        source: A training set.
        labelled: Share of the people whose labels are kept, in [0, 1]; the same people in each run.

    Returns:
        The source with the same items.

    Raises:
        MattingError: If the share is not in [0, 1].
    """
    if not 0 <= labelled <= 1:
        raise MattingError(f"corpus.labelled: expected a share in [0, 1], found {labelled}")
    return source if labelled == 1 else replace(source, ignored=Withheld(labelled, source.name, source.ignored))
