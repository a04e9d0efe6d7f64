"""``matting model``: what a network costs, before anything is trained."""

from typing import Annotated

import typer


def model(
    overrides: Annotated[
        list[str] | None, typer.Argument(help="The overrides of train.py.", show_default=False, metavar="[OVERRIDE]...")
    ] = None,
    size: Annotated[int, typer.Option(help="Side of the picture in pixels: a multiple of 32.")] = 512,
) -> None:
    """Print the parameters and multiply-accumulates of a network, whole and by its parts.

    Takes the overrides of train.py, and fetches no weights:
    matting model model=unet model.encoder=resnet18
    """
    from matting.config import build, load_config
    from matting.models import cost

    config = load_config(overrides or [])
    if "pretrained" in config.model:
        config.model.pretrained, config.model.encoder_weights = False, None
    network = build(config.model)
    whole = cost(network, size)
    typer.echo(f"{'':16}{'parameters':>12}{f'GMACs at {size}':>16}")
    for name, parameters, macs in [("whole", whole.parameters, whole.macs), *whole.parts]:
        typer.echo(f"{name:16}{parameters / 1e6:>10.2f} M{macs / 1e9:>16.2f}")
