"""Puts `kerma denoise` beside scikit-image's wavelet, non-local means and total variation on radiographs with added noise.

    python benches/peers/denoise.py --kerma target/release/kerma [--model M] FILE [FILE ...]

Needs numpy, Pillow, PyWavelets and scikit-image. Each picture of 8 bits is brought to 512 × 512 pixels and to 0 … 1, and gets noise:
Gaussian of 0.05, or Poisson of 400 quanta at 1. The peers' parameters are the best for each image by the truth, for Poisson noise
with Anscombe's transform around them or without; kerma measures the noise itself. Prints a Markdown table of PSNR in dB; exit code 1
where kerma is less than 1.5 dB ahead of the best of the three.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from skimage.restoration import denoise_nl_means, denoise_tv_chambolle, denoise_wavelet

SIDE = 512
AHEAD = 1.5  # dB
SIGMA = 0.05
QUANTA = 400


def read(path):
    with Image.open(path) as picture:
        small = picture.convert("F").resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    return np.clip(np.asarray(small, dtype=np.float64) / 255, 0, 1)


def psnr(values, truth):
    return -10 * np.log10(np.mean((values - truth) ** 2))


def peers(noisy, sigma):
    """Name and image of each filter at each of its parameters."""
    for wavelet in ("db1", "db2", "sym4", "coif2"):
        for method in ("BayesShrink", "VisuShrink"):
            for share in (0.25, 0.5, 0.75, 1.0):
                yield "wavelet", denoise_wavelet(
                    noisy, sigma=share * sigma, wavelet=wavelet, method=method, mode="soft", rescale_sigma=False
                )
    for share in (0.4, 0.6, 0.8, 1.0):
        for size, distance in ((5, 6), (7, 11)):
            yield "NLM", denoise_nl_means(
                noisy, patch_size=size, patch_distance=distance, h=share * sigma, sigma=sigma, fast_mode=True
            )
    for weight in (0.5, 0.75, 1.0, 1.25, 1.5, 2.0, 2.5):
        yield "TV", denoise_tv_chambolle(noisy, weight=weight * sigma, max_num_iter=200)


def best(noisy, truth, sigma, back=lambda values: values):
    found = {}
    for name, values in peers(noisy, sigma):
        found[name] = max(found.get(name, -np.inf), psnr(back(values), truth))
    return found


def anscombe(values):
    return 2 * np.sqrt(np.maximum(values * QUANTA, 0) + 3 / 8)


def algebraic(transformed):
    return ((transformed / 2) ** 2 - 1 / 8) / QUANTA


def kerma(arguments, noisy, folder):
    Image.fromarray(noisy.astype(np.float32)).save(folder / "noisy.tif")
    command = [arguments.kerma, "denoise", folder / "noisy.tif", "--out", folder / "calm.tif"]
    if arguments.model:
        command += ["--model", arguments.model]
    subprocess.run(list(map(str, command)), check=True, capture_output=True)
    with Image.open(folder / "calm.tif") as picture:
        return np.asarray(picture, dtype=np.float64)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kerma", required=True)
    parser.add_argument("--model")
    parser.add_argument("files", nargs="+")
    arguments = parser.parse_args()
    behind = False
    print("| radiograph | noise | noisy | wavelet | NLM | TV | kerma | ahead |")
    print("|---|---|---|---|---|---|---|---|")
    for path in arguments.files:
        truth = read(path)
        generator = np.random.default_rng(1)
        images = {
            "Gaussian": truth + SIGMA * generator.standard_normal(truth.shape),
            "Poisson": generator.poisson(truth * QUANTA) / QUANTA,
        }
        for noise, noisy in images.items():
            if noise == "Gaussian":
                found = best(noisy, truth, SIGMA)
            else:
                found = best(noisy, truth, np.sqrt(truth.mean() / QUANTA))
                behind_transform = best(anscombe(noisy), truth, 1.0, algebraic)
                found = {name: max(value, behind_transform[name]) for name, value in found.items()}
            with tempfile.TemporaryDirectory() as folder:
                own = psnr(kerma(arguments, noisy, Path(folder)), truth)
            ahead = own - max(found.values())
            behind |= ahead < AHEAD
            columns = [Path(path).stem, noise, *(f"{v:.2f}" for v in (psnr(noisy, truth), *found.values(), own)), f"{ahead:+.2f}"]
            print("| " + " | ".join(columns) + " |", flush=True)
    sys.exit(1 if behind else 0)


if __name__ == "__main__":
    main()
