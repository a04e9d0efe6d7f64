"""``matting model``: the cost of a network before it is trained, and the shipped models."""

from typing import Annotated

import typer


def model(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="Overrides of train.py.", show_default=False, metavar="[OVERRIDE]...")
    ] = None,
    size: Annotated[int, typer.Option(min=32, help="Side of the input image in pixels, a multiple of 32.")] = 512,
    shipped: Annotated[
        bool, typer.Option("--list", help="List the shipped models with their terms and scores.")
    ] = False,
) -> None:
    """Print the parameters and multiply-accumulates of a network, in total and per part, or list the shipped models.

    Takes the overrides of train.py; no weights are downloaded:
    matting model model=unet model.encoder=resnet18
    """
    if shipped:
        _list_shipped()
        return
    from matting.config import build, load_config
    from matting.models import cost

    config = load_config(overrides or [])
    # The cost does not depend on the values of the weights, so none are downloaded.
    if "pretrained" in config.model:
        config.model.pretrained, config.model.encoder_weights = False, None
    network = build(config.model)
    whole = cost(network, size)
    typer.echo(f"{'':16}{'parameters':>12}{f'GMACs at {size}':>16}")
    for name, parameters, macs in [("whole", whole.parameters, whole.macs), *whole.parts]:
        typer.echo(f"{name:16}{parameters / 1e6:>10.2f} M{macs / 1e9:>16.2f}")


def _list_shipped() -> None:
    import json

    from matting.inference import shipped_models
    from matting.inference.card import summary_of_scores
    from matting.models import RECORDS

    for name, folder in shipped_models().items():
        records = json.loads((folder / RECORDS).read_text())
        megabytes = (folder / "model.safetensors").stat().st_size / 1e6
        typer.echo(f"{name} ({records['digest']}, {records['size']} px, {megabytes:.1f} MB): {records['licence']}")
        facts = {"trained on": records["corpus"]} | records["licence_of_data"]
        for line in [*(f"{what}: {text}" for what, text in facts.items()), *summary_of_scores(records)]:
            typer.echo(f"  {line}")
    if not shipped_models():
        typer.echo("no model is shipped with this installation")
