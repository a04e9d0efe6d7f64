"""The model card of a network, in Markdown."""

from collections.abc import Mapping
from typing import Any

from matting.inference.records import APACHE, licence

COLUMNS = (("whole", "mad"), ("unknown", "mad"), ("whole", "sad"), ("whole", "grad"), ("whole", "conn"))
"""Regions and metrics in the card's tables; ``training.json`` contains all of them."""


def model_card(records: Mapping[str, Any]) -> str:
    """Return the card of a model in Markdown.

    Args:
        records: Records of the model, from `matting.inference.records.read_records`.
    """
    terms = licence(records["licence_of_data"])
    lines = [
        f"---\n{_metadata(records, terms)}\n---",
        f"# Portrait matting network {records['digest']}",
        f"A photo in, an alpha matte out. Licence: **{terms}**. Trained on: **{records['corpus']}**.",
        "```bash\nmatting cutout photo.jpg --checkpoint THIS_FOLDER\n```",
        '```python\nimport matting\n\nmatting.load("THIS_FOLDER").cutout("photo.jpg").save("cutout.png")\n```',
        f"Long side of the working image: {records['size']} px. Digest of the weights (SHA-256): {records['digest']}.",
        *([f"Network: {records['network']}."] if "network" in records else []),
        "## Data and licence\n\nThe code is Apache-2.0. Weights inherit the terms of the data they were trained on:",
        bullets(records["licence_of_data"]),
    ]
    if "notes" in records:
        hours = {"hours": f"{records['hours']:g}, with evaluation"} if "hours" in records else {}
        commit = {"commit": records.get("commit") or "unknown"}
        hardware = ", ".join(f"{name} {value}" for name, value in records.get("hardware", {}).items() if value)
        commit |= {"hardware": hardware} if hardware else {}
        lines += ["## Training", bullets(records["notes"] | hours | commit)]
    if records.get("scores"):
        lines.append("## Scores\n\nMeans over images with 95 % bootstrap intervals. Lower is better.")
        lines += [_score_table(scores, records["digest"]) for scores in records["scores"]]
        lines.append(bullets(records["scores"][0]["protocol"]))
    if "onnx_difference" in records:
        lines += ["## ONNX\n\nLargest difference of alpha from torch:", bullets(records["onnx_difference"])]
    return "\n\n".join(lines) + "\n"


def _metadata(records: Mapping[str, Any], terms: str) -> str:
    """Return the card's metadata in the hub's YAML format, with the scores of each evaluated set."""
    from huggingface_hub import EvalResult, ModelCardData

    results = [
        EvalResult(
            task_type="image-segmentation",
            task_name="Portrait matting",
            dataset_type=group,
            dataset_name=scores["images"],
            metric_type=metric,
            metric_name=f"{metric.upper()}, {region}",
            metric_value=float(f"{cell['mean']:.4g}"),
        )
        for scores in records.get("scores", ())
        for group in _groups(scores["cells"])
        for region, metric in COLUMNS
        if "." not in group and (cell := scores["cells"].get(f"{group}/{region}/{metric}"))
    ]
    # The hub has no identifier for the other terms: there they are `other` with a name.
    free = terms == APACHE
    data = ModelCardData(
        library_name="portrait-matting",
        pipeline_tag="image-segmentation",
        license="apache-2.0" if free else "other",
        license_name=None if free else terms.replace(", ", "-").replace(" ", "-"),
        tags=["image-matting", "portrait-matting", "background-removal"],
        model_name=f"portrait-matting-{records['digest']}" if results else None,
        eval_results=results or None,
    )
    return data.to_yaml()


def bullets(facts: Mapping[str, Any]) -> str:
    """Return one list item per fact."""
    return "\n".join(f"- {name}: {fact}" for name, fact in facts.items())


def summary_of_scores(records: Mapping[str, Any]) -> list[str]:
    """Return one line per evaluated set: MAD of the whole image and of its unknown region."""
    return [
        f"{group}: MAD {_estimate(cells, group, 'whole', 'mad')}, "
        f"unknown {_estimate(cells, group, 'unknown', 'mad') or 'none'}, "
        f"{_images(cells, group)} images"
        for cells in (scores["cells"] for scores in records.get("scores", ()))
        for group in _groups(cells)
        if "." not in group
    ]


def _score_table(scores: Mapping[str, Any], digest: str) -> str:
    """Return a table with one row per set, and one per label of its images, such as a scenario."""
    cells = scores["cells"]
    head = ["set", "images", *(f"{metric.upper()}, {region}" for region, metric in COLUMNS)]
    rows = [
        [group, _images(cells, group), *(_estimate(cells, group, region, metric) for region, metric in COLUMNS)]
        for group in _groups(cells)
    ]
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    rounded = "" if scores["weights"] == digest else f", scored before the weights were rounded ({scores['weights']})"
    return f"{scores['images']}{rounded}:\n\n" + "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _groups(cells: Mapping[str, Any]) -> list[str]:
    return list(dict.fromkeys(key.rsplit("/", 2)[0] for key in cells))


def _images(cells: Mapping[str, Any], group: str) -> str:
    return str(next(cell["images"] for key, cell in cells.items() if key.rsplit("/", 2)[0] == group))


def _estimate(cells: Mapping[str, Any], group: str, region: str, metric: str) -> str:
    cell = cells.get(f"{group}/{region}/{metric}")
    return f"{cell['mean']:.4g} ({cell['low']:.3g} to {cell['high']:.3g})" if cell else ""
