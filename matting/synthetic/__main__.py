"""Render a corpus to look at, ``python -m matting.synthetic --people 24 -o DIR``, or contact sheets (``--sheets``)."""

import argparse
import sys
from pathlib import Path

from matting.errors import MattingError
from matting.processes import on_dask
from matting.synthetic.build import CorpusParameters, build_corpus
from matting.synthetic.sheet import contact_sheet
from matting.synthetic.sheets import render_sheets


def main() -> int:
    """Parse the command line, and render a corpus with its contact sheet, or sheets of everything it can contain."""
    parser = argparse.ArgumentParser(
        prog="python -m matting.synthetic", description="Render a synthetic corpus to look at."
    )
    parser.add_argument("-o", "--output", type=Path, required=True, help="new folder for the corpus or the sheets")
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--image-size", type=int, default=512, help="shorter side, pixels")
    parser.add_argument("--workers", type=int, help="processes; every core by default")
    parser.add_argument("--dask", metavar="ADDRESS|local", help="Dask cluster, instead of --workers")
    parser.add_argument("--defects", action="store_true", help="plant labelled defects, listed in defects.csv")
    sheets = "render contact sheets of everything a corpus can contain instead; uses only --seed and processes"
    parser.add_argument("--sheets", action="store_true", help=sheets)
    options = parser.parse_args()
    try:
        with on_dask(options.dask):
            if options.sheets:
                render_sheets(options.output, options.seed, options.workers)
                return 0
            parameters = CorpusParameters(options.people, options.seed, options.image_size, options.defects)
            build_corpus(options.output, parameters, options.workers)
    except (MattingError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    contact_sheet(options.output, options.output / "contact_sheet.jpg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
