"""Times projection and FDK reconstruction against plastimatch and RTK, on the CPU and on the same inputs.

    python benches/peers/ct.py --kerma target/release/kerma [--rounds 3] [--threads 2] [--cases NAME ...]

Needs numpy and itk-rtk, and plastimatch on the path; a peer that is missing is left out. Prints one Markdown table.
The clocks leave files out on every side; benches/peers/README.md says how. The object is the Shepp-Logan phantom of
`kerma phantom` in a cube of 256 mm, the truth its exact line integrals.
"""

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

CUBE = 256.0  # side of the volume, mm
SID, SDD = 1000.0, 1500.0
START = 270.0  # degrees: where plastimatch's first view stands
LEAN, ROLL = 10.0, 3.0  # degrees by which the tilted detector leans back and is turned in its plane


@dataclass(frozen=True)
class Case:
    """A job. `kind` is "project", "joseph" (against the same method), "tilted" (peers do the upright detector), "fdk", an
    iterative method: "cgls" with the exact adjoint, "sirt" and "os-sart" with the voxel-driven one; or, for parallel
    beams, "parallel" (filtered back-projection), "fourier" or "parallel-sirt"."""

    kind: str
    side: int
    views: int
    pixels: int
    pitch: float
    title: str
    slices: int = 0  # of parallel cases

    @property
    def is_parallel(self):
        return self.slices > 0

    @property
    def is_iterative(self):
        return self.kind in ("cgls", "sirt", "os-sart")

    @property
    def is_reconstruction(self):
        return self.kind == "fdk" or self.is_iterative

    @property
    def voxel(self):
        return CUBE / self.side

    @property
    def grid(self):
        depth = self.slices or self.side
        return f"{self.side}x{self.side}x{depth}@{self.voxel}x{self.voxel}x{self.voxel}"

    @property
    def step(self):
        return 360.0 / self.views


CASES = {
    "siddon-128": Case("project", 128, 64, 192, 2.0, "projection, 128³ to 64 × 192²"),
    "siddon-256": Case("project", 256, 180, 384, 1.0, "projection, 256³ to 180 × 384²"),
    "joseph-128": Case("joseph", 128, 64, 192, 2.0, "Joseph, 128³ to 64 × 192²"),
    "joseph-256": Case("joseph", 256, 180, 384, 1.0, "Joseph, 256³ to 180 × 384²"),
    "tilted-256": Case("tilted", 256, 180, 384, 1.0, "projection, 256³ to 180 × 384², tilted detector"),
    "radiograph-256": Case("project", 256, 1, 512, 0.75, "radiograph, 256³ to 512²"),
    "fdk-128": Case("fdk", 128, 180, 192, 2.0, "FDK, 128³ from 180 × 192²"),
    "fdk-256": Case("fdk", 256, 360, 384, 1.0, "FDK, 256³ from 360 × 384²"),
    "cgls-128": Case("cgls", 128, 64, 192, 2.0, "CGLS, matched, 128³ from 64 × 192²"),
    "sirt-128": Case("sirt", 128, 64, 192, 2.0, "SIRT, voxel-driven, 128³ from 64 × 192²"),
    "os-sart-128": Case("os-sart", 128, 64, 192, 2.0, "OS-SART-8, voxel-driven, 128³ from 64 × 192²"),
    "parallel-1024": Case("parallel", 1024, 720, 1024, 0.25, "parallel FBP, 4 × 1024² from 720 views", 4),
    "fourier-512": Case("fourier", 512, 360, 512, 0.5, "parallel, Fourier, 16 × 512² from 360 views", 16),
    "parallel-sirt-512": Case("parallel-sirt", 512, 360, 512, 0.5, "parallel SIRT, 16 × 512² from 360 views", 16),
}
ITERATIONS = 10  # of all iterative methods, from an empty volume, without relaxation or bounds
SUBSETS = 8


def circular(case):
    """Geometry file of the circle on which all programs have their views."""
    return (
        f'kind = "cone-circular"\nsource_isocentre_mm = {SID}\nsource_detector_mm = {SDD}\n'
        f"views = {case.views}\nstart_deg = {START}\narc_deg = 360.0\n"
        f"detector = [{case.pixels}, {case.pixels}]\npitch_mm = [{case.pitch}, {case.pitch}]\noffset_mm = [0.0, 0.0]\n"
    )


def parallel(case):
    """Half a turn whose end is not measured, for a few slices."""
    return (
        f'kind = "parallel"\nviews = {case.views}\nstart_deg = 0.0\narc_deg = {180.0 - 180.0 / case.views}\n'
        f"detector = [{case.pixels}, {case.slices}]\npitch_mm = [{case.pitch}, {case.pitch}]\noffset_mm = [0.0, 0.0]\n"
    )


