"""Syntax trees of source files."""

import ast
import gc


def parse(source: str) -> ast.Module:
    """Parse Python source with garbage collection off.

    A finalizer that runs inside the parser can break its count of nesting (CPython 3.11: SystemError).
    """
    collecting = gc.isenabled()
    gc.disable()
    try:
        return ast.parse(source)
    finally:
        if collecting:
            gc.enable()
