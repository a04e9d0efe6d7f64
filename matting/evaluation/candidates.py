"""Methods with what a report says of them: trained networks, stored predictions, baselines."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from matting.errors import MattingError
from matting.evaluation.methods import all_foreground, network, stored_predictions
from matting.evaluation.prediction import Method
from matting.evaluation.runs import read_training
from matting.evaluation.setting import UNKNOWN, Description
from matting.evaluation.trimap_based import closed_form_method
from matting.inference import load

HELPED, TRIVIAL = "closed form, helped", "all foreground"
"""Names of the baselines."""


class Entrant(NamedTuple):
    """A method that takes part in an evaluation.

    Attributes:
        method: Gives the mattes.
        description: What it is.
        looks: Whether its mattes follow from the images it is given, so that corrupting them makes a difference.
    """

    method: Method
    description: Description
    looks: bool = True


def load_entrant(source: Path | str, size: int | None = None, device: str = "auto") -> Entrant:
    """Enter a network.

    Args:
        source: As `matting.inference.resolve` takes it.
        size: Long side of the working image; the network's own where None.
        device: As `matting.inference.Predictor` takes it.

    Raises:
        FileNotFoundError: There is no checkpoint.
        MattingError: It cannot be used, or the size or the device cannot.
    """
    model = load(source, size, device, backend="torch", precision="float32")
    training = read_training(model.path)
    mixture = f" ({training.mixture})" if training else ""
    description = Description(
        f"{dated(model.path)}, weights {model.digest}, trained on: {model.corpus}{mixture}; {model.predictor.resizing}",
        trained_on=model.corpus,
        augmentations=training.augmentations if training else None,
        configuration=training.configuration if training else None,
    )
    return Entrant(network(model.predictor), description)


def other_software(folder: Path) -> Entrant:
    """Enter the mattes that another program wrote.

    Args:
        folder: Holds ``NAME.png`` for every image.

    Raises:
        FileNotFoundError: There is no such folder.
    """
    method = stored_predictions(folder)
    text = f"mattes stored in {dated(folder)}, scored as they are"
    return Entrant(method, Description(text, trained_on=UNKNOWN, augmentations=None), looks=False)


def baselines(helped: bool = False) -> dict[str, Entrant]:
    """Enter what every network has to beat.

    Args:
        helped: Also closed-form matting, which is told the true trimap.

    Returns:
        Entrants by name.

    Raises:
        MattingError: PyMatting is wanted and not installed.
    """
    solver = Description("Levin et al. 2008 by PyMatting, told the true trimap; long side to 512 px")
    trivial = Entrant(all_foreground, Description("trivial baseline: alpha 1 everywhere"), looks=False)
    return ({HELPED: Entrant(closed_form_method(), solver)} if helped else {}) | {TRIVIAL: trivial}


def enter(
    checkpoints: Sequence[str], predictions: Sequence[Path], size: int | None, device: str, helped: bool
) -> dict[str, Entrant]:
    """Enter everything that takes part in an evaluation, the method under test first.

    Args:
        checkpoints: Networks, as `load_entrant` takes them.
        predictions: Folders of stored mattes.
        size: As `load_entrant` takes it.
        device: As `load_entrant` takes it.
        helped: As `baselines` takes it.

    Returns:
        Entrants by short name.

    Raises:
        MattingError: There is nothing to evaluate, or one is given twice.
    """
    if not checkpoints and not predictions:
        raise MattingError("expected something to evaluate; give --checkpoint RUN, --predictions DIR, or both")
    names = short_names([*map(Path, checkpoints), *predictions])
    networks = {names[Path(source)]: load_entrant(source, size, device) for source in checkpoints}
    stored = {names[path]: other_software(path) for path in predictions}
    return networks | stored | baselines(helped)


def short_names(paths: Sequence[Path]) -> dict[Path, str]:
    """Name paths by as few of their last parts as tell them apart.

    Raises:
        MattingError: A path is given twice.
    """
    parts = {path: path.resolve().parts for path in paths}
    if len(set(parts.values())) < len(paths):
        raise MattingError(f"expected different methods, found one twice in {', '.join(map(str, paths))}")
    for depth in range(1, 100):
        names = {path: "/".join(parts[path][-depth:]) for path in paths}
        if len(set(names.values())) == len(paths):
            break
    return names


def dated(path: Path) -> str:
    """Name a file or folder with the time of its last change: what tells a retrained checkpoint from the old one."""
    changed = max(file.stat().st_mtime for file in (path, *path.rglob("*")) if file.exists())
    return f"{path} of {datetime.fromtimestamp(changed).isoformat(' ', 'seconds')}"
