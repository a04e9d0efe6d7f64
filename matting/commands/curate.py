"""``matting curate``: judge the pairs of a data set, audit a sample, and write the verdicts that training uses."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matting.commands.console import counted, track, warn
from matting.commands.pools import Dask, Workers, cluster

if TYPE_CHECKING:
    from matting.curation.run import Curation

curate = typer.Typer(
    help="Curation: quality, annotation rules, cross-check and an edge audit. Nothing in the data set is changed.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(help="Folder of a curation.", show_default=False)]
Limits = Annotated[
    Path | None,
    typer.Option(help="YAML file of 'check: limit' lines that override limits, for this and later commands."),
]


@curate.command()
def run(
    name: Annotated[str, typer.Argument(help="Format, as `matting data list` names it.", show_default=False)],
    path: Annotated[Path, typer.Argument(help="Folder of the data set.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the results.", show_default=False)],
    split: Annotated[list[str] | None, typer.Option(help="Split; may be repeated. All by default.")] = None,
    regions: Annotated[
        Path | None,
        typer.Option(
            help="Folder of NAME.png: 128 = translucent glass or plastic, 255 = reflection.", show_default=False
        ),
    ] = None,
    limits: Limits = None,
    workers: Workers = None,
    dask: Dask = None,
) -> None:
    """Check every pair with gate 1, the annotation rules and the critic of gate 2, and write the verdicts.

    An interrupted run resumes where it stopped. verdicts.csv has one row per pair; report.html shows the funnel and the
    worst pairs. Train on the accepted pairs with corpus.verdicts=OUTPUT/verdicts.csv.
    """
    from matting.curation.run import start_curation

    curation = start_curation(output, name, path, split or (), regions)
    with cluster(dask, workers):
        _conclude(curation, limits, workers)


@curate.command()
def crosscheck(
    folder: Folder,
    checkpoint: Annotated[
        list[Path], typer.Option(help="Run folder, checkpoint, or folder of a sweep.", show_default=False)
    ],
    limits: Limits = None,
    workers: Workers = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "auto",
    dask: Dask = None,
) -> None:
    """Compare every matte with predictions of networks that have not seen it (gate 2, along with its critic).

    Networks trained with data.fold=K score only the pairs of fold K. A network without a fold scores every pair: choose
    one that was trained on other data. 'credibility: 0.9' in --limits changes the required agreement from 0.92.
    """
    from matting.curation.conclusion import choose_limits
    from matting.curation.credibility import cross_check, load_judges
    from matting.curation.run import open_curation

    curation = open_curation(folder)
    credible = choose_limits(curation, limits)["credibility"]
    with cluster(dask, workers):
        for warning in cross_check(curation, load_judges(checkpoint, device), track, credible):
            warn(warning)
        _conclude(curation, limits, workers)


@curate.command()
def audit(
    folder: Folder,
    share: Annotated[float, typer.Option(help="Share of the accepted pairs to sample.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Seed of the sample.")] = 0,
) -> None:
    """Sample the accepted pairs and write the page on which a person judges their edges (gate 3)."""
    from matting.curation.conclusion import draw_audit
    from matting.curation.run import open_curation

    sample = draw_audit(open_curation(folder), share, seed, track)
    typer.echo(f"{sample.pairs} of {sample.accepted} accepted pairs sampled; open {sample.page}")


@curate.command()
def apply(
    folder: Folder,
    export: Annotated[Path, typer.Argument(help="JSON file that the audit page exported.", show_default=False)],
    limits: Limits = None,
    workers: Workers = None,
    dask: Dask = None,
) -> None:
    """Merge the decisions of an audit into the verdicts, and estimate how many defects remain."""
    from matting.curation.audit import read_decisions, read_export, read_sample, write_decisions
    from matting.curation.run import open_curation

    curation = open_curation(folder)
    sample = read_sample(curation.sample)
    decisions = read_export(export, sample)
    # Earlier decisions stay; where both judge a pair, the later one counts.
    write_decisions(curation.decisions, read_decisions(curation.decisions) | decisions)
    typer.echo(f"decisions on {len(decisions)} of {len(sample)} pairs of the sample merged")
    if len(decisions) < len(sample):
        warn("the estimate is valid only once the whole sample is judged; judge the other pairs as well")
    with cluster(dask, workers):
        _conclude(curation, limits, workers)


@curate.command()
def export(
    folder: Folder,
    parquet: Annotated[Path | None, typer.Option(help="Write the verdicts to this file.", show_default=False)] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            help="New folder for NAME.CHECK.png, images that mark where a pair fails a check.", show_default=False
        ),
    ] = None,
    fiftyone: Annotated[
        str | None, typer.Option(help="Create a FiftyOne data set of this name.", show_default=False)
    ] = None,
    workers: Workers = None,
    dask: Dask = None,
) -> None:
    """Export the verdicts for annotators and other tools."""
    from matting.curation.exports import to_fiftyone, write_images, write_parquet
    from matting.curation.run import open_curation

    if not (parquet or images or fiftyone):
        raise typer.BadParameter("expected --parquet FILE, --images FOLDER or --fiftyone NAME, found none")
    curation = open_curation(folder)
    if images:
        with cluster(dask, workers):
            count = write_images(curation, images, track, workers)
        typer.echo(f"{counted(count, 'image')}: {images}")
    if parquet:
        write_parquet(curation.verdicts, parquet)
        typer.echo(f"verdicts: {parquet}")
    if fiftyone:
        count = to_fiftyone(curation, fiftyone)
        typer.echo(f"{counted(count, 'pair')} in '{fiftyone}'; view them with: fiftyone app launch {fiftyone}")


def _conclude(curation: "Curation", limits: Path | None, workers: int | None) -> None:
    from matting.curation.conclusion import conclude
    from matting.evaluation.report import to_markdown

    found = conclude(curation, track, limits, workers)
    for table in found.tables:
        typer.echo(to_markdown(table))
    for warning in found.warnings:
        warn(warning)
    typer.echo(f"verdicts: {curation.verdicts}\nreport: {found.report}")
