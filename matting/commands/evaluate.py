"""``matting evaluate``: score checkpoints, or predictions of any software, on images with true mattes."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from matting.commands.console import counted, list_problems, track
from matting.commands.pools import Dask, cluster
from matting.errors import MattingError

if TYPE_CHECKING:
    from matting.data.test_sets import Pair
    from matting.evaluation import Description, Evaluation, Journal
    from matting.evaluation.candidates import Candidate
    from matting.metrics.definition import Protocol


def evaluate(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for the report.", show_default=False)],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(help="Overrides of train.py that select a corpus.", metavar="[OVERRIDE]...", show_default=False),
    ] = None,
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(help="Shipped model, run, checkpoint, model folder, .onnx or hf:OWNER/NAME; repeat to compare."),
    ] = None,
    predictions: Annotated[
        list[str] | None,
        typer.Option(
            help="Folder of mattes NAME.png or SET/NAME.png by any software; METHOD=FOLDER names it. "
            "JPEG is read, with its errors."
        ),
    ] = None,
    images: Annotated[Path | None, typer.Option(help="Folder of images, matched with --alphas by name.")] = None,
    alphas: Annotated[Path | None, typer.Option(help="Folder of true mattes.")] = None,
    trimaps: Annotated[
        Path | None, typer.Option(help="Folder of trimaps; computed from the mattes by default.")
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option(help="Folder of NAME/image.* and NAME/alpha.*, or of several such sets.")
    ] = None,
    trimap_based: Annotated[
        bool, typer.Option("--trimap-based", help="Add closed-form matting, which is given the true trimap.")
    ] = False,
    labels: Annotated[
        Path | None, typer.Option(help="CSV with a column 'name' and one 0/1 column per label, for results per label.")
    ] = None,
    corruptions: Annotated[bool, typer.Option("--corruptions", help="Also corrupt every image in 70 ways.")] = False,
    size: Annotated[int | None, typer.Option(help="Working size, a multiple of 32; the run's own by default.")] = None,
    protocol: Annotated[Literal["adobe", "p3m"], typer.Option(help="Definition of the metrics.")] = "adobe",
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "auto",
    allow_unmatched: Annotated[
        bool, typer.Option("--allow-unmatched", help="Score the complete pairs and exit with 0.")
    ] = False,
    dask: Dask = None,
) -> None:
    """Score mattes with SAD, MSE, MAD, Grad and Conn and write a report.

    The images are the test set of a corpus (matting evaluate corpus=synthetic ...), two folders, or a folder of pairs.
    The first checkpoint, or else the first folder of predictions, is the method under test; the others are compared
    with it. A method that fails on an image loses that image alone. Images without a partner, unreadable files and
    different sizes are listed, and the exit code is 1. The same command resumes an interrupted evaluation.
    """
    start = time.perf_counter()
    if not checkpoint and not predictions:
        raise MattingError("expected something to evaluate; give --checkpoint RUN, --predictions DIR, or both")
    # Paths and names first: a typing error should not cost the time to load networks.
    stored = _check_folders(predictions or [], images, alphas, trimaps, pairs, labels, output)
    with cluster(dask):
        tests = _find_tests(overrides or [], images, alphas, trimaps, pairs, labels, output)
        _check_names(tests, stored, allow_unmatched)
        # These import torch: only after what may be mistyped is checked.
        from matting.evaluation import Setting, corrupted_pairs
        from matting.evaluation.candidates import load_candidates
        from matting.evaluation.report import write_report

        candidates = load_candidates(checkpoint or [], stored, tests.pairs, size, device, trimap_based, output)
        looking = {name: candidate for name, candidate in candidates.items() if candidate.looks}
        if corruptions and not looking:
            raise MattingError("stored predictions are of uncorrupted images; give --checkpoint with --corruptions")
        # `corruptions` is a bool, so that makes one journal or two.
        journals = [_journal(output / name, candidates, protocol, tests) for name in _JOURNALS[: 1 + corruptions]]
        evaluation = _score(candidates, tests.pairs, protocol, journals[0])
        corrupted = None
        if corruptions:
            # Of the scored images only: one that cannot be read would fail again in all 70 ways.
            # A list, because `track` needs a length.
            corrupted = _score(looking, list(corrupted_pairs(evaluation.pairs)), protocol, journals[1])
    setting = Setting(
        title=f"Matting report: {', '.join(sorted({pair.dataset for pair in tests.pairs}))}",
        corpus=tests.label,
        methods={name: candidate.description for name, candidate in candidates.items()},
        wall_seconds=time.perf_counter() - start,
        only_tested=tests.only_tested,
    )
    write_report(
        output, evaluation, {name: candidate.method for name, candidate in candidates.items()}, setting, corrupted
    )
    # Not earlier: until the report is written, they have the only copy of the scores.
    for journal in journals:
        journal.remove()
    _print_summary(evaluation, setting.methods, output)
    if evaluation.doubts:
        list_problems("doubtful true mattes:", [f"{doubt.pair.name}: {doubt.reason}" for doubt in evaluation.doubts])
    failures = [*evaluation.failures, *(corrupted.failures if corrupted else ())]
    if failures:
        list_problems(
            f"{counted(len(failures), 'score')} could not be computed:", [str(failure) for failure in failures]
        )
        raise typer.Exit(0 if allow_unmatched else 1)


_JOURNALS = ("unfinished.jsonl", "unfinished_corruptions.jsonl")


class _Tests(NamedTuple):
    """The test images, their problems and label, a state that differs once they have changed, and sets only tested."""

    pairs: "list[Pair]"
    problems: list[str]
    label: str
    state: str
    only_tested: frozenset[str] = frozenset()


def _check_folders(
    predictions: Sequence[str],
    images: Path | None,
    alphas: Path | None,
    trimaps: Path | None,
    pairs: Path | None,
    labels: Path | None,
    output: Path,
) -> dict[str, Path]:
    """Return the folders of predictions by name; raise if a given path is not what is expected there."""
    from matting.data.test_sets import name_predictions

    options = {"--images": images, "--alphas": alphas, "--trimaps": trimaps, "--pairs": pairs}
    for option, path in options.items():
        if path and not path.is_dir():
            found = "a file" if path.exists() else "nothing"
            raise FileNotFoundError(f"{option} {path}: expected a folder, found {found}; check the path")
    if labels and not labels.is_file():
        raise FileNotFoundError(f"{labels}: expected a CSV table of labels, found none; check the path")
    if output.exists() and not output.is_dir():
        raise FileExistsError(f"-o {output}: expected a folder for the report, found a file; choose another name")
    return name_predictions(predictions)


def _check_names(tests: _Tests, predictions: "Mapping[str, Path]", allow_unmatched: bool) -> None:
    from matting.data.test_sets import match_predictions

    unmatched = [line for one in predictions.values() for line in match_predictions(tests.pairs, one).problems]
    problems = [*tests.problems, *unmatched]
    if not problems:
        return
    list_problems(f"{counted(len(problems), 'name')} without a match:", problems)
    if not allow_unmatched:
        raise MattingError("nothing was scored; complete the folders, or give --allow-unmatched to score the rest")


def _find_tests(
    overrides: Sequence[str],
    images: Path | None,
    alphas: Path | None,
    trimaps: Path | None,
    pairs: Path | None,
    labels: Path | None,
    output: Path,
) -> _Tests:
    from matting.data.test_sets import pairs_from_folders, pairs_from_root, with_labels
    from matting.files import dated

    if overrides and not (pairs or images or alphas or trimaps or labels):
        return _corpus_tests(overrides)
    if pairs and not (overrides or images or alphas or trimaps):
        listing = pairs_from_root(pairs)
    elif images and alphas and not (overrides or pairs):
        listing = pairs_from_folders(images, alphas, trimaps)
    else:
        raise MattingError(
            "expected one of three: overrides such as corpus=synthetic, --pairs DIR, or --images DIR with --alphas "
            "DIR; --trimaps goes with the last, --labels with the last two"
        )
    listing = with_labels(listing, labels) if labels else listing
    if not listing.pairs:
        list_problems("no complete pair:", listing.problems)
        raise MattingError(f"{pairs or images}: expected at least one photo with its matte, found none")
    state = ", ".join(dated(path, output) for path in (images, alphas, trimaps, pairs, labels) if path)
    return _Tests(listing.pairs, listing.problems, f"images of {alphas or pairs}", state)


def _corpus_tests(overrides: Sequence[str]) -> _Tests:
    from matting.config import build, load_config

    corpus = build(load_config(overrides).corpus)
    return _Tests(corpus.test, [], corpus.label, f"{corpus.label}, {' '.join(overrides)}", corpus.only_tested)


def _journal(path: Path, candidates: "Mapping[str, Candidate]", protocol: "Protocol", tests: _Tests) -> "Journal":
    from matting.evaluation import Journal

    methods = {name: candidate.description.text for name, candidate in candidates.items()}
    # Descriptions have digests and dates: a method that has changed since is scored anew.
    journal = Journal(path, question=f"{protocol}; {methods}; {tests.state}")
    if len(journal):
        typer.echo(f"resuming an evaluation; images already scored: {len(journal)}", err=True)
    return journal


def _score(
    candidates: "Mapping[str, Candidate]", pairs: "Sequence[Pair]", protocol: "Protocol", journal: "Journal"
) -> "Evaluation":
    from matting.evaluation import evaluate

    methods = {name: candidate.method for name, candidate in candidates.items()}
    progress = partial(track, doing="evaluating")
    return evaluate(methods, pairs, protocol=protocol, journal=journal, progress=progress)


def _print_summary(evaluation: "Evaluation", descriptions: "Mapping[str, Description]", output: Path) -> None:
    from matting.evaluation.report import method_tables, protocol_facts, to_markdown

    for table in method_tables(evaluation):
        typer.echo(to_markdown(table))
    facts = protocol_facts(evaluation) | {name: description.text for name, description in descriptions.items()}
    for name, fact in facts.items():
        typer.echo(f"{name}: {fact}")
    typer.echo(f"report: {output / 'report.html'}")
