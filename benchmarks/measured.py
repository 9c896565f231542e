"""The figures that README and docs state: `python -m benchmarks.measured [NAME ...]` measures them again.

They are those that every machine finds alike: crossbars, bounds, latencies, accuracies, no times. They lie in
docs/measured.json; `tests/test_measured.py` holds the pages to it, and measures the quick ones itself. All
take some ten minutes on two cores; with names, only these are measured and the others stay.
"""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from rram_nas_comp_pack.cli.main import main as rnc

FILE = Path(__file__).parents[1] / "docs" / "measured.json"

FEWEST = "pack --model {} --find-solution"
COPIES = "pack --model {} --num-crossbars {} --duplicate --num-sample {}"
COPIED = [
    *(("mbv3_small", 211, samples) for samples in (1, 8, 64)),
    *(("mbv3_small", 249, 8), ("squeezenet", 82, 8), ("squeezenet", 82, 512)),
    *(("resnet18", 1028, 8), ("resnet18", 1028, 512)),
]

COMMANDS = {
    "mbv3_small": FEWEST.format("mbv3_small"),
    "mbv3_small factor 5": FEWEST.format("mbv3_small") + " --depth-split-factor 5",
    "squeezenet": FEWEST.format("squeezenet"),
    "resnet18": FEWEST.format("resnet18"),
    "mbv3_small 211": "pack --model mbv3_small --num-crossbars 211",
    "squeezenet 82 x 8": COPIES.format("squeezenet", 82, 8),
    **{f"{m} {b} x {n} auto": COPIES.format(m, b, n) for m, b, n in COPIED if m == "mbv3_small"},
    **{f"{m} {b} x {n} dense": COPIES.format(m, b, n) + " --depthwise-mapping dense" for m, b, n in COPIED},
    "search": "evolve --quick --evolute-method ndga --num-crossbars 168 --duplicate --seed 1",
}
"""What is measured, and the command that does it."""


def measure(command: str) -> dict[str, object]:
    """Run a command of the toolkit in a folder that is gone afterwards; return its figures."""
    with TemporaryDirectory() as folder:
        argv = [*shlex.split(command), "--log-dir", folder, "--no-report"]
        if rnc(argv) != 0:
            raise SystemExit(f"{command}: failed")
        (found,) = [*Path(folder).glob("*/*/front.json"), *Path(folder).glob("*/*/result.json")]
        result = json.loads(found.read_text(encoding="utf-8"))
    return _of_search(result) if found.name == "front.json" else _of_run(result)


SAMPLES = (1, 8, 64, 512)
"""Those whose latencies are kept."""


def _of_run(result: dict) -> dict[str, object]:
    """Figures of result.json; speeds are those over the baseline, by the number of samples."""
    evaluations = [e for e in result["evaluations"] if e["num_sample"] in SAMPLES]
    figures = {
        **{
            name: result[name] for name in ("layers", "boxes", "lower_bound", "proved_optimal", "utilization")
        },
        "crossbars": result["crossbars_used"],
        "latency_ms": {str(e["num_sample"]): e["latency_ns"] / 1e6 for e in evaluations},
        "speed": {str(e["num_sample"]): e["baseline_latency_ns"] / e["latency_ns"] for e in evaluations},
        "energy_mj": result["hardware"]["energy_nj"] / 1e6,
        "area_mm2": result["hardware"]["area_um2"] / 1e6,
    }
    copied = result["duplication"]
    if "plain_ns" in copied:
        baseline = copied["baseline_ns"]
        figures |= {"speed_plain": baseline / copied["plain_ns"]}
        figures |= {"speed_margin_tuner": baseline / copied["margin_tuner_ns"]}
    return figures


def _of_search(front: dict) -> dict[str, object]:
    """Figures of front.json: accuracies from 0 to 1, and speeds over the baseline."""
    networks = [
        {
            **{name: each[name] for name in ("validation_accuracy", "test_accuracy")},
            **{f"{how}_speed": each[how]["speed"] for how in ("searched", "tuned")},
            **{name: each["tuned"][name] for name in ("latency_ns", "crossbars", "utilization")},
        }
        for each in front["networks"]
    ]
    return {"hypervolume": front["hypervolume"][-1], "front": networks}


def main(names: list[str]) -> None:
    """Measure what is named, or everything, and write the file."""
    known = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    for name in names or COMMANDS:
        print(name, file=sys.stderr)
        known[name] = {"command": f"rnc {COMMANDS[name]}", **measure(COMMANDS[name])}
        ordered = {name: known[name] for name in COMMANDS if name in known}
        FILE.write_text(json.dumps(ordered, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
