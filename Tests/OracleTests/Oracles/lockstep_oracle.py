"""An independent program for what Lockstep computes: float64, whole matrices, nothing shared with it.

usage: lockstep_oracle.py hash MODEL             SHA-256 of the parameters, layer by layer, weights then biases
       lockstep_oracle.py describe MODEL         names, types and shapes of the tensors, as JSON
       lockstep_oracle.py step BEFORE AFTER IMAGES LABELS COUNT RATE
                                                 one step over the first COUNT samples; the errors, as JSON
       lockstep_oracle.py gradient MODEL IMAGES LABELS COUNT
                                                 its own gradient against central differences, as JSON
       lockstep_oracle.py evaluate MODEL IMAGES LABELS
                                                 correct answers and mean cost, as JSON
"""

import hashlib
import json
import sys

import numpy
from safetensors.numpy import load_file


def layers(path):
    tensors = load_file(path)
    count = len(tensors) // 2
    return [(tensors[f"layers.{l}.weight"], tensors[f"layers.{l}.bias"]) for l in range(count)]


def doubles(model):
    return [(weight.astype(numpy.float64), bias.astype(numpy.float64)) for weight, bias in model]


def samples(images, labels, outputs, count=None):
    with open(images, "rb") as file:
        number, rows, columns = numpy.frombuffer(file.read(16)[4:], ">u4")
        pixels = numpy.frombuffer(file.read(), numpy.uint8).reshape(number, rows * columns)
    with open(labels, "rb") as file:
        classes = numpy.frombuffer(file.read()[8:], numpy.uint8)[:count]
    return pixels[:count] / 255, classes, numpy.eye(outputs)[classes]


def activations(model, inputs):
    result = [inputs]
    for weight, bias in model:
        result.append(1 / (1 + numpy.exp(-(result[-1] @ weight.T + bias))))
    return result


def cost(model, inputs, targets):
    """The sum over the samples of half the squared distance."""
    return numpy.sum((activations(model, inputs)[-1] - targets) ** 2) / 2


def gradient(model, inputs, targets):
    """The derivative of `cost`: Nielsen, Neural Networks and Deep Learning, chapter 2, BP1 to BP4."""
    values = activations(model, inputs)
    delta = (values[-1] - targets) * values[-1] * (1 - values[-1])
    result = []
    for l in reversed(range(len(model))):
        result.insert(0, (delta.T @ values[l], delta.sum(axis=0)))
        delta = (delta @ model[l][0]) * values[l] * (1 - values[l])
    return result


def flat(model):
    return numpy.concatenate([part.ravel() for layer in model for part in layer])


def step(before, after, images, labels, count, rate):
    model = layers(before)
    old = doubles(model)
    inputs, _, targets = samples(images, labels, model[-1][1].size, int(count))
    change = -float(rate) / int(count) * flat(gradient(old, inputs, targets))
    expected = flat(old) + change
    found = flat(doubles(layers(after)))
    return {"moved": float(numpy.abs(change).max()), "error": float(numpy.abs(found - expected).max())}


def central_differences(path, images, labels, count):
    model = doubles(layers(path))
    inputs, _, targets = samples(images, labels, model[-1][1].size, int(count))
    slopes = flat(gradient(model, inputs, targets))
    random = numpy.random.default_rng(1)
    worst = 0.0
    step = 1e-5
    parts = [part for layer in model for part in layer]
    starts = numpy.cumsum([0] + [part.size for part in parts])
    for index in random.choice(starts[-1], 200, replace=False):
        which = int(numpy.searchsorted(starts, index, side="right")) - 1
        view = parts[which].reshape(-1)
        place = index - starts[which]
        value = view[place]
        view[place] = value + step
        above = cost(model, inputs, targets)
        view[place] = value - step
        below = cost(model, inputs, targets)
        view[place] = value
        worst = max(worst, abs((above - below) / (2 * step) - slopes[index]))
    return {"error": worst, "largest": float(numpy.abs(slopes).max())}


def evaluate(path, images, labels):
    model = doubles(layers(path))
    inputs, classes, targets = samples(images, labels, model[-1][1].size)
    answers = activations(model, inputs)[-1].argmax(axis=1)
    return {
        "correct": int((answers == classes).sum()),
        "total": len(classes),
        "cost": float(cost(model, inputs, targets) / len(classes)),
    }


def describe(path):
    return {name: [str(tensor.dtype), list(tensor.shape)] for name, tensor in sorted(load_file(path).items())}


def digest(path):
    content = b"".join(part.astype("<f4").tobytes() for layer in layers(path) for part in layer)
    return hashlib.sha256(content).hexdigest()


COMMANDS = {
    "hash": digest, "describe": describe, "step": step, "gradient": central_differences, "evaluate": evaluate,
}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
