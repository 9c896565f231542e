"""Folders of searches that nobody ran: many networks in no time."""

import csv
import json

import numpy as np

KERNELS, EXPANSIONS, DEPTHS = (3, 5, 7), (3, 4, 6), (2, 3, 4)
EVALUATED = (
    "generation", "acc", "speed", "latency_ns", "energy_nj", "crossbars", "utilization", "excess", "error",
    "sample",
)  # fmt: skip
POPULATION = 20


def networks(count, seed=0):
    """(accuracy, speed, sample) of each; smaller ones are faster and less accurate."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        ks, e, d = rng.choice(KERNELS, 16), rng.choice(EXPANSIONS, 16), rng.choice(DEPTHS, 4)
        size = (ks.mean() - 3) / 4 + (e.mean() - 3) / 3 + (d.mean() - 2) / 2
        accuracy, speed = 0.9 + 0.02 * size + rng.normal(0, 0.003), 40 / (1 + size) + rng.random()
        found.append((accuracy, speed, {"ks": ks.tolist(), "e": e.tolist(), "d": d.tolist()}))
    return found


def best_of(found):
    """Those that no other beats, fastest first."""
    front = []
    for network in sorted(found, key=lambda n: -n[1]):
        if not front or network[0] > front[-1][0]:
            front.append(network)
    return front


def figures(speed):
    return {
        **{"speed": speed, "latency_ns": 1e7 / speed, "baseline_ns": 1e7, "energy_nj": 3e5},
        **{"crossbars": 168, "utilization": 0.7},
    }


def entry(network, tuned=True):
    accuracy, speed, sample = network
    return {
        **{"sample": sample, "validation_accuracy": accuracy},
        **{"test_accuracy": accuracy - 0.01 if tuned else None, "searched": figures(speed)},
        "tuned": figures(speed * 1.1) if tuned else None,
    }


def with_rows(lines, rows):
    """Lines of a table with the most rows of diagonal boxes, a line in turn, where these are a gene."""
    if rows is None:
        return lines
    header, *others = lines
    return [[*header, "diagonal_rows"], *([*line, rows[i % len(rows)]] for i, line in enumerate(others))]


def write_search(folder, count=200, draw=0, tuned=True, rows_of_boxes=None, **options):
    """Write the folder of a search of `count` networks, with two more that do not fit; returns it."""
    folder.mkdir(parents=True)
    found = networks(count, draw)
    rows = [
        [i // POPULATION, a, s, 1e7 / s, 3e5, 168, 0.7, 0.0, "", json.dumps(sample)]
        for i, (a, s, sample) in enumerate(found)
    ]
    large, broken = (json.dumps(sample) for _, _, sample in networks(2, draw + 1000))
    blank = [0, *[""] * 6]
    rows += [[*blank, 3.0, "", large], [*blank, "inf", "RuntimeError: no", broken]]
    with (folder / "evaluated.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(with_rows([EVALUATED, *rows], rows_of_boxes))
    generations = -(-count // POPULATION)
    volumes = [10 + 5 * np.log1p(g) for g in range(generations)]
    lines = [f"{g},{min(count, (g + 1) * POPULATION)},{v!r}\n" for g, v in enumerate(map(float, volumes))]
    (folder / "hypervolume.csv").write_text("generation,evaluated,hypervolume\n" + "".join(lines))
    front = {
        **{"version": "0.1.0", "objectives": ["acc", "speed"], "dataset": "digits", "accuracy": "calibrate"},
        **{"num_classes": 10, "resolution": 64, "crossbars_budget": 168, "num_sample": 8},
        "networks": [entry(network, tuned) for network in best_of(found)],
    }
    if rows_of_boxes:
        for network, own in zip(front["networks"], best_of(found), strict=True):
            network["diagonal_rows"] = rows_of_boxes[found.index(own) % len(rows_of_boxes)]
    (folder / "front.json").write_text(json.dumps(front))
    usual = {"exp_id": folder.name, "method": "nsga2", "duplicate": True, "seed": 1, "log_dir": folder.parent}
    lines = [f"{name} = {value}\n" for name, value in {**usual, **options}.items()]
    (folder / "logs.log").write_text("[options]\n" + "".join(lines) + "\n[versions]\npython = 3\n")
    return folder
