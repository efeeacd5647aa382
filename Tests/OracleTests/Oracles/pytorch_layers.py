"""Writes PyTorch's numbers for PyTorchLayerTests.swift: small networks that together have every kind of layer.

usage: pytorch_layers.py > pytorch-layers.json        with PyTorch 2.13, which scripts/compare-pytorch installs

For each network: settings of a run as `lockstep train --set` has them, samples of bytes, parameters in 64ths, and what
PyTorch computes from them in float64: the outputs, the loss and its gradient, summed over the samples, and the parameters
after three steps of each optimizer, with the mean gradient over all samples and weight decay on weights alone. The program
computes everything in float32 as well, and fails if the two differ by more than rounding explains: then a rectifier or a
maximum is so close to its bend that its slope is a matter of rounding.
"""

import json
import random
import sys

import torch
from torch import nn

SAMPLES, STEPS, SEED = 5, 3, 7

SGD = {"sgd": {"learning-rate": 0.1, "momentum": 0.9, "weight-decay": 0.05}}
# With an epsilon that is no small part of a gradient here: where the second moment vanishes, the sign of a rounding error
# would decide.
ADAMW = {"adamw": {"learning-rate": 0.02, "beta1": 0.8, "beta2": 0.95, "epsilon": 0.001, "weight-decay": 0.1}}
RMSPROP = {"rmsprop": {"learning-rate": 0.01, "alpha": 0.9, "epsilon": 0.001, "momentum": 0.5, "weight-decay": 0.05}}

# Name, input, layers, output, cost, label smoothing. Images are no squares, so that rows and columns are told apart.
NETWORKS = [
    ("dense layers, quadratic cost", [6], [{"dense": 5}, "sigmoid", {"dense": 4}], "sigmoid", "quadratic", 0),
    (
        "sigmoid outputs, cross-entropy", [6], [{"dense": 6}, "leaky-relu", {"dense": 4}, "tanh", {"dense": 3}],
        "sigmoid", "cross-entropy", 0,
    ),
    (
        "layer normalisation of a list, label smoothing", [6],
        [{"dense": 7}, "layer-norm", "tanh", {"dense": 4}], "softmax", "cross-entropy", 0.1,
    ),
    (
        "convolution, flattened", [1, 6, 5],
        [{"conv": {"filters": 3, "size": 3}}, "relu", "flatten", {"dense": 3}], "softmax", "cross-entropy", 0,
    ),
    (
        "convolutions with rectangles, strides and padding", [2, 7, 6],
        [
            {"conv": {"filters": 4, "size": [3, 2], "stride": [2, 1], "padding": 1}}, "leaky-relu",
            {"conv": {"filters": 9, "size": [2, 3], "padding": "same"}}, "tanh",
            {"average-pool": {"size": [2, 3], "stride": [1, 2]}}, "flatten", {"dense": 3},
        ],
        "softmax", "cross-entropy", 0,
    ),
    (
        "max pooling", [1, 7, 8],
        [
            {"conv": {"filters": 3, "size": 2}}, {"max-pool": {"size": 3, "stride": 2, "padding": 1}}, "sigmoid",
            {"max-pool": {"size": [1, 2], "stride": [1, 1]}}, "flatten", {"dense": 3},
        ],
        "sigmoid", "quadratic", 0,
    ),
    (
        "average pooling, global too", [2, 6, 5],
        [
            {"average-pool": 2}, {"conv": {"filters": 5, "size": 3, "padding": "same"}}, "relu",
            {"average-pool": {"size": 3, "stride": 2, "padding": 1}}, {"conv": {"filters": 4, "size": 1}}, "tanh",
            "global-average-pool", {"dense": 3},
        ],
        "softmax", "cross-entropy", 0,
    ),
    (
        "group and layer normalisation of images", [1, 6, 5],
        [
            {"conv": {"filters": 6, "size": 3}}, {"group-norm": 3}, "relu", {"max-pool": [2, 1]}, "layer-norm",
            "flatten", {"dense": 3},
        ],
        "softmax", "cross-entropy", 0,
    ),
    (
        "dropout of images and of lists", [1, 6, 5],
        [
            {"conv": {"filters": 3, "size": 3}}, "relu", {"dropout": 0.5}, {"average-pool": 2}, {"dropout": 0.25},
            "flatten", {"dense": 6}, "tanh", {"dropout": 0.25}, {"dense": 3},
        ],
        "softmax", "cross-entropy", 0,
    ),
]


