"""Render the synthetic corpus of `experiment=curation +budget=cpu`, if need be, and print its portraits' folder.

matting curate run rwp "$(python experiments/curation/study_corpus.py)" -o outputs/curation --split train
"""

import sys
from contextlib import redirect_stdout

from matting.config import load_config
from matting.synthetic import ensure_corpus


def main() -> None:
    """Render the corpus, with progress on stderr, and print the folder."""
    corpus = load_config(["experiment=curation", "+budget=cpu", "corpus=uncurated", "corpus.image_size=512"]).corpus
    with redirect_stdout(sys.stderr):
        root = ensure_corpus(corpus.people, corpus.seed, corpus.image_size, defects=corpus.defects)
    print(root / "RWP")


if __name__ == "__main__":
    main()
