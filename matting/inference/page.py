"""The web page: upload a photo, press a button, see and download the cutout."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matting.errors import MattingError
from matting.images import MAX_PIXELS, encode_image, read_rgb
from matting.inference.clock import Clock
from matting.inference.cutout import Colour, Style, cover, cut_out, place_on
from matting.inference.model import Model
from matting.inference.resizing import resize

if TYPE_CHECKING:
    import gradio

GROUNDS: dict[str, Colour | None] = {
    "checker": None,
    "white": (255, 255, 255),
    "gray": (128, 128, 128),
    "black": (0, 0, 0),
    "green": (0, 177, 64),
}
OWN = "own image"

PREVIEW = 1280
"""Long side of what the page shows, in pixels; the download has the photo's size."""

_STYLE = """
footer { display: none !important; }
.gradio-container { max-width: 1100px !important; margin: auto !important; }
@media (max-width: 640px) { .gradio-container { padding: 8px !important; } }
"""


def build_page(model: Model, max_pixels: int = MAX_PIXELS, waiting: int = 16) -> "gradio.Blocks":
    """Build the page around a network.

    Args:
        model: The network.
        max_pixels: Largest photo taken, by its header and before anything is decoded.
        waiting: Jobs that may wait; one is worked on at a time.

    Returns:
        The page, with its queue, not yet served.

    Raises:
        MattingError: Gradio is not installed.
    """
    # Before the import: it phones home with either of them otherwise.
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1")
    try:
        import gradio as gr
    except ImportError:
        raise MattingError(
            "expected the package gradio, which is not installed; install it with: pip install 'portrait-matting[page]'"
        ) from None

    def press(photo: str | None, ground: str, own: str | None) -> tuple[Any, str, str]:
        try:
            return cut_out_upload(model, photo, ground, own, max_pixels)
        except (MattingError, OSError) as error:
            raise gr.Error(without_folders(str(error), photo, own), duration=None, print_exception=False) from None

    def upload(label: str, height: int, visible: bool = True) -> Any:
        """A place for an image, passed on as a file, unopened: the project's reader checks before it decodes."""
        place = gr.Image(label=label, sources=["upload", "clipboard"], type="filepath", height=height, visible=visible)
        place.preprocess = lambda payload: payload.path if payload else None
        return place

    with gr.Blocks(title="Portrait matting", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.Markdown("## Portrait matting\nA photo in, a cutout out. It goes to this server and nowhere else.")
        with gr.Row():
            with gr.Column():
                photo = upload("photo: upload or paste", 420)
                ground = gr.Radio([*GROUNDS, OWN], value="checker", label="show it on")
                own = upload("own background", 160, visible=False)
                button = gr.Button("Cut out", variant="primary")
            with gr.Column():
                slider = gr.ImageSlider(label="before and after", interactive=False, buttons=["fullscreen"])
                download = gr.DownloadButton("Download PNG", interactive=False)
                times = gr.Markdown("")
        gr.Markdown(describe(model))
        ground.change(lambda choice: gr.update(visible=choice == OWN), ground, own, queue=False)

        def pressed(photo: str | None, ground: str, own: str | None) -> tuple[Any, Any, str]:
            images, file, text = press(photo, ground, own)
            return images, gr.update(value=file, interactive=True), text

        button.click(pressed, [photo, ground, own], [slider, download, times], concurrency_limit=1, api_name="cut_out")
    page.queue(max_size=waiting, default_concurrency_limit=1)
    return page


def serve(model: Model, host: str, port: int, max_megabytes: int, max_pixels: int) -> None:
    """Serve the page until it is stopped.

    Args:
        model: The network.
        host: Address to listen on.
        port: Port to listen on.
        max_megabytes: Largest upload.
        max_pixels: Largest photo.

    Raises:
        OSError: The port is taken.
    """
    page = build_page(model, max_pixels)
    import gradio as gr

    system = ["system-ui", "sans-serif"]  # the theme's own fonts would be fetched from the internet
    page.launch(
        server_name=host,
        server_port=port,
        max_file_size=max_megabytes * 10**6,
        theme=gr.themes.Default(font=system, font_mono=["monospace"]),
        css=_STYLE,
        footer_links=[],
        quiet=True,
        share=False,
        ssr_mode=False,
        show_error=True,
    )


def cut_out_upload(
    model: Model, photo: str | None, ground: str, own: str | None, max_pixels: int = MAX_PIXELS
) -> tuple[tuple[NDArray[np.uint8], NDArray[np.uint8]], str, str]:
    """Do what the button asks for.

    Args:
        model: The network.
        photo: Upmodel file.
        ground: One of `GROUNDS`, or `OWN`.
        own: Upmodel background.
        max_pixels: Largest image taken.

    Returns:
        The photo and its cutout before the ground, both scaled for the page; the PNG's path; the times.

    Raises:
        MattingError: There is no photo, or a file is no image; the text says which.
    """
    if not photo:
        raise MattingError("expected a photo, found none; upload or paste one first")
    if ground == OWN and not own:
        raise MattingError("expected an image for the background, found none; upload one, or choose a colour")
    if ground not in (*GROUNDS, OWN):
        raise MattingError(f"expected a ground of {', '.join((*GROUNDS, OWN))}, found '{ground}'")
    clock = Clock()
    with clock("decode"):
        image = read_rgb(photo, to_srgb=True, max_pixels=max_pixels)
        scale = min(1.0, PREVIEW / max(image.shape[:2]))
        shape = (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale)))
        if ground == OWN and own:  # scaled at once: two large images are never held together
            behind: NDArray[np.uint8] | Colour = cover(read_rgb(own, to_srgb=True, max_pixels=max_pixels), shape)
        else:
            behind = GROUNDS.get(ground) or checker(shape)
    rgba, subject_found = cut_out(model.predictor, image, Style(), clock)
    with clock("encode"):
        folder = Path(tempfile.mkdtemp(prefix="matting-", dir=_cache()))
        file = folder / f"{Path(photo).stem[:80] or 'photo'}_cutout.png"
        file.write_bytes(encode_image(rgba, ".png"))
    alpha = resize(np.ascontiguousarray(rgba[..., 3]), shape).astype(np.float32) / np.float32(255)
    after = place_on(resize(np.ascontiguousarray(rgba[..., :3]), shape), alpha, behind)
    height, width = image.shape[:2]
    nobody = "" if subject_found else "**No subject found.** "
    return (resize(image, shape), after), str(file), f"{nobody}{width} x {height} px; {clock}"


def checker(shape: tuple[int, int], side: int = 12) -> NDArray[np.uint8]:
    """Return the chequered ground that stands for transparency, ``(height, width, 3)`` uint8."""
    rows, columns = (np.arange(length) // side % 2 for length in shape)
    gray = np.where(rows[:, None] == columns, 255, 205).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2)


def describe(model: Model) -> str:
    """Say what network it is, what it was trained on, and what follows for its use, in Markdown."""
    listed = "; ".join(f"{name}: {term}" for name, term in model.terms.items())
    return (
        f"Network `{model.name}` (`{model.digest}`), {model.predictor.size} px, {model.backend}: "
        f"**{model.licence}**. Trained on: {model.corpus}. Terms of the data: {listed}. Code: Apache-2.0."
    )


def without_folders(text: str, *files: str | None) -> str:
    """Take the server's folders out of a message, and leave the names of the files that were upmodel."""
    for file in files:
        if file:
            text = text.replace(str(Path(file).parent) + "/", "")
    return text


def _cache() -> str:
    """Where Gradio keeps, serves and deletes files."""
    from gradio.utils import get_upload_folder

    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)
