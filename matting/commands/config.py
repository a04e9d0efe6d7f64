"""``matting config``: the groups of the configuration, or every option of one group."""

from typing import Annotated

import typer


def config(
    group: Annotated[
        str | None, typer.Argument(help="Group, such as data; all groups by default.", show_default=False)
    ] = None,
) -> None:
    """Print the configuration groups, or every option of one group with its default and meaning.

    Options that begin with ++ are not in the file; they are set the same way, with the ++.
    """
    from matting.config import CONFIG_FOLDER, PROGRAM
    from matting.options import GROUPS, OWN, list_groups, read_group

    if group is None:
        typer.echo(f"{list_groups(CONFIG_FOLDER)}\n\n'matting config {OWN}' prints the options that are in no group.")
        return
    choices = read_group(CONFIG_FOLDER, group)
    if group in GROUPS:
        typer.echo(f"{group}: {GROUPS[group]}")
    for choice in choices:
        typer.echo()
        typer.secho(choice.name if group == OWN else f"{group}={choice.name}", bold=True)
        for line in filter(None, (choice.summary, *choice.commands)):
            typer.echo(f"  {line}".replace("python train.py", PROGRAM))
        if choice.parents:
            typer.echo(f"  takes over: {', '.join(choice.parents)}")
        width = max((len(f"{option.key}={option.default}") for option in choice.options), default=0)
        for key, default, meaning in choice.options:
            # At most 50: one long default should not move all meanings to the right.
            typer.echo(f"    {f'{key}={default}':{min(width, 50)}}  {meaning}".rstrip())