def tilted(case):
    """The same circle as free vectors, the detector leaning and turned in its plane."""
    lean, roll = np.radians([LEAN, ROLL])
    lines = [f'kind = "vectors"\ndetector = [{case.pixels}, {case.pixels}]']
    for view in range(case.views):
        t = np.radians(START + view * case.step)
        outwards = np.array([np.sin(t), -np.cos(t), 0.0])
        across = np.array([np.cos(t), np.sin(t), 0.0])
        up = np.cos(lean) * np.array([0.0, 0.0, 1.0]) + np.sin(lean) * outwards
        vectors = {
            "source_mm": SID * outwards,
            "detector_centre_mm": -(SDD - SID) * outwards,
            "u_step_mm": case.pitch * (np.cos(roll) * across + np.sin(roll) * up),
            "v_step_mm": case.pitch * (np.cos(roll) * up - np.sin(roll) * across),
        }
        lines.append("[[views]]")
        lines += [f"{key} = [{', '.join(repr(float(x)) for x in value)}]" for key, value in vectors.items()]
    return "\n".join(lines) + "\n"


def environment(threads):
    """That of every process: rayon's, OpenMP's and the software rasteriser's numbers of threads."""
    names = ("RAYON_NUM_THREADS", "OMP_NUM_THREADS", "LP_NUM_THREADS")
    return {**os.environ, **{name: str(threads) for name in names}}


class Kerma:
    """The command, a fresh process for each run."""

    def __init__(self, binary, threads):
        self.binary = binary
        self.environment = environment(threads)

    def call(self, *arguments, device="cpu"):
        command = [self.binary, *map(str, arguments), "--device", device, "--json"]
        result = subprocess.run(command, check=True, capture_output=True, text=True, env=self.environment)
        return json.loads(result.stdout)

    def phantom(self, out, *arguments):
        self.call("phantom", "shepp-logan", *arguments, "--out", out)
        return np.load(out)

    def seconds(self, *arguments, device="cpu"):
        """Plan and run; reading and writing files are left out."""
        seconds = self.call(*arguments, device=device)["seconds"]
        return seconds["plan"] + seconds["run"]

    def project(self, case, folder, geometry):
        out = folder / "kerma.npy"
        seconds = self.seconds("project", folder / "volume.npy", "--unit", "per-mm", "--grid", case.grid,
                               "--geometry", geometry, "--out", out,
                               "--projector", "joseph" if case.kind == "joseph" else "siddon")
        return seconds, np.load(out)

    def reconstruct(self, case, folder, geometry, device="cpu"):
        out = folder / "kerma.npy"
        method = ["--method", case.kind, "--iterations", ITERATIONS] if case.is_iterative else []
        method += ["--method", "fourier"] if case.kind == "fourier" else []
        method += ["--method", "sirt", "--iterations", ITERATIONS] if case.kind == "parallel-sirt" else []
        method += ["--backprojector", "voxel-driven"] if case.kind in ("sirt", "os-sart") else []
        method += ["--subsets", SUBSETS] if case.kind == "os-sart" else []
        seconds = self.seconds("reconstruct", folder / "projections.npy", "--geometry", geometry,
                               "--grid", case.grid, "--out", out, *method, device=device)
        return seconds, np.load(out)


