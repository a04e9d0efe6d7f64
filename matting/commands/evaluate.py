"""``matting evaluate``: score checkpoints, or any software's predictions, on a folder of photographs and mattes."""

import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from matting.commands.console import list_problems, track

if TYPE_CHECKING:
    from matting.evaluation import Evaluation, Listing, Method


def evaluate(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the report.", show_default=False)],
    checkpoint: Annotated[list[Path] | None, typer.Option(help="Run folder or checkpoint; repeat to compare.")] = None,
    predictions: Annotated[list[Path] | None, typer.Option(help="Folder of NAME.png mattes by any software.")] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of photographs, matched with --alphas by name.")] = None,
    alphas: Annotated[Path | None, typer.Option(help="Folder of true mattes.")] = None,
    trimaps: Annotated[Path | None, typer.Option(help="Folder of trimaps; made from the mattes by default.")] = None,
    pairs: Annotated[Path | None, typer.Option(help="Instead: folder of NAME/image.* with NAME/alpha.*")] = None,
    helped: Annotated[bool, typer.Option("--helped", help="Add closed-form matting, given the true trimap.")] = False,
    labels: Annotated[Path | None, typer.Option(help="CSV of name and 0/1 columns: a result row per label.")] = None,
    size: Annotated[int | None, typer.Option(help="Working size: a multiple of 32; the run's own by default.")] = None,
    protocol: Annotated[Literal["adobe", "p3m"], typer.Option(help="Definition of the metrics.")] = "adobe",
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "auto",
    allow_unmatched: Annotated[bool, typer.Option("--allow-unmatched", help="Score what is complete, exit 0.")] = False,
) -> None:
    """Score mattes with SAD, MSE, MAD, Grad and Conn and write a report.

    The first checkpoint (or else the first folder of predictions) is the method under test; the others stand beside it.
    Pictures without a partner, unreadable files and sizes that differ are listed and make the exit code 1. An
    evaluation that was interrupted goes on where it stopped when the same command is given again.
    """
    from matting.evaluation import Journal, Setting, evaluate, unmatched, with_labels, write_report

    start = time.perf_counter()
    listing = _find_pairs(images, alphas, trimaps, pairs)
    listing = with_labels(listing, labels) if labels else listing
    methods, descriptions = _methods(checkpoint or [], predictions or [], size, device, helped)
    problems = [*listing.problems, *(line for folder in predictions or [] for line in unmatched(listing.pairs, folder))]
    if problems:
        list_problems(f"{len(problems)} names do not match:", problems)
        if not allow_unmatched:
            raise ValueError("nothing was scored; complete the folders, or give --allow-unmatched to score the rest")
    data = [_state(folder) for folder in (images, alphas, trimaps, pairs) if folder]
    journal = Journal(output / "unfinished.jsonl", question=f"{protocol}; {descriptions}; {data}")
    if len(journal):
        typer.echo(f"going on with an evaluation of which {len(journal)} pictures are scored", err=True)
    evaluation = evaluate(methods, track(listing.pairs, "evaluating"), protocol=protocol, journal=journal)
    setting = Setting(
        title=f"Matting report: {', '.join(sorted({pair.dataset for pair in listing.pairs}))}",
        corpus=f"pictures of {alphas or pairs}",
        methods=descriptions,
        wall_seconds=time.perf_counter() - start,
    )
    write_report(output, evaluation, methods, setting)
    journal.remove()
    _print_summary(evaluation, descriptions, output)
    if evaluation.failures:
        reasons = [f"{failure.pair.name}: {failure.reason}" for failure in evaluation.failures]
        list_problems(f"{len(reasons)} pictures could not be scored:", reasons)
        raise typer.Exit(0 if allow_unmatched else 1)


def _find_pairs(images: Path | None, alphas: Path | None, trimaps: Path | None, pairs: Path | None) -> "Listing":
    from matting.evaluation import pairs_from_folders, pairs_from_root

    if pairs and not (images or alphas or trimaps):
        listing = pairs_from_root(pairs)
    elif images and alphas and not pairs:
        listing = pairs_from_folders(images, alphas, trimaps)
    else:
        raise ValueError("expected either --pairs DIR, or --images DIR with --alphas DIR; give one of the two")
    if not listing.pairs:
        list_problems("no complete pair:", listing.problems)
        raise ValueError(f"{pairs or images}: expected at least one photograph with its matte, found none")
    return listing


def _methods(
    checkpoints: Sequence[Path], predictions: Sequence[Path], size: int | None, device: str, helped: bool
) -> tuple[dict[str, "Method"], dict[str, str]]:
    from matting.evaluation import all_foreground, on_photograph, stored_predictions
    from matting.evaluation.helped import closed_form
    from matting.inference import Predictor
    from matting.models import load_checkpoint

    if not checkpoints and not predictions:
        raise ValueError("expected something to evaluate; give --checkpoint RUN, --predictions DIR, or both")
    methods: dict[str, Method] = {}
    descriptions: dict[str, str] = {}
    names = short_names([*checkpoints, *predictions])
    for path in checkpoints:
        trained = load_checkpoint(path)
        predictor = Predictor(trained.model, size or trained.size, device)
        methods[names[path]] = on_photograph(predictor)
        descriptions[names[path]] = f"{_state(trained.path)}, trained on: {trained.corpus}; {predictor.resizing}"
    for path in predictions:
        methods[names[path]] = stored_predictions(path)
        descriptions[names[path]] = f"mattes stored in {_state(path)}, scored as they are"
    if helped:
        methods["closed form, helped"] = closed_form()
        descriptions["closed form, helped"] = (
            "Levin et al. 2008 by PyMatting, told the true trimap; long side to 512 px"
        )
    methods["all foreground"] = all_foreground
    descriptions["all foreground"] = "trivial baseline: alpha 1 everywhere"
    return methods, descriptions


def _state(path: Path) -> str:
    """Name a file or folder with the time of its last change: what tells a retrained checkpoint from the old one."""
    changed = max(file.stat().st_mtime for file in (path, *path.rglob("*")) if file.exists())
    return f"{path} of {datetime.fromtimestamp(changed).isoformat(' ', 'seconds')}"


def short_names(paths: Sequence[Path]) -> dict[Path, str]:
    """Name paths by as few of their last parts as tell them apart.

    Raises:
        ValueError: A path is given twice.
    """
    parts = {path: path.resolve().parts for path in paths}
    if len(set(parts.values())) < len(paths):
        raise ValueError(f"expected different methods, found one twice in {', '.join(map(str, paths))}")
    for depth in range(1, 100):
        names = {path: "/".join(parts[path][-depth:]) for path in paths}
        if len(set(names.values())) == len(paths):
            break
    return names


def _print_summary(evaluation: "Evaluation", descriptions: Mapping[str, str], output: Path) -> None:
    from matting.evaluation import method_tables, to_markdown

    for table in method_tables(evaluation):
        typer.echo(to_markdown(table))
    for name, description in descriptions.items():
        typer.echo(f"{name}: {description}")
    typer.echo(f"report: {output / 'report.html'}")
