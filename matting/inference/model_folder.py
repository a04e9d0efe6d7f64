"""What is given away of a run: weights, graph, and a model card made of the run's own records."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matting.files import json_text, read_json
from matting.inference.loading import GRAPH
from matting.inference.onnx_network import OnnxNetwork, parity, write_onnx, write_photograph_graph
from matting.models import RECORDS, Checkpoint, load_checkpoint, weights_digest

PHOTOGRAPH_GRAPH = "photograph.onnx"
DRAWN = "drawn by this project's code, so nobody else's terms hold"
UNKNOWN_DATA = "unknown: the run's configuration is not beside its checkpoint"


def export_model(run: Path, folder: Path, graph: bool = True, photograph_graph: bool = False) -> dict[str, Any]:
    """Write a model folder that ``matting cutout``, ``matting serve`` and `AttentionUNet.from_pretrained` take.

    Args:
        run: Run folder, checkpoint file or model folder.
        folder: Target; it appears when it is complete.
        graph: Write ``model.onnx``, compared with torch.
        photograph_graph: Also write ``photograph.onnx``, with scaling inside, for programs without this package.

    Returns:
        The records, as in ``training.json``.

    Raises:
        FileExistsError: The target exists.
        FileNotFoundError: There is nothing to export.
        ValueError: It cannot be loaded, packages are missing, or the graph differs from torch by more than `TOLERANCE`.
    """
    if folder.exists():
        raise FileExistsError(f"{folder}: expected a new folder, found one that exists; choose another name")
    trained = load_checkpoint(run)
    records = read_records(trained)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        trained.model.save_pretrained(partial)
        if graph or photograph_graph:
            records["onnx_difference"] = _write_graphs(trained, records, partial, photograph_graph)
        (partial / RECORDS).write_text(json_text(records))
        (partial / "README.md").write_text(model_card(records))
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return records


def read_records(trained: Checkpoint) -> dict[str, Any]:
    """Gather what a run wrote of itself.

    Args:
        trained: Loaded from the run folder; of a checkpoint that lies by itself less is known.

    Returns:
        JSON values: ``size``, ``corpus``, ``digest``, ``licence_of_data``; ``fold`` where one was left out, with the
        number of folds; and, where the run folder has them, how it was trained (``notes``, ``hours``, ``hardware``,
        ``commit``, ``versions``) and what it scored (``scores``).
    """
    earlier = trained.path.parent / RECORDS
    if earlier.is_file():
        known: dict[str, Any] = read_json(earlier)
        return known
    run = trained.path.resolve().parents[1]
    records: dict[str, Any] = {
        "size": trained.size,
        "corpus": trained.corpus,
        "digest": weights_digest(trained.model),
        "licence_of_data": licence_of_data(run, trained.corpus),
    }
    if trained.fold:
        records["fold"] = list(trained.fold)
    file = run / "results.json"
    if file.is_file():
        results = read_json(file)
        kept = ("notes", "protocol", "hardware", "commit", "versions", "pictures")
        records |= {name: results[name] for name in kept if name in results}
        records["hours"] = round(results.get("wall_seconds", 0) / 3600, 3)
        whole_sets = {key: value for key, value in results.get("metrics", {}).items() if "." not in key}
        records["scores"] = {key.removeprefix("test/"): value for key, value in whole_sets.items()}
    return records


def licence_of_data(run: Path, corpus: str) -> dict[str, str]:
    """Say under which terms the pictures stand that a run was trained on.

    Args:
        run: Run folder.
        corpus: Label of its corpus.

    Returns:
        Terms by data set, and by ``encoder`` where that started from published weights.
    """
    from omegaconf import OmegaConf

    from matting.data.verify.formats import FORMATS

    file = run / ".hydra" / "config.yaml"
    if not file.is_file():
        return {"pictures": DRAWN if corpus.startswith("demo corpus") else UNKNOWN_DATA}
    config: Any = OmegaConf.to_container(OmegaConf.load(file))
    readers = _targets(config.get("corpus"))
    terms = {entry.title: entry.licence for entry in FORMATS if entry.name in readers}
    if "demo_corpus" in readers:
        terms["pictures"] = DRAWN
    model = config.get("model", {})
    if model.get("pretrained") or model.get("encoder_weights"):
        terms["encoder"] = f"started from published weights of {model.get('encoder')}, whose own terms hold"
    if model.get("path"):
        terms["network"] = f"fine-tuned from {model['path']}, whose data's terms hold as well"
    return terms or {"pictures": UNKNOWN_DATA}


def model_card(records: Mapping[str, Any]) -> str:
    """Write the card of a model in Markdown, from its records alone."""
    lines = [
        "---\nlibrary_name: portrait-matting\npipeline_tag: image-segmentation\nlicense: other\n---",
        f"# Portrait matting network {records['digest']}",
        f"A photograph in, an alpha matte out. Trained on: **{records['corpus']}**.",
        "```bash\nmatting cutout --checkpoint THIS_FOLDER photos/ -o cutouts/\n```",
        "```python\nfrom matting.models import AttentionUNet\n\nAttentionUNet.from_pretrained('THIS_FOLDER')\n```",
        f"Long side of the working picture: {records['size']} px.",
        "## Data and licence\n\nThe code is Apache-2.0. Weights inherit the terms of the data they learnt from:",
        _bullets(records["licence_of_data"]),
    ]
    if "notes" in records:
        hours = {"hours": f"{records['hours']:g}, with evaluation", "commit": records.get("commit") or "unknown"}
        hardware = ", ".join(f"{name} {value}" for name, value in records.get("hardware", {}).items() if value)
        lines += ["## Training", _bullets(records["notes"] | hours | {"hardware": hardware})]
    if records.get("scores"):
        head = f"## Scores\n\nOn {records['pictures']} test pictures. Lower is better."
        rows = [f"| {name} | {value:.4g} |" for name, value in records["scores"].items()]
        lines += [head, "\n".join(["| set / region / metric | mean |", "| --- | ---: |", *rows])]
        lines += [_bullets(records.get("protocol", {}))]
    if "onnx_difference" in records:
        lines += ["## ONNX\n\nLargest difference of alpha from torch:", _bullets(records["onnx_difference"])]
    return "\n\n".join(lines) + "\n"


def _write_graphs(trained: Checkpoint, records: Mapping[str, Any], folder: Path, photograph: bool) -> dict[str, float]:
    about = {name: str(records[name]) for name in ("size", "corpus", "digest")}
    write_onnx(trained.model, folder / GRAPH, about)
    differences = parity(trained.model, OnnxNetwork(folder / GRAPH))
    if photograph:
        write_photograph_graph(folder / GRAPH, folder / PHOTOGRAPH_GRAPH, trained.size, trained.model.stride)
    return {f"{height} x {width}": difference for (height, width), difference in differences.items()}


def _bullets(facts: Mapping[str, Any]) -> str:
    return "\n".join(f"- {name}: {fact}" for name, fact in facts.items())


def _targets(node: Any) -> set[str]:
    """Last parts of the names of everything that a configuration builds."""
    if not isinstance(node, dict):
        return set()
    own = {str(node["_target_"]).rpartition(".")[2]} if "_target_" in node else set()
    return own.union(*(_targets(child) for child in node.values()))
