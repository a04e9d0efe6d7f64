"""The page and its answers to uploads, in this process and in a browser."""

import base64
import gc
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matting.images import read_rgb, read_rgba, write_png
from matting.inference import Clock, load
from tests.inference.hostile import write_hostile_files
from tests.test_cli import run_folder  # noqa: F401

pytestmark = pytest.mark.skipif(importlib.util.find_spec("gradio") is None, reason="needs the extra 'page'")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
RNG = np.random.default_rng(0)
ALIGNED = """() => {
    const boxes = [...document.querySelectorAll(".slider-wrap img")].map(image => image.getBoundingClientRect());
    const places = boxes.map(box => [box.x, box.y, box.width, box.height].join());
    const settled = places.join() === window.earlierPlaces;
    window.earlierPlaces = places.join();
    return settled && boxes.length === 2 && boxes[0].height > 0 && places[0] === places[1];
}"""
"""Whether both images of the slider lie on each other, and nothing has moved since the last call."""


def resident(process: int) -> int:
    """Resident memory of a process, in bytes."""
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture(scope="module")
def loaded(run_folder):  # noqa: F811
    return load(run_folder, device="cpu")


@pytest.fixture
def uploads(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "gradio"))
    write_png(tmp_path / "photo.png", RNG.integers(0, 256, (60, 40, 3), np.uint8))
    return tmp_path


def test_the_download_has_the_photos_size_and_the_steps_are_timed(loaded, uploads):
    from matting.inference.page import cut_out_upload

    (before, after), file, text = cut_out_upload(loaded, str(uploads / "photo.png"), "white", None)
    assert np.array_equal(before, read_rgb(uploads / "photo.png")) and after.shape == before.shape
    assert read_rgba(file).shape == (60, 40, 4) and Path(file).name == "photo_cutout.png"
    assert all(step in text for step in ("decode", "network", "detail", "foreground", "encode", "total"))


def test_the_page_has_words_for_every_step(loaded, uploads):
    from matting.inference.page import STEPS, cut_out_upload

    steps = []
    cut_out_upload(loaded, str(uploads / "photo.png"), "white", None, clock=Clock(steps.append))
    assert steps == list(STEPS)


def test_every_background_shows_through(loaded, uploads):
    from matting.inference.page import BACKGROUNDS, OWN, cut_out_upload

    write_png(uploads / "own.png", np.full((9, 9, 3), (1, 2, 3), np.uint8))
    shown = {
        background: cut_out_upload(loaded, str(uploads / "photo.png"), background, str(uploads / "own.png"))[0][1]
        for background in (*BACKGROUNDS, OWN)
    }
    assert len({image.tobytes() for image in shown.values()}) == len(shown)


@pytest.mark.parametrize(
    ("photo", "background", "message"),
    [(None, "white", "upload or paste one first"), ("photo.png", "own image", "upload one, or choose a colour")],
)
def test_what_is_missing_is_reported(loaded, uploads, photo, background, message):
    from matting.inference.page import cut_out_upload

    with pytest.raises(ValueError, match=message):
        cut_out_upload(loaded, photo and str(uploads / photo), background, None)


def test_hostile_uploads_get_a_reason_without_the_servers_folders(loaded, uploads):
    from matting.inference.page import cut_out_upload, without_folders

    refused, perhaps, sound = write_hostile_files(uploads / "bad")
    for file in sorted(refused | perhaps | sound):
        try:
            cut_out_upload(loaded, str(file), "checker", None)
            assert file not in refused
        except (ValueError, OSError) as error:
            message = without_folders(str(error), str(file))
            assert file not in sound and "expected" in message and str(uploads) not in message


def test_larger_uploads_than_allowed_are_refused(loaded, uploads):
    from matting.inference.page import cut_out_upload

    with pytest.raises(ValueError, match="expected at most 0 megapixels, found 40 x 60"):
        cut_out_upload(loaded, str(uploads / "photo.png"), "white", None, max_pixels=2399)


@pytest.mark.slow
def test_memory_is_flat_over_200_requests(loaded, uploads):
    from matting.inference.page import cut_out_upload

    write_png(uploads / "large.png", RNG.integers(0, 256, (800, 600, 3), np.uint8))

    for number in range(200):
        cut_out_upload(loaded, str(uploads / "large.png"), "checker", None)
        if number == 50:
            gc.collect()
            settled = resident(os.getpid())
    gc.collect()
    assert resident(os.getpid()) - settled < 20e6


