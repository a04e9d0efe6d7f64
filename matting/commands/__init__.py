"""One file per sub-command of ``matting``. Each imports what it needs when it runs, so that ``--help`` stays fast."""
