"""`python -m ofa`: trains, resumes and evaluates; bad input is one line and status 2."""

from __future__ import annotations

import configparser
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from statistics import fmean

import pytest
import torch
from few_images import folder

import ofa
from ofa import finetuning, training
from ofa.__main__ import main
from ofa.architecture import configuration
from ofa.options import parse
from ofa.recipe import Noise

pytestmark = pytest.mark.usefixtures("one_thread")


def train(path: Path, *more: str) -> list[str]:
    return [
        "train",
        "--dataset",
        folder(path / "images"),
        "--out",
        str(path / "net"),
        "--device",
        "cpu",
        *more,
    ]


def weights(path: Path) -> list[torch.Tensor]:
    return list(ofa.load_checkpoint(path).state_dict().values())


def test_a_run_closes_with_a_table_whose_subnets_evaluate_alike(tmp_path, capsys):
    assert main(train(tmp_path, "--epochs", "1,0,0,1", "--seed", "3")) == 0
    out, err = capsys.readouterr()
    head, *rows = out.splitlines()
    assert head == "subnet     validation       test  configuration"
    wanted = ["largest", "smallest", *(f"random {i}" for i in range(1, 21)), "mean"]
    assert [row[:10].strip() for row in rows] == wanted
    assert rows[0].endswith('  {"ks": 7, "e": 6, "d": 4}')
    columns = [[float(row[start : start + 10]) for row in rows] for start in (11, 22)]
    assert [column[-1] for column in columns] == pytest.approx([fmean(c[2:-1]) for c in columns], abs=1e-4)
    lines = err.splitlines()
    assert [line.partition(": loss ")[0] for line in lines] == [
        "full 1/1, epoch 1/2",
        "expansion 1/1, epoch 2/2",
    ]
    assert "accuracy" in lines[0]
    _, accuracy, tested, subnet = rows[1].split(maxsplit=3)
    same = ["--checkpoint", str(tmp_path / "net"), "--dataset", f"folder:{tmp_path / 'images'}"]
    assert main(["evaluate", *same, "--subnet", subnet, "--device", "cpu"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert round(found["accuracy"], 4) == float(accuracy)
    assert (found["subnet"], found["split"], found["images"]) == ({"ks": 3, "e": 3, "d": 2}, "validation", 3)
    assert main(["evaluate", *same, "--subnet", subnet, "--split", "test"]) == 0
    assert round(json.loads(capsys.readouterr().out)["accuracy"], 4) == float(tested)
    assert main(["evaluate", *same]) == 0
    assert json.loads(capsys.readouterr().out)["subnet"] == {"ks": 7, "e": 6, "d": 4}
    assert main(train(tmp_path, "--epochs", "1,0,0,1", "--seed", "3", "--resume")) == 0
    assert capsys.readouterr() == (out, "")


def test_a_finished_file_is_halved_at_once_or_later_to_the_same_bytes(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ofa.commands.RANDOM_SUBNETS", 1)
    options = ["--epochs", "1,0,0,1"]
    argv = train(tmp_path, *options)
    other = [part.replace(str(tmp_path / "net"), str(tmp_path / "other.pth")) for part in argv]
    assert main([*argv, "--half"]) == 0
    table = capsys.readouterr().out
    assert main(other) == 0
    large = (tmp_path / "other.pth").stat().st_size
    capsys.readouterr()
    for _ in range(2):
        assert main([*other, "--half", "--resume"]) == 0
        assert capsys.readouterr() == (table, "")
        assert (tmp_path / "other.pth").read_bytes() == (tmp_path / "net").read_bytes()
    assert (tmp_path / "net").stat().st_size < 0.55 * large
    held = torch.load(tmp_path / "net", weights_only=True)
    assert {tensor.dtype for tensor in held["state_dict"].values()} == {torch.float16, torch.int64}
    assert held["training"].keys() == {"recipe", "epoch", "phase"}
    assert (held["training"]["epoch"], held["training"]["phase"]) == (2, None)
    assert {tensor.dtype for tensor in weights(tmp_path / "net")} == {torch.float32, torch.int64}


def test_an_interrupted_run_keeps_its_last_whole_epoch_and_goes_on(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ofa.commands.RANDOM_SUBNETS", 1)
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    assert main(train(whole, "--epochs", "2,0,0,1")) == 0
    table = capsys.readouterr().out
    step, calls = training._backward, []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return step(*args)

    # the seed of a run counts, not where its images are
    (cut / "images").parent.mkdir()
    again = [
        part.replace(str(cut / "images"), str(whole / "images")) for part in train(cut, "--epochs", "2,0,0,1")
    ]
    with monkeypatch.context() as patch:
        patch.setattr(training, "_backward", interrupted)
        assert main(again) == 130
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == f"ofa: interrupted; {cut / 'net'} holds 1 of 3 epochs; --resume goes on"
    assert torch.load(cut / "net", weights_only=True)["training"]["epoch"] == 1
    assert main([*again, "--resume"]) == 0
    assert capsys.readouterr().out == table
    pairs = zip(weights(whole / "net"), weights(cut / "net"), strict=True)
    assert all(torch.equal(one, other) for one, other in pairs)


def test_interrupted_in_the_first_epoch_nothing_is_written(tmp_path, capsys, monkeypatch):
    def interrupted(*_args):
        raise KeyboardInterrupt

    monkeypatch.setattr(training, "_backward", interrupted)
    assert main(train(tmp_path)) == 130
    assert capsys.readouterr().err.splitlines()[-1] == "ofa: interrupted; nothing was written"
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_a_loss_that_is_not_finite_ends_the_run_and_the_file_keeps_the_last_good_epoch(
    tmp_path, capsys, monkeypatch
):
    step, losses = training._backward, iter([1.0, 1.0, float("nan")])
    monkeypatch.setattr(training, "_backward", lambda *args: step(*args)._replace(loss=next(losses)))
    assert main(train(tmp_path, "--epochs", "3,0,0,0")) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == (
        "ofa: train: found a loss of nan in epoch 3; allowed is a learning_rate below 0.002, "
        f"or another --optimizer; {tmp_path / 'net'} holds 2 of 3 epochs"
    )
    assert torch.load(tmp_path / "net", weights_only=True)["training"]["epoch"] == 2
    assert all(tensor.isfinite().all() for tensor in weights(tmp_path / "net"))


def finetune(path: Path, *more: str) -> list[str]:
    """Fine-tune the smallest subnet of a fresh supernet for the same images."""
    if not (path / "supernet").exists():
        torch.manual_seed(0)
        ofa.save_checkpoint(ofa.build_supernet(3), path / "supernet")
    own = ["--checkpoint", str(path / "supernet"), "--subnet", '{"ks": 3, "e": 3, "d": 2}']
    return ["finetune", *train(path, *own, *more)[1:]]


def test_a_fine_tuned_subnet_closes_with_what_it_was_and_is_worth(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("ofa.commands.DRAWN_CHIPS", 2)
    argv = finetune(tmp_path, "--noise", "2,1,5", "--encoding", "fault-aware", "--epochs", "1")
    assert main(argv) == 0
    out, err = capsys.readouterr()
    line = json.loads(out)
    assert line["out"] == str(tmp_path / "net")
    assert line["subnet"] == {"ks": 3, "e": 3, "d": 2}
    assert line["noise"] == {
        "stuck_high": 0.02, "stuck_low": 0.01, "variation": 0.05, "encoding": "fault-aware"
    }  # fmt: skip
    assert (
        line["before"].keys() == line["after"].keys() == {"validation", "test", "noisy_mean", "noisy_worst"}
    )
    assert err.startswith("epoch 1/1: loss ")
    assert main([*argv, "--resume"]) == 0
    assert capsys.readouterr() == (out, "")
    subnet = ofa.load_subnet(tmp_path / "net", configuration(3, 3, 2))
    images = ofa.load_images(f"folder:{tmp_path / 'images'}")
    assert ofa.accuracy(subnet, images.test) == line["after"]["test"]


def test_fine_tuning_that_is_interrupted_keeps_its_last_whole_epoch_and_goes_on(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("ofa.commands.DRAWN_CHIPS", 1)
    argv = finetune(tmp_path, "--epochs", "2")
    epoch, calls = finetuning.finetune_epoch, []

    def interrupted(*args):
        calls.append(args)
        if len(calls) == 2:
            raise KeyboardInterrupt
        epoch(*args)

    monkeypatch.setattr("ofa.commands.finetune_epoch", interrupted)
    assert main(argv) == 130
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == f"ofa: interrupted; {tmp_path / 'net'} holds 1 of 2 epochs; --resume goes on"
    monkeypatch.setattr("ofa.commands.finetune_epoch", epoch)
    assert main([*argv, "--resume"]) == 0
    assert torch.load(tmp_path / "net", weights_only=True)["finetuning"]["epoch"] == 2


def test_a_supernet_is_trained_under_noise_and_goes_on_with_the_same_noise_alone(
    tmp_path, capsys, monkeypatch
):
    monkeypatch.setattr("ofa.commands.RANDOM_SUBNETS", 1)
    argv = train(tmp_path, "--epochs", "1,0,0,1", "--noise", "1,1")
    assert main(argv) == 0
    table = capsys.readouterr().out
    held = torch.load(tmp_path / "net", weights_only=True)["training"]["recipe"]
    assert held["noise"] == {"stuck_high": 0.01, "stuck_low": 0.01, "variation": 0.0, "encoding": "plain"}
    assert main([*argv, "--resume"]) == 0
    assert capsys.readouterr().out == table
    assert main([*argv, "--resume", "--encoding", "fault-aware"]) == 2
    assert "found a run with noise {" in capsys.readouterr().err
    assert main([*argv[:-2], "--resume"]) == 2


HERE = ["train", "--out", "net"]
TUNED = ["finetune", "--checkpoint", "net", "--out", "new"]
JUDGED = ["evaluate", "--checkpoint", "net"]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ([], "the following arguments are required: COMMAND"),
        (["train"], "the following arguments are required: --out"),
        ([*HERE, "--epochs", "0"], "--epochs: found '0', allowed is one number or four"),
        ([*HERE, "--epochs", "1,2"], "--epochs: found '1,2', allowed is one number or four"),
        ([*HERE, "--epochs", "1,2,3,x"], "--epochs: found '1,2,3,x', allowed is one number or four"),
        ([*HERE, "--seed", "-1"], "--seed: found '-1', allowed is a whole number from 0"),
        (
            [*HERE, "--dataset", "mnist"],
            "--dataset: found 'mnist', allowed are clutter, digits, cifar10 and folder:PATH",
        ),
        ([*HERE, "--optimizer", "adam"], "--optimizer: invalid choice: 'adam'"),
        ([*JUDGED, "--subnet", "[3]"], "--subnet: found '[3]', allowed is a JSON object like"),
        ([*JUDGED, "--subnet", '{"k": 3}'], "--subnet: found '{\"k\": 3}', allowed is a JSON object like"),
        ([*JUDGED, "--subnet", '{"e": 5}'], "--subnet: e: found 5, allowed are 3, 4, 6"),
        ([*JUDGED, "--subnet", '{"d": null}'], "--subnet: d: found None, allowed are 2, 3, 4"),
        (["finetune"], "the following arguments are required: --checkpoint, --out"),
        ([*TUNED, "--noise", "1"], "--noise: found '1', allowed is percentages like 1,1 or 1,1,5"),
        ([*TUNED, "--noise=-1,1"], "--noise: found '-1,1', allowed is percentages"),
        (
            [*TUNED, "--noise", "60,50"],
            "noise: found 60 % and 50 % of the cells stuck, allowed",
        ),
        ([*TUNED, "--noise", "1,1,200"], "found a variation of 200 %, allowed: 0 to 100 %"),
        ([*TUNED, "--encoding", "clever"], "--encoding: invalid choice: 'clever'"),
        ([*TUNED, "--epochs", "0"], "--epochs: found '0', allowed is a whole number from 1"),
        ([*TUNED], "net: cannot be read: No such file or directory"),
        ([*TUNED[:-1], "file"], "--out: found file, which exists; allowed: a new file, or --resume"),
        ([*HERE, "--encoding", "plain"], "--encoding: found 'plain' without noise, allowed is with --noise"),
        ([*HERE, "--device", "tpu"], "--device: found 'tpu', allowed here: cpu"),
        (JUDGED, "net: cannot be read: No such file or directory"),
        ([*HERE, "--resume"], "net: cannot be read: No such file or directory"),
        ([*HERE, "--dataset", "folder:none"], "none: "),
        (["train", "--out", "file/net"], "--out: file/net: cannot be written: "),
        (["train", "--out", "n" * 300], f"--out: {'n' * 300}: cannot be written: File name too long"),
        # the file alone could be written, not what it is written into first
        (["train", "--out", "n" * 250], f"--out: {'n' * 250}: cannot be written: File name too long"),
        ([*HERE, "--dataset", f"folder:{'d' * 300}"], f"{'d' * 300}: File name too long"),
        ([*JUDGED[:-1], "a\nb"], "a b: cannot be read: No such file or directory"),
        ([*HERE, "--dataset", "folder:a\nb"], r"--dataset: found 'folder:a\nb', allowed are"),
        (["train", "--out", ".", "--resume"], ".: cannot be read: "),
        (["train", "--out", "file"], "--out: found file, which exists; allowed: a new file, or --resume"),
    ],
)
def test_bad_input_is_one_line_and_status_2(tmp_path, capsys, monkeypatch, argv, said):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert main(argv) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.startswith("ofa: ")
    assert said in err


def test_a_name_that_passes_the_check_can_be_written(tmp_path, monkeypatch):
    from ofa.checkpoint import write_whole
    from ofa.commands import _check_out

    path = tmp_path / ("n" * 240 + ".pth")
    _check_out(path, resume=False)
    assert list(tmp_path.iterdir()) == []
    write_whole({}, path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_status_1_and_the_last_epoch_stays(tmp_path, capsys, monkeypatch):
    sync, calls = os.fsync, []

    def full(file):
        calls.append(file)
        if len(calls) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        sync(file)

    monkeypatch.setattr(os, "fsync", full)
    assert main(train(tmp_path, "--epochs", "2,0,0,0")) == 1
    path = tmp_path / "net"
    error = capsys.readouterr().err.splitlines()[-1]
    assert error == f"ofa: {path}: cannot be written: No space left on device; {path} holds 1 of 2 epochs"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["images", "net"]


def run(*argv: str, before: str = "", cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """`python -m ofa` by a shell, with output that is buffered."""
    root = Path(ofa.__file__).parents[1]
    own = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    asked = [*("bash", "-c", f'"$@" {before}', "bash"), *(sys.executable, "-m", "ofa"), *argv]
    return subprocess.run(
        asked, cwd=cwd, env={**own, "PYTHONPATH": str(root)}, capture_output=True, text=True, check=False
    )


def test_output_that_cannot_be_written_is_one_line_and_status_1(tmp_path):
    data = folder(tmp_path / "images")
    ofa.save_checkpoint(ofa.build_supernet(3), tmp_path / "net")
    argv = ["evaluate", "--checkpoint", str(tmp_path / "net"), "--dataset", data, "--device", "cpu"]
    for asked in (argv, ["--help"]):
        done = run(*asked, before="> /dev/full")
        assert (done.returncode, done.stderr) == (1, "ofa: output: No space left on device\n")
    closed = run(*argv, before=">&-")
    assert (closed.returncode, closed.stderr) == (1, "ofa: output: standard output is closed\n")


@pytest.mark.parametrize("module", ["argparse", "numpy", "torch"])
def test_an_interrupt_while_modules_are_loaded_is_one_line(tmp_path, module):
    (tmp_path / f"{module}.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = run("evaluate", "--checkpoint", "net", cwd=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "ofa: interrupted\n")


def test_another_number_of_classes_is_refused(tmp_path, capsys):
    ofa.save_checkpoint(ofa.build_supernet(7), tmp_path / "net")
    assert main(["evaluate", "--checkpoint", str(tmp_path / "net"), "--device", "cpu"]) == 2
    assert "found 7 classes, allowed are the 10 of the images" in capsys.readouterr().err


def test_one_number_of_epochs_is_for_every_phase():
    assert parse([*HERE, "--epochs", "3"]).recipe.epochs == (3, 3, 3, 3)
    assert parse([*HERE, "--epochs", "3,0,1,2"]).recipe.epochs == (3, 0, 1, 2)
    assert parse(HERE).recipe.dataset == "digits"


def test_noise_is_in_percent_and_by_default_that_of_the_shipped_chip():
    hardware = configparser.ConfigParser()
    hardware.read(Path(ofa.__file__).parents[1] / "SimConfig.ini")
    device = hardware["Device level"]
    text = f"{device['Device_SAF']},{device['Device_Variation']}".replace(" ", "")
    assert (
        parse(TUNED).recipe.noise == parse([*TUNED, "--noise", text]).recipe.noise == Noise(0.01, 0.01, 0.01)
    )
    assert parse(HERE).recipe.noise is None
    own = parse([*TUNED, "--noise", "10,2.5", "--encoding", "fault-aware"]).recipe.noise
    assert own == Noise(0.1, 0.025, 0.0, "fault-aware")


def test_help_and_bad_options_answer_without_torch():
    code = "import sys; from ofa.__main__ import main\ntry: print(main(sys.argv[1:]))\n"
    code += "except SystemExit as end: print(end.code)\nassert 'torch' not in sys.modules"
    for argv, status in (
        (["--help"], "0"),
        (["train", "--help"], "0"),
        (["finetune", "--help"], "0"),
        (["evaluate", "--no"], "2"),
    ):
        done = subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True, check=True)
        assert done.stdout.splitlines()[-1] == status
    asked = [sys.executable, "-m", "ofa", "train", "--seed", "x"]
    refused = subprocess.run(asked, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("what", ["pipe", "link to a pipe", "link", "link where the file is made"])
def test_what_is_no_file_in_the_checkpoint_s_place_stays(tmp_path, capsys, what):
    mine, net = tmp_path / "mine", tmp_path / "net"
    mine.write_text("mine")
    if "pipe" in what:
        os.mkfifo(tmp_path / "pipe")
    target = {"pipe": "net", "link to a pipe": "pipe", "link": "mine"}.get(what, "mine")
    if what == "pipe":
        (tmp_path / "pipe").rename(net)
    elif what == "link where the file is made":
        (tmp_path / ".net.partial").symlink_to(target)
    else:
        net.symlink_to(target)
    before = sorted(p.name for p in tmp_path.iterdir())
    assert main(["train", "--out", str(net)]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "--out: " in err
    assert sorted(p.name for p in tmp_path.iterdir()) == before
    assert mine.read_text() == "mine"


def test_a_checkpoint_at_the_end_of_a_link_is_written_there(tmp_path):
    from ofa.checkpoint import write_whole

    (tmp_path / "disk").mkdir()
    (tmp_path / "net").symlink_to("disk/net")
    for content in ({"a": 1}, {"a": 2}):
        write_whole(content, tmp_path / "net")
        assert torch.load(tmp_path / "disk" / "net", weights_only=True) == content
    assert os.readlink(tmp_path / "net") == "disk/net"
    assert os.listdir(tmp_path / "disk") == ["net"]


def test_sigterm_ends_training_as_ctrl_c_does(tmp_path, capsys, monkeypatch):
    def terminated(*_args):
        os.kill(os.getpid(), signal.SIGTERM)

    monkeypatch.setattr(training, "_backward", terminated)
    assert main(train(tmp_path)) == 143
    assert capsys.readouterr().err.splitlines()[-1] == "ofa: terminated; nothing was written"
    assert [path.name for path in tmp_path.iterdir()] == ["images"]
