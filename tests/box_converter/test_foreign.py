"""Whatever a user's network raises, prints and upsets: one line comes out, and the process is as before."""

from __future__ import annotations

import locale
import os
import sys
import warnings
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
import torch
from torch import Tensor, nn
from traced import Net

from rram_nas_comp_pack import load as source
from rram_nas_comp_pack.box_converter.foreign import reason, undisturbed
from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.load import load_network


class Silent(BaseException):
    """An error whose text cannot be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


class Odd(BaseException):
    """An error whose class has no name that can be had."""

    class Meta(type):
        @property
        def __name__(cls) -> str:  # type: ignore[override]
            raise ValueError("no name")


class Nameless(Exception, metaclass=Odd.Meta):
    """See above."""


ERRORS = [
    BaseException("first\nsecond"),
    Silent(),
    Nameless("text"),
    SystemExit(0),
    SystemExit(Silent()),
    GeneratorExit(),
    StopIteration(),
    MemoryError(),
    RecursionError("deep"),
    ModuleNotFoundError("gone", name=Silent()),  # type: ignore[arg-type]
    BaseExceptionGroup("several", [ValueError()]),
    ValueError("\ud800\x1b[31m\0 \x85\u2028 text"),
    ValueError("x" * 10**6),
]


def plain() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 4))


class Running(nn.Module):
    """A network that does something while it runs."""

    def __init__(self, act: Any) -> None:
        super().__init__()
        self.act, self.fc = act, nn.Linear(12, 4)

    def forward(self, x: Tensor) -> Any:
        self.act()
        return self.fc(x.flatten(1))


def loaded(monkeypatch: pytest.MonkeyPatch, make: Any) -> Any:
    """Load what `make` builds, as `--model nets:make` does."""
    module = type(sys)("nets_of_this_test")
    module.make = make  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "nets_of_this_test", module)
    return load_network("nets_of_this_test:make", (3, 2, 2))


def refusal(monkeypatch: pytest.MonkeyPatch, make: Any) -> str:
    with pytest.raises(BadInput) as caught:
        loaded(monkeypatch, make)
    text = str(caught.value)
    assert text.isprintable()
    assert text.startswith("nets_of_this_test:make ")
    assert len(text) < 600
    return text


def raiser(error: BaseException) -> Any:
    def act() -> None:
        raise error

    return act


@pytest.mark.parametrize("error", ERRORS, ids=range(len(ERRORS)))
def test_whatever_a_builder_or_a_run_raises_is_one_line(
    monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    assert "cannot be built (" in refusal(monkeypatch, raiser(error))
    assert "does not run on an input of 1x3x2x2 (" in refusal(monkeypatch, lambda: Running(raiser(error)))


def test_a_reason_is_the_class_and_the_first_line() -> None:
    assert reason(BaseException("\nfirst\nsecond")) == "BaseException: first"
    assert reason(Silent()) == "Silent: no message"
    assert reason(Nameless("text")) == "Nameless: text"
    assert reason(SystemExit(2)) == "SystemExit: 2"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), KeyboardInterrupt(Silent())])
def test_an_interrupt_stays_an_interrupt(monkeypatch: pytest.MonkeyPatch, error: KeyboardInterrupt) -> None:
    for make in (raiser(error), lambda: Running(raiser(error))):
        with pytest.raises(KeyboardInterrupt) as caught:
            loaded(monkeypatch, make)
        assert caught.value.args == ()


@pytest.mark.parametrize(
    "code",
    ["raise BaseException('x')", "import sys; sys.exit('bye')", "raise GeneratorExit", "def (:", "x = 1\0"],
)
def test_whatever_an_import_raises_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    (tmp_path / "nets_that_raise.py").write_text(code)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    with pytest.raises(BadInput, match=r"^cannot import nets_that_raise ") as caught:
        load_network("nets_that_raise:make")
    assert str(caught.value).isprintable()


def test_a_lookup_that_raises_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets_without_names.py").write_text("def __getattr__(name):\n    raise KeyError(name)\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadInput, match=r"cannot be looked up \(KeyError"):
        load_network("nets_without_names:make")
    monkeypatch.delitem(sys.modules, "nets_without_names")


class Disguised:
    """No module, whatever its class says."""

    __class__ = nn.Linear  # type: ignore[assignment]


class Masked:
    """Something that does not tell its class."""

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        raise ValueError("no class")


@pytest.mark.parametrize("make", [Disguised, Masked, lambda: Mock(spec=nn.Linear), list, lambda: None])
def test_what_only_looks_like_a_module_is_refused(monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    kind = type(make()).__name__
    assert refusal(monkeypatch, make).endswith(f" returned {kind}, not a torch.nn.Module")


class Unmade(nn.Module):
    """A module that forgot the constructor of its base."""

    def __init__(self) -> None:
        self.size = 3


class Answerless(nn.Module):
    """A module whose attributes cannot be had."""

    def __getattr__(self, name: str) -> Any:
        raise KeyError(name)


class Sleepless(nn.Module):
    """A module that cannot be put into evaluation mode."""

    def eval(self) -> Any:
        raise Silent


class Within(nn.Sequential):
    """A module that contains itself."""

    def __init__(self) -> None:
        super().__init__(nn.Flatten(), nn.Linear(12, 4))
        self.add_module("again", self)


def hooked() -> nn.Module:
    net = plain()
    net.register_forward_hook(lambda *_: 1 / 0)
    return net


def half_on_meta() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(12, 4), nn.Linear(4, 4, device="meta"))


def with_text_for_a(kind: str) -> Any:
    def make() -> nn.Module:
        net = plain()
        getattr(net, kind)["odd"] = "text"
        return net

    return make


def empty() -> nn.Module:
    with warnings.catch_warnings(action="ignore"):
        return nn.Sequential(nn.Flatten(), nn.Linear(12, 0))


def anew() -> nn.Module:
    return Net(lambda net, x: nn.Module.__setattr__(net, "fc", nn.Linear(12, 4)) or net.fc(x.flatten(1)))


BROKEN = [Unmade, Answerless, Sleepless, Within, nn.Module, hooked, half_on_meta, empty, anew]
BROKEN += [with_text_for_a("_modules"), with_text_for_a("_parameters")]


@pytest.mark.parametrize("make", BROKEN)
def test_a_module_that_is_broken_is_one_line(monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    refusal(monkeypatch, make)


def test_a_run_may_return_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    for odd in (Masked(), None, (n for n in ()), Silent()):
        net = Net(lambda net, x, odd=odd: (net.fc(x.flatten(1)), odd)[1], fc=nn.Linear(12, 4))
        assert len(loaded(monkeypatch, lambda net=net: net).layers) == 1


def upset() -> None:
    """Change all of the process that a network plausibly changes."""
    sys.path = []
    os.chdir("/")
    locale.setlocale(locale.LC_ALL, "C")
    warnings.simplefilter("error")
    sys.stdout = None  # type: ignore[assignment]
    sys.setrecursionlimit(2000)


@pytest.mark.parametrize("make", [lambda: upset() or plain(), lambda: Running(upset)])
def test_the_process_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Any) -> None:
    def state() -> tuple[Any, ...]:
        return (
            *(list(sys.path), os.getcwd(), locale.setlocale(locale.LC_ALL), list(warnings.filters)),
            *(sys.stdout, sys.stderr, sys.getrecursionlimit()),
        )

    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    before = state()
    assert len(loaded(monkeypatch, make).layers) == 1
    assert state() == before


def test_entries_that_a_builder_adds_to_the_path_serve_its_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "part_of_a_net.py").write_text("OUT = 4\n")
    monkeypatch.setattr(sys, "path", list(sys.path))

    def late() -> None:
        import part_of_a_net  # type: ignore[import-not-found]

        assert part_of_a_net.OUT == 4

    def make() -> nn.Module:
        sys.path.append(str(tmp_path))
        return Running(late)

    assert len(loaded(monkeypatch, make).layers) == 1


def noise() -> None:
    print("by print")
    sys.stdout.flush()
    sys.stdout.buffer.write(b"by buffer\n")
    os.write(1, b"by descriptor\n")
    os.system("echo by a program")


@pytest.mark.parametrize("make", [lambda: noise() or plain(), lambda: Running(noise)])
def test_what_a_network_prints_goes_to_standard_error(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], make: Any
) -> None:
    loaded(monkeypatch, make)
    out, err = capfd.readouterr()
    assert out == ""
    assert all(f"by {what}" in err for what in ("print", "buffer", "descriptor", "a program"))


def test_a_stream_that_was_closed_is_opened_again(capfd: pytest.CaptureFixture[str]) -> None:
    mine = os.fdopen(os.dup(1), "w")
    out, sys.stdout = sys.stdout, mine
    try:
        with undisturbed():
            mine.close()
        print("still there", flush=True)
    finally:
        sys.stdout = out
    assert capfd.readouterr().out == "still there\n"


def test_a_descriptor_that_was_closed_is_opened_again(capfd: pytest.CaptureFixture[str]) -> None:
    with undisturbed():
        os.close(1)
        sys.stdout.close()
    os.write(1, b"still there\n")
    assert capfd.readouterr().out == "still there\n"


def test_a_folder_that_is_gone_disturbs_no_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    assert len(loaded(monkeypatch, plain).layers) == 1


def test_a_network_that_imports_torchvision_itself_is_helped(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[int] = []

    def make() -> nn.Module:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("operator torchvision::nms does not exist")
        return plain()

    assert len(loaded(monkeypatch, make).layers) == 1
    assert len(tries) == 2


def test_a_missing_compiled_operator_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    vision = source._torchvision()

    def forward(net: Any, x: Tensor) -> Any:
        boxes = net.fc(x.flatten(1))
        return vision.ops.nms(boxes, boxes[:, 0], 0.5)

    text = refusal(monkeypatch, lambda: Net(forward, fc=nn.Linear(12, 4)))
    assert "needs the compiled operator torchvision::nms, which the installed torchvision lacks" in text
    assert torch.__version__ in text
