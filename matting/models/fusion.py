"""The two heads fused at inference: where the trimap head is definite, alpha is."""

import torch
from torch import Tensor

from matting.models.attention_unet import Fusion, MattingOutput
from matting.trimap import FOREGROUND, UNKNOWN


def fuse(output: MattingOutput, fusion: Fusion) -> Tensor:
    """Bring what the trimap head knows into the matte.

    Args:
        output: What the network predicts.
        fusion: ``none`` is the alpha head alone. ``snap`` sets alpha to 0 or 1 where the trimap head's first choice is
            background or foreground, which closes holes and clears speckles but can cut soft edges hard. ``soft`` is
            the expectation ``P(foreground) + P(unknown) alpha``, as two-branch networks fuse (Zhang et al. 2019, "A
            Late Fusion CNN for Digital Matting"; Li et al. 2022, "Bridging Composite and Real", GFM).

    Returns:
        ``(B, 1, H, W)`` float32 in [0, 1].

    Raises:
        ValueError: For any other fusion.

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
        probability = output.trimap_logits.float().softmax(dim=1)
        return probability[:, FOREGROUND, None] + probability[:, UNKNOWN, None] * output.alpha
    raise ValueError(f"fusion: expected none, snap or soft, found '{fusion}'")
