"""The options of commands that process many files: how many processes, or which cluster."""

from contextlib import AbstractContextManager
from typing import Annotated

import typer

Workers = Annotated[int | None, typer.Option(help="Number of processes; one per core by default.", min=1)]
Dask = Annotated[
    str | None,
    typer.Option(
        metavar="ADDRESS|local",
        help="Dask cluster: the address of its scheduler, or 'local' (local:N starts N processes).",
        show_default=False,
    ),
]


def cluster(dask: str | None, workers: int | None = None) -> AbstractContextManager[None]:
    """Send the work of a command to the cluster of its option ``--dask``, if it is given.

    Raises:
        MattingError: As `matting.processes.on_dask`, or both options are given.
    """
    from matting.errors import MattingError
    from matting.processes import on_dask

    if dask and workers:
        raise MattingError("expected one of --workers and --dask, found both; --dask local:N starts N processes")
    return on_dask(dask)
