"""Build the schedule of a run from its configuration."""

from omegaconf import DictConfig

from matting.config import build
from matting.data.corpora import Corpus
from matting.data.indexing import catalog_of
from matting.plan.curriculum import Curriculum
from matting.plan.schedule import Schedule


def build_schedule(config: DictConfig, corpus: Corpus, epochs: int) -> Schedule:
    """Build the schedule of a run: mixture, curriculum and pairing over a corpus.

    Args:
        config: A composed configuration.
        corpus: What can be drawn.
        epochs: Number of epochs.

    Returns:
        The schedule, which gives the plan of each epoch.
    """
    mixture = build(config.data.mixture)
    if callable(mixture):  # `natural` needs the sizes of the corpus
        mixture = mixture({role: sum(map(len, sets.values())) for role, sets in corpus.train.items()})
    return Schedule(
        seed=config.seed,
        epochs=epochs,
        rows=config.data.epoch_rows,
        catalog=catalog_of(corpus),
        mixture=mixture,
        curriculum=build(config.curriculum) if "curriculum" in config else Curriculum(),
        pairing=build(config.data.pairing),
    )
