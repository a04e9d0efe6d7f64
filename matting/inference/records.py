"""The records of a network: how it was trained, what it scored, and the licence of its weights."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from matting.errors import MattingError
from matting.files import read_json
from matting.inference.resolving import resolve
from matting.models import RECORDS, AttentionUNet, Checkpoint, load_checkpoint, weights_digest
from matting.models.checkpoint import read_checkpoint

RENDERED = "rendered by this project's code, so no third-party licence applies"
UNKNOWN_DATA = "unknown: the run's configuration is not next to its checkpoint"
OWN = "yours"
"""Licence of the formats for a user's own data, whose terms only the user knows."""

_INHERITED = "fine-tuned from"

APACHE, RESEARCH, OTHER = "Apache-2.0", "research only, non-commercial", "the terms of its data"
"""Licences of weights, in a few words."""


def read_records(trained: Checkpoint) -> dict[str, Any]:
    """Collect the records of a run.

    Args:
        trained: Checkpoint loaded from the run folder; for a checkpoint file elsewhere, fewer records exist.

    Returns:
        JSON values: ``size``, ``corpus``, ``network`` in words, ``digest``, ``licence_of_data``; ``fold``, with the
        number of folds, if one was left out; and, if the run folder has them, how it was trained (``notes``,
        ``hours``, ``hardware``, ``commit``, ``versions``) and what it scored (``scores``, see `read_scores`).

    Raises:
        ValueError: A file of records is damaged.
    """
    earlier = trained.path.parent / RECORDS
    if earlier.is_file():
        known = read_object(earlier)
        # The digest is that of the weights that are here, whatever the file says.
        return {"licence_of_data": {"data": UNKNOWN_DATA}} | known | {"digest": weights_digest(trained.model)}
    run = trained.path.resolve().parent.parent
    records: dict[str, Any] = {
        "size": trained.size,
        "corpus": trained.corpus,
        "network": _network(trained.model),
        "digest": weights_digest(trained.model),
        "licence_of_data": licence_of_data(run, trained.corpus),
    }
    if trained.fold:
        records["fold"] = list(trained.fold)
    content = read_checkpoint(trained.path)
    if (results := _results_of(run / "results.json", content.get("global_step"))) is not None:
        kept = ("notes", "hardware", "commit", "versions")
        records |= {name: results[name] for name in kept if name in results}
        records["hours"] = round(results.get("wall_seconds", 0) / 3600, 3)
        own = results.get("method_under_test", "model")
        records["scores"] = [_scores(results, own, records["digest"]) | {"trivial": _best_other(results, own)}]
    else:
        records["notes"] = _notes_of_checkpoint(content)
    return records


def _results_of(file: Path, steps: int | None) -> dict[str, Any] | None:
    """Read the results of a run, unless there are none or they are of another of its checkpoints."""
    if not file.is_file():
        return None
    results = read_object(file)
    # A run that was resumed and stopped again still has its earlier report.
    training = results.get("notes", {}).get("training", f"{steps} steps")
    return results if training.startswith(f"{steps} steps") else None


def _notes_of_checkpoint(content: Mapping[str, Any]) -> dict[str, str]:
    """Return what is known of weights without a report: the run was stopped, or has no test images."""
    sets = content["hyper_parameters"].get("sets") or {}
    counts = {"sets": ", ".join(f"{name} ({items} items)" for name, items in sets.items())} if sets else {}
    steps = content.get("global_step", "an unknown number of")
    return counts | {"training": f"{steps} steps, without test results"}


def read_scores(folder: Path, digests: Iterable[str]) -> dict[str, Any]:
    """Read the scores of a network from a folder of ``matting evaluate``.

    Args:
        folder: Folder of an evaluation, with its ``results.json``.
        digests: Digests of the weights; the scores must be of one of them. See `matting.models.weights_digest`.

    Returns:
        ``images``, the evaluated images, in words; ``weights``, the digest of the evaluated weights; ``protocol``; and
        ``cells``, estimates with their intervals by ``<set>/<region>/<metric>``, where ``<set>.<label>`` is the part
        of a set with that label.

    Raises:
        FileNotFoundError: There are no results.
        MattingError: The results are damaged, or are of other weights.
    """
    file = folder / "results.json"
    results = read_object(file)
    try:
        methods = {name: text for name, text in results["methods"].items() if name in results["by_method"]}
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise MattingError(
            f"{file}: expected results of 'matting evaluate', found {error!r}; evaluate again"
        ) from error
    digests = list(digests)
    matching = [(name, digest) for name, text in methods.items() for digest in digests if digest in text]
    if not matching:
        raise MattingError(
            f"{file}: expected scores of the weights {' or '.join(digests)}, found those of {', '.join(methods)}; "
            "run 'matting evaluate' with this network"
        )
    return _scores(results, *matching[0])


def doubt(records: Mapping[str, Any]) -> str:
    """Return what speaks against using a network: no test scores, or scores that a trivial matte reaches; else "".

    Args:
        records: Records of the model, from `read_records`.
    """
    if not records.get("scores"):
        training = records.get("notes", {}).get("training")
        return f"it was not tested ({training})" if training else ""
    worse = [
        f"MAD {cell['mean']:.4f} on {group}, where '{trivial['method']}' has {trivial['mean']:.4f}"
        for scores in records["scores"]
        for group, cell in _whole_mad(scores["cells"]).items()
        if (trivial := scores.get("trivial", {}).get(group)) and trivial["mean"] <= cell["mean"]
    ]
    return f"a trivial matte is no worse: {'; '.join(worse)}" if worse else ""


