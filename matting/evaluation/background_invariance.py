"""How much a matte depends on the background, where test images show one subject before several."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from matting.data.test_sets.examples import Example, Pair
from matting.evaluation.prediction import Method, predict
from matting.inference import resize
from matting.metrics.diagnostics import background_spread

BACKGROUNDS = 5
"""Most backgrounds that are compared of one subject."""

SIDE = 512
"""Long side, in pixels, to which larger mattes are reduced: several are in memory at once."""


SPREAD = "deviation over backgrounds"
"""Name of its mean over subjects in ``results.json``."""


class Spread(NamedTuple):
    """The standard deviation of one method's mattes of one subject over backgrounds.

    Attributes:
        method: Name of the method.
        subject: Whose mattes.
        backgrounds: Number of images compared.
        spread: See `matting.metrics.diagnostics.background_spread`; NaN where no matte shows anything.
    """

    method: str
    subject: str
    backgrounds: int
    spread: float


def background_spreads(pairs: Iterable[Pair], methods: Mapping[str, Method]) -> list[Spread]:
    """Compare mattes of one subject before several backgrounds.

    Args:
        pairs: Test images; those of one set and one subject are compared where their true mattes are equal, up to
            `BACKGROUNDS` of them. Each is loaded and predicted once more.
        methods: By name.

    Returns:
        One line per subject with two images at least, and method.
    """
    subjects: dict[tuple[str, str], list[Pair]] = {}
    for pair in pairs:
        if pair.subject is not None:
            subjects.setdefault((pair.dataset, pair.subject), []).append(pair)
    return [spread for (_, name), shown in subjects.items() for spread in _of_subject(name, shown, methods)]


def _of_subject(subject: str, pairs: list[Pair], methods: Mapping[str, Method]) -> list[Spread]:
    if len(pairs) < 2:
        return []
    first: NDArray[np.uint8] | None = None
    mattes: dict[str, list[NDArray[np.float32]]] = {name: [] for name in methods}
    for pair in pairs[:BACKGROUNDS]:
        example = pair.load()
        first = example.alpha if first is None else first
        if np.array_equal(example.alpha, first):
            for name, method in methods.items():
                mattes[name].append(_small(example, method))
    return [
        Spread(name, subject, len(found), background_spread(np.stack(found)))
        for name, found in mattes.items()
        if len(found) > 1
    ]


def _small(example: Example, method: Method) -> NDArray[np.float32]:
    alpha = predict(method, example).alpha
    scale = min(1.0, SIDE / max(alpha.shape))
    return resize(alpha, (max(1, round(alpha.shape[0] * scale)), max(1, round(alpha.shape[1] * scale))))
