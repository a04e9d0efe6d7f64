"""``matting export``: a trained network as a folder to give away, with an ONNX graph and a model card."""

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
    photograph: Annotated[
        bool, typer.Option("--photograph", help="Also write photograph.onnx: photographs of any size in, uint8.")
    ] = False,
    half: Annotated[bool, typer.Option("--half", help="Store kernels as float16: half the size.")] = False,
    scores: Annotated[
        list[Path] | None, typer.Option(help="Folder of `matting evaluate` of this network, for the card; repeat.")
    ] = None,
    terms: Annotated[
        list[str] | None, typer.Option(help="NAME=TERMS of data of your own, for the card; repeat.")
    ] = None,
) -> None:
    """Write a model folder: safetensors, config, ONNX graph, and a model card made of the run's own records.

    `matting.load` and every command take it. The graph is compared with torch at three sizes first.
    """
    from matting.inference.model_folder import export_model

    records = export_model(checkpoint, output, onnx, photograph, half, scores or (), dict(map(_term, terms or ())))
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
