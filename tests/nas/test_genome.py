"""Rows of genes stand for subnets, one row a network once absent blocks are out."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ofa.architecture import DEPTHS, EXPANSIONS, KERNELS, configuration, layer_shapes, sample
from rram_nas_comp_pack.nas.genes import canonical, crossover, mutate, one_hot, sample_genes
from rram_nas_comp_pack.nas.genome import GENOME, LENGTH, decode, encode

seeds = st.integers(0, 2**32 - 1)


@given(seeds)
def test_a_row_and_its_subnet_are_one(seed):
    subnets = [sample(np.random.default_rng(seed + i)) for i in range(3)]
    rows = encode(subnets)
    assert (rows.shape, rows.dtype) == ((3, LENGTH), np.int8)
    assert [decode(row) for row in rows] == subnets
    rows = sample_genes(np.random.default_rng(seed), GENOME, 3)
    assert np.array_equal(encode([decode(row) for row in rows]), rows)


def test_the_smallest_and_the_largest_are_the_first_and_the_last_choices():
    assert decode(np.zeros(LENGTH, np.int8)) == configuration(KERNELS[0], EXPANSIONS[0], DEPTHS[0])
    assert decode(np.full(LENGTH, 2, np.int8)) == configuration(KERNELS[-1], EXPANSIONS[-1], DEPTHS[-1])


@given(seeds, st.integers(0, LENGTH - 1))
def test_rows_are_effectively_equal_just_where_their_networks_are(seed, place):
    row = sample_genes(np.random.default_rng(seed), GENOME, 1)
    other = row.copy()
    other[0, place] = (row[0, place] + 1) % 3
    same = layer_shapes(*decode(row[0])) == layer_shapes(*decode(other[0]))
    assert np.array_equal(canonical(GENOME, row), canonical(GENOME, other)) == same
    assert np.array_equal(one_hot(GENOME, row), one_hot(GENOME, other)) == same
    assert layer_shapes(*decode(canonical(GENOME, row)[0])) == layer_shapes(*decode(row[0]))


def test_a_code_has_a_one_for_every_choice_of_a_block_that_is_there():
    rows = sample_genes(np.random.default_rng(4), GENOME, 20)
    codes = one_hot(GENOME, rows)
    assert codes.shape == (20, 3 * LENGTH)
    assert set(np.unique(codes)) == {0.0, 1.0}
    blocks = [sum(decode(row).d) for row in rows]
    assert codes.sum(axis=1).tolist() == [2 * n + 4 for n in blocks]


def test_drawn_genes_are_uniform():
    rows = sample_genes(np.random.default_rng(0), GENOME, 3000)
    for choice in range(3):
        assert abs((rows == choice).mean(axis=0) - 1 / 3).max() < 0.05


def test_mutation_draws_genes_anew_few_in_most_children_and_many_in_some():
    rng, parents = np.random.default_rng(1), np.zeros((40_000, LENGTH), np.int8)
    assert np.array_equal(mutate(rng, GENOME, parents, 0.0), parents)
    drawn_anew = (mutate(rng, GENOME, parents, 0.1) != 0).mean(axis=1) * 3 / 2  # a third are as they were
    assert abs(drawn_anew.mean() - 0.1) < 0.002
    assert abs((drawn_anew < 0.1).mean() - (1 - np.exp(-1))) < 0.05
    assert drawn_anew.max() > 0.5
    assert len(np.unique(mutate(rng, GENOME, parents, 1.0))) == 3


def test_a_child_has_each_gene_from_either_parent():
    rng = np.random.default_rng(2)
    mothers, fathers = np.zeros((500, LENGTH), np.int8), np.full((500, LENGTH), 2, np.int8)
    children = crossover(rng, mothers, fathers)
    assert set(np.unique(children)) == {0, 2}
    assert abs((children == 2).mean() - 0.5) < 0.02
    assert np.array_equal(crossover(rng, mothers, mothers), mothers)
