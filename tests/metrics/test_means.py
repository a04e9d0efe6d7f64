import socket

import pytest
import torch
import torch.distributed as dist
import torch.multiprocessing as mp

from matting.metrics import MAD, MSE, SAD, Conn, Grad, functional

CLASSES = {"sad": SAD, "mse": MSE, "mad": MAD, "grad": Grad, "conn": Conn}


def images(count=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    soft = torch.nn.functional.interpolate(torch.rand(count, 1, 5, 6, generator=generator), (30, 40), mode="bicubic")
    target = (soft * 2 - 0.5).clamp(0, 1)
    preds = (target * 0.8 + 0.1 * torch.rand(target.shape, generator=generator)).clamp(0, 1)
    trimap = torch.where((target > 0) & (target < 1), 128, 0).byte()
    return preds, target, trimap, torch.rand(target.shape, generator=generator) < 0.2


def mean_of_images(name, preds, target, trimap, ignore, region, protocol):
    rows = zip(preds, target, trimap, ignore, strict=True)
    options = {"region": region, "protocol": protocol}
    values = [getattr(functional, name)(p[0], g[0], t[0], ignore=i[0], **options) for p, g, t, i in rows]
    return sum(values) / len(values)


@pytest.mark.parametrize("name", CLASSES)
@pytest.mark.parametrize("region", ["whole", "unknown"])
@pytest.mark.parametrize("protocol", ["adobe", "p3m"])
def test_unweighted_mean_over_images_for_any_batches(name, region, protocol):
    data = images()
    metric = CLASSES[name](region, protocol)
    for rows in (slice(0, 3), slice(3, 4), slice(4, 5)):
        metric.update(*(tensor[rows] for tensor in data))
    assert metric.compute().item() == pytest.approx(mean_of_images(name, *data, region, protocol), rel=1e-5)
    metric.reset()
    preds, target, trimap, ignore = (tensor[1:3] for tensor in data)
    metric.update(preds[:, 0], target, trimap[:, 0], ignore)
    expected = mean_of_images(name, preds, target, trimap, ignore, region, protocol)
    assert metric.compute().item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", CLASSES)
def test_states_of_unequal_shares_are_merged(name):
    data = images()
    shares = [CLASSES[name]("unknown") for _ in range(2)]
    for metric, rows in zip(shares, (slice(0, 4), slice(4, 5)), strict=True):
        metric.update(*(tensor[rows] for tensor in data))
    shares[0].merge_state(shares[1])
    expected = mean_of_images(name, *data, "unknown", "adobe")
    assert shares[0].compute().item() == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", CLASSES)
def test_images_without_pixels_in_the_region_are_left_out(name):
    preds, target, trimap, ignore = images()
    trimap[1], ignore[3] = 0, True  # nothing is unknown; nothing is annotated
    metric, whole = CLASSES[name]("unknown"), CLASSES[name]("whole")
    for rows in (slice(0, 2), slice(2, 5)):
        metric.update(*(tensor[rows] for tensor in (preds, target, trimap, ignore)))
        whole.update(*(tensor[rows] for tensor in (preds, target, trimap, ignore)))
    for mean, kept in ((metric, [0, 2, 4]), (whole, [0, 1, 2, 4])):
        data = (tensor[kept] for tensor in (preds, target, trimap, ignore))
        assert mean.compute().item() == pytest.approx(mean_of_images(name, *data, mean.region, "adobe"), rel=1e-5)
    metric.reset()
    metric.update(preds[1:2], target[1:2], trimap[1:2], ignore[1:2])
    assert metric.compute().isnan()


@pytest.mark.parametrize("name", ["sad", "mse", "mad", "grad"])
@pytest.mark.parametrize("bad", [torch.nan, 1.5, -0.1])
def test_an_invalid_prediction_is_reported_by_compute(name, bad):
    preds, target, *_ = images()
    preds[1, 0, 2, 2] = bad
    metric = CLASSES[name]()
    metric.update(preds, target)
    with pytest.raises(ValueError, match="found 1 of 5 images with other values"):
        metric.compute()


def test_the_range_check_can_be_turned_off():
    preds, target, *_ = images()
    metric = MAD(validate_args=False)
    metric.update(preds + 1, target)
    assert metric.compute() > 0.5


def test_off_protocol_arguments_are_refused():
    preds, target, trimap, _ = images()
    with pytest.raises(ValueError, match="found 'edge'"):
        SAD(region="edge")
    with pytest.raises(ValueError, match="found 'mine'"):
        SAD(protocol="mine")
    with pytest.raises(ValueError, match="trimap_from_alpha"):
        SAD("unknown").update(preds, target)
    with pytest.raises(TypeError, match=r"found torch\.int64"):
        SAD("unknown").update(preds, target, trimap.long())
    with pytest.raises(ValueError, match="expected finite"):
        Conn().update(preds * torch.nan, target)


def _rank(rank, port, queue):
    dist.init_process_group("gloo", init_method=f"tcp://127.0.0.1:{port}", rank=rank, world_size=2)
    data = images()
    # Three images against two: a mean of the processes' means would weigh them unequally.
    rows = slice(0, 3) if rank == 0 else slice(3, 5)
    values = {}
    for name, metric_class in CLASSES.items():
        metric = metric_class("unknown")
        metric.update(*(tensor[rows] for tensor in data))
        values[name] = metric.compute().item()
    queue.put(values)
    dist.destroy_process_group()


@pytest.mark.slow
def test_two_processes_give_the_mean_over_all_images():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    context = mp.get_context("spawn")
    queue = context.Queue()
    processes = [context.Process(target=_rank, args=(rank, port, queue)) for rank in range(2)]
    for process in processes:
        process.start()
    results = [queue.get(timeout=120) for _ in processes]
    for process in processes:
        process.join(timeout=60)
    expected = {name: mean_of_images(name, *images(), "unknown", "adobe") for name in CLASSES}
    for values in results:
        assert values == pytest.approx(expected, rel=1e-5)
