"""Mistakes that a user can correct, as opposed to faults of the program."""

DEBUG = "--debug"
"""Shows the traceback of a user's mistake as well; allowed anywhere on a command line."""


class MattingError(ValueError):
    """Unusable input: the message states in one line what was expected, what was found and what to do.

    The command line prints the message. Any other exception, except those of the operating system (`OSError`), is a
    fault of the program, and its traceback is shown.
    """
