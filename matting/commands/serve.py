"""``matting serve``: a web page that cuts people out of photos."""

import socket
from typing import Annotated, Literal

import typer

from matting.commands.console import introduce


def serve(
    checkpoint: Annotated[
        str, typer.Option(help="Shipped model, run folder, checkpoint, model folder, .onnx file or hf:OWNER/NAME.")
    ] = "portrait",
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 accepts other computers.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 7860,
    size: Annotated[
        int | None, typer.Option(help="Working size, a multiple of 32; the model's own by default.")
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda, mps, or auto.")] = "auto",
    backend: Annotated[Literal["auto", "torch", "onnx"], typer.Option(help="Library that runs the network.")] = "auto",
    max_megabytes: Annotated[int, typer.Option(help="Largest upload in megabytes.", min=1)] = 50,
    max_memory: Annotated[
        int, typer.Option(help="Memory for one photo in megabytes; larger photos are refused.")
    ] = 1500,
) -> None:
    """Serve a web page: upload or paste a photo, press a button, download the cutout.

    One photo is processed at a time, others wait. Needs the extra 'page'. No data is sent elsewhere.
    """
    from matting.inference import load
    from matting.inference.jobs import pixels_within
    from matting.inference.page import serve as serve_page

    check_address(host, port)
    model = load(checkpoint, size, device, backend)
    introduce(model)
    max_pixels = pixels_within(max_memory, model.predictor.size)
    typer.echo(f"http://{host}:{port}", err=True)
    serve_page(model, host, port, max_megabytes, max_pixels)


def check_address(host: str, port: int) -> None:
    """Check that a server can listen on an address, before a network is loaded.

    Raises:
        OSError: The host is not an address of this machine, or the port is taken or not allowed.
    """
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind) as listener:
            # Without it, a port that was in use a minute ago may still count as taken.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
    except OSError as error:
        raise OSError(
            f"--host {host} --port {port}: expected an address of this machine with a free port, "
            f"found '{error.strerror}'; choose others"
        ) from error
