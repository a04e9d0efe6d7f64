"""``matting cutout``: photographs in, cut-outs of their own size out."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from matting.commands.console import list_problems, track
from matting.errors import MattingError

if TYPE_CHECKING:
    from matting.inference import Style


def cutout(
    photos: Annotated[list[str], typer.Argument(help="Photographs, folders, or patterns such as '*.jpg'.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the results.", show_default=False)],
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="Run folder, checkpoint, model folder or .onnx; the newest finished run by default."),
    ] = None,
    matte: Annotated[bool, typer.Option("--matte", help="Write the matte alone, gray.")] = False,
    background: Annotated[
        str | None, typer.Option(help="Compose on a colour (white, #20a0ff) or a picture file.", show_default=False)
    ] = None,
    form: Annotated[Literal["png", "webp"], typer.Option("--format", help="Of the results.")] = "png",
    foreground: Annotated[bool, typer.Option(help="Clean the old background out of soft edges.")] = True,
    clear: Annotated[bool, typer.Option("--clear", help="No colours where the cut-out is transparent.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Do again what is done.")] = False,
    size: Annotated[int | None, typer.Option(help="Working size: a multiple of 32; the run's own by default.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "auto",
    backend: Annotated[Literal["auto", "torch", "onnx"], typer.Option(help="What runs the network.")] = "auto",
    max_memory: Annotated[int, typer.Option(help="Megabytes for one photograph; larger ones are refused.")] = 1500,
) -> None:
    """Cut the people out of photographs.

    Every photograph gives an RGBA picture of its original size. Folders are searched and keep their tree; what is done
    already is passed over. What fails is listed in failures.csv and makes the exit code 1; the rest is done all the
    same.
    """
    from matting.inference import Clock, load_predictor, newest_run
    from matting.inference.jobs import check_settings, cut_out_all, pixels_within, plan_jobs, write_failures

    jobs = plan_jobs(photos, output, f".{form}")
    style = read_style(matte, background, foreground, clear)
    if checkpoint is None:
        checkpoint = newest_run()
        typer.echo(f"newest finished run: {checkpoint}", err=True)
    loaded = load_predictor(checkpoint, size, device, backend)
    typer.echo(str(loaded), err=True)
    max_pixels = pixels_within(max_memory, loaded.predictor.size)
    settings = {"weights": loaded.digest, "size": loaded.predictor.size, "matte": matte, "background": background}
    check_settings(output, settings | {"foreground": foreground, "clear": clear}, overwrite)
    left = jobs if overwrite else [job for job in jobs if not job.done()]
    clock, start = Clock(), time.perf_counter()
    failures = cut_out_all(track(left, "cutting out"), loaded.predictor, style, max_pixels, clock)
    write_failures(output, failures)
    rate = len(left) / (time.perf_counter() - start)
    already = f", {len(jobs) - len(left)} already done" if len(left) < len(jobs) else ""
    typer.echo(f"{len(left) - len(failures)} cut-outs in {output}{already}, {rate:.2g} photographs a second")
    if clock.seconds:
        typer.echo(f"times: {clock}", err=True)
    if failures:
        list_problems(f"{len(failures)} of {len(left)} photographs failed:", [reason for _, reason in failures])
        raise typer.Exit(1)


def read_style(matte: bool, background: str | None, foreground: bool, clear: bool) -> "Style":
    """Make a style of the command line's options.

    Raises:
        MattingError: They exclude each other, or the background is neither a colour nor a picture.
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
            f"--background: expected a colour such as white or #20a0ff, or a picture file, found '{background}'"
        ) from None
    return Style("composite", (red, green, blue), foreground)