def _whole_mad(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cells of MAD over whole images, by test set; those of its labels have a dot in their name."""
    end = "/whole/mad"
    return {key.removesuffix(end): cell for key, cell in cells.items() if key.endswith(end) and "." not in key}


def _best_other(results: Mapping[str, Any], own: str) -> dict[str, dict[str, Any]]:
    """Return the best of a run's trivial baselines and its mean MAD, by test set."""
    best: dict[str, dict[str, Any]] = {}
    for method in results["by_method"].keys() - {own}:
        for group, cell in _whole_mad(_cells(results, method)).items():
            if group not in best or cell["mean"] < best[group]["mean"]:
                best[group] = {"method": method, "mean": cell["mean"]}
    return best


def licence_of_data(run: Path, corpus: str) -> dict[str, str]:
    """Return the licence terms of all data that a run has read, according to its configuration.

    Args:
        run: Run folder.
        corpus: Label of its corpus.

    Returns:
        Terms by data set, including those of the weights that the training started from.
    """
    from omegaconf import OmegaConf

    from matting.data.verify.formats import FORMATS

    file = run / ".hydra" / "config.yaml"
    if not file.is_file():
        return {"images": RENDERED if corpus.startswith("synthetic corpus") else UNKNOWN_DATA}
    config: Any = OmegaConf.to_container(OmegaConf.load(file))
    readers = _targets(config.get("corpus"))
    terms = {entry.title: entry.licence for entry in FORMATS if entry.name in readers}
    if "synthetic_corpus" in readers:
        terms["images"] = RENDERED
        if (config.get("corpus") or {}).get("scenes"):
            terms["scenes"] = OWN  # photos of a folder, whose terms only its owner knows
    model = config.get("model") or {}
    if model.get("path"):
        own = terms or {"images": UNKNOWN_DATA}
        inherited = _terms_of_start(str(model["path"]))
        return own | {name: text for name, text in inherited.items() if text not in own.values()}
    if model.get("pretrained") or model.get("encoder_weights"):
        terms["encoder"] = _terms_of_encoder(str(model.get("encoder")), model.get("encoder_weights"))
    return terms or {"images": UNKNOWN_DATA}


def licence(terms: Mapping[str, str]) -> str:
    """Return the licence of weights in a few words: the strictest of the terms of their training data.

    Args:
        terms: Terms by data set, from `licence_of_data`.
    """
    # Asked first: one set of research data is enough.
    if any(re.search(r"\bNC\b|non-commercial|\bresearch\b", text) for text in terms.values()):
        return RESEARCH
    return APACHE if all(text == RENDERED or APACHE in text for text in terms.values()) else OTHER


def read_object(file: Path) -> dict[str, Any]:
    """Read a JSON file of records.

    Raises:
        MattingError: The file is not a JSON object.
    """
    content = read_json(file)
    if not isinstance(content, dict):
        raise MattingError(f"{file}: expected a JSON object, found {type(content).__name__}; write the file again")
    return content


def _terms_of_encoder(encoder: str, file: str | None) -> str:
    import timm

    if file:
        return f"started from the file {Path(file).name}, whose own terms apply"
    known = getattr(timm.get_pretrained_cfg(encoder), "license", None) if timm.is_model(encoder) else None
    own = {"apache-2.0": APACHE}.get(known or "", known or "their own terms apply")
    return f"started from the published ImageNet weights of {encoder}: {own}"


def _terms_of_start(source: str) -> dict[str, str]:
    """Return the terms that a run inherits from the network it was fine-tuned from."""
    try:
        inherited = read_records(load_checkpoint(resolve(source)))["licence_of_data"]
    # The earlier network may be gone by now; its terms apply nevertheless.
    except (OSError, ValueError):
        return {"network": f"{_INHERITED} {source}, the terms of whose data apply as well"}
    start = f"{_INHERITED} {source}: "
    return {name if name.startswith(_INHERITED) else start + name: text for name, text in inherited.items()}


def _network(model: AttentionUNet) -> str:
    millions = sum(parameter.numel() for parameter in model.parameters()) / 1e6
    gates = "" if model.settings["gates"] else "out"
    return f"U-Net over {model.settings['encoder']}, with{gates} attention gates, {millions:.1f} M parameters"


def _scores(results: Mapping[str, Any], method: str, digest: str) -> dict[str, Any]:
    try:
        cells = _cells(results, method)
        return {"images": results["corpus"], "weights": digest, "protocol": results["protocol"], "cells": cells}
    except (KeyError, AttributeError) as error:
        raise MattingError(
            f"results.json: expected scores of '{method}' with intervals, found no {error}; evaluate the network again"
        ) from error


def _cells(results: Mapping[str, Any], method: str) -> dict[str, Any]:
    return {key.partition("/")[2]: cell for key, cell in results["by_method"][method].items()}


def _targets(node: Any) -> set[str]:
    """Return the short names of all targets that a configuration builds."""
    if not isinstance(node, dict):
        return set()
    own = {str(node["_target_"]).rpartition(".")[2]} if "_target_" in node else set()
    return own.union(*(_targets(child) for child in node.values()))
