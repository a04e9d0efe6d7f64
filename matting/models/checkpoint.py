"""Load a network from a run folder, a checkpoint file or a model folder, without executing anything in the file."""

import pickle
from pathlib import Path
from typing import Any, NamedTuple

import torch

from matting.errors import MattingError
from matting.models.attention_unet import AttentionUNet
from matting.models.folder import is_model_folder, read_model_folder
from matting.models.weights import check_finite


class Checkpoint(NamedTuple):
    """A trained network and what is needed to use it.

    Attributes:
        model: In evaluation mode, on the CPU.
        size: Working size in pixels: the side at which it was trained and should be run.
        corpus: Name of the training corpus, for reports.
        path: The file it came from.
        fold: The fold of people held out of its training, the number of folds, and the version of the rule that makes
            them (`matting.data.folds`), 1 where none is recorded; None if no fold was held out.
    """

    model: AttentionUNet
    size: int
    corpus: str
    path: Path
    fold: tuple[int, int, int] | None = None


def load_checkpoint(path: Path | str) -> Checkpoint:
    """Load a trained network.

    Args:
        path: A run folder (its ``checkpoints/last.ckpt``), a checkpoint file, or a model folder of ``matting export``.
            If the run kept an exponential moving average of the weights, the average is loaded.

    Returns:
        The network with its working size and origin.

    Raises:
        FileNotFoundError: If there is no checkpoint.
        MattingError: If the file is damaged, was not written by this project, or has weights that are not finite.
    """
    file = Path(path)
    if is_model_folder(file):
        model, records = read_model_folder(file)
        check_finite(model.state_dict(), file / "model.safetensors")
        origin = int(records["size"]), str(records["corpus"]), file / "model.safetensors"
        return Checkpoint(model, *origin, _fold(*records.get("fold", ())))
    if file.is_dir():
        file = file / "checkpoints" / "last.ckpt"
    if not file.is_file():
        raise FileNotFoundError(
            f"{path}: expected a run folder with checkpoints/last.ckpt or a checkpoint file, found none; "
            "train one with 'matting train experiment=quickstart'"
        )
    content = read_checkpoint(file)
    hyper_parameters, state = content["hyper_parameters"], content["state_dict"]
    # If the run averages its weights, Lightning saves the average here and the current ones under another key.
    state = {key.removeprefix("model."): value for key, value in state.items() if key.startswith("model.")}
    # All weights follow from the checkpoint, so none of the encoder's are fetched first.
    model = AttentionUNet(**hyper_parameters["model"] | {"pretrained": False, "encoder_weights": None})
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise MattingError(f"{file}: the weights do not fit the model it describes; {error}") from error
    fold = _fold(*(hyper_parameters[name] for name in ("fold", "folds", "fold_rule") if name in hyper_parameters))
    return Checkpoint(model.eval(), int(hyper_parameters["size"]), str(hyper_parameters["corpus"]), file, fold)


def _fold(number: int | None = None, folds: int = 0, rule: int = 1) -> tuple[int, int, int] | None:
    return None if number is None else (int(number), int(folds), int(rule))


def read_checkpoint(file: Path) -> dict[str, Any]:
    """Read the content of a checkpoint, without executing anything in it.

    Args:
        file: A file that ``train.py`` wrote.

    Returns:
        Lightning's dictionary, with at least ``state_dict`` and ``hyper_parameters``; tensors are on the CPU.

    Raises:
        FileNotFoundError: If there is no such file.
        MattingError: If it is no checkpoint of this project, or has weights that are not finite.
    """
    try:
        content: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        _ = content["hyper_parameters"]["model"]
        # A run that averages its weights keeps the current ones as well, and resumes from them.
        for weights in (content["state_dict"], content.get("current_model_state", {})):
            check_finite({name.removeprefix("model."): value for name, value in weights.items()}, file)
        return content
    except (RuntimeError, KeyError, EOFError, TypeError, AttributeError, pickle.UnpicklingError) as error:
        raise MattingError(
            f"{file}: expected a checkpoint written by train.py, found something else ({type(error).__name__}); "
            "give a run folder or its checkpoints/last.ckpt"
        ) from error
