"""The demo corpus: portraits drawn by code, written in the on-disk formats of the real data sets."""

from matting.corpus.build import CorpusParameters, build_corpus, ensure_corpus
from matting.corpus.scenarios import SCENARIO_SETS, ensure_scenarios
from matting.corpus.sheet import contact_sheet
from matting.corpus.version import VERSION

__all__ = [
    "SCENARIO_SETS",
    "VERSION",
    "CorpusParameters",
    "build_corpus",
    "contact_sheet",
    "ensure_corpus",
    "ensure_scenarios",
]
