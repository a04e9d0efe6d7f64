"""A network that cannot overfit four images will not learn from thousands."""

import pytest
import torch
from torch.nn.functional import avg_pool2d

from matting.augment import Pipeline
from matting.augment.portrait import render_portrait
from matting.batch import LayerBatch
from matting.config import build, load_config
from matting.models import AttentionUNet
from matting.training.optimizer import OptimizerSettings

ROWS, SIDE, STEPS = 4, 128, 400


def one_batch():
    """Three portraits; the third also in front of another background, as a pair."""
    # Rendered large and downscaled, so that strands thinner than a pixel have the alpha that a camera would record.
    portraits = [render_portrait(4 * SIDE, seed) for seed in (0, 1, 2, 2)]
    foreground, background, alpha = (
        (avg_pool2d(torch.cat(layer), 4) * 255).round().to(torch.uint8) for layer in zip(*portraits, strict=True)
    )
    background[3] = 255 - background[0]
    person, scene = torch.tensor([0, 1, 2, 2]), torch.arange(ROWS)
    pair, view = torch.tensor([-1, -1, 0, 0]), torch.tensor([0, 0, 0, 1])
    layers = (foreground, background, alpha, torch.zeros_like(alpha))
    return Pipeline.plain(SIDE)(LayerBatch(*layers, person, view, torch.zeros(ROWS), pair, person, scene))


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["baseline", "full"])
def test_one_batch_can_be_overfitted(loss):
    torch.manual_seed(0)
    batch, criterion = one_batch(), build(load_config([f"loss={loss}", "folder=."]).loss)
    model = AttentionUNet("resnet18", pretrained=False, decoder_channels=(128, 64, 32, 16, 16))
    settings = OptimizerSettings(lr=2e-3).build(model.to(memory_format=torch.channels_last), STEPS)
    unknown = (batch.trimap == 1)[:, None]
    error, step = 1.0, 0
    while error >= 0.02 and step < STEPS:
        step += 1
        output = model(batch.image)
        criterion([output], batch)["loss"].backward()
        settings["optimizer"].step()
        settings["lr_scheduler"]["scheduler"].step()
        settings["optimizer"].zero_grad()
        error = (output.alpha.detach() - batch.alpha).abs()[unknown].mean().item()
    assert error < 0.02, f"{error} after {step} steps"
