"""The end of a run: evaluate the network and trivial baselines on the test set and write the report."""

import logging
import shlex
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from lightning.pytorch import Trainer
from rich.console import Console
from rich.progress import track

from matting.config import PROGRAM
from matting.errors import MattingError
from matting.evaluation import Description, Setting, all_foreground, always, evaluate, mean_matte, network
from matting.evaluation.report import Figure, Section, Table, write_report
from matting.files import read_json, write_csv
from matting.inference import Predictor
from matting.models import AttentionUNet
from matting.plan.length import RunLength
from matting.training.callbacks import PlanLog
from matting.training.curves import learning_curves
from matting.training.datamodule import MattingDataModule
from matting.training.profiler import StepProfiler

MEAN_MATTE_ITEMS = 200
log = logging.getLogger(__name__)


def report_run(
    model: AttentionUNet, data: MattingDataModule, trainer: Trainer, folder: Path, start: float
) -> dict[str, float]:
    """Evaluate a trained network on the corpus's test images and write the report.

    Args:
        model: The network.
        data: Datamodule of the run, with the corpus and the working size.
        trainer: Trainer of the run, with its length.
        folder: Run folder.
        start: ``time.perf_counter()`` at the start of the run.

    Returns:
        Flat scores, ``test/<set>/<region>/<metric>``; none where the corpus has no test images.
    """
    corpus, schedule = data.corpus, data.schedule
    if not corpus.test:
        log.warning("the corpus has no test images, so there is no report; evaluate with 'matting evaluate'")
        return {}
    predictor = Predictor(model, data.augment.size, trainer.strategy.root_device)
    methods = {
        "model": network(predictor),
        "mean matte": always(_training_mean(data)),
        "all foreground": all_foreground,
    }
    log.info(f"testing on {len(corpus.test)} image{'s' * (len(corpus.test) != 1)} of '{corpus.name}'")
    console = Console(stderr=True)
    shown = track(corpus.test, "testing", console=console, transient=True, disable=not console.is_terminal)
    evaluation = evaluate(methods, shown)
    setting = Setting(
        title=f"Report of the run {folder.name}",
        corpus=corpus.label,
        methods={
            "model": Description(f"this run's network; {predictor.resizing}", trained_on=corpus.label),
            "mean matte": Description("trivial: the mean training matte, stretched", trained_on=corpus.label),
            "all foreground": Description("trivial: alpha 1 everywhere"),
        },
        wall_seconds=time.perf_counter() - start,
        notes={
            "seed": str(schedule.seed),
            "mixture": ", ".join(f"{name} {weight:g}" for name, weight in schedule.mixture.streams().items()),
            "curriculum": schedule.curriculum.name,
            "pairing": f"{schedule.pairing.fraction:.0%} of the draws of layered items",
            "sets": _sets(data, trainer),
            **_drawn(trainer),
            "training": _amount(trainer, schedule.length),
        },
        only_tested=corpus.only_tested,
    )
    return write_report(folder, evaluation, methods, setting, training=_training(trainer, folder))


def announce(folder: Path, test_sets: Iterable[str]) -> None:
    """Log how a run ended: its scores next to those of the best trivial method, the report, and what to do next.

    Args:
        folder: Run folder with the report.
        test_sets: Names of the test sets; the scores are those on the first that has any.
    """
    # The network is the first of the methods; see `report_run`.
    results, name = read_json(folder / "results.json"), shlex.quote(str(folder))
    own, *trivial = results["by_method"].items()
    scored = [one for one in test_sets if f"test/{one}/whole/mad" in own[1]]
    if scored:  # a network that gives NaN has none
        best = min(trivial, key=lambda method: _mean(method[1], scored[0], "mad"))
        log.info(f"test on {scored[0]}: {_scores(own, scored[0])}; best trivial baseline: {_scores(best, scored[0])}")
    log.info(f"report: {folder / 'report.html'}")
    longer = f"{PROGRAM} resume={name} trainer.max_epochs=N"
    log.info(f"next: matting cutout PHOTO.jpg --checkpoint {name}; longer: {longer}")


def _scores(method: tuple[str, dict[str, dict[str, float]]], test_set: str) -> str:
    name, found = method
    return f"{name} MAD {_mean(found, test_set, 'mad'):.4f} SAD {_mean(found, test_set, 'sad'):.4g}"


def _mean(found: dict[str, dict[str, float]], test_set: str, metric: str) -> float:
    return found[f"test/{test_set}/whole/{metric}"]["mean"]


def _training(trainer: Trainer, folder: Path) -> list[Section]:
    """Return the learning curves, and the table of the profiler, which is written as ``profile.csv`` too."""
    try:
        curves = learning_curves(folder / "metrics.csv")
    except MattingError as error:  # a run that has ended gets its report even so
        log.warning(str(error))
        curves = None
    figure = None if curves is None else Figure("curves.png", "Loss and validation scores over the steps", curves)
    tables = []
    if isinstance(profiler := trainer.profiler, StepProfiler):  # type: ignore[attr-defined]
        header = ["part", "ms per step", "% of the step"]
        write_csv(folder / "profile.csv", header, profiler.rows())
        log.info(f"time of a step, ms and %: {'; '.join(' '.join(row) for row in profiler.rows())}")
        tables = [Table("Where the time of a step goes", header, profiler.rows())]
    return [Section("Training", tables, figure)]


def _training_mean(data: MattingDataModule) -> "np.typing.NDArray[np.float32]":
    """Compute the mean of `MEAN_MATTE_ITEMS` to twice as many training mattes, spread evenly, or of all there are."""
    items = [(source, item) for source in data.corpus.sets.values() for item in source.items]
    # Every k-th of a list sorted by source: the first ones could all be of one.
    chosen = items[:: max(1, len(items) // MEAN_MATTE_ITEMS)]
    return mean_matte(source.alpha_reader(item.alpha) for source, item in chosen)


def _drawn(trainer: Trainer) -> dict[str, str]:
    return {f"drawn in stage '{stage}'": words for log in _logs(trainer) for stage, words in log.drawn().items()}


def _amount(trainer: Trainer, length: RunLength) -> str:
    """Describe the length of the training, with the views that were really drawn, if they were logged."""
    drawn = [line["rows"] for log in _logs(trainer) for line in log.lines]
    views = f", {sum(drawn)} views in {len(drawn)} epoch{'s' * (len(drawn) != 1)}" if drawn else ""
    return f"{trainer.global_step} steps{views} of {length.rows}"


def _sets(data: MattingDataModule, trainer: Trainer) -> str:
    """Describe the training sets: the number of items of each and, if it was logged, its share of the rows."""
    rows = {name: count for log in _logs(trainer) for name, count in log.drawn_from().items()}
    total = sum(rows.values())
    words = []
    for name, source in data.corpus.sets.items():
        share = f", {rows.get(name, 0) / total:.1%} of the rows" if total else ""
        words.append(f"{name} ({len(source)} items{share})")
    return "; ".join(words)


def _logs(trainer: Trainer) -> list[PlanLog]:
    return [callback for callback in trainer.callbacks if isinstance(callback, PlanLog)]  # type: ignore[attr-defined]
