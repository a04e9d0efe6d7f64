"""``matting data``: list the readable data sets, verify or pack one, and extract portraits from COCO."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from matting.commands.console import counted, list_problems, track
from matting.commands.pools import Dask, Workers, cluster
from matting.errors import MattingError

if TYPE_CHECKING:
    from matting.data.formats.approximate import Refine
    from matting.data.verify import Report

data = typer.Typer(
    help="Data sets: list the formats, verify or pack a folder, extract portraits from COCO.", no_args_is_help=True
)


@data.command("list")
def list_formats() -> None:
    """List the supported formats, with their terms and where to get the data."""
    from matting.data.verify import FORMATS

    # Not a table: in a terminal of 80 columns its cells cut words, and an address must be on one line.
    for entry in FORMATS:
        typer.secho(entry.name, bold=True)
        facts = {"data set": entry.title, "images": entry.size, "licence": entry.licence, "obtain": entry.obtain}
        for name, fact in facts.items():
            typer.echo(f"  {name}: {fact}")


@data.command()
def verify(
    name: Annotated[str, typer.Argument(help="Format, as `matting data list` names it.", show_default=False)],
    path: Annotated[Path, typer.Argument(help="Folder of the data set.", show_default=False)],
    backgrounds: Annotated[
        Path | None, typer.Option(help="Folder of the official test backgrounds (PASCAL VOC), to check as well.")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="Number of threads; one per core by default.", min=1)] = None,
    dask: Dask = None,
) -> None:
    """Check a data set: folders, counts, pairs, sizes, mattes, leaks between splits, and every file's content.

    No file is changed. The exit code is 1 if there are problems; with doubts and notes alone it is 0. COCO-Matting is
    expected next to the folder 'coco' with its photos.
    """
    from matting.data.verify import find_format
    from matting.data.verify import verify as run
    from matting.shards import is_remote

    entry = find_format(name)
    if not path.is_dir() and not is_remote(path):
        found = "a file" if path.exists() else "nothing"
        raise MattingError(f"{path}: expected the folder of a data set, found {found}")
    with cluster(dask, workers):
        report = run(entry, path, track, workers, backgrounds)
    _print_summary(report)
    for heading, lines in (("notes", report.notes), ("doubts", report.doubts), ("problems", report.problems)):
        if lines:
            list_problems(f"{heading} ({len(lines)}):", lines)
    if report.problems:
        raise typer.Exit(1)
    typer.echo(f"{name}: complete and readable")


@data.command()
def pack(
    name: Annotated[str, typer.Argument(help="Format, as `matting data list` names it.", show_default=False)],
    path: Annotated[Path, typer.Argument(help="Folder of the data set.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the shards.", show_default=False)],
    shard_size: Annotated[int, typer.Option(help="Size of a shard in megabytes.", min=1)] = 256,
    workers: Workers = None,
    dask: Dask = None,
) -> None:
    """Pack a data set into a few large Parquet files, which are read row by row, also from s3:// and other stores.

    Images stay as they are. Read the result with corpus/portraits=hf_dataset, or with the library 'datasets'. An
    interrupted call resumes where it stopped. No file of the data set is changed.
    """
    from matting.data.packing import pack as run
    from matting.data.verify import find_format

    with cluster(dask, workers):
        shards = run(find_format(name), path, output, track, workers, shard_size * 10**6)
    size = sum(shard.stat().st_size for shard in shards)
    typer.echo(f"{len(shards)} shards, {size / 1e6:,.1f} MB: {output}")


def _print_summary(report: "Report") -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("split", "items", "published", "layered", "unusable", "short side", "soft", title=str(report.root))
    for row in report.splits:
        counts = (row.items, "" if row.published is None else row.published, row.layered, row.bad, row.median_side)
        table.add_row(row.split, *map(str, counts), f"{row.soft:.1%}")
    Console().print(table)


@data.command("coco-mattes")
def coco_mattes(
    coco: Annotated[Path, typer.Argument(help="Folder with train2017, val2017 and annotations.", show_default=False)],
    output: Annotated[Path, typer.Argument(help="Folder for the mattes of this split.", show_default=False)],
    split: Annotated[Literal["train", "val"], typer.Option(help="Split of COCO 2017.")] = "train",
    checkpoint: Annotated[
        str | None,
        typer.Option(help="Shipped model, run or checkpoint to refine with, instead of closed-form matting."),
    ] = None,
    limit: Annotated[int | None, typer.Option(help="Total number of portraits.", min=1)] = None,
    workers: Workers = None,
    dask: Dask = None,
) -> None:
    """Select portraits from COCO's instance annotations and refine their outlines into approximate mattes.

    An interrupted run resumes where it stopped. Train on the result with corpus/coarse=coco_instances.
    """
    from matting.data.formats import PersonFilter
    from matting.data.formats.coco_mattes import make_mattes, missing_mattes

    missing = missing_mattes(coco, output, split, PersonFilter(), limit)
    output.mkdir(parents=True, exist_ok=True)
    with cluster(dask, workers):
        made = make_mattes(coco / f"{split}2017", missing, output, _refinement(checkpoint), workers)
        # `track` needs a length for its bar, and the generator of mattes has none.
        for _, _ in zip(track(missing, "mattes"), made, strict=True):
            pass
    typer.echo(f"{counted(len(missing), 'matte')} made, {len(list(output.glob('*.png')))} in {output}")


def _refinement(checkpoint: str | None) -> "Refine":
    from matting.closed_form import closed_form

    if checkpoint is None:
        # The function itself: `make_mattes` gives several processes to this one only.
        return closed_form
    from matting.inference import load

    # Not 'auto', whose precision would depend on the machine that makes the mattes.
    predictor = load(checkpoint, precision="float32").predictor
    return lambda photo, trimap: predictor(photo)
