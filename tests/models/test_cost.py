import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from matting.cli import app
from matting.config import explain
from matting.models import AttentionUNet, cost


class Two(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.second = nn.Conv2d(8, 2, 1)

    def forward(self, image):
        return self.second(self.first(image))


def test_counts_agree_with_the_formula():
    network = Two()
    result = cost(network, 16)
    assert result.parameters == 3 * 8 * 9 + 8 * 2 + 2
    assert result.macs == 16 * 16 * (3 * 8 * 9 + 8 * 2)
    assert result.parts == [("first", 216, 16 * 16 * 216), ("second", 18, 16 * 16 * 16)]
    assert network.first.weight.device == torch.device("cpu")


def test_parts_add_up_to_the_whole():
    result = cost(AttentionUNet("test_resnet", pretrained=False, decoder_channels=(24, 16, 16, 8, 8)), 64)
    assert sum(part.parameters for part in result.parts) == result.parameters
    assert sum(part.macs for part in result.parts) == result.macs


def test_size_of_the_default_network():
    """The budget that the architecture was designed for: at most 27 M parameters and 36 G MACs at 512 x 512."""
    whole, plain = (cost(AttentionUNet(pretrained=False, gates=gates), 512) for gates in (True, False))
    assert whole.parameters < 27e6 and whole.macs < 36e9
    assert whole.parameters > plain.parameters and whole.macs > plain.macs


def test_command_prints_the_table_without_fetching_weights():
    result = CliRunner().invoke(app, ["model", "model=tiny", "model.pretrained=true", "--size", "64"])
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0].split() == ["parameters", "GMACs", "at", "64"]
    assert [line.split()[0] for line in lines[1:]] == [
        "whole", "encoder", "detail", "decoder", "alpha_head", "trimap_head"
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["model.encoder=resnet3"], "timm has no model 'resnet3'"), (["--size", "100"], "multiples of 32, found 100x100")],
)
def test_command_explains_mistakes(arguments, message):
    result = CliRunner().invoke(app, ["model", *arguments])
    assert message in str(explain(result.exception))
