"""Reads the DICOM files that kerma writes with pydicom, and holds them to the standard and to the values.

    cargo build --workspace --bin kerma
    python benches/peers/dicom_output.py --kerma target/debug/kerma [--dciodvfy PATH]

Needs: pip install "pydicom==3.*" numpy. With --dciodvfy, of dicom3tools, its errors are counted, too.
"""

import argparse
import pathlib
import struct
import subprocess
import tempfile
import zlib

import numpy as np
import pydicom
from pydicom.data import get_testdata_file

DX = "1.2.840.10008.5.1.4.1.1.1.1"
CT = "1.2.840.10008.5.1.4.1.1.2"
# Attributes that must be there with a value (type 1), and those that must be there (type 2), by PS3.3.
COMMON_1 = "SOPClassUID SOPInstanceUID StudyInstanceUID SeriesInstanceUID Modality ImageType SamplesPerPixel PhotometricInterpretation Rows Columns " \
    "BitsAllocated BitsStored HighBit PixelRepresentation RescaleSlope RescaleIntercept PixelData"
COMMON_2 = "PatientName PatientID PatientBirthDate PatientSex StudyDate StudyTime ReferringPhysicianName StudyID AccessionNumber SeriesNumber Manufacturer InstanceNumber"
DX_1 = "PresentationIntentType PixelIntensityRelationship PixelIntensityRelationshipSign RescaleType PresentationLUTShape LossyImageCompression " \
    "BurnedInAnnotation ImageLaterality ImagerPixelSpacing WindowCenter WindowWidth"
DX_2 = "PatientOrientation DetectorType AnatomicRegionSequence AcquisitionContextSequence"
CT_1 = "FrameOfReferenceUID PixelSpacing ImageOrientationPatient ImagePositionPatient"
CT_2 = "SliceThickness KVP AcquisitionNumber PositionReferenceIndicator PatientPosition"
IDENTITY = "PatientName PatientID PatientBirthDate PatientSex StudyInstanceUID StudyDate StudyID AccessionNumber".split()


def check(condition, what):
    if not condition:
        raise SystemExit(f"wrong: {what}")


def hold(data, kind, path):
    one, two = (f"{COMMON_1} {DX_1}", f"{COMMON_2} {DX_2}") if kind == DX else (f"{COMMON_1} {CT_1}", f"{COMMON_2} {CT_2}")
    for name in one.split():
        check(name in data and data[name].value not in (None, ""), f"{path}: {name} has no value")
    for name in two.split():
        check(name in data, f"{path}: {name} is missing")
    check(data.SOPClassUID == kind, f"{path}: {data.SOPClassUID.name}")
    check(data.file_meta.TransferSyntaxUID == "1.2.840.10008.1.2.1", path)
    check(data.file_meta.MediaStorageSOPInstanceUID == data.SOPInstanceUID, path)
    for element in data:
        if element.VR == "UI":
            check(pydicom.uid.UID(element.value).is_valid, f"{path}: {element}")


