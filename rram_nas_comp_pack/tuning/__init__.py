"""Duplication: how many copies of each layer, how each is cut, and where every box lies.

`tuner.tune_layout` runs our version of the paper's tuner (paper/) beside the joint one (joint/) and keeps the
layout that the simulation finds fastest. What the user can ask for is in `settings`.

The joint tuner is multi-start simulated annealing over complete layouts (docs/joint_tuner.md):

    1 search_space   lists every way to cut every layer, as arrays
    2 construction   two layouts grown from the packing without copies; pools/: two with crossbars in pools
    3 objective      the latency by fast_schedule, plus a penalty that keeps the search off crowded layouts
    4 annealing      moves change copies, cuts and positions; the undo log of layout_state takes a move back
    5 multi_start    each start gets an eighth of the steps, the best of them all that remain
    6 result         turns arrays back into values.Layout

`quick` is the first answer alone, in milliseconds, for the search of subnets.

Shapes of arrays name their dimensions by letters: E layers that run (executions), O layers that own weights
(owners), V variants (ways to cut an owner), B boxes of all variants, C crossbars, N samples, L boxes that a
crossbar may hold, P pools, M moves in the undo log.
"""
