"""Where evaluations run: results, exceptions, deaths of workers, interrupts; on this machine and on dask."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import errands
import pytest
from dask_processes import Dask

from rram_nas_comp_pack.errors import BadInput, CannotBeDone
from rram_nas_comp_pack.nas.workers import dask_cluster as module
from rram_nas_comp_pack.nas.workers.dask_cluster import cluster
from rram_nas_comp_pack.nas.workers.engine import Failed
from rram_nas_comp_pack.nas.workers.local import local

HERE = Path(__file__).parent
SQUARES = [x * x for x in range(10)]


@pytest.fixture(scope="module")
def two():
    with local(2) as engine:
        yield engine


@pytest.fixture(scope="module")
def environment():
    paths = os.pathsep.join([str(HERE.parents[1]), str(HERE)])
    return {**os.environ, "PYTHONPATH": paths, "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "1"}


@pytest.fixture(scope="module")
def dask(environment, tmp_path_factory):
    pytest.importorskip("dask.distributed")
    dask = Dask(environment, tmp_path_factory.mktemp("dask") / "log")
    dask.scheduler()
    dask.workers(2)
    yield dask
    dask.stop()


@pytest.fixture
def patient(monkeypatch):
    """Starting dask takes its time on a busy machine."""
    monkeypatch.setattr(module, "ANSWER_S", 30.0)
    monkeypatch.setattr(module, "WORKER_S", 60.0)


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(module, "ANSWER_S", 0.5)


def test_results_come_in_the_order_of_the_tasks_and_progress_is_told(two):
    told = []
    assert two(errands.square, range(10), told.append) == SQUARES
    assert told == list(range(1, 11))
    assert two(errands.square, []) == []


def test_a_task_that_raises_is_failed_in_one_line_and_the_rest_goes_on(two):
    results = two(errands.square_or_raise, range(8))
    assert results[3] == Failed("ValueError: three")
    assert results[5] == Failed("SystemExit: 7")
    assert isinstance(results[6], Failed)
    assert [results[k] for k in (0, 1, 2, 4, 7)] == [0, 1, 4, 16, 49]


def test_a_task_that_cannot_be_pickled_is_failed(two):
    results = two(errands.square, [2, lambda: None, errands.Unreadable()])
    assert results[0] == 4
    assert isinstance(results[1], Failed)
    assert results[2] == Failed("RuntimeError: not here")


def test_a_killed_worker_is_replaced_and_its_task_done_again(two, tmp_path):
    tasks = [(x, str(tmp_path / str(x)) if x in (1, 4) else None) for x in range(10)]
    assert two(errands.die_once, tasks) == SQUARES


def test_who_kills_workers_time_after_time_is_failed_and_nobody_else(two):
    results = two(errands.die_always, range(10))
    assert results[2].error.startswith("worker died")
    assert [r for k, r in enumerate(results) if k != 2] == [s for k, s in enumerate(SQUARES) if k != 2]


def test_a_worker_killed_between_two_calls_is_replaced(two):
    os.kill(two(errands.process_id, [0])[0], signal.SIGKILL)
    assert two(errands.square, range(10)) == SQUARES


def test_processes_are_kept_between_calls_and_have_one_thread():
    with local(1) as engine:
        first, second = (engine(errands.process_id, range(2)) for _ in range(2))
        assert len({*first, *second}) == 1
        assert engine(errands.threads, [0]) == [("1", "1")]


@pytest.mark.parametrize("workers", [1, 2])
def test_the_number_of_workers_changes_nothing(two, workers):
    with local(workers) as engine:
        assert engine(errands.die_always, range(4)) == two(errands.die_always, range(4))


def test_an_interrupt_leaves_the_call_as_one_and_its_workers_are_gone(two):
    def interrupt(_finished):
        raise KeyboardInterrupt

    with local(2) as engine:
        processes = {engine(errands.process_id, [0])[0]}
        with pytest.raises(KeyboardInterrupt):
            engine(errands.square, range(10), interrupt)
        assert not any(alive(p) for p in processes)
        assert engine(errands.square, range(10)) == SQUARES


def alive(process):
    """Whether a process runs; one that merely waits to be collected does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def wait_until(claim):
    deadline = time.monotonic() + 60
    while not claim():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("blow", [signal.SIGINT, signal.SIGKILL])
