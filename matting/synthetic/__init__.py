"""The synthetic corpus: portraits rendered by code, written in the on-disk formats of the real data sets."""

from matting.synthetic.build import CorpusParameters, build_corpus, ensure_corpus
from matting.synthetic.scenarios import SCENARIO_SETS, ensure_scenarios
from matting.synthetic.sheet import contact_sheet
from matting.synthetic.version import VERSION

__all__ = [
    "SCENARIO_SETS",
    "VERSION",
    "CorpusParameters",
    "build_corpus",
    "contact_sheet",
    "ensure_corpus",
    "ensure_scenarios",
]
