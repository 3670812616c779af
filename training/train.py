"""Trains the network on rendered shards.

    python train.py DATA OUT.npz --minutes 40 [--start WEIGHTS.npz] [--seed 1]

Saves the running mean of the weights every 500 steps and at the end.
"""

import argparse
import os
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # a little faster for so few channels

import numpy as np
import tensorflow as tf

import model

BATCH = {"train": 4, "wide": 2}
RESCAN = 500  # steps between looks for shards rendered meanwhile
KEEP = 0.998  # of the running mean of the weights
CLIP = 1.0


class Shards:
    """Rendered samples: features [h, w, 10] float16 and targets [h, w, 3] uint8. New shards are found on the way."""

    def __init__(self, folder):
        self.folder, self.seen = folder, set()
        self.samples = {name: [] for name in BATCH}
        self.orders = {name: [] for name in BATCH}

    def scan(self):
        for name, samples in self.samples.items():
            for path in sorted(self.folder.glob(f"{name}-*-k.npy")):  # kinds are written last
                if path not in self.seen:
                    self.seen.add(path)
                    x, y = (np.load(str(path).replace("-k.npy", f"-{part}.npy")).transpose(0, 2, 3, 1) for part in "xy")
                    samples.extend(zip(x, y))
                    self.orders[name] = []
        return {name: len(samples) for name, samples in self.samples.items()}

    def pick(self, rng, name):
        samples, order = self.samples[name], self.orders[name]
        if len(order) < BATCH[name]:
            order[:] = rng.permutation(len(samples)).tolist()
        chosen = [samples[order.pop()] for _ in range(BATCH[name])]
        return [np.stack(part).astype(np.float32) for part in zip(*chosen)]


def batches(shards, rng, wide_share=0.15):
    """Endless random batches, turned and mirrored."""
    while True:
        name = "wide" if shards.samples["wide"] and rng.random() < wide_share else "train"
        x, y = shards.pick(rng, name)
        y /= 255
        for axis in (1, 2):
            if rng.random() < 0.5:
                x, y = np.flip(x, axis), np.flip(y, axis)
        if rng.random() < 0.5 and name == "train":
            x, y = x.transpose(0, 2, 1, 3), y.transpose(0, 2, 1, 3)
        yield np.ascontiguousarray(x), np.ascontiguousarray(y)


def loss_of(logits, y):
    """An error counts 3 times in what is solid, 1.5 times in a shadow, 1.2 times in what is partial. Shadows are rare: theirs
    count 5 times. Doubt learns the error of alpha."""
    alpha, body, dark = y[..., 0], y[..., 1], y[..., 2]
    guess = tf.sigmoid(logits)
    entropy = tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=logits[..., :3])
    weight = tf.where(alpha > 0.98, 3.0, tf.where(alpha > 0.04, 1.2, tf.where(dark > 0.05, 1.5, 1.0)))
    error = tf.abs(guess[..., 0] - alpha)
    total = tf.reduce_mean(weight * (entropy[..., 0] + 1.5 * error))
    total += 0.5 * tf.reduce_mean(tf.where(body > 0.98, 1.5, 1.0) * entropy[..., 1])
    total += tf.reduce_mean(tf.where(dark > 0.03, 5.0, 1.0) * (entropy[..., 2] + 0.5 * tf.abs(guess[..., 2] - dark)))
    doubt = tf.nn.sigmoid_cross_entropy_with_logits(labels=tf.stop_gradient(error), logits=logits[..., 3])
    return total + 0.2 * tf.reduce_mean(doubt), tf.reduce_mean(error)


class Adam:
    """Adam with clipped gradients and a running mean of the weights."""

    def __init__(self, weights):
        self.names = sorted(weights)
        self.weights = {k: tf.Variable(weights[k]) for k in self.names}
        self.first, self.second, self.mean = ({k: tf.Variable(start(weights[k])) for k in self.names}
                                              for start in (np.zeros_like, np.zeros_like, np.copy))
        self.count = tf.Variable(0.0)

    def step(self, x, y, rate):
        with tf.GradientTape() as tape:
            loss, error = loss_of(model.forward(x, self.weights), y)
        gradients = tape.gradient(loss, [self.weights[k] for k in self.names])
        gradients, _ = tf.clip_by_global_norm(gradients, CLIP)
        self.count.assign_add(1.0)
        fix = tf.sqrt(1 - 0.999 ** self.count) / (1 - 0.9 ** self.count)
        keep = tf.minimum(KEEP, (1 + self.count) / (10 + self.count))
        for k, g in zip(self.names, gradients):
            m, v = self.first[k], self.second[k]
            m.assign(0.9 * m + 0.1 * g)
            v.assign(0.999 * v + 0.001 * g * g)
            self.weights[k].assign_sub(rate * fix * m / (tf.sqrt(v) + 1e-8))
            self.mean[k].assign(keep * self.mean[k] + (1 - keep) * self.weights[k])
        return loss, error


def save(path, optimizer):
    temporary = Path(path).with_suffix(".tmp.npz")
    np.savez(temporary, **{k: v.numpy() for k, v in optimizer.mean.items()})
    temporary.rename(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("data", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=40)
    parser.add_argument("--steps", type=int, default=0, help="a fixed number of steps, for a run that can be repeated")
    parser.add_argument("--start", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2e-3)
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(1)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    tf.config.experimental.enable_op_determinism()
    tf.random.set_seed(options.seed)
    shards = Shards(options.data / "shards")
    print(shards.scan(), flush=True)
    optimizer = Adam(dict(np.load(options.start)) if options.start else model.initial(options.seed))
    run = tf.function(optimizer.step, reduce_retracing=False)
    source = batches(shards, np.random.default_rng(options.seed))
    begin, step, losses, errors = time.time(), 0, [], []
    while True:
        done = step / options.steps if options.steps else (time.time() - begin) / (60 * options.minutes)
        if done >= 1:
            break
        rate = options.rate * min(1, (step + 1) / 100) * (0.5 + 0.5 * np.cos(np.pi * done)) + 1e-5
        x, y = next(source)
        loss, error = run(tf.constant(x), tf.constant(y), tf.constant(rate, tf.float32))
        losses.append(float(loss))
        errors.append(float(error))
        step += 1
        if step % 100 == 0:
            loss, error = np.mean(losses[-100:]), 1000 * np.mean(errors[-100:])
            print(f"step {step} {time.time() - begin:.0f} s loss {loss:.4f} alpha error x1000 {error:.1f}", flush=True)
        if step % RESCAN == 0:
            save(options.out, optimizer)
            print(shards.scan(), flush=True)
    save(options.out, optimizer)
    print("steps", step, "seconds", round(time.time() - begin), flush=True)


if __name__ == "__main__":
    main()
