"""``matting cutout``: photographs in, cut-outs of their own size out."""

import csv
import io
import os
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, NamedTuple

import typer

from matting.commands.console import list_problems, track

if TYPE_CHECKING:
    from matting.inference import Clock, Loaded, Style

SETTINGS, FAILURES = "cutout.json", "failures.csv"
"""What is written beside the results: how they were made, and which photographs were not done."""


class Job(NamedTuple):
    """A photograph and the file its cut-out goes to."""

    photo: Path
    target: Path

    def done(self) -> bool:
        """Whether the result is there and no older than the photograph."""
        both = self.target.is_file() and self.photo.is_file()
        return both and self.target.stat().st_mtime >= self.photo.stat().st_mtime


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

    jobs = plan_jobs(photos, output, f".{form}")
    style = read_style(matte, background, foreground, clear)
    if checkpoint is None:
        checkpoint = newest_run()
        typer.echo(f"newest finished run: {checkpoint}", err=True)
    loaded = load_predictor(checkpoint, size, device, backend)
    typer.echo(str(loaded), err=True)
    max_pixels = pixels_within(max_memory, loaded.predictor.size)
    settings = {"weights": loaded.digest, "size": loaded.predictor.size, "matte": matte, "background": background}
    _check_settings(output, settings | {"foreground": foreground, "clear": clear}, overwrite)
    left = jobs if overwrite else [job for job in jobs if not job.done()]
    clock, start = Clock(), time.perf_counter()
    failures = _cut_out_all(left, loaded, style, max_pixels, clock)
    _write_failures(output, failures)
    rate = len(left) / (time.perf_counter() - start)
    already = f", {len(jobs) - len(left)} already done" if len(left) < len(jobs) else ""
    typer.echo(f"{len(left) - len(failures)} cut-outs in {output}{already}, {rate:.2g} photographs a second")
    if clock.seconds:
        typer.echo(f"times: {clock}", err=True)
    if failures:
        list_problems(f"{len(failures)} of {len(left)} photographs failed:", [reason for _, reason in failures])
        raise typer.Exit(1)


def plan_jobs(photos: Sequence[Path | str], output: Path, suffix: str = ".png") -> list[Job]:
    """Say which file each photograph's cut-out goes to, before any is opened.

    Args:
        photos: Files, which need not be pictures by name; folders, which are searched for pictures; and patterns with
            ``*``, ``?`` or ``[…]``, for shells that leave them to the program.
        output: Folder of the results: ``NAME.png`` for a file, ``SUB/NAME.png`` for one found below a folder.
        suffix: Of the results.

    Returns:
        One job per photograph, each named once however often it was given.

    Raises:
        FileNotFoundError: A path does not exist, or no photograph was found.
        ValueError: Two photographs would give one file, or a result would replace one of the photographs.
    """
    paths = [path for given in photos for path in _expand(str(given))]
    # Not Path.resolve, which raises where links run in a circle.
    jobs = {os.path.realpath(job.photo): job for path in paths for job in _jobs_of(path, output, suffix)}
    if not jobs:
        raise FileNotFoundError(f"expected photographs, found none in {', '.join(map(str, photos))}")
    by_target: dict[str, list[Path]] = defaultdict(list)
    for job in jobs.values():
        by_target[os.path.realpath(job.target)].append(job.photo)
    for target, sources in by_target.items():
        if len(sources) > 1:
            listed = " and ".join(map(str, sources[:3]))
            raise ValueError(f"expected one photograph per result, but {listed} would all become {target}; rename one")
        if target in jobs:
            raise ValueError(f"{target}: a cut-out would replace this photograph; choose another folder with --output")
    return list(jobs.values())


