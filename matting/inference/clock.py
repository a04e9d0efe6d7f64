"""Measure the time of each processing step."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Clock:
    """Accumulate the seconds spent in named steps.

    Args:
        begun: Called with the name of each step when it begins.

    Attributes:
        seconds: Wall time by step, in the order of first use.

    Example:
        >>> clock = Clock()
        >>> with clock("decode"):
        ...     data = b"".join([b"photo"])
        >>> list(clock.seconds)
        ['decode']
    """

    def __init__(self, begun: Callable[[str], object] | None = None) -> None:
        self.seconds: dict[str, float] = {}
        self._begun = begun

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        """Time the block under the step's name."""
        if self._begun is not None:
            self._begun(step)
        start = time.perf_counter()
        try:
            yield
        finally:
            # The time of a photo that fails counts too: `cut_out_all` continues with the same clock.
            self.seconds[step] = self.seconds.get(step, 0.0) + time.perf_counter() - start

    def add(self, other: "Clock") -> None:
        """Add the times of another clock, such as that of another process."""
        for step, seconds in other.seconds.items():
            self.seconds[step] = self.seconds.get(step, 0.0) + seconds

    def __str__(self) -> str:
        """Return the steps and their sum, such as ``decode 120 ms, network 210 ms, total 330 ms``."""
        steps = [*self.seconds.items(), ("total", sum(self.seconds.values()))]
        return ", ".join(f"{step} {1000 * seconds:.0f} ms" for step, seconds in steps)
