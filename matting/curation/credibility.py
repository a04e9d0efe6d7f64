"""Gate 2, alpha credibility: networks that have not seen a pair say what its matte should be."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.curation.ledger import Line, go_on, read_lines
from matting.curation.pair import AnnotatedPair
from matting.curation.run import Curation, Progress, RegionError
from matting.curation.verdicts import CREDIBLE
from matting.data.folds import fold_of
from matting.data.sources import Item
from matting.evaluation.exhibits import signed_error
from matting.images import write_png

BAND = 0.02
"""Half the width of the boundary band, as a share of the short side."""

BAD_FOLD = 0.05
"""A fold whose median agreement lies so far below that of all folds says more of its network than of its pairs."""


class Judge(NamedTuple):
    """A network that scores mattes.

    Attributes:
        name: Its file and a digest of its weights.
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
        fold: Of the networks, or None.
    """

    name: str
    score: float
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

    Args:
        checkpoints: Run folders, checkpoint files, model folders, or folders of sweeps, for all of their runs.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``.

    Raises:
        FileNotFoundError, ValueError: As `matting.models.load_checkpoint`.
    """
    from matting.inference import Predictor
    from matting.models import load_checkpoint, weights_digest
    from matting.studies.gather import find_runs

    paths = list[Path]()
    for path in checkpoints:
        paths += find_runs([path]) if (path / "multirun.yaml").is_file() else [path]
    trained = [load_checkpoint(path) for path in paths]
    return [
        Judge(f"{one.path} {weights_digest(one.model)}", Predictor(one.model, one.size, device), one.fold)
        for one in trained
    ]


def cross_check(curation: Curation, judges: Sequence[Judge], progress: Progress) -> list[str]:
    """Score every pair by the networks that have not seen it, for `read_credibility`; goes on where it was stopped.

    Args:
        curation: The pairs. Its folder ``disagreement`` takes a picture for each below `CREDIBLE`.
        judges: The networks. Pairs that the same ones have scored before are not scored again.
        progress: Shows how far it is.

    Returns:
        Warnings: pairs that cannot be read, and folds whose scores are left out.

    Raises:
        ValueError: If a pair has no network that may judge it.
    """
    panels = {name: [judge for judge in judges if judge.may_judge(item)] for name, item in curation.items.items()}
    if bare := [name for name, panel in panels.items() if not panel]:
        raise ValueError(
            f"{len(bare)} pairs, such as '{bare[0]}', were seen by every network; give those of all folds, or one "
            "that was trained on other data"
        )
    stamps = {name: (curation.stamp(name), *sorted(judge.name for judge in panel)) for name, panel in panels.items()}
    lines = go_on(
        curation.credibility,
        stamps,
        lambda missing: (_score(curation, name, panels[name]) for name in progress(missing, "cross-checking")),
    )
    warnings = [f"'{line['name']}' cannot be read: {line['problem']}" for line in lines if line["problem"]]
    return warnings + [
        f"fold {fold}: the median agreement of its pairs is {value:.3f}, far below the others'; its scores are left "
        "out, train its network again"
        for fold, value in bad_folds(_credibility(lines)).items()
    ]


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


def read_credibility(curation: Curation) -> dict[str, float]:
    """Scores by name of the pairs whose files are those that were scored, without those of a bad fold."""
    lines = [line for line in read_lines(curation.credibility) if line["name"] in curation.items]
    found = _credibility(line for line in lines if line["stamp"][0] == curation.stamp(line["name"]))
    bad = bad_folds(found)
    return {one.name: one.score for one in found if one.fold not in bad}


def _credibility(lines: Iterable[Line]) -> list[Credibility]:
    return [Credibility(line["name"], line["score"], line["fold"]) for line in lines if not line["problem"]]


def _score(curation: Curation, name: str, panel: Sequence[Judge]) -> Line:
    if seen := [judge.name for judge in panel if not judge.may_judge(curation.items[name])]:
        raise AssertionError(f"'{name}' would be judged by {seen[0]}, which was trained on it")
    try:
        pair = curation.read(name)
    except RegionError:
        raise
    except (ValueError, OSError) as error:
        return {"score": None, "judges": 0, "fold": None, "problem": str(error)}
    predictions = [judge.predict(pair.photo) for judge in panel]
    score = median(agreement(pair.alpha, predicted) for predicted in predictions)
    picture = curation.folder / "disagreement" / f"{name}.png"
    if score < CREDIBLE:
        picture.parent.mkdir(parents=True, exist_ok=True)
        write_png(picture, disagreement(pair, np.median(predictions, axis=0).astype(np.float32)))
    else:
        picture.unlink(missing_ok=True)
    fold = panel[0].fold[0] if panel[0].fold else None
    return {"score": round(score, 6), "judges": len(panel), "fold": fold, "problem": ""}


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
