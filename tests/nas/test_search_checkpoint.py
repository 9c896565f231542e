"""A search in a file: whole at every moment, and refused where it is another's or damaged."""

import json
from dataclasses import replace

import numpy as np
import pytest
from test_evolve import SMALL, judged

from rram_nas_comp_pack.errors import BadInput
from rram_nas_comp_pack.nas.compile_gene import with_diagonal_rows
from rram_nas_comp_pack.nas.generations import SubnetResult, evolve
from rram_nas_comp_pack.nas.genes import sample_genes
from rram_nas_comp_pack.nas.genome import GENOME
from rram_nas_comp_pack.runs.nas.checkpoint import (
    FOLDER,
    NAME,
    Kept,
    begin_search,
    load_labels,
    load_search,
    save_search,
)

OPTIONS = {"seed": 3, "objectives": ["acc", "speed"], "method": "nsga2"}


def same(a, b):
    return (
        all(np.array_equal(x, y) for x, y in zip(a.populations, b.populations, strict=True))
        and (a.hypervolumes, a.evaluated) == (b.hypervolumes, b.evaluated)
        and list(a.known.items()) == list(b.known.items())
    )


def failing(genes):
    """Every fifth subnet fails."""
    failed = SubnetResult(excess=float("inf"), error='ValueError: no, "it" can\'t')
    return [failed if i % 5 == 0 else own for i, own in enumerate(judged(genes))]


def on_chips(genes):
    """Every third subnet was judged on chips."""
    found = judged(genes)
    return [replace(own, chip_accuracy=0.5 + i / 100) if i % 3 == 0 else own for i, own in enumerate(found)]


@pytest.mark.parametrize("outcomes", [failing, on_chips])
def test_what_is_read_is_what_was_written(tmp_path, outcomes):
    for state in evolve(GENOME, replace(SMALL, generations=3), outcomes):
        kept = Kept(
            state, sample_genes(np.random.default_rng(0), GENOME, 7), np.random.default_rng(1).random(7)
        )
        save_search(tmp_path, GENOME, kept, OPTIONS)
        found = load_search(tmp_path, GENOME, OPTIONS)
        assert same(found.state, state)
        assert np.array_equal(found.genes, kept.genes)
        assert np.array_equal(found.accuracies, kept.accuracies)
    assert [p.name for p in tmp_path.iterdir()] == [NAME]


def test_a_search_that_has_not_begun_can_be_kept_too(tmp_path):
    save_search(tmp_path, GENOME, Kept(), OPTIONS)
    found = load_search(tmp_path, GENOME, OPTIONS)
    assert same(found.state, Kept().state)
    assert found.genes.shape == (0, 36)


def test_nothing_in_the_file_can_run(tmp_path):
    save_search(tmp_path, GENOME, Kept(next(evolve(GENOME, SMALL, judged))), OPTIONS)
    with np.load(tmp_path / NAME, allow_pickle=False) as file:
        assert all(file[name].dtype.kind in "ifU" for name in file.files)


def test_a_search_with_other_options_is_refused_by_their_names(tmp_path):
    save_search(tmp_path, GENOME, Kept(), OPTIONS)
    with pytest.raises(BadInput, match=r"found a search with --objectives acc,speed, --seed 3; allowed"):
        load_search(tmp_path, GENOME, {**OPTIONS, "seed": 4, "objectives": ["acc", "speed", "energy"]})


