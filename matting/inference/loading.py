"""Load a model by name or path, with the fastest backend of this machine."""

import importlib.util
from functools import partial
from pathlib import Path
from typing import Literal

from matting.errors import MattingError
from matting.inference.card import summary_of_scores
from matting.inference.model import Model
from matting.inference.onnx_network import OnnxNetwork
from matting.inference.predictor import Precision, Predictor, choose_device, fastest_precision
from matting.inference.records import UNKNOWN_DATA, doubt, read_object, read_records
from matting.inference.resolving import DEFAULT, GRAPH, resolve
from matting.models import RECORDS, AttentionUNet, load_checkpoint

Backend = Literal["auto", "torch", "onnx"]
"""The library that runs the network."""


def load(
    source: str | Path = DEFAULT,
    size: int | None = None,
    device: str = "auto",
    backend: Backend = "auto",
    precision: Precision | None = None,
) -> Model:
    """Load a model for photos.

    Args:
        source: A shipped model such as ``portrait``, a run folder, a checkpoint file, a model folder of
            ``matting export``, its ``model.onnx``, or ``hf:owner/name``; see `resolve`.
        size: Long side of the working image, a multiple of 32; None for the model's own.
        device: ``cpu``, ``cuda``, ``mps``, or ``auto`` for the fastest.
        backend: ``auto`` chooses ONNX Runtime on a CPU if the graph exists and the package is installed, because it
            starts in two thirds of the time; else torch.
        precision: Precision of torch, which is then the backend, except for an ONNX graph, which is in float32; None
            for the fastest.

    Returns:
        The model.

    Raises:
        FileNotFoundError: The source does not exist.
        MattingError: The source, the size, the device or the backend cannot be used.
    """
    model = _load(source, size, device, backend, precision)
    model.predictor.reload = partial(_predictor, source, size, device, backend, precision)
    return model


def _predictor(
    source: str | Path, size: int | None, device: str, backend: Backend, precision: Precision | None
) -> Predictor:
    return load(source, size, device, backend, precision).predictor


def _load(source: str | Path, size: int | None, device: str, backend: Backend, precision: Precision | None) -> Model:
    path = resolve(source)
    graph = path if path.suffix == ".onnx" else path / GRAPH
    if path.suffix == ".onnx" and (backend == "torch" or precision == "bfloat16"):
        raise MattingError(f"{source}: expected a model folder or checkpoint for torch, found an ONNX graph; give that")
    if backend == "onnx" and not graph.is_file():
        raise MattingError(
            f"{source}: expected a model folder with {GRAPH} for ONNX Runtime, found none; run 'matting export'"
        )
    # Decided before the network is built: importing timm takes longer than everything else.
    if path.suffix == ".onnx" or backend == "onnx" or (backend == "auto" and not precision and _runs(graph, device)):
        return _load_graph(str(source), graph, size, device)
    trained = load_checkpoint(path)
    predictor = Predictor(trained.model, size or trained.size, device)
    # Set afterwards, because only the predictor knows which device `auto` is.
    predictor.precision = precision or fastest_precision(predictor.device)
    words = f"torch {predictor.precision} on {predictor.device}"
    records = read_records(trained)
    terms, scores = records["licence_of_data"], summary_of_scores(records)
    return Model(
        predictor, str(source), trained.path, trained.corpus, records["digest"], words, terms, scores, doubt(records)
    )


def trained_network(path: str | Path) -> AttentionUNet:
    """Load a network for fine-tuning, for example on a user's own images.

    Args:
        path: A source as for `load`, but not an ONNX graph.

    Returns:
        The network in training mode. Only the weights are loaded: this does not resume a run and its optimiser state.
    """
    return load_checkpoint(resolve(path)).model.train()


def _runs(graph: Path, device: str) -> bool:
    """Return whether ONNX Runtime is installed, the graph exists, and the device is a CPU."""
    # Looked for, not imported: it is needed only if the graph is chosen.
    installed = importlib.util.find_spec("onnxruntime") is not None
    return graph.is_file() and installed and choose_device(device).type == "cpu"


def _load_graph(name: str, path: Path, size: int | None, device: str) -> Model:
    network = OnnxNetwork(path, device)
    about = network.about
    # The inputs are on the CPU for any provider: ONNX Runtime moves them itself.
    predictor = Predictor(network, size or int(about["size"]), "cpu")
    words = f"ONNX Runtime on {network.provider}"
    digest, corpus = about.get("digest", "unknown"), about.get("corpus", "unknown")
    file = path.with_name(RECORDS)
    records = read_object(file) if file.is_file() else {}
    if records.get("digest") != digest:
        records = {}  # of other weights, or none
    terms = {"data": about.get("licence", UNKNOWN_DATA)}
    return Model(predictor, name, path, corpus, digest, words, terms, summary_of_scores(records), doubt(records))
