"""The web page: upload a photo, press a button, see and download the cutout."""

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from matting.decoding import MAX_PIXELS
from matting.errors import MattingError
from matting.extras import require
from matting.images import encode_image, read_photo
from matting.inference.clock import Clock
from matting.inference.cutout import Colour, Style, cover, cut_out, place_on
from matting.inference.model import Model
from matting.inference.resizing import resize

if TYPE_CHECKING:
    import gradio

BACKGROUNDS: dict[str, Colour | None] = {
    "checker": None,
    "white": (255, 255, 255),
    "gray": (128, 128, 128),
    "black": (0, 0, 0),
    "green": (0, 177, 64),
}
OWN = "own image"

STEPS = {
    "decode": "reading the photo",
    "network": "finding the person",
    "detail": "refining the edge",
    "foreground": "removing the old background from the edge",
    "encode": "writing the PNG",
}
"""What the page says while a step of the `Clock` runs, in their order."""

PREVIEW = 1280
"""Long side of what the page shows, in pixels; the download has the photo's size."""

_STYLE = """
footer { display: none !important; }
.gradio-container { max-width: 1100px !important; margin: auto !important; }
@media (max-width: 640px) { .gradio-container { padding: 8px !important; } }
"""

_SHOW_RESULT = """() => {
    if (window.innerWidth < 640) document.getElementById("result").scrollIntoView({behavior: "smooth"});
}"""


def build_page(model: Model, max_pixels: int = MAX_PIXELS, waiting: int = 16) -> "gradio.Blocks":
    """Build the page of a model.

    Args:
        model: The model that cuts out.
        max_pixels: Largest photo accepted, in pixels; checked in the header, before anything is decoded.
        waiting: Length of the queue; one request is processed at a time.

    Returns:
        The page with its queue, not yet served.

    Raises:
        MattingError: Gradio is not installed.
    """
    # Must be set before the import: otherwise Gradio sends usage data with either of them.
    os.environ.update(GRADIO_ANALYTICS_ENABLED="False", HF_HUB_DISABLE_TELEMETRY="1")
    gr = require("gradio", "the web page")

    def press(photo: str | None, background: str, own: str | None, progress: Any) -> tuple[Any, str, str]:
        def begun(step: str) -> None:
            progress((list(STEPS).index(step), len(STEPS)), desc=STEPS[step], unit="steps")

        try:
            return cut_out_upload(model, photo, background, own, max_pixels, Clock(begun))
        except (MattingError, OSError) as error:
            raise gr.Error(without_folders(str(error), photo, own), duration=None, print_exception=False) from None

    def upload(label: str, height: int, visible: bool = True) -> Any:
        """Make an upload field that passes on the file unopened: the project's reader checks it before decoding."""
        field = gr.Image(label=label, sources=["upload", "clipboard"], type="filepath", height=height, visible=visible)
        field.preprocess = lambda payload: payload.path if payload else None
        return field

    # In seconds: every ten minutes, files older than an hour are deleted.
    with gr.Blocks(title="Portrait matting", analytics_enabled=False, delete_cache=(600, 3600)) as page:
        gr.Markdown("## Portrait matting\nA photo in, a cutout out. It goes to this server and nowhere else.")
        with gr.Row():
            with gr.Column():
                photo = upload("photo: upload or paste", 420)
                background = gr.Radio([*BACKGROUNDS, OWN], value="checker", label="show it on")
                own = upload("your background", 160, visible=False)
                button = gr.Button("Cut out", variant="primary")
            with gr.Column():
                # Of fixed heights, so that nothing below moves when the result arrives.
                slider = gr.ImageSlider(
                    label="before and after",
                    interactive=False,
                    buttons=["fullscreen"],
                    height=420,
                    max_height=418,
                    elem_id="result",
                )
                download = gr.DownloadButton("Download PNG", interactive=False)
                times = gr.Markdown("", height=84)
        gr.Markdown(describe(model))
        # Outside the queue: showing a field does not wait for somebody's photo.
        background.change(lambda choice: gr.update(visible=choice == OWN), background, own, queue=False)

        # Gradio finds the progress by its default. It shows the place in the queue by itself, then the steps.
        def pressed(
            photo: str | None,
            background: str,
            own: str | None,
            progress: Any = gr.Progress(),  # noqa: B008
        ) -> tuple[Any, Any, str]:
            images, file, text = press(photo, background, own, progress)
            return images, gr.update(value=file, interactive=True), text

        # On a phone the result is below the button. Before the next listener, which would be waited for.
        button.click(None, js=_SHOW_RESULT, queue=False)
        button.click(
            pressed,
            [photo, background, own],
            [slider, download, times],
            concurrency_limit=1,
            api_name="cut_out",
            show_progress_on=slider,
        )
    page.queue(max_size=waiting, default_concurrency_limit=1)
    return page


