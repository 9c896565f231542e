"""docs/search_spaces.md does what it says: its space is sound, and its search runs."""

import io
import pickle
import re
import sys
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import pytest

from rram_nas_comp_pack.box_converter.torch.trace import trace
from rram_nas_comp_pack.nas.genes import canonical, sample_genes

TEXT = (Path(__file__).parents[2] / "docs" / "search_spaces.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^```python (\S+)\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL))


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The module of the page, where it can be imported."""
    folder = tmp_path_factory.mktemp("page")
    (folder / "plain_cnn.py").write_text(BLOCKS["file=plain_cnn.py"])
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(folder))
        import plain_cnn

        yield plain_cnn
    sys.modules.pop("plain_cnn")


def test_layers_by_arithmetic_are_those_of_a_trace(page):
    space = page.PlainCnns()
    for row in sample_genes(np.random.default_rng(0), space, 20):
        assert space.layers(row) == trace(space.network(row), (1, 8, 8), "plain").layers


def test_rows_are_equal_just_where_their_networks_are(page):
    space = page.PlainCnns()
    rows = sample_genes(np.random.default_rng(0), space, 200)
    names = {own.tobytes(): space.layers(row) for own, row in zip(canonical(space, rows), rows, strict=True)}
    assert len(names) == len(set(names.values())) < len({row.tobytes() for row in rows})


def test_a_network_is_the_same_wherever_it_is_made(page):
    space = page.PlainCnns(steps=3)
    row = np.array([1, 0, 1, 2], np.int8)
    first = space.make(row).accuracy("test")
    space.make(row + np.int8(0)).accuracy("validation")
    assert pickle.loads(pickle.dumps(space)).make(row).accuracy("test") == first


def test_the_search_of_the_page_finds_a_front(page):
    out, names = io.StringIO(), {}
    with redirect_stdout(out):
        exec(compile(BLOCKS["run"], "page", "exec"), names)
    lines = out.getvalue().splitlines()
    assert [line.partition(" ")[0] for line in lines[:3]] == [str(n) for n in names["state"].evaluated]
    found = [(float(a), float(s)) for a, s in re.findall(r"accuracy (\S+), speed (\S+)", out.getvalue())]
    assert found
    assert found == sorted(found, key=lambda pair: (-pair[1], pair[0]))
    assert found[-1][0] > 0.8
    assert all(row.max() < 3 for row in names["state"].populations)
