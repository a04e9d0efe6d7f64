"""Collect the photos without people from which half of the training scenes of `portrait` are cut.

They come from packages of Debian 12 with free licences (each package's ``copyright`` file has the terms)::

    apt-get download gcompris-qt-data tuxpaint-stamps-default blender-data lomiri-wallpapers-16.04 \
        lomiri-wallpapers-20.04 mate-backgrounds plasma-workspace-wallpapers
    for package in *.deb; do dpkg-deb -x $package packages; done
    python experiments/base/scenes.py packages -o scenes
    python train.py experiment=base_synthetic corpus.scenes=scenes/image …

Panoramas are read by ImageMagick (``convert``). Photos of places, animals and tools are taken as they are, views are
cut from panoramas, and things that were cut out (animals, fruit, vehicles, instruments) are pasted onto them, because a
network that has seen only drawn things takes a real one for the subject.
"""

import argparse
import re
import struct
import subprocess
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps

RESOURCES = "usr/share/gcompris-qt/rcc"  # photos inside Qt resource files
PHOTOS = ("categorization", "explore_monuments", "explore_farm_animals", "explore_world_animals", "details", "erase")
PAINTED = {"details_29", "details_43", "details_50", "details_60", "details_69", "details_79", "details_92"}
PAINTED |= {"details_116", "details_117", "details_48"}
PANORAMAS = ("city", "forest", "interior", "sunrise", "sunset")
STAMPS = "usr/share/tuxpaint/stamps"
THINGS = ("animals", "food", "hobbies", "household", "medical", "military/vehicles", "plants", "sports", "vehicles")
WALLPAPERS = [
    "Bridge_by_Sander_Klootwijk",
    "Dragonfly_by_Bolly",
    "Picture_0B_by_freespace",
    "Picture_1A_by_freespace",
    "Wine_by_Jakkub_Mede",
    "aitzgorri_by_Aitzol_Berasategi",
    "free_by_Peter_Nerlich",
    "friends_by_Aitzol_Berasategi",
    "greentock_by_Peter_Nerlich",
    "life_by_Aitzol_Berasategi",
    "picosdeeuropa_by_Aitzol_Berasategi",
    "seeding_by_Clements_Engelhardt",
    "sunset_by_Aitzol_Berasategi",
    "Infinite-Sea_by_Aury88",
    "Kleiber_by_Lukas_Baubkus",
    "Aqua",
    "Blinds",
    "Dune",
    "FreshFlower",
    "Garden",
    "GreenMeadow",
    "LadyBird",
    "RainDrops",
    "Storm",
    "TwoWings",
    "Wood",
    "YellowFlower",
    "Autumn",
    "BytheWater",
    "ColorfulCups",
    "DarkestHour",
    "EveningGlow",
    "FallenLeaf",
    "Grey",
    "OneStandsOut",
    "summer_1am",
]
SIDE = 1280  # long side of what is written, pixels


def main() -> None:
    """Write the photos and the pasted images as pairs with empty mattes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("packages", type=Path, help="folder into which the packages were extracted")
    parser.add_argument("-o", "--output", type=Path, required=True, help="new folder: image/, alpha/ and split.csv")
    parser.add_argument("--pasted", type=int, default=500, help="number of images with things pasted on")
    options = parser.parse_args()
    for name in ("image", "alpha"):
        (options.output / name).mkdir(parents=True)
    photos = [small(photo) for source in (resources, panoramas, wallpapers) for photo in source(options.packages)]
    things = sorted(path for kind in THINGS for path in (options.packages / STAMPS / kind).rglob("*.png"))
    things = [path for path in things if "cartoon" not in path.parts]
    rng = np.random.default_rng(0)
    for number, photo in enumerate(photos):
        save(photo, options.output, f"photo_{number:04d}")
    for number in range(options.pasted):
        save(pasted(rng, photos, things), options.output, f"pasted_{number:04d}")
    names = sorted(path.stem for path in (options.output / "image").iterdir())
    (options.output / "split.csv").write_text("".join(f"{name},train\n" for name in names))
    print(f"{options.output}: {len(photos)} photos and views, {options.pasted} with some of {len(things)} things")


def save(image: Image.Image, folder: Path, name: str) -> None:
    """Write an image, and the empty matte that makes a pair of it."""
    image.save(folder / "image" / f"{name}.jpg", quality=92)
    Image.new("L", image.size).save(folder / "alpha" / f"{name}.png")


def resources(packages: Path) -> Iterator[Image.Image]:
    """Yield the WebP photos of Qt resource files, which hold them uncompressed."""
    for name in PHOTOS:
        data = next((packages / RESOURCES).rglob(f"{name}.rcc")).read_bytes()
        for number, found in enumerate(re.finditer(rb"RIFF(....)WEBP", data, re.DOTALL)):
            (length,) = struct.unpack("<I", found[1])
            if length >= 8000 and f"{name}_{number}" not in PAINTED:
                yield Image.open(BytesIO(data[found.start() : found.start() + 8 + length])).convert("RGB")


def panoramas(packages: Path) -> Iterator[Image.Image]:
    """Yield six views of 90 degrees, developed, from each panorama."""
    for name in PANORAMAS:
        path = packages / "usr/share/blender/datafiles/studiolights/world" / f"{name}.exr"
        png = subprocess.run(["convert", path, "-auto-level", "-auto-gamma", "png:-"], capture_output=True, check=True)
        whole = ImageOps.autocontrast(Image.open(BytesIO(png.stdout)).convert("RGB"), 1)
        for turn in range(6):
            left = turn * whole.width // 8
            yield whole.crop((left, whole.height // 5, left + whole.width // 4, whole.height * 3 // 4))


def wallpapers(packages: Path) -> Iterator[Image.Image]:
    """Yield the wallpapers that are photos, each in its largest size."""
    files = [path for path in (packages / "usr/share").rglob("*.jpg") if "screenshot" not in path.name]
    for name in WALLPAPERS:
        sizes = [path for path in files if path.stem == name or name in path.parts]
        yield Image.open(max(sizes, key=lambda path: (path.stat().st_size, path))).convert("RGB")


def small(photo: Image.Image) -> Image.Image:
    """Return a photo of at most `SIDE` pixels, and of at least half of that."""
    factor = min(max(0.5 * SIDE / max(photo.size), 1), SIDE / max(photo.size)) if max(photo.size) else 1
    return photo.resize((max(round(photo.width * factor), 1), max(round(photo.height * factor), 1)), Image.LANCZOS)


def pasted(rng: np.random.Generator, photos: list[Image.Image], things: list[Path]) -> Image.Image:
    """Return a photo with one to four things, from a twentieth of its height to all of it."""
    scene = photos[int(rng.integers(len(photos)))].copy()
    for _ in range(rng.integers(1, 5)):
        thing = Image.open(things[int(rng.integers(len(things)))]).convert("RGBA")
        size = scene.height * float(np.exp(rng.uniform(np.log(0.15), np.log(1.1))))
        factor = size / max(thing.size)
        thing = thing.resize((max(round(thing.width * factor), 1), max(round(thing.height * factor), 1)), Image.BICUBIC)
        thing = ImageOps.mirror(thing) if rng.random() < 0.5 else thing
        if blur := float(rng.choice([0, 1, 4, 10], p=[0.4, 0.3, 0.2, 0.1])):
            thing = thing.filter(ImageFilter.GaussianBlur(blur * scene.height / 720))
        place = (int(rng.uniform(-0.2, 0.9) * scene.width), int(rng.uniform(-0.1, 0.8) * scene.height))
        scene.paste(thing, place, thing)
    return scene


if __name__ == "__main__":
    main()
