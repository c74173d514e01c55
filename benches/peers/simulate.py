"""Holds the line integrals of `kerma simulate` against XCIST (gecatsim), of a CT in a beam, without scatter and noise.

    python benches/peers/simulate.py --kerma target/release/kerma --ct chest.nii.gz [--cases NAME ...] [--rounds 3] [--threads 1]

Needs numpy, scipy, matplotlib, tqdm, nibabel and gecatsim on PYTHONPATH; benches/peers/README.md says how to get that. Both have
the same fractions of materials in voxels, the same µ and the same spectrum; the detector takes all photons and weighs them by
energy. Prints a Markdown table with the differences of −ln(I/I0) where it is above 0.5, kerma's less XCIST's over the mean, and
the seconds of both; ends with exit code 1 where the root mean square is beyond its bound, kerma takes longer, or a control is
not told from the truth.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path

import numpy as np

BOUND = 0.005  # of the root mean square of differences, over the mean
RAYS = 3  # along each side of a pixel, for the column that takes the mean over pixels as XCIST's projector does
LEAST = 0.5  # line integral from which on pixels count
SID, SDD = 1500.0, 1800.0
SIDE = 409.6  # of the detector, mm
EFFECTIVE_KEV = 70.0  # of the CT
LIGHTEST, HEAVIEST = -1000, 3071  # CT numbers that kerma tells apart
# The body's table (docs/methods/body.md): the density in g/cm³ at which each material's µ is stated, and nodes by ascending CT
# number, each a material at a density of its own.
DENSITIES = {"air": 0.00120479, "lung": 0.26, "adipose": 0.95, "muscle": 1.05, "trabecular-bone": 1.18, "cortical-bone": 1.92}
NODES = [("air", 0.00120479), ("lung", 0.26), ("lung", 0.8), ("adipose", 0.92), ("adipose", 0.95), ("muscle", 1.05),
         ("trabecular-bone", 1.18), ("cortical-bone", 1.92)]
KVP, LOWEST_KEV = 120, 20.0  # the spectrum is cut where next to nothing is left of it
SOFTER_KVP = 110  # of a control


@dataclass(frozen=True)
class Case:
    """A job: the scan's angle, and its pixels and bins of energy."""

    title: str
    degrees: float
    pixels: int
    bins: int

    @property
    def pitch(self):
        return SIDE / self.pixels


CASES = {
    "pa-512": Case("PA, 512², 20 bins", 0.0, 512, 20),
    "lateral-512": Case("lateral, 512², 20 bins", 90.0, 512, 20),
    "oblique-512": Case("30°, 512², 20 bins", 30.0, 512, 20),
    "pa-1024": Case("PA, 1024², 20 bins", 0.0, 1024, 20),
    "spectrum-512": Case("PA, 512², 100 bins", 0.0, 512, 100),
}


class Kerma:
    """The command, a fresh process for each run."""

    def __init__(self, binary, threads):
        self.binary, self.threads = binary, threads

    def call(self, *arguments):
        command = [self.binary, *map(str, arguments), "--device", "cpu", "--json"]
        result = subprocess.run(command, check=True, capture_output=True, text=True, **confined(self.threads))
        return json.loads(result.stdout)

    def tube(self, kvp, bins):
        """Bins of equal width between the lowest energy and KVP: their middles, and photons."""
        spectrum = self.call("spectrum", "--kvp", kvp, "--filter", "al:3")["spectrum"]
        edges = np.linspace(LOWEST_KEV, KVP, bins + 1)
        photons, _ = np.histogram(spectrum["energy_kev"], edges, weights=spectrum["photons_per_mm2"])
        return (edges[:-1] + edges[1:]) / 2, photons

    def transmitted(self, beam, *arguments):
        """Photons of a beam's bins behind a filter."""
        return np.array(self.call("spectrum", "--file", beam, *arguments)["spectrum"]["photons_per_mm2"])

    def attenuation(self, energies, folder):
        """µ of the materials at energies, in 1/mm: the logarithm of what a layer leaves of one photon in each bin."""
        beam = folder / "ones.csv"
        write_beam(beam, energies, np.ones(len(energies)))
        millimetres = {name: 1000.0 if name == "air" else 1.0 for name in [*DENSITIES, "water"]}
        return {name: -np.log(self.transmitted(beam, "--filter", f"{name}:{mm}")) / mm for name, mm in millimetres.items()}

    def simulate(self, case, ct, folder, beam, shift=0.0):
        """Plan and run; reading and writing files are left out. Line integrals, rows from the lowest."""
        protocol = folder / "protocol.toml"
        protocol.write_text(
            f'description = "As XCIST has it."\n[geometry]\nkind = "radiograph"\nsource_isocentre_mm = {SID}\n'
            f"source_detector_mm = {SDD}\nstart_deg = {case.degrees}\ndetector = [{case.pixels}, {case.pixels}]\n"
            f"pitch_mm = [{case.pitch}, {case.pitch}]\n[patient]\neffective_kev = {EFFECTIVE_KEV}\n"
            f"[patient.position]\nshift_mm = [{shift}, 0.0, 0.0]\n"
            f"[beam]\nspectrum = {json.dumps(str(beam))}\nmas = 1.0\n"
        )
        out = folder / "kerma"
        seconds = self.call("simulate", ct, "--protocol", protocol, "--keep", "integrals", "--out", out)["seconds"]
        return seconds["plan"] + seconds["run"], nrrd(out / "integrals.nrrd")


