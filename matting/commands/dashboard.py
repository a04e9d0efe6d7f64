"""``matting dashboard``: create the layout of a W&B workspace by code instead of by hand."""

from typing import TYPE_CHECKING, Annotated

import typer

from matting.errors import MattingError
from matting.extras import require

if TYPE_CHECKING:
    from wandb_workspaces.workspaces import Workspace

STREAMS = ("studio", "portraits", "coarse", "augmented")


def dashboard(
    project: Annotated[str, typer.Argument(help="W&B project, as ENTITY/PROJECT.", metavar="ENTITY/PROJECT")],
    corpus: Annotated[str, typer.Option(help="Name of the corpus in the metrics: synthetic, disk, own.")] = "synthetic",
) -> None:
    """Create a saved view of a W&B project: validation, test, images, draws of the plan, losses.

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
    panels, workspaces = (
        require(f"wandb_workspaces.{module}", "a dashboard") for module in ("reports.v2", "workspaces")
    )
    sections = {
        "Validation": [panels.LinePlot(y=[f"val/{corpus}/{r}/sad"]) for r in ("whole", "unknown")],
        "Test": [panels.BarPlot(metrics=[f"test/{corpus}/{r}/{m}"]) for r, m in (("whole", "mad"), ("unknown", "sad"))],
        "Images": [panels.MediaBrowser(media_keys=["panels/validation"], num_columns=1)],
        "Draws of the plan": [panels.LinePlot(y=[f"plan/{s}" for s in STREAMS]), panels.LinePlot(y=["plan/stage"])],
        "Losses": [panels.LinePlot(y=["train/loss"]), panels.LinePlot(y=["train/alpha_l1"])],
    }
    return workspaces.Workspace(
        entity=entity,
        project=project,
        name="Portrait matting",
        sections=[workspaces.Section(name=name, panels=shown, is_open=True) for name, shown in sections.items()],
        settings=workspaces.WorkspaceSettings(x_axis="trainer/global_step"),
    )
