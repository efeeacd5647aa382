"""Prints PyTorch's numbers for PyTorchNumberTests.swift: six parameters after each of five steps, in float64.

usage: pytorch_optimizers.py        with PyTorch 2.13

Parameters 0 to 3 are weights, 4 and 5 are biases, on which there is no weight decay. The gradients are the means over the
mini-batch, which the test multiplies by its size.
"""

import torch

COUNT, STEPS = 6, 5


def initial():
    return [(i - 2.5) / 2 for i in range(COUNT)]


def gradient(step):
    return [((7 * step + 3 * i * i + 5) % 16 - 8) / 4 for i in range(COUNT)]


def run(make, decay=0.0, clip=None):
    values = initial()
    weights = torch.nn.Parameter(torch.tensor(values[:4], dtype=torch.float64))
    biases = torch.nn.Parameter(torch.tensor(values[4:], dtype=torch.float64))
    optimizer = make([{"params": [weights], "weight_decay": decay}, {"params": [biases], "weight_decay": 0.0}])
    rows = []
    for step in range(STEPS):
        slopes = gradient(step)
        weights.grad = torch.tensor(slopes[:4], dtype=torch.float64)
        biases.grad = torch.tensor(slopes[4:], dtype=torch.float64)
        if clip:
            clip([weights, biases])
        optimizer.step()
        rows.append(weights.tolist() + biases.tolist())
    return rows


def clip_norm(limit):
    return lambda parameters: torch.nn.utils.clip_grad_norm_(parameters, limit)


def clip_value(limit):
    return lambda parameters: torch.nn.utils.clip_grad_value_(parameters, limit)


optim = torch.optim
CASES = {
    "sgd": run(lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), decay=0.05),
    "adamw": run(lambda p: optim.AdamW(p, lr=0.02, betas=(0.8, 0.95), eps=1e-3), decay=0.1),
    "rmsprop": run(lambda p: optim.RMSprop(p, lr=0.01)),
    "rmspropWithMomentum": run(lambda p: optim.RMSprop(p, lr=0.02, alpha=0.9, eps=1e-3, momentum=0.8), decay=0.05),
    "clippedByNorm": run(lambda p: optim.SGD(p, lr=0.1, momentum=0.9), decay=0.05, clip=clip_norm(2.5)),
    "notClippedByNorm": run(lambda p: optim.SGD(p, lr=0.1, momentum=0.9), decay=0.05, clip=clip_norm(100.0)),
    "clippedByValue": run(lambda p: optim.RMSprop(p, lr=0.01, alpha=0.9, eps=1e-3), clip=clip_value(0.75)),
}

if __name__ == "__main__":
    for name, rows in CASES.items():
        print(f"    static let {name}: [[Double]] = [")
        for row in rows:
            print("        [" + ", ".join(f"{value:.9g}" for value in row) + "],")
        print("    ]")
