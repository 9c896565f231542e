"""A dask cluster on this machine."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Dask:
    """A scheduler and its workers, as processes."""

    def __init__(self, environment, log):
        self.environment = {**environment, "DASK_TEMPORARY_DIRECTORY": str(log.parent)}
        self.log, self.processes = log, []
        self.address = f"tcp://127.0.0.1:{free_port()}"

    def start(self, *arguments):
        command = [sys.executable, "-m", "dask", *arguments, "--no-dashboard"]
        with self.log.open("a") as log:
            process = subprocess.Popen(
                command,
                env=self.environment,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                cwd=self.log.parent,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def scheduler(self):
        return self.start("scheduler", "--host", "127.0.0.1", "--port", self.address.rpartition(":")[2])

    def workers(self, number):
        return self.start("worker", self.address, "--nthreads", "1", "--nworkers", str(number))

    def stop(self):
        """Kill all of it, with the processes that workers started: an orderly end takes ten seconds."""
        for process in reversed(self.processes):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
