"""``matting curate``: judge the pairs of a data set, audit a sample, and write the verdicts that training reads."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from matting.commands.console import track

if TYPE_CHECKING:
    from matting.curation.run import Curation
    from matting.curation.verdicts import Measured

curate = typer.Typer(
    help="Curation: quality, annotation rules, cross-check and an edge audit. Nothing in the data set is changed.",
    no_args_is_help=True,
)

Folder = Annotated[Path, typer.Argument(help="Folder of a curation.", show_default=False)]
Limits = Annotated[Path | None, typer.Option(help="YAML file of 'check: limit' that replaces some of the limits.")]
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
    from matting.data.sources.splits import SPLITS

    _conclude(start_curation(output, name, path, split or SPLITS, regions), limits, workers)


@curate.command()
def crosscheck(
    folder: Folder,
    checkpoint: Annotated[
        list[Path], typer.Option(help="Run folder or checkpoint; one a fold, or any.", show_default=False)
    ],
    limits: Limits = None,
    workers: Workers = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "auto",
) -> None:
    """Compare every matte with what networks predict that have not seen it (gate 2, beside its critic).

    Networks trained with data.fold=K score only pairs of fold K. A network without a fold scores every pair: give one
    that was trained on other data.
    """
    from matting.curation.credibility import cross_check, load_judges, write_credibility
    from matting.curation.run import open_curation

    curation = open_curation(folder)
    judges = load_judges(checkpoint, device)
    scores, warnings = cross_check(curation.source, judges, folder / "disagreement", track)
    for warning in warnings:
        typer.secho(f"warning: {warning}", err=True, fg="yellow")
    write_credibility(curation.credibility, scores)
    _conclude(curation, limits, workers)


@curate.command()
def audit(
    folder: Folder,
    share: Annotated[float, typer.Option(help="Share of the accepted pairs that is drawn.")] = 0.05,
    seed: Annotated[int, typer.Option(help="Of the draw.")] = 0,
) -> None:
    """Draw a sample of the accepted pairs and make the page on which a person judges their edges (gate 3)."""
    from matting.curation.audit import draw_sample
    from matting.curation.audit_page import Entry, audit_page
    from matting.curation.run import open_curation, read_pair
    from matting.curation.verdicts import read_accepted
    from matting.images import write_atomic

    curation = open_curation(folder)
    accepted = read_accepted(curation.verdicts).get(curation.source.name, {})
    items = {item.name: index for index, item in enumerate(curation.source.items)}
    names = draw_sample([item for item in curation.source.items if accepted.get(item.name)], share, seed)
    if not names:
        raise ValueError(f"{curation.verdicts}: expected accepted pairs to audit, found none")
    entries = (
        Entry(name, curation.source.items[items[name]].tags, read_pair(curation.source, items[name]))
        for name in track(names, "drawing the page")
    )
    page = audit_page(entries, names, f"Edge audit of {curation.source.name}: {len(names)} pairs")
    write_atomic(folder / "audit.html", page.encode())
    write_atomic(curation.sample, "".join(f"{name}\n" for name in ["name", *names]).encode())
    typer.echo(f"{len(names)} of {sum(accepted.values())} accepted pairs drawn; open {folder / 'audit.html'}")


@curate.command()
def apply(
    folder: Folder,
    export: Annotated[Path, typer.Argument(help="JSON file that the audit page exported.", show_default=False)],
    limits: Limits = None,
    workers: Workers = None,
) -> None:
    """Merge the decisions of an audit into the verdicts, and estimate how many defects remain."""
    from matting.curation.audit import read_decisions, read_export, write_decisions
    from matting.curation.run import open_curation
    from matting.data.sources.folders import read_names

    curation = open_curation(folder)
    decisions = read_export(export, read_names(curation.sample)[1:])
    write_decisions(curation.decisions, read_decisions(curation.decisions) | decisions)
    typer.echo(f"{len(decisions)} decisions merged")
    _conclude(curation, limits, workers)


@curate.command()
def export(
    folder: Folder,
    parquet: Annotated[Path | None, typer.Option(help="Write the verdicts to this file.", show_default=False)] = None,
    fiftyone: Annotated[
        str | None, typer.Option(help="Make a FiftyOne data set of this name.", show_default=False)
    ] = None,
) -> None:
    """Give the verdicts to other tools."""
    from matting.curation.exports import to_fiftyone, write_parquet
    from matting.curation.run import open_curation

    if not (parquet or fiftyone):
        raise typer.BadParameter("expected --parquet FILE or --fiftyone NAME, found neither")
    curation = open_curation(folder)
    if parquet:
        write_parquet(curation.verdicts, parquet)
        typer.echo(f"verdicts: {parquet}")
    if fiftyone:
        count = to_fiftyone(curation, fiftyone)
        typer.echo(f"{count} pairs in '{fiftyone}'; look at them with: fiftyone app launch {fiftyone}")


def _conclude(curation: "Curation", limits: Path | None, workers: int | None) -> None:
    """Judge by everything that is known, write verdicts and reports, and print the funnel."""
    from matting.curation.audit import defect_rate, read_decisions
    from matting.curation.checks import Gate, read_limits
    from matting.curation.report import report_html, report_markdown, report_tables
    from matting.curation.run import measure_all
    from matting.curation.verdicts import judge, write_verdicts
    from matting.evaluation import to_markdown
    from matting.images import write_atomic

    chosen = read_limits(limits)
    measured = _with_credibility(measure_all(curation, track, workers), curation)
    decisions = read_decisions(curation.decisions)
    judged = [judge(one, chosen, decisions.get(one.name)) for one in measured]
    ran: list[Gate] = ["quality", "rules", "credibility"]
    ran += ["audit"] if decisions else []
    tables = report_tables(judged, ran, defect_rate(decisions))
    write_verdicts(curation.verdicts, judged)
    write_atomic(curation.folder / "report.md", report_markdown(curation, tables).encode())
    write_atomic(curation.folder / "report.html", report_html(curation, judged, tables).encode())
    for table in (tables[0], *tables[3:]):
        typer.echo(to_markdown(table))
    typer.echo(f"verdicts: {curation.verdicts}\nreport: {curation.folder / 'report.html'}")


def _with_credibility(measured: "list[Measured]", curation: "Curation") -> "list[Measured]":
    from matting.curation.credibility import read_credibility

    agreement = read_credibility(curation.credibility)
    return [one._replace(credibility=agreement.get(one.name)) for one in measured]
