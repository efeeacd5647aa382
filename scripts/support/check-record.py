#!/usr/bin/env python3
"""Checks that the events of a real run follow the rules of Tests/Model/membership.pml.

usage: check-record.py LOCKSTEP RECORD

`LOCKSTEP replay --verbose RECORD` lists events and actions, at most the first 1,000 events. Each must be a step that the model
permits. The rules are those of membership.pml, written once more for any number of workers and shards, so that real runs fit:
spin itself does not read records. Evaluations are left out. Then the record is changed in each way in MUTATIONS, and each
changed record must be refused. The exit status is 1 if one of both fails.
"""

import re
import subprocess
import sys

ITEM = r"node (\d+) of step (\d+)"
MEMBER = r"peer (\d+), worker (\d+)"


class Refused(Exception):
    """The model has no such step."""


class Model:
    """The coordinator's state in membership.pml."""

    def __init__(self):
        self.candidates = {}  # peer: (ID, process)
        self.members = {}  # peer: (ID, process)
        self.process_of = {}  # ID: process
        self.held = {}  # ID: items that it has not answered
        self.last_id = 0
        self.step = None
        self.shards = 1
        self.is_audited = False
        self.known = set()
        self.copies = {}  # audited node: IDs of the members that have answered
        self.compared = set()
        self.steps = 0

    def require(self, condition: bool, reason: str):
        if not condition:
            raise Refused(reason)

    # The summation tree: node n has the children 2n and 2n + 1.

    def shards_of(self, node: int) -> tuple[int, int]:
        low, high = 0, self.shards
        for bit in bin(node)[3:]:
            middle = (low + high) // 2
            low, high = (low, middle) if bit == "0" else (middle, high)
        return low, high

    def is_known(self, node: int) -> bool:
        while node:
            if node in self.known:
                return True
            node //= 2
        return False

    def insert(self, node: int):
        if self.is_known(node):
            return
        while node:
            self.known.add(node)
            if node == 1 or node ^ 1 not in self.known:
                return
            node //= 2

    # Events.

    def hello(self, peer: str, process: str):
        self.members.pop(peer, None)
        self.candidates[peer] = (None, process)

    def ready(self, peer: str, member: int):
        candidate = self.candidates.pop(peer, None)
        if candidate and candidate[0] == member:
            self.members[peer] = candidate
            self.held[member] = []

    def lose(self, peer: str):
        self.members.pop(peer, None)
        self.candidates.pop(peer, None)

    def begin(self, step: int, shards: int, is_audited: bool):
        if self.step is not None:
            self.require(1 in self.known, f"step {step} begins, and step {self.step} lacks sums")
            self.require(step == self.step + 1, f"step {step} follows step {self.step}")
        self.step, self.shards, self.is_audited = step, shards, is_audited
        self.known, self.copies, self.compared = set(), {}, set()
        self.steps += 1

    def is_present(self, peer: str, member: int) -> bool:
        return peer in self.members and self.members[peer][0] == member

    def answered(self, peer: str, member: int, node: int, step: int):
        if not self.is_present(peer, member) or (node, step) not in self.held[member]:
            return
        self.held[member].remove((node, step))
        if node == 0 or step != self.step or 1 in self.known:
            return
        if not self.is_audited:
            self.insert(node)
        elif node not in self.compared:
            self.copies.setdefault(node, []).append(member)

    def released(self, node: int, step: int):
        self.require(step == self.step and node in self.compared, f"node {node} of step {step} is not compared")
        self.insert(node)

    # Actions.

    def welcome(self, peer: str, member: int):
        self.require(peer in self.candidates, f"peer {peer} is welcomed without a hello")
        known, process = self.candidates[peer]
        self.require(member == known or member > self.last_id, f"the ID {member} is used again")
        self.last_id = max(self.last_id, member)
        self.candidates[peer] = (member, process)
        self.process_of[member] = process

    def assign(self, peer: str, member: int, node: int, step: int):
        self.require(self.is_present(peer, member), f"worker {member} is no member and gets node {node}")
        self.require(step == self.step, f"node {node} of step {step} is assigned in step {self.step}")
        self.require(all(held == step for _, held in self.held[member]), f"worker {member} has not answered an earlier step")
        self.require(node == 0 or not self.is_known(node), f"node {node} is answered and assigned to worker {member}")
        low, high = self.shards_of(node) if node else (0, 1)
        self.require(low < high, f"node {node} has no shards")
        if self.is_audited and node:
            process = self.process_of[member]
            others = [*self.copies.get(node, []), *(m for m, items in self.held.items() if (node, step) in items)]
            present = {identity for identity, _ in self.members.values()}
            used = {self.process_of[m] for m in others if m in present or m in self.copies.get(node, [])}
            self.require(process not in used, f"one process computes both copies of node {node}")
        self.held[member].append((node, step))

    def compare(self, node: int, step: int, first: int, second: int):
        self.require(step == self.step and self.is_audited, f"step {step} is not audited")
        self.require({first, second} <= set(self.copies.get(node, [])), f"copies of node {node} are missing")
        self.require(self.process_of[first] != self.process_of[second], f"node {node} has two copies of one process")
        self.compared.add(node)

    def recompute(self, node: int, step: int):
        self.require(step == self.step and self.is_audited, f"step {step} is not audited")
        self.compared.add(node)

    def apply(self, line: str):
        event, _, actions = line.partition(" -> ")
        if found := re.match(r"hello\(peer (\d+).*host: (\".*\"), processID: (\d+)", event):
            self.hello(found[1], found[2] + found[3])
        elif found := re.match(rf"ready\({MEMBER}", event):
            self.ready(found[1], int(found[2]))
        elif found := re.match(rf"answered\({MEMBER}, {ITEM}", event):
            self.answered(found[1], int(found[2]), int(found[3]), int(found[4]))
        elif found := re.match(rf"goodbye\({MEMBER}", event):
            if self.is_present(found[1], int(found[2])):
                self.lose(found[1])
        elif found := re.match(r"peerLost\(peer (\d+)", event):
            self.lose(found[1])
        elif found := re.match(r"beginStep\((\d+), \d+ samples in (\d+) shards, isAudited: (\w+)", event):
            self.begin(int(found[1]), int(found[2]), found[3] == "true")
        elif found := re.match(rf"compared\({ITEM}, areEqual: true", event) or re.match(rf"recomputed\({ITEM}", event):
            self.released(int(found[1]), int(found[2]))
        elif event.startswith("abandoned"):
            self.step = None
        for found in re.finditer(
            rf"(welcome)\({MEMBER}|(assign)\({MEMBER}, {ITEM}|(compare)\({ITEM}, worker (\d+), worker (\d+)|(recompute)\({ITEM}"
            r"|(refuse)\(peer (\d+)",
            actions,
        ):
            if found[1]:
                self.welcome(found[2], int(found[3]))
            elif found[4]:
                self.assign(found[5], int(found[6]), int(found[7]), int(found[8]))
            elif found[9]:
                self.compare(*map(int, found.group(10, 11, 12, 13)))
            elif found[14]:
                self.recompute(int(found[15]), int(found[16]))
            elif found[17]:
                self.lose(found[18])


