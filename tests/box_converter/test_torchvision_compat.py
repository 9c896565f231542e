"""torchvision imports beside any build of torch, and only the known failure is mended."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest

from rram_nas_comp_pack.box_converter.torch import torchvision_compat


def test_torchvision_imports_in_a_fresh_process() -> None:
    code = (
        "from rram_nas_comp_pack.box_converter.torch.torchvision_compat import import_torchvision as load\n"
        "vision = load(); assert load() is vision\n"
        "import gc; gc.collect()\n"
        "import torchvision.models; assert torchvision is vision\n"
        "torchvision.models.get_model('squeezenet1_1', weights=None)"
    )
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_another_error_of_the_import_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise RuntimeError("out of luck")

    monkeypatch.setattr(torchvision_compat.importlib, "import_module", fail)
    with pytest.raises(RuntimeError, match="out of luck"):
        torchvision_compat.import_torchvision()


def test_half_imported_modules_are_dropped_before_the_second_try(monkeypatch: pytest.MonkeyPatch) -> None:
    found: list[bool] = []
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        monkeypatch.delitem(sys.modules, name)

    def load(name: str) -> types.ModuleType:
        found.append("torchvision._half" in sys.modules)
        if len(found) == 1:
            monkeypatch.setitem(sys.modules, "torchvision._half", types.ModuleType("torchvision._half"))
            raise RuntimeError("operator torchvision::nms does not exist")
        return types.ModuleType(name)

    monkeypatch.setattr(torchvision_compat.importlib, "import_module", load)
    monkeypatch.setattr(torchvision_compat, "_declare_operators", lambda: None)
    assert torchvision_compat.import_torchvision().__name__ == "torchvision"
    assert found == [False, False]
    assert "torchvision._half" not in sys.modules
