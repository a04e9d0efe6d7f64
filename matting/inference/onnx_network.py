"""Write the network as an ONNX graph, compare it with torch, and run it with ONNX Runtime."""

import logging
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from matting.errors import MattingError
from matting.extras import require
from matting.models import AttentionUNet, MattingOutput, fuse
from matting.models.encoder import with_constant_padding

PARITY_SHAPES = ((512, 512), (768, 512), (1024, 1536))
"""Heights and widths at which an exported graph is compared with torch."""

# About a quarter of a level of an 8-bit matte.
TOLERANCE = 1e-3
"""Largest difference of alpha allowed at these shapes."""


class OnnxNetwork(nn.Module):
    """A network run by ONNX Runtime, wrapped as a torch module for a `Predictor`.

    Args:
        path: Graph written by `write_onnx`.
        device: ``cpu``, ``cuda``, or ``auto`` for CUDA if ONNX Runtime can use it.

    Attributes:
        about: Metadata that `write_onnx` stored, by name.

    Raises:
        MattingError: The file is not such a graph, or ONNX Runtime is not installed or cannot use the device.
    """

    def __init__(self, path: Path, device: str = "auto") -> None:
        super().__init__()
        onnxruntime = require("onnxruntime", "running an ONNX graph")
        options = onnxruntime.SessionOptions()
        # Errors only, in ONNX Runtime's numbering.
        options.log_severity_level = 3
        # As many threads as torch has: a worker of several has one, with which results are equal to the bit.
        options.intra_op_num_threads = torch.get_num_threads()
        choices = ("cuda", "cpu") if device == "auto" else (device,)
        available = onnxruntime.get_available_providers()
        wanted = [name for kind in choices if (name := f"{kind.upper()}ExecutionProvider") in available]
        if not wanted:
            raise MattingError(
                f"{path}: expected a device of ONNX Runtime, cpu or cuda, found '{device}'; use cpu or auto"
            )
        try:
            self.session = onnxruntime.InferenceSession(path.read_bytes(), options, providers=wanted)
            self.about: dict[str, str] = self.session.get_modelmeta().custom_metadata_map
        except Exception as error:  # a damaged file raises one of several types, none of them public
            raise MattingError(f"{path}: expected an ONNX graph, found: {str(error).splitlines()[0]}") from error
        if [port.name for port in self.session.get_inputs()] != ["image"] or "size" not in self.about:
            raise MattingError(f"{path}: expected the graph model.onnx of 'matting export', found another one")
        # A provider of which a library is missing is replaced without an error.
        if device not in ("auto", self.provider.lower()):
            raise MattingError(f"{path}: expected ONNX Runtime on '{device}', found {self.provider}; use cpu or auto")
        # Damaged weights are loaded without an error; only a run shows them.
        if not torch.isfinite(self.forward(torch.full((1, 3, 64, 64), 0.5)).alpha).all():
            raise MattingError(f"{path}: expected finite weights, found a network that gives NaN; export another one")

    @property
    def provider(self) -> str:
        """The execution provider, such as ``CPU``."""
        return str(self.session.get_providers()[0]).removesuffix("ExecutionProvider")

    def forward(self, image: Tensor) -> MattingOutput:
        """Predict alpha, which is already fused; the other outputs are empty."""
        alpha = torch.from_numpy(self.session.run(["alpha"], {"image": image.float().cpu().numpy()})[0])
        nothing = alpha.new_zeros(0)
        return MattingOutput(alpha, nothing, nothing)


