from pathlib import Path

import cv2
import numpy as np
import pytest

from matting.synthetic import ensure_corpus, sheets
from matting.synthetic.__main__ import main
from matting.synthetic.sheet import CELL, COLUMNS, contact_sheet

BELOW_NAME = 26  # the name of a row is written above this line of it


def test_the_sheet_shows_five_rows_of_different_images(tmp_path: Path) -> None:
    root = ensure_corpus(people=14, image_size=96, workers=1, cache_dir=tmp_path, show_progress=False)
    contact_sheet(root, tmp_path / "new folder/sheet.jpg")
    sheet = cv2.imread(str(tmp_path / "new folder/sheet.jpg"))
    assert sheet.shape == (5 * CELL, COLUMNS * CELL, 3)
    cells = sheet.reshape(5, CELL, COLUMNS, CELL, 3).swapaxes(1, 2).reshape(5 * COLUMNS, -1)
    assert len(np.unique(cells, axis=0)) == 5 * COLUMNS


def test_a_folder_without_a_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"RWP/manifest\.csv"):
        contact_sheet(tmp_path, tmp_path / "sheet.jpg")


def test_sheets_show_a_row_of_everything(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("HEIGHT", 50), ("WIDTH", 40), ("COLUMNS", 4)):
        monkeypatch.setattr(sheets, name, value)
    target = tmp_path / "sheets"
    arguments = ["corpus", "-o", str(target), "--sheets", "--workers", "1"]
    monkeypatch.setattr("sys.argv", arguments)
    assert main() == 0
    assert {path.stem for path in target.iterdir()} == set(sheets.SHEETS)
    for name, (_, rows) in sheets.SHEETS.items():
        image = cv2.imread(str(target / f"{name}.jpg"))
        assert image.shape == (50 * len(rows), 160, 3)
        assert all(strip[BELOW_NAME:].std() > 5 for strip in np.split(image, len(rows)))
    faulty = cv2.imread(str(target / "defects.jpg")).reshape(-1, 50, 2, 80, 3)[:, BELOW_NAME:].astype(int)
    differences = np.abs(faulty[:, :, 0] - faulty[:, :, 1]).mean(axis=(1, 2, 3))  # of clean and faulty
    assert np.median(differences) > 2  # equal halves differ by JPEG's noise, half of that
    assert main() == 1  # nothing is overwritten
