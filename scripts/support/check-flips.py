"""Flips single bits in the memory of running trainings, and counts which are found, masked or missed.

usage: check-flips.py LOCKSTEP FLIPS FROM RESULTS [MODE...]

LOCKSTEP is the program. The flips FROM to FLIPS - 1 are made; the number of a flip is the seed of its place and time. RESULTS is a
file to which each flip adds a line; the table at the end is made of the whole file, so that a series that was interrupted
continues. MODE selects some of shared-audit, shared, inline-audit and inline: how gradients travel, with `--audit 1` or without.

Two workers train a tiny network. All their processes are stopped while one bit is changed through /proc/PID/mem, and continue.
Each epoch's line begins with the digest of its weights, which is compared with an undisturbed run's. A flip is
- found, if the run says so and then has the right weights again,
- masked, if the weights stay right until two epochs and two checkpoints later,
- missed, if the weights are wrong and the run says nothing for four seconds,
- stalled, if no epoch ends for twenty seconds; crashed, if the coordinator ends by a signal.

After a flip in the coordinator's memory the next checkpoint is resumed on its own and must lead to the right weights.
It fails if a flip is missed while every step is audited, if a checkpoint is wrong, or if anything stalls or crashes. As root.
"""
import collections
import json
import os
import pathlib
import random
import re
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import threading
import time

import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODES = {
    "shared-audit": ["--transport", "shared", "--audit", "1"],
    "inline-audit": ["--transport", "inline", "--audit", "1"],
    "shared": ["--transport", "shared"],
    "inline": ["--transport", "inline"],
}
NETWORKS = {"small": ([36, 8, 4], 20), "wide": ([36, 128, 64, 4], 100)}
# Flips of one run, and epochs after which a run gets no more.
FLIPS_OF_RUN, EPOCHS = 40, 1200
SIDE, CLASSES, TRAINING, VALIDATION, TEST = 6, 4, 2000, 100, 100
# Seconds until wrong weights count as missed, and until a run counts as stalled.
SILENCE, PATIENCE = 4, 20
PAGE, ARENA = 4096, 64 << 20
EPOCH = re.compile(r"^Epoch (\d+):.* ([0-9a-f]{8})\s*$")
# What a run says when it has noticed something.
WORDS = {
    "the memory check": "changed in this process's memory",
    "the data check": "the data set changed in the memory of",
    "the audit": "computed a wrong result for node",
    "a number that is not finite": r"step \d+: the (loss|gradient|weights?) ",
    "the protocol": "broke the protocol|damaged|checksum",
    "the checkpoint's check": "changed while it was (saved|written)",
    "a lost worker": "was lost|has ended|was killed|rejoin|evicted|no answer",
}

CONFIGURATION = """
name: flips
data:
  images: data/train-images-idx3-ubyte
  labels: data/train-labels-idx1-ubyte
  test-images: data/t10k-images-idx3-ubyte
  test-labels: data/t10k-labels-idx1-ubyte
  validation: {validation}
network: {{ sizes: {sizes}, activation: sigmoid, initializer: standard-normal }}
cost: quadratic
training: {{ epochs: 1000000, batch: {batch}, seed: 1 }}
optimizer: {{ sgd: {{ learning-rate: 0.1, momentum: 0.9 }} }}
checkpoint: {{ every: 0.02 }}
"""


class Failure(Exception):
    pass


def write_dataset(folder):
    folder.mkdir()
    numbers = random.Random(1)
    patterns = [[numbers.randint(0, 155) for _ in range(SIDE * SIDE)] for _ in range(CLASSES)]
    for prefix, count in (("train", TRAINING + VALIDATION), ("t10k", TEST)):
        labels = bytes(numbers.randrange(CLASSES) for _ in range(count))
        pixels = bytes(pixel + numbers.randint(0, 100) for label in labels for pixel in patterns[label])
        sizes = struct.pack(">4I", 0x803, count, SIDE, SIDE)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(sizes + pixels)
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, count) + labels)