class Plastimatch:
    """Its command, a fresh process for each run. Its volumes lie in LPS, its images have the top row first."""

    name = "plastimatch"

    def __init__(self, threads):
        self.binary = shutil.which("plastimatch")
        if self.binary is None:
            raise ImportError("no command plastimatch")
        self.environment = environment(threads)
        self.version = self.call("--version").split()[-1]

    def call(self, *arguments):
        command = [self.binary, *map(str, arguments)]
        return subprocess.run(command, check=True, capture_output=True, text=True, env=self.environment).stdout

    def drr(self, case, folder, *arguments):
        """The circle, from START onwards; steps are negative because plastimatch turns clockwise seen from +z."""
        size = case.pixels * case.pitch
        return self.call("drr", "-A", "cpu", "-i", "exact", "-P", "none", "-t", "pfm", "-r",
                         f"{case.pixels} {case.pixels}", "-z", f"{size} {size}", "-a", case.views, "-N", -case.step,
                         "--sad", SID, "--sid", SDD, "-O", folder / "view", *arguments)

    def prepare(self, case, folder, values):
        own = folder / "plastimatch"
        own.mkdir()
        if case.kind == "fdk":
            self.drr(case, own, "-G")  # projection matrices
            for view, image in enumerate(values):
                header = f"Pf\n{case.pixels} {case.pixels}\n-1\n".encode()
                (own / f"view{view:04}.pfm").write_bytes(header + image[::-1].astype("<f4").tobytes())
        else:
            origin = -(case.side - 1) / 2 * case.voxel
            header = (
                "ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\n"
                "TransformMatrix = 1 0 0 0 1 0 0 0 1\n"
                f"Offset = {origin} {origin} {origin}\nElementSpacing = {case.voxel} {case.voxel} {case.voxel}\n"
                f"DimSize = {case.side} {case.side} {case.side}\nElementType = MET_FLOAT\nElementDataFile = LOCAL\n"
            )
            (own / "volume.mha").write_bytes(header.encode() + values[:, ::-1, ::-1].astype("<f4").tobytes())

    def project(self, case, folder):
        own = folder / "plastimatch"
        text = self.drr(case, own, own / "volume.mha")
        seconds = float(re.search(r"Total time: (\S+)", text)[1])
        seconds -= sum(map(float, re.findall(r"I/O time: (\S+)", text)))
        images = [self.read(path, case.pixels) for path in sorted(own.glob("view*.pfm"))]
        return seconds, 10.0 * np.stack(images)  # lengths in cm

    @staticmethod
    def read(path, pixels):
        with open(path, "rb") as file:
            header = [file.readline() for _ in range(3)]
            order = "<f4" if float(header[2]) < 0 else ">f4"
            return np.frombuffer(file.read(), order).reshape(pixels, pixels)[::-1]

    def reconstruct(self, case, folder):
        own = folder / "plastimatch"
        text = self.call("fdk", "-A", "cpu", "-I", own, "-r", f"{case.side} {case.side} {case.side}",
                         "-z", f"{CUBE} {CUBE} {CUBE}", "-O", own / "volume.mha")
        seconds = sum(float(re.search(rf"{part} time = (\S+)", text)[1]) for part in ("Filter", "Backprojection"))
        data = (own / "volume.mha").read_bytes()
        header = data[: data.index(b"LOCAL")].decode()
        kind = {"MET_FLOAT": "<f4", "MET_SHORT": "<i2"}[re.search(r"ElementType = (\S+)", header)[1]]
        values = np.frombuffer(data, kind, offset=len(data) - case.side**3 * np.dtype(kind).itemsize)
        return seconds, values.reshape([case.side] * 3)[:, ::-1, ::-1].astype(np.float32)


