"""What a reader must know next to the figures."""

from collections.abc import Mapping
from dataclasses import dataclass, field

UNTRAINED = "nothing"
"""What a method that was not trained has been trained on."""

UNKNOWN = "not known"
"""What somebody else's method has been trained on."""

UNSEEN = "no"
"""That training has seen nothing of something."""


@dataclass(frozen=True)
class Description:
    """What a method is.

    Attributes:
        text: Where it comes from and how images are resized for it.
        trained_on: Label of the corpus it was trained on, `UNTRAINED` or `UNKNOWN`.
        augmentations: Classes of `matting.augment` that degraded its training images; None where that is not known.
        configuration: Equal for training runs that differ by their seed alone; None where that is not known.
    """

    text: str
    trained_on: str = UNTRAINED
    augmentations: frozenset[str] | None = frozenset()
    configuration: str | None = None


@dataclass(frozen=True)
class Setting:
    """What stands next to the figures of one report.

    Attributes:
        title: Heading of the report.
        corpus: What the images are, such as ``synthetic corpus, not real data``: printed above every figure.
        methods: What each method is, by name.
        wall_seconds: Duration of the whole run, in seconds.
        split: First part of the result keys.
        notes: Anything else worth a line, by name: checkpoint, training mixture, seed.
    """

    title: str
    corpus: str
    methods: Mapping[str, Description]
    wall_seconds: float
    split: str = "test"
    notes: Mapping[str, str] = field(default_factory=dict)

    def seen_in_training(self, method: str) -> str:
        """Say what a method may have seen of the test images.

        Args:
            method: Its name.

        Returns:
            A few words, for the column of each test set.
        """
        trained_on = self.methods[method].trained_on
        if trained_on == UNTRAINED:
            return UNSEEN
        if trained_on == UNKNOWN:
            return UNKNOWN
        return "other images of it" if trained_on == self.corpus else "another corpus by name"

    def runs_over_seeds(self) -> dict[str, list[str]]:
        """Find training runs that differ by their seed alone.

        Returns:
            Names of two methods or more by the name of the first of them.
        """
        groups: dict[str, list[str]] = {}
        for name, description in self.methods.items():
            if description.configuration is not None:
                groups.setdefault(description.configuration, []).append(name)
        return {names[0]: names for names in groups.values() if len(names) > 1}