class Run:
    """A training whose output is read line by line."""

    def __init__(self, program, folder, network, mode, library):
        self.folder, self.network = folder, network
        self.output = folder / "run"
        shutil.rmtree(self.output, ignore_errors=True)
        environment = dict(os.environ, LD_PRELOAD=str(library))
        self.process = subprocess.Popen(
            [program, "train", f"{network}.yaml", "--workers", "2", "--shards", "4", "--kernel", "portable",
             "--max-restarts", "1000", "--output", str(self.output), *MODES[mode]],
            cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            errors="replace", env=environment)
        self.lines, self.arrived = [], threading.Condition()
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            with self.arrived:
                self.lines.append(line.rstrip("\n"))
                self.arrived.notify_all()
        with self.arrived:
            self.lines.append(None)
            self.arrived.notify_all()

    def wait(self, position, seconds):
        """The next line after so many, or "" if none arrives; None at the end of the output."""
        with self.arrived:
            self.arrived.wait_for(lambda: len(self.lines) > position, seconds)
            return self.lines[position] if len(self.lines) > position else ""

    def processes(self):
        """The coordinator and its workers."""
        pid = self.process.pid
        children = []
        for task in os.listdir(f"/proc/{pid}/task"):
            try:
                children += open(f"/proc/{pid}/task/{task}/children", encoding="ascii").read().split()
            except OSError:
                continue
        return [pid, *sorted({int(child) for child in children})]

    def checkpoints(self):
        try:
            return {name for name in os.listdir(self.output / "checkpoints") if re.fullmatch(r"step-.*\.safetensors", name)}
        except OSError:
            return set()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.reader.join(10)


class Stopped:
    """Processes that stand still."""

    def __init__(self, pids):
        self.pids = pids

    def __enter__(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)
        deadline = time.monotonic() + 5
        while any(self.state(pid) not in "TtZX" for pid in self.pids) and time.monotonic() < deadline:
            time.sleep(0.0002)

    def __exit__(self, *_):
        for pid in self.pids:
            try:
                os.kill(pid, signal.SIGCONT)
            except ProcessLookupError:
                pass

    @staticmethod
    def state(pid):
        """The letter of the thread that runs most; Z if the process has ended."""
        try:
            states = {
                open(f"/proc/{pid}/task/{task}/stat", encoding="ascii").read().rsplit(")", 1)[1].split()[0]
                for task in os.listdir(f"/proc/{pid}/task")}
        except OSError:
            return "Z"
        return next((state for state in states if state not in "Tt"), "T")


def mappings(pid):
    """The memory in which floats and data can lie: (start, end, name); the name of private memory is empty."""
    found, current = [], None
    for line in open(f"/proc/{pid}/smaps", encoding="ascii", errors="replace"):
        head = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+) \S+ \S+ \S+\s*(.*)", line)
        if head:
            start, end = int(head[1], 16), int(head[2], 16)
            current = (start, end, head[3], head[4])
        elif line.startswith("Rss:"):
            resident = int(line.split()[1])
        elif line.startswith("VmFlags:") and current:
            start, end, rights, name = current
            if name.startswith("/memfd:lockstep-") and "w" in rights:
                found.append((start, end, name[7:].split()[0]))
            elif not name and rights == "rw-p" and " nr" in line and resident > 0 and start % ARENA:
                found.append((start, end, ""))
    return found


def read_memory(memory, start, end):
    return os.pread(memory, end - start, start)


def correlation(first, second):
    if not numpy.isfinite(first).all() or first.std() == 0 or second.std() == 0:
        return 0
    return float(numpy.corrcoef(first, second)[0, 1])