def png(path, pixels):
    """A grey PNG of 16 bits."""
    rows, columns = pixels.shape
    chunk = lambda name, body: struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    lines = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    header = struct.pack(">IIBBBBB", columns, rows, 16, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder, self.errors = args, pathlib.Path(folder), 0

    def kerma(self, *words):
        subprocess.run([self.args.kerma, *map(str, words), "--device", "cpu", "--quiet"], cwd=self.folder, check=True)

    def file(self, name, kind):
        path = self.folder / name
        data = pydicom.dcmread(path)
        hold(data, kind, name)
        if self.args.dciodvfy:
            said = subprocess.run([self.args.dciodvfy, path], capture_output=True, text=True).stderr.splitlines()
            errors = [line for line in said if line.startswith("Error")]
            self.errors += len(errors)
            print(f"{name}: dciodvfy: {len(errors)} errors" + "".join(f"\n  {line}" for line in errors))
        return data

    def slices(self, name):
        paths = sorted(path.relative_to(self.folder) for path in (self.folder / name).iterdir())
        return [self.file(path, CT) for path in paths]

    def volumes(self):
        self.kerma("phantom", "shepp-logan", "--grid", "40x30x7@1.5x2x3.25+10,-20,30.5", "--out", "v.npy")
        self.kerma("phantom", "shepp-logan", "--grid", "40x30x7@1.5x2x3.25+10,-20,30.5", "--out", "slices/")
        want, files = np.load(self.folder / "v.npy"), self.slices("slices")
        got = np.stack([file.pixel_array * float(file.RescaleSlope) + float(file.RescaleIntercept) for file in files])
        error, allowed = np.abs(got - want).max(), np.ptp(want) / 131070 * 1.001
        check(got.shape == want.shape and 0 < error <= allowed, f"values differ by {error}, {allowed} is allowed")
        for k, file in enumerate(files):
            # The first voxel's centre, with x and y to the left and to the back.
            position = [-(10 - 39 / 2 * 1.5), -(-20 - 29 / 2 * 2), 30.5 - 3 * 3.25 + k * 3.25]
            check(np.allclose(file.ImagePositionPatient, position, atol=1e-9), f"slice {k} lies at {file.ImagePositionPatient}")
            check(list(file.ImageOrientationPatient) == [-1, 0, 0, 0, -1, 0], "orientation")
            check(list(file.PixelSpacing) == [2, 1.5] and file.SpacingBetweenSlices == 3.25, "spacing")
            check(list(file.ImageType) == ["DERIVED", "SECONDARY", "AXIAL", "SIMULATED"], "image type")
            check(file.RescaleType == "1/mm" and file.PatientIdentityRemoved == "YES", "rescale type or identity")
        check(len({file.SOPInstanceUID for file in files}) == 7 and len({file.SeriesInstanceUID for file in files}) == 1, "UIDs")
        print(f"volume: largest error {error:.3g} mm-1, {allowed:.3g} allowed")

    def radiographs(self):
        y, x = np.mgrid[:80, :100]
        pixels = (3000 * np.exp(-((x - 50) ** 2 + (y - 40) ** 2) / 900) + 400 + (x * 7 + y * 13) % 41).astype(np.uint16)
        png(self.folder / "a.png", pixels)
        self.kerma("enhance", "a.png", "--only", "clahe", "--tiles", "2x2", "--out", "a.tif")
        self.kerma("enhance", "a.png", "--only", "clahe", "--tiles", "2x2", "--pixel-mm", "0.2x0.25", "--out", "a.dcm")
        self.kerma("enhance", "a.tif", "--only", "clahe", "--tiles", "2x2", "--out", "again.npy")
        data = self.file("a.dcm", DX)
        self.kerma("enhance", "a.dcm", "--only", "clahe", "--tiles", "2x2", "--out", "of-dicom.npy")
        check(np.array_equal(np.load(self.folder / "again.npy"), np.load(self.folder / "of-dicom.npy")), "TIFF and DICOM differ")
        check(list(data.ImagerPixelSpacing) == [0.25, 0.2] and "PixelSpacing" not in data, "spacing")
        print(f"radiograph: {data.Columns} x {data.Rows}, {data.BitsStored} bits, window {data.WindowCenter} / {data.WindowWidth}")

    def identity(self):
        source = pydicom.dcmread(get_testdata_file("CT_small.dcm"))
        source.PatientName, source.PatientID = "Röntgen^Anna", "PID-18951222"
        source.SpecificCharacterSet, source.AccessionNumber, source.PatientBirthDate = "ISO_IR 192", "ACC99", "18391222"
        source.PixelRepresentation, source.RescaleIntercept = 0, 0
        source.set_pixel_data(source.pixel_array.astype(np.uint16), "MONOCHROME2", 16)
        source.save_as(self.folder / "source.dcm")
        step = ("--only", "clahe", "--tiles", "2x2")
        self.kerma("enhance", "source.dcm", *step, "--out", "without.dcm")
        self.kerma("enhance", "source.dcm", *step, "--keep-identity", "--out", "with.dcm")
        without, with_it = self.file("without.dcm", DX), self.file("with.dcm", DX)
        content = (self.folder / "without.dcm").read_bytes()
        for name in IDENTITY:
            value = str(source[name].value)
            check(value == str(with_it[name].value), f"{name} is not kept")
            check(len(value) < 4 or value.encode() not in content, f"{name} is in the file")
        check(without.PatientIdentityRemoved == "YES" and "PatientIdentityRemoved" not in with_it, "PatientIdentityRemoved")
        check("InstitutionName" in source and "InstitutionName" not in with_it, "institution")
        print("identity: kept where it is asked for, nowhere else")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kerma", default="target/debug/kerma", type=lambda text: pathlib.Path(text).absolute())
    parser.add_argument("--dciodvfy", help="the validator of dicom3tools")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(args, folder)
        bench.volumes()
        bench.radiographs()
        bench.identity()
        return 0


if __name__ == "__main__":
    raise SystemExit(main())