class _Fused(nn.Module):
    """A network with the fused matte as its only output."""

    def __init__(self, model: AttentionUNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> Tensor:
        return fuse(self.model(image), self.model.fusion)


def write_onnx(model: AttentionUNet, path: Path, about: dict[str, str], half: bool = False) -> None:
    """Write a network as a graph ``image (B, 3, H, W) → alpha (B, 1, H, W)``, both float32 in [0, 1].

    Args:
        model: The network; its fusion of the two heads becomes part of the graph.
        path: Target.
        about: Metadata to store in the file; must contain ``size``, the working size.
        half: Store kernels as float16, without a loss if those of the network are rounded to it; they are made float32
            again when the graph is loaded.

    Raises:
        MattingError: The packages ``onnx`` and ``onnxscript`` are not installed.
    """
    onnx = require("onnx", "exporting an ONNX graph")
    require("onnxscript", "exporting an ONNX graph")
    side = model.stride
    # Height and width count strides: the exporter has to know that sides are multiples of one.
    batch, height, width = (torch.export.Dim(name, min=1, max=512) for name in ("batch", "height", "width"))
    logging.getLogger("onnxscript").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            with_constant_padding(_Fused(model)).eval().cpu(),
            (torch.rand(2, 3, 2 * side, 3 * side),),
            dynamo=True,
            dynamic_shapes={"image": {0: batch, 2: side * height, 3: side * width}},
            input_names=["image"],
            output_names=["alpha"],
            verbose=False,
        )
    assert program is not None  # None only if the exporter writes the file itself
    graph = program.model_proto
    if half:
        _store_as_half(graph.graph, dict(model.named_parameters()))
    _forget_sources(graph.graph)
    onnx.helper.set_model_props(graph, about)
    onnx.checker.check_model(graph)
    path.write_bytes(graph.SerializeToString())


def _forget_sources(graph: Any) -> None:
    """Remove what the exporter notes of the source code of each node: folders of the machine are nobody's business."""
    for part in (graph, *graph.node, *graph.value_info, *graph.input, *graph.output, *graph.initializer):
        part.ClearField("metadata_props")
        part.ClearField("doc_string")


def _store_as_half(graph: Any, kernels: Mapping[str, Tensor]) -> None:
    """Replace the kernels of a graph by float16 kernels of the network, each with a scale per output channel.

    The exporter folds BatchNorm into the kernels, which scales each output channel. What it stores is therefore not
    rounded to float16, even if the kernels of the network are; those times the scales are exact.
    """
    onnx = require("onnx", "exporting an ONNX graph")
    tensors, nodes = [], []
    for tensor in graph.initializer:
        kernel = kernels.get(tensor.name.removeprefix("model."))
        if kernel is None or kernel.ndim < 2:
            tensors.append(tensor)
            continue
        rounded = kernel.detach().cpu().half().numpy()
        flat, folded = (
            values.reshape(len(rounded), -1).astype(np.float32)
            for values in (rounded, onnx.numpy_helper.to_array(tensor))
        )
        # Read off the largest value of each channel, where the quotient is the most exact; a channel may be all zeros.
        largest = np.abs(flat).argmax(axis=1)[:, None]
        above, below = (np.take_along_axis(values, largest, axis=1) for values in (folded, flat))
        scale = np.divide(above, below, out=np.ones_like(above), where=below != 0)
        scale = scale.reshape(-1, *[1] * (kernel.ndim - 1))
        half, single, factor = (f"{tensor.name}/{part}" for part in ("half", "single", "scale"))
        tensors += [onnx.numpy_helper.from_array(rounded, half), onnx.numpy_helper.from_array(scale, factor)]
        nodes.append(onnx.helper.make_node("Cast", [half], [single], to=onnx.TensorProto.FLOAT))
        nodes.append(onnx.helper.make_node("Mul", [single, factor], [tensor.name]))
    nodes += graph.node
    for field, values in ((graph.initializer, tensors), (graph.node, nodes)):
        copies = list(values)
        del field[:]
        field.extend(copies)


