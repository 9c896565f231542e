"""The first sentences of a packing run's page say what its figures say."""

from dataclasses import replace

import pytest
from report_runs import make_run

from rram_nas_comp_pack.report.packing.verdict import verdict
from rram_nas_comp_pack.runs.packing.read import read_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return read_run(make_run(tmp_path_factory.mktemp("verdict"), "--no-report"), "t")


def test_it_says_whether_the_network_fits_and_whether_that_is_proved(run):
    result = run.result
    proved = replace(run, result=replace(result, lower_bound=result.crossbars, copies=_plain(result)))
    assert "no packing of these boxes needs fewer: that is proved." in next(verdict(proved))
    open_ = replace(run, result=replace(result, lower_bound=1, crossbars=3, copies=_plain(result)))
    assert "At least 1 are needed; whether fewer than 3 are enough is not known." in next(verdict(open_))


def _plain(result):
    return (
        result.copies._replace(speeds=None)
        if hasattr(result.copies, "_replace")
        else replace(result.copies, speeds=None)
    )


def test_it_names_the_layers_that_are_busy_longest(run):
    busy = [row.busy_ns for row in run.result.contention.layers]
    slowest = max(range(len(busy)), key=busy.__getitem__)
    told = list(verdict(run))[1]
    assert told.startswith("What limits it: of the time in which layers are busy, ")
    assert run.labels[slowest] in told
    longest = sorted(busy)[-3:]
    assert told.endswith(f" {sum(longest) / sum(busy):.0%}.")


def test_it_says_what_the_crossbars_cost(run):
    costs = run.result.costs
    told = list(verdict(run))[2]
    assert f"{costs.physical_crossbars:,} arrays" in told
    assert f"{max(costs.area_share.values()):.0%}" in told


def test_it_advises_what_was_not_done(run):
    plain = replace(run, result=replace(run.result, copies=_plain(run.result)))
    assert "--duplicate" in list(verdict(plain))[-1]
    assert "--schedule row" in list(verdict(run))[-1]
    by_rows = replace(plain, result=replace(plain.result, schedule="row"))
    assert "--schedule" not in list(verdict(by_rows))[-1]
