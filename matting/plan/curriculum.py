"""The curriculum: which part of the data is open at which time of training.

A curriculum is a list of stages. A stage covers a fraction of the epochs and opens some streams, each for some
difficulties and tags. Streams that have a weight in the mixture and are open in the stage are drawn from; a stage may
replace the weights of the mixture.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from math import isclose

import numpy as np
from numpy.typing import NDArray

from matting.errors import MattingError

DIFFICULTIES = ("clear", "medium", "hard")
STREAMS = ("studio", "portraits", "coarse", "augmented")


def check_names(option: str, names: Iterable[str], known: Sequence[str]) -> None:
    """Refuse an unknown name, with the nearest known one.

    Args:
        option: What the names are for, for the message.
        names: As given by the user.
        known: All valid names.

    Raises:
        MattingError: If a name is not known.
    """
    for name in names:
        if name not in known:
            near = get_close_matches(str(name), known, n=1, cutoff=0.5)
            hint = f"; did you mean '{near[0]}'?" if near else ""
            raise MattingError(f"{option}: expected {', '.join(known)}, found '{name}'{hint}")


@dataclass(frozen=True)
class Rule:
    """Which items of a source are open.

    Attributes:
        difficulties: Difficulties that are open.
        any_tag: If given, only items with at least one of these tags are open.
        no_tag: Items with one of these tags stay closed.
    """

    difficulties: Sequence[str] = DIFFICULTIES
    any_tag: Sequence[str] = ()
    no_tag: Sequence[str] = ()

    def __post_init__(self) -> None:
        check_names("curriculum: difficulties", self.difficulties, DIFFICULTIES)


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes:
        name: Name shown in plans and logs.
        fraction: Share of the epochs, in (0, 1].
        open: The rule of each stream that is open; None opens every stream entirely. A stream with the
            rule ``None`` is open entirely. Draws of ``augmented`` obey the rules of the roles it draws from.
        weights: Weights of the streams in this stage, instead of the mixture's.
        severity: Ceiling of the severity of augmented draws at the stage's first and last epoch, in [0, 1]; linear in
            between. A draw's severity is uniform in (0, ceiling].

    Raises:
        MattingError: If a stream has an unknown name, or a number is outside its range.
    """

    name: str = "all"
    fraction: float = 1.0
    open: Mapping[str, Rule | None] | None = None
    weights: Mapping[str, float] | None = None
    severity: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        option = f"curriculum: stage '{self.name}'"
        check_names(f"{option}: open", self.open or (), STREAMS)
        check_names(f"{option}: weights", self.weights or (), STREAMS)
        if not 0 < self.fraction <= 1:
            raise MattingError(f"{option}: expected a fraction in (0, 1], found {self.fraction}")
        if any(weight < 0 for weight in (self.weights or {}).values()):
            raise MattingError(f"{option}: expected weights >= 0, found {dict(self.weights or {})}")
        if len(self.severity) != 2 or not all(0 <= ceiling <= 1 for ceiling in self.severity):
            raise MattingError(f"{option}: expected two severities in [0, 1], found {list(self.severity)}")

    def allows(self, stream: str) -> bool:
        """Return whether the stream is open in this stage."""
        return self.open is None or stream in self.open

    def open_weights(self, streams: Mapping[str, float]) -> dict[str, float]:
        """Return the streams that are drawn from, with their weights: its own or the mixture's, where they are open.

        Args:
            streams: Weights of the streams of the mixture.

        Raises:
            MattingError: If there is none.
        """
        weights = streams if self.weights is None else self.weights
        drawn = {name: weight for name, weight in weights.items() if weight > 0 and self.allows(name)}
        if not drawn:
            raise MattingError(
                f"stage '{self.name}' opens no stream of the mixture ({', '.join(streams)}); choose another data=… or "
                "another curriculum"
            )
        return drawn

    def rule(self, source: str) -> Rule:
        """Return the rule for a source; without one, everything is open."""
        return (self.open or {}).get(source) or Rule()

    def ceiling(self, epoch: int, epochs: int) -> float:
        """Return the severity ceiling at ``epoch`` of this stage's ``epochs``."""
        first, last = self.severity
        return first + (last - first) * (epoch / (epochs - 1) if epochs > 1 else 1.0)