def check(lines: list[str]) -> int:
    """Returns the number of steps."""
    model = Model()
    for number, line in enumerate(lines):
        try:
            model.apply(line)
        except Refused as refusal:
            raise Refused(f"event {number}, {line[:120]}: {refusal}") from None
    return model.steps


def mutations(lines: list[str]):
    """Changed records: words, and the lines."""
    begins = [i for i, line in enumerate(lines) if line.startswith("beginStep")]
    answers = [i for i in range(begins[0], begins[-1]) if re.match(r"answered.* node [1-9]", lines[i])]
    first = answers[0]
    node, step = re.search(ITEM, lines[first]).groups()
    yield "an answer is missing", lines[:first] + lines[first + 1 :]
    yield "an answer is of another step", [
        *lines[:first], lines[first].replace(f"of step {step}", f"of step {int(step) + 1}", 1), *lines[first + 1 :]]
    yield "an answer is of another membership", [
        *lines[:first], re.sub(r"worker \d+", "worker 999", lines[first], count=1), *lines[first + 1 :]]
    yield "a step is missing", lines[: begins[1]] + lines[begins[2] :]
    yield "a worker never proved itself", [line for line in lines if not line.startswith("ready")]
    yield "an ID is used again", [re.sub(r"(welcome\(peer \d+), worker \d+", r"\1, worker 1", line) for line in lines]
    yield "an answered node is assigned again", [
        *lines[: first + 1], lines[first].replace("answered", "tick -> assign", 1), *lines[first + 1 :]]


def main() -> int:
    program, record = sys.argv[1:]
    listed = subprocess.run([program, "replay", "--verbose", record], capture_output=True, text=True, check=True).stdout
    lines = [line.split(" s   ", 1)[1] for line in listed.splitlines() if re.match(r"\d+   [\d.]+ s   ", line)]
    try:
        print(f"ok: {record}: {len(lines)} events, {check(lines)} steps follow the model")
    except Refused as refusal:
        print(f"FAILED: {record}: {refusal}")
        return 1
    status = 0
    for words, changed in mutations(lines):
        try:
            check(changed)
            print(f"NOT REFUSED: {words}")
            status = 1
        except Refused as refusal:
            print(f"refused: {words}: {refusal}")
    return status


if __name__ == "__main__":
    sys.exit(main())
