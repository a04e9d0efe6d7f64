"""What the documentation site adds to the files of docs/: measurements, generated references, formulas, links.

The files of docs/ are complete on their own: their links are those of a checkout. The site also contains the pages and
images of experiments/; links to any other file of the repository become links to its host.
"""

import logging
import os
import re
from pathlib import Path
from typing import Any

from griffe import Extension, Object
from latex2mathml.converter import convert
from mkdocs.structure.files import File, Files
from typer.cli import get_docs_for_click
from typer.main import get_command

from matting.cli import app
from matting.config import CONFIG_FOLDER
from matting.options import GROUPS, OWN, Choice, read_group

ROOT = Path(__file__).parents[1]
SHOWN = {".md", ".png", ".jpg"}
NOT_RUN = re.compile(r'title="Not run by the tests: (\w)')
LOG = logging.getLogger("mkdocs.plugins.matting")  # a warning ends a strict build


class Examples(Extension):
    """Show the doctests of a section ``Example:`` as code: Griffe knows the plural only."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Rename the section of one docstring."""
        if obj.docstring:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)


def on_files(files: Files, config: Any) -> Files:
    """Add the pages and images of experiments/ to the site."""
    for path in sorted((ROOT / "experiments").rglob("*")):
        if path.suffix in SHOWN:
            name = path.relative_to(ROOT).as_posix()
            files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Files) -> str:
    """Insert the generated references, convert formulas, and direct links out of docs/ to where they lead."""
    generated = {"<!-- configuration -->": configuration, "<!-- commands -->": commands}
    for mark, text in generated.items():
        if mark in markdown:
            markdown = markdown.replace(mark, text())
    # For a reader the reason is the title: "Takes hours".
    markdown = NOT_RUN.sub(lambda title: f'title="{title[1].upper()}', markdown)
    markdown = re.sub(r"```math\n(.*?)```", _formula, markdown, flags=re.DOTALL)
    here = page.file.src_uri if page.file.src_uri.startswith("experiments/") else f"docs/{page.file.src_uri}"
    return re.sub(r"\]\(([^)\s:#]+)((?:#[^)\s]*)?)\)", lambda link: _link(link, here, page, config, files), markdown)


def _formula(fence: re.Match[str]) -> str:
    return f'<div class="formula">{convert(" ".join(fence[1].split()), display="block")}</div>'


def _link(link: re.Match[str], here: str, page: Any, config: Any, files: Files) -> str:
    """Return a link to a page of the site if there is one, else to the file on the repository's host."""
    target = os.path.normpath(Path(here).parent / link[1])
    inside = target.removeprefix("docs/")
    if files.get_file_from_path(inside):
        return f"]({os.path.relpath(inside, Path(page.file.src_uri).parent)}{link[2]})"
    if not (ROOT / target).exists():
        LOG.warning("%s: expected the file '%s', to which it links, found none", here, target)
    kind = "tree" if (ROOT / target).is_dir() else "blob"
    return f"]({config.repo_url.rstrip('/')}/{kind}/main/{target}{link[2]})"


def commands() -> str:
    """Render the help of every command."""
    command = get_command(app)
    text = get_docs_for_click(
        obj=command, ctx=command.make_context("matting", [], resilient_parsing=True), name="matting"
    )
    return re.sub(r"^# .*\n", "", text)


def configuration() -> str:
    """Render every option of every file of conf/."""
    return "\n".join(_group(group) for group in (OWN, *GROUPS))


def _group(group: str) -> str:
    meaning = GROUPS.get(group, "options that are in no group")
    lines = [f"## {group}", "", f"{meaning[0].upper()}{meaning[1:]}.", ""]
    for choice in read_group(CONFIG_FOLDER, group):
        lines += [f"### {group}={choice.name}" if group != OWN else "", "", choice.summary if group != OWN else "", ""]
        lines += ["```bash", *choice.commands, "```", ""] if choice.commands else []
        lines += [f"Takes over: {', '.join(f'`{parent}`' for parent in choice.parents)}.", ""] if choice.parents else []
        lines += _table(choice)
    return "\n".join(lines)


def _table(choice: Choice) -> list[str]:
    rows = [
        f"| `{key}` | `{_cell(default) or ' '}` | {_cell(meaning).replace('<', '&lt;')} |"
        for key, default, meaning in choice.options
    ]
    return ["| option | default | meaning |", "| --- | --- | --- |", *rows, ""] if rows else []


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