@pytest.fixture
def server(run_folder, tmp_path):  # noqa: F811
    """The address and the process of a served page."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "matting.cli", "serve", "--checkpoint", run_folder, "--port", port]
    environment = os.environ | {"GRADIO_TEMP_DIR": str(tmp_path / "gradio")}
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(list(map(str, command)), env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            time.sleep(0.5)
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                assert process.poll() is None, (tmp_path / "log").read_text()
        yield url, process.pid
        assert "Traceback" not in (tmp_path / "log").read_text()
    finally:
        process.terminate()
        process.wait(20)


@pytest.fixture
def address(server):
    return server[0]


@pytest.mark.slow
def test_hostile_files_over_http_get_a_reason_and_the_server_lives(server, uploads):
    client_package = pytest.importorskip("gradio_client")
    address, process = server
    client = client_package.Client(address, verbose=False, download_files=False)
    refused, perhaps, sound = write_hostile_files(uploads / "bad")

    def press(file: Path) -> str | None:
        """The server's error message for a file, or None."""
        try:
            client.predict(client_package.handle_file(file), "checker", None, api_name="/cut_out")
        except Exception as error:  # the client raises various types for an error of the server
            return str(error)
        return None

    # Only regular files can be uploaded.
    files = sorted(path for path in refused | perhaps | sound if path.is_file())
    assert len(files) >= 300
    for number, file in enumerate(files):
        if number == 100:
            settled = resident(process)
        message = press(file)
        assert message is None or "expected" in message, (file, message)
        assert message is None or (str(uploads) not in message and "Traceback" not in message), (file, message)
        assert file not in (refused if message is None else sound), (file, message)
    assert press(uploads / "photo.png") is None
    assert resident(process) - settled < 50e6


@pytest.mark.slow
def test_uploads_above_the_limit_are_refused_over_http(address, uploads):
    httpx = pytest.importorskip("httpx")
    with (uploads / "large.bin").open("wb") as file:
        file.truncate(51_000_000)
    with (uploads / "large.bin").open("rb") as file:
        answer = httpx.post(f"{address}/gradio_api/upload", files={"files": file}, timeout=120)
    assert answer.status_code == 413
    assert not [path for path in (uploads / "gradio").rglob("*") if path.is_file() and path.stat().st_size > 50_000_000]


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
@pytest.mark.parametrize("width", [1280, 390], ids=["desktop", "phone"])
def test_in_a_browser(address, uploads, width):
    sync_api = pytest.importorskip("playwright.sync_api")
    (uploads / "bad.png").write_text("<svg/>")
    elsewhere = []
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": width, "height": 900})
        local = (address, "data:", "blob:", address.replace("http", "ws"))
        page.on("request", lambda request: None if request.url.startswith(local) else elsewhere.append(request.url))
        page.goto(address)
        button = page.get_by_role("button", name="Cut out")
        button.wait_for(timeout=60_000)
        button.click()
        page.get_by_text("upload or paste one first").wait_for(timeout=60_000)

        page.set_input_files("input[type=file] >> nth=0", uploads / "bad.png")
        page.get_by_label("Remove Image").or_(page.get_by_label("Clear")).first.wait_for(timeout=30_000)
        button.click()
        page.get_by_text("bad.png: expected JPEG").wait_for(timeout=60_000)
        assert str(uploads) not in page.inner_text("body")

        page.reload()
        page.set_input_files("input[type=file] >> nth=0", uploads / "photo.png")
        page.locator("img").first.wait_for(timeout=30_000)
        button.click()
        page.get_by_text(", total ").wait_for(timeout=60_000)
        page.wait_for_function(ALIGNED, polling=300, timeout=30_000)  # a phone scrolls to the result first
        slider = page.locator(".slider-wrap .outer")
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + 60, box["y"] + box["height"] / 2, steps=4)
        page.mouse.up()
        assert slider.bounding_box()["x"] > box["x"] + 20
        with page.expect_download(timeout=30_000) as download:
            page.get_by_text("Download PNG").click()
        assert read_rgba(download.value.path()).shape == (60, 40, 4)
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        if folder := os.environ.get("MATTING_SCREENSHOTS"):
            page.screenshot(path=f"{folder}/page_{width}.png", full_page=True)
        browser.close()
    assert not elsewhere


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_photo_is_pasted(address, uploads):
    sync_api = pytest.importorskip("playwright.sync_api")
    content = base64.b64encode((uploads / "photo.png").read_bytes()).decode()
    copy = """async content => navigator.clipboard.write([new ClipboardItem(
        {"image/png": await (await fetch("data:image/png;base64," + content)).blob()})])"""
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.goto(address)
        page.get_by_role("button", name="Cut out").wait_for(timeout=60_000)
        page.evaluate(copy, content)
        page.get_by_label("Paste from clipboard").first.click()
        page.locator("img").first.wait_for(timeout=30_000)
        page.get_by_role("button", name="Cut out").click()
        page.get_by_text(", total ").wait_for(timeout=60_000)
        assert "40 x 60 px" in page.inner_text("body")
        browser.close()


