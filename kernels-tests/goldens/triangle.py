"""Writes triangle.csv: histograms with the triangle thresholds of OpenCV 5.0 and scikit-image 0.26.

Columns: name, bits, threshold of OpenCV (empty for more than 8 bits, which it does not take), threshold of scikit-image,
histogram as value:count. Names hold what the pixels were drawn from. Needs numpy, opencv-python-headless, scikit-image.
Histograms on which scikit-image's floats meet a tie are left out: the order among equals is not its rule.
"""

import pathlib

import cv2
import numpy as np
from skimage.filters import threshold_triangle

SEED = 20_221
rng = np.random.default_rng(SEED)


def tail(bits, start, decay, count):
    """Exponential tail from `start`; a negative decay points down."""
    return f"tail start={start} decay={decay} n={count}", bits, start + np.sign(decay) * rng.exponential(abs(decay), count)


def peaks(bits, centres, width, count):
    """Normal peaks of one width, each half as high as the one before."""
    parts = [rng.normal(c, width, count >> i) for i, c in enumerate(centres)]
    return f"peaks centres={'/'.join(map(str, centres))} width={width} n={count}", bits, np.concatenate(parts)


def constant(bits, value):
    return f"constant value={value}", bits, np.full(5, value)


CASES = [
    *[tail(8, s, d, n) for s, d, n in [(0, 20, 900), (255, -20, 900), (60, 9, 500), (200, -40, 3000), (0, 90, 2000)]],
    *[peaks(8, c, w, n) for c, w, n in [((60, 180), 15, 900), ((200, 40), 20, 900), ((128,), 30, 999), ((0, 255), 5, 99)]],
    *[constant(8, v) for v in (0, 1, 128, 254, 255)],
    ("values 3 and 4", 8, np.array([3, 4])),
    ("values 0 and 255", 8, np.array([0, 255])),
    ("uniform n=60", 8, rng.integers(0, 256, 60)),
    tail(10, 5, 90, 300),
    peaks(12, (800, 3000), 200, 250),
    tail(14, 16000, -900, 300),
    tail(16, 0, 5000, 300),
    tail(16, 65535, -2500, 400),
    peaks(16, (20000, 50000), 900, 300),
    *[constant(16, v) for v in (0, 40000, 65535)],
]


def is_tied(histogram):
    """Whether two places are equally far from scikit-image's line."""
    counts = histogram[np.flatnonzero(histogram)[0] : np.flatnonzero(histogram)[-1] + 1].astype(object)
    peak = int(np.argmax(counts))
    if peak < len(counts) - 1 - peak:
        counts, peak = counts[::-1], len(counts) - 1 - peak
    distances = [counts[peak] * i - peak * counts[i] for i in range(peak)]
    return distances.count(max(distances, default=0)) > 1


def row(name, bits, values):
    image = np.clip(np.round(values), 0, 2**bits - 1).astype(np.uint8 if bits == 8 else np.uint16).reshape(1, -1)
    histogram = np.bincount(image.ravel())
    if is_tied(histogram):
        return None
    opencv = int(cv2.threshold(image, 0, 255, cv2.THRESH_TRIANGLE)[0]) if bits == 8 else ""
    bins = " ".join(f"{v}:{histogram[v]}" for v in np.flatnonzero(histogram))
    return f"{name},{bits},{opencv},{int(threshold_triangle(image))},{bins}"


rows = [r for case in CASES if (r := row(*case))]
text = "\n".join(["name,bits,opencv,scikit_image,histogram", *rows]) + "\n"
pathlib.Path(__file__).with_suffix(".csv").write_text(text)
