"""Writes the HDF5 files beside this script: a scan of four views in the DXchange layout, stored in several ways, and files that lie.

    pip install h5py                      (3.16, with HDF5 2.0)
    python tests/containers/fixtures.py
"""

from pathlib import Path

import h5py
import numpy as np

folder = Path(__file__).parent
# [view][v][u], as in the DXchange layout.
DATA = (np.arange(60).reshape(4, 3, 5) * 257 % 65536).astype("<u2")
THETA = np.array([0.0, 45.0, 90.0, 136.5])


def scan(name, libver, data=DATA, theta=THETA, units="degrees", **storage):
    with h5py.File(folder / name, "w", libver=libver) as file:
        exchange = file.create_group("exchange")
        put = lambda name, values, **more: exchange.create_dataset(name, data=values, track_times=False, **more)
        put("data", data, **storage).attrs["units"] = "counts"
        put("data_white", np.full((2, 3, 5), 60000, data.dtype))
        put("data_dark", np.full((1, 3, 5), 100, data.dtype))
        put("theta", theta).attrs["units"] = np.bytes_(units)
        put("title", "four views")


packed = dict(compression="gzip", shuffle=True)
scan("old.h5", "earliest")
scan("old-chunked.h5", "earliest", chunks=(2, 2, 4), fletcher32=True, **packed)
scan("new.h5", "latest")
scan("new-fixed.h5", "v110", chunks=(2, 2, 4), **packed)
scan("new-extensible.h5", "v110", chunks=(1, 3, 5), maxshape=(None, 3, 5), compression="gzip")
scan("new-btree.h5", "v110", chunks=(1, 2, 2), maxshape=(None, None, 5))
scan("big-endian.h5", "earliest", DATA.astype(">i4"), np.radians(THETA).astype(">f4"), "radians", chunks=(3, 3, 5), **packed)
scan("foreign-filter.h5", "earliest", np.zeros_like(DATA), chunks=(2, 3, 5), compression="lzf")

with h5py.File(folder / "links.h5", "w", libver="latest") as file:
    group = file.create_group("group")
    group.create_dataset("data", data=DATA, track_times=False)
    group["up"] = file["/"]  # a cycle of groups
    group["this"] = h5py.SoftLink("/group/data")
    group["loop"] = h5py.SoftLink("/group/pool")
    group["pool"] = h5py.SoftLink("/group/loop")
    group["lost"] = h5py.SoftLink("/nowhere")
    group["outside"] = h5py.ExternalLink("old.h5", "/exchange/data")
    file.create_dataset("elsewhere", (4, 3, 5), "<u2", external=[("old.h5", 0, h5py.h5f.UNLIMITED)])

# Datasets whose values were never written, and which the file is too short for.
with h5py.File(folder / "vast.h5", "w", libver="latest") as file:
    file.create_dataset("plain", (60000, 6000, 6000), "<u2", chunks=(1, 100, 100))
    file.create_dataset("packed", (60000, 6000, 6000), "<u2", chunks=(1, 100, 100), compression="gzip")
    file.create_dataset("unbroken", (60000, 6000, 6000), "<u2")
    file.create_dataset("chunky", (60, 6000, 6000), "<u2", chunks=(60, 6000, 6000))
