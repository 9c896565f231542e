"""The paper's packing rule (RNC section 3) in plain Python, slow and obvious; `packing.first_fit` agrees."""


class Crossbar:
    """One crossbar of the paper's packer: its empty maximal spaces (x0, y0, x1, y1) and its layers."""

    def __init__(self, items):
        self.spaces = [(0, 0, items.size.columns, items.size.rows)]
        self.layers = []

    def admits(self, layer, rules):
        near = any(abs(layer - other) <= rules.threshold for other in self.layers)
        return not near and not (rules.max_load and len(self.layers) == rules.max_load)

    def farthest_fitting(self, w, h):
        fitting = [s for s in self.spaces if s[2] - s[0] >= w and s[3] - s[1] >= h]
        return max(fitting, key=lambda s: (s[2] ** 2 + s[3] ** 2, -s[0], -s[1]), default=None)

    def put(self, space, w, h, layer):
        x, y = space[:2]
        pieces = [piece for s in self.spaces for piece in without(s, (x, y, x + w, y + h))]
        self.spaces = [s for k, s in enumerate(pieces) if not swallowed(k, pieces)]
        self.layers.append(layer)


def without(space, taken):
    (a0, b0, a1, b1), (x0, y0, x1, y1) = space, taken
    if x0 >= a1 or x1 <= a0 or y0 >= b1 or y1 <= b0:
        return [space]
    pieces = [(a0, b0, x0, b1), (x1, b0, a1, b1), (a0, b0, a1, y0), (a0, y1, a1, b1)]
    return [p for p in pieces if p[0] < p[2] and p[1] < p[3]]


def swallowed(k, spaces):
    a = spaces[k]
    return any(
        b[0] <= a[0] and b[1] <= a[1] and b[2] >= a[2] and b[3] >= a[3] and (a != b or j < k)
        for j, b in enumerate(spaces)
        if j != k
    )


def paper_packer(items, rules, order):
    """Crossbars, x and y of all items: taken in this order, each goes into the first crossbar with a fitting
    space, and there into the one whose far corner is farthest; of several into the leftmost, then the lowest.
    """
    crossbars, places = [], [None] * len(items)
    for i in order:
        w, h, layer = int(items.widths[i]), int(items.heights[i]), int(items.layers[i])
        for crossbar in crossbars:
            space = crossbar.farthest_fitting(w, h) if crossbar.admits(layer, rules) else None
            if space is not None:
                break
        else:
            crossbar = Crossbar(items)
            crossbars.append(crossbar)
            space = crossbar.spaces[0]
        crossbar.put(space, w, h, layer)
        places[i] = (crossbars.index(crossbar), *space[:2])
    return tuple(zip(*places, strict=True))