def write_beam(path, energies, photons):
    """A spectrum for kerma."""
    path.write_text("".join(f"{energy:.17g},{count:.17g}\n" for energy, count in zip(energies, photons)))


def nrrd(path):
    """A view that kerma wrote."""
    header, data = path.read_bytes().split(b"\n\n", 1)
    sizes = next(line for line in header.decode().splitlines() if line.startswith("sizes:"))
    columns, rows, _ = map(int, sizes.split()[1:])
    return np.frombuffer(data, "<f4").reshape(rows, columns)


def confined(threads):
    """Arguments of a process with so many threads, and cores to run them on."""
    names = ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    cores = sorted(os.sched_getaffinity(0))[:threads]
    return {"env": {**os.environ, **{name: str(threads) for name in names}},
            "preexec_fn": lambda: os.sched_setaffinity(0, cores)}


def fractions(ct, attenuation):
    """Fractions of the materials in each voxel: linear between the nodes on both sides of its whole CT number."""
    water = attenuation["water"]
    nodes, rows = [float(LIGHTEST)], [np.zeros(len(DENSITIES))]
    for name, density in NODES:
        share = density / DENSITIES[name]
        nodes.append(1000.0 * (attenuation[name] * share / water - 1.0))
        rows.append(np.array([share if material == name else 0.0 for material in DENSITIES]))
    numbers = np.arange(LIGHTEST, HEAVIEST + 1)
    table = np.stack([np.interp(numbers, nodes, column) for column in np.array(rows).T], 1)
    beyond = numbers > nodes[-1]
    table[beyond] = rows[-1] * ((numbers[beyond, None] - LIGHTEST) / (nodes[-1] - LIGHTEST))
    return table[np.clip(np.floor(ct + 0.5), LIGHTEST, HEAVIEST).astype(int) - LIGHTEST].astype(np.float32)


class Xcist:
    """gecatsim in a fresh process for each run; its projector has one thread whatever it is given."""

    def __init__(self, threads):
        self.threads = threads

    def prepare(self, folder, spacing, voxels, spectrum, attenuation):
        """Files of the phantom, the spectrum and µ. XCIST's source stands at +y where kerma's is at −y, and its volumes
        begin at +y: seen in that mirror, rows stay as they are. Both have the volume's middle at the isocentre."""
        names = list(DENSITIES)
        for name, volume in zip(names, np.moveaxis(voxels, -1, 0)):
            np.ascontiguousarray(volume).tofile(folder / f"{name}.raw")
        size = voxels.shape[2::-1]

        def each(value):
            return [value] * len(names)

        phantom = {
            "n_materials": len(names), "mat_name": names, "volumefractionmap_datatype": each("float"),
            "volumefractionmap_filename": [f"{name}.raw" for name in names],
        }
        for k, (axis, count) in enumerate(zip("xyz", ("cols", "rows", "slices"))):
            phantom |= {count: each(size[k]), f"{axis}_size": each(spacing[k]), f"{axis}_offset": each((size[k] + 1) / 2)}
        (folder / "phantom.json").write_text(json.dumps(phantom))
        energies, photons = spectrum
        bins = (f"{energy:.9g},{count:.9g}" for energy, count in zip(energies, photons))
        lines = [f"{len(energies)}", *bins, "0"]  # the last is a take-off angle
        (folder / "spectrum.dat").write_text("\n".join(lines) + "\n")
        (folder / "job.json").write_text(json.dumps({
            "bins": len(energies), "attenuation": {name: list(attenuation[name]) for name in names}}))

    def simulate(self, case, folder):
        """Air scan and phantom scan without the reading of the phantom, and line integrals."""
        command = [sys.executable, __file__, "--scan", folder, json.dumps([case.degrees, case.pixels, case.pitch])]
        subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                       **confined(self.threads))
        return json.loads((folder / "seconds.json").read_text()), np.load(folder / "integrals.npy")


