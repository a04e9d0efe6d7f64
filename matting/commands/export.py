"""``matting export``: a trained network as a folder to give away, with an ONNX graph and a model card."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    output: Annotated[Path, typer.Option("--output", "-o", help="New folder for the model.", show_default=False)],
    checkpoint: Annotated[
        Path | None, typer.Option(help="Run folder or checkpoint; the newest finished run by default.")
    ] = None,
    onnx: Annotated[bool, typer.Option(help="Write model.onnx; needs the extra 'onnx'.")] = True,
    photograph: Annotated[
        bool, typer.Option("--photograph", help="Also write photograph.onnx: photographs of any size in, uint8.")
    ] = False,
) -> None:
    """Write a model folder: safetensors, config, ONNX graph, and a model card made of the run's own records.

    `matting cutout`, `matting serve` and AttentionUNet.from_pretrained take it. The graph is compared with torch at
    three sizes first.
    """
    from matting.inference import newest_run
    from matting.inference.model_folder import export_model

    if checkpoint is None:
        checkpoint = newest_run()
        typer.echo(f"newest finished run: {checkpoint}", err=True)
    records = export_model(checkpoint, output, onnx, photograph)
    for size, difference in records.get("onnx_difference", {}).items():
        typer.echo(f"{size}: alpha differs from torch by at most {difference:.1g}")
    for name, terms in records["licence_of_data"].items():
        typer.echo(f"{name}: {terms}")
    typer.echo(f"model: {output} ({records['digest']})")
