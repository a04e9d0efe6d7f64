"""Draws a corpus to look at: ``python -m matting.corpus --people 24 -o DIR``."""

import argparse
import sys
from pathlib import Path

from matting.corpus.build import CorpusParameters, build_corpus
from matting.corpus.sheet import contact_sheet


def main() -> int:
    """Parses the command line, paints the corpus and its contact sheet."""
    parser = argparse.ArgumentParser(prog="python -m matting.corpus", description="Draw a demo corpus to look at.")
    parser.add_argument("-o", "--output", type=Path, required=True, help="new folder for the corpus")
    parser.add_argument("--people", type=int, default=24)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--image-size", type=int, default=512, help="shorter side, pixels")
    parser.add_argument("--workers", type=int, help="processes; every core by default")
    parser.add_argument("--defects", action="store_true", help="plant labelled defects, listed in defects.csv")
    options = parser.parse_args()
    try:
        parameters = CorpusParameters(options.people, options.seed, options.image_size, options.defects)
        build_corpus(options.output, parameters, options.workers)
    except (ValueError, FileExistsError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    contact_sheet(options.output, options.output / "contact_sheet.jpg")
    return 0


if __name__ == "__main__":
    sys.exit(main())
