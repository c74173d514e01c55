"""Holds the spectra of `kerma spectrum` against spekpy: half-value layers, mean energy, air kerma, heel effect.

    python benches/peers/spectra.py --kerma target/release/kerma [--beams 200] [--seed 1]

Needs spekpy (and numpy, scipy). Beams are drawn: 40 to 150 kV, anode angles of 8 to 16 degrees, filters of aluminium and
copper; none has to be one of the table that kerma carries. Prints a Markdown table of the largest differences, and ends with
exit code 1 where one is beyond its bound.
"""

import argparse
import json
import subprocess
import sys
from importlib.metadata import version

import numpy as np
import spekpy

# Bounds of the relative differences: half-value layers, mean energy, air kerma.
CENTRAL = {"first layer": 0.02, "second layer": 0.02, "mean energy": 0.01, "air kerma": 0.05}
HEEL = {"first layer": 0.03, "second layer": 0.03, "mean energy": 0.01, "air kerma": 0.05}
HEEL_X = [-300, -200, -100, 0, 100, 200, 300]  # mm, towards the cathode
HEEL_Z = 1800  # mm
LOWEST_TAKE_OFF = 0.5  # degrees; kerma refuses rays closer to the anode


def ours(kerma, kvp, angle, filters, point):
    command = [kerma, "spectrum", "--json", "--kvp", kvp, "--anode-angle", angle, "--at", ",".join(map(str, point))]
    command += [part for name, mm in filters for part in ("--filter", f"{name}:{mm}")]
    result = subprocess.run([str(part) for part in command], check=True, capture_output=True, text=True)
    beam = json.loads(result.stdout)
    return [*beam["half_value_layers_mm_al"], beam["mean_energy_kev"], beam["air_kerma_mgy"]]


def theirs(kvp, angle, filters, point):
    """spekpy has centimetres and µGy; its layers stand perpendicular to the central ray, those that it measures with too."""
    x, y, z = (value / 10 for value in point)
    beam = spekpy.Spek(kvp=kvp, th=angle, dk=0.5, x=x, y=y, z=z, mas=1, physics="casim", mu_data_source="nist")
    for name, mm in filters:
        beam.filter(name, mm)
    return [beam.get_hvl1(), beam.get_hvl2(), beam.get_emean(), beam.get_kerma() / 1000]


def drawn(random, count):
    """Beams within the ranges; every other one with copper."""
    for index in range(count):
        filters = [("Al", round(random.uniform(1.0, 6.0), 2))]
        if index % 2:
            filters.append(("Cu", round(random.uniform(0.05, 1.0), 2)))
        yield round(random.uniform(40, 150), 1), round(random.uniform(8, 16), 1), filters


class Worst:
    """Largest differences and the beams that have them."""

    def __init__(self, title, bounds):
        self.title, self.bounds = title, bounds
        self.found = {name: (0.0, "") for name in bounds}
        self.count = 0

    def add(self, got, want, beam):
        self.count += 1
        for name, a, b in zip(self.bounds, got, want):
            difference = a / b - 1
            if abs(difference) >= abs(self.found[name][0]):
                self.found[name] = (difference, beam)

    def rows(self):
        for name, (difference, beam) in self.found.items():
            verdict = "holds" if abs(difference) <= self.bounds[name] else "FAILS"
            yield (f"| {self.title}, {self.count} | {name} | {100 * difference:+.2f} % | {100 * self.bounds[name]:g} % "
                   f"| {verdict} | {beam} |")

    def holds(self):
        return all(abs(difference) <= self.bounds[name] for name, (difference, _) in self.found.items())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kerma", required=True, help="kerma binary to compare with")
    parser.add_argument("--beams", type=int, default=200, help="beams that are drawn")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--file", help="also the beams of a JSON file: spectra with kvp, anode_angle_deg, filtration and results")
    options = parser.parse_args()

    random = np.random.default_rng(options.seed)
    tables = [Worst("central ray, beams drawn", CENTRAL), Worst("heel, ±300 mm at 1800 mm", HEEL)]
    for kvp, angle, filters in drawn(random, options.beams):
        beam = f"{kvp} kV, {angle}°, " + " + ".join(f"{mm} mm {name}" for name, mm in filters)
        point = (0, 0, 1000)
        tables[0].add(ours(options.kerma, kvp, angle, filters, point), theirs(kvp, angle, filters, point), beam)
    for kvp, angle, filters in drawn(random, max(1, options.beams // 10)):
        for x in HEEL_X:
            if angle + np.degrees(np.arctan(x / HEEL_Z)) >= LOWEST_TAKE_OFF:
                beam = f"{kvp} kV, {angle}°, " + " + ".join(f"{mm} mm {name}" for name, mm in filters) + f", x = {x} mm"
                point = (x, 0, HEEL_Z)
                tables[1].add(ours(options.kerma, kvp, angle, filters, point), theirs(kvp, angle, filters, point), beam)
    if options.file:
        tables.append(Worst("central ray, beams of the file", CENTRAL))
        with open(options.file) as file:
            spectra = json.load(file)["spectra"]
        for want in spectra:
            names = {"Water, Liquid": "water"}
            filters = [(names.get(f["material"], f["material"]), f["thickness_mm"]) for f in want["filtration"]]
            got = ours(options.kerma, want["kvp"], want["anode_angle_deg"], filters, (0, 0, 10 * want["distance_cm"]))
            known = [want[key] for key in ("hvl1_mm_Al", "hvl2_mm_Al", "mean_energy_keV")]
            tables[2].add(got, [*known, want["air_kerma_uGy_per_mAs"] / 1000], f"{want['kvp']} kV, {filters}")
    print(f"spekpy {version('spekpy')}, seed {options.seed}\n")
    print("| beams | quantity | largest difference | bound | verdict | where |\n|---|---|---|---|---|---|")
    for table in tables:
        print("\n".join(table.rows()))
    sys.exit(0 if all(table.holds() for table in tables) else 1)


if __name__ == "__main__":
    main()