def serve(model: Model, host: str, port: int, max_megabytes: int, max_pixels: int) -> None:
    """Serve the page until the process is stopped.

    Args:
        model: The model that cuts out.
        host: Address to listen on.
        port: Port to listen on.
        max_megabytes: Largest upload, in megabytes.
        max_pixels: Largest photo, in pixels.

    Raises:
        OSError: The port is taken.
    """
    page = build_page(model, max_pixels)
    import gradio as gr

    system = ["system-ui", "sans-serif"]  # the default theme would fetch its fonts from the internet
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
    model: Model,
    photo: str | None,
    background: str,
    own: str | None,
    max_pixels: int = MAX_PIXELS,
    clock: Clock | None = None,
) -> tuple[tuple[NDArray[np.uint8], NDArray[np.uint8]], str, str]:
    """Cut out an uploaded photo, as the button of the page does.

    Args:
        model: The model that cuts out.
        photo: Path of the uploaded photo.
        background: One of `BACKGROUNDS`, or `OWN`.
        own: Path of the uploaded background.
        max_pixels: Largest image accepted, in pixels.
        clock: Records the time of the steps; a new one by default.

    Returns:
        The photo and its cutout on the background, both scaled for the page; the path of the PNG; a text with the
        times.

    Raises:
        MattingError: There is no photo, or a file is not an image; the message names it.
    """
    if not photo:
        raise MattingError("expected a photo, found none; upload or paste one first")
    if background == OWN and not own:
        raise MattingError("expected an image for the background, found none; upload one, or choose a colour")
    if background not in (*BACKGROUNDS, OWN):
        raise MattingError(f"expected a background among {', '.join((*BACKGROUNDS, OWN))}, found '{background}'")
    clock = clock or Clock()
    with clock("decode"):
        image, opacity = read_photo(photo, max_pixels)
        scale = min(1.0, PREVIEW / max(image.shape[:2]))
        shape = (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale)))
        if background == OWN and own:  # scaled immediately, so that two large images are never in memory together
            behind: NDArray[np.uint8] | Colour = cover(read_photo(own, max_pixels).rgb, shape)
        else:
            behind = BACKGROUNDS.get(background) or checker(shape)
    rgba, subject_found = cut_out(model.predictor, image, Style(), clock, opacity)
    with clock("encode"):
        # A folder for each file, so that it can have the photo's name and replaces no other.
        folder = Path(tempfile.mkdtemp(prefix="matting-", dir=_cache()))
        file = folder / f"{Path(photo).stem[:80] or 'photo'}_cutout.png"
        file.write_bytes(encode_image(rgba, ".png"))
    alpha = resize(np.ascontiguousarray(rgba[..., 3]), shape).astype(np.float32) / np.float32(255)
    after = place_on(resize(np.ascontiguousarray(rgba[..., :3]), shape), alpha, behind)
    height, width = image.shape[:2]
    note = "" if subject_found else "**No subject found.** "
    return (resize(image, shape), after), str(file), f"{note}{width} x {height} px; {clock}"


def checker(shape: tuple[int, int], side: int = 12) -> NDArray[np.uint8]:
    """Return the checkerboard that represents transparency, ``(height, width, 3)`` uint8."""
    rows, columns = (np.arange(length) // side % 2 for length in shape)
    gray = np.where(rows[:, None] == columns, 255, 205).astype(np.uint8)
    return np.repeat(gray[..., None], 3, axis=2)


def describe(model: Model) -> str:
    """Describe the network, its training data and its licence, in Markdown."""
    listed = "; ".join(f"{name}: {term}" for name, term in model.terms.items())
    return (
        f"Network `{model.name}` (`{model.digest}`), {model.predictor.size} px, {model.backend}: "
        f"**{model.licence}**. Trained on: {model.corpus}. Terms of the data: {listed}. Code: Apache-2.0."
    )


def without_folders(text: str, *files: str | None) -> str:
    """Remove the server's folders from a message, but keep the names of the uploaded files."""
    for file in files:
        if file:
            text = text.replace(str(Path(file).parent) + "/", "")
    return text


def _cache() -> str:
    """Return the folder where Gradio stores, serves and deletes files."""
    from gradio.utils import get_upload_folder

    folder = Path(get_upload_folder())
    folder.mkdir(parents=True, exist_ok=True)
    return str(folder)
