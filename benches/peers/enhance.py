"""Times what other libraries do for image enhancement, on a synthetic radiograph of 4000 × 4000 pixels.

    python benches/peers/enhance.py [--kerma target/release/kerma] [--side 4000] [--runs 20] [--threads 2]

Needs numpy, opencv-python-headless and scikit-image. Prints medians as a table; with --kerma also those of
`kerma enhance … --only clahe --json` and the ratios. The image is the one of `benches/clahe.rs`.
"""

import argparse
import json
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
import skimage
from skimage.exposure import equalize_adapthist
from skimage.filters import threshold_triangle


def radiograph(side, bits):
    """Smooth structure and 2 % of noise from a hash of the place."""
    y, x = np.mgrid[:side, :side].astype(np.uint32)
    h = (x * np.uint32(0x9E3779B9)) ^ (y * np.uint32(0x85EBCA6B))
    h ^= h >> np.uint32(15)
    h = h * np.uint32(0x2C1B3C6D)
    h ^= h >> np.uint32(12)
    noise = (h >> np.uint32(8)) / 16777216.0 - 0.5
    value = 0.45 + 0.3 * np.sin(x / 700.0) * np.cos(y / 900.0) + 0.02 * noise
    return (value * (2**bits - 1)).astype(np.uint8 if bits == 8 else np.uint16)


def laplacian(image, gains=(1.5, 1.3, 1.1)):
    """Three levels: analyse, amplify, put together."""
    levels = []
    for gain in gains:
        below = cv2.pyrDown(image)
        levels.append(gain * (image - cv2.pyrUp(below, dstsize=image.shape[::-1])))
        image = below
    for level in reversed(levels):
        image = cv2.pyrUp(image, dstsize=level.shape[::-1]) + level
    return image


def median_ms(function, runs):
    function()
    times = []
    for _ in range(runs):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return 1e3 * statistics.median(times)


def kerma_ms(binary, path, step, runs):
    """Median of the time that kerma reports for the run of the graph, without files, in a process of its own each."""
    seconds = []
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder) / "out.png")
        for _ in range(runs):
            command = [binary, "enhance", str(path), "--only", *step.split(), "--out", out, "--json", "--device", "cpu"]
            result = subprocess.run(command, check=True, capture_output=True, text=True)
            seconds.append(json.loads(result.stdout)["seconds"]["run"])
    return 1e3 * statistics.median(seconds)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kerma", help="kerma binary to compare with")
    parser.add_argument("--side", type=int, default=4000)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    cv2.setNumThreads(options.threads)

    side, runs = options.side, options.runs
    images = {bits: radiograph(side, bits) for bits in (8, 16)}
    single = images[16].astype(np.float32)
    clahe = cv2.createCLAHE(2.0, (8, 8))
    kernel = max(side // 8, 1)
    rows = [
        (f"OpenCV CLAHE, {bits} bits", lambda i=image: clahe.apply(i), runs,
         (bits, "clahe --tiles 8x8 --clip 2.0 --convention opencv"))
        for bits, image in images.items()
    ]
    rows += [
        ("OpenCV Laplacian, 3 levels, f32", lambda: laplacian(single), runs,
         (16, "laplacian --levels 3 --gains 1.3,1.3,1.3")),
        ("scikit-image triangle, 16 bits", lambda: threshold_triangle(images[16]), runs,
         (16, "triangle --convention skimage")),
        (
            "scikit-image equalize_adapthist, 16 bits",
            lambda: equalize_adapthist(images[16], kernel, clip_limit=2.0 / 256),
            min(runs, 3),
            (16, f"clahe --tiles 8x8 --clip {2.0 / 256} --convention skimage"),
        ),
    ]
    print(f"{side}² pixels, {options.threads} threads, medians; OpenCV {cv2.__version__}, "
          f"scikit-image {skimage.__version__}, numpy {np.__version__}")
    print(f"{'what':<44}{'library ms':>12}{'kerma ms':>12}{'ratio':>8}")
    with tempfile.TemporaryDirectory() as folder:
        paths = {bits: Path(folder) / f"radiograph{bits}.png" for bits in images}
        for bits, image in images.items():
            cv2.imwrite(str(paths[bits]), image)
        for name, function, count, same in rows:
            theirs = median_ms(function, count)
            line = f"{name:<44}{theirs:>12.1f}"
            if options.kerma and same:
                bits, step = same
                ours = kerma_ms(options.kerma, paths[bits], step, count)
                line += f"{ours:>12.1f}{ours / theirs:>8.2f}"
            print(line, flush=True)


if __name__ == "__main__":
    main()
