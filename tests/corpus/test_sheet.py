from pathlib import Path

import cv2
import numpy as np
import pytest

from matting.corpus import ensure_corpus
from matting.corpus.sheet import CELL, COLUMNS, contact_sheet


def test_the_sheet_shows_five_rows_of_different_pictures(tmp_path: Path) -> None:
    root = ensure_corpus(people=14, image_size=96, workers=1, cache_dir=tmp_path, show_progress=False)
    contact_sheet(root, tmp_path / "new folder/sheet.jpg")
    sheet = cv2.imread(str(tmp_path / "new folder/sheet.jpg"))
    assert sheet.shape == (5 * CELL, COLUMNS * CELL, 3)
    cells = sheet.reshape(5, CELL, COLUMNS, CELL, 3).swapaxes(1, 2).reshape(5 * COLUMNS, -1)
    assert len(np.unique(cells, axis=0)) == 5 * COLUMNS


def test_a_folder_without_a_corpus_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"RWP/manifest\.csv"):
        contact_sheet(tmp_path, tmp_path / "sheet.jpg")
