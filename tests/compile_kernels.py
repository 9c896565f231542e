"""Compiles the kernels by runs that need them, so that two processes of the tests do not both do so.

`make test` calls it beside the type checker and the tests that need no kernels, which come first.
"""

import io
import tempfile
from contextlib import redirect_stdout
from pathlib import Path

from rram_nas_comp_pack.cli.main import main
from tests.cli.judged_runs import judged_nets, run_to_judge

TINY = ("--model", "accuracy_nets:net", "--input-size", "3,8,8", "--num-crossbars", 12)
PACKED = (
    ("--duplicate", "--schedule", "row", *TINY),
    ("--duplicate", "--tuner", "margin", *TINY),
    ("--model", "squeezenet", "--find-solution"),
)
JUDGED = (("ideal", "plain"), ("calibrated", "fault-aware"), ("fixed", "fault-aware-codes"))


def run(*argv):
    """Call the command line. A run that fails would leave kernels to the tests."""
    if status := main([str(each) for each in argv]):
        raise SystemExit(status)


def compile_kernels(place):
    """Write small runs into a folder, and judge one."""
    with judged_nets(place):
        judged = run_to_judge(place)
        for options in PACKED:
            where = ("--log-dir", place / "log", "--no-report", "--tune-effort", 20)
            run("pack", *where, *options)
        for adc, encoding in JUDGED:
            run("accuracy", judged, "--instances", 1, "--images", 2, "--adc", adc, "--encoding", encoding)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place, redirect_stdout(io.StringIO()):
        compile_kernels(Path(place))
