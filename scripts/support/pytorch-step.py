"""Prints the microseconds of one training step in PyTorch: the median of several windows.

usage: pytorch-step.py [--threads N] [--processes N [--rank R --master HOST:PORT] [--bfloat16]] [--seconds S]
                       [--channels-last] BATCH SIZE SIZE...|conv

With sizes, a feed-forward network of sigmoids and the quadratic cost; `conv` is the convolutional network of
scripts/compare-pytorch with softmax and cross-entropy, whose images and activations --channels-last keeps in that memory
format. Plain stochastic gradient descent, float32 on the CPU, as Lockstep has for the same network. The samples are rows of
a float32 tensor as large as MNIST, in a shuffled order. Several processes
use DistributedDataParallel over gloo, each with its part of the mini-batch; --bfloat16 sends its gradients as bfloat16. With
--rank this process is one of them, and the others are started elsewhere; the process of rank 0 prints.
"""

import argparse
import os
import socket
import statistics
import time

import torch
import torch.distributed
import torch.multiprocessing
from torch.distributed.algorithms.ddp_comm_hooks.default_hooks import bf16_compress_hook

SAMPLES = 50_000
WINDOWS = 9


def network(sizes):
    if sizes == ["conv"]:
        nn = torch.nn
        return nn.Sequential(
            nn.Conv2d(1, 32, 3, padding=1), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Conv2d(32, 64, 3, padding=1), nn.ReLU(), nn.Conv2d(64, 64, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
            nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10))
    sizes = [int(size) for size in sizes]
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        layers += [torch.nn.Linear(inputs, outputs), torch.nn.Sigmoid()]
    return torch.nn.Sequential(*layers)


def measure(rank, arguments, master, answer):
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(rank)
    batch = arguments.batch // arguments.processes
    is_convolutional = arguments.network == ["conv"]
    memory_format = torch.channels_last if arguments.channels_last else torch.contiguous_format
    model = network(arguments.network)
    if is_convolutional:
        model = model.to(memory_format=memory_format)
    if arguments.processes > 1:
        host, port = master.rsplit(":", 1)
        os.environ.update(MASTER_ADDR=host, MASTER_PORT=port)
        torch.distributed.init_process_group("gloo", rank=rank, world_size=arguments.processes)
        model = torch.nn.parallel.DistributedDataParallel(model)
        if arguments.bfloat16:
            # PyTorch accepts the hook itself on GPUs only, but gloo adds bfloat16 as well.
            model.register_comm_hook(None, lambda state, bucket: bf16_compress_hook(state, bucket))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    if is_convolutional:
        samples = torch.rand(SAMPLES, 1, 28, 28)
        targets = torch.randint(10, (SAMPLES,))
    else:
        inputs, classes = int(arguments.network[0]), int(arguments.network[-1])
        samples = torch.rand(SAMPLES, inputs)
        targets = torch.nn.functional.one_hot(torch.randint(classes, (SAMPLES,)), classes).float()
    order = torch.randperm(SAMPLES)
    place = 0

    def step():
        nonlocal place
        if place + batch > SAMPLES:
            place = 0
        chosen = order[place : place + batch]
        place += batch
        optimizer.zero_grad(set_to_none=True)
        if is_convolutional:
            outputs = model(samples[chosen].contiguous(memory_format=memory_format))
            loss = torch.nn.functional.cross_entropy(outputs, targets[chosen])
        else:
            outputs = model(samples[chosen])
            loss = 0.5 * ((outputs - targets[chosen]) ** 2).sum() / batch
        loss.backward()
        optimizer.step()

    # All processes take the same number of steps; otherwise the last steps would wait forever.
    start = time.perf_counter()
    for _ in range(3):
        step()
    steps = torch.tensor(max(1, int(arguments.seconds / WINDOWS / ((time.perf_counter() - start) / 3))))
    if arguments.processes > 1:
        torch.distributed.broadcast(steps, 0)
    windows = []
    for _ in range(WINDOWS):
        start = time.perf_counter()
        for _ in range(int(steps)):
            step()
        windows.append((time.perf_counter() - start) / int(steps))
    if rank == 0:
        answer(statistics.median(windows) * 1e6)
    if arguments.processes > 1:
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()


def show(microseconds):
    print(f"{microseconds:.1f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--rank", type=int)
    parser.add_argument("--master")
    parser.add_argument("--bfloat16", action="store_true")
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--channels-last", action="store_true")
    parser.add_argument("batch", type=int)
    parser.add_argument("network", nargs="+")
    arguments = parser.parse_args()

    if arguments.processes == 1:
        measure(0, arguments, None, show)
    elif arguments.rank is not None:
        measure(arguments.rank, arguments, arguments.master, show)
    else:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        torch.multiprocessing.spawn(measure, (arguments, f"127.0.0.1:{port}", show), nprocs=arguments.processes)


if __name__ == "__main__":
    main()
