"""SAD, MSE, MAD, Grad and Conn: pure functions in `functional` and `batched`, torchmetrics classes of their means."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matting.metrics.means import MAD, MSE, SAD, Conn, Grad

__all__ = ["MAD", "MSE", "SAD", "Conn", "Grad"]


def __getattr__(name: str) -> Any:
    # The functions need no torchmetrics, whose import takes seconds, so it is deferred until a class is requested.
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from matting.metrics import means

    return getattr(means, name)
