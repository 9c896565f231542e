"""What operators ask of the sizes of their operands where ONNX's own rules do not look."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

from numpy.typing import NDArray

from .model_file import Dims, attribute, text

_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


@dataclass(frozen=True, slots=True)
class Site:
    """A node with the sizes of its operands and of its first result, and the content of the known ones."""

    node: Any
    operands: Sequence[Dims | None]
    result: Dims | None
    known: Mapping[str, NDArray[Any]]
    opset: int

    def whole(self, position: int) -> tuple[int, ...]:
        """Return the size of an operand; TypeError where it is not known, IndexError where it is absent."""
        dims = self.operands[position]
        if dims is None or None in dims:
            raise TypeError
        return tuple(n for n in dims if n is not None)


def find_misfit(site: Site) -> str | None:
    """Say which operand's size contradicts the others, and what it should be; None if none does."""
    name = ".".join(filter(None, (site.node.domain, site.node.op_type)))
    for positions, spreads, rule in _AGREE.get(name, ()):
        for position in positions:
            found = _judge(site, position, spreads, rule)
            if found is not None:
                return found
    for judge in _LIMITS.get(name, ()):
        try:
            found = next(judge(site), None)
        except (IndexError, TypeError):  # a size that is needed is not known
            continue
        if found is not None:
            return found
    return None


Rule = Callable[[Site], Sequence[Dims]]
"""The sizes that an operand may have."""


def _judge(site: Site, position: int, spreads: bool, rule: Rule) -> str | None:
    try:
        found, allowed = site.operands[position], rule(site)
    except (IndexError, TypeError):  # an operand is left out, or its size is not known
        return None
    if found is None or any((_fits_spread if spreads else _fits)(found, each) for each in allowed):
        return None
    wish = " or ".join(dict.fromkeys(text(each) for each in allowed))
    spread = "a size that spreads over " if spreads else ""
    return f"is given {text(found)} as {site.node.input[position]!r}, {spread}{wish} is expected"


def _fits(found: Dims, wanted: Dims) -> bool:
    return len(found) == len(wanted) and all(
        n == m or None in (n, m) for n, m in zip(found, wanted, strict=True)
    )


def _fits_spread(found: Dims, over: Dims) -> bool:
    """Say whether a value can be repeated along its axes of 1 to reach a size, which stays as it is."""
    if len(found) > len(over):
        return False
    return all(n in (1, m) or None in (n, m) for n, m in zip(found[::-1], over[::-1], strict=False))


def _first(site: Site) -> Sequence[Dims]:
    return [site.whole(0)]


def _result(site: Site) -> Sequence[Dims]:
    if site.result is None or site.opset < 7:  # before, an attribute said how a bias is spread
        raise TypeError
    return [site.result]


def _last(position: int) -> Rule:
    return lambda site: [(site.whole(position)[-1],)]


def _kernel(position: int) -> Rule:
    return lambda site: [(site.whole(position)[0],)]


def _transposed_kernel(site: Site) -> Sequence[Dims]:
    return [(site.whole(1)[1] * attribute(site.node, "group", 1),)]


def _kernel_scales(site: Site) -> Sequence[Dims]:
    return [(), (1,), (site.whole(3)[0],)]


def _channels(site: Site) -> Sequence[Dims]:
    return [(site.whole(0)[1],)]


def _group_scales(site: Site) -> Sequence[Dims]:
    return _channels(site) if site.opset >= 21 else [(attribute(site.node, "num_groups", None),)]


def _group_norm_scales(site: Site) -> Sequence[Dims]:
    return [(site.whole(0)[-1 if attribute(site.node, "channels_last", 1) else 1],)]


def _slope(site: Site) -> Sequence[Dims]:
    x = site.whole(0)
    return [x] if site.opset >= 7 else [(x[1],), x]