def test_damage_is_told_in_one_line(tmp_path):
    path = tmp_path / NAME
    with pytest.raises(BadInput, match="found no search to go on with"):
        load_search(tmp_path, GENOME, OPTIONS)
    save_search(tmp_path, GENOME, Kept(next(evolve(GENOME, SMALL, judged))), OPTIONS)
    whole = path.read_bytes()
    for damaged in (b"", whole[:100], whole[:-30], whole[: len(whole) // 2], b"PK" + bytes(500)):
        path.write_bytes(damaged)
        with pytest.raises(BadInput, match="found no search to go on with") as error:
            load_search(tmp_path, GENOME, OPTIONS)
        assert "\n" not in str(error.value)


SPOILT = {
    "genes of another network": ("known", lambda a: (a + 1) % 3),
    "genes that are no choices": ("populations", lambda a: a + 2),
    "rows too short": ("populations", lambda a: a[:, 1:]),
    "fractions": ("populations", lambda a: a.astype(float)),
    "no rows": ("taught", lambda a: np.array(0)),
    "one figure too few": ("outcomes", lambda a: a[:, 1:]),
    "endless crossbars": ("outcomes", lambda a: np.full_like(a, np.inf)),
    "hypervolumes of other generations": ("hypervolumes", lambda a: a[:0]),
    "survivors of other generations": ("survivors", lambda a: a + 1),
    "accuracies of others": ("accuracies", lambda a: np.ones(3)),
    "no errors": ("errors", lambda a: np.array("[]")),
    "deep options": ("meta", lambda a: np.array("[" * 10**5)),
    "no options": ("meta", lambda a: np.array('{"version": 2}')),
    "options that are none": ("meta", lambda a: np.array('{"version": 2, "options": 3}')),
}


@pytest.mark.parametrize(("name", "spoil"), SPOILT.values(), ids=SPOILT)
def test_arrays_that_no_search_writes_are_refused(tmp_path, name, spoil):
    path = tmp_path / NAME
    save_search(tmp_path, GENOME, Kept(next(evolve(GENOME, SMALL, judged))), OPTIONS)
    with np.load(path) as file:
        held = dict(file)
    np.savez(path, **{**held, name: spoil(held[name])})
    with pytest.raises(BadInput, match="found no search to go on with") as error:
        load_search(tmp_path, GENOME, OPTIONS)
    assert "\n" not in str(error.value)


def test_a_disk_that_is_full_leaves_the_last_file(tmp_path, monkeypatch):
    save_search(tmp_path, GENOME, Kept(), OPTIONS)
    before = (tmp_path / NAME).read_bytes()
    monkeypatch.setattr("os.fsync", lambda _fd: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        save_search(tmp_path, GENOME, Kept(next(evolve(GENOME, SMALL, judged))), OPTIONS)
    assert [p.name for p in tmp_path.iterdir()] == [NAME]
    assert (tmp_path / NAME).read_bytes() == before


@pytest.mark.parametrize("name", ["meta", "known", "outcomes", "chips", "survivors", "evaluated"])
def test_a_file_that_lacks_something_or_is_of_another_version_is_refused(tmp_path, name):
    path = tmp_path / NAME
    save_search(tmp_path, GENOME, Kept(next(evolve(GENOME, SMALL, judged))), OPTIONS)
    with np.load(path) as file:
        held = dict(file)
    np.savez(path, **{key: value for key, value in held.items() if key != name})
    with pytest.raises(BadInput, match="found no search to go on with"):
        load_search(tmp_path, GENOME, OPTIONS)
    np.savez(path, **{**held, "meta": np.array(json.dumps({"version": 99, "options": OPTIONS}))})
    with pytest.raises(BadInput, match="found version 99, allowed is 3"):
        load_search(tmp_path, GENOME, OPTIONS)


def test_a_file_that_is_no_checkpoint_is_told_without_numpys_advice(tmp_path):
    (tmp_path / NAME).write_bytes(b"no checkpoint")
    with pytest.raises(BadInput) as error:
        load_search(tmp_path, GENOME, OPTIONS)
    said = f"{tmp_path / NAME}: found no search to go on with: not a checkpoint (or damaged)"
    assert str(error.value) == said


def test_a_link_in_place_of_a_checkpoint_is_named_and_not_opened(tmp_path):
    (tmp_path / "other").mkdir()
    save_search(tmp_path / "other", GENOME, Kept(next(evolve(GENOME, SMALL, judged))), OPTIONS)
    for target in (tmp_path / "other" / NAME, "/dev/zero", tmp_path / "absent"):
        (tmp_path / NAME).symlink_to(target)
        with pytest.raises(BadInput, match="found no search to go on with: it is a link"):
            load_search(tmp_path, GENOME, OPTIONS)
        (tmp_path / NAME).unlink()


def test_what_a_predictor_learnt_is_handed_on_to_a_search_that_judges_alike(tmp_path):
    taught = sample_genes(np.random.default_rng(0), GENOME, 12)
    kept = Kept(next(evolve(GENOME, SMALL, judged)), taught, np.linspace(0.2, 0.9, 12))
    options = {**OPTIONS, "images": 9, "predictor_subnets": 12, "num_crossbars": 7}
    begin_search(tmp_path)
    save_search(tmp_path / FOLDER, GENOME, kept, options)
    genes, accuracies = load_labels(tmp_path, GENOME, {**options, "num_crossbars": 8, "seed": 5})
    assert np.array_equal(genes, taught)
    assert np.array_equal(accuracies, kept.accuracies)
    with pytest.raises(BadInput, match="found a search with --images 9; allowed"):
        load_labels(tmp_path, GENOME, {**options, "images": 8})
    with pytest.raises(BadInput, match="another search space"):
        load_labels(tmp_path, with_diagonal_rows(GENOME, (0, 1)), options)
    save_search(tmp_path / FOLDER, GENOME, replace(kept, genes=taught[:0], accuracies=np.zeros(0)), options)
    with pytest.raises(BadInput, match="found no networks that a predictor learnt from"):
        load_labels(tmp_path, GENOME, options)
