"""A dask cluster on this machine."""

import socket
import subprocess
import sys


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Dask:
    """A scheduler and its workers, as processes."""

    def __init__(self, environment, log):
        self.environment, self.log, self.processes = environment, log, []
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
            )
        self.processes.append(process)
        return process

    def scheduler(self):
        return self.start("scheduler", "--host", "127.0.0.1", "--port", self.address.rpartition(":")[2])

    def workers(self, number):
        return self.start("worker", self.address, "--nthreads", "1", "--nworkers", str(number))

    def stop(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in self.processes:
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
