"""ONNX's own rules for the sizes of a node's results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from onnx import TypeProto, checker, defs, helper, numpy_helper, shape_inference

from .graph import dims_of, tensor_type
from .settings import is_setting

_LONGEST_LIST = 2**22
_KEEPING = ("GroupNormalization", "MeanVarianceNormalization")
"""Operators without a rule of onnx whose result has the size of their first operand."""
_POOLS, _SOUND_POOLS = ("AveragePool", "LpPool", "MaxPool"), 22
"""Before that version, onnx lets the last window of a pool start beyond the input, in the trailing pad."""


def schema_of(node: Any, opsets: Mapping[str, int]) -> Any:
    """Return the description of a node's operator; None where ONNX has none."""
    try:
        return defs.get_schema(node.op_type, opsets.get(node.domain, 1), node.domain)
    except Exception:
        return None


def infer(
    schema: Any,
    node: Any,
    types: Mapping[str, Any],
    known: Mapping[str, NDArray[Any]],
    opsets: Mapping[str, int],
) -> dict[str, Any]:
    """Return the types of a node's results, by the rule of a later version where its own has none.

    Raises what onnx raises for operands that do not fit together.
    """
    names = [name for name in node.input if name]
    for position, name in enumerate(node.input):
        if name and is_setting(node, position) and _is_long_list(types[name]):
            raise ValueError(f"{name!r} lists more numbers than any size has")
    takes = {name: types[name] if types[name].WhichOneof("value") else tensor_type(1, None) for name in names}
    values = {name: known[name] for name in names if name in known}
    data = {name: numpy_helper.from_array(v, name) for name, v in values.items() if v.dtype.kind in "biuf"}
    if node.op_type in _POOLS and schema.since_version < _SOUND_POOLS <= defs.onnx_opset_version():
        schema = defs.get_schema(node.op_type, _SOUND_POOLS, schema.domain)
    if node.op_type == "STFT" and all(each.name != "onesided" for each in node.attribute):
        copy = type(node)()
        copy.CopyFrom(node)
        copy.attribute.append(helper.make_attribute("onesided", 1))  # the default, which onnx takes for 0
        node = copy
    if schema.has_type_and_shape_inference_function:
        return _by_rule(schema, node, takes, data, opsets)
    for version in range(schema.since_version + 1, defs.onnx_opset_version() + 1):
        try:
            later = defs.get_schema(node.op_type, version, schema.domain)
            if later.since_version == version and later.has_type_and_shape_inference_function:
                return _by_rule(later, node, takes, data, opsets)
        except Exception:  # the later version takes other inputs
            continue
    if node.op_type in _KEEPING and names:
        return {node.output[0]: takes[names[0]]}
    return {}


def has_rule(node: Any, opsets: Mapping[str, int]) -> bool:
    """Say whether there is a rule for the sizes of a node's results, its operator's own or a later one."""
    first = schema_of(node, opsets)
    versions = range(first.since_version, defs.onnx_opset_version() + 1)
    later = [schema_of(node, {node.domain: version}) for version in versions]
    return any(schema.has_type_and_shape_inference_function for schema in later if schema is not None)


def _is_long_list(kind: Any) -> bool:
    """Say whether a value is a list too long for sizes, on which onnx would spend gigabytes."""
    dims = dims_of(kind)
    return dims is not None and len(dims) == 1 and (dims[0] or 0) > _LONGEST_LIST


def _by_rule(
    schema: Any, node: Any, takes: dict[str, Any], data: dict[str, Any], opsets: Mapping[str, int]
) -> dict[str, Any]:
    imports = [helper.make_opsetid(domain, version) for domain, version in opsets.items()]
    try:
        return dict(shape_inference.infer_node_outputs(schema, node, takes, data, opset_imports=imports))
    except checker.ValidationError as error:
        if "not in range" in str(error):  # operands are missing, or there are too many
            raise
    # Runtimes take more than the description allows: types (bfloat16), operands left out, attributes.
    # A whole model is not held to it.
    inputs = [helper.make_value_info(name, kind) for name, kind in takes.items()]
    outputs = [helper.make_value_info(name, TypeProto()) for name in node.output if name]
    graph = helper.make_graph([node], "one", inputs, outputs, list(data.values()))
    model = helper.make_model(graph, opset_imports=imports)
    inferred = shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    return {value.name: value.type for value in inferred.graph.output}
