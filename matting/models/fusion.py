"""Combine the two heads at inference, so that alpha is definite where the trimap head is."""

import torch
from torch import Tensor

from matting.models.attention_unet import Fusion, MattingOutput
from matting.trimap import FOREGROUND, UNKNOWN


def fuse(output: MattingOutput, fusion: Fusion) -> Tensor:
    """Combine the alpha head and the trimap head into one matte.

    Args:
        output: Output of the network.
        fusion: ``none`` returns the alpha head alone. ``snap`` sets alpha to 0 or 1 where the trimap head's likeliest
            class is background or foreground, which closes holes and removes speckles but can harden soft edges.
            ``soft`` is the expectation ``P(foreground) + P(unknown) alpha``, as in two-branch networks (Zhang et al.
            2019, "A Late Fusion CNN for Digital Matting"; Li et al. 2022, "Bridging Composite and Real", GFM).

    Returns:
        ``(B, 1, H, W)`` float32 in [0, 1].

    Raises:
        ValueError: If ``fusion`` is anything else.

    Example:
        >>> alpha, nothing = torch.tensor([[[[0.2, 0.2, 0.2]]]]), torch.zeros(1)
        >>> logits = 9 * torch.eye(3).view(1, 3, 1, 3)  # background, unknown, foreground
        >>> fuse(MattingOutput(alpha, logits, nothing), "snap").flatten()
        tensor([0.0000, 0.2000, 1.0000])
    """
    if fusion == "none":
        return output.alpha
    if fusion == "snap":
        label = output.trimap_logits.argmax(dim=1, keepdim=True)
        return torch.where(label == UNKNOWN, output.alpha, (label == FOREGROUND).to(output.alpha.dtype))
    if fusion == "soft":
        # In float32, as alpha: under autocast the logits are half precision.
        probability = output.trimap_logits.float().softmax(dim=1)
        return probability[:, FOREGROUND, None] + probability[:, UNKNOWN, None] * output.alpha
    raise ValueError(f"fusion: expected none, snap or soft, found '{fusion}'")
