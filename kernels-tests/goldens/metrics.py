"""Writes metrics.csv: PSNR and SSIM of scikit-image, and MS-SSIM from its definition, on small seeded pairs.

Columns: columns, rows, range, PSNR, SSIM (default), SSIM (Gaussian weights, population covariance; empty below 11 pixels),
MS-SSIM (empty up to 160 pixels). The pair is drawn as in tests/metrics.rs, in whole numbers, so that no image is stored.
Needs numpy, scipy and scikit-image (written with scikit-image 0.26.0):  python metrics.py > metrics.csv
"""

import numpy as np
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

SIZES = [(7, 7), (9, 30), (11, 11), (40, 23), (64, 48), (161, 161), (177, 190)]
RANGES = [255, 4095, 65535]
WEIGHTS = [0.0448, 0.2856, 0.3001, 0.2363, 0.1333]
MASK = 2**64 - 1


def split_mix(seed, count):
    """Numbers from 0 to 1 of Steele's SplitMix64."""
    state, numbers = seed, []
    for _ in range(count):
        state = (state + 0x9E3779B97F4A7C15) & MASK
        z = state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        numbers.append(((z ^ (z >> 31)) >> 11) / 2**53)
    return np.array(numbers)


def pair(columns, rows, top):
    """Bars with a slope, and the same darker by a tenth with noise of a tenth of the range on either side."""
    y, x = np.mgrid[:rows, :columns]
    share = (x * 5 + y * 3) % 128 / 256 + np.where((x // 6 + y // 9) % 2 == 0, 0.25, 0.0)
    reference = np.floor(share * top)
    noise = split_mix(columns * rows, columns * rows).reshape(rows, columns)
    image = np.floor(np.clip(reference * 0.9 + (noise - 0.5) * 0.2 * top, 0, top))
    return reference, image


def terms(x, y, top):
    """Means of SSIM and of its contrast and structure where Wang's window lies within the image."""
    blur = lambda v: gaussian_filter(v, 1.5, truncate=3.5)[5:-5, 5:-5]
    c1, c2 = (0.01 * top) ** 2, (0.03 * top) ** 2
    mx, my = blur(x), blur(y)
    vx, vy, vxy = blur(x * x) - mx * mx, blur(y * y) - my * my, blur(x * y) - mx * my
    structure = (2 * vxy + c2) / (vx + vy + c2)
    return ((2 * mx * my + c1) / (mx * mx + my * my + c1) * structure).mean(), structure.mean()


def halved(image):
    """Means of 2 x 2 pixels; an odd last row or column is repeated first."""
    rows, columns = image.shape
    image = np.pad(image, ((0, rows % 2), (0, columns % 2)), mode="edge")
    return (image[::2, ::2] + image[1::2, ::2] + image[::2, 1::2] + image[1::2, 1::2]) / 4


def ms_ssim(x, y, top):
    product = 1.0
    for level, weight in enumerate(WEIGHTS):
        ssim, structure = terms(x, y, top)
        term = ssim if level == len(WEIGHTS) - 1 else structure
        product *= max(term, 0.0) ** weight
        x, y = halved(x), halved(y)
    return product


print("columns,rows,range,psnr,ssim,ssim_wang,ms_ssim")
for columns, rows in SIZES:
    for top in RANGES:
        x, y = pair(columns, rows, top)
        gaussian = dict(gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
        wang = repr(float(structural_similarity(x, y, data_range=top, **gaussian))) if min(x.shape) >= 11 else ""
        multi = repr(float(ms_ssim(x, y, top))) if min(x.shape) > 160 else ""
        psnr = float(peak_signal_noise_ratio(x, y, data_range=top))
        ssim = float(structural_similarity(x, y, data_range=top))
        print(f"{columns},{rows},{top},{psnr!r},{ssim!r},{wang},{multi}")