def philox(counter, key):
    """Philox4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC '11."""
    a, b, c, d = counter
    low, high = key
    for _ in range(10):
        first, second = 0xD2511F53 * a, 0xCD9E8D57 * c
        a, b, c, d = (
            (second >> 32) ^ b ^ low, second & 0xFFFFFFFF, (first >> 32) ^ d ^ high, first & 0xFFFFFFFF,
        )
        low, high = (low + 0x9E3779B9) & 0xFFFFFFFF, (high + 0xBB67AE85) & 0xFFFFFFFF
    return a, b, c, d


class Dropout(nn.Module):
    """Dropout with the masks of a run: functions of seed, epoch, sample, layer and unit."""

    PURPOSE = 4
    epoch = 0

    def __init__(self, rate, position):
        super().__init__()
        self.rate, self.position = rate, position

    def mask(self, sample, units):
        """A unit is kept if its 16 random bits are at least rate * 65,536."""
        blocks = (units + 7) // 8
        words = [
            philox((self.PURPOSE, Dropout.epoch, sample, (self.position << 20) + block), (SEED, 0))
            for block in range(blocks)
        ]
        bits = [words[unit % blocks][unit // blocks // 2] >> 16 * (unit // blocks % 2) & 0xFFFF for unit in range(units)]
        return [1 / (1 - self.rate) if bit >= round(self.rate * 65536) else 0 for bit in bits]

    def forward(self, values):
        shape = values.shape
        masks = [self.mask(sample, shape[1:].numel()) for sample in range(shape[0])]
        return values * torch.tensor(masks, dtype=values.dtype).reshape(shape)


ACTIVATIONS = {"sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "relu": nn.ReLU, "leaky-relu": lambda: nn.LeakyReLU(0.01)}


def pair(size):
    return tuple(size) if isinstance(size, list) else (size, size)


def window(settings):
    """The arguments of a pooling layer."""
    settings = settings if isinstance(settings, dict) else {"size": settings}
    size = pair(settings["size"])
    return size, pair(settings["stride"]) if "stride" in settings else size, settings.get("padding", 0)


def module(kind, settings, shape, position):
    """A layer that follows values of this shape, without the samples."""
    if kind in ACTIVATIONS:
        return ACTIVATIONS[kind]()
    if kind == "dense":
        return nn.Linear(shape[0], settings)
    if kind == "conv":
        return nn.Conv2d(
            shape[0], settings["filters"], pair(settings["size"]), pair(settings.get("stride", 1)),
            settings.get("padding", 0))
    if kind == "max-pool":
        return nn.MaxPool2d(*window(settings))
    if kind == "average-pool":
        return nn.AvgPool2d(*window(settings))
    if kind == "global-average-pool":
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten())
    if kind == "layer-norm":
        return nn.LayerNorm(shape)
    if kind == "group-norm":
        return nn.GroupNorm(settings, shape[0])
    if kind == "dropout":
        return Dropout(settings, position)
    return {"flatten": nn.Flatten}[kind]()


def network(shape, layers):
    """The layers. A layer's random numbers follow from the number of layers with parameters before it, and from the layers
    that have as many: an activation after a dense layer or a convolution belongs to that layer."""
    result, segments, earlier, fuses = nn.Sequential(), 0, {}, False
    for layer in layers:
        kind, settings = next(iter(layer.items())) if isinstance(layer, dict) else (layer, None)
        is_fused = fuses and kind in ACTIVATIONS
        position = segments + 256 * earlier.get(segments, 0)
        if not is_fused:
            earlier[segments] = earlier.get(segments, 0) + 1
        result.append(module(kind, settings, shape, position))
        shape = list(result[-1](torch.zeros(1, *shape)).shape[1:])
        segments += 1 if any(True for _ in result[-1].parameters()) else 0
        fuses = kind in ("dense", "conv")
    return result


def loss(values, labels, output, cost, smoothing):
    """Summed over the samples."""
    targets = nn.functional.one_hot(labels, values.shape[1]).to(values.dtype)
    if cost == "quadratic":
        return ((values.sigmoid() - targets) ** 2).sum() / 2
    if output == "softmax":
        return nn.functional.cross_entropy(values, labels, reduction="sum", label_smoothing=smoothing)
    return nn.functional.binary_cross_entropy_with_logits(values, targets, reduction="sum")


def optimizer(settings, model):
    kind, settings = next(iter(settings.items()))
    decaying = [layer.weight for layer in model if isinstance(layer, (nn.Linear, nn.Conv2d))]
    others = [p for p in model.parameters() if not any(p is weight for weight in decaying)]
    groups = [{"params": decaying, "weight_decay": settings["weight-decay"]}, {"params": others, "weight_decay": 0.0}]
    rate = settings["learning-rate"]
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=rate, momentum=settings["momentum"])
    if kind == "adamw":
        return torch.optim.AdamW(
            groups, lr=rate, betas=(settings["beta1"], settings["beta2"]), eps=settings["epsilon"])
    return torch.optim.RMSprop(
        groups, lr=rate, alpha=settings["alpha"], eps=settings["epsilon"], momentum=settings["momentum"])


def flat(tensors):
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def compute(model, start, inputs, labels, rules, dtype):
    """All results, by name."""
    inputs, model = inputs.to(dtype), model.to(dtype)

    def reset():
        place, Dropout.epoch = 0, 0
        with torch.no_grad():
            for p in model.parameters():
                p.copy_(start[place:place + p.numel()].to(dtype).reshape(p.shape))
                place += p.numel()
        model.zero_grad()

    reset()
    total = loss(model(inputs), labels, *rules)
    total.backward()
    results = {"loss": total.detach().reshape(1), "gradient": flat([p.grad for p in model.parameters()])}
    for settings in (SGD, ADAMW, RMSPROP):
        reset()
        steps = optimizer(settings, model)
        for Dropout.epoch in range(STEPS):
            steps.zero_grad()
            (loss(model(inputs), labels, *rules) / len(labels)).backward()
            steps.step()
        results[f"optimizer={json.dumps(settings)}"] = flat(model.parameters())
    reset()
    kept = [layer for layer in model if not isinstance(layer, Dropout)]
    values = nn.Sequential(*kept)(inputs)
    results["outputs"] = flat([values.softmax(1) if rules[0] == "softmax" else values.sigmoid()])
    return results


def numbers(tensor):
    return [float(f"{value:.9g}") for value in tensor.tolist()]


def case(index, name, shape, layers, output, cost, smoothing):
    source = random.Random(100 + index)
    pixels = [source.randrange(256) for _ in range(SAMPLES * torch.Size(shape).numel())]
    model = network(shape, layers)
    start = [source.randrange(-45, 46) for _ in range(sum(p.numel() for p in model.parameters()))]
    inputs = torch.tensor(pixels, dtype=torch.float64).reshape(SAMPLES, *shape) / 255
    classes = model(inputs.float()).shape[1]
    labels = torch.tensor([source.randrange(classes) for _ in range(SAMPLES)])
    operands = model, torch.tensor(start, dtype=torch.float64) / 64, inputs, labels, (output, cost, smoothing)
    single, double = compute(*operands, torch.float32), compute(*operands, torch.float64)
    for key, value in double.items():
        error = ((single[key] - value).abs().max() / value.abs().max()).item()
        if error > 1e-5:
            sys.exit(f"{name}: {key} differs by {error} in float32; choose another seed")
    settings = {"input": shape, "layers": layers, "output": output}
    return {
        "name": name,
        "settings": [
            f"network={json.dumps(settings)}", f"cost={cost}", f"regularization.label-smoothing={smoothing}",
            f"training={json.dumps({'epochs': STEPS, 'batch': SAMPLES, 'seed': SEED})}",
        ],
        "pixels": pixels, "labels": labels.tolist(), "parameters": start, "outputs": numbers(double.pop("outputs")),
        "loss": double.pop("loss").item(), "gradient": numbers(double.pop("gradient")),
        "steps": {key: numbers(value) for key, value in double.items()},
    }


if __name__ == "__main__":
    cases = [json.dumps(case(index, *network)) for index, network in enumerate(NETWORKS)]
    print("[\n" + ",\n".join(cases) + "\n]")
