"""Average the weights of a network and of the network fine-tuned from it.

    python experiments/base/average.py FIRST SECOND --share 0.25 -o MODEL

A fine-tuned network gains on what it was shown and loses some of what it could before; between the two lie networks
that keep most of both (Wortsman et al., Robust fine-tuning of zero-shot models, CVPR 2022). Writes a model folder
whose records name both; `matting export` makes a card of it.
"""

import argparse
from pathlib import Path

from matting.files import json_text
from matting.inference.records import read_records
from matting.inference.resolving import resolve
from matting.models import RECORDS, AttentionUNet, load_checkpoint


def main() -> None:
    """Load both, average, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("first", help="run or model folder")
    parser.add_argument("second", help="run folder of a network that was fine-tuned from it")
    parser.add_argument("--share", type=float, required=True, help="of the second, from 0 to 1")
    parser.add_argument("-o", "--output", type=Path, required=True, help="new model folder")
    options = parser.parse_args()
    networks = {name: load_checkpoint(resolve(name)) for name in (options.first, options.second)}
    first, second = networks.values()
    average(first.model, second.model, options.share)
    records = read_records(first)
    for kept in ("scores", "hours", "digest"):
        records.pop(kept, None)
    records["licence_of_data"] = read_records(second)["licence_of_data"]  # inherits the terms of the first
    records["corpus"] = f"{first.corpus}; {second.corpus}"
    records["size"] = second.size
    records["notes"] = {"weights": f"{1 - options.share:g} of {options.first}, {options.share:g} of {options.second}"}
    for name, one in networks.items():
        records["notes"] |= {f"{name}: {key}": text for key, text in read_records(one)["notes"].items()}
    options.output.mkdir(parents=True)
    first.model.save_pretrained(options.output)
    (options.output / RECORDS).write_text(json_text(records))


def average(first: AttentionUNet, second: AttentionUNet, share: float) -> None:
    """Move the weights and statistics of ``first`` towards those of ``second``, in place."""
    target = second.state_dict()
    for name, value in first.state_dict().items():
        if value.is_floating_point():
            value.lerp_(target[name], share)


if __name__ == "__main__":
    main()
