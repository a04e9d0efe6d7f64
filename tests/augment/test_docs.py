"""The examples of docs/augment.md run as they are printed."""

import re
from pathlib import Path

import torch

PAGE = Path(__file__).parents[2] / "docs" / "augment.md"


def test_the_examples_run_and_hold_what_the_page_says() -> None:
    names: dict[str, torch.Tensor] = {}
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), flags=re.DOTALL)
    assert len(blocks) == 2
    for block in blocks:
        exec(compile(block, str(PAGE), "exec"), names)
    assert torch.equal(names["degraded"], names["again"]) and names["degraded"].shape == names["images"].shape
    assert (names["degraded"] != names["images"]).flatten(1).any(1).all()
    assert names["mattes"].shape == names["alphas"].shape and names["planned"].shape == names["images"].shape


def test_severities_can_be_set_as_the_page_says() -> None:
    call = re.search(r"`(AugMix\(\)\(images, severity=.*?)`", PAGE.read_text())
    assert call is not None
    names: dict[str, object] = {"images": torch.rand(4, 3, 32, 32), "torch": torch}
    exec("from matting.augment import AugMix", names)
    found, images = eval(call[1], names), names["images"]
    assert isinstance(images, torch.Tensor)
    assert torch.equal(found[0], images[0]) and (found[1:] != images[1:]).flatten(1).any(1).all()
