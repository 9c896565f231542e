"""`reproduce`: the paper's claims beside what is found here, by runs of pack and evolve."""

import json
from types import SimpleNamespace

import pytest
from tiny_runs import GOLDEN, ROOT, call, everything_in, is_one_line, read_rows

from rram_nas_comp_pack.cli.commands import reproduce
from rram_nas_comp_pack.cli.options.parse import parse
from rram_nas_comp_pack.cli.reproduction.claims import (
    BASELINES,
    DUPLICATED,
    Cited,
    Claim,
    pack_figures,
    runs,
    search_figures,
    verdict,
)
from rram_nas_comp_pack.cli.reproduction.figure import draw
from rram_nas_comp_pack.runs.packing.run import Copies, Speeds
from rram_nas_comp_pack.values import LatencyComparison

LACKING = ["the supernet", "CIFAR-10"]
TINY = {"mbv3_small": 210, "squeezenet": 80}


def test_the_figures_of_the_baseline_are_the_golden_ones():
    golden = json.loads((GOLDEN / "isaac_like.json").read_text())
    for b in BASELINES:
        found = golden[f"{b.model}_dsf1"]
        first = found["evaluations"][0]["latency"]
        assert (b.crossbars, b.utilization, b.latency_ns) == (found["crossbars"], found["utilization"], first)


def test_without_copies_the_speed_is_that_of_the_golden_layout():
    packed = json.loads((GOLDEN / "sim_mbv3_small.json").read_text())["evaluations"]
    baseline = json.loads((GOLDEN / "isaac_like.json").read_text())["mbv3_small_dsf1"]["evaluations"]
    latency, alone = (next(e["latency"] for e in es if e["num_sample"] == 8) for es in (packed, baseline))
    assert {case.speed for case in DUPLICATED if case.factor == 5} == {alone / latency}


def test_the_figures_of_the_papers_program_are_those_of_the_docs():
    text = (ROOT / "docs" / "benchmarks.md").read_text()
    for b in BASELINES:
        assert f"| {b.fewest}-{b.most} |" in text
    for case in DUPLICATED:
        if case.factor == 1:
            row = next(
                line
                for line in text.splitlines()
                if f"| {case.model}, {case.crossbars} | {case.samples} |" in line
            )
            assert row.split("|")[4].strip() == str(case.speed)


def test_every_figure_of_the_paper_has_a_source_and_every_command_is_sound():
    for quick in (True, False):
        found = runs(quick, LACKING)
        assert len({run.argv for run in found}) == len(found)
        for run in found:
            parse(run.argv)
            for cited in (c for claim in run.claims for c in (claim.paper, claim.program) if c):
                assert cited.low <= cited.high
                assert cited.source
            assert bool(run.needs) == ("CIFAR-10" in run.name)


def test_with_supernet_and_images_in_place_nothing_is_left_out():
    assert [run.needs for run in runs(True, [])] == [""] * len(runs(True, []))


@pytest.mark.parametrize(
    ("better", "ours", "wanted"),
    [
        *(("lower", (104,), "better"), ("lower", (107,), "equal"), ("lower", (108,), "worse")),
        *(("higher", (112,), "better"), ("higher", (100, 112), "better"), ("higher", (110,), "worse")),
        *(("equal", (107.00000000001,), "equal"), ("equal", (108,), "differs")),
    ],
)
def test_verdicts(better, ours, wanted):
    cited = Cited(107, 111, "s")
    for claim in (Claim("c", "c", "", cited, None, better), Claim("c", "c", "", None, cited, better)):
        assert verdict(claim, ours) == wanted


def test_a_claim_without_a_figure_is_not_judged():
    assert verdict(Claim("c", "c"), (1.0,)) == "no figure to compare"
    assert verdict(Claim("c", "c", "", Cited(1, 2, "s")), (3.0,)) == "not judged: another setting"


def test_the_papers_column_holds_what_the_paper_says_and_nothing_else():
    """Of what is at hand, the paper itself gives the fronts on CIFAR-10 only."""
    for run in runs(False, LACKING):
        for claim in run.claims:
            if claim.paper is not None:
                assert run.group == "cifar10"
                assert claim.paper.source.startswith("arXiv 2409.18841, figure ")
            if claim.program is not None:
                assert "published program" in claim.program.source or "golden" in claim.program.source
                assert "arXiv" not in claim.program.source


def test_a_smaller_search_is_not_judged_by_the_papers():
    def judged(quick):
        return {
            verdict(claim, (99.0,))
            for run in runs(quick, [])
            for claim in run.claims
            if claim.paper is not None
        }

    assert judged(quick=True) == {"not judged: another setting"}
    assert judged(quick=False) == {"better"}


