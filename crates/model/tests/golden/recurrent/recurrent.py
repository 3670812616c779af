"""Generates recurrent.onnx: half the mean of the channels plus half the previous output. Needs the package onnx."""
from pathlib import Path

import onnx
from onnx import TensorProto, helper

half = helper.make_tensor("half", TensorProto.FLOAT, [], [0.5])
nodes = [
    helper.make_node("ReduceMean", ["x"], ["grey"], axes=[1], keepdims=1),
    helper.make_node("Mul", ["grey", "half"], ["now"]),
    helper.make_node("Mul", ["r1i", "half"], ["then"]),
    helper.make_node("Add", ["now", "then"], ["y"]),
    helper.make_node("Identity", ["y"], ["r1o"]),
]
tensor = lambda name, shape: helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
graph = helper.make_graph(nodes, "recurrent", [tensor("x", [1, 3, 8, 8]), tensor("r1i", [1, 1, "height", "width"])],
                          [tensor("y", [1, 1, 8, 8]), tensor("r1o", [1, 1, 8, 8])], [half])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
onnx.checker.check_model(model)
Path(__file__).with_suffix(".onnx").write_bytes(model.SerializeToString())
