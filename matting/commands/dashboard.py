"""``matting dashboard``: create the layout of a W&B workspace by code instead of by hand."""

from typing import TYPE_CHECKING, Annotated

import typer

from matting.errors import MattingError
from matting.extras import require

if TYPE_CHECKING:
    from wandb_workspaces.reports.v2 import BarPlot, LinePlot
    from wandb_workspaces.workspaces import Workspace

STREAMS = ("studio", "portraits", "coarse", "augmented")
STEP = "trainer/global_step"


def dashboard(
    project: Annotated[str, typer.Argument(help="W&B project, as ENTITY/PROJECT.", metavar="ENTITY/PROJECT")],
    corpus: Annotated[str, typer.Option(help="Name of the corpus in the metrics: synthetic, disk, own.")] = "synthetic",
) -> None:
    """Create a saved view of a W&B project: validation, images, test, draws of the plan, losses.

    Needs a key (wandb login) and the extra 'wandb'.
    """
    from matting.training.loggers import has_wandb_key

    if project.count("/") != 1:
        raise MattingError(f"expected ENTITY/PROJECT, found '{project}'")
    if not has_wandb_key():
        raise MattingError("expected a W&B key, found none; run 'wandb login' first")
    entity, _, name = project.partition("/")
    workspace = layout(entity, name, corpus).save()
    typer.echo(workspace.url)


def layout(entity: str, project: str, corpus: str) -> "Workspace":
    """Return the workspace, without network access.

    Args:
        entity: W&B user or team.
        project: W&B project.
        corpus: Name of the corpus in the metrics.
    """
    from matting.evaluation.report.gallery import COLUMNS

    panels, workspaces = (
        require(f"wandb_workspaces.{module}", "a dashboard") for module in ("reports.v2", "workspaces")
    )

    def line(title: str, *names: str) -> "LinePlot":
        # A plot without an x of its own shows W&B's step, which counts log lines rather than optimiser steps.
        return panels.LinePlot(title=title, x=STEP, y=list(names))

    def bar(title: str, name: str) -> "BarPlot":
        return panels.BarPlot(title=title, metrics=[name])

    sections = {
        "Validation": [
            line("SAD, whole image", f"val/{corpus}/whole/sad"),
            line("SAD, unknown region", f"val/{corpus}/unknown/sad"),
        ],
        "Images": [panels.MediaBrowser(title=" | ".join(COLUMNS), media_keys=["panels/validation"], num_columns=1)],
        "Test": [
            bar("MAD, whole image", f"test/{corpus}/whole/mad"),
            bar("SAD, unknown region", f"test/{corpus}/unknown/sad"),
        ],
        "Draws of the plan": [
            line("Rows of each stream per epoch", *(f"plan/{stream}" for stream in STREAMS)),
            line("Stage of the curriculum", "plan/stage"),
        ],
        "Losses": [line("Total loss", "train/loss"), line("L1 of alpha", "train/alpha_l1")],
    }
    return workspaces.Workspace(
        entity=entity,
        project=project,
        name="Portrait matting",
        sections=[
            workspaces.Section(
                name=name,
                panels=shown,
                is_open=True,
                layout_settings=workspaces.SectionLayoutSettings(columns=len(shown), rows=1),
            )
            for name, shown in sections.items()
        ],
        settings=workspaces.WorkspaceSettings(x_axis=STEP),
    )
