"""The ``matting`` command line: one line per sub-command, everything else in `matting.commands`."""

import sys
import warnings
from importlib import metadata
from typing import Annotated

import typer

from matting.commands.config import config
from matting.commands.curate import curate
from matting.commands.cutout import cutout
from matting.commands.dashboard import dashboard
from matting.commands.data import data
from matting.commands.evaluate import evaluate
from matting.commands.export import export
from matting.commands.model import model
from matting.commands.plan import plan
from matting.commands.report import report
from matting.commands.serve import serve
from matting.commands.train import train
from matting.errors import DEBUG

app = typer.Typer(
    help="Trimap-free portrait matting: train networks, evaluate mattes and cut people out of photos.",
    epilog="Add --debug to any command to see the full traceback of an error.",
    no_args_is_help=True,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
)


@app.callback()
def options(
    version: Annotated[bool, typer.Option("--version", help="Print the version.", is_eager=True)] = False,
) -> None:
    """Print the version, if that is all that is asked for."""
    if version:
        typer.echo(f"portrait-matting {metadata.version('portrait-matting')}")
        raise typer.Exit


app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)(train)
app.command()(evaluate)
app.command()(cutout)
app.command()(serve)
app.command()(export)
app.command()(plan)
app.command()(config)
app.command()(model)
app.command()(report)
app.command()(dashboard)
app.add_typer(curate, name="curate")
app.add_typer(data, name="data")


def main() -> None:
    """Run the command line.

    A user's mistake is reported in one line with exit code 1; any other error is a fault of the program and shows its
    traceback.
    """
    debug = DEBUG in sys.argv  # now: training rewrites the command line
    arguments = [argument for argument in sys.argv[1:] if argument != DEBUG]
    warnings.filterwarnings("ignore", module=r"PIL\.")  # a damaged image is reported once, with its file name
    try:
        app(arguments)
    except Exception as error:
        from matting.config import explain  # imports Hydra, which most commands do not need

        line = explain(error)
        if line is None or debug:
            raise
        typer.secho(f"error: {line}", err=True, fg="red")
        sys.exit(1)


if __name__ == "__main__":
    main()
