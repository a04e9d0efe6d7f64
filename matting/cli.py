"""The ``matting`` command line: one line per sub-command, everything else in `matting.commands`."""

import signal
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


_STOPPED = 128 + signal.SIGINT


def _resumes(command: str, *options: str) -> bool:
    """Return whether a command that was stopped skips what is done if it is given again."""
    # Without a folder of results, cutout does not replace a file that exists: it may be anything.
    has_folder = any(option.startswith(("-o", "--output")) for option in options)
    return command in ("curate", "evaluate") or (command == "cutout" and has_folder)


def main() -> None:
    """Run the command line.

    A user's mistake is reported in one line with exit code 1, and so is Ctrl-C, with 130; any other error is a fault of
    the program and shows its traceback.
    """
    debug = DEBUG in sys.argv  # now: training rewrites the command line
    arguments = [argument for argument in sys.argv[1:] if argument != DEBUG]
    warnings.filterwarnings("ignore", module=r"PIL\.")  # a damaged image is reported once, with its file name
    try:
        app(arguments)
    except SystemExit as end:
        if end.code == _STOPPED:  # Typer has made it of KeyboardInterrupt, and says nothing
            rest = ", and the same command does the rest" if _resumes(*arguments) else ""
            typer.secho(f"stopped; no file is incomplete{rest}", err=True, fg="yellow")
        raise
    except Exception as error:
        from matting.config import explain  # imports Hydra, which most commands do not need

        line = explain(error)
        if line is None or debug:
            raise
        typer.secho(f"error: {line}", err=True, fg="red")
        sys.exit(1)


if __name__ == "__main__":
    main()
