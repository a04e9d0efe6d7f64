"""Export a run as a model folder: weights, ONNX graph, and a model card made from the run's records."""

import shutil
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch

from matting.errors import MattingError
from matting.files import json_text
from matting.inference.card import model_card
from matting.inference.onnx_network import OnnxNetwork, parity, write_onnx, write_photo_graph
from matting.inference.records import OWN, licence, read_records, read_scores
from matting.inference.resizing import working_shape
from matting.inference.resolving import GRAPH, resolve
from matting.models import RECORDS, AttentionUNet, load_checkpoint, weights_digest

PHOTO_GRAPH = "photo.onnx"


def export_model(
    source: Path | str,
    folder: Path,
    graph: bool = True,
    photo_graph: bool = False,
    half: bool = False,
    scores: Sequence[Path] = (),
    terms: Mapping[str, str] | None = None,
    size: int | None = None,
) -> dict[str, Any]:
    """Write a model folder, as `matting.load` and `AttentionUNet.from_pretrained` read it.

    Args:
        source: Any source of `resolve` except an ONNX graph.
        folder: Target; it is created only once its content is complete.
        graph: Write ``model.onnx`` and compare it with torch.
        photo_graph: Also write ``photo.onnx``, which includes the scaling, for programs without this package.
        half: Store the weights in 16 bits, also in the graphs; see `half_precision`.
        scores: Folders of evaluations of this network, for the card; of the weights before or after rounding.
        terms: Terms of the user's own data, by name; they replace the placeholder of those data sets.
        size: Working size to record, a multiple of 32; that of the training by default.

    Returns:
        The records in ``training.json``: those of `read_records`, and ``licence`` in a few words.

    Raises:
        FileExistsError: The target exists.
        FileNotFoundError: The source does not exist.
        MattingError: The source cannot be loaded, packages are missing, scores are of another network, or the graph
            differs from torch by more than `TOLERANCE`.
    """
    if folder.exists():
        raise FileExistsError(f"{folder}: expected a new folder, found one that exists; choose another name")
    trained = load_checkpoint(resolve(source))
    stored = half_precision(trained.model) if half else trained.model
    model = deepcopy(stored).float()  # the weights after loading, rounded if they are stored in half
    records = read_records(trained) | {"digest": weights_digest(model)}
    digests = dict.fromkeys([records["digest"], weights_digest(trained.model)])
    more = [read_scores(path, digests) for path in scores]
    records["scores"] = records.get("scores", []) + more
    if terms:
        known = {name: text for name, text in records["licence_of_data"].items() if text != OWN}
        records["licence_of_data"] = known | dict(terms)
    if size:
        # For its check of the size.
        working_shape(size, size, size)
        records["size"] = size
    # Before the graphs, whose metadata contain it.
    records["licence"] = licence(records["licence_of_data"])
    # In the folder of the target, so that the rename stays within one file system.
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        stored.save_pretrained(partial)
        if graph or photo_graph:
            records["onnx_difference"] = _write_graphs(model, records, partial, photo_graph, half)
        (partial / RECORDS).write_text(json_text(records))
        (partial / "README.md").write_text(model_card(records))
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return records


def half_precision(model: AttentionUNet) -> AttentionUNet:
    """Return a copy whose kernels are stored as float16, half the size; loading makes them float32 again.

    Biases and normalisation statistics, two per cent of the values, keep 32 bits because their range is larger.

    Raises:
        MattingError: A kernel weight is out of the range of float16.
    """
    copy = deepcopy(model)
    for name, parameter in copy.named_parameters():
        if parameter.ndim > 1:
            parameter.data = parameter.data.half()
            if not torch.isfinite(parameter.data).all():
                raise MattingError(f"expected weights within the range of float16, found larger ones in '{name}'")
    return copy


def _write_graphs(
    model: AttentionUNet, records: Mapping[str, Any], folder: Path, photo: bool, half: bool
) -> dict[str, float]:
    about = {name: str(records[name]) for name in ("size", "corpus", "digest", "licence")}
    write_onnx(model, folder / GRAPH, about, half)
    # The file is read back, so that what is compared is what is shipped.
    differences = parity(model, OnnxNetwork(folder / GRAPH))
    if photo:
        write_photo_graph(folder / GRAPH, folder / PHOTO_GRAPH, int(records["size"]), model.stride)
    return {f"{height} x {width}": difference for (height, width), difference in differences.items()}
