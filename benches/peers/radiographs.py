"""Puts a radiograph that `kerma simulate` makes of a chest CT beside real ones, and compares how rough they are.

    python benches/peers/radiographs.py --kerma target/release/kerma --ct CT --real FILE [FILE ...] [--out sheet.png]

Needs numpy and Pillow. All go through `kerma enhance --preset chest`; pictures that a maker has processed already (--processed)
do not. Prints a Markdown table of the exponent b of the power spectrum, power ~ f^-b, of the middle of the chest.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

WIDTH = 512  # columns of every picture when it is measured: a thorax fills it
SIDE = 256  # of the measured square
BANDS = np.geomspace(0.015, 0.25, 12)  # cycles per pixel of WIDTH
HEIGHT = 560  # of the sheet


def read(path):
    with Image.open(path) as picture:
        values = np.asarray(picture, dtype=np.float32)
    return values if values.ndim == 2 else values[..., 0]


def exponent(values):
    """Of the power of a square in the middle, under a Hann window, by a line through the means of bands."""
    rows = round(values.shape[0] * WIDTH / values.shape[1])
    small = np.asarray(Image.fromarray(values).resize((WIDTH, rows), Image.Resampling.BOX))
    top, left = (rows - SIDE) // 2, (WIDTH - SIDE) // 2
    square = small[top : top + SIDE, left : left + SIDE]
    window = np.outer(np.hanning(SIDE), np.hanning(SIDE))
    power = np.abs(np.fft.fft2((square - square.mean()) * window)) ** 2
    frequency = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    points = [
        (np.log(np.sqrt(low * high)), np.log(power[(frequency >= low) & (frequency < high)].mean()))
        for low, high in zip(BANDS, BANDS[1:])
    ]
    return -np.polyfit(*zip(*points), 1)[0]


def sheet(pictures, path):
    """All beside each other, as high as each other, black to white."""
    columns = []
    for values in pictures:
        scaled = (values - values.min()) / (values.max() - values.min()) * 255
        width = round(values.shape[1] * HEIGHT / values.shape[0])
        columns.append(Image.fromarray(scaled.astype(np.uint8)).resize((width, HEIGHT), Image.Resampling.LANCZOS))
    whole = Image.new("L", (sum(column.width for column in columns), HEIGHT))
    left = 0
    for column in columns:
        whole.paste(column, (left, 0))
        left += column.width
    whole.save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kerma", type=Path, required=True)
    parser.add_argument("--ct", type=Path, required=True)
    parser.add_argument("--real", type=Path, nargs="+", default=[])
    parser.add_argument("--processed", type=Path, nargs="+", default=[])
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()

    pictures = {}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        run = lambda *parts: subprocess.run([arguments.kerma, *map(str, parts), "--quiet"], check=True)
        run("simulate", arguments.ct, "--protocol", "chest-radiograph", "--out", folder / "film")
        sources = {f"simulated from {arguments.ct.name}": folder / "film" / "picture.png"}
        sources |= {path.name: path for path in arguments.real}
        for name, path in sources.items():
            run("enhance", path, "--preset", "chest", "--out", folder / "better.png")
            pictures[name] = read(folder / "better.png")
    pictures |= {f"{path.name}, as its maker processed it": read(path) for path in arguments.processed}

    print("| radiograph | exponent of its power spectrum |\n|---|---|")
    for name, values in pictures.items():
        print(f"| {name} | {exponent(values):.1f} |")
    if arguments.out:
        sheet(pictures.values(), arguments.out)


if __name__ == "__main__":
    main()
