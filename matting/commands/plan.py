"""``matting plan``: the draws of a training run, before it starts."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from matting.commands.pools import Dask, cluster

if TYPE_CHECKING:
    from rich.table import Table

    from matting.plan.schedule import Schedule


def plan(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Overrides of train.py.", show_default=False, metavar="[OVERRIDE]...")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per epoch.")] = False,
    image: Annotated[
        Path | None, typer.Option("--image", "-p", help="Plot the schedule to this PNG file.", show_default=False)
    ] = None,
    dask: Dask = None,
) -> None:
    """Print the draws of a training run by stage: streams, sets, difficulties, severities, pairs and repeats.

    The corpus is rendered and foregrounds are estimated first, where that has not been done; --dask does it on a
    cluster. Takes the overrides of train.py:
    matting plan data=mix_1_8_5_12 +curriculum=3stage trainer.max_epochs=10
    """
    from matting.config import build, load_config
    from matting.training.numbers import check_numbers
    from matting.training.schedule import build_schedule, planned_length

    config = load_config(overrides or [])
    check_numbers(config)
    length = planned_length(config)
    with cluster(dask):
        corpus = build(config.corpus)
    schedule = build_schedule(config, corpus, length)
    summaries = [_epoch(schedule, epoch) for epoch in range(length.epochs)]
    if as_json:
        for summary in summaries:
            typer.echo(json.dumps(summary))
    else:
        _print_tables(schedule, summaries)
    if image is not None:
        from matting.training.schedule_figure import draw_schedule

        draw_schedule(summaries, schedule.curriculum.name, image)
        typer.echo(f"schedule: {image}", err=True)


def _epoch(schedule: "Schedule", epoch: int) -> dict[str, Any]:
    from dataclasses import asdict

    from matting.plan.schedule import summarise

    return {"epoch": epoch, **asdict(summarise(schedule.plan(epoch)))}


def _print_tables(schedule: "Schedule", summaries: list[dict[str, Any]]) -> None:
    """Print one table per stage, for its first epoch: all epochs of a stage have the same counts per stream."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    from matting.plan.curriculum import DIFFICULTIES

    console = Console()
    stages = list(dict.fromkeys(summary["stage"] for summary in summaries))
    for stage in stages:
        epochs = [summary for summary in summaries if summary["stage"] == stage]
        first = epochs[0]
        span = f"epochs {first['epoch']}-{epochs[-1]['epoch']}" if len(epochs) > 1 else f"epoch {first['epoch']}"
        title = f"stage '{stage}', {span}, {first['rows']} rows per epoch (first epoch shown)"
        # Without lines between the columns 80 characters hold the longest name of a set.
        columns = ("stream", "rows", "share", *DIFFICULTIES, "items", "repeats")
        table = Table(*columns, title=title, box=SIMPLE_HEAD, pad_edge=False, collapse_padding=True)
        table.columns[0].overflow = "fold"  # keeps the names of sets complete on narrow terminals
        for column in table.columns[1:]:
            column.justify = "right"
        for stream, rows in first["stream"].items():
            levels = [str(first["difficulty"].get(f"{stream}/{level}", 0)) for level in DIFFICULTIES]
            repeats = first["repeats"].get(stream, {"items": 0, "fewest": 0, "most": 0})
            times = f"{repeats['fewest']}-{repeats['most']}x"
            table.add_row(stream, str(rows), f"{rows / first['rows']:.1%}", *levels, str(repeats["items"]), times)
            _add_sets(table, first, stream)
        console.print(table)
        severities = ", ".join(f"{name}: {count}" for name, count in first["severity"].items())
        console.print(f"severity  {severities}\npairs     {first['pairs']}; {_unpaired(schedule)}\n")


def _add_sets(table: "Table", summary: dict[str, Any], stream: str) -> None:
    """Add one row per data set of a stream, if there are several."""
    if len(summary["sets"][stream]) > 1:
        for name, rows in summary["sets"][stream].items():
            table.add_row(f" {name}", str(rows), f"{rows / summary['rows']:.1%}")


def _unpaired(schedule: "Schedule") -> str:
    items = [(len(index.layered), int(index.layered.sum())) for index in schedule.catalog.sources.values()]
    total, layered = (sum(column) for column in zip(*items, strict=True))
    return f"{total - layered} of {total} items have no foreground layer and no pairs"
