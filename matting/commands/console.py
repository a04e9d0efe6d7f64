"""Console output shared by all sub-commands: progress and problems go to stderr, so that stdout is only for results."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

import typer

T = TypeVar("T")


def track(items: Sequence[T], doing: str) -> Iterator[T]:
    """Yield items under a progress bar with their number, rate and time left.

    Args:
        items: The work, processed one item after the other.
        doing: Label of the progress bar.

    Yields:
        The items.
    """
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    class Rate(ProgressColumn):
        """Items per second."""

        def render(self, task: Task) -> str:
            speed = task.finished_speed or task.speed
            return f"{speed:.2g}/s" if speed else ""

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Rate())
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        yield from progress.track(items, description=doing)


def list_problems(heading: str, problems: Iterable[str]) -> None:
    """Print a heading and one line per problem to stderr."""
    typer.secho(heading, err=True, fg="yellow")
    for problem in problems:
        typer.echo(f"  {problem}", err=True)
