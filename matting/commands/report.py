"""``matting report``: compare training runs, in tables and figures that can be recreated from three CSV files."""

import os
from pathlib import Path
from typing import Annotated

import typer

from matting.commands.console import counted, list_problems
from matting.errors import MattingError


def report(
    runs: Annotated[
        list[Path],
        typer.Argument(
            help="Run folders, or folders of sweeps; with --summary, folders of reports.", metavar="RUNS..."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the tables.", show_default=False)],
    reference: Annotated[
        str | None, typer.Option(help="Row to compare the others with; the first by default.", show_default=False)
    ] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="Draw the effects of several reports, in effects.md and effects.png.")
    ] = False,
) -> None:
    """Summarise training runs in runs.csv, per_image.csv, curves.csv, table.md and two figures.

    Runs that differ only in their seed form one row. Runs with different test images or metrics are refused; runs
    that crashed or are missing are listed. The same runs give the same files.
    """
    from matting.commands.console import track
    from matting.extras import require
    from matting.files import write_atomic
    from matting.studies import find_runs, gather, read_study, study_markdown, write_study
    from matting.studies.figures import plot_groups, plot_learning_curves

    require("matplotlib", "matting report")  # before anything is written
    if summary:
        if reference:
            raise MattingError("--summary: expected no --reference, since every report has its own; leave it out")
        _summarise(runs, output)
        return
    write_study(output, gather(find_runs(runs), reference))
    study = read_study(output)  # read back, so that the page depends only on the three files
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
        list_problems(f"{counted(len(missing), 'run')} without results:", missing)


def _summarise(folders: list[Path], output: Path) -> None:
    from matting.evaluation.report import to_markdown
    from matting.files import write_atomic
    from matting.studies import read_study
    from matting.studies.effects import effects_table, plot_effects
    from matting.studies.study import RUNS

    for folder in folders:
        if not (folder / RUNS).is_file():
            raise MattingError(f"{folder}: expected a folder that 'matting report' wrote, found no {RUNS} in it")
    folders = [folder.resolve() for folder in folders]
    top = os.path.commonpath([folder.parent for folder in folders])
    studies = {folder.relative_to(top).as_posix(): read_study(folder) for folder in folders}
    for name, study in studies.items():
        if len(study.rows) < 2:
            raise MattingError(f"{name}: expected a report of two rows or more, found {len(study.rows)}; leave it out")
    output.mkdir(parents=True, exist_ok=True)
    write_atomic(output / "effects.md", to_markdown(effects_table(studies)).encode())
    plot_effects(studies, output / "effects.png")
    typer.echo((output / "effects.md").read_text())
    typer.echo(f"effects of {len(studies)} studies: {output / 'effects.md'}, {output / 'effects.png'}")