def scan(folder, case):
    """The process of XCIST: one view by its own functions. Only µ is given to it, in place of its tables."""
    import gecatsim

    voxelized, reader = (import_module(f"gecatsim.pyfiles.{name}") for name in ("Phantom_Voxelized", "Phantom_callback"))
    folder = Path(folder)
    job = json.loads((folder / "job.json").read_text())
    degrees, pixels, pitch = json.loads(case)
    voxelized.GetMu = lambda name, _: 10.0 * np.array(job["attenuation"][name])  # 1/cm
    reading = []
    read = reader.Phantom_callback

    def timed(cfg):
        start = time.perf_counter()
        cfg = read(cfg)
        reading.append(time.perf_counter() - start)
        return cfg

    reader.Phantom_callback = timed

    simulation = gecatsim.CatSim()
    phantom, scanner, protocol, physics = (getattr(simulation, part) for part in ("phantom", "scanner", "protocol", "physics"))
    phantom.filename = str(folder / "phantom.json")
    scanner.detectorCallback = "Detector_FlatPanel"
    scanner.sid, scanner.sdd = SID, SDD
    scanner.detectorRowsPerMod = scanner.detectorRowCount = scanner.detectorColCount = pixels
    scanner.detectorColSize = scanner.detectorRowSize = pitch
    scanner.detectorColOffset = scanner.detectorRowOffset = 0.0
    scanner.detectorColFillFraction = scanner.detectorRowFillFraction = 1.0
    scanner.detectorPrefilter, scanner.detectorDepth = [], 1e6  # takes all photons
    scanner.detectionGain = 1.0
    scanner.focalspotShape = "Uniform"
    protocol.viewsPerRotation = protocol.viewCount = 1
    protocol.stopViewId = 0
    protocol.startAngle = -degrees  # seen in a mirror
    protocol.spectrumFilename = str(folder / "spectrum.dat")
    protocol.bowtie, protocol.flatFilter = "", []
    physics.energyCount = job["bins"]
    physics.FlatPanel_OSfactor = 1
    physics.colSampleCount = physics.rowSampleCount = physics.srcXSampleCount = physics.srcYSampleCount = 1
    physics.viewSampleCount = 1
    physics.enableQuantumNoise = physics.enableElectronicNoise = 0
    simulation.resultsName = str(folder / "result")

    start = time.perf_counter()
    simulation.air_scan()
    simulation.phantom_scan()
    seconds = time.perf_counter() - start - sum(reading)
    air, object_ = (np.fromfile(folder / f"result.{name}", np.float32) for name in ("air", "scan"))
    np.save(folder / "integrals.npy", -np.log(object_ / air).reshape(pixels, pixels))
    (folder / "seconds.json").write_text(json.dumps(seconds))


def differences(ours, theirs):
    """Root mean square, mean and largest of the differences over the mean, where rays meet something."""
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    counted = theirs > LEAST
    difference = (ours - theirs)[counted] / theirs[counted].mean()
    return np.sqrt(np.mean(difference**2)), difference.mean(), np.abs(difference).max()


