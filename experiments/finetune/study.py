"""Compare fine-tuning on a few images with the model before it and with the same steps from scratch.

    python experiments/finetune/study.py --pairs FOLDER --checkpoint outputs/RUN -o experiments/finetune

The folder is read as `experiment=finetune` reads it (image/NAME.*, alpha/NAME.*, or NAME/image.*, NAME/alpha.*). Every
score is out-of-fold: of an image that the network was not trained on. Finished trainings are not repeated.
"""

import argparse
import subprocess
import sys
from pathlib import Path

from matting.data.corpora import evaluation_pairs
from matting.data.formats.pairs import pairs
from matting.data.scenes import Scenes
from matting.evaluation import bootstrap_mean, evaluate, network, paired_difference
from matting.files import write_atomic
from matting.inference import Predictor
from matting.models import load_checkpoint

METHODS = ("before", "fine-tuned", "from scratch")
REGIONS = ("whole", "unknown")
WATCHED = 3  # training images moved to the validation split, which must not be empty


def split_list(names: list[str], fold: int, folds: int, file: Path) -> Path:
    """Write which images a fold uses for training, validation and test."""
    tested = set(names[fold::folds])
    rest = [name for name in names if name not in tested]
    split = (
        dict.fromkeys(tested, "test") | dict.fromkeys(rest[:WATCHED], "val") | dict.fromkeys(rest[WATCHED:], "train")
    )
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, "".join(f"{name},{split[name]}\n" for name in names).encode())
    return file


def train(folder: Path, *overrides: str) -> None:
    """Train in a process of its own, unless the folder contains a finished run."""
    if not (folder / "results.json").exists():
        subprocess.run([sys.executable, "train.py", *overrides, f"hydra.run.dir={folder}"], check=True)


def run_fold(options: argparse.Namespace, names: list[str], fold: int) -> dict[str, Path]:
    """Train on a fold's images from the checkpoint and from scratch, and return the run folder of each method."""
    listed = split_list(names, fold, options.folds, options.work / f"fold{fold}.csv")
    settings = load_checkpoint(options.checkpoint).model.settings
    size = load_checkpoint(options.checkpoint).size
    widths = ",".join(map(str, settings["decoder_channels"]))
    common = (
        "experiment=finetune",
        f"corpus.root={options.pairs.resolve()}",
        f"corpus.portraits.pairs.split_list={listed.resolve()}",
        f"data.size={size}",
        f"data.crop_size={size * 9 // 8}",
        f"seed={fold}",
        *options.overrides,
    )
    before, tuned, scratch = options.checkpoint, options.work / f"tuned{fold}", options.work / f"scratch{fold}"
    train(tuned, *common, f"model.path={options.checkpoint.resolve()}")
    train(
        scratch,
        *common,
        "model=attention_unet",
        f"model.encoder={settings['encoder']}",
        f"model.decoder_channels=[{widths}]",
        "model.pretrained=false",
        "optimizer.lr=1e-3",
        "optimizer.encoder_lr_mult=1",
        "optimizer.encoder_freeze=0",
    )
    return dict(zip(METHODS, (before, tuned, scratch), strict=True))


def main() -> None:
    """Run the study and write its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True, help="folder of pairs")
    parser.add_argument("--checkpoint", type=Path, required=True, help="run folder to start from")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--set-name", default="pairs", help="name of the set in the table")
    parser.add_argument("--work", type=Path, default=Path("outputs/finetune"), help="runs and split lists")
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder for results.csv and table.md")
    parser.add_argument("overrides", nargs="*", help="further options of train.py")
    options = parser.parse_args()

    names = sorted(item.name for split in ("train", "val", "test") for item in pairs(options.pairs, split).items)
    options.work.mkdir(parents=True, exist_ok=True)
    rows = []
    for fold in range(options.folds):
        runs = run_fold(options, names, fold)
        test = pairs(options.pairs, "test", options.work / f"fold{fold}.csv")
        methods = {}
        for name, run in runs.items():
            loaded = load_checkpoint(run)
            methods[name] = network(Predictor(loaded.model, loaded.size, "cpu"))
        evaluation = evaluate(methods, evaluation_pairs(test, options.set_name, Scenes([])))
        rows += [(row.method, fold, row.pair.name, row.region, row.scores["mad"]) for row in evaluation.rows]
    write(options, rows)


def write(options: argparse.Namespace, rows: list[tuple[str, int, str, str, float]]) -> None:
    """Write the scores of every image, and the table of their means and differences."""
    options.output.mkdir(parents=True, exist_ok=True)
    lines = ["method,fold,image,region,mad"]
    lines += [f"{method},{fold},{name},{region},{mad:.6f}" for method, fold, name, region, mad in sorted(rows)]
    write_atomic(options.output / "results.csv", ("\n".join(lines) + "\n").encode())
    images = len({name for _, _, name, _, _ in rows})
    table = [f"{options.set_name}, {images} pairs, {options.folds} folds; MAD x 1000, mean [95 % interval]", ""]
    table += ["| method | whole | unknown | whole, minus before | whole, minus from scratch |"]
    table += ["| --- | ---: | ---: | ---: | ---: |"]
    rows = sorted(rows, key=lambda row: row[2])
    figures = {
        (method, region): [
            row[4] for row in sorted(rows, key=lambda row: row[2]) if row[0] == method and row[3] == region
        ]
        for method in METHODS
        for region in REGIONS
    }
    for method in METHODS:
        cells = [bootstrap_mean(figures[method, region]) for region in REGIONS]
        cells += [paired_difference(figures[method, "whole"], figures[other, "whole"]) for other in METHODS[::2]]
        texts = [f"{1000 * cell.mean:.0f} [{1000 * cell.low:.0f}, {1000 * cell.high:.0f}]" for cell in cells]
        table.append(f"| {method} | {' | '.join(texts)} |")
    write_atomic(options.output / "table.md", ("\n".join(table) + "\n").encode())


if __name__ == "__main__":
    main()