def test_a_utilization_is_judged_by_that_of_the_same_kind_of_run():
    """Where there are copies, nobody tells the program's; a baseline's stands beside a baseline's."""
    found = [(run, claim) for run in runs(False, LACKING) for claim in run.claims if claim.unit == "%"]
    for run, claim in found:
        if run.group == "duplication":
            assert claim.cited is None
    packed = {run.name: claim.program for run, claim in found if claim.figure == "utilization"}
    alone = {run.name: claim.program for run, claim in found if claim.figure == "baseline_utilization"}
    for b in BASELINES:
        assert alone[b.model][:2] == (b.utilization, b.utilization)
        cells = b.utilization * b.crossbars
        assert packed[b.model][:2] == (cells / b.most, cells / b.fewest)


def test_figures_of_files():
    result = SimpleNamespace(
        **{"boxes": 4, "crossbars": 3, "lower_bound": 2, "utilization": 0.5},
        evaluations=(LatencyComparison(1, 4.0, 4.0, 8.0),),
        copies=Copies("none", None, (1,), None),
    )
    plain = pack_figures(result, 1.5)
    assert plain == {
        "boxes": (4,),
        "crossbars": (3,),
        "lower_bound": (2,),
        "utilization": (0.5,),
        "baseline_utilization": (0.375,),
        "baseline_ns": (8.0,),
        "pack_s": (1.5,),
    }
    result.copies = Copies("joint", None, (2,), Speeds(8, 3.0, 2.0, 1.0))
    assert pack_figures(result, 1.5)["speed"] == (3.0,)
    tuned = SimpleNamespace(tuned=SimpleNamespace(speed=4.0), test=0.9)
    front = SimpleNamespace(networks=(tuned, SimpleNamespace(tuned=None, test=None)), evaluated=10)
    assert search_figures(front, 5.0, 8.0) == {
        **{"speeds": (4.0,), "accuracies": (0.9,), "subnet_s": (0.5,), "subnet_cpu_s": (0.8,)}
    }


def few(_quick, lacking):
    """A pack, a pack with copies, one that cannot be done, and a search that lacks its data."""
    squeezenet = next(run for run in runs(True, lacking) if run.name == "squeezenet")
    copies = next(
        run for run in runs(True, lacking) if run.name.startswith("squeezenet, 82") and "margin" in run.argv
    )
    argv = tuple("9" if text == "82" else text for text in copies.argv)
    return [squeezenet, copies, copies._replace(name="too small", argv=argv), runs(True, lacking)[-1]]


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """(status, stdout, stderr, folder) of a few runs."""
    out = tmp_path_factory.mktemp("reproduce") / "found"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reproduce, "runs", few)
        patch.setattr(reproduce, "missing", lambda: LACKING)
        return *call("reproduce", "--quick", "--out", out), out


def test_tables_figure_and_runs_are_written(done):
    status, out, err, folder = done
    assert (status, err) == (1, "")  # one of the runs cannot be done
    names = {p.name for p in folder.iterdir()}
    assert names == {*(f"claims.{kind}" for kind in ("csv", "json", "md", "pdf", "png", "svg")), "runs"}
    assert [p.name for p in folder.parent.iterdir()] == ["found"]
    assert out.splitlines()[0].startswith("| run | claim | paper | program | source | ours |")
    assert (folder / "claims.png").read_bytes().startswith(b"\x89PNG")
    assert (folder / "claims.svg").read_text().startswith("<?xml")
    assert (folder / "runs" / "packing" / "00" / "result.json").is_file()


def test_a_row_says_claim_figures_and_where_they_come_from(done):
    document = json.loads((done[3] / "claims.json").read_text())
    first = document["rows"][3]
    assert (first["claim"], first["ours"]) == ("fewest crossbars", "45")
    assert (first["paper"], first["program"]) == ("", "45 to 49")
    assert first["verdict"] == "equal"
    assert first["command"].startswith("python -m rram_nas_comp_pack pack --model squeezenet ")
    assert (first["seed"], first["figures"], first["machine"]) == (123, [45], document["machine"])
    verdicts = {(row["run"], row["verdict"].partition(":")[0]) for row in document["rows"]}
    assert ("too small", "failed") in verdicts
    assert ("search on CIFAR-10, 253 crossbars", "not checked") in verdicts
    for row in document["rows"]:
        if row["claim"].endswith("of the baseline") and row["run"] != "too small":
            assert row["verdict"] == "equal"
    paper = {row["run"]: row["paper"] for row in document["rows"] if row["paper"]}
    assert paper == {"search on CIFAR-10, 253 crossbars": "0.9 to 0.92"}


