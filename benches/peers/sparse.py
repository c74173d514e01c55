"""Total variation against filtered back-projection from few noisy views of the Shepp-Logan phantom.

    python benches/peers/sparse.py --kerma target/release/kerma [--iterations 50] [--weights 1 3 10 30]

Needs numpy. Projections are exact line integrals of a head of 4 mean free paths at most, with 10⁵ photons a ray; errors are the root mean
square difference from the voxelised phantom over that of FDK's best window, in the whole volume and in a ball of 120 mm.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np

SIDE, VOXEL = 128, 2.0
PHOTONS = 1e5
DEPTH = 4.0  # mean free paths along the longest ray
SCAN = """kind = "cone-circular"
source_isocentre_mm = 1000.0
source_detector_mm = 1500.0
views = 32
detector = [192, 192]
pitch_mm = [2.0, 2.0]
"""
WINDOWS = ("ram-lak", "shepp-logan", "cosine", "hamming", "hann")
CUTOFFS = (1.0, 0.7, 0.5, 0.35, 0.25)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kerma", required=True)
    parser.add_argument("--iterations", type=int, default=50)
    parser.add_argument("--weights", type=float, nargs="+", default=[1.0, 3.0, 10.0, 30.0])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "scan.toml").write_text(SCAN)
        grid = f"{SIDE}x{SIDE}x{SIDE}@{VOXEL}x{VOXEL}x{VOXEL}"

        def kerma(*arguments):
            out = folder / "out.npy"
            command = [options.kerma, *map(str, arguments), "--out", out, "--device", "cpu", "--quiet"]
            subprocess.run(command, check=True)
            return np.load(out)

        truth = kerma("phantom", "shepp-logan", "--grid", grid)
        exact = kerma("phantom", "shepp-logan", "--project", folder / "scan.toml")
        scale = DEPTH / exact.max()
        counts = np.random.default_rng(1).poisson(PHOTONS * np.exp(-scale * exact)).clip(1)
        np.save(folder / "noisy.npy", (-np.log(counts / PHOTONS) / scale).astype(np.float32))
        place = ((np.arange(SIDE) - (SIDE - 1) / 2) * VOXEL) ** 2
        ball = place[:, None, None] + place[:, None] + place < 120.0**2

        def errors(values):
            difference = values - truth
            return [float(np.sqrt(np.mean(np.square(part, dtype=np.float64)))) for part in (difference, difference[ball])]

        common = ("reconstruct", folder / "noisy.npy", "--geometry", folder / "scan.toml", "--grid", grid)
        filtered = {
            f"fdk, {window}, {cutoff}": errors(kerma(*common, "--window", window, "--cutoff", cutoff))
            for window in WINDOWS
            for cutoff in CUTOFFS
        }
        best = [min(of[part] for of in filtered.values()) for part in (0, 1)]
        rows = {name: of for name, of in filtered.items() if of[0] == best[0] or of[1] == best[1]}
        iterations = ("--iterations", options.iterations, "--min", 0)
        rows["sirt"] = errors(kerma(*common, "--method", "sirt", *iterations))
        for weight in options.weights:
            method = ("--method", "fista-tv", "--tv-weight", weight)
            rows[f"fista-tv, {weight:g}/mm"] = errors(kerma(*common, *method, *iterations))
        print("| method | RMSE | in the ball | over FDK's best | in the ball |\n|---|---|---|---|---|")
        for name, (whole, inside) in rows.items():
            print(f"| {name} | {whole:.4f} | {inside:.4f} | {whole / best[0]:.2f} | {inside / best[1]:.2f} |")


if __name__ == "__main__":
    main()
