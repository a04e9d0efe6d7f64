"""Test sets: images with ground-truth mattes, listed before any is loaded."""

from matting.data.test_sets.examples import Example, Pair
from matting.data.test_sets.folders import Listing, load_example, pairs_from_folders, pairs_from_root
from matting.data.test_sets.labels import with_labels
from matting.data.test_sets.predictions import match_predictions, name_predictions

__all__ = [
    "Example",
    "Listing",
    "Pair",
    "load_example",
    "match_predictions",
    "name_predictions",
    "pairs_from_folders",
    "pairs_from_root",
    "with_labels",
]