def opened(browser, address: str, width: int):
    """The page at a width, ready."""
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(address)
    page.get_by_role("button", name="Cut out").wait_for(timeout=60_000)
    return page


def upload(page, file: Path) -> None:
    """Put a photo into the field of a page that is new or reloaded."""
    page.set_input_files("input[type=file] >> nth=0", file)
    page.get_by_label("Remove Image").or_(page.get_by_label("Clear")).first.wait_for(timeout=60_000)


def reloaded(page, file: Path) -> None:
    page.reload()
    page.get_by_role("button", name="Cut out").wait_for(timeout=60_000)
    upload(page, file)


def layout(page) -> dict[str, int]:
    """Where things are on the page, in pixels from its top."""
    script = """() => {
        const last = found => [...document.querySelectorAll(found)].at(-1)
        const top = found => Math.round(last(found).getBoundingClientRect().top + scrollY)
        return {result: top("#result"), button: top("button.primary"), text: top(".prose"),
                height: document.documentElement.scrollHeight}
    }"""
    return page.evaluate(script)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_visitors_wait_leave_and_come_back(address, uploads):
    """Two at once, a tab that is closed in mid-run, photos as phones store them, wrong files, the back button."""
    sync_api = pytest.importorskip("playwright.sync_api")
    from matting.inference.page import STEPS

    write_png(uploads / "large.png", RNG.integers(0, 256, (1500, 2000, 3), np.uint8))
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        first, second = (opened(browser, address, width) for width in (1400, 390))
        upload(first, uploads / "large.png")
        upload(second, uploads / "photo.png")
        before = [layout(page) for page in (first, second)]
        first.get_by_role("button", name="Cut out").click()
        first.locator("#result").get_by_text("/5 steps").wait_for(timeout=60_000)
        second.get_by_role("button", name="Cut out").click()
        second.locator("#result").get_by_text("queue: 1/1").wait_for(timeout=60_000)
        assert any(step in first.locator("#result").inner_text() for step in STEPS.values())
        assert [layout(page) for page in (first, second)] == before
        for page in (first, second):
            page.get_by_text(", total ").wait_for(timeout=120_000)
        assert [layout(page) for page in (first, second)] == before
        # On a phone the result has come into view.
        assert 0 <= second.locator("#result").bounding_box()["y"] < 450 and first.evaluate("window.scrollY") == 0

        first.get_by_role("button", name="Cut out").click()
        first.locator("#result").get_by_text("/5 steps").wait_for(timeout=60_000)
        first.close()
        for orientation in range(1, 9):
            reloaded(second, phone_photo(uploads, orientation))
            second.get_by_role("button", name="Cut out").click()
            second.get_by_text("40 x 60 px").wait_for(timeout=120_000)
            with second.expect_download(timeout=30_000) as download:
                second.get_by_text("Download PNG").click()
            rgba = read_rgba(download.value.path())
            red = rgba[..., 0].astype(int)
            assert rgba.shape == (60, 40, 4) and red[5, 5] > 100 + max(red[-5, 5], red[5, -5], red[-5, -5])

        (uploads / "notes.txt").write_text("no image")
        with (uploads / "large.jpg").open("wb") as file:
            file.truncate(51_000_000)
        for name, message in (("notes.txt", "Invalid file type"), ("large.jpg", "exceed the maximum allowed size")):
            second.reload()
            second.set_input_files("input[type=file] >> nth=0", uploads / name)
            second.get_by_text(message).wait_for(timeout=60_000)

        second.goto("about:blank")
        second.go_back()
        second.get_by_role("button", name="Cut out").wait_for(timeout=60_000)
        upload(second, uploads / "photo.png")
        second.get_by_role("button", name="Cut out").click()
        second.get_by_text(", total ").wait_for(timeout=60_000)
        browser.close()


def phone_photo(folder: Path, orientation: int) -> Path:
    """A photo of 40 x 60 px with a red upper left corner, stored as a phone that was held in one of eight ways does."""
    upright = np.zeros((60, 40, 3), np.uint8)
    upright[:20, :20, 0] = 255
    turns = {1: [], 2: [0], 3: [3], 4: [1], 5: [5], 6: [2], 7: [6], 8: [4]}  # of `Image.Transpose`
    image, exif = Image.fromarray(upright), Image.Exif()
    for turn in turns[orientation]:
        image = image.transpose(Image.Transpose(turn))
    exif[0x0112] = orientation
    image.save(folder / f"phone_{orientation}.jpg", exif=exif, quality=95)
    return folder / f"phone_{orientation}.jpg"
