"""``matting cutout``: cut people out of photos, at the size of each photo."""

import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from matting.commands.console import counted, introduce, list_problems, track
from matting.commands.pools import Dask, cluster
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
            "--output",
            "-o",
            help="Folder of the results, or file of a single result; by default NAME.png in this directory.",
        ),
    ] = None,
    checkpoint: Annotated[
        str, typer.Option(help="Shipped model, run folder, checkpoint, model folder, .onnx file or hf:OWNER/NAME.")
    ] = "portrait",
    matte: Annotated[bool, typer.Option("--matte", help="Write only the matte, as a gray image.")] = False,
    background: Annotated[
        str | None, typer.Option(help="Compose on a colour (white, #20a0ff) or on an image file.", show_default=False)
    ] = None,
    form: Annotated[
        Literal["png", "webp"] | None,
        typer.Option("--format", help="Format of the results; by default that of -o FILE, or png."),
    ] = None,
    foreground: Annotated[bool, typer.Option(help="Remove the old background from soft edges.")] = True,
    clear: Annotated[bool, typer.Option("--clear", help="Remove colours where the cutout is transparent.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Recompute existing results.")] = False,
    size: Annotated[
        int | None, typer.Option(help="Working size, a multiple of 32; the model's own by default.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "auto",
    backend: Annotated[Literal["auto", "torch", "onnx"], typer.Option(help="Library that runs the network.")] = "auto",
    max_memory: Annotated[
        int, typer.Option(help="Memory for one photo in megabytes; larger photos are refused.")
    ] = 1500,
    dask: Dask = None,
) -> None:
    """Cut the people out of photos.

    matting cutout photo.jpg writes photo.png, an RGBA image of the photo's size; matting cutout photo.jpg new.png
    chooses the name. For a folder, -o FOLDER keeps its tree and skips finished results. A photo without a person gives
    an empty matte and a message. Failed photos are listed and the exit code is 1; all other photos are still done.
    """
    from matting.files import stamp
    from matting.inference import Clock, load
    from matting.inference.jobs import (
        check_new,
        check_settings,
        cut_out_all,
        files_left_out,
        pixels_within,
        plan_jobs,
        results_folder,
        split_result,
        write_failures,
    )

    photos, output = split_result(photos, output)
    folder = results_folder(output)
    jobs = plan_jobs(photos, output, form)
    if left_out := files_left_out(photos, output):
        list_problems("left out:", left_out)
    # Before the network is loaded, which takes longer than finding a mistake in the options.
    style = read_style(matte, background, foreground, clear)
    if not overwrite:
        check_new(jobs, folder)
    model = load(checkpoint, size, device, backend)
    introduce(model)
    max_pixels = pixels_within(max_memory, model.predictor.size)
    settings = {"weights": model.digest, "size": model.predictor.size, "matte": matte, "background": background}
    if background is not None and Path(background).is_file():
        settings["background"] = stamp(Path(background))
    todo = jobs
    if folder is not None:
        # Only now, because the digest of the weights is one of the settings.
        since = check_settings(folder, settings | {"foreground": foreground, "clear": clear}, overwrite)
        todo = jobs if overwrite else [job for job in jobs if not job.done(since)]
    clock, start = Clock(), time.perf_counter()
    with cluster(dask):
        progress = partial(track, doing="cutting out")
        outcome = cut_out_all(todo, model.predictor, style, max_pixels, clock, progress)
    if folder is not None:
        write_failures(folder, outcome.failures)
    _report(jobs, todo, outcome, folder, time.perf_counter() - start)
    if clock.seconds:
        typer.echo(f"times: {clock}", err=True)
    if outcome.failures:
        reasons = [reason for _, reason in outcome.failures]
        list_problems(f"{len(reasons)} of {counted(len(todo), 'photo')} failed:", reasons)
        raise typer.Exit(1)


def _report(
    jobs: "Sequence[Job]", todo: "Sequence[Job]", outcome: "Outcome", folder: Path | None, seconds: float
) -> None:
    for photo in outcome.empty:
        typer.secho(f"no subject found in {photo}", err=True, fg="yellow")
    failed = {photo for photo, _ in outcome.failures}
    made = [job for job in todo if job.photo not in failed]
    # `made` and not `todo`: a photo that failed has no result to point at.
    place = str(folder) if folder is not None else str(made[0].target) if len(made) == 1 else "this directory"
    parts = [f"{counted(len(made), 'cutout')} in {seconds:.1f} s" + (f": {place}" if made else "")]
    if len(made) > 1:
        parts.append(f"{len(made) / seconds:.2g} per second")
    if outcome.empty:
        parts.append(f"no subject found in {len(outcome.empty)}")
    if len(todo) < len(jobs):
        parts.append(f"{len(jobs) - len(todo)} already done")
    typer.echo("; ".join(parts))


def read_style(matte: bool, background: str | None, foreground: bool, clear: bool) -> "Style":
    """Return the style of the command line's options.

    Raises:
        MattingError: The options exclude each other, or the background is neither a colour nor an image.
    """
    from PIL import ImageColor

    from matting.images import read_photo
    from matting.inference import Style

    if matte and background is not None:
        raise MattingError("expected one of --matte and --background, found both")
    if matte:
        return Style("matte")
    if background is None:
        return Style("cutout", foreground=foreground, clear=clear)
    # A file comes first: it may be named like a colour, and a colour can also be given as #20a0ff.
    if Path(background).is_file():
        return Style("composite", read_photo(background).rgb, foreground)
    try:
        # Pillow returns a fourth value for colours with an alpha.
        red, green, blue = ImageColor.getrgb(background)[:3]
    except ValueError:
        raise MattingError(
            f"--background: expected a colour such as white or #20a0ff, or an image file, found '{background}'"
        ) from None
    return Style("composite", (red, green, blue), foreground)
