"""Writes stripes.csv: sinograms with stripes after the Fourier-wavelet filter, with PyWavelets 1.9 for the transform.

Columns: name, views, columns, levels, sigma, values [view][column] after the filter. Before it, value i of the sinogram is
(i * 7919 % 1009)/1009 + (i % columns * 104729 % 211)/211. Transform of db5, lines mirrored with their ends repeated, and the same
for the Fourier transform of the vertical details along the views. Needs numpy and PyWavelets.
"""

import pathlib

import numpy as np
import pywt

WAVELET, MODE = "db5", "symmetric"
CASES = [(18, 21, 1, 1.5), (37, 40, 2, 0.8)]


def damped(details, sigma):
    spectrum = np.fft.rfft(np.concatenate([details, details[::-1]]), axis=0)
    cycles = np.arange(len(spectrum)) / 2
    spectrum *= (1 - np.exp(-(cycles**2) / (2 * sigma**2)))[:, None]
    return np.fft.irfft(spectrum, 2 * len(details), axis=0)[: len(details)]


def row(views, columns, levels, sigma):
    i = np.arange(views * columns)
    sinogram = i * 7919 % 1009 / 1009 + i % columns * 104729 % 211 / 211
    smooth, *bands = pywt.wavedec2(sinogram.reshape(views, columns), WAVELET, MODE, levels)
    bands = [(horizontal, damped(vertical, sigma), diagonal) for horizontal, vertical, diagonal in bands]
    filtered = pywt.waverec2([smooth, *bands], WAVELET, MODE)[:views, :columns]
    values = " ".join(f"{value:.7f}" for value in filtered.ravel())
    return f"levels={levels} sigma={sigma},{views},{columns},{levels},{sigma},{values}"


text = "\n".join(["name,views,columns,levels,sigma,values", *(row(*case) for case in CASES)]) + "\n"
pathlib.Path(__file__).with_suffix(".csv").write_text(text)
