"""Build the schedule of a run from its configuration, without torch."""

from omegaconf import DictConfig

from matting.config import build
from matting.data.corpora import Corpus
from matting.data.indexing import catalog_of
from matting.plan.curriculum import Curriculum
from matting.plan.length import RunLength, run_length
from matting.plan.schedule import Schedule


def build_schedule(config: DictConfig, corpus: Corpus, length: RunLength) -> Schedule:
    """Build the schedule of a run: mixture, curriculum and pairing over a corpus.

    Args:
        config: A composed configuration.
        corpus: What can be drawn.
        length: Number of epochs and rows.

    Returns:
        The schedule, which gives the plan of each epoch.

    Raises:
        MattingError: If the corpus lacks what the mixture or a stage draws from.
    """
    mixture = build(config.data.mixture)
    if callable(mixture):  # `natural` needs the sizes of the corpus
        mixture = mixture({role: sum(map(len, sets.values())) for role, sets in corpus.train.items()})
    schedule = Schedule(
        seed=config.seed,
        length=length,
        catalog=catalog_of(corpus),
        mixture=mixture,
        curriculum=build(config.curriculum) if "curriculum" in config else Curriculum(),
        pairing=build(config.data.pairing),
    )
    # What a later stage lacks is to be found now, not hours later when it begins.
    for first in {epoch for epoch in schedule.curriculum.borders(length.epochs).tolist() if epoch < length.epochs}:
        schedule.plan(first)
    return schedule


def planned_length(config: DictConfig) -> RunLength:
    """Compute the length that a run of a configuration would have, with a process for each device that it names.

    Args:
        config: A composed configuration.
    """
    trainer, data = config.trainer, config.data
    # Text such as "auto" counts as one: to count the devices of this machine would need torch.
    processes = trainer.devices * trainer.num_nodes if isinstance(trainer.devices, int) else 1
    return run_length(
        data.epoch_rows,
        data.batch_size * max(1, processes),
        trainer.max_epochs,
        trainer.max_steps,
        trainer.get("limit_train_batches"),
        trainer.accumulate_grad_batches,
    )
