"""Writes the ONNX file from trained weights and checks it against TensorFlow.

    python export.py WEIGHTS.npz OPACITY.onnx
"""

import hashlib
import sys

import numpy as np
import onnx
import onnxruntime
import tensorflow as tf

import model


def difference(path, weights):
    """The largest difference to TensorFlow over a few sizes."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    rng, worst = np.random.default_rng(0), 0.0
    for h, w in ((64, 96), (112, 112), (72, 40)):
        x = rng.normal(0, 0.5, (1, model.INPUTS, h, w)).astype(np.float32)
        ours = tf.sigmoid(model.forward(tf.constant(x.transpose(0, 2, 3, 1)), weights)).numpy().transpose(0, 3, 1, 2)
        worst = max(worst, float(np.abs(session.run(None, {"input": x})[0] - ours).max()))
    return worst


def main(source, path):
    weights = dict(np.load(source))
    onnx.save(model.onnx_graph(weights), path)
    worst = difference(path, weights)
    if worst >= 1e-4:
        raise SystemExit(f"differs from TensorFlow by {worst}")
    data = open(path, "rb").read()
    print("bytes", len(data), "parameters", sum(w.size for w in weights.values()), "difference", worst)
    print("sha256", hashlib.sha256(data).hexdigest())


if __name__ == "__main__":
    main(*sys.argv[1:3])
