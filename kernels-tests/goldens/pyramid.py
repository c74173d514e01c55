"""Writes pyramid.json: pyrDown and pyrUp of OpenCV on small seeded images in single precision.

Needs numpy and opencv-python (written with OpenCV 5.0.0):  python pyramid.py > pyramid.json
"""

import json

import cv2
import numpy as np

# Rows and columns of the fine level.
SIZES = [(9, 7), (8, 6), (5, 12), (2, 3), (1, 9), (1, 1)]


def case(rows, columns):
    random = np.random.default_rng(100 * rows + columns)
    fine = np.round(random.uniform(0, 4096, (rows, columns)), 2).astype(np.float32)
    coarse_size = ((rows + 1) // 2, (columns + 1) // 2)
    coarse = np.round(random.uniform(0, 4096, coarse_size), 2).astype(np.float32)
    down = cv2.pyrDown(fine)
    up = cv2.pyrUp(coarse, dstsize=(columns, rows))
    assert down.shape == coarse_size and up.shape == fine.shape, (down.shape, up.shape)
    values = lambda image: [float(f"{x:.9g}") for x in image.ravel()]
    return {
        "size": [rows, columns],
        "fine": values(fine),
        "down": values(down),
        "coarse": values(coarse),
        "up": values(up),
    }


print(json.dumps([case(*size) for size in SIZES]).replace("}, ", "},\n"))
