"""``matting export``: export a trained network as a folder to share, with an ONNX graph and a model card."""

from pathlib import Path
from typing import Annotated

import typer

from matting.errors import MattingError


def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="New folder for the model.", show_default=False)],
    checkpoint: Annotated[
        str, typer.Option(help="Run folder, checkpoint, model folder, shipped model or hf:OWNER/NAME.")
    ],
    onnx: Annotated[bool, typer.Option(help="Write model.onnx; needs the extra 'onnx'.")] = True,
    photo: Annotated[
        bool, typer.Option("--photo", help="Also write photo.onnx, which takes uint8 photos of any size.")
    ] = False,
    half: Annotated[bool, typer.Option("--half", help="Store kernels as float16: half the size.")] = False,
    scores: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of `matting evaluate` results of this network, for the card; may be repeated."),
    ] = None,
    terms: Annotated[
        list[str] | None, typer.Option(help="NAME=TERMS of your own data, for the card; may be repeated.")
    ] = None,
    size: Annotated[int | None, typer.Option(help="Working size to record; that of the training by default.")] = None,
) -> None:
    """Write a model folder: safetensors, config, ONNX graph, and a model card made from the run's records.

    `matting.load` and all commands accept the folder. The graph is first compared with torch at three sizes.
    """
    from matting.inference.model_folder import export_model

    records = export_model(checkpoint, output, onnx, photo, half, scores or (), dict(map(_term, terms or ())), size)
    for size, difference in records.get("onnx_difference", {}).items():
        typer.echo(f"{size}: alpha differs from torch by at most {difference:.1g}")
    for name, text in records["licence_of_data"].items():
        typer.echo(f"{name}: {text}")
    megabytes = (output / "model.safetensors").stat().st_size / 1e6
    typer.echo(f"model: {output} ({records['digest']}), {megabytes:.1f} MB, {records['licence']}")


def _term(text: str) -> tuple[str, str]:
    name, equals, terms = text.partition("=")
    if not (name and equals and terms):
        raise MattingError(f"--terms: expected NAME=TERMS such as 'PPM-100=CC BY-NC-SA 4.0', found '{text}'")
    return name, terms