class Places:
    """Where the memory of each kind lies in a stopped run: kind -> [(pid, start, end)]."""

    def __init__(self, run, pids, data):
        self.places = collections.defaultdict(list)
        weights, momentum = self.saved(run)
        for pid in pids:
            memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
            owner = "coordinator" if pid == pids[0] else "worker"
            try:
                for start, end, name in mappings(pid):
                    if name:
                        self.add_shared(pid, start, end, name)
                    else:
                        self.add_private(pid, owner, start, read_memory(memory, start, end), weights, momentum, data)
            finally:
                os.close(memory)

    @staticmethod
    def saved(run):
        """The weights and the optimizer's memory of the newest checkpoint."""
        for name in sorted(run.checkpoints(), key=lambda name: int(re.search(r"\d+", name)[0]), reverse=True):
            try:
                content = (run.output / "checkpoints" / name).read_bytes()
            except OSError:
                continue
            size = struct.unpack("<Q", content[:8])[0]
            tensors = json.loads(content[8:8 + size])
            begin, end = next(value["data_offsets"] for key, value in tensors.items() if key.startswith("optimizer."))
            body = content[8 + size:]
            return numpy.frombuffer(body[:begin], "<f4"), numpy.frombuffer(body[begin:end], "<f4")
        raise Failure("no checkpoint")

    def add_shared(self, pid, start, end, name):
        kind = name.removeprefix("lockstep-")
        if kind in ("weights", "gradients"):
            self.places["mailboxes"].append((pid, end - PAGE, end))
            end -= PAGE
        self.places["mailboxes" if kind == "tasks" else kind].append((pid, start, end))

    def add_private(self, pid, owner, start, content, weights, momentum, data):
        """Names the buffers in a private mapping by what they contain."""
        named = numpy.zeros(len(content) // PAGE + 1, bool)
        size = weights.nbytes
        pages = (size + PAGE - 1) // PAGE

        def name(kind, page, count, length):
            named[page:page + count] = True
            self.places[kind].append((pid, start + page * PAGE, start + page * PAGE + length))

        at = content.find(data[:256])
        if at >= 0:
            page = at // PAGE
            name(f"data, {owner}'s own", page, (len(data) + PAGE - 1) // PAGE + 1, at % PAGE + len(data))
        for page in range(len(content) // PAGE):
            if named[page] or page * PAGE + size > len(content):
                continue
            floats = numpy.frombuffer(content[page * PAGE:page * PAGE + size], "<f4")
            if correlation(floats, weights) > 0.98:
                name(f"weights, {owner}'s own", page, pages, size)
            elif owner == "coordinator" and correlation(floats, momentum) > 0.8:
                name("optimizer memory", page, pages, size)
        for page in range(len(content) // PAGE):
            if not named[page] and any(content[page * PAGE:(page + 1) * PAGE]):
                self.places[f"gradients and sums, {owner}'s own"].append(
                    (pid, start + page * PAGE, start + (page + 1) * PAGE))


class Series:
    def __init__(self, program, results, modes):
        self.program, self.results, self.modes = program, results, modes
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lockstep-flips-"))
        write_dataset(self.folder / "data")
        self.data = (self.folder / "data/train-images-idx3-ubyte").read_bytes()[16:16 + TRAINING * SIDE * SIDE]
        self.library = self.folder / "writable.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, ROOT / "Tests/Faults/writable_data.c"], check=True)
        self.right = {}
        for network, (sizes, batch) in NETWORKS.items():
            (self.folder / f"{network}.yaml").write_text(
                CONFIGURATION.format(validation=VALIDATION, sizes=sizes, batch=batch))
            text = subprocess.run(
                [program, "train", f"{network}.yaml", "--shards", "4", "--kernel", "portable", "--epochs",
                 str(EPOCHS + 800), "--output", f"right-{network}"], cwd=self.folder, capture_output=True, text=True,
                check=True).stdout
            self.right[network] = [match[2] for match in map(EPOCH.match, text.splitlines()) if match]

    def make(self, first, last):
        number = first
        while number < last:
            batch = number // FLIPS_OF_RUN
            mode = self.modes[batch % len(self.modes)]
            network = list(NETWORKS)[batch // len(self.modes) % len(NETWORKS)]
            run = Run(self.program, self.folder, network, mode, self.library)
            try:
                number = self.flips(run, mode, network, number, min(last, (batch + 1) * FLIPS_OF_RUN))
            finally:
                run.kill()
        shutil.rmtree(self.folder)

    def flips(self, run, mode, network, number, last):
        """Makes flips in a run until it is no use any more; returns the next flip's number."""
        position, epoch = 0, -1
        while epoch < 3 or not run.checkpoints():
            line = run.wait(position, PATIENCE)
            if not line:
                raise Failure("the run does not start:\n" + "\n".join(map(str, run.lines[-20:])))
            position += 1
            match = EPOCH.match(line)
            epoch = int(match[1]) if match else epoch
        pids = run.processes()
        with Stopped(pids):
            places = Places(run, pids, self.data).places
        while number < last:
            record = self.flip(run, mode, network, number, pids, places)
            number += 1
            with open(self.results, "a", encoding="utf-8") as file:
                file.write(json.dumps(record) + "\n")
            if record["verdict"] not in ("masked", "found") or record["ends"] or record["epoch"] > EPOCHS:
                break
        return number

    def flip(self, run, mode, network, number, pids, places):
        numbers = random.Random(number)
        kind = sorted(places)[number % len(places)]
        # Some moment of some steps.
        time.sleep(numbers.random() * 0.02)
        before = run.checkpoints()
        with Stopped(pids):
            position = len(run.lines)
            pid, start, end = numbers.choice(places[kind])
            address = numbers.randrange(start, end)
            if kind not in ("mailboxes",) and "data" not in kind:
                address = self.nonzero(pid, start, end, address)
            bit = numbers.randrange(8)
            memory = os.open(f"/proc/{pid}/mem", os.O_RDWR)
            old = os.pread(memory, 1, address)[0]
            os.pwrite(memory, bytes([old ^ 1 << bit]), address)
            os.close(memory)
        record = {
            "flip": number, "mode": mode, "network": network, "kind": kind, "offset": address - start, "bit": bit,
            "process": pids.index(pid), "by": ""}
        saves = "coordinator" in kind or kind == "optimizer memory"
        record.update(self.judge(run, network, position, before, saves))
        return record

    @staticmethod
    def nonzero(pid, start, end, address):
        """A float that is not zero, at the address or after it; the address itself if there is none."""
        memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY)
        content = os.pread(memory, end - start, start)
        os.close(memory)
        words = numpy.frombuffer(content[:len(content) // 4 * 4], "<u4")
        used = numpy.flatnonzero(words)
        if not used.size:
            return address
        after = used[used >= (address - start) // 4]
        word = int(after[0] if after.size else used[0])
        return start + word * 4 + address % 4

    def judge(self, run, network, position, before, saves):
        """Follows the output after a flip."""
        flipped = wrong = None
        epochs, said, by, kept, epoch = 0, [], "", {}, 0
        begin = time.monotonic()

        def verdict(word, ends=False):
            bad = self.wrong_checkpoints(run, network, kept) if saves and word in ("masked", "found") else []
            return {
                "verdict": "saved" if bad else word, "by": by, "ends": ends or bool(said and "worker" in " ".join(said)),
                "epoch": epoch, "said": said[:6] + bad, "seconds": round(time.monotonic() - begin, 2)}

        while True:
            line = run.wait(position, 0.01)
            self.keep(run, before, kept, saves)
            now = time.monotonic()
            if line is None:
                status = run.process.wait()
                return verdict("crashed" if status < 0 else "found" if status else "ended", ends=True)
            if line:
                position += 1
                match = EPOCH.match(line)
                if not match:
                    said.append(line)
                    by = by or next((who for who, words in WORDS.items() if re.search(words, line)), "")
                    if by:
                        # What was wrong before is known now; from here on the weights must be right.
                        epochs, wrong = 0, None
                    continue
                epoch = int(match[1])
                if match[2] == self.right[network][epoch]:
                    # Epochs are repeated after the run has gone back.
                    epochs, wrong, flipped = epochs + 1, None, now
                elif wrong is None:
                    wrong = now
            if wrong is not None and now - wrong > SILENCE:
                return verdict("wrong after it was found" if by else "missed", ends=True)
            if now - max(begin, flipped or 0, wrong or 0) > PATIENCE:
                return verdict("stalled", ends=True)
            if wrong is None and epochs >= 2 and len(run.checkpoints() - before) >= 2:
                return verdict("found" if by else "masked")

    @staticmethod
    def keep(run, before, kept, saves):
        """Keeps the first checkpoint that is written after a flip: later ones are copies of the live state."""
        if not saves or kept:
            return
        for name in sorted(run.checkpoints() - before, key=lambda name: int(re.search(r"\d+", name)[0])):
            copy = run.folder / f"kept-{name}"
            copy.unlink(missing_ok=True)
            try:
                os.link(run.output / "checkpoints" / name, copy)
            except OSError:
                continue
            kept[name] = copy
            return

    def wrong_checkpoints(self, run, network, kept):
        """Resumes each checkpoint on its own; the ones that lead to other weights without a word."""
        wrong = []
        for name, path in kept.items():
            output = self.folder / "resumed"
            shutil.rmtree(output, ignore_errors=True)
            (output / "checkpoints").mkdir(parents=True)
            shutil.copy(run.output / "config.yaml", output)
            shutil.copy(path, output / "checkpoints" / name)
            path.unlink()
            steps = -(-TRAINING // NETWORKS[network][1])
            epochs = -(-(int(re.search(r"\d+", name)[0]) + 1) // steps)
            ending = subprocess.run(
                [self.program, "train", f"{network}.yaml", "--kernel", "portable", "--epochs", str(epochs), "--resume",
                 "--output", str(output)], cwd=self.folder, capture_output=True, text=True, check=False)
            found = [match for match in map(EPOCH.match, ending.stdout.splitlines()) if match]
            if "altered or damaged" in ending.stderr:
                # A bit that flips after the digest was computed: a resumed run uses an earlier checkpoint.
                continue
            if not found or any(match[2] != self.right[network][int(match[1])] for match in found):
                wrong.append(f"{name}: {ending.stdout} {ending.stderr}")
        return wrong


def table(records):
    verdicts = ["found", "masked", "missed"]
    counts = collections.Counter()
    for record in records:
        audit = "audit 1" if record["mode"].endswith("audit") else "no audit"
        counts[record["kind"], audit, record["verdict"]] += 1
    verdicts += sorted({verdict for _, _, verdict in counts} - set(verdicts))
    lines = ["| memory | | " + " | ".join(verdicts) + " |", "| --- | --- |" + " --- |" * len(verdicts)]
    for kind, audit in sorted({(kind, audit) for kind, audit, _ in counts}):
        row = " | ".join(str(counts[kind, audit, verdict]) for verdict in verdicts)
        lines.append(f"| {kind} | {audit} | {row} |")
    return "\n".join(lines)


def main():
    program, last, first, results = os.path.abspath(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    if os.geteuid() != 0:
        sys.exit("only root may change the memory of other processes")
    Series(program, results, sys.argv[5:] or list(MODES)).make(first, last)
    records = [json.loads(line) for line in open(results, encoding="utf-8")]
    print(table(records))
    failed = [
        record for record in records
        if record["verdict"] not in ("found", "masked", "missed")
        or record["verdict"] == "missed" and record["mode"].endswith("audit")]
    for record in failed:
        print(json.dumps(record), file=sys.stderr)
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
