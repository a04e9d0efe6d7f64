"""``matting cutout``: photographs in, RGBA PNGs of their own size out."""

import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, NamedTuple

import typer

from matting.commands.console import list_problems, track


class Job(NamedTuple):
    """A photograph and the file its cut-out goes to."""

    photo: Path
    target: Path


def cutout(
    photos: Annotated[list[Path], typer.Argument(help="Photographs, or folders of them.", show_default=False)],
    checkpoint: Annotated[Path, typer.Option(help="Run folder or checkpoint file.", show_default=False)],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder for NAME.png.", show_default=False)],
    size: Annotated[int | None, typer.Option(help="Working size: a multiple of 32; the run's own by default.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "auto",
) -> None:
    """Cut the people out of photographs.

    Every photograph gives an RGBA PNG of its original size. Folders are searched and keep their tree. A file that
    cannot be read is listed at the end and makes the exit code 1; the others are done all the same.
    """
    from matting.images import write_png
    from matting.inference import Predictor, cut_out_file
    from matting.models import load_checkpoint

    jobs = plan_jobs(photos, output)
    trained = load_checkpoint(checkpoint)
    predictor = Predictor(trained.model, size or trained.size, device)
    failures: list[str] = []
    start = time.perf_counter()
    for job in track(jobs, "cutting out"):
        try:
            job.target.parent.mkdir(parents=True, exist_ok=True)
            write_png(job.target, cut_out_file(predictor, job.photo))
        except (ValueError, OSError) as error:
            failures.append(str(error))
    rate = len(jobs) / (time.perf_counter() - start)
    typer.echo(f"{len(jobs) - len(failures)} cut-outs in {output}, {rate:.2g} photographs a second")
    if failures:
        list_problems(f"{len(failures)} of {len(jobs)} photographs failed:", failures)
        raise typer.Exit(1)


def plan_jobs(photos: Sequence[Path], output: Path) -> list[Job]:
    """Say which file each photograph's cut-out goes to, before any is opened.

    Args:
        photos: Files, which need not be pictures by name, and folders, which are searched for pictures.
        output: Folder of the results: ``NAME.png`` for a file, ``SUB/NAME.png`` for one found below a folder.

    Returns:
        One job per photograph, each named once however often it was given.

    Raises:
        FileNotFoundError: A path does not exist, or no photograph was found.
        ValueError: Two photographs would give one file, or a result would replace one of the photographs.
    """
    jobs = {job.photo.resolve(): job for path in photos for job in _jobs_of(path, output)}
    if not jobs:
        raise FileNotFoundError(f"expected photographs, found none in {', '.join(map(str, photos))}")
    by_target: dict[Path, list[Path]] = defaultdict(list)
    for job in jobs.values():
        by_target[job.target.resolve()].append(job.photo)
    for target, sources in by_target.items():
        if len(sources) > 1:
            listed = " and ".join(map(str, sources[:3]))
            raise ValueError(f"expected one photograph per result, but {listed} would all become {target}; rename one")
        if target in jobs:
            raise ValueError(f"{target}: a cut-out would replace this photograph; choose another folder with --output")
    return list(jobs.values())


def _jobs_of(path: Path, output: Path) -> list[Job]:
    from matting.images import list_pictures

    if path.is_dir():
        found = list_pictures(path, recursive=True)
        return [Job(photo, (output / photo.relative_to(path)).with_suffix(".png")) for photo in found]
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected a photograph or a folder, found nothing; check the path")
    return [Job(path, output / f"{path.stem}.png")]
