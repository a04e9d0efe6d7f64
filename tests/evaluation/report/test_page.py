import re
from html.parser import HTMLParser

import numpy as np
import pytest

from matting.data.test_sets import Example, Pair
from matting.errors import MattingError
from matting.evaluation import Description, Setting, all_foreground, evaluate
from matting.evaluation.report import write_report
from matting.evaluation.report.gallery import CLOSE_UP, COLUMNS, render_close_up
from matting.trimap import implied_trimap

VOID = {"meta", "img", "br"}
OPTIONAL = {"td", "th", "tr", "p"}


class Checker(HTMLParser):
    """Checks that tags are closed in order, and collects everything that a browser would fetch or run."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.fetched: list[str] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attributes):
        self.fetched += [value for name, value in attributes if name in ("src", "href", "srcset")]
        self.fetched += [tag] if tag in ("script", "link", "iframe") else []
        if tag not in VOID | OPTIONAL:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID | OPTIONAL:
            assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture
def page(discs, too_transparent, tmp_path):
    hostile = Pair("<script>alert(1)</script>", discs[0].load, "toy", frozenset({"a&b"}))

    def broken():
        raise MattingError("x.png: expected <svg>")

    methods = {"<b>clear</b>": too_transparent, "all": all_foreground}
    evaluation = evaluate(methods, [*discs, hostile, Pair("x", broken, "toy")])
    described = {"<b>clear</b>": Description("<i>made up</i>"), "all": Description("1 < 2")}
    write_report(tmp_path, evaluation, methods, Setting("Toy & <more>", "synthetic corpus", described, 1.0))
    return (tmp_path / "report.html").read_text()


def test_page_is_whole_and_fetches_nothing(page):
    checker = Checker()
    checker.feed(page)
    assert checker.open == []
    assert checker.fetched and all(value.startswith("data:image/jpeg;base64,") for value in checker.fetched)
    assert "@import" not in page and "url(" not in page


def test_names_are_text_never_markup(page):
    checker = Checker()
    checker.feed(page)
    text = "".join(checker.text)
    for name in ("<script>alert(1)</script>", "<b>clear</b>", "Toy & <more>", "toy.a&b", "1 < 2", "expected <svg>"):
        assert name in text


def test_page_shows_every_table_and_bars_within_their_track(page):
    for heading in ("Methods", "Differences on the same images", "Scenarios", "By label", "Images", "Left out"):
        assert f"<h2>{heading}</h2>" in page
    widths = [float(width) for width in re.findall(r"<i style='width:([\d.]+)%'", page)]
    assert len(widths) == 2 + 2 * 4 and max(widths) <= 100 and min(widths) >= 0


def test_mattes_of_the_other_methods_are_below_each_image(page):
    assert page.count("mattes of the other methods") == page.count("<figure>") >= 3
    assert page.count("<img alt='all'") == page.count("<figure>")


def test_close_up_is_taken_where_the_unknown_region_is_wrong():
    alpha = np.zeros((400, 500), np.uint8)
    alpha[100:300, 100:400] = 255
    predicted = alpha.astype(np.float32) / 255
    predicted[295:305, 380:420] = 0.5  # at the lower right corner of the subject
    predicted[195:205, 200:260] = 0.0  # a larger hole, but inside the sure foreground
    image = np.zeros((400, 500, 3), np.uint8)
    image[300, 400] = 255
    tiles = render_close_up(Example("x", image, alpha, implied_trimap(alpha)), predicted)
    assert len(tiles) == len(COLUMNS) and {tile.shape for tile in tiles} == {(2 * CLOSE_UP, 2 * CLOSE_UP, 3)}
    assert tiles[0].max() > 100


def test_close_up_of_an_image_smaller_than_the_window(discs, too_transparent):
    example = discs[0].load()
    assert {tile.shape for tile in render_close_up(example, too_transparent(example))} == {(96, 96, 3)}
