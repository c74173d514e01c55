"""Writes the golden images of contrast-limited adaptive histogram equalisation beside this file.

    python kernels-tests/goldens/clahe.py

Made with numpy 2.x, opencv-python-headless 5.0.0 (4.11.0 gives the same bytes), scikit-image 0.26.0 on x86-64.
Inputs are slopes with noise of a linear congruential generator; results stand in stacks, one per clip limit:
`opencv_<size>_<bits>bit_<tiles>_clip0-1-2-40.npy`, clip 0 being none, and
`skimage_<size>_<bits>bit_<tiles>_share0-0.01-0.05-0.3.npy`, scaled to the bits and rounded.
"""

from pathlib import Path

import cv2
import numpy as np
from skimage.exposure import equalize_adapthist

HERE = Path(__file__).parent / "clahe"
SIZES = [(17, 13), (64, 64), (40, 33)]
TILES = [(8, 8), (3, 5), (2, 2)]
CLIPS = [0, 1, 2, 40]
SHARES = [0, 0.01, 0.05, 0.3]


def image(width, height, bits):
    """Two slopes, a flat corner, and noise of a tenth of the range."""
    state, noise = 12345, []
    for _ in range(width * height):
        state = (state * 1664525 + 1013904223) % 2**32
        noise.append(state >> 16)
    y, x = np.mgrid[:height, :width]
    top = 2**bits - 1
    slope = (x * top * 5) // (10 * width) + (y * top * 4) // (10 * height)
    values = slope + np.array(noise).reshape(height, width) * top // 655360
    values[: height // 3, : width // 3] = top // 2
    return values.astype(np.uint8 if bits == 8 else np.uint16)


HERE.mkdir(exist_ok=True)
for width, height in SIZES:
    for bits in (8, 12, 16):
        if bits == 12 and (width, height) != (40, 33):
            continue
        pixels = image(width, height, bits)
        stem = f"{width}x{height}_{bits}bit"
        np.save(HERE / f"input_{stem}.npy", pixels)
        for tiles in TILES:
            if width == 64 and tiles != (8, 8):
                continue
            grid = f"{tiles[0]}x{tiles[1]}"
            stack = [cv2.createCLAHE(clip, tiles).apply(pixels) for clip in CLIPS]
            np.save(HERE / f"opencv_{stem}_{grid}_clip{'-'.join(map(str, CLIPS))}.npy", np.stack(stack))
            if width == 64:
                continue
            kernel = (max(height // tiles[1], 1), max(width // tiles[0], 1))
            results = [equalize_adapthist(pixels, kernel, clip_limit=share, nbins=256) for share in SHARES]
            stack = [np.floor(r * (2**bits - 1) + 0.5).astype(pixels.dtype) for r in results]
            np.save(HERE / f"skimage_{stem}_{grid}_share{'-'.join(map(str, SHARES))}.npy", np.stack(stack))
