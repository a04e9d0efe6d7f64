"""``matting train``: the script ``train.py``, also where there is no checkout."""

import runpy
import sys

import typer

from matting.errors import DEBUG


def train(context: typer.Context) -> None:
    """Train, evaluate and report; the same as `python train.py`, whose options and overrides it takes.

    Run folders are created in the current directory:
    matting train experiment=quickstart
    """
    from matting.config import RECIPE

    script = str(RECIPE / "train.py")
    # Hydra reads the command line itself, and data-parallel processes are started by it.
    # The command line has taken DEBUG out of its arguments; the script gets it back.
    sys.argv = [script, *context.args, *[DEBUG] * (DEBUG in sys.argv)]
    runpy.run_path(script, run_name="__main__")
