"""Train, evaluate and report: ``python train.py experiment=quickstart``."""

import logging
import signal
import sys
import time
from pathlib import Path

import hydra
from omegaconf import DictConfig

from matting.config import build, build_all, run_command
from matting.training.numbers import check_numbers
from matting.training.resume import adopt_configuration, continue_requeued, resumed_arguments
from matting.training.schedule import build_schedule

_log = logging.getLogger(__name__)


def train(config: DictConfig) -> dict[str, float]:
    """Run one experiment.

    Args:
        config: The composed configuration; the checkpoint, the logs and the report are written to its ``folder``.

    Returns:
        The scores of the report, by ``<split>/<set>/<region>/<metric>``; empty on all ranks but the first, and for a
        run that was finished before.
    """
    import torch
    from lightning.pytorch import seed_everything
    from lightning.pytorch.callbacks import LearningRateMonitor

    from matting.data.folds import FOLD_RULE, leave_out
    from matting.models.checkpoint import read_checkpoint
    from matting.training.checks import check_run
    from matting.training.datamodule import MattingDataModule
    from matting.training.guard import ResumeGuard
    from matting.training.loggers import closing, continue_metrics, publish
    from matting.training.module import MattingModule
    from matting.training.report import announce, report_run
    from matting.training.trainer import measure_run

    start = time.perf_counter()
    # Hides tips and the list of absent accelerators; after the import, which sets another level.
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)
    check_numbers(config)
    seed_everything(config.seed, workers=True, verbose=False)
    trainer = build(config.trainer, callbacks=build_all(config.callbacks), logger=False)
    length = measure_run(trainer, config.data.epoch_rows, config.data.batch_size)
    guard = ResumeGuard(config, trainer)
    if guard.is_finished(length) and (Path(config.folder) / "results.json").is_file():
        _log.info(guard.how_to_continue(length, config.folder))
        return {}
    with closing(build_all(config.logger)) as loggers:
        # What can fail cheaply comes before the corpus, which may have to be rendered first.
        trainer.loggers = loggers
        if not loggers:  # without one it refuses to begin
            trainer.callbacks = [one for one in trainer.callbacks if not isinstance(one, LearningRateMonitor)]
        model = build(config.model).to(memory_format=torch.channels_last)
        criterion, optimizer, augment = (build(config[part]) for part in ("loss", "optimizer", "augment"))
        check_run(config, model, criterion)
        guard.check_network(model.settings)
        corpus = leave_out(build(config.corpus), config.data.fold, config.data.folds)
        guard.check_corpus(corpus)
        data = MattingDataModule(
            corpus,
            build_schedule(config, corpus, length),
            augment,
            **{name: config.data[name] for name in ("batch_size", "crop_size", "min_crop", "workers")},
            origin=guard.origin,
        )
        module = MattingModule(
            model,
            criterion,
            optimizer,
            total_steps=length.steps,
            validation_set=corpus.name,
            hyper_parameters={name: config.data[name] for name in ("size", "fold", "folds")}
            | {"fold_rule": FOLD_RULE}
            | {"corpus": corpus.label, "sets": {name: len(source) for name, source in corpus.sets.items()}},
        )
        if guard.saved is not None and trainer.is_global_zero:
            adopt_configuration(Path(config.folder))
            continue_metrics(loggers, guard.saved["steps"])
        trainer.fit(module, data, ckpt_path=config.resume.checkpoint, weights_only=True)
        if guard.saved is not None and guard.is_finished(length):  # nothing was left but the report
            # The average of the weights, which the end of a training would have put there.
            module.load_state_dict(read_checkpoint(guard.file)["state_dict"])
        if not trainer.is_global_zero:
            return {}
        metrics = report_run(module.model, data, trainer, Path(config.folder), start)
        if not metrics:
            return {}  # no test images, no report
        publish(loggers, Path(config.folder), metrics, trainer.global_step)
        announce(Path(config.folder), [pair.dataset for pair in corpus.test])
        return metrics


@hydra.main(version_base="1.3", config_path="conf", config_name="train")
def main(config: DictConfig) -> None:
    """Run one experiment; after SIGTERM exit with 143, as terminated processes do: Lightning would exit with 0."""
    # Before Lightning imports it: hides that fonts were looked for.
    logging.getLogger("matplotlib").setLevel(logging.WARNING)

    from lightning.pytorch.utilities.exceptions import SIGTERMException

    from matting.processes import end_with_parent, is_child, is_of_torchrun

    if is_child() or is_of_torchrun():
        end_with_parent()
    continue_requeued(config)
    try:
        train(config)
    except SIGTERMException as stop:
        raise SystemExit(128 + signal.SIGTERM) from stop


def command() -> None:
    """Run `main`; ``resume=RUN`` takes the options of that run."""
    sys.argv[1:] = resumed_arguments(sys.argv[1:])
    main()


if __name__ == "__main__":
    run_command(command)
