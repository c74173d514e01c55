"""Holds kerma's DICOM reader against pydicom with pylibjpeg, on pydicom's test files.

    cargo build --workspace --example frames
    python benches/peers/dicom.py --frames target/debug/examples/frames

Needs: pip install "pydicom==3.*" pydicom-data pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pylibjpeg-rle
"""

import argparse
import collections
import pathlib
import subprocess
import tempfile
import warnings

import numpy as np
import pydicom
from pydicom.data import get_testdata_files
from pydicom.pixels import apply_modality_lut

LOSSY = {"1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.91"}
# Transfer syntaxes in which every grey image must be read: all of kerma's but JPEG Extended, which may have 12 bits.
READ = {
    "1.2.840.10008.1.2", "1.2.840.10008.1.2.1", "1.2.840.10008.1.2.1.99", "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5",
}
# Difference of two decoders' rounding of a lossy image.
LEVEL = 1


def reference(path):
    """The data set, and its rescaled pixels or why pydicom gives none."""
    try:
        data = pydicom.dcmread(path, force=True)
    except Exception as error:  # what pydicom cannot parse is of many kinds
        return None, None, str(error)
    try:
        pixels = data.pixel_array
    except Exception as error:  # as many kinds from the decoders
        return data, None, str(error)
    return data, apply_modality_lut(pixels, data).astype(np.float32), ""


def decoded(program, path, scratch):
    """kerma's values, or its message; a message of several lines or a panic is a failure."""
    out = scratch / "out.raw"
    run = subprocess.run([program, path, out], capture_output=True, text=True, timeout=120)
    if run.returncode:
        return None, run.stderr.strip(), run.returncode
    frames, rows, columns = map(int, run.stdout.split())
    return np.fromfile(out, "<f4").reshape(frames, rows, columns), "", 0


def judged(program, path, scratch):
    data, want, _ = reference(path)
    got, message, code = decoded(program, path, scratch)
    if "panicked" in message or code not in (0, 1) or "\n" in message:
        return "wrong", data, f"not one line: {message}"
    grey = want is not None and data.get("SamplesPerPixel", 1) == 1 and "MONOCHROME" in data.PhotometricInterpretation
    if got is None:
        return ("refused grey" if grey else "refused"), data, message
    if not grey:
        return "read alone", data, "pydicom gives no grey pixels"
    want = want.reshape(got.shape) if want.size == got.size else want
    if want.shape != got.shape:
        return "wrong", data, f"shape {got.shape}, pydicom {want.shape}"
    slope = abs(float(data.get("RescaleSlope", 1) or 1))
    largest = float(np.abs(got.astype(np.float64) - want).max())
    # Levels are whole numbers; rescaled ones have single precision.
    levels = np.round(largest / slope, 3)
    right = levels <= LEVEL if data.file_meta.TransferSyntaxUID in LOSSY else largest == 0
    return ("equal" if right else "wrong"), data, f"largest difference {levels} levels"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", default="target/debug/examples/frames", help="the built example")
    parser.add_argument("--verbose", action="store_true", help="a line for each file")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    columns = ["equal", "refused", "refused grey", "read alone", "wrong"]
    table, failed = collections.defaultdict(collections.Counter), False
    with tempfile.TemporaryDirectory() as folder:
        for path in sorted({pathlib.Path(p) for p in get_testdata_files()}):
            if not path.is_file():
                continue
            verdict, data, message = judged(args.frames, path, pathlib.Path(folder))
            uid = getattr(getattr(data, "file_meta", None), "TransferSyntaxUID", None)
            table[uid.name if uid else "none stated"][verdict] += 1
            failed |= verdict == "wrong" or (verdict == "refused grey" and uid in READ)
            if args.verbose or verdict in ("wrong", "refused grey", "read alone"):
                print(f"{verdict}: {path.name}: {message}")
    print("| transfer syntax | files | " + " | ".join(columns) + " |")
    print("|---|" + "---|" * (len(columns) + 1))
    for name, counts in sorted(table.items()):
        print(f"| {name} | {counts.total()} | " + " | ".join(str(counts[c]) for c in columns) + " |")
    total = sum(table.values(), collections.Counter())
    print(f"| all | {total.total()} | " + " | ".join(str(total[c]) for c in columns) + " |")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
