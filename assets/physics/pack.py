"""Packs the tables of this folder from public packages; README.md says what each of them is.

    pip install numpy scipy xraydb==4.5.8 xraylib==4.3.0 spekpy==2.5.4
    python assets/physics/pack.py

Prints what interpolation costs where that is not told by a test.
"""

import json
from importlib.resources import files
from pathlib import Path

import numpy as np
import spekpy
import xraydb
import xraylib

HERE = Path(__file__).parent
LARGEST_Z = 92
LOWEST_KEV, HIGHEST_KEV = 5.0, 150.0
NODES = 46  # energies from the lowest to the highest, at equal ratios
# How far from an edge, relative to its energy, each of its sides is read twice and extrapolated from: Elam's splines step up to
# a few eV beside the edges that he lists.
SIDES = (4e-4, 1.6e-3)
# Momentum transfer x = sin(θ/2)/λ: up to 150 keV scattered backwards, which is 12.1 per ångström.
TRANSFER = np.concatenate([[0.0], np.round(np.geomspace(0.005, 12.5, 96), 5)])
# Momentum of the electron along the transfer, in atomic units; the nodes of Biggs et al.
MOMENTUM = [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2, 2.4, 3, 4, 5, 6, 7, 8, 10, 15, 20,
            30, 40, 60, 100]


# Tungsten tubes: nodes of the tube voltage, of the angle between ray and anode, and of w = (E − 5 keV)/(kVp − 5 keV).
TUBE_KVP = range(40, 151, 10)
TAKE_OFF_DEG = [0.5, 1, 1.5, 2, 3, 4, 6, 8, 11, 15, 20, 26, 34]
TUBE_NODES = 49
# Mean depth of emission in tungsten at 120 kV, in g/cm²: what takes the absorption edges out of the table.
DEPTH_120 = 0.0044
K_EDGE = 69.525  # of tungsten, keV
K_GROWTH = 1.63  # exponent of the overvoltage in the yield of K lines
# Bins of 1 keV in which characteristic lines lie, by their centres.
L_BINS = [7.5, 8.5, 9.5, 10.5, 11.5, 12.5]
K_BINS = [57.5, 59.5, 66.5, 67.5, 69.5]

# Names of materials here and in spekpy, whose definitions are those of PEGS4: ICRU Reports 44 and 46, ICRP Publication 23.
MATERIALS = {
    "air": "Air Dry (Near Sea Level)",
    "water": "Water, Liquid",
    "lung": "Lung Inflated (ICRU)",
    "adipose": "Adipose Tissue (ICRU)",
    "soft-tissue": "Tissue, Soft (ICRP)",
    "muscle": "Muscle Skeletal (ICRU)",
    "blood": "Blood, Whole (ICRU)",
    "trabecular-bone": "Skeletal Spongiosa (ICRU)",
    "cortical-bone": "Bone, Cortical (ICRU)",
    "compact-bone": "Bone, Compact (ICRU)",
    "brain": "Brain, Grey and White Matter (ICRU)",
    "breast": "Breast Tissue (ICRU)",
    "cartilage": "Skeletal Cartilage (ICRU)",
    "eye-lens": "Eye Lens (ICRU)",
    "heart": "Heart, Blood Filled (ICRU)",
    "intestine": "GI-tract Intestine (ICRU)",
    "kidney": "Kidney (ICRU)",
    "liver": "Liver (ICRU)",
    "lung-tissue": "Lung Tissue (ICRU)",
    "pancreas": "Pancreas (ICRU)",
    "red-marrow": "Red Marrow Skeletal (ICRU)",
    "yellow-marrow": "Yellow Marrow, Skeletal (ICRU)",
    "skin": "Skin (ICRU)",
    "spleen": "Spleen (ICRU)",
    "soft-tissue-four-component": "Tissue, Soft Four Component (ICRU)",
    "adipose-icrp": "Adipose Tissue (ICRP)",
    "blood-icrp": "Blood (ICRP)",
    "cortical-bone-icrp": "Bone, Cortical (ICRP)",
    "lung-tissue-icrp": "Lung Tissue (ICRP)",
    "muscle-icrp": "Muscle Skeletal (ICRP)",
    "caesium-iodide": "Cesium Iodide",
    "gadolinium-oxysulphide": "Gadolinium Oxysulfide",
    "calcium-carbonate": "Calcium Carbonate",
    "polyethylene": "Polyethylene",
    "perspex": "Perspex",
}