def ascending(image):
    """A CT with its voxels along the world's axes, upwards."""
    import nibabel

    image = nibabel.as_closest_canonical(image)
    directions = image.affine[:3, :3]
    if np.abs(directions - np.diag(np.diag(directions))).max() > 1e-3 or abs(directions[0, 0] - directions[1, 1]) > 1e-4:
        sys.exit("XCIST needs voxels along the axes, as wide as high")
    return image


def row(title, difference, *others):
    cells = [f"{100 * difference[0]:.3f} %", f"{100 * difference[1]:+.3f} %", f"{100 * difference[2]:.2f} %", *others]
    print(f"| {title} | {' | '.join(cells)} |", flush=True)


def run_case(case, ct, kerma, xcist, rounds, folder, is_controlled):
    """Prints the rows of a case; whether all of them hold."""
    spacing = np.diag(ct.affine)[:3].tolist()
    volume, beam, softer = folder / "ct.nii", folder / "beam.csv", folder / "softer.csv"
    ct.to_filename(volume)
    energies, photons = kerma.tube(KVP, case.bins)
    write_beam(beam, energies, photons)
    write_beam(softer, *kerma.tube(SOFTER_KVP, case.bins))
    effective = kerma.attenuation([EFFECTIVE_KEV], folder)
    voxels = fractions(np.asanyarray(ct.dataobj).T, {name: values[0] for name, values in effective.items()})
    xcist.prepare(folder, spacing, voxels, (energies, photons), kerma.attenuation(energies, folder))

    seconds = ([], [])
    for _ in range(rounds):
        elapsed, ours = kerma.simulate(case, volume, folder, beam)
        seconds[0].append(elapsed)
        elapsed, theirs = xcist.simulate(case, folder)
        seconds[1].append(elapsed)
    ours_s, theirs_s = map(statistics.median, seconds)
    _, fine = kerma.simulate(replace(case, pixels=RAYS * case.pixels), volume, folder, beam)
    averaged = fine.reshape(case.pixels, RAYS, case.pixels, RAYS).mean((1, 3), np.float64)
    difference = differences(ours, theirs)
    holds = difference[0] <= BOUND and ours_s < theirs_s
    row(case.title, difference, f"{100 * differences(averaged, theirs)[0]:.3f} %", f"{ours_s:.3f}", f"{theirs_s:.3f}",
        f"{ours_s / theirs_s:.2f}", "holds" if holds else "FAILS")
    if not is_controlled:
        return holds
    # What must not pass: the CT half a voxel aside, and a beam of less voltage.
    for title, arguments in (("half a voxel aside", (beam, spacing[0] / 2)), (f"{SOFTER_KVP} kV", (softer,))):
        difference = differences(kerma.simulate(case, volume, folder, *arguments)[1], theirs)
        is_told = difference[0] > BOUND
        holds &= is_told
        row(f"control: {title}", difference, "", "", "", "", "told" if is_told else "NOT TOLD")
    return holds


def main():
    import nibabel

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kerma", help="kerma binary to compare with")
    parser.add_argument("--ct", help="CT in Hounsfield units, a NIfTI file")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each program, taken in turn")
    parser.add_argument("--threads", type=int, default=1, help="of each program; XCIST's projector has one at most")
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="NAME",
                        help=f"of {', '.join(CASES)}")
    parser.add_argument("--scan", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.scan:
        return scan(*options.scan)
    if not (options.kerma and options.ct):
        parser.error("needs --kerma and --ct")

    kerma, xcist = Kerma(options.kerma, options.threads), Xcist(options.threads)
    ct = ascending(nibabel.load(options.ct))
    print(f"{options.threads} threads, medians of {options.rounds} rounds; CT of {' × '.join(map(str, ct.shape))}\n")
    print(f"| case | RMS | bias | largest | RMS, {RAYS} × {RAYS} rays a pixel | kerma s | XCIST s | ratio | verdict |\n"
          "|---|---|---|---|---|---|---|---|---|", flush=True)
    holds = []
    for name in options.cases:
        with tempfile.TemporaryDirectory() as folder:
            holds.append(run_case(CASES[name], ct, kerma, xcist, options.rounds, Path(folder), not holds))
    sys.exit(0 if all(holds) else 1)


if __name__ == "__main__":
    main()
