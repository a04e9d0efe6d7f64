"""``matting curate``: judge the pairs of a data set, audit a sample, and write the verdicts that training reads."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matting.commands.console import track

if TYPE_CHECKING:
    from matting.curation.run import Curation

curate = typer.Typer(
    help="Curation: quality, annotation rules, cross-check and an edge audit. Nothing in the data set is changed.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(help="Folder of a curation.", show_default=False)]
Limits = Annotated[
    Path | None,
    typer.Option(help="YAML file of 'check: limit' that replaces some of the limits, now and in later commands."),
]
Workers = Annotated[int | None, typer.Option(help="Processes; all cores by default.", min=1)]


@curate.command()
def run(
    name: Annotated[str, typer.Argument(help="Format, as `matting data list` names it.", show_default=False)],
    path: Annotated[Path, typer.Argument(help="Folder of the data set.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.", show_default=False)],
    split: Annotated[list[str] | None, typer.Option(help="Split, may be repeated; all by default.")] = None,
    regions: Annotated[
        Path | None,
        typer.Option(
            help="Folder of NAME.png: 128 = translucent glass or plastic, 255 = reflection.", show_default=False
        ),
    ] = None,
    limits: Limits = None,
    workers: Workers = None,
) -> None:
    """Measure every pair by gate 1, the annotation rules and the critic of gate 2, and write the verdicts.

    An interrupted run goes on where it stopped. verdicts.csv has a row a pair, report.html the funnel and the worst
    pairs; train on what was accepted with corpus.verdicts=OUTPUT/verdicts.csv.
    """
    from matting.curation.run import start_curation

    _conclude(start_curation(output, name, path, split or (), regions), limits, workers)


@curate.command()
def crosscheck(
    folder: Folder,
    checkpoint: Annotated[
        list[Path], typer.Option(help="Run folder, checkpoint, or folder of a sweep.", show_default=False)
    ],
    limits: Limits = None,
    workers: Workers = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "auto",
) -> None:
    """Compare every matte with what networks predict that have not seen it (gate 2, next to its critic).

    Networks trained with data.fold=K score only pairs of fold K. A network without a fold scores every pair: give one
    that was trained on other data. 'credibility: 0.9' in --limits asks for another agreement than 0.92.
    """
    from matting.curation.conclusion import choose_limits
    from matting.curation.credibility import cross_check, load_judges
    from matting.curation.run import open_curation

    curation = open_curation(folder)
    credible = choose_limits(curation, limits)["credibility"]
    for warning in cross_check(curation, load_judges(checkpoint, device), track, credible):
        _warn(warning)
    _conclude(curation, limits, workers)


@curate.command()
def audit(
    folder: Folder,
    share: Annotated[float, typer.Option(help="Share of the accepted pairs that is drawn.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
) -> None:
    """Draw a sample of the accepted pairs and make the page on which a person judges their edges (gate 3)."""
    from matting.curation.conclusion import draw_audit
    from matting.curation.run import open_curation

    drawn = draw_audit(open_curation(folder), share, seed, track)
    typer.echo(f"{drawn.pairs} of {drawn.accepted} accepted pairs drawn; open {drawn.page}")


@curate.command()
def apply(
    folder: Folder,
    export: Annotated[Path, typer.Argument(help="JSON file that the audit page exported.", show_default=False)],
    limits: Limits = None,
    workers: Workers = None,
) -> None:
    """Merge the decisions of an audit into the verdicts, and estimate how many defects remain."""
    from matting.curation.audit import read_decisions, read_export, read_sample, write_decisions
    from matting.curation.run import open_curation

    curation = open_curation(folder)
    sample = read_sample(curation.sample)
    decisions = read_export(export, sample)
    write_decisions(curation.decisions, read_decisions(curation.decisions) | decisions)
    typer.echo(f"decisions on {len(decisions)} of {len(sample)} pairs of the sample merged")
    if len(decisions) < len(sample):
        _warn("what is said of the pairs that nobody looked at holds for a whole sample: decide on the others as well")
    _conclude(curation, limits, workers)


@curate.command()
def export(
    folder: Folder,
    parquet: Annotated[Path | None, typer.Option(help="Write the verdicts to this file.", show_default=False)] = None,
    images: Annotated[
        Path | None,
        typer.Option(help="New folder for NAME.CHECK.png, where each failed pair fails.", show_default=False),
    ] = None,
    fiftyone: Annotated[
        str | None, typer.Option(help="Make a FiftyOne data set of this name.", show_default=False)
    ] = None,
    workers: Workers = None,
) -> None:
    """Give the verdicts to annotators and other tools."""
    from matting.curation.exports import to_fiftyone, write_images, write_parquet
    from matting.curation.run import open_curation

    if not (parquet or images or fiftyone):
        raise typer.BadParameter("expected --parquet FILE, --images FOLDER or --fiftyone NAME, found none")
    curation = open_curation(folder)
    if images:
        count = write_images(curation, images, track, workers)
        typer.echo(f"{count} images: {images}")
    if parquet:
        write_parquet(curation.verdicts, parquet)
        typer.echo(f"verdicts: {parquet}")
    if fiftyone:
        count = to_fiftyone(curation, fiftyone)
        typer.echo(f"{count} pairs in '{fiftyone}'; look at them with: fiftyone app launch {fiftyone}")


def _conclude(curation: "Curation", limits: Path | None, workers: int | None) -> None:
    from matting.curation.conclusion import conclude
    from matting.evaluation.report import to_markdown

    found = conclude(curation, track, limits, workers)
    for table in found.tables:
        typer.echo(to_markdown(table))
    for warning in found.warnings:
        _warn(warning)
    typer.echo(f"verdicts: {curation.verdicts}\nreport: {found.report}")


def _warn(text: str) -> None:
    typer.secho(f"warning: {text}", err=True, fg="yellow")
