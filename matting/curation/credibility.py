"""Gate 2, alpha credibility: networks that have not seen a pair say what its matte should be."""

import csv
import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.curation.pair import AnnotatedPair
from matting.curation.run import read_pair
from matting.curation.verdicts import CREDIBLE
from matting.data.folds import fold_of
from matting.data.sources import Item, Source
from matting.evaluation.exhibits import signed_error
from matting.images import write_atomic, write_png

BAND = 0.02
"""Half the width of the boundary band, as a share of the short side."""

BAD_FOLD = 0.05
"""A fold whose median agreement lies so far below that of all folds says more of its network than of its pairs."""

Progress = Callable[[Sequence[Any], str], Iterable[Any]]


class Judge(NamedTuple):
    """A network that scores mattes.

    Attributes:
        name: Its file.
        predict: ``(H, W, 3)`` uint8 to ``(H, W)`` float32 in [0, 1].
        fold: The fold it was trained without and the number of folds, or None for one trained on other data.
    """

    name: str
    predict: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    fold: tuple[int, int] | None = None

    def may_judge(self, item: Item) -> bool:
        """Whether the network has not seen the item, nor another picture of the same person or group."""
        return self.fold is None or fold_of(item, self.fold[1]) == self.fold[0]


class Credibility(NamedTuple):
    """How far networks agree with a matte.

    Attributes:
        name: Of the item.
        score: `agreement`, the median over the networks that had not seen it.
        judges: Their number.
        fold: Of the networks, or None.
    """

    name: str
    score: float
    judges: int
    fold: int | None


def agreement(annotated: NDArray[np.uint8], predicted: NDArray[np.float32]) -> float:
    """Soft agreement of two mattes: the mean of their overlap and of their likeness along the edge.

    The overlap is the sum of the pixelwise minima over the sum of the maxima (Ruzicka's similarity, the soft Jaccard
    index), 1 where both are empty. The likeness is 1 - MAD in a band of `BAND` of the short side around the edges of
    either, 1 where neither has one.

    Args:
        annotated: ``(H, W)`` uint8.
        predicted: ``(H, W)`` float32 in [0, 1].

    Returns:
        In [0, 1]; symmetric, and 1 only for equal mattes but for what both call background outside the band.
    """
    first, second = annotated.astype(np.float32) / 255, np.clip(predicted, 0, 1)
    union = float(np.maximum(first, second).sum())
    overlap = float(np.minimum(first, second).sum()) / union if union else 1.0
    size = 2 * max(1, round(BAND * min(annotated.shape))) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    edges = [cv2.morphologyEx((m > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, kernel) > 0 for m in (first, second)]
    band = edges[0] | edges[1]
    likeness = 1 - float(np.abs(first - second)[band].mean()) if band.any() else 1.0
    return (overlap + likeness) / 2


def load_judges(checkpoints: Sequence[Path], device: str = "auto") -> list[Judge]:
    """Load networks; each says by itself without which fold it was trained.

    Raises:
        FileNotFoundError, ValueError: As `matting.models.load_checkpoint`.
    """
    from matting.inference import Predictor
    from matting.models import load_checkpoint

    trained = [load_checkpoint(path) for path in checkpoints]
    return [Judge(str(one.path), Predictor(one.model, one.size, device), one.fold) for one in trained]


def cross_check(
    source: Source, judges: Sequence[Judge], folder: Path, progress: Progress
) -> tuple[list[Credibility], list[str]]:
    """Score every pair by the networks that have not seen it.

    Args:
        source: The pairs.
        judges: The networks.
        folder: Takes a picture of the disagreement for each pair below `CREDIBLE`; made where it does not exist.
        progress: Shows how far it is.

    Returns:
        Scores in the source's order, without pairs that cannot be read and those of a bad fold, and warnings about
        either.

    Raises:
        ValueError: If a pair has no network that may judge it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    panels = {item.name: [judge for judge in judges if judge.may_judge(item)] for item in source.items}
    if bare := [name for name, panel in panels.items() if not panel]:
        raise ValueError(
            f"{len(bare)} pairs, such as '{bare[0]}', were seen by every network; give those of all folds, or one "
            "that was trained on other data"
        )
    found, warnings = list[Credibility](), list[str]()
    for index in progress(range(len(source.items)), "cross-checking"):
        item = source.items[index]
        try:
            pair = read_pair(source, index)
        except (ValueError, OSError):
            warnings.append(f"'{item.name}' cannot be read")
            continue
        found.append(_score(item, pair, panels[item.name], folder))
    bad = bad_folds(found)
    warnings += [
        f"fold {fold}: the median agreement of its pairs is {value:.3f}, far below the others'; its scores are left "
        "out, train its network again"
        for fold, value in bad.items()
    ]
    return [one for one in found if one.fold not in bad], warnings


def bad_folds(scores: Sequence[Credibility]) -> dict[int, float]:
    """Folds whose median lies `BAD_FOLD` below the median of the folds' medians, with it; needs three folds."""
    by_fold: dict[int, list[float]] = {}
    for one in scores:
        if one.fold is not None:
            by_fold.setdefault(one.fold, []).append(one.score)
    medians = {fold: median(values) for fold, values in by_fold.items()}
    if len(medians) < 3:
        return {}
    middle = median(medians.values())
    return {fold: value for fold, value in sorted(medians.items()) if value < middle - BAD_FOLD}


def write_credibility(path: Path, scores: Iterable[Credibility]) -> None:
    """Write the scores as CSV with the columns name, score, judges and fold."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(Credibility._fields)
    table.writerows([one.name, f"{one.score:.6f}", one.judges, "" if one.fold is None else one.fold] for one in scores)
    write_atomic(path, text.getvalue().encode())


def read_credibility(path: Path) -> Mapping[str, float]:
    """Scores by name; none where there is no file."""
    if not path.is_file():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        return {row["name"]: float(row["score"]) for row in csv.DictReader(file)}


def _score(item: Item, pair: AnnotatedPair, panel: Sequence[Judge], folder: Path) -> Credibility:
    if seen := [judge.name for judge in panel if not judge.may_judge(item)]:
        raise AssertionError(f"'{item.name}' would be judged by {seen[0]}, which was trained on it")
    predictions = [judge.predict(pair.photo) for judge in panel]
    score = median(agreement(pair.alpha, predicted) for predicted in predictions)
    if score < CREDIBLE:
        predicted = np.median(predictions, axis=0).astype(np.float32)
        write_png(folder / f"{item.name.replace('/', '_')}.png", disagreement(pair, predicted))
    return Credibility(item.name, score, len(panel), panel[0].fold[0] if panel[0].fold else None)


def disagreement(pair: AnnotatedPair, predicted: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Photograph, annotated matte, prediction and their difference side by side: red where the network sees more.

    Args:
        pair: Photograph and matte.
        predicted: ``(H, W)`` float32 in [0, 1].

    Returns:
        ``(H, 4 W, 3)`` uint8 RGB.
    """
    mattes = (pair.alpha, np.rint(predicted * 255).astype(np.uint8))
    gray = [np.repeat(matte[..., None], 3, axis=2) for matte in mattes]
    return np.concatenate([pair.photo, *gray, signed_error(predicted, pair.alpha)], axis=1)