def test_the_tables_agree(done):
    rows = json.loads((done[3] / "claims.json").read_text())["rows"]
    table = read_rows(done[3] / "claims.csv")
    assert [line[:2] for line in table[1:]] == [[row["run"], row["claim"]] for row in rows]
    text = (done[3] / "claims.md").read_text()
    assert all(
        f"| {row['run']} | {row['claim']} | {row['paper']} | {row['program']} |" in text for row in rows
    )
    assert "not checked: the supernet and CIFAR-10 are missing" in text


def test_an_interrupt_writes_nothing(monkeypatch, tmp_path):
    def struck(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(reproduce, "_figures", struck)
    assert call("reproduce", "--quick", "--out", tmp_path / "out")[0] == 130
    assert everything_in(tmp_path) == []


def test_what_was_measured_before_an_interrupt_is_kept(monkeypatch, tmp_path):
    """The second run is struck; --resume makes it and what follows, and the first one keeps its seconds."""
    own, made = reproduce._made, []

    def struck(argv):
        made.append(argv[2])
        if len(made) == 2:
            raise KeyboardInterrupt
        return own(argv)

    monkeypatch.setattr(reproduce, "runs", few)
    monkeypatch.setattr(reproduce, "missing", lambda: LACKING)
    monkeypatch.setattr(reproduce, "_made", struck)
    argv = ("reproduce", "--quick", "--out", tmp_path / "out", "--set", "Device_SAF=0,0")
    assert is_one_line(call(*argv, "--resume")[2])
    status, _, err = call(*argv)
    assert status == 130
    assert "what was measured is kept, and --resume goes on: " in err
    assert err.endswith(f"reproduce --quick --out {tmp_path / 'out'} --set Device_SAF=0,0 --resume\n")
    status, _, err = call(*argv)
    assert status == 2
    assert "found measurements that were interrupted; allowed is --resume" in err
    assert call(*argv, "--resume")[0] == 1  # one of the runs cannot be done
    assert len(made) == 4
    rows = json.loads((tmp_path / "out" / "claims.json").read_text())["rows"]
    times = json.loads((tmp_path / "out" / "runs" / "00.json").read_text())
    assert rows[0]["seconds"] == round(times["seconds"], 3) > 0
    assert rows[0]["command"].endswith("--set Device_SAF=0,0")
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_a_folder_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / "thesis.tex").touch()
    status, _, err = call("reproduce", "--out", tmp_path)
    assert status == 2
    assert is_one_line(err)
    assert "is no folder of reproduce" in err
    assert everything_in(tmp_path) == ["thesis.tex"]


def test_searches_of_all_budgets_learn_from_the_first():
    searches = [run for run in runs(False, LACKING) if run.group == "clutter"]
    assert [run.learns_from for run in searches] == ["", searches[0].name, searches[0].name]
    called = []

    def stand_in(each, number, taught, *_):
        called.append((number, taught))
        return search_figures(SimpleNamespace(networks=(), evaluated=1), 1.0, 1.0), 1.0

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reproduce, "_figures", stand_in)
        list(reproduce._measured(searches, reproduce.Bench(ROOT, (), "")))
    assert called == [(0, None), (1, 0), (2, 0)]


def test_a_configuration_that_is_not_there_is_told_at_once(tmp_path):
    status, _, err = call("reproduce", "--out", tmp_path / "out", "--config", tmp_path / "none.ini")
    assert status == 2
    assert is_one_line(err)


def test_clutter_and_cifar10_never_share_an_axis_of_accuracy(monkeypatch):
    from matplotlib.figure import Figure

    drawn = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, *_, **__: drawn.append(figure))
    searches = [run for run in runs(True, []) if run.argv[0] == "evolve"]
    values = {"speeds": (10.0, 20.0), "accuracies": (0.99, 0.95)}
    for some in (searches, [run for run in searches if run.group == "clutter"]):
        found = [(r, c, values[c.figure]) for r in some for c in r.claims if c.figure in values]
        draw(found)
        axes = {each.get_ylabel(): each for each in drawn[-1].axes if "accuracy" in each.get_ylabel()}
        assert set(axes) == {"test accuracy on clutter", "test accuracy on CIFAR-10"}
        for label, each in axes.items():
            names = each.get_legend_handles_labels()[1]
            lines = [
                run.name.rpartition(", ")[2] for run in some if run.name.split(",")[0].split()[-1] in label
            ]
            baseline = ["baseline"] * bool(lines)
            box = ["the paper's range"] * ("CIFAR-10" in label)
            assert names == [*lines, *baseline, *box]
