"""Gate 2, alpha credibility: compare a matte with the predictions of networks that have not seen the pair."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from matting.curation.ledger import Line, read_lines, resume
from matting.curation.pair import AnnotatedPair
from matting.curation.run import Curation, Progress, RegionError
from matting.data.folds import FOLD_RULE, fold_of
from matting.data.formats import Item
from matting.errors import MattingError
from matting.evaluation.report.gallery import signed_error
from matting.images import write_png
from matting.processes import in_processes

if TYPE_CHECKING:
    from matting.inference import Predictor
    from matting.models.checkpoint import Checkpoint

BAND = 0.02
"""Half the width of the boundary band, as a share of the short side."""

BAD_JUDGE = 0.05
"""A network whose median agreement is this far below that of all networks is taken to be bad itself."""


class Judge(NamedTuple):
    """A network that scores mattes.

    Attributes:
        name: Its path and a digest of its weights.
        predict: Maps ``(H, W, 3)`` uint8 to ``(H, W)`` float32 in [0, 1].
        fold: The fold it was trained without and the number of folds, or None for one trained on other data.
    """

    name: str
    predict: Callable[[NDArray[np.uint8]], NDArray[np.float32]]
    fold: tuple[int, int] | None = None

    def may_judge(self, item: Item) -> bool:
        """Return whether the network has not seen the item, nor another image of the same person or group."""
        return self.fold is None or fold_of(item, self.fold[1]) == self.fold[0]


class Opinion(NamedTuple):
    """The agreement of a network that has not seen a pair with its matte.

    Attributes:
        name: Name of the item.
        judge: Name of the network.
        score: The `agreement`, in [0, 1].
    """

    name: str
    judge: str
    score: float


def agreement(annotated: NDArray[np.uint8], predicted: NDArray[np.float32]) -> float:
    """Compute the soft agreement of two mattes: the mean of their overlap and of their similarity along the edge.

    The overlap is the sum of the pixelwise minima over the sum of the maxima (Ruzicka's similarity, the soft Jaccard
    index), 1 if both are empty. The similarity is 1 - MAD in a band of `BAND` of the short side around the edges of
    both, 1 if neither has an edge.

    Args:
        annotated: ``(H, W)`` uint8.
        predicted: ``(H, W)`` float32 in [0, 1].

    Returns:
        The agreement in [0, 1]; symmetric, and 1 only for equal mattes.
    """
    first, second = annotated.astype(np.float32) / 255, np.clip(predicted, 0, 1)
    union = float(np.maximum(first, second).sum())
    overlap = float(np.minimum(first, second).sum()) / union if union else 1.0
    size = 2 * max(1, round(BAND * min(annotated.shape))) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    edges = [cv2.morphologyEx((m > 0.5).astype(np.uint8), cv2.MORPH_GRADIENT, kernel) > 0 for m in (first, second)]
    band = edges[0] | edges[1]
    similarity = 1 - float(np.abs(first - second)[band].mean()) if band.any() else 1.0
    return (overlap + similarity) / 2


def load_judges(checkpoints: Sequence[Path], device: str = "auto") -> list[Judge]:
    """Load networks; each checkpoint records the fold it was trained without.

    Args:
        checkpoints: Run folders, checkpoint files, model folders, or sweep folders, which stand for all their runs.
        device: ``cpu``, ``cuda``, ``mps`` or ``auto``.

    Raises:
        FileNotFoundError, MattingError: As `matting.models.load_checkpoint`; MattingError also for a network with folds
            of another rule, of which it is not known whom it has seen.
    """
    from matting.inference import resolve
    from matting.models import load_checkpoint, weights_digest
    from matting.studies.gather import find_runs

    paths = list[Path]()
    for path in checkpoints:
        paths += find_runs([path]) if (path / "multirun.yaml").is_file() else [path]
    places = [resolve(path) for path in paths]
    trained = [load_checkpoint(place) for place in places]
    for one in trained:
        if one.fold and one.fold[2] != FOLD_RULE:
            raise MattingError(
                f"{one.path}: expected folds of rule {FOLD_RULE}, found those of rule {one.fold[2]}, which left out "
                "other people; train it again"
            )
    return [
        Judge(f"{one.path} {weights_digest(one.model)}", _predictor(place, one, device), one.fold and one.fold[:2])
        for place, one in zip(places, trained, strict=True)
    ]


def _predictor(place: Path, trained: "Checkpoint", device: str) -> "Predictor":
    from matting.inference import Predictor

    predictor = Predictor(trained.model, trained.size, device)
    predictor.reload = partial(_reload, place, device)
    return predictor


def _reload(place: Path, device: str) -> "Predictor":
    from matting.models import load_checkpoint

    return _predictor(place, load_checkpoint(place), device)


def cross_check(curation: Curation, judges: Sequence[Judge], progress: Progress, credible: float) -> list[str]:
    """Score every pair by the networks that have not seen it, for `read_credibility`; resumes if interrupted.

    The networks run in this process, or on the cluster of `matting.processes.on_dask`.

    Args:
        curation: The pairs. An image of each with an agreement below ``credible`` is written to ``disagreement/``.
        judges: The networks. Pairs that the same networks have scored before are not scored again.
        progress: Displays progress.
        credible: Smallest agreement, in [0, 1].

    Returns:
        Warnings: networks that were trained without a fold, pairs that cannot be read, and networks whose scores are
        ignored.

    Raises:
        MattingError: If a pair has no network that may judge it.
    """
    panels = {name: [judge for judge in judges if judge.may_judge(item)] for name, item in curation.items.items()}
    if bare := [name for name, panel in panels.items() if not panel]:
        raise MattingError(
            f"{len(bare)} pairs, such as '{bare[0]}', were seen by every network; give those of all folds, or one "
            "that was trained on other data"
        )
    names = {name: sorted(judge.name for judge in panel) for name, panel in panels.items()}
    # "by network" marks the form of a line: those of an earlier version had one score for all networks.
    stamps = {name: (curation.stamp(name), "by network", *panel) for name, panel in names.items()}

    def score(missing: Sequence[str]) -> Iterable[Line]:
        found = in_processes(partial(_score, curation, panels, credible), missing, 1, _lost)
        return (line for _, line in zip(progress(missing, "cross-checking"), found, strict=True))

    lines = resume(curation.credibility, stamps, score)
    warnings = [
        f"{judge.name} was trained without data.fold: its scores count only if it has seen none of these pairs"
        for judge in judges
        if not judge.fold
    ]
    warnings += [f"'{line['name']}' cannot be read: {line['problem']}" for line in lines if line["problem"]]
    return warnings + [
        f"{judge}: the median agreement of its pairs is {value:.3f}, far below the others'; its scores are ignored; "
        "train it again"
        for judge, value in bad_judges(_opinions(lines)).items()
    ]


def bad_judges(opinions: Sequence[Opinion]) -> dict[str, float]:
    """Return the networks, with their medians, that are `BAD_JUDGE` below the median of all medians; needs three."""
    scores: dict[str, list[float]] = {}
    for one in opinions:
        scores.setdefault(one.judge, []).append(one.score)
    medians = {judge: median(values) for judge, values in scores.items()}
    if len(medians) < 3:
        return {}
    middle = median(medians.values())
    return {judge: value for judge, value in sorted(medians.items()) if value < middle - BAD_JUDGE}


def read_credibility(curation: Curation) -> dict[str, float]:
    """Read the median score over all networks that are not bad, by name, of pairs whose files have not changed."""
    lines = [line for line in read_lines(curation.credibility) if line["name"] in curation.items]
    found = _opinions(line for line in lines if line["stamp"][0] == curation.stamp(line["name"]))
    bad, scores = bad_judges(found), dict[str, list[float]]()
    for one in found:
        if one.judge not in bad:
            scores.setdefault(one.name, []).append(one.score)
    return {name: median(values) for name, values in scores.items()}


def _opinions(lines: Iterable[Line]) -> list[Opinion]:
    known = [line for line in lines if "agreement" in line]  # folders of an earlier version have no scores per network
    return [Opinion(line["name"], judge, score) for line in known for judge, score in line["agreement"].items()]


def _lost(name: str, reason: str) -> Line:
    return {"agreement": {}, "problem": reason}


def _score(curation: Curation, panels: Mapping[str, Sequence[Judge]], credible: float, name: str) -> Line:
    panel = panels[name]
    # `cross_check` has chosen the panel; an agreement with a network that knows the pair would be worthless.
    if seen := [judge.name for judge in panel if not judge.may_judge(curation.items[name])]:
        raise AssertionError(f"'{name}' would be judged by {seen[0]}, which was trained on it")
    try:
        pair = curation.read(name)
    except RegionError:
        raise
    except (MattingError, OSError) as error:
        return {"agreement": {}, "problem": str(error)}
    predictions = [judge.predict(pair.photo) for judge in panel]
    scores = [round(agreement(pair.alpha, predicted), 6) for predicted in predictions]
    image = curation.folder / "disagreement" / f"{name}.png"
    if median(scores) < credible:
        image.parent.mkdir(parents=True, exist_ok=True)
        write_png(image, disagreement(pair, np.median(predictions, axis=0).astype(np.float32)))
    else:
        # An earlier cross-check by other networks may have left one.
        image.unlink(missing_ok=True)
    return {"agreement": {judge.name: score for judge, score in zip(panel, scores, strict=True)}, "problem": ""}


def disagreement(pair: AnnotatedPair, predicted: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return photo, matte, prediction and their difference side by side; red where the prediction is larger.

    Args:
        pair: Photo and matte.
        predicted: ``(H, W)`` float32 in [0, 1].

    Returns:
        ``(H, 4 W, 3)`` uint8 RGB.
    """
    mattes = (pair.alpha, np.rint(predicted * 255).astype(np.uint8))
    gray = [np.repeat(matte[..., None], 3, axis=2) for matte in mattes]
    return np.concatenate([pair.photo, *gray, signed_error(predicted, pair.alpha)], axis=1)
