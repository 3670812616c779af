"""The network: a small U-Net, in TensorFlow for training and as an ONNX graph for use."""

import numpy as np

INPUTS, OUTPUTS = 10, 4
LEVELS = (16, 24, 40, 48)
DILATIONS = (1, 2, 4, 8)


def layout():
    """name -> (side, channels in, channels out) of every convolution, in order."""
    a, b, c, d = LEVELS
    layers = {"in": (3, INPUTS, a), "b1": (3, a, b), "b2": (3, b, b), "c1": (3, b, c), "c2": (3, c, c), "d1": (3, c, d)}
    layers.update({f"wide{r}": (3, d, d) for r in DILATIONS})
    layers.update({"up_c": (1, d, c), "c3": (3, c, c), "up_b": (1, c, b), "b3": (3, b, b), "up_a": (1, b, a), "a3": (3, a, a)})
    layers["out"] = (1, a, OUTPUTS)
    return layers


def initial(seed):
    """He weights; the residual convolutions start small."""
    rng = np.random.default_rng(seed)
    weights = {}
    for name, (side, cin, cout) in layout().items():
        spread = np.sqrt(2 / (side * side * cin)) * (0.3 if name.startswith("wide") or name == "out" else 1)
        weights[name + ".w"] = (rng.standard_normal((side, side, cin, cout)) * spread).astype(np.float32)
        weights[name + ".b"] = np.zeros(cout, np.float32)
    return weights


def forward(x, weights):
    """x [n, h, w, 10] -> logits [n, h, w, 4]. h and w are multiples of 8."""
    import tensorflow as tf

    def conv(x, name, rate=1):
        kernel = weights[name + ".w"]
        if rate == 1:
            x = tf.nn.conv2d(x, kernel, 1, "SAME")
        else:  # TensorFlow cannot train dilated convolutions on a CPU
            extra = [-x.shape[1] % rate, -x.shape[2] % rate]
            x = tf.space_to_batch(x, [rate, rate], [[rate, rate + e] for e in extra])
            x = tf.batch_to_space(tf.nn.conv2d(x, kernel, 1, "VALID"), [rate, rate], [[0, e] for e in extra])
        return tf.nn.bias_add(x, weights[name + ".b"])

    def joined(x, name, skip):
        x = conv(x, name)
        x = tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)
        return tf.nn.relu(x + skip)

    def half(x):
        return tf.nn.max_pool2d(x, 2, 2, "VALID")

    relu = tf.nn.relu
    a = relu(conv(x, "in"))
    b = relu(conv(relu(conv(half(a), "b1")), "b2"))
    c = relu(conv(relu(conv(half(b), "c1")), "c2"))
    d = relu(conv(half(c), "d1"))
    for rate in DILATIONS:
        d = d + relu(conv(d, f"wide{rate}", rate))
    c = relu(conv(joined(d, "up_c", c), "c3"))
    b = relu(conv(joined(c, "up_b", b), "b3"))
    a = relu(conv(joined(b, "up_a", a), "a3"))
    return conv(a, "out")


def onnx_graph(weights):
    from onnx import TensorProto, checker, helper, numpy_helper
    nodes, constants = [], [numpy_helper.from_array(np.array([1, 1, 2, 2], np.float32), "twice")]

    def add(kind, inputs, output, **attributes):
        nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def conv(x, name, rate=1, active=True):
        side = layout()[name][0]
        kernel = np.ascontiguousarray(weights[name + ".w"].transpose(3, 2, 0, 1))
        constants.append(numpy_helper.from_array(kernel, name + ".w"))
        constants.append(numpy_helper.from_array(weights[name + ".b"], name + ".b"))
        pad = rate * (side // 2)
        x = add("Conv", [x, name + ".w", name + ".b"], name + "_conv", kernel_shape=[side, side], pads=[pad] * 4,
                dilations=[rate, rate])
        return add("Relu", [x], name + "_relu") if active else x

    def half(x):
        return add("MaxPool", [x], x + "_half", kernel_shape=[2, 2], strides=[2, 2])

    def joined(x, name, skip):
        x = conv(x, name, active=False)
        x = add("Resize", [x, "", "twice"], name + "_twice", mode="nearest", coordinate_transformation_mode="asymmetric",
                nearest_mode="floor")
        return add("Relu", [add("Add", [x, skip], name + "_sum")], name + "_joined")

    a = conv("input", "in")
    b = conv(conv(half(a), "b1"), "b2")
    c = conv(conv(half(b), "c1"), "c2")
    d = conv(half(c), "d1")
    for rate in DILATIONS:
        d = add("Add", [d, conv(d, f"wide{rate}", rate)], f"wide{rate}_sum")
    c = conv(joined(d, "up_c", c), "c3")
    b = conv(joined(c, "up_b", b), "b3")
    a = conv(joined(b, "up_a", a), "a3")
    add("Sigmoid", [conv(a, "out", active=False)], "output")
    value = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "opacity", [value("input", TensorProto.FLOAT, [1, INPUTS, "h", "w"])],
                              [value("output", TensorProto.FLOAT, [1, OUTPUTS, "h", "w"])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8, producer_name="clearcut training")
    checker.check_model(model)
    return model
