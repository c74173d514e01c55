"""Writes the compressed frames beside this script: small made-up images, encoded by other libraries.

    pip install numpy imagecodecs pyjpegls
    python tests/dicom/goldens.py

The images are formulas that the tests know too (`value` here and in damaged_frames.rs). Lossy frames come with what the
library that wrote them decodes, 8 bits a pixel or 16 bits little endian, in files of the same stem.
"""

import pathlib

import imagecodecs
import jpeg_ls
import numpy as np

COLUMNS, ROWS = 19, 13
HERE = pathlib.Path(__file__).parent


def value(bits):
    """A slope with a coarse texture, in all levels that so many bits have."""
    row, column = np.mgrid[:ROWS, :COLUMNS]
    levels = (row * row * 977 + column * 3001 + row * column % 5 * 517) % 65536
    return (levels >> (16 - bits)).astype(np.uint8 if bits <= 8 else np.uint16)


def write(name, data):
    (HERE / name).write_bytes(data)
    print(f"{name}: {len(data)} bytes")


def main():
    lossless = {"lossless-8-predictor-1": (8, 1), "lossless-12-predictor-7": (12, 7), "lossless-16-predictor-1": (16, 1)}
    for name, (bits, predictor) in lossless.items():
        frame = imagecodecs.jpeg_encode(value(bits), lossless=True, predictor=predictor, bitspersample=bits)
        assert (imagecodecs.jpeg_decode(frame) == value(bits)).all()
        write(f"{name}.jpg", frame)
    frame = imagecodecs.jpeg_encode(value(8), level=90)
    write("baseline-8.jpg", frame)
    write("baseline-8.raw", imagecodecs.jpeg_decode(frame).tobytes())
    for bits in (8, 12, 16):
        frame = imagecodecs.jpeg2k_encode(value(bits), codecformat="J2K", level=0, reversible=True, bitspersample=bits)
        assert (imagecodecs.jpeg2k_decode(frame) == value(bits)).all()
        write(f"lossless-{bits}.j2k", frame)
    signed = value(16).view(np.int16)
    frame = imagecodecs.jpeg2k_encode(signed, codecformat="J2K", level=0, reversible=True)
    assert (imagecodecs.jpeg2k_decode(frame) == signed).all()
    write("lossless-signed-16.j2k", frame)
    frame = imagecodecs.jpeg2k_encode(value(12), codecformat="J2K", level=50, reversible=False, bitspersample=12)
    write("lossy-12.j2k", frame)
    write("lossy-12.raw", imagecodecs.jpeg2k_decode(frame).astype("<u2").tobytes())
    for bits, error in ((8, 0), (12, 0), (16, 0), (12, 3)):
        frame = bytes(jpeg_ls.encode_array(value(bits), lossy_error=error))
        decoded = imagecodecs.jpegls_decode(frame)
        assert abs(decoded.astype(int) - value(bits)).max() == error
        write(f"near-{error}-{bits}.jls" if error else f"lossless-{bits}.jls", frame)
        if error:
            write(f"near-{error}-{bits}.raw", decoded.astype("<u2").tobytes())


if __name__ == "__main__":
    main()