def text(value):
    return f"{value:.5g}"


def write(name, header, rows):
    lines = [header, *(",".join(row) for row in rows)]
    (HERE / name).write_text("\n".join(lines) + "\n")


def elements():
    rows = ([str(z), xraydb.atomic_symbol(z), f"{xraydb.atomic_mass(z):g}", f"{xraydb.atomic_density(z):g}"]
            for z in range(1, LARGEST_Z + 1))
    write("elements.csv", "Z,symbol,atomic_weight,density_g_cm3", rows)


def materials():
    blocks = []
    for name, known in MATERIALS.items():
        definition = json.loads((files("spekpy") / "data" / "matl_def" / f"{known}.comp").read_text())["composition"]
        composition = ", ".join(f"{xraydb.atomic_symbol(z)} = {share:.6g}" for z, share in definition["elements"])
        blocks.append(f'[[material]] # {known}\nname = "{name}"\ndensity_g_cm3 = {definition["density"]:.6g}\n'
                      f"composition = {{ {composition} }}\n")
    head = "# Materials by name: density, and composition by mass. Made by pack.py; files of one's own have the same form.\n\n"
    (HERE / "materials.toml").write_text(head + "\n".join(blocks))


def partial(z, energy_ev):
    database = xraydb.get_xraydb()
    return [float(database.cross_section_elam(z, energy_ev, kind=kind)) for kind in ("photo", "coh", "incoh")]


def beside(z, energy_kev, side):
    """Coefficients at an energy, or below (-1) or above (1) the edge that is there."""
    if side == 0:
        return partial(z, 1000 * energy_kev)
    near, far = (np.array(partial(z, 1000 * energy_kev * (1 + side * share))) for share in SIDES)
    return near * (near / far) ** (SIDES[0] / (SIDES[1] - SIDES[0]))


def cross_sections():
    """Elam's tables at energies of equal ratios, and on both sides of every absorption edge."""
    def rows():
        for z in range(1, LARGEST_Z + 1):
            edges = [edge.energy / 1000 for edge in xraydb.xray_edges(z).values()]
            edges = sorted(e for e in edges if LOWEST_KEV < e < HIGHEST_KEV)
            nodes = [e for e in np.geomspace(LOWEST_KEV, HIGHEST_KEV, NODES) if all(abs(e / f - 1) > SIDES[1] for f in edges)]
            at_edges = [(e, side) for e in edges for side in (-1, 1)]
            for energy, side in sorted([(e, 0) for e in nodes] + at_edges):
                yield [str(z), f"{energy:.7g}", *map(text, beside(z, energy, side))]

    write("cross_sections_elam.csv", "Z,energy_kev,photoelectric_cm2_g,coherent_cm2_g,incoherent_cm2_g", rows())


def nist():
    tables = files("spekpy") / "data" / "tables"
    table = json.loads((tables / "nist_mu.dat").read_text())
    rows = []
    for z, (energies, values) in enumerate(zip(table["photon energy"], table["mu_over_rho"]), 1):
        inside = [(1000 * e, v) for e, v in zip(energies, values) if LOWEST_KEV / 1000 <= e <= 0.1501]
        rows += [[str(z), f"{e:.7g}", f"{v:.4g}"] for e, v in inside if z <= LARGEST_Z]
    write("attenuation_nist.csv", "Z,energy_kev,attenuation_cm2_g", rows)
    air, water = (json.loads((tables / f"nist_muen_{name}.dat").read_text()) for name in ("air", "water"))
    for name, table in (("air", air), ("water", water)):
        pairs = zip(table["photon energy"], table[f"muen_over_rho_{name}"])
        rows = [[f"{1000 * e:.7g}", f"{v:.4g}"] for e, v in pairs if 0.0039 < e < 0.21]
        write(f"energy_absorption_{name}_nist.csv", "energy_kev,energy_absorption_cm2_g", rows)