def parity(model: nn.Module, network: OnnxNetwork) -> dict[tuple[int, int], float]:
    """Compare a graph with the network it was exported from.

    Args:
        model: The network, run in float32.
        network: The graph.

    Returns:
        Largest difference of alpha at each of `PARITY_SHAPES`, on uniform noise.

    Raises:
        MattingError: A difference is above `TOLERANCE`.
    """
    random = torch.Generator().manual_seed(0)
    differences = {}
    fused = _Fused(model).eval()  # type: ignore[arg-type]
    for shape in PARITY_SHAPES:
        image = torch.rand(1, 3, *shape, generator=random)
        with torch.inference_mode():
            differences[shape] = float((fused(image) - network(image).alpha).abs().max())
    if max(differences.values()) > TOLERANCE:
        raise MattingError(f"expected a graph within {TOLERANCE:g} of torch, found differences of {differences}")
    return differences


def write_photo_graph(network: Path, path: Path, size: int, stride: int) -> None:
    """Wrap a graph of `write_onnx` so that programs without this package can use it on photos.

    The result maps ``photo (B, H, W, 3)`` uint8 RGB of any size to ``alpha (B, H, W)`` float32 in [0, 1]. It scales
    to the working size of `working_shape` and back, without the guided upsampling.

    Args:
        network: Path of the graph.
        path: Target.
        size: Long side of the working image, in pixels.
        stride: Divisor of the sides of the working image.
    """
    onnx = require("onnx", "exporting an ONNX graph")
    for module in ("compose", "parser"):  # not imported by the package itself
        require(f"onnx.{module}", "exporting an ONNX graph")
    core = onnx.load(network)
    opset = next(entry.version for entry in core.opset_import if not entry.domain)
    header = f'<ir_version: {core.ir_version}, opset_import: ["" : {opset}]>'
    before = onnx.parser.parse_model(header + _BEFORE.format(size=size, stride=stride))
    after = onnx.parser.parse_model(header + _AFTER)
    about = {entry.key: entry.value for entry in core.metadata_props}
    # Graphs with equal names inside cannot be merged.
    inner = onnx.compose.add_prefix(core, "network/")
    joined = onnx.compose.merge_models(before, inner, [("working", "network/image")], outputs=["network/alpha", "full"])
    joined = onnx.compose.merge_models(joined, after, [("network/alpha", "coarse"), ("full", "wanted")])
    onnx.helper.set_model_props(joined, about)
    onnx.checker.check_model(joined)
    path.write_bytes(joined.SerializeToString())


# The rule of `working_shape`: Round takes halves to the even number, as Python's round does. Braces of ONNX are doubled
# here and not in `_AFTER`, because this text goes through str.format.
_BEFORE = """
before (uint8[B, H, W, 3] photo) => (float[B, 3, h, w] working, int64[2] full) {{
    float_photo = Cast<to = 1>(photo)
    scaled = Constant<value = float {{255.0}}>()
    unit = Div(float_photo, scaled)
    planes = Transpose<perm = [0, 3, 1, 2]>(unit)
    full = Shape<start = 1, end = 3>(photo)
    sides = Cast<to = 1>(full)
    longest = ReduceMax<keepdims = 0>(sides)
    size = Constant<value = float {{{size}.0}}>()
    stride = Constant<value = float {{{stride}.0}}>()
    scale = Div(size, longest)
    exact = Mul(sides, scale)
    steps = Div(exact, stride)
    whole = Round(steps)
    one = Constant<value = float {{1.0}}>()
    least = Max(whole, one)
    rounded = Mul(least, stride)
    target = Cast<to = 7>(rounded)
    outer = Shape<start = 0, end = 2>(planes)
    sizes = Concat<axis = 0>(outer, target)
    working = Resize<mode = "linear", antialias = 1>(planes, , , sizes)
}}
"""

_AFTER = """
after (float[B, 1, h, w] coarse, int64[2] wanted) => (float[B, H, W] alpha) {
    kept = Shape<start = 0, end = 2>(coarse)
    full_sizes = Concat<axis = 0>(kept, wanted)
    large = Resize<mode = "cubic">(coarse, , , full_sizes)
    low = Constant<value = float {0.0}>()
    high = Constant<value = float {1.0}>()
    inside = Clip(large, low, high)
    axis = Constant<value = int64[1] {1}>()
    alpha = Squeeze(inside, axis)
}
"""