@dataclass(frozen=True)
class Curriculum:
    """Stages in order.

    Attributes:
        name: Name shown in plans, logs and reports.
        stages: At least one stage; their fractions sum to 1.
        shuffled: Whether to take exactly the draws of all stages in random order: the control that separates the effect
            of the order from the effect of the draws.
        sizes: Side in pixels of the network's training images in each stage, multiples of 32: small images first take
            more steps per hour (Tan & Le 2021, "EfficientNetV2", section 4). The last is to be the run's size, which
            None keeps throughout.

    Raises:
        MattingError: If the fractions do not sum to 1, there is not one size per stage, a size is not a positive
            multiple of 32, or a shuffled curriculum, which has no stages in time, has sizes.
    """

    name: str = "none"
    stages: Sequence[Stage] = field(default_factory=lambda: (Stage(),))
    shuffled: bool = False
    sizes: Sequence[int] | None = None

    def __post_init__(self) -> None:
        fractions = [stage.fraction for stage in self.stages]
        if not isclose(sum(fractions), 1, abs_tol=2e-3):  # thirds are written with three digits
            words = " + ".join(f"{fraction:g}" for fraction in fractions)
            raise MattingError(
                f"curriculum.stages: expected fractions that sum to 1, found {words} = {sum(fractions):g}"
            )
        if self.sizes is None:
            return
        if self.shuffled:
            raise MattingError(
                "curriculum.sizes: a shuffled curriculum has no stages in time; set curriculum.sizes=null"
            )
        # 32 is the stride of the encoder's last level.
        if len(self.sizes) != len(self.stages) or any(size < 1 or size % 32 for size in self.sizes):
            raise MattingError(
                f"curriculum.sizes: expected {len(self.stages)} multiples of 32, one per stage, "
                f"found {list(self.sizes)}"
            )

    def borders(self, epochs: int) -> NDArray[np.int64]:
        """Return the first epoch of each stage, and ``epochs`` at the end.

        Borders are the cumulative fractions, rounded half up, then moved apart so that each stage has at least one
        epoch, if there are as many epochs as stages. With fewer epochs some stages get none.

        Args:
            epochs: Number of epochs of the run, at least 1.

        Returns:
            ``(len(stages) + 1,)`` int64, non-decreasing, from 0 to ``epochs``.

        Example:
            >>> Curriculum(stages=[Stage("first", 0.3), Stage("second", 0.4), Stage("third", 0.3)]).borders(10).tolist()
            [0, 3, 7, 10]
        """
        fractions = np.array([stage.fraction for stage in self.stages], dtype=np.float64)
        # The small term lifts floating-point sums just below a half, which must be rounded up.
        ends = np.floor(np.cumsum(fractions) / fractions.sum() * epochs + 0.5 + 1e-9).astype(np.int64)
        borders = np.concatenate([[0], ends])
        if epochs >= (count := len(self.stages)):
            # At least one epoch after the previous border, and one left for each later stage.
            for k in range(1, count + 1):
                borders[k] = min(max(borders[k], borders[k - 1] + 1), epochs - (count - k))
        borders[-1] = epochs
        return borders

    def stage_at(self, epoch: int, epochs: int) -> tuple[int, int, int]:
        """Locate an epoch.

        Args:
            epoch: Zero-based epoch. Epochs past the end belong to the last stage.
            epochs: Number of epochs of the run.

        Returns:
            Index of the stage, first epoch of the stage and number of its epochs.
        """
        borders = self.borders(epochs)
        stage = int(np.searchsorted(borders[1:], min(epoch, epochs - 1), side="right"))
        return stage, int(borders[stage]), int(borders[stage + 1] - borders[stage])