def by_element(name, first, nodes, function):
    """One row for each node, one column for each element."""
    header = ",".join([first, *map(str, range(1, LARGEST_Z + 1))])
    write(name, header, ([f"{node:g}", *(text(function(z, node)) for z in range(1, LARGEST_Z + 1))] for node in nodes))


def form_factor(z, x):
    return xraylib.FF_Rayl(z, float(x))


def scattering_function(z, x):
    return xraylib.SF_Compt(z, float(x)) if x > 0 else 0.0


def compton_profile(z, momentum):
    return xraylib.ComptonProfile(z, float(momentum))


def tube(kvp, take_off, width, **parts):
    """Photons per mm² and mAs at 1 m, per keV, of an unfiltered tube along its central ray."""
    spectrum = spekpy.Spek(kvp=kvp, th=take_off, dk=width, z=100, mas=1, physics="casim", **parts)
    energies, fluence = spectrum.get_spectrum(edges=False)
    return energies, fluence / 100


def anode(energies, kvp, take_off):
    """Share of photons that leave tungsten when their depths are exponentially distributed."""
    attenuation = np.array([sum(partial(74, 1000 * e)) for e in energies])
    return 1 / (1 + attenuation * DEPTH_120 * (kvp / 120) ** 2 / np.sin(np.radians(take_off)))


def bremsstrahlung():
    nodes = np.linspace(0, 1, TUBE_NODES)
    for kvp in TUBE_KVP:
        for take_off in TAKE_OFF_DEG:
            energies, fluence = tube(kvp, take_off, 0.1, char=False)
            smooth = fluence * energies / (kvp * anode(energies, kvp, take_off))
            at = LOWEST_KEV + nodes * (kvp - LOWEST_KEV)
            values = np.interp(at, [*energies, kvp], [*smooth, 0.0])
            yield [str(kvp), f"{take_off:g}", *map(text, values)]


def lines():
    for kvp in TUBE_KVP:
        for take_off in TAKE_OFF_DEG:
            # K lines over their growth, which is the same at every voltage; 80 kV stands for those below the edge.
            known = max(kvp, 80)
            growth = (known / K_EDGE - 1) ** K_GROWTH
            of_l, of_k = (dict(zip(*tube(at, take_off, 1.0, brem=False))) for at in (kvp, known))
            yield [str(kvp), f"{take_off:g}", *(text(of_l[e]) for e in L_BINS), *(text(of_k[e] / growth) for e in K_BINS)]


def interpolation_error():
    """Largest error of log-log interpolation between the nodes, away from edges."""
    worst = 0.0
    for z in range(1, LARGEST_Z + 1):
        edges = [edge.energy / 1000 for edge in xraydb.xray_edges(z).values()]
        nodes = np.geomspace(LOWEST_KEV, HIGHEST_KEV, NODES)
        for low, high in zip(nodes, nodes[1:]):
            if not any(low <= edge <= high for edge in edges):
                middle = np.sqrt(low * high)
                a, b, c = (sum(partial(z, 1000 * e)) for e in (low, high, middle))
                worst = max(worst, abs(np.sqrt(a * b) / c - 1))
    return worst


if __name__ == "__main__":
    elements()
    materials()
    cross_sections()
    nist()
    by_element("form_factors.csv", "x_per_angstrom", TRANSFER, form_factor)
    by_element("scattering_functions.csv", "x_per_angstrom", TRANSFER, scattering_function)
    by_element("compton_profiles.csv", "momentum_atomic_units", MOMENTUM, compton_profile)
    write("tungsten_bremsstrahlung.csv", "kvp,take_off_deg," + ",".join(f"w{i}" for i in range(TUBE_NODES)), bremsstrahlung())
    write("tungsten_lines.csv", "kvp,take_off_deg," + ",".join(f"bin_{e}_kev" for e in L_BINS + K_BINS), lines())
    print(f"interpolation of the total: {100 * interpolation_error():.3f} %")
