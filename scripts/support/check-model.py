#!/usr/bin/env python3
"""Exhausts the models of the protocol in Tests/Model with spin, and checks that spin finds each seeded mistake.

usage: check-model.py [MODEL...]      default: all models

Each model is searched whole, without hash compaction: for failed assertions and for ends that are no ends (safety), and for
cycles (every execution is finite, so the run ends or gives up). Prints a line for each search. The exit status is 1 if a
search finds an error or is not complete, or if a mistake is not found.
"""

import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
MODELS = ROOT / "Tests" / "Model"
MEMORY_LIMIT = 16_000  # MiB
TIME_LIMIT = 3_600  # seconds
OPTIMIZATION = {"doorbell": "-O2", "membership": "-O0"}  # the verifier of membership takes minutes to optimize

# model, what is searched for, definitions
SEARCHES = [
    ("doorbell", "safety", ""),
    ("doorbell", "safety", "WORKERS=1 TASKS=2"),
    ("doorbell", "safety", "WORKERS=1 TASKS=2 BUFFERED"),
    ("doorbell", "cycles", "STEPS=1"),
    ("doorbell", "cycles", "WORKERS=1 TASKS=2"),
    ("membership", "safety", "FAULTS=0 REPLAYS=0 PARTS"),
    ("membership", "safety", "FAULTS=0 LATE=0 LIES=0"),
    ("membership", "safety", "REPLAYS=0 EVICTIONS=0 LATE=0 LIES=0"),
    ("membership", "cycles", "FAULTS=0 REPLAYS=0"),
]

# number, model, what finds it, definitions, in words
MISTAKES = [
    (1, "doorbell", "safety", "STEPS=2", "a sender has no fence between the record and the look at the flag"),
    (2, "doorbell", "safety", "STEPS=2", "a receiver that is about to sleep does not look once more"),
    (3, "doorbell", "safety", "STEPS=2", "the sequence number is written before the payload"),
    (4, "doorbell", "cycles", "STEPS=1", "the answers that an abandoned step waits for are read of the first worker only"),
    (5, "doorbell", "safety", "WORKERS=1 TASKS=2", "a sender does not look whether the ring is full"),
    (6, "doorbell", "safety", "STEPS=2", "a receiver has no fence between its flag and its last look"),
    (7, "membership", "safety", "FAULTS=0 REPLAYS=0 LATE=0 LIES=0 PARTS", "a node that comes twice is added twice"),
    (8, "membership", "safety", "FAULTS=0 REPLAYS=0 LATE=0 LIES=0 PARTS", "the weights have one version"),
    (9, "membership", "safety", "FAULTS=0 REPLAYS=0 LATE=0 LIES=0", "one process computes both copies of an audited node"),
    (10, "membership", "safety", "FAULTS=0 REPLAYS=0 LATE=0 LIES=0", "a lost member's node is not given to another one"),
    (11, "membership", "safety", "FAULTS=0 LATE=0 LIES=0", "answers of an earlier membership of the connection count"),
]


class Search:
    """One search of a model's states."""

    def __init__(self, model: str, kind: str, definitions: str):
        self.name = f"{model}, {kind}" + (f", {definitions}" if definitions else "")
        with tempfile.TemporaryDirectory() as folder:
            flags = [f"-D{word}" for word in definitions.split()]
            self.call(["spin", *flags, "-a", str(MODELS / f"{model}.pml")], folder)
            kinds = {"safety": ["-DSAFETY"], "cycles": ["-DNP"]}
            self.call(
                ["cc", "-w", OPTIMIZATION[model], "-DCOLLAPSE", f"-DMEMLIM={MEMORY_LIMIT}", *kinds[kind], "-o", "pan", "pan.c"], folder
            )
            start = time.monotonic()
            arguments = ["-l"] if kind == "cycles" else []
            self.output = self.call(["./pan", *arguments, "-m1000000", "-w24", "-n"], folder)
            self.seconds = time.monotonic() - start
        self.errors = self.number(r"errors: (\d+)")
        self.states = self.number(r"(\d+) states, stored")
        self.mebibytes = float(re.search(r"([\d.]+)\ttotal actual memory usage", self.output).group(1))
        self.is_complete = "Search not completed" not in self.output and "max search depth" not in self.output

    @staticmethod
    def call(command: list[str], folder: str) -> str:
        result = subprocess.run(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=TIME_LIMIT, check=False
        )
        if result.returncode != 0 and command[0] != "./pan":
            sys.exit(f"{' '.join(command)}: {result.stdout}")
        return result.stdout

    def number(self, pattern: str) -> int:
        found = re.search(pattern, self.output)
        if found is None:
            sys.exit(f"{self.name}: no result: {self.output}")
        return int(found.group(1))

    def figures(self) -> str:
        return f"{self.states:,} states, {self.mebibytes:,.0f} MiB, {self.seconds:.0f} s"


def main() -> int:
    names = sys.argv[1:] or sorted({model for model, _, _ in SEARCHES})
    failures = []
    for model, kind, definitions in SEARCHES:
        if model not in names:
            continue
        search = Search(model, kind, definitions)
        good = search.errors == 0 and search.is_complete
        print(f"{'ok' if good else 'FAILED'}: {search.name}: {search.figures()}", flush=True)
        if not good:
            failures.append(search.name)
            print(search.output, flush=True)
    for number, model, kind, definitions, words in MISTAKES:
        if model not in names:
            continue
        search = Search(model, kind, f"{definitions} MISTAKE={number}".strip())
        found = search.errors > 0
        print(f"{'found' if found else 'NOT FOUND'}: mistake {number}: {words}: {search.figures()}", flush=True)
        if not found:
            failures.append(f"mistake {number}")
    if failures:
        print(f"failed: {', '.join(failures)}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
