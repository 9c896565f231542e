"""A program to be interrupted: `long_run.py FOLDER`; its workers leave their process ids there."""

import os
import sys

from errands import report_and_sleep

from rram_nas_comp_pack.nas.workers.local import local


def run(folder):
    try:
        with local(2) as engine:
            engine(report_and_sleep, [folder] * 5)
    except KeyboardInterrupt:
        return 130
    return 0


if __name__ == "__main__":
    os._exit(run(sys.argv[1]))  # as the toolkit's own program ends after an interrupt
