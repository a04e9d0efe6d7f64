"""The network: a timm encoder, attention gates on the skips, a decoder, and an alpha and a trimap head."""

from matting.models.attention import AttentionGate
from matting.models.attention_unet import AttentionUNet, Fusion, MattingOutput
from matting.models.checkpoint import Checkpoint, load_checkpoint
from matting.models.cost import Cost, cost
from matting.models.folder import RECORDS, is_model_folder, weights_digest
from matting.models.fusion import fuse

__all__ = [
    "RECORDS",
    "AttentionGate",
    "AttentionUNet",
    "Checkpoint",
    "Cost",
    "Fusion",
    "MattingOutput",
    "cost",
    "fuse",
    "is_model_folder",
    "load_checkpoint",
    "weights_digest",
]
