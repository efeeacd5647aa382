"""An independent program for what Lockstep computes: float64, whole matrices, nothing shared with it.

usage: lockstep_oracle.py hash MODEL             SHA-256 of the parameters, layer by layer, weights then biases
       lockstep_oracle.py describe MODEL         names, types and shapes of the tensors, as JSON
       lockstep_oracle.py train BEFORE AFTER IMAGES LABELS COUNT RULES
                                                 steps over the first COUNT samples; the errors, as JSON
       lockstep_oracle.py gradient MODEL IMAGES LABELS COUNT [RULES]
                                                 its own gradient against central differences, as JSON
       lockstep_oracle.py evaluate MODEL IMAGES LABELS [RULES]
                                                 correct answers and mean cost, as JSON
       lockstep_oracle.py ensemble IMAGES LABELS MODEL RULES [MODEL RULES]...
                                                 the same of the mean of several networks' outputs, with the first one's cost
       lockstep_oracle.py bfloat16 FLOATS HALVES  float32 numbers and what they were rounded to; the differences, as JSON

RULES is JSON: activation, output, cost, smoothing, optimizer, steps.
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


def softmax(z):
    powers = numpy.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


# What a layer makes of its weighted inputs, and the derivative, from the result.
HIDDEN = {
    "sigmoid": (lambda z: 1 / (1 + numpy.exp(-z)), lambda a: a * (1 - a)),
    "tanh": (numpy.tanh, lambda a: 1 - a**2),
    "relu": (lambda z: numpy.maximum(z, 0), lambda a: numpy.where(a > 0, 1.0, 0.0)),
    "leaky-relu": (lambda z: numpy.where(z > 0, z, z / 100), lambda a: numpy.where(a > 0, 1.0, 0.01)),
}


class Rules:
    """How a network computes and learns. Without further word: as in the textbook's first chapter."""

    def __init__(self, text="{}"):
        rules = json.loads(text)
        self.activation = rules.get("activation", "sigmoid")
        self.cost = rules.get("cost", "quadratic")
        self.output = rules.get("output", "sigmoid")
        self.smoothing = rules.get("smoothing", 0)
        self.optimizer = rules.get("optimizer", {})
        self.steps = rules.get("steps", 1)

    def targets(self, classes):
        """Of one-hot rows, with label smoothing (Szegedy et al. 2016, section 7)."""
        return (1 - self.smoothing) * classes + self.smoothing / classes.shape[1]

    def activations(self, model, inputs):
        result = [inputs]
        for number, (weight, bias) in enumerate(model):
            last = number == len(model) - 1
            apply = softmax if last and self.output == "softmax" else HIDDEN["sigmoid" if last else self.activation][0]
            result.append(apply(result[-1] @ weight.T + bias))
        return result

    def total_cost(self, model, inputs, targets):
        """The sum over the samples."""
        return self.cost_of(self.activations(model, inputs)[-1], targets)

    def cost_of(self, answers, targets):
        """The sum over the samples, from the network's outputs."""
        if self.cost == "quadratic":
            return numpy.sum((answers - targets) ** 2) / 2
        if self.output == "softmax":
            return -numpy.sum(targets * numpy.log(answers))
        return -numpy.sum(targets * numpy.log(answers) + (1 - targets) * numpy.log(1 - answers))

    def gradient(self, model, inputs, targets):
        """The derivative of `total_cost`: Nielsen, Neural Networks and Deep Learning, BP1 to BP4 of chapter 2, and
        chapter 3 on the cross-entropy, with which the output's slope cancels."""
        values = self.activations(model, inputs)
        delta = values[-1] - targets
        if self.cost == "quadratic":
            delta = delta * values[-1] * (1 - values[-1])
        result = []
        for l in reversed(range(len(model))):
            result.insert(0, (delta.T @ values[l], delta.sum(axis=0)))
            if l > 0:
                delta = (delta @ model[l][0]) * HIDDEN[self.activation][1](values[l])
        return result

    def train(self, model, inputs, targets):
        """The parameters, flat, after steps that each see all samples."""
        weights = flat(model)
        decays = flat([(numpy.ones_like(weight), numpy.zeros_like(bias)) for weight, bias in model])
        first, second = numpy.zeros_like(weights), numpy.zeros_like(weights)
        for step in range(1, self.steps + 1):
            slope = flat(self.gradient(shaped(weights, model), inputs, targets)) / len(inputs)
            if "adamw" in self.optimizer:
                adam = self.optimizer["adamw"]
                rate, beta1, beta2 = adam["learning-rate"], adam["beta1"], adam["beta2"]
                first = beta1 * first + (1 - beta1) * slope
                second = beta2 * second + (1 - beta2) * slope**2
                unbiased1, unbiased2 = first / (1 - beta1**step), second / (1 - beta2**step)
                weights = weights - rate * adam["weight-decay"] * decays * weights
                weights = weights - rate * unbiased1 / (numpy.sqrt(unbiased2) + adam["epsilon"])
            elif "rmsprop" in self.optimizer:
                rms = self.optimizer["rmsprop"]
                slope = slope + rms["weight-decay"] * decays * weights
                second = rms["alpha"] * second + (1 - rms["alpha"]) * slope**2
                first = rms["momentum"] * first + slope / (numpy.sqrt(second) + rms["epsilon"])
                weights = weights - rms["learning-rate"] * first
            else:
                sgd = self.optimizer["sgd"]
                momentum = sgd.get("momentum", 0)
                slope = slope + sgd.get("weight-decay", 0) * decays * weights
                first = momentum * first + slope
                ahead = slope + momentum * first if sgd.get("nesterov") else first
                weights = weights - sgd["learning-rate"] * ahead
        return weights


