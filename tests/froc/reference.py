"""Counts hits and false marks of marks.csv by the rules of LUNA16, apart from kerma, and prints expected.csv.

python reference.py draw   writes truth.csv, excluded.csv, scans.csv and marks.csv by a seed
python reference.py        prints the answers: name, value
Needs numpy and scikit-learn (written with 2.4.6 and 1.9.1). The curve is that of scikit-learn over all nodules found and false
marks, read at seven rates by numpy.interp; a sweep over thresholds without either must agree.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_curve

HERE = Path(__file__).parent
RATES = [0.125, 0.25, 0.5, 1, 2, 4, 8]
DEPTH_MM = 24.0
HEAD = ["seriesuid", "coordX", "coordY", "coordZ"]


def draw():
    random = np.random.default_rng(20)
    scans = [f"scan-{k:02}" for k in range(11)]
    truth, excluded, marks = [], [], []
    for k, scan in enumerate(scans):
        place = lambda: random.integers(-100, 101, 3).astype(float)
        for _ in range(0 if k in (4, 9) else random.integers(1, 6)):
            d = float(random.integers(4, 17))
            centre = place()
            truth.append([scan, *centre, d])
            for _ in range(random.choice(4, p=[0.25, 0.4, 0.25, 0.1])):  # missed, hit, hit twice, three times
                offset = random.normal(size=3)
                offset *= random.uniform(0, 0.6) * d / np.linalg.norm(offset)
                offset[1] *= random.choice([1, 1, 2])  # depth is less sure
                size = round(d * random.uniform(0.7, 1.2), 2)
                marks.append([scan, *np.round(centre + offset, 2), size, round(random.integers(6, 20) / 20, 2)])
        for _ in range(random.integers(0, 3)):
            centre = place()
            excluded.append([scan, *centre, -1 if random.random() < 0.3 else float(random.integers(4, 9))])
            marks.append([scan, *centre, 5.0, round(random.integers(1, 20) / 20, 2)])
        for _ in range(0 if k == 9 else 10):
            marks.append([scan, *place(), float(random.integers(3, 9)), round(random.integers(1, 15) / 20, 2)])
    # One mark in two nodules, one on a surface, one in a nodule and in an excluded finding, one false mark twice.
    truth += [["scan-00", 150, 0, 0, 10], ["scan-00", 156, 0, 0, 10], ["scan-01", 150, 0, 0, 10], ["scan-02", 150, 0, 0, 10]]
    excluded += [["scan-02", 153, 0, 0, 8]]
    marks += [["scan-00", 153, 0, 0, 9, 0.85], ["scan-01", 153, 4, 0, 9, 0.95], ["scan-02", 152, 0, 0, 9, 0.7]]
    marks += 2 * [["scan-03", 180, 0, 0, 9, 0.65]]
    write("truth.csv", HEAD + ["diameter_mm"], truth)
    write("excluded.csv", HEAD + ["diameter_mm"], excluded)
    write("marks.csv", HEAD + ["diameter_mm", "probability"], [marks[i] for i in random.permutation(len(marks))])
    write("scans.csv", None, [[scan] for scan in scans])


def write(name, head, rows):
    plain = lambda value: value if isinstance(value, str) else f"{value:g}"
    with open(HERE / name, "w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerows([head] if head else [])
        out.writerows([[plain(value) for value in row] for row in rows])


def rows(name):
    with open(HERE / name, newline="") as file:
        return [(row["seriesuid"], {k: float(v) for k, v in row.items() if k != "seriesuid"}) for row in csv.DictReader(file)]


def sphere(offset, d):
    return sum(c**2 for c in offset) < (d / 2) ** 2


def in_plane(offset, d):
    return offset[0] ** 2 + offset[2] ** 2 < (d / 2) ** 2 and abs(offset[1]) < DEPTH_MM / 2


def events(hits, sizes=(0, np.inf)):
    """Scores of nodules found (None: missed), scores of false marks, errors of size with scores."""
    found, false, errors = [], [], []
    truth, excluded, marks = rows("truth.csv"), rows("excluded.csv"), rows("marks.csv")
    # A finding without a diameter has 10 mm.
    excluded = [(s, dict(n, diameter_mm=10.0 if n["diameter_mm"] < 0 else n["diameter_mm"])) for s, n in excluded]
    counted = [(s, n) for s, n in truth if sizes[0] <= n["diameter_mm"] < sizes[1]]
    near = lambda n, m: hits([m[c] - n[c] for c in HEAD[1:]], n["diameter_mm"])
    for scan, nodule in counted:
        of = [m for s, m in marks if s == scan and near(nodule, m)]
        # Of equal scores the nearest, which the size alone depends on.
        distance = lambda m: sum((m[c] - nodule[c]) ** 2 for c in HEAD[1:])
        best = max(of, key=lambda m: (m["probability"], -distance(m)), default=None)
        found.append(best and best["probability"])
        if best:
            errors.append((best["diameter_mm"] - nodule["diameter_mm"], best["probability"]))
    for scan, mark in marks:
        if not any(s == scan and near(n, mark) for s, n in truth + excluded):
            false.append(mark["probability"])
    return found, false, errors


def sensitivities(found, false, scans):
    hit = [score for score in found if score is not None]
    rate, share, _ = roc_curve([1] * len(hit) + [0] * len(false), hit + false)
    by_curve = np.interp(RATES, rate * len(false) / scans, share * len(hit) / len(found))
    points = [(0.0, 0.0)]
    for threshold in sorted(set(hit + false), reverse=True):
        count = lambda scores: sum(score >= threshold for score in scores)
        points.append((count(false) / scans, count(hit) / len(found)))
    by_sweep = []
    for rate in RATES:
        below = max(i for i, p in enumerate(points) if p[0] <= rate)
        (x0, y0), (x1, y1) = points[below], points[min(below + 1, len(points) - 1)]
        by_sweep.append(y0 if x1 == x0 else y0 + (y1 - y0) * (rate - x0) / (x1 - x0))
    assert np.allclose(by_curve, by_sweep, atol=1e-12), (by_curve, by_sweep)
    return by_curve


def main():
    scans = len((HERE / "scans.csv").read_text().split())
    print("name,value")
    for name, rule, sizes in [
        ("sphere", sphere, (0, np.inf)),
        ("in-plane", in_plane, (0, np.inf)),
        ("small", sphere, (4, 8)),
        ("large", sphere, (8, 17)),
    ]:
        found, false, errors = events(rule, sizes)
        for rate, value in zip(RATES, sensitivities(found, false, scans)):
            print(f"{name}.{rate:g},{value:.12f}")
        print(f"{name}.cpm,{np.mean(sensitivities(found, false, scans)):.12f}")
        hits = sum(score is not None and score >= 0.5 for score in found)
        wrong = sum(score >= 0.5 for score in false)
        print(f"{name}.sensitivity,{hits / len(found):.12f}")
        print(f"{name}.precision,{hits / (hits + wrong):.12f}")
        print(f"{name}.bias,{np.median([e for e, score in errors if score >= 0.5]):.12f}")
        print(f"{name}.nodules,{len(found)}\n{name}.missed,{found.count(None)}\n{name}.false,{len(false)}")


draw() if sys.argv[1:] == ["draw"] else main()
