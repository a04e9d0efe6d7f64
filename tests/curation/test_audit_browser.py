"""The audit page, opened and worked by keys in a headless browser."""

import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

from matting.curation.audit import read_export
from matting.curation.audit_page import WINDOW, Entry, audit_page, softest_windows
from matting.curation.pair import AnnotatedPair
from matting.curation.verdicts import Audited
from tests.curation.conftest import disc, disc_alpha, levels

pytestmark = pytest.mark.slow
NAMES = ["first", "second", "third 'quoted' & <odd>"]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory) -> Path:
    entries = []
    for k, name in enumerate(NAMES):
        alpha = disc_alpha(radius=80 + 20 * k, width=12)
        entries.append(Entry(name, frozenset({"hat"}), AnnotatedPair(disc(alpha), levels(alpha))))
    path = tmp_path_factory.mktemp("audit") / "audit.html"
    path.write_text(audit_page(entries, dict.fromkeys(NAMES, ""), "Edge audit of drawn discs"), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as driver:
        found = [shutil.which(name) for name in ("chromium", "chromium-browser", "google-chrome")]
        installed = next((path for path in found if path), None)
        try:
            opened = driver.chromium.launch(executable_path=installed, args=["--no-sandbox"])
        except playwright.Error as error:
            pytest.skip(f"no browser: {error}")
        yield opened
        opened.close()


def test_keys_decide_state_is_kept_and_the_export_is_read(browser, page_file, tmp_path):
    context = browser.new_context(offline=True, accept_downloads=True)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: complaints.append(request.url) if request.url.startswith("http") else None)
    page.goto(page_file.as_uri())
    assert page.locator("section.shown h2").inner_text().startswith("first")

    page.keyboard.press("a")
    assert page.locator("section.shown h2").inner_text().startswith("second")
    page.keyboard.press("r")
    page.keyboard.type("hair, exactly")  # letters go into the field, not to the verdicts
    page.keyboard.press("Enter")
    assert page.locator("section.shown h2").inner_text().startswith("third")

    page.reload()
    assert page.locator("#progress").inner_text() == "2 of 3 decided"
    assert page.locator("section.shown h2").inner_text().startswith("third")
    page.keyboard.press("ArrowLeft")
    assert page.locator("button[aria-pressed=true]").get_attribute("data-verdict") == "re-annotate"
    assert page.locator("#reason").input_value() == "hair, exactly"
    page.keyboard.press("ArrowRight")
    page.locator("button[data-verdict=reject]").click()

    page.locator("#reason").blur()
    with page.expect_download() as download:
        page.keyboard.press("e")
    download.value.save_as(tmp_path / "export.json")
    assert read_export(tmp_path / "export.json", dict.fromkeys(NAMES, "")) == {
        "first": Audited("accept", ""),
        "second": Audited("re-annotate", "hair, exactly"),
        NAMES[2]: Audited("reject", ""),
    }
    assert complaints == []
    context.close()


def test_windows_are_shown_at_200_percent_and_the_alpha_is_the_matte(browser, page_file):
    page = browser.new_page(viewport={"width": 2400, "height": 1000})
    page.goto(page_file.as_uri())
    photo = page.locator("section.shown .row img[alt=photo]").first
    natural = photo.evaluate("image => image.naturalWidth")
    assert photo.bounding_box()["width"] == 2 * natural
    screenshot = page.locator("section.shown .row .alpha img").first.screenshot()
    shot = cv2.imdecode(np.frombuffer(screenshot, np.uint8), cv2.IMREAD_GRAYSCALE)
    alpha = levels(disc_alpha(radius=80, width=12))
    y, x = softest_windows(alpha)[0]
    matte = np.kron(alpha[y : y + WINDOW, x : x + WINDOW], np.ones((2, 2), np.uint8))
    inner = (slice(4, 340), slice(4, 340))  # a screenshot may begin or end half a pixel next to the image
    assert np.abs(shot[inner].astype(int) - matte[inner]).mean() < 6
    page.close()
