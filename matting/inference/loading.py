"""From a run folder, a model folder or a graph to a predictor, on what is fastest here."""

import importlib.util
from pathlib import Path
from typing import Literal, NamedTuple

from matting.errors import MattingError
from matting.inference.onnx_network import OnnxNetwork
from matting.inference.predictor import Predictor, fastest_precision
from matting.models import load_checkpoint, weights_digest

Backend = Literal["auto", "torch", "onnx"]
"""What runs the network."""

GRAPH = "model.onnx"
"""Name of the graph in a model folder."""


class Loaded(NamedTuple):
    """A predictor and what to say of it.

    Attributes:
        predictor: Ready for photographs.
        path: The file it came from.
        corpus: What it was trained on.
        digest: Names its weights; see `matting.models.weights_digest`.
        backend: What runs it, in words.
    """

    predictor: Predictor
    path: Path
    corpus: str
    digest: str
    backend: str

    def __str__(self) -> str:
        """One line for a user."""
        return f"{self.path} ({self.digest}), trained on: {self.corpus}; {self.backend}, {self.predictor.size} px"


def load_predictor(path: Path, size: int | None = None, device: str = "auto", backend: Backend = "auto") -> Loaded:
    """Load a network for photographs.

    Args:
        path: Run folder, checkpoint file, model folder of ``matting export``, or its ``model.onnx``.
        size: Long side of the working picture; the run's own where None.
        device: As `Predictor` takes it.
        backend: ``auto`` takes torch in bfloat16 where the hardware multiplies it, else ONNX Runtime where there is a
            graph and the package, else torch in float32.

    Returns:
        The predictor, and what to say of it.

    Raises:
        FileNotFoundError: There is nothing to load.
        MattingError: It cannot be used, or the size, the device or the backend cannot.
    """
    graph = path if path.suffix == ".onnx" else path / GRAPH
    if backend == "onnx" and not graph.is_file():
        raise MattingError(f"{path}: expected a model folder with {GRAPH} for ONNX Runtime, found none; matting export")
    if path.suffix == ".onnx" or backend == "onnx":
        return _load_graph(graph, size)
    trained = load_checkpoint(path)
    predictor = Predictor(trained.model, size or trained.size, device)
    predictor.precision = fastest_precision(predictor.device)
    installed = importlib.util.find_spec("onnxruntime") is not None
    slow = predictor.device.type == "cpu" and predictor.precision == "float32"
    if backend == "auto" and slow and installed and graph.is_file():
        return _load_graph(graph, size)
    words = f"torch {predictor.precision} on {predictor.device}"
    return Loaded(predictor, trained.path, trained.corpus, weights_digest(trained.model), words)


def newest_run(folders: tuple[Path, ...] = (Path("outputs"), Path("multirun"))) -> Path:
    """Find the training run that finished last.

    Args:
        folders: Where runs are written.

    Returns:
        A run folder with a checkpoint and its report's figures.

    Raises:
        FileNotFoundError: There is none.
    """
    finished = [file for folder in folders for file in folder.rglob("results.json")]
    runs = [file for file in finished if (file.parent / "checkpoints" / "last.ckpt").is_file()]
    if not runs:
        searched = " and ".join(f"{folder}/" for folder in folders)
        raise FileNotFoundError(
            f"expected a finished run in {searched}, found none; give --checkpoint, "
            "or train one with 'python train.py experiment=quickstart'"
        )
    return max(runs, key=lambda file: file.stat().st_mtime).parent


def _load_graph(path: Path, size: int | None) -> Loaded:
    network = OnnxNetwork(path)
    about = network.about
    predictor = Predictor(network, size or int(about["size"]), "cpu")
    words = f"ONNX Runtime on {network.provider}"
    return Loaded(predictor, path, about.get("corpus", "unknown"), about.get("digest", "unknown"), words)
