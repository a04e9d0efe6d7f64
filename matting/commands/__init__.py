"""One file per sub-command of ``matting``. Each imports what it needs only when it runs, to keep ``--help`` fast."""
