"""How much a matte depends on the background, for test images that show one subject on several backgrounds."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matting.data.test_sets.examples import Example, Pair
from matting.errors import MattingError
from matting.evaluation.prediction import Method, predict
from matting.inference import resize
from matting.metrics.diagnostics import background_deviation

BACKGROUNDS = 5
"""Largest number of backgrounds compared per subject."""

SIDE = 512
"""Long side, in pixels, to which larger mattes are reduced: several are in memory at once."""

BACKGROUND_DEVIATION = "deviation over backgrounds"
"""Key of the mean over subjects in ``results.json``."""


class BackgroundDeviation(NamedTuple):
    """The standard deviation of one method's mattes of one subject over its backgrounds.

    Attributes:
        method: Name of the method.
        subject: Identity of the subject.
        backgrounds: Number of images compared.
        deviation: See `matting.metrics.diagnostics.background_deviation`; NaN where every matte is empty.
    """

    method: str
    subject: str
    backgrounds: int
    deviation: float


def background_deviations(pairs: Iterable[Pair], methods: Mapping[str, Method]) -> list[BackgroundDeviation]:
    """Compare the mattes of one subject on several backgrounds.

    Args:
        pairs: Test images. Those of one set and one subject are compared where their true mattes are equal, at most
            `BACKGROUNDS` of them; each of these is loaded and predicted once more.
        methods: Methods by name.

    Returns:
        One deviation per method and subject with at least two images.
    """
    subjects: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        if pair.subject is not None:
            # The set is part of the key: equal names in two sets need not be one person.
            subjects.setdefault((pair.dataset, pair.subject), []).append(pair)
    return [found for (_, name), shown in subjects.items() for found in _of_subject(name, shown, methods)]


def _of_subject(subject: str, pairs: list[Pair], methods: Mapping[str, Method]) -> list[BackgroundDeviation]:
    if len(pairs) < 2:
        return []
    first: NDArray[np.uint8] | None = None
    mattes: dict[str, list[NDArray[np.float32]]] = {name: [] for name in methods}
    for pair in pairs[:BACKGROUNDS]:
        example = pair.example()
        first = example.alpha if first is None else first
        # A different matte means another pose or crop: its variation would not come from the background.
        if np.array_equal(example.alpha, first):
            for name, method in methods.items():
                with suppress(MattingError, OSError):  # reported among the failures of the scores
                    mattes[name].append(_small(example, method))
    return [
        BackgroundDeviation(name, subject, len(found), background_deviation(np.stack(found)))
        for name, found in mattes.items()
        # One matte has no deviation: the method failed on the others, or their true mattes differ.
        if len(found) > 1
    ]


def _small(example: Example, method: Method) -> NDArray[np.float32]:
    # The matte is reduced, not the image, so that the method sees what it sees for the scores.
    alpha = predict(method, example).alpha
    scale = min(1.0, SIDE / max(alpha.shape))
    return resize(alpha, (max(1, round(alpha.shape[0] * scale)), max(1, round(alpha.shape[1] * scale))))
