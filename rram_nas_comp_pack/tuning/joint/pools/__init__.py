"""Crossbars in pools: a few busy layers share a set of crossbars that all hold the same (design: *Pools*)."""
