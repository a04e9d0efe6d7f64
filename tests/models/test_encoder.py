import pytest
import torch
from timm.layers import Conv2dSame
from torch import nn

from matting.models import AttentionUNet
from matting.models.encoder import with_constant_padding


@pytest.mark.parametrize("encoder", ["tf_efficientnet_lite0", "tf_mobilenetv3_small_075"])
def test_constant_padding_is_the_same_network_at_every_legal_size(encoder):
    """Kernels of 3 and of 5, strides of 1 and 2."""
    torch.manual_seed(0)
    model = AttentionUNet(encoder, False, decoder_channels=(16, 16, 8, 8, 8)).eval()
    same = sum(isinstance(module, Conv2dSame) for module in model.modules())
    constant = with_constant_padding(model)
    assert not any(isinstance(module, Conv2dSame) for module in constant.modules())
    assert 0 < same == sum(isinstance(module, Conv2dSame) for module in model.modules())
    assert sum(isinstance(module, nn.ZeroPad2d) for module in constant.modules()) == same
    for shape in ((32, 32), (64, 96), (160, 32)):
        image = torch.rand(2, 3, *shape)
        with torch.inference_mode():
            assert torch.equal(model(image).alpha, constant(image).alpha)
