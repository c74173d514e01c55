"""Errors, sharpness and noise of analytic reconstruction, as docs/methods/fdk.md states them.

    python benches/analytic.py --kerma target/release/kerma [--pictures docs/pictures]

Needs numpy and matplotlib. Line integrals are exact: of the Shepp-Logan head by `kerma phantom`, of bars, a wire and a cylinder by
the formulas below. Prints Markdown tables; with --pictures also draws fdk-sharpness.png and fdk-noise.png.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np

SID, SDD = 1000.0, 1500.0
PITCH = 2.0
GRID = "128x128x17@2x2x2"


def cone(views, arc, columns, offset=0.0, rows=64, kind="cone-circular", more=""):
    return (
        f'kind = "{kind}"\nsource_isocentre_mm = {SID}\nsource_detector_mm = {SDD}\nviews = {views}\nstart_deg = 10.0\n'
        f"arc_deg = {arc}\ndetector = [{columns}, {rows}]\npitch_mm = [{PITCH}, {PITCH}]\noffset_mm = [{offset}, 0.0]\n{more}"
    )


def sweep(kind, more=""):
    return (
        f'kind = "tomosynthesis-{kind}"\nsource_isocentre_mm = {SID}\nsource_detector_mm = 1150.0\nsweep_deg = 30.0\n'
        f'views = 61\ndetector = [192, 192]\npitch_mm = [1.5, 1.5]\ntravel = "z"\n{more}'
    )


SCANS = {
    "full circle": cone(360, 360.0, 192),
    "short scan, 205°": cone(206, 205.0, 192),
    "displaced by 70 mm, full circle": cone(360, 360.0, 120, 70.0),
    "displaced by 20 mm, 230°": cone(231, 230.0, 200, 20.0),
    "helix, 30 mm a turn": cone(1081, 1080.0, 192, kind="helical", more="advance_mm = 30.0\n"),
    "parallel, half a turn": (
        f'kind = "parallel"\nviews = 360\narc_deg = 180.0\ndetector = [128, 24]\npitch_mm = [{PITCH}, {PITCH}]\n'
    ),
    "linear tomosynthesis, 30°": sweep("linear", "detector_moves = false\n"),
    "arc tomosynthesis, 30°": sweep("arc", "detector_moves = true\n"),
}
SWEEPS = [name for name in SCANS if "tomosynthesis" in name]


class Kerma:
    """The command on the CPU device, with files in a folder of its own."""

    def __init__(self, binary, folder):
        self.binary, self.folder = binary, folder

    def call(self, *arguments):
        out = self.folder / "out.npy"
        command = [self.binary, *map(str, arguments), "--out", out, "--device", "cpu", "--quiet"]
        subprocess.run(command, check=True)
        return np.load(out)

    def scan(self, text):
        path = self.folder / "scan.toml"
        path.write_text(text)
        return path

    def reconstruct(self, text, integrals, grid, *arguments):
        np.save(self.folder / "in.npy", integrals.astype(np.float32))
        return self.call(
            "reconstruct", self.folder / "in.npy", "--geometry", self.scan(text), "--grid", grid, *arguments
        ).astype(np.float64)


def flat(truth):
    """Voxels of the head whose neighbours up to two away have the same value."""
    same = truth > 0
    for axis in range(3):
        for step in (-2, -1, 1, 2):
            same &= np.roll(truth, step, axis) == truth
    return same


def accuracy(kerma):
    truth = kerma.call("phantom", "shepp-logan", "--grid", GRID).astype(np.float64)
    place = (np.arange(128) - 63.5) * 2.0
    head = np.broadcast_to(np.hypot(place[:, None], place) < 100.0, truth.shape)
    even = flat(truth)
    brain = np.median(truth[even])
    print("| scan | mean where flat, of the truth | RMSE where flat | RMSE within 100 mm of the axis |\n|---|---|---|---|")
    for name, text in SCANS.items():
        integrals = kerma.call("phantom", "shepp-logan", "--project", kerma.scan(text))
        got = kerma.reconstruct(text, integrals, GRID)
        if name in SWEEPS:
            got += truth[head].mean() - got[head].mean()
        error = (got - truth) / brain
        rms = [np.sqrt(np.mean(error[where] ** 2)) for where in (even, head)]
        mean = "–" if name in SWEEPS else f"{got[even].mean() / truth[even].mean():.4f}"
        print(f"| {name} | {mean} | {rms[0]:.4f} | {rms[1]:.4f} |")
    print(f"\nErrors over the value of the brain, {brain:.4f}; of sweeps after the means were made equal.")


PERIOD, BARS = 20.0, 11  # mm, and number
DEPTHS = np.linspace(120.0, 360.0, 25)  # mm along y: bars that fade towards both ends have no frequencies of their own there
FINE = 0.5  # mm, pixels along the way of the source
COLUMNS, ROWS = 9, 512


def bars(source, pixels):
    """Line integrals through bars along x, PERIOD/2 thick and PERIOD apart along z, the mean over DEPTHS."""
    ray = pixels - source
    length = np.linalg.norm(ray, axis=-1)

    def interval(axis, middle, half):
        with np.errstate(divide="ignore"):
            ends = [(middle + side * half - source[axis]) / ray[..., axis] for side in (-1.0, 1.0)]
        return np.clip(np.minimum(*ends), 0.0, 1.0), np.clip(np.maximum(*ends), 0.0, 1.0)

    depths = [interval(1, 0.0, depth / 2) for depth in DEPTHS]
    total = np.zeros(length.shape)
    for bar in range(BARS):
        low, high = interval(2, (bar - (BARS - 1) / 2) * PERIOD, PERIOD / 4)
        for near, far in depths:
            total += np.clip(np.minimum(high, far) - np.maximum(low, near), 0.0, None)
    return total * length / len(DEPTHS)


def sweep_scale(kerma):
    print("\n| sweep | amplitude of deep bars of 10 mm, of the truth |\n|---|---|")
    across = (np.arange(COLUMNS) - (COLUMNS - 1) / 2) * 1.5
    along = (np.arange(ROWS) - (ROWS - 1) / 2) * FINE
    for name in SWEEPS:
        stack = []
        for view in range(61):
            if "linear" in name:
                way = SID * np.tan(np.radians(15.0)) * (view / 30.0 - 1.0)
                source, centre, up = np.array([0.0, -SID, way]), np.array([0.0, 150.0, 0.0]), np.array([0.0, 0.0, 1.0])
            else:
                angle = np.radians(-15.0 + view * 0.5)
                towards = np.array([0.0, -np.cos(angle), np.sin(angle)])
                source, centre, up = SID * towards, -150.0 * towards, np.array([0.0, np.sin(angle), np.cos(angle)])
            pixels = centre + across[None, :, None] * np.array([1.0, 0.0, 0.0]) + along[:, None, None] * up
            stack.append(bars(source, pixels))
        text = SCANS[name].replace("[192, 192]", f"[{COLUMNS}, {ROWS}]").replace("[1.5, 1.5]", f"[1.5, {FINE}]")
        got = kerma.reconstruct(text, np.array(stack), "5x5x161@2x2x0.5")
        z = (np.arange(160) - 80) * 0.5  # four periods
        wave = np.exp(2j * np.pi * z / PERIOD)
        # Of a train of bars 2/π, what linear interpolation between pixels leaves of it, and the part of its frequencies
        # along y that the sweep sees, up to tan 15° of that along z.
        seen = np.linspace(-1.0, 1.0, 4001) * np.tan(np.radians(15.0)) / PERIOD
        depth = np.mean([np.mean(depth * np.sinc(depth * seen)) for depth in DEPTHS]) * (seen[-1] - seen[0])
        want = 2.0 / np.pi * np.sinc(FINE * SID / 1150.0 / PERIOD) ** 2 * depth
        print(f"| {name} | {2.0 * abs(np.mean(got[:160, 2, 2] * wave)) / want:.4f} |")


PIXEL, VIEWS, CHANNELS = 0.6, 720, 600  # mm, one row of detectors
WIRE, PLACES = 0.05, (60.0, 60.1, 60.2, 60.3)  # mm: radius, and distances from the axis, a quarter of a pixel apart
FILTERS = (("ram-lak", 1.0), ("shepp-logan", 1.0), ("hamming", 1.0), ("hann", 1.0), ("hann", 0.5))
PHOTONS, RADIUS, WATER = 1e5, 100.0, 0.02  # a ray without object; mm; 1/mm
SCANS_OF_NOISE = 4


def fan(views=VIEWS):
    return (
        f'kind = "cone-circular"\nsource_isocentre_mm = {SID}\nsource_detector_mm = {SDD}\nviews = {views}\n'
        f"detector = [{CHANNELS}, 1]\npitch_mm = [{PIXEL}, {PIXEL}]\n"
    )


def chords(centre, radius, parts):
    """Line integrals through a cylinder of µ = 1 along z, the mean of `parts` rays a pixel."""
    angles = 2.0 * np.pi * np.arange(VIEWS) / VIEWS
    fine = (np.arange(CHANNELS * parts) - (CHANNELS * parts - 1) / 2) * PIXEL / parts
    out = np.empty((VIEWS, 1, CHANNELS))
    for view, angle in enumerate(angles):
        towards, across = np.array([np.sin(angle), -np.cos(angle)]), np.array([np.cos(angle), np.sin(angle)])
        ray = fine[:, None] * across - SDD * towards
        ray /= np.linalg.norm(ray, axis=1, keepdims=True)
        offset = np.asarray(centre) - SID * towards
        distance = ray[:, 0] * offset[1] - ray[:, 1] * offset[0]
        chord = 2.0 * np.sqrt(np.clip(radius**2 - distance**2, 0.0, None))
        out[view, 0] = chord.reshape(CHANNELS, parts).mean(1)
    return out


def window(name, cutoff, share):
    """Apodisation at a share of the Nyquist frequency."""
    x = share / cutoff
    inside = x <= 1.0
    shapes = {
        "ram-lak": np.ones_like(x),
        "shepp-logan": np.sinc(x / 2),
        "hamming": 0.54 + 0.46 * np.cos(np.pi * x),
        "hann": 0.5 + 0.5 * np.cos(np.pi * x),
    }
    return np.where(inside, shapes[name], 0.0)


def falls_to(frequency, curve, level):
    at = int(np.argmax(curve < level))
    low, high = curve[at - 1], curve[at]
    return frequency[at - 1] + (frequency[at] - frequency[at - 1]) * (low - level) / (low - high)


def sharpness(kerma):
    """Modulation transfer functions across a wire, and those of window, pixel and interpolation."""
    pitch = PIXEL * SID / SDD
    nyquist = 0.5 / pitch
    side, step = 256, 0.05
    frequency = np.fft.rfftfreq(side, step)
    curves = {}
    print(f"\nNyquist frequency of the detector at the axis: {nyquist:.3f}/mm.\n")
    print("| window, cut-off | formula, ½ and 0.1 | radial | tangential |\n|---|---|---|---|")
    stacks = {place: chords((place, 0.0), WIRE, 64) for place in PLACES}
    for name, cutoff in FILTERS:
        # The mean over a pixel: what is sampled at one place alone depends on where it lies between pixels.
        image = sum(
            kerma.reconstruct(
                fan(), stack, f"{side}x{side}x1@{step}x{step}x1+{place},0,0", "--window", name, "--cutoff", cutoff
            )[0]
            for place, stack in stacks.items()
        )
        spectra = [np.abs(np.fft.rfft(image.sum(axis))) for axis in (0, 1)]
        of_window = window(name, cutoff, frequency / nyquist) * np.sinc(frequency * pitch) ** 3
        curves[name, cutoff] = [of_window, *(spectrum / spectrum[0] for spectrum in spectra)]
        row = [f"{falls_to(frequency, curve, 0.5):.3f}, {falls_to(frequency, curve, 0.1):.3f}" for curve in curves[name, cutoff]]
        print(f"| {name}, {cutoff} | {' | '.join(row)} |")
    return frequency, curves


def noise(kerma):
    """Standard deviations and spectra of the noise in a cylinder of water."""
    pitch = PIXEL * SID / SDD
    exact = chords((0.0, 0.0), RADIUS, 4) * WATER
    random = np.random.default_rng(1)
    stacks = [
        -np.log(random.poisson(PHOTONS * np.exp(-exact)).clip(1) / PHOTONS) for _ in range(SCANS_OF_NOISE)
    ]
    side, step = 128, 0.25
    frequency = np.fft.fftfreq(side, step)
    radius = np.hypot(frequency[:, None], frequency)
    rings = np.arange(0.0, 0.5 / step, 1.5 / (side * step))
    taper = np.outer(np.hanning(side), np.hanning(side))
    taper /= np.sqrt(np.mean(taper**2))
    spectra = {}
    print("\n| window, cut-off | σ at the axis | formula | σ at 80 mm |\n|---|---|---|---|")
    for name, cutoff in FILTERS:
        power, deviations = np.zeros((side, side)), []
        for place in (0.0, 80.0):
            grid = f"{side}x{side}x1@{step}x{step}x1+{place},0,0"
            images = [kerma.reconstruct(fan(), stack, grid, "--window", name, "--cutoff", cutoff)[0] for stack in stacks]
            pairs = [(a - b) / np.sqrt(2.0) for a, b in zip(images[::2], images[1::2])]
            deviations.append(np.sqrt(np.mean(np.square(pairs))) / WATER)
            if place == 0.0:
                for pair in pairs:
                    power += np.abs(np.fft.fft2(taper * (pair - pair.mean()) / WATER)) ** 2 * step**2 / side**2 / len(pairs)
        spectra[name, cutoff] = [power[(radius >= low) & (radius < high)].mean() for low, high in zip(rings, rings[1:])]
        # A ray's variance 1/N, filtered, interpolated, and summed over the views.
        f = (np.arange(20000) + 0.5) / 20000 * 0.5
        gain = 2.0 * np.mean((f * window(name, cutoff, 2.0 * f)) ** 2 * interpolated(f)) * 0.5
        per_ray = np.exp(WATER * 2.0 * RADIUS) / PHOTONS
        formula = np.pi / pitch * np.sqrt(per_ray * gain / VIEWS) / WATER
        print(f"| {name}, {cutoff} | {100 * deviations[0]:.2f} % | {100 * formula:.2f} % | {100 * deviations[1]:.2f} % |")
    return (rings[:-1] + rings[1:]) / 2, spectra


def interpolated(f):
    """Power that linear interpolation leaves of a frequency (1/sample), the mean over all places."""
    return 2.0 / 3.0 + np.cos(2.0 * np.pi * f) / 3.0


def draw(folder, sharp, noisy):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    def axes(x, y):
        figure, axis = pyplot.subplots(figsize=(7.2, 3.6), dpi=120, layout="constrained")
        axis.set(xlabel=x, ylabel=y)
        axis.grid(alpha=0.3)
        return figure, axis

    frequency, curves = sharp
    figure, axis = axes("frequency, 1/mm", "modulation")
    for number, (name, cutoff) in enumerate(FILTERS):
        formula, radial, tangential = curves[name, cutoff]
        axis.plot(frequency, radial, f"C{number}", label=f"{name}, {cutoff}")
        axis.plot(frequency, tangential, f"C{number}", linestyle="--")
        axis.plot(frequency, formula, "k", linestyle=":")
    axis.set(xlim=(0.0, 1.6), ylim=(0.0, 1.05))
    axis.legend()
    figure.savefig(folder / "fdk-sharpness.png")
    frequency, spectra = noisy
    figure, axis = axes("frequency, 1/mm", "noise power, mm² of water²")
    for (name, cutoff), power in spectra.items():
        axis.plot(frequency, power, label=f"{name}, {cutoff}")
    axis.set(xlim=(0.0, 1.6), ylim=(0.0, None))
    axis.legend()
    figure.savefig(folder / "fdk-noise.png")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kerma", required=True)
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        command = Kerma(options.kerma, Path(name))
        accuracy(command)
        sweep_scale(command)
        sharp, noisy = sharpness(command), noise(command)
    if options.pictures:
        draw(options.pictures, sharp, noisy)
