"""The candidates of an evaluation, each a method with its description: networks, stored predictions, baselines."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from matting.data.test_sets import Pair
from matting.errors import MattingError
from matting.evaluation.methods import all_foreground, network, stored_predictions
from matting.evaluation.prediction import Method
from matting.evaluation.runs import read_training
from matting.evaluation.setting import UNKNOWN, Description
from matting.evaluation.trimap_based import closed_form_method
from matting.files import dated, short_names
from matting.inference import load

TRIMAP_BASED, TRIVIAL = "closed form, trimap-based", "all foreground"
"""Names of the baselines."""


class Candidate(NamedTuple):
    """A method that takes part in an evaluation, and what the report says about it.

    Attributes:
        method: Returns the mattes.
        description: What the method is.
        looks: Whether its mattes depend on the image, so that corrupting the image can change them.
    """

    method: Method
    description: Description
    looks: bool = True


def load_candidate(source: Path | str, size: int | None = None, device: str = "auto") -> Candidate:
    """Load a network as a candidate.

    Args:
        source: Model name, run folder or checkpoint, as in `matting.inference.resolve`.
        size: Long side of the working image, in pixels; None for the network's own.
        device: Device name, as in `matting.inference.Predictor`.

    Returns:
        The candidate.

    Raises:
        FileNotFoundError: There is no checkpoint.
        MattingError: The checkpoint, the size or the device cannot be used.
    """
    # Not 'auto': `network` hooks into the torch module, and the precision would depend on the machine.
    model = load(source, size, device, precision="float32")
    training = read_training(model.path)
    mixture = f" ({training.mixture})" if training else ""
    description = Description(
        f"{dated(model.path)}, weights {model.digest}, trained on: {model.corpus}{mixture}; {model.predictor.resizing}",
        trained_on=model.corpus,
        augmentations=training.augmentations if training else None,
        configuration=training.configuration if training else None,
        seed=training.seed if training else None,
    )
    return Candidate(network(model.predictor), description)


def stored_candidate(folder: Path, pairs: Sequence[Pair], output: Path | None = None) -> Candidate:
    """Make a candidate of the mattes that another program wrote.

    Args:
        folder: Contains a matte of every image, as in `match_predictions`.
        pairs: The test images.
        output: Folder of the report, as in `dated`.

    Returns:
        The candidate.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    method = stored_predictions(folder, pairs)
    text = f"mattes stored in {dated(folder, output)}, scored as they are"
    return Candidate(method, Description(text, trained_on=UNKNOWN, augmentations=None), looks=False)


def baselines(trimap_based: bool = False) -> dict[str, Candidate]:
    """Return the baselines that every network has to beat.

    Args:
        trimap_based: Whether to add closed-form matting, which is given the true trimap.

    Returns:
        Candidates by name.

    Raises:
        MattingError: Closed-form matting is requested, but PyMatting is not installed.
    """
    solver = Description("Levin et al. 2008 by PyMatting, given the true trimap; long side reduced to 512 px")
    trivial = Candidate(all_foreground, Description("trivial baseline: alpha 1 everywhere"), looks=False)
    return ({TRIMAP_BASED: Candidate(closed_form_method(), solver)} if trimap_based else {}) | {TRIVIAL: trivial}


def load_candidates(
    checkpoints: Sequence[str],
    predictions: Mapping[str, Path],
    pairs: Sequence[Pair],
    size: int | None,
    device: str,
    trimap_based: bool,
    output: Path | None = None,
) -> dict[str, Candidate]:
    """Load all candidates of an evaluation, the method under test first.

    Args:
        checkpoints: Networks, as in `load_candidate`.
        predictions: Folders of stored mattes, by name; see `name_predictions`.
        pairs: The test images, to which stored mattes are matched.
        size: Long side of the working image, as in `load_candidate`.
        device: Device name, as in `load_candidate`.
        trimap_based: Whether to add closed-form matting, as in `baselines`.
        output: Folder of the report, as in `stored_candidate`.

    Returns:
        Candidates by short name.

    Raises:
        MattingError: One is given twice, or two have the same name.
    """
    networks = {name: load_candidate(source, size, device) for source, name in short_names(checkpoints).items()}
    stored = {name: stored_candidate(path, pairs, output) for name, path in predictions.items()}
    trivial = baselines(trimap_based)
    for name in stored:
        if name in networks or name in trivial:
            raise MattingError(f"expected one method named '{name}', found two; give --predictions NAME=FOLDER")
    return networks | stored | trivial
