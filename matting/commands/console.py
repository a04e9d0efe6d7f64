"""Console output shared by all sub-commands: progress and problems go to stderr, so that stdout is only for results."""

import sys
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

import typer

if TYPE_CHECKING:
    from matting.inference import Model

T = TypeVar("T")

SHOWN = 40
"""Problems of a kind that are printed."""

LINE_EVERY = 30
"""Seconds between two lines of progress where the output is no terminal, such as in the log of a job."""


def track(items: Sequence[T], doing: str) -> Iterator[T]:
    """Yield items under a progress bar with their number, rate and time left; without a terminal, a line now and then.

    Args:
        items: The work, processed one item after the other.
        doing: Label of the progress bar.

    Yields:
        The items.
    """
    if not sys.stderr.isatty():
        yield from _track_in_lines(items, doing)
        return
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
    # On stderr, since rich prints to stdout by default.
    with Progress(*columns, TimeElapsedColumn(), TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        yield from progress.track(items, description=doing)


def _track_in_lines(items: Sequence[T], doing: str) -> Iterator[T]:
    # The first line comes after LINE_EVERY seconds, so short work prints none.
    start = last = time.monotonic()
    for number, item in enumerate(items):
        now = time.monotonic()
        if now - last >= LINE_EVERY:
            last, spent = now, now - start
            left = f", about {spent / number * (len(items) - number) / 60:.0f} min left" if number else ""
            typer.echo(f"{doing}: {number} of {len(items)} after {spent / 60:.1f} min{left}", err=True)
        yield item


def counted(number: int, noun: str) -> str:
    """Return a number with its noun, such as ``1 cutout`` and ``2 cutouts``."""
    return f"{number} {noun}" + ("" if number == 1 else "s")


def warn(text: str) -> None:
    """Print a warning to stderr."""
    typer.secho(f"warning: {text}", err=True, fg="yellow")


def introduce(model: "Model") -> None:
    """Print what a loaded model is, how it scored, and what speaks against using it, to stderr."""
    typer.echo(str(model), err=True)
    for line in model.scores:
        typer.echo(f"scores on {line}", err=True)
    if model.doubt:
        warn(f"{model.name}: {model.doubt}")


def list_problems(heading: str, problems: Sequence[str]) -> None:
    """Print a heading and one line per problem to stderr, up to `SHOWN`: a large set may have as many as images."""
    typer.secho(heading, err=True, fg="yellow")
    for problem in problems[:SHOWN]:
        typer.echo(f"  {problem}", err=True)
    if len(problems) > SHOWN:
        typer.echo(f"  … and {len(problems) - SHOWN} more", err=True)