def test_no_process_outlives_the_program(blow, environment, tmp_path):
    program = subprocess.Popen(
        [sys.executable, str(HERE / "long_run.py"), str(tmp_path)],
        env=environment,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    wait_until(lambda: len(list(tmp_path.iterdir())) == 2)
    workers = [int(path.name) for path in tmp_path.iterdir()]
    # a terminal sends Ctrl-C to the whole group
    (os.killpg if blow == signal.SIGINT else os.kill)(program.pid, blow)
    errors = program.communicate(timeout=60)[1]
    wait_until(lambda: not any(alive(p) for p in workers))
    if blow == signal.SIGINT:
        assert program.returncode == 130
        assert errors == b""


def test_a_cluster_gives_the_results_of_this_machine(two, dask, patient, tmp_path):
    marked = [(x, str(tmp_path / str(x)) if x == 1 else None) for x in range(10)]
    with cluster(dask.address) as engine:
        told = []
        assert engine(errands.square, range(10), told.append) == SQUARES
        assert told == list(range(1, 11))
        assert engine(errands.square_or_raise, range(8)) == two(errands.square_or_raise, range(8))
        assert engine(errands.die_once, marked) == SQUARES


def test_who_kills_workers_of_a_cluster_is_failed_and_nobody_else(two, dask, patient):
    with cluster(dask.address) as engine:
        assert engine(errands.die_always, range(5)) == two(errands.die_always, range(5))


def one_line(text):
    return len(text.splitlines()) == 1


@pytest.mark.parametrize("address", ["tcp://127.0.0.1:9", "nonsense", "ftp://127.0.0.1:9", ""])
def test_an_address_without_a_scheduler_is_bad_input(address, impatient, capfd):
    with pytest.raises(BadInput, match="does not answer") as error, cluster(address):
        pass
    assert one_line(str(error.value))
    assert f"--scheduler: found '{address}'" in str(error.value)
    assert capfd.readouterr().err == ""


def test_a_silent_listener_is_no_scheduler(impatient):
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        with (
            pytest.raises(BadInput, match="does not answer"),
            cluster(f"tcp://127.0.0.1:{listener.getsockname()[1]}"),
        ):
            pass


def test_a_scheduler_without_workers_is_bad_input_and_a_lost_one_ends_the_call(
    environment, tmp_path, patient, monkeypatch, capfd
):
    dask = Dask(environment, tmp_path / "log")
    try:
        scheduler = dask.scheduler()
        wait_until(lambda: answers(dask.address))
        monkeypatch.setattr(module, "WORKER_S", 0.5)
        with pytest.raises(BadInput, match=f"dask worker {dask.address}") as error, cluster(dask.address):
            pass
        assert one_line(str(error.value))
        dask.workers(1)
        monkeypatch.setattr(module, "WORKER_S", 60.0)
        with (
            pytest.raises(CannotBeDone, match="was lost") as error,
            cluster(dask.address) as engine,
        ):
            engine(errands.square, range(10000), lambda finished: finished == 3 and scheduler.kill())
        assert one_line(str(error.value))
        assert capfd.readouterr().err == ""
    finally:
        dask.stop()


def answers(address):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(address.rpartition(":")[2]))) == 0


def test_without_dask_the_command_that_installs_it_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "dask.distributed", None)
    with pytest.raises(BadInput, match=r'pip install "rram-nas-comp-pack\[cluster\]"'), cluster("tcp://x:1"):
        pass


def test_this_machine_needs_no_dask():
    module = "rram_nas_comp_pack.nas.workers.dask_cluster"
    code = f"import sys, {module}; sys.exit('dask' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=HERE.parents[1], check=False).returncode == 0
