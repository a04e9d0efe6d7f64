"""Words that the code and the documents do without, each with the word to write instead."""

import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SEARCHED = ("matting/**/*", "conf/**/*", "docs/**/*", "README.md")
SUFFIXES = {".py", ".md", ".yaml", ".html"}

INSTEAD = {
    r"pictures?": "image",
    r"photographs?": "photo, or image where it is rendered",
    r"golden labels?": "attribute tags",
    r"passed over": "skipped",
    r"at will": "optional",
    r"so-manieth": "k-th",
    r"told apart": "distinguished",
    r"lessons?": "samples",
    r"taught": "trained",
    r"cut-outs?": "cutout",
    r"grey": "gray",
    r"demo corpus": "synthetic corpus",
    r"drawn by code": "rendered",
    r"beside": "next to, along with",
    r"smallest_crop": "min_crop",
    r"encoder_factor": "encoder_lr_mult",
    r"encoder_frozen": "encoder_freeze",
    r"teach_alpha": "grad_to_alpha",
    r"teach_trimap": "grad_to_trimap",
}

ALLOWED = (
    ("matting/synthetic/*", "photograph"),  # there it is the simulated camera's product, a class of its own
    ("matting/commands/export.py", "photograph"),  # the option --photograph
    ("matting/inference/model_folder.py", "photograph"),  # the same option, handed on
    ("matting/tags.py", "golden labels"),
    ("docs/*", "golden labels"),  # said once: the article's name for the attribute tags
)
"""File pattern and word of uses that are right as they are."""


def found_words(text: str) -> list[tuple[int, str, str]]:
    """Line, word and what to write instead, also where a line break with its indent divides the word."""
    hits = []
    for pattern, instead in INSTEAD.items():
        spaced = pattern.replace(" ", r"[\s#>]+")
        for match in re.finditer(rf"(?<![\w-]){spaced}(?![\w-])", text, re.IGNORECASE):
            word = re.sub(r"[\s#>]+", " ", match[0]).lower()
            hits.append((text.count("\n", 0, match.start()) + 1, word, instead))
    return sorted(hits)


def is_allowed(file: str, word: str) -> bool:
    return any(fnmatch(file, pattern) and word == allowed for pattern, allowed in ALLOWED)


def test_code_and_documents_keep_to_the_glossary():
    files = [path for pattern in SEARCHED for path in sorted(ROOT.glob(pattern)) if path.suffix in SUFFIXES]
    assert len(files) > 200, "the search has lost its files"
    names = {path: path.relative_to(ROOT).as_posix() for path in files}
    hits = [
        f"{name}:{line}: '{word}'; write {instead}"
        for path, name in names.items()
        for line, word, instead in found_words(path.read_text(encoding="utf-8"))
        if not is_allowed(name, word)
    ]
    assert not hits, "\n".join(["words of the glossary's left column:", *hits])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a picture", [(1, "picture")]),
        ("two\nPhotographs", [(2, "photographs")]),
        ("# it is passed\n    # over", [(1, "passed over")]),
        ("smallest_crop: 0.5", [(1, "smallest_crop")]),
        ("besides, load_photograph and a greyhound: cut out, photography", []),
    ],
)
def test_words_are_found_whole_and_across_lines(text, expected):
    assert [(line, word) for line, word, _ in found_words(text)] == expected