def read_style(matte: bool, background: str | None, foreground: bool, clear: bool) -> "Style":
    """Make a style of the command line's options.

    Raises:
        ValueError: They exclude each other, or the background is neither a colour nor a picture.
    """
    from PIL import ImageColor

    from matting.images import read_rgb
    from matting.inference import Style

    if matte and background is not None:
        raise ValueError("expected one of --matte and --background, found both")
    if matte:
        return Style("matte")
    if background is None:
        return Style("cutout", foreground=foreground, clear=clear)
    if Path(background).is_file():
        return Style("composite", read_rgb(background, to_srgb=True), foreground)
    try:
        red, green, blue = ImageColor.getrgb(background)[:3]
    except ValueError:
        raise ValueError(
            f"--background: expected a colour such as white or #20a0ff, or a picture file, found '{background}'"
        ) from None
    return Style("composite", (red, green, blue), foreground)


def pixels_within(megabytes: int, size: int) -> int:
    """Return the largest photograph that stays within so much memory, at a working size, beside the loaded network.

    Raises:
        ValueError: That is too little for the network at work.
    """
    network, per_pixel = max(300, size * size // 1000), 20  # experiments/cutout_speed measures less
    if megabytes <= network:
        raise ValueError(f"--max-memory: expected more than {network} megabytes at {size} px, found {megabytes}")
    return (megabytes - network) * 10**6 // per_pixel


def _cut_out_all(
    jobs: Sequence[Job], loaded: "Loaded", style: "Style", max_pixels: int, clock: "Clock"
) -> list[tuple[Path, str]]:
    from matting.images import encode_picture, read_rgb, write_atomic
    from matting.inference import cut_out

    failures: list[tuple[Path, str]] = []
    for job in track(jobs, "cutting out"):
        try:
            with clock("decode"):
                image = read_rgb(job.photo, to_srgb=True, max_pixels=max_pixels)
            result = cut_out(loaded.predictor, image, style, clock)
            with clock("encode"):
                data = encode_picture(result, job.target.suffix)
                job.target.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(job.target, data)
        except (ValueError, OSError) as error:
            text = str(error)
            failures.append((job.photo, text if str(job.photo) in text else f"{job.photo}: {text}"))
    return failures


def _check_settings(output: Path, settings: dict[str, object], overwrite: bool) -> None:
    """Refuse to go on in a folder whose results were made in another way; note how these are made."""
    import json

    from matting.images import write_atomic

    file, text = output / SETTINGS, json.dumps(settings, indent=2) + "\n"
    if file.is_file() and not overwrite and file.read_text() != text:
        raise ValueError(
            f"{file}: expected the settings of this call, found other ones: the folder's results were made with "
            "another network or in another way; choose another --output, or --overwrite"
        )
    output.mkdir(parents=True, exist_ok=True)
    write_atomic(file, text.encode())


def _write_failures(output: Path, failures: Sequence[tuple[Path, str]]) -> None:
    from matting.images import write_atomic

    if not failures:
        (output / FAILURES).unlink(missing_ok=True)
        return
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(["photo", "reason"])
    writer.writerows((str(photo), reason) for photo, reason in failures)
    write_atomic(output / FAILURES, table.getvalue().encode(errors="surrogateescape"))


def _expand(given: str) -> list[Path]:
    """A path as it is where it exists, for names may hold brackets; else what its pattern matches."""
    import glob

    if Path(given).exists() or not glob.has_magic(given):
        return [Path(given)]
    matches = glob.glob(given, recursive=True)  # noqa: PTH207 (Path.glob refuses absolute patterns)
    found = sorted(map(Path, matches))
    if not found:
        raise FileNotFoundError(f"{given}: expected photographs that match this pattern, found none; check the path")
    return found


def _jobs_of(path: Path, output: Path, suffix: str) -> list[Job]:
    from matting.images import list_pictures

    if path.is_dir():
        found = list_pictures(path, recursive=True)
        return [Job(photo, (output / photo.relative_to(path)).with_suffix(suffix)) for photo in found]
    if not path.exists():
        raise FileNotFoundError(f"{path}: expected a photograph or a folder, found nothing; check the path")
    return [Job(path, output / f"{path.stem}{suffix}")]
