"""Check values of a configuration against the annotations of what they are passed to."""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from matting.errors import MattingError

_EXAMPLES = {bool: "true", int: "8", float: "0.5"}
_WORDS = {
    bool: "true or false",
    int: "a whole number",
    float: "a number",
    str: "text",
    Path: "a path",
    NoneType: "null",
}


def check_arguments(where: str, target: Callable[..., Any], values: Mapping[str, Any]) -> None:
    """Check plain values against the annotations of a function or class.

    Args:
        where: Name of the option whose children the values are, for the message.
        target: What the values will be passed to.
        values: Arguments by name. Only numbers, text, null, and lists and dictionaries of them are checked, against
            annotations made of such types; anything else is left to the target.

    Raises:
        MattingError: If a value is of another type; the message names the option.
    """
    try:
        hints = get_type_hints(target.__init__ if inspect.isclass(target) else target)
    except NameError:  # an annotation that is imported for type checkers only
        return
    for name, value in values.items():
        if name in hints:
            check_value(f"{where}.{name}" if where else name, value, hints[name])


def check_value(option: str, value: Any, hint: Any) -> None:
    """Check one value against a type.

    Raises:
        MattingError: If it is of another type.
    """
    if isinstance(value, Mapping) and (inner := _mapped(hint)) is not None:
        for key, one in value.items():  # each by itself, so that the message names the one that is wrong
            check_value(f"{option}.{key}", one, inner)
    elif not _fits(value, hint):
        found = "nothing" if value == "" else repr(value)
        raise MattingError(
            f"{option}: expected {_describe(hint)}, found {found}; give {option}={_example(value, hint)}"
        )


def _mapped(hint: Any) -> Any:
    """Return the type of the values of a dictionary, or None if the type is another one."""
    kinds = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    return next((get_args(kind)[1] for kind in kinds if get_origin(kind) in (dict, Mapping)), None)


def _example(value: Any, hint: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return f"{value:g}"
    kinds = get_args(hint) or (hint,)
    return next((_EXAMPLES[kind] for kind in kinds if kind in _EXAMPLES), "…")


def _fits(value: Any, hint: Any) -> bool:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if origin is Literal:
        return value in parts or not isinstance(value, int | float | str | NoneType)
    if hint is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if hint in (int, bool, NoneType):
        # Not isinstance: a bool is an int in Python.
        return type(value) is hint
    if hint in (str, Path):  # names may look like numbers
        return isinstance(value, int | float | str) and not isinstance(value, bool)
    if origin is tuple and Ellipsis not in parts:
        return _is_list(value) and len(value) == len(parts) and all(map(_fits, value, parts))
    if origin in (list, tuple, Sequence, Iterable):
        return _is_list(value) and all(_fits(one, parts[0]) for one in value)
    if origin in (dict, Mapping):
        return isinstance(value, Mapping) and all(_fits(one, parts[1]) for one in value.values())
    return True


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _describe(hint: Any) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_describe(part) for part in parts))
    if origin is Literal:
        return f"one of {', '.join(map(str, parts))}"
    if origin is tuple and Ellipsis not in parts:
        return f"a list of {len(parts)} values"
    if origin in (list, tuple, Sequence, Iterable):
        return f"a list, each {_describe(parts[0])}"
    if origin in (dict, Mapping):
        return f"a dictionary, each value {_describe(parts[1])}"
    return _WORDS.get(hint, getattr(hint, "__name__", str(hint)))
