"""Mistakes that a user can put right, as opposed to faults of the program."""

DEBUG = "--debug"
"""What shows the traceback of a mistake, too, wherever it stands on a command line."""


class MattingError(ValueError):
    """What a user gave cannot be used: the text says in one line what was expected, what was found and what to do.

    The command line prints the text. Any other exception, but for those of the operating system (`OSError`), is a fault
    of the program, and its traceback is shown.
    """
