"""Draw docs/images/dashboard.png, the layout of `matting dashboard`: ``python docs/dashboard.py``.

It shows what the JSON of the workspace contains: sections, titles, places and metrics of the panels. W&B puts the
panels of a section into its columns, in their order. No values are drawn, since the JSON has none.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from matting.commands.dashboard import layout

FILE = Path(__file__).parent / "images" / "dashboard.png"
CONTENT = ("metrics", "mediaKeys")


class Panel(NamedTuple):
    """A panel: its section, its row and column there, the number of columns, and what it shows."""

    section: str
    row: int
    column: int
    columns: int
    title: str
    kind: str
    x: str | None
    shown: list[str]


def panels(workspace: dict[str, Any]) -> Iterator[Panel]:
    """Yield the panels of a workspace in their order, from its JSON.

    Args:
        workspace: What W&B receives when the view is saved.
    """
    for section in workspace["spec"]["section"]["panelBankConfig"]["sections"]:
        columns = section["flowConfig"]["columnsPerPage"]
        for index, panel in enumerate(section["panels"]):
            config = panel["config"]
            shown = [name for kind in CONTENT for name in config.get(kind, ())]
            place = (section["name"], *divmod(index, columns), columns)
            title = config.get("chartTitle") or shown[0]
            yield Panel(*place, title, panel["viewType"], config.get("xAxis"), shown)


def draw(found: list[Panel]) -> Figure:
    """Draw the sections one below the other, the panels of each in a grid."""
    height, gap, heading = 1.15, 0.15, 0.42
    tops, total = {}, 0.0
    for name in dict.fromkeys(panel.section for panel in found):
        tops[name] = total + heading
        total += heading + (height + gap) * (1 + max(panel.row for panel in found if panel.section == name))
    figure = Figure(figsize=(9, total), dpi=130, facecolor="#f4f5f7")
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, 9), ylim=(total, 0))
    axes.axis("off")
    for name, top in tops.items():
        axes.text(gap, top - 0.14, name, fontsize=12, weight="bold", va="center")
    for panel in found:
        width = (9 - gap) / panel.columns
        left, top = gap + panel.column * width, tops[panel.section] + panel.row * (height + gap)
        box = Rectangle((left, top), width - gap, height, facecolor="white", edgecolor="#c8ccd4")
        axes.add_patch(box)
        kind = panel.kind + (f" over {panel.x}" if panel.x else "")
        axes.text(left + 0.12, top + 0.2, panel.title, fontsize=10, weight="bold", va="center")
        axes.text(left + 0.12, top + 0.42, kind, fontsize=8, color="#5b6270", va="center")
        names = "\n".join(", ".join(panel.shown[k : k + 2]) for k in range(0, len(panel.shown), 2))
        axes.text(left + 0.12, top + 0.78, names, fontsize=9, family="monospace", va="center")
    return figure


def current() -> list[Panel]:
    """Return the panels that ``matting dashboard`` creates now."""
    model = layout("entity", "portrait-matting", "synthetic")._to_model()
    return list(panels(json.loads(model.model_dump_json(by_alias=True))))


def main() -> None:
    """Write the image; its description is what it shows, by which a test finds an image of an earlier layout."""
    found = current()
    draw(found).savefig(FILE, metadata={"Description": json.dumps(found)})


if __name__ == "__main__":
    main()
