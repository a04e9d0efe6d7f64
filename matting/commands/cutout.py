"""``matting cutout``: photos in, cutouts of their own size out."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from matting.commands.console import list_problems, track
from matting.errors import MattingError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matting.inference import Style
    from matting.inference.jobs import Job, Outcome


def cutout(
    photos: Annotated[list[str], typer.Argument(help="Photos, folders, or patterns such as '*.jpg'.")],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", help="Folder of the results, or result of one photo; NAME.png in this directory without."
        ),
    ] = None,
    checkpoint: Annotated[
        str, typer.Option(help="Shipped model, run folder, checkpoint, model folder, .onnx file or hf:OWNER/NAME.")
    ] = "portrait",
    matte: Annotated[bool, typer.Option("--matte", help="Write the matte alone, gray.")] = False,
    background: Annotated[
        str | None, typer.Option(help="Compose on a colour (white, #20a0ff) or an image file.", show_default=False)
    ] = None,
    form: Annotated[
        Literal["png", "webp"] | None, typer.Option("--format", help="Of the results; that of -o FILE, or png.")
    ] = None,
    foreground: Annotated[bool, typer.Option(help="Clean the old background out of soft edges.")] = True,
    clear: Annotated[bool, typer.Option("--clear", help="No colours where the cutout is transparent.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Recompute existing results.")] = False,
    size: Annotated[
        int | None, typer.Option(help="Working size: a multiple of 32; the model's own by default.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "auto",
    backend: Annotated[Literal["auto", "torch", "onnx"], typer.Option(help="What runs the network.")] = "auto",
    max_memory: Annotated[int, typer.Option(help="Megabytes for one photo; larger ones are refused.")] = 1500,
) -> None:
    """Cut the people out of photos.

    matting cutout photo.jpg writes photo.png, an RGBA image of the photo's size; matting cutout photo.jpg new.png
    names it. With a folder, -o FOLDER keeps its tree and skips what is already done. A photo without a person gives an
    empty matte and a line that says so. What fails is listed and makes the exit code 1; the rest is done all the same.
    """
    from matting.inference import Clock, load
    from matting.inference.jobs import (
        check_new,
        check_settings,
        cut_out_all,
        pixels_within,
        plan_jobs,
        results_folder,
        split_result,
        write_failures,
    )

    photos, output = split_result(photos, output)
    folder = results_folder(output)
    jobs = plan_jobs(photos, output, form)
    style = read_style(matte, background, foreground, clear)
    if folder is None and not overwrite:
        check_new(jobs)
    model = load(checkpoint, size, device, backend)
    typer.echo(str(model), err=True)
    max_pixels = pixels_within(max_memory, model.predictor.size)
    settings = {"weights": model.digest, "size": model.predictor.size, "matte": matte, "background": background}
    if folder is not None:
        check_settings(folder, settings | {"foreground": foreground, "clear": clear}, overwrite)
    todo = jobs if overwrite else [job for job in jobs if not job.done()]
    clock, start = Clock(), time.perf_counter()
    outcome = cut_out_all(track(todo, "cutting out"), model.predictor, style, max_pixels, clock)
    if folder is not None:
        write_failures(folder, outcome.failures)
    _report(jobs, todo, outcome, folder, time.perf_counter() - start)
    if clock.seconds:
        typer.echo(f"times: {clock}", err=True)
    if outcome.failures:
        reasons = [reason for _, reason in outcome.failures]
        list_problems(f"{len(reasons)} of {_count(len(todo), 'photo')} failed:", reasons)
        raise typer.Exit(1)


def _report(
    jobs: "Sequence[Job]", todo: "Sequence[Job]", outcome: "Outcome", folder: Path | None, seconds: float
) -> None:
    for photo in outcome.empty:
        typer.secho(f"no subject found in {photo}", err=True, fg="yellow")
    failed = {photo for photo, _ in outcome.failures}
    made = [job for job in todo if job.photo not in failed]
    place = str(folder) if folder is not None else str(made[0].target) if len(made) == 1 else "this directory"
    parts = [f"{_count(len(made), 'cutout')} in {seconds:.1f} s" + (f": {place}" if made else "")]
    if len(made) > 1:
        parts.append(f"{len(made) / seconds:.2g} a second")
    if outcome.empty:
        parts.append(f"no subject found in {len(outcome.empty)}")
    if len(todo) < len(jobs):
        parts.append(f"{len(jobs) - len(todo)} already done")
    typer.echo("; ".join(parts))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")


def read_style(matte: bool, background: str | None, foreground: bool, clear: bool) -> "Style":
    """Make a style of the command line's options.

    Raises:
        MattingError: They exclude each other, or the background is neither a colour nor an image.
    """
    from PIL import ImageColor

    from matting.images import read_rgb
    from matting.inference import Style

    if matte and background is not None:
        raise MattingError("expected one of --matte and --background, found both")
    if matte:
        return Style("matte")
    if background is None:
        return Style("cutout", foreground=foreground, clear=clear)
    if Path(background).is_file():
        return Style("composite", read_rgb(background, to_srgb=True), foreground)
    try:
        red, green, blue = ImageColor.getrgb(background)[:3]
    except ValueError:
        raise MattingError(
            f"--background: expected a colour such as white or #20a0ff, or an image file, found '{background}'"
        ) from None
    return Style("composite", (red, green, blue), foreground)
