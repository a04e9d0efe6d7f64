"""``matting report``: training runs side by side, as tables and figures that can be made again from three CSV files."""

from pathlib import Path
from typing import Annotated

import typer

from matting.commands.console import list_problems


def report(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or folders of sweeps.", metavar="RUNS...")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the tables.", show_default=False)],
    reference: Annotated[
        str | None, typer.Option(help="Row to compare the others with; the first one by default.", show_default=False)
    ] = None,
) -> None:
    """Gather training runs into runs.csv, per_image.csv, curves.csv, table.md and two figures.

    Runs that differ by their seed alone make one row. Runs of different corpora, test images or metrics are refused;
    runs that crashed or are missing are listed. The same runs give the same files.
    """
    from matting.commands.console import track
    from matting.files import write_atomic
    from matting.studies import find_runs, gather, read_study, study_markdown, write_study
    from matting.studies.figures import plot_groups, plot_learning_curves

    write_study(output, gather(find_runs(runs), reference))
    study = read_study(output)  # what a reader of the files has: the page can be made again from them
    pages = {
        "learning_curves.png": lambda path: plot_learning_curves(study, path),
        "groups.png": lambda path: plot_groups(study, path),
        "table.md": lambda path: write_atomic(path, study_markdown(study).encode()),
    }
    for name in track(list(pages), "writing"):
        pages[name](output / name)
    typer.echo((output / "table.md").read_text())
    typer.echo(f"report: {output / 'table.md'}")
    if missing := study.missing():
        list_problems(f"{len(missing)} runs have no figures:", missing)