def flat(model):
    return numpy.concatenate([part.ravel() for layer in model for part in layer])


def shaped(parameters, like):
    """The inverse of `flat`."""
    result, start = [], 0
    for layer in like:
        parts = []
        for part in layer:
            parts.append(parameters[start:start + part.size].reshape(part.shape))
            start += part.size
        result.append(tuple(parts))
    return result


def train(before, after, images, labels, count, rules):
    model, rules = doubles(layers(before)), Rules(rules)
    inputs, _, classes = samples(images, labels, model[-1][1].size, int(count))
    expected = rules.train(model, inputs, rules.targets(classes))
    found = flat(doubles(layers(after)))
    return {
        "moved": float(numpy.abs(expected - flat(model)).max()),
        "error": float(numpy.abs(found - expected).max()),
    }


def central_differences(path, images, labels, count, rules="{}"):
    model, rules = doubles(layers(path)), Rules(rules)
    inputs, _, classes = samples(images, labels, model[-1][1].size, int(count))
    targets = rules.targets(classes)
    slopes = flat(rules.gradient(model, inputs, targets))
    random = numpy.random.default_rng(1)
    worst = 0.0
    # Where a rectifier bends between the two points, their difference is no slope: so they lie close together.
    step = 1e-7 if rules.activation.endswith("relu") else 1e-5
    parts = [part for layer in model for part in layer]
    starts = numpy.cumsum([0] + [part.size for part in parts])
    for index in random.choice(starts[-1], 200, replace=False):
        which = int(numpy.searchsorted(starts, index, side="right")) - 1
        view = parts[which].reshape(-1)
        place = index - starts[which]
        value = view[place]
        view[place] = value + step
        above = rules.total_cost(model, inputs, targets)
        view[place] = value - step
        below = rules.total_cost(model, inputs, targets)
        view[place] = value
        worst = max(worst, abs((above - below) / (2 * step) - slopes[index]))
    return {"error": worst, "largest": float(numpy.abs(slopes).max())}


def evaluate(path, images, labels, rules="{}"):
    model, rules = doubles(layers(path)), Rules(rules)
    inputs, labels, classes = samples(images, labels, model[-1][1].size)
    answers = rules.activations(model, inputs)[-1].argmax(axis=1)
    return {
        "correct": int((answers == labels).sum()),
        "total": len(labels),
        "cost": float(rules.total_cost(model, inputs, rules.targets(classes)) / len(labels)),
    }


def ensemble(images, labels, *members):
    networks = [(doubles(layers(path)), Rules(rules)) for path, rules in zip(members[::2], members[1::2])]
    inputs, labels, classes = samples(images, labels, networks[0][0][-1][1].size)
    answers = numpy.mean([rules.activations(model, inputs)[-1] for model, rules in networks], axis=0)
    first = networks[0][1]
    return {
        "correct": int((answers.argmax(axis=1) == labels).sum()),
        "total": len(labels),
        "cost": float(first.cost_of(answers, first.targets(classes)) / len(labels)),
    }


def bfloat16(path):
    """float32 numbers to the nearest bfloat16, ties to even, by arithmetic: 8 significant bits, or multiples of 2^-133."""
    values = numpy.fromfile(path, "<f4").astype(numpy.float64)
    with numpy.errstate(invalid="ignore"):
        fraction, exponent = numpy.frexp(values)
        normal = numpy.ldexp(numpy.rint(fraction * 256), exponent - 8)
        tiny = numpy.rint(values * 2.0**133) * 2.0**-133
    rounded = numpy.where(numpy.abs(values) < 2.0**-126, tiny, normal)
    return numpy.where(numpy.isfinite(values), rounded, values)


def compare_bfloat16(floats, halves):
    found = (numpy.fromfile(halves, "<u2").astype(numpy.uint32) << 16).view(numpy.float32)
    with numpy.errstate(over="ignore"):
        expected = bfloat16(floats).astype(numpy.float32)
    numbers = ~numpy.isnan(expected)
    same = numpy.where(numbers, found.view(numpy.uint32) == expected.view(numpy.uint32), numpy.isnan(found))
    return {"total": len(found), "numbers": int(numbers.sum()), "different": int((~same).sum())}


def describe(path):
    return {name: [str(tensor.dtype), list(tensor.shape)] for name, tensor in sorted(load_file(path).items())}


def digest(path):
    content = b"".join(part.astype("<f4").tobytes() for layer in layers(path) for part in layer)
    return hashlib.sha256(content).hexdigest()


COMMANDS = {
    "hash": digest, "describe": describe, "train": train, "gradient": central_differences, "evaluate": evaluate,
    "ensemble": ensemble, "bfloat16": compare_bfloat16,
}

if __name__ == "__main__":
    print(json.dumps(COMMANDS[sys.argv[1]](*sys.argv[2:])))