class Rtk:
    """RTK's Python package, in this process; the filters are built anew for each run. Axes are those of IEC 61217."""

    name = "RTK"

    def __init__(self, threads):
        os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = str(threads)
        import itk
        from itk import RTK as rtk

        itk.MultiThreaderBase.SetGlobalMaximumNumberOfThreads(threads)
        itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(threads)
        self.itk, self.rtk, self.version = itk, rtk, version("itk-rtk")
        self.image = itk.Image[itk.F, 3]

    def centred(self, values, spacing):
        image = self.itk.image_from_array(np.ascontiguousarray(values))
        image.SetSpacing(spacing)
        image.SetOrigin([-(n - 1) / 2 * s for n, s in zip(values.shape[::-1], spacing)])
        return image

    def volume(self, case, values):
        return self.centred(values.transpose(1, 0, 2)[:, :, ::-1], [case.voxel] * 3)

    def stack(self, case, values):
        return self.centred(values, [case.pitch, case.pitch, 1.0])

    def prepare(self, case, _, values):
        self.geometry = self.rtk.ThreeDCircularProjectionGeometry.New()
        for view in range(case.views):
            self.geometry.AddProjection(SID, SDD, (START + 180.0 + view * case.step) % 360.0)
        self.values = (self.stack if case.is_reconstruction else self.volume)(case, values)

    def update(self, filter):
        filter.SetGeometry(self.geometry)
        start = time.perf_counter()
        filter.Update()
        return time.perf_counter() - start, self.itk.array_from_image(filter.GetOutput())

    def project(self, case, _):
        filter = self.rtk.JosephForwardProjectionImageFilter[self.image, self.image].New()
        filter.SetInput(0, self.stack(case, np.zeros((case.views, case.pixels, case.pixels), np.float32)))
        filter.SetInput(1, self.values)
        return self.update(filter)

    def reconstruct(self, case, _):
        if case.kind == "cgls":
            filter = self.rtk.ConjugateGradientConeBeamReconstructionFilter[self.image].New()
            filter.SetForwardProjectionFilter(filter.ForwardProjectionType_FP_JOSEPH)
            filter.SetBackProjectionFilter(filter.BackProjectionType_BP_JOSEPH)
            filter.SetNumberOfIterations(ITERATIONS)
            filter.SetInputWeights(self.stack(case, np.ones((case.views, case.pixels, case.pixels), np.float32)))
        elif case.is_iterative:
            filter = self.rtk.SARTConeBeamReconstructionFilter[self.image, self.image].New()
            filter.SetForwardProjectionFilter(filter.ForwardProjectionType_FP_JOSEPH)
            filter.SetBackProjectionFilter(filter.BackProjectionType_BP_VOXELBASED)
            filter.SetNumberOfIterations(ITERATIONS)
            filter.SetNumberOfProjectionsPerSubset(case.views // (SUBSETS if case.kind == "os-sart" else 1))
            filter.SetLambda(1.0)
            filter.SetEnforcePositivity(False)
        else:
            filter = self.rtk.FDKConeBeamReconstructionFilter[self.image].New()
        filter.SetInput(0, self.volume(case, np.zeros([case.side] * 3, np.float32)))
        filter.SetInput(1, self.values)
        seconds, values = self.update(filter)
        return seconds, values[:, :, ::-1].transpose(1, 0, 2)


class Tomoxide:
    """The program of the folder `tomoxide`, a fresh process for each run, of which the first call counts."""

    def __init__(self, binary, backend, threads):
        self.binary, self.backend, self.name = binary, backend, f"tomoxide, {backend}"
        self.environment = environment(threads)

    def reconstruct(self, case, folder):
        out = folder / "tomoxide.npy"
        method = {"parallel": "fbp", "fourier": "fourierrec", "parallel-sirt": "sirt"}[case.kind]
        command = [self.binary, self.backend, method, folder / "projections.npy", out]
        result = subprocess.run(command, check=True, capture_output=True, text=True, env=self.environment)
        return json.loads(result.stdout)["first"], np.load(out) / case.pitch  # lengths in pixels


def rms(values):
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def percent(share):
    return f"{100 * share:.3g} %"


class ProjectionTruth:
    """Exact line integrals. The error is the RMS of the difference, relative to theirs."""

    def __init__(self, exact):
        self.exact = exact

    def error(self, values):
        return percent(rms(values - self.exact) / rms(self.exact))


class VolumeTruth:
    """The phantom, voxelised. Errors are RMS relative to its own RMS, in a ball of 120 mm: of all voxels, and of those
    whose neighbours have the same value."""

    def __init__(self, exact, voxel):
        z, y, x = (((np.arange(n) - (n - 1) / 2) * voxel) ** 2 for n in exact.shape)
        self.ball = z[:, None, None] + y[:, None] + x < 120.0**2
        self.flat = self.ball.copy()
        for dimension in range(3):
            for shift in (1, -1):
                self.flat &= np.abs(exact - np.roll(exact, shift, dimension)) < 1e-6
        self.exact = exact
        self.scale = rms(exact[self.ball])

    def error(self, values):
        parts = [rms((values - self.exact)[mask]) / self.scale for mask in (self.ball, self.flat)]
        return f"{percent(parts[0])}, flat {percent(parts[1])}"

    def calibrated(self, values):
        """Values with a scale of their own, taken to that of the truth by the line that fits best where it is flat."""
        slope, offset = np.polyfit(values[self.flat].astype(np.float64), self.exact[self.flat], 1)
        return slope * values + offset


class DiscTruth:
    """The phantom, voxelised. Errors are RMS and mean of the differences within a disc of 40 mm about the axis in every
    slice, in the phantom's own values, in which soft tissue is 0.2."""

    def __init__(self, exact, voxel, shift):
        y, x = ((np.arange(n) - (n - 1) / 2) * voxel + shift for n in exact.shape[1:])
        self.disc = np.broadcast_to(y[:, None] ** 2 + x**2 < 40.0**2, exact.shape)
        self.exact = exact

    def error(self, values):
        difference = (values - self.exact)[self.disc]
        return f"{rms(difference):.4f}, mean {np.mean(difference, dtype=np.float64):.1e}"


def run_case(case, kerma, peers, rounds, folder):
    """Rows of the table: one for each peer."""
    upright, geometry = folder / "upright.toml", folder / "geometry.toml"
    upright.write_text(circular(case))
    geometry.write_text(tilted(case) if case.kind == "tilted" else circular(case))
    volume = kerma.phantom(folder / "volume.npy", "--grid", case.grid)
    exact = kerma.phantom(folder / "projections.npy", "--project", geometry)
    if case.is_reconstruction:
        truth = peer_truth = VolumeTruth(volume, case.voxel)
        values = exact
    else:
        truth = peer_truth = ProjectionTruth(exact)
        values = volume
        if case.kind == "tilted":
            peer_truth = ProjectionTruth(kerma.phantom(folder / "upright.npy", "--project", upright))
    ours = kerma.reconstruct if case.is_reconstruction else kerma.project
    runs = {"kerma": lambda: ours(case, folder, geometry)}
    for peer in peers:
        if (case.kind == "joseph" or case.is_iterative) and peer.name != Rtk.name:
            continue
        peer.prepare(case, folder, values)
        theirs = peer.reconstruct if case.is_reconstruction else peer.project
        runs[peer.name] = lambda theirs=theirs: theirs(case, folder)

    seconds = {name: [] for name in runs}
    errors = {}
    for _ in range(rounds):
        for name, run in runs.items():
            elapsed, result = run()
            seconds[name].append(elapsed)
            if name not in errors:
                if case.kind == "fdk" and name == "plastimatch":
                    result = truth.calibrated(result)
                errors[name] = (truth if name == "kerma" else peer_truth).error(result)
    medians = {name: statistics.median(values) for name, values in seconds.items()}
    return [row(case.title, medians["kerma"], name, medians[name], errors["kerma"], errors[name])
            for name in runs if name != "kerma"]


def run_parallel(case, kerma, options, folder):
    """Rows for tomoxide's devices, beside kerma on the same: of FBP both, of what follows it the CPU."""
    geometry = folder / "geometry.toml"
    geometry.write_text(parallel(case))
    kerma.phantom(folder / "projections.npy", "--project", geometry)
    volume = kerma.phantom(folder / "volume.npy", "--grid", case.grid)
    # tomoxide's axis runs through the centre of pixel n/2, half a pixel from where kerma has it.
    shift = -case.voxel / 2
    moved = kerma.phantom(folder / "moved.npy", "--grid", f"{case.grid}+{shift},{shift},0")
    if case.kind == "parallel":
        truth, peer_truth = VolumeTruth(volume, case.voxel), VolumeTruth(moved, case.voxel)
    else:
        truth, peer_truth = DiscTruth(volume, case.voxel, 0.0), DiscTruth(moved, case.voxel, shift)
    devices = [("cpu", "cpu"), ("wgpu", options.gpu)] if case.kind == "parallel" else [("cpu", "cpu")]
    for backend, device in devices:
        peer = Tomoxide(options.tomoxide, backend, options.threads)
        ours, theirs = [], []
        for _ in range(options.rounds):
            seconds, our_values = kerma.reconstruct(case, folder, geometry, device)
            ours.append(seconds)
            seconds, their_values = peer.reconstruct(case, folder)
            theirs.append(seconds)
        yield row(f"{case.title}, {device}", statistics.median(ours), peer.name, statistics.median(theirs),
                  truth.error(our_values), peer_truth.error(their_values))


def row(title, ours, name, theirs, our_error, their_error):
    return f"| {title} | {ours:.3f} | {theirs:.3f} ({name}) | {ours / theirs:.2f} | {our_error} | {their_error} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kerma", required=True, help="kerma binary to compare with")
    parser.add_argument("--rounds", type=int, default=3, help="runs of each program, taken in turn")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES), metavar="NAME",
                        help=f"of {', '.join(CASES)}")
    parser.add_argument("--tomoxide", help="the program of the folder tomoxide, for parallel beams")
    parser.add_argument("--gpu", default="gpu:0", help="kerma's name for the GPU that tomoxide takes")
    options = parser.parse_args()

    kerma = Kerma(options.kerma, options.threads)
    peers = []
    if not options.tomoxide:
        print("tomoxide is left out: no --tomoxide")
    for make in (Plastimatch, Rtk):
        try:
            peers.append(make(options.threads))
        except ImportError as error:
            print(f"{make.name} is left out: {error}")
    versions = ", ".join(f"{peer.name} {peer.version}" for peer in peers)
    print(f"{options.threads} threads, medians of {options.rounds} rounds; {versions}\n")
    print("| case | kerma s | peer s | ratio | error of kerma | error of peer |\n|---|---|---|---|---|---|", flush=True)
    for name in options.cases:
        case = CASES[name]
        if case.is_parallel and not options.tomoxide:
            continue
        with tempfile.TemporaryDirectory() as folder:
            if case.is_parallel:
                lines = run_parallel(case, kerma, options, Path(folder))
            else:
                lines = run_case(case, kerma, peers, options.rounds, Path(folder))
            for line in lines:
                print(line, flush=True)


if __name__ == "__main__":
    main()
