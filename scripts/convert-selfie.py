#!/usr/bin/env python3
"""MediaPipe's selfie segmentation as ONNX: scripts/convert-selfie.py selfie_segmentation.tflite selfie.onnx

The .tflite lies in the npm package @mediapipe/selfie_segmentation; needs numpy, tflite and onnx from pip. The result is the same
bytes every time, so that the registry can know its hash: clearcut models install selfie --from selfie.onnx
"""
import sys

import numpy as np
import onnx
import tflite
from onnx import TensorProto, helper, numpy_helper

OPSET = 13
NAMES = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}
DTYPES = {tflite.TensorType.FLOAT32: np.float32, tflite.TensorType.FLOAT16: np.float16, tflite.TensorType.INT32: np.int32}


class Converter:
    """Reads the graph operator by operator. Tensors are NHWC there and NCHW here; constants are turned when they are used."""

    def __init__(self, path):
        self.model = tflite.Model.GetRootAsModel(open(path, "rb").read(), 0)
        self.graph = self.model.Subgraphs(0)
        self.nodes, self.constants, self.folded = [], [], {}

    def shape(self, index):
        return [int(side) for side in self.graph.Tensors(index).ShapeAsNumpy()]

    def constant(self, index):
        """The values of a constant tensor, or None."""
        if index in self.folded:
            return self.folded[index]
        tensor = self.graph.Tensors(index)
        data = self.model.Buffers(tensor.Buffer()).DataAsNumpy()
        if isinstance(data, int) or len(data) == 0:
            return None
        return np.frombuffer(data.tobytes(), DTYPES[tensor.Type()]).reshape(self.shape(index))

    def add(self, op, inputs, output, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [output], name=f"{op}_{len(self.nodes)}", **attributes))
        return output

    def weights(self, values):
        name = f"c{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def value(self, index):
        """The name of a tensor; a constant becomes NCHW."""
        values = self.constant(index)
        if values is None:
            return f"t{index}"
        values = values.astype(np.float32)
        return self.weights(values.transpose(0, 3, 1, 2) if values.ndim == 4 else values)

    def activated(self, name, kind, output):
        kinds = tflite.ActivationFunctionType
        if kind == kinds.NONE:
            self.nodes[-1].output[0] = output
        elif kind == kinds.RELU:
            self.add("Relu", [name], output)
        elif kind == kinds.RELU6:
            self.add("Clip", [name, self.weights(np.float32(0)), self.weights(np.float32(6))], output)
        else:
            raise SystemExit(f"activation {kind} is not known")

    def pads(self, padding, source, target, kernel, strides):
        if padding == tflite.Padding.VALID:
            return [0, 0, 0, 0]
        sides = [(source[1 + k], target[1 + k], kernel[k], strides[k]) for k in (0, 1)]
        total = [max((out - 1) * stride + size - given, 0) for given, out, size, stride in sides]
        return [total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2]

    def convolution(self, options, ins, out, depthwise):
        weights = self.constant(ins[1]).astype(np.float32)
        kernel = list(weights.shape[1:3])
        strides = [options.StrideH(), options.StrideW()]
        pads = self.pads(options.Padding(), self.shape(ins[0]), self.shape(out), kernel, strides)
        weights = weights.transpose(3, 0, 1, 2) if depthwise else weights.transpose(0, 3, 1, 2)
        group = self.shape(ins[0])[3] if depthwise else 1
        inputs = [f"t{ins[0]}", self.weights(weights), self.value(ins[2])]
        name = self.add("Conv", inputs, f"t{out}_", kernel_shape=kernel, strides=strides, pads=pads, group=group)
        self.activated(name, options.FusedActivationFunction(), f"t{out}")

    def pool(self, options, ins, out):
        kernel, strides = [options.FilterHeight(), options.FilterWidth()], [options.StrideH(), options.StrideW()]
        if kernel == self.shape(ins[0])[1:3]:
            name = self.add("GlobalAveragePool", [f"t{ins[0]}"], f"t{out}_")
        else:
            pads = self.pads(options.Padding(), self.shape(ins[0]), self.shape(out), kernel, strides)
            name = self.add("AveragePool", [f"t{ins[0]}"], f"t{out}_", kernel_shape=kernel, strides=strides, pads=pads)
        self.activated(name, options.FusedActivationFunction(), f"t{out}")

    def resize(self, options, ins, out):
        mode = "align_corners" if options.AlignCorners() else "half_pixel" if options.HalfPixelCenters() else "asymmetric"
        batch, height, width, channels = self.shape(out)
        sizes = self.weights(np.array([batch, channels, height, width], np.int64))
        inputs = [f"t{ins[0]}", "", "", sizes]
        self.add("Resize", inputs, f"t{out}", mode="linear", coordinate_transformation_mode=mode)

    def transposed_convolution(self, ins, out):
        """MediaPipe's own: a kernel as large as its stride, so that nothing overlaps."""
        weights = self.constant(ins[1]).astype(np.float32)  # out, height, width, in
        strides = [self.shape(out)[k] // self.shape(ins[0])[k] for k in (1, 2)]
        if list(weights.shape[1:3]) != strides:
            raise SystemExit("a transposed convolution that overlaps is not known")
        inputs = [f"t{ins[0]}", self.weights(weights.transpose(3, 0, 1, 2)), self.value(ins[2])]
        self.add("ConvTranspose", inputs, f"t{out}", kernel_shape=strides, strides=strides)

    def operator(self, op):
        code = self.model.OperatorCodes(op.OpcodeIndex())
        name = NAMES[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        ins, out = [int(op.Inputs(k)) for k in range(op.InputsLength())], int(op.Outputs(0))

        def options(kind):
            found = kind()
            found.Init(op.BuiltinOptions().Bytes, op.BuiltinOptions().Pos)
            return found

        if name == "DEQUANTIZE":
            self.folded[out] = self.constant(ins[0]).astype(np.float32)
        elif name == "CONV_2D":
            self.convolution(options(tflite.Conv2DOptions), ins, out, False)
        elif name == "DEPTHWISE_CONV_2D":
            self.convolution(options(tflite.DepthwiseConv2DOptions), ins, out, True)
        elif name == "AVERAGE_POOL_2D":
            self.pool(options(tflite.Pool2DOptions), ins, out)
        elif name == "RESIZE_BILINEAR":
            self.resize(options(tflite.ResizeBilinearOptions), ins, out)
        elif name in ("ADD", "MUL"):
            kind = options(tflite.AddOptions if name == "ADD" else tflite.MulOptions)
            result = self.add(name.capitalize(), [self.value(ins[0]), self.value(ins[1])], f"t{out}_")
            self.activated(result, kind.FusedActivationFunction(), f"t{out}")
        elif name == "RELU":
            self.add("Relu", [f"t{ins[0]}"], f"t{out}")
        elif name == "LOGISTIC":
            self.add("Sigmoid", [f"t{ins[0]}"], f"t{out}")
        elif name == "HARD_SWISH":
            gate = self.add("HardSigmoid", [f"t{ins[0]}"], f"t{out}_", alpha=1 / 6, beta=0.5)
            self.add("Mul", [f"t{ins[0]}", gate], f"t{out}")
        elif name == "CUSTOM" and code.CustomCode() == b"Convolution2DTransposeBias":
            self.transposed_convolution(ins, out)
        else:
            raise SystemExit(f"operator {name} is not known")

    def convert(self):
        for index in range(self.graph.OperatorsLength()):
            self.operator(self.graph.Operators(index))
        source, target = int(self.graph.Inputs(0)), int(self.graph.Outputs(0))

        def named(node):
            names = {f"t{source}": "input", f"t{target}": "output"}
            node.input[:] = [names.get(name, name) for name in node.input]
            node.output[:] = [names.get(name, name) for name in node.output]
            return node

        def tensor(name, index):
            batch, height, width, channels = self.shape(index)
            return helper.make_tensor_value_info(name, TensorProto.FLOAT, [batch, channels, height, width])

        ends = [tensor("input", source)], [tensor("output", target)]
        graph = helper.make_graph([named(node) for node in self.nodes], "selfie", *ends, self.constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)], producer_name="clearcut")
        model.ir_version = 8
        onnx.checker.check_model(model)
        return model.SerializeToString(deterministic=True)


if __name__ == "__main__":
    with open(sys.argv[2], "wb") as file:
        file.write(Converter(sys.argv[1]).convert())
