"""What a reader has to know along with the scores: what the methods and the images are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

UNTRAINED = "nothing"
"""Training set of a method that was not trained."""

UNKNOWN = "not known"
"""Training set of a method of unknown origin."""

UNSEEN = "no"
"""Nothing of it was seen in training."""


@dataclass(frozen=True)
class Description:
    """Description of a method.

    Attributes:
        text: Where the method comes from and how images are resized for it.
        trained_on: Label of the training corpus, `UNTRAINED` or `UNKNOWN`.
        augmentations: Classes of `matting.augment` that degraded its training images; None if unknown.
        configuration: Equal for training runs that differ in their seed alone; None if unknown.
        seed: Seed of the training; None if unknown.
    """

    text: str
    trained_on: str = UNTRAINED
    augmentations: frozenset[str] | None = frozenset()
    configuration: str | None = None
    seed: int | None = None


@dataclass(frozen=True)
class Setting:
    """What a report states along with its scores.

    Attributes:
        title: Heading of the report.
        corpus: What the images are, such as ``synthetic corpus, not real data``; printed above all results.
        methods: Descriptions of the methods, by name.
        wall_seconds: Duration of the whole evaluation, in seconds.
        split: First part of the result keys.
        notes: Further facts by name: checkpoint, training mixture, seed.
        only_tested: Test sets of the corpus of which it has no training images.
    """

    title: str
    corpus: str
    methods: Mapping[str, Description]
    wall_seconds: float
    split: str = "test"
    notes: Mapping[str, str] = field(default_factory=dict)
    only_tested: frozenset[str] = frozenset()

    def seen_in_training(self, method: str, test_set: str) -> str:
        """Describe what a method may have seen of a test set in training.

        Args:
            method: Name of the method.
            test_set: Name of the test set.

        Returns:
            A few words for a table.
        """
        trained_on = self.methods[method].trained_on
        if trained_on == UNTRAINED:
            return UNSEEN
        if trained_on == UNKNOWN:
            return UNKNOWN
        # Labels are compared and not images, so sets of other names may still share some.
        same = trained_on == self.corpus and test_set not in self.only_tested
        return "same data set, different images" if same else "data set of another name"

    def runs_over_seeds(self) -> dict[str, list[str]]:
        """Find training runs that differ in their seed alone.

        Returns:
            Names of at least two methods per configuration, by the name of the first of them; none of a configuration
            with two methods of one seed, such as two checkpoints of one run, which are no independent trainings.
        """
        groups: dict[str, list[str]] = {}
        for name, description in self.methods.items():
            if description.configuration is not None:
                groups.setdefault(description.configuration, []).append(name)
        return {
            names[0]: names
            for names in groups.values()
            if len({self.methods[name].seed for name in names}) == len(names) > 1
        }
