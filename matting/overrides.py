"""Overrides as people type them: paths with ``~``, quotes, ``=``, ``%``, ``#`` or letters of any language."""

import re
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from matting.errors import MattingError

# Options of Hydra's own command line that take a value after '='.
_HYDRAS = (
    "cfg",
    "package",
    "info",
    "config-path",
    "config-name",
    "config-dir",
    "experimental-rerun",
    "shell-completion",
)
_STRUCTURE = re.compile(r"[\[{'\"]|\w+\(")  # begins a list, a dictionary, a quoted text or a function of Hydra


def as_typed(argument: str) -> str:
    """Turn an argument of the command line into an override that Hydra's grammar can read.

    Args:
        argument: An override, or an option of Hydra such as ``-m``.

    Returns:
        The argument with a leading ``~`` of the value expanded, which shells do only in assignments to variables; and
        with the value quoted where Hydra could not read it otherwise. A list, dictionary or function call with a typing
        error stays as it is, for Hydra to refuse.

    Raises:
        MattingError: If an override begins with dashes, or has no key.

    Example:
        >>> as_typed("corpus.root=/data/Foto's")
        'corpus.root="/data/Foto\\'s"'
    """
    if argument.startswith("-"):
        name, equals, _ = argument.lstrip("-").partition("=")
        if equals and name not in _HYDRAS:
            raise MattingError(f"{argument}: expected KEY=VALUE without dashes; give {argument.lstrip('-')}")
        return argument
    key, equals, value = argument.partition("=")
    if value == "~" or value.startswith("~/"):
        value = str(Path(value).expanduser())
    typed = f"{key}{equals}{value}"
    if equals and not key:
        raise MattingError(f"{argument}: expected KEY=VALUE, found no key; give one, as in data.batch_size=8")
    if not equals or _STRUCTURE.match(value) or _is_readable(typed):
        return typed
    return f"{key}={_quoted(value)}"


def _is_readable(override: str) -> bool:
    try:
        OverridesParser.create().parse_override(override)
    except HydraException:
        return False
    return True


def _quoted(value: str) -> str:
    quote = "'" if '"' in value or "'" not in value else '"'
    # Backslashes are literal, except before a quote, where they are doubled.
    escaped = re.sub(rf"(\\*)({quote}|$)", lambda match: match[1] * 2 + ("\\" + quote if match[2] else ""), value)
    return f"{quote}{escaped}{quote}"