def _scales(site: Site) -> Sequence[Dims]:
    """One for all, one for every entry of an axis, or one for every block along it."""
    x, axis, block = site.whole(0), attribute(site.node, "axis", 1), attribute(site.node, "block_size", 0)
    single: list[Dims] = [(), (1,)]
    if not x or not -len(x) <= axis < len(x) != 1:
        return [*single, *([x] if len(x) == 1 else [])]  # the only axis is meant, whatever is stated
    place = axis % len(x)
    if block:
        return [(*x[:place], -(-x[place] // block), *x[place + 1 :])]
    return [*single, (x[place],)]


def _recurrent(part: str) -> Rule:
    def sizes(site: Site) -> Sequence[Dims]:
        x = site.whole(0)
        given = attribute(site.node, "hidden_size", None)
        hidden = site.whole(2)[-1] if given is None else given
        ways = 2 if attribute(site.node, "direction", b"forward") == b"bidirectional" else 1
        rows, batch = _GATES[site.node.op_type] * hidden, x[0 if attribute(site.node, "layout", 0) else 1]
        state = (batch, ways, hidden) if attribute(site.node, "layout", 0) else (ways, batch, hidden)
        parts: dict[str, Dims] = {
            "weights": (ways, rows, x[-1]),
            "recurrence": (ways, rows, hidden),
            "bias": (ways, 2 * rows),
            "lengths": (batch,),
            "state": state,
            "peepholes": (ways, 3 * hidden),
        }
        return [parts[part]]

    return sizes


def _packed(part: str) -> Rule:
    def sizes(site: Site) -> Sequence[Dims]:
        outputs, inputs, size = (attribute(site.node, key, None) for key in ("N", "K", "block_size"))
        blocks = -(-inputs // size)
        if part == "input":
            return [(*site.whole(0)[:-1], inputs)]
        if part == "matrix":
            return [(outputs, blocks, size * attribute(site.node, "bits", 4) // 8)]
        return [(outputs * blocks,), (outputs, blocks)] if part == "scales" else [(outputs,)]

    return sizes


def _attention_weights(site: Site) -> Sequence[Dims]:
    hidden = attribute(site.node, "qkv_hidden_sizes", None)
    return [(site.whole(0)[-1], sum(hidden) if hidden else site.whole(1)[-1])]


def _table(site: Site) -> Sequence[Dims]:
    return [(None, site.whole(2)[-1])]


Agreement = tuple[tuple[int, ...], bool, Rule]
_SPREAD_LIKE_FIRST: tuple[Agreement, ...] = (((1,), True, _first),)
_NORM: tuple[Agreement, ...] = (((1, 2), True, _first),)
_BIAS: tuple[Agreement, ...] = (((1,), False, _last(0)),)
_QUANTIZED: tuple[Agreement, ...] = (((1, 2), False, _scales),)
_STEPS: tuple[Agreement, ...] = (
    ((1,), False, _recurrent("weights")),
    ((2,), False, _recurrent("recurrence")),
    ((3,), False, _recurrent("bias")),
    ((4,), False, _recurrent("lengths")),
    ((5,), False, _recurrent("state")),
)
_MS_ATTENTION: tuple[Agreement, ...] = (((1,), False, _attention_weights), ((2,), False, _last(1)))

_AGREE: dict[str, tuple[Agreement, ...]] = {
    "Gemm": (((2,), True, _result),),
    "Conv": (((2,), False, _kernel(1)),),
    "ConvTranspose": (((2,), False, _transposed_kernel),),
    "QLinearConv": (((4, 5), False, _kernel_scales), ((8,), False, _kernel(3))),
    "InstanceNormalization": (((1, 2), False, _channels),),
    "GroupNormalization": (((1, 2), False, _group_scales),),
    "LayerNormalization": _NORM,
    "RMSNormalization": _SPREAD_LIKE_FIRST,
    "SimplifiedLayerNormalization": _SPREAD_LIKE_FIRST,
    "PRelu": (((1,), True, _slope),),
    "DequantizeLinear": _QUANTIZED,
    "QuantizeLinear": _QUANTIZED,
    "LSTM": (*_STEPS, ((6,), False, _recurrent("state")), ((7,), False, _recurrent("peepholes"))),
    "GRU": _STEPS,
    "RNN": _STEPS,
    "com.microsoft.Attention": _MS_ATTENTION,
    "com.microsoft.QAttention": _MS_ATTENTION,
    "com.microsoft.BiasAdd": (*_BIAS, ((2,), False, _first)),
    "com.microsoft.BiasGelu": _BIAS,
    "com.microsoft.BiasSoftmax": _SPREAD_LIKE_FIRST,
    "com.microsoft.DequantizeLinear": _QUANTIZED,
    "com.microsoft.DynamicQuantizeMatMul": (((4,), False, _last(1)),),
    "com.microsoft.EmbedLayerNormalization": (((3, 4), False, _table), ((5, 6), False, _last(2))),
    "com.microsoft.FastGelu": _BIAS,
    "com.microsoft.GroupNorm": (((1, 2), False, _group_norm_scales),),
    "com.microsoft.LayerNormalization": _NORM,
    "com.microsoft.MatMulIntegerToFloat": (((6,), False, _last(1)),),
    "com.microsoft.MatMulNBits": (
        ((0,), False, _packed("input")),
        ((1,), False, _packed("matrix")),
        ((2,), False, _packed("scales")),
        ((5,), False, _packed("bias")),
    ),
    "com.microsoft.QuantizeLinear": _QUANTIZED,
    "com.microsoft.RMSNormalization": _SPREAD_LIKE_FIRST,
    "com.microsoft.SimplifiedLayerNormalization": _SPREAD_LIKE_FIRST,
    "com.microsoft.SkipGroupNorm": (((1, 2), False, _group_norm_scales),),
    "com.microsoft.SkipLayerNormalization": (((1,), True, _first), ((2, 3, 4), False, _last(0))),
    "com.microsoft.SkipSimplifiedLayerNormalization": (((1,), True, _first), ((2, 3), False, _last(0))),
}
"""By operator: operands, whether these may be spread (broadcast) over a size, and the sizes allowed."""


def _groups_divide(site: Site) -> Iterator[str]:
    channels = site.whole(0)[-1 if site.node.domain and attribute(site.node, "channels_last", 1) else 1]
    groups = attribute(site.node, "groups" if site.node.domain else "num_groups", 1)
    if groups < 1 or channels % groups:
        yield f"cannot part {channels} channels ({text(site.whole(0))}) into {groups} groups"


def _depth_divides(site: Site) -> Iterator[str]:
    size, block = site.whole(0), attribute(site.node, "blocksize", 1)
    if size[1] % block**2:
        yield f"cannot make blocks of {block}x{block} from {size[1]} channels ({text(size)})"


def _space_divides(site: Site) -> Iterator[str]:
    size, block = site.whole(0), attribute(site.node, "blocksize", 1)
    if any(n % block for n in size[2:]):
        yield f"cannot part {text(size[2:])} ({text(size)}) into blocks of {block}x{block}"


def _indices_exist(site: Site) -> Iterator[str]:
    size, axis = site.whole(0), attribute(site.node, "axis", 0)
    indices = site.known.get(site.node.input[1])
    if indices is None or indices.dtype.kind not in "iu" or not -len(size) <= axis < len(size):
        return
    n = size[axis]
    wrong = indices[(indices < -n) | (indices >= n)]
    if wrong.size and prod(size):
        yield f"takes entry {wrong.flat[0]} along axis {axis} of {text(size)}, which has {n} entries"


def _positions_exist(site: Site) -> Iterator[str]:
    length, rows = site.whole(0)[1], site.whole(3)[0]
    if length > rows:
        yield f"takes {length} positions ({text(site.whole(0))}), its table of positions has {rows}"


def _reshape_keeps(site: Site) -> Iterator[str]:
    before, after = site.whole(0), site.result
    if after is not None and None not in after and prod(before) != prod(n or 0 for n in after):
        yield f"cannot make {text(after)} of {text(before)}"


_LIMITS: dict[str, tuple[Callable[[Site], Iterator[str]], ...]] = {
    "GroupNormalization": (_groups_divide,),
    "com.microsoft.GroupNorm": (_groups_divide,),
    "com.microsoft.SkipGroupNorm": (_groups_divide,),
    "DepthToSpace": (_depth_divides,),
    "SpaceToDepth": (_space_divides,),
    "Reshape": (_reshape_keeps,),
    "Gather": (_indices_exist,),
    "GatherElements": (_indices_exist,),
    "com.microsoft.EmbedLayerNormalization": (_positions_exist,),
}
"""By operator: what else its sizes must fulfil."""
