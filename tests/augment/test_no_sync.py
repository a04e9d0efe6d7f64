"""The pipeline never makes the host wait for the device: no value is read, no size depends on data."""

from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from matting.augment import (
    EXTRA_OPERATIONS,
    PUBLISHED_OPERATIONS,
    AugMix,
    CameraBlur,
    LayerGaps,
    Phone,
    Pipeline,
    Warp,
)
from matting.batch import LayerBatch

from .conftest import make_batch

PIPELINE = Pipeline(
    32, Warp(), LayerGaps(1, 1, 1, 1), CameraBlur(p=1), AugMix(), Phone(1, 1), trimap_radius=(1, 3), linear_light=True
)
PUBLISHED = Pipeline(32, augmix=AugMix(PUBLISHED_OPERATIONS + EXTRA_OPERATIONS))


READING = {"_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "lift_fresh", "equal"}


class Forbid(TorchDispatchMode):
    """Refuses what reads a value on the host, copies a constant over, or gives a result whose size depends on data."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        masks = name.startswith("index") and any(
            isinstance(index, torch.Tensor) and index.dtype in (torch.bool, torch.uint8)
            for index in (args[1] if isinstance(args[1], (list, tuple)) else ())
        )
        if name in READING or masks:
            raise AssertionError(f"{name} makes the host wait")
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize(
    "offence",
    [
        lambda x: x.sum().item(),
        lambda x: x[x > 0],
        lambda x: bool(x.any()),
        lambda x: x.nonzero(),
        lambda x: x + torch.tensor([1.0, 2.0]),
        lambda x: x.masked_fill_(x > 0, 1.0)[x > 0],
        lambda x: x.index_put_((x > 0,), torch.zeros(())),
    ],
)
def test_the_guard_catches(offence: Any) -> None:
    with Forbid(), pytest.raises(AssertionError, match="host wait"):
        offence(torch.ones(2))


@pytest.mark.usefixtures("uncounted")
@pytest.mark.parametrize("pipeline", [PIPELINE, PUBLISHED])
def test_nothing_is_read_on_the_host(pipeline: Pipeline) -> None:
    layers = make_batch(severity=1.0)
    pipeline(layers)  # constants are made once per device
    with Forbid():
        pipeline(layers)


@pytest.mark.parametrize("pipeline", [PIPELINE, PUBLISHED])
def test_the_pipeline_runs_on_tensors_without_values(pipeline: Pipeline) -> None:
    with pytest.raises(NotImplementedError):
        torch.ones(2, device="meta").tolist()
    layers = LayerBatch(*(field.to("meta") for field in make_batch(severity=1.0)))
    assert pipeline(layers).image.shape == (4, 3, 32, 32)


@pytest.mark.parametrize("pipeline", [PIPELINE, PUBLISHED])
def test_computing_only_the_rows_that_act_gives_the_same_images(
    pipeline: Pipeline, request: pytest.FixtureRequest
) -> None:
    layers = make_batch(rows=12, severity=1.0)._replace(severity=torch.tensor([0.0, 1, 0.3] * 4))
    few = pipeline(layers)
    request.getfixturevalue("uncounted")
    for ours, theirs in zip(few, pipeline(layers), strict=True):
        # up to rounding, which JPEG turns into a level: a convolution of fewer rows may add in another order
        torch.testing.assert_close(ours, theirs, atol=1 / 255 + 1e-6, rtol=0)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("pipeline", [PIPELINE, PUBLISHED])
def test_no_synchronisation_on_a_gpu(pipeline: Pipeline) -> None:
    layers = LayerBatch(*(field.cuda() for field in make_batch(severity=1.0)))
    pipeline(layers)
    torch.cuda.synchronize()
    torch.cuda.set_sync_debug_mode("error")
    try:
        pipeline(layers)
    finally:
        torch.cuda.set_sync_debug_mode("default")
