"""Makes each system call on a file fail in turn, or ends the process at it, and looks at what is left.

usage: check-calls.py LOCKSTEP [SCENARIO | SCENARIO/KIND:FAULT:NUMBER | SCENARIO/COUNT@SEED]...

LOCKSTEP is the program. A scenario is a command, such as fresh and resume; without any, all of SCENARIOS below are run.
Tests/Faults/calls.c is preloaded. For each kind of call and each fault the first call is disturbed, then the second, until the
command makes no more such calls. SCENARIO/open:EIO:7 is one case, and SCENARIO/20@1 are twenty random ones with the seed 1.

- EIO, ENOSPC: the command succeeds with the right result, or ends with a status of sysexits.h and a message that names the file
  and the reason. With a + all later calls of the kind fail too, as on a full disk.
- EINTR and short reads and writes: nothing is different.
- kill, lost and torn: the process is killed, and what was not flushed is gone.

In no case does a command trap or hang. Afterwards `--resume` ends with the weights of the undisturbed run, a model file is the old
one or the new one, byte for byte, and keys are whole or absent.
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
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
SIDE, CLASSES = 4, 3
ERRORS = {"EIO": "Input/output error", "ENOSPC": "No space left on device"}
HARD = ["EIO", "ENOSPC"]
FAULTS = {
    "open": [*HARD, "ENOSPC+", "EINTR"],
    "read": ["EIO", "EIO+", "EINTR", "short"],
    "write": [*HARD, "ENOSPC+", "EINTR", "short"],
    "sync": ["EIO", "EIO+", "EINTR"],
    "rename": [*HARD, "EIO+"],
    "truncate": ["EIO", "EINTR"],
    "mkdir": HARD,
    "remove": ["EIO", "EIO+"],
    "mode": ["EIO"],
    "list": ["EIO", "EIO+"],
    "map": ["EIO"],
    "lock": ["EIO", "EINTR"],
    "any": ["kill", "lost", "torn"],
}
CRASHES = ("kill", "lost", "torn")
# What sysexits.h knows and Lockstep's article on exit statuses lists for files.
STATUSES = {65, 66, 71, 73, 74, 75, 77}
LIMIT = 30

CONFIGURATION = """
name: calls
data:
  images: data/train-images-idx3-ubyte
  labels: data/train-labels-idx1-ubyte
  test-images: data/t10k-images-idx3-ubyte
  test-labels: data/t10k-labels-idx1-ubyte
  validation: 20
network: { sizes: [16, 5, 3], activation: sigmoid, initializer: standard-normal }
cost: quadratic
training: { epochs: 3, batch: 20, seed: 1 }
optimizer: { sgd: { learning-rate: 0.1, momentum: 0.9 } }
checkpoint: { every: 0.001 }
"""


def write_dataset(folder):
    folder.mkdir()
    numbers = random.Random(1)
    patterns = [[numbers.randint(0, 155) for _ in range(SIDE * SIDE)] for _ in range(CLASSES)]
    for prefix, count in (("train", 60), ("t10k", 20)):
        labels = bytes(numbers.randrange(CLASSES) for _ in range(count))
        pixels = bytes(pixel + numbers.randint(0, 100) for label in labels for pixel in patterns[label])
        sizes = struct.pack(">4I", 0x803, count, SIDE, SIDE)
        (folder / f"{prefix}-images-idx3-ubyte").write_bytes(sizes + pixels)
        (folder / f"{prefix}-labels-idx1-ubyte").write_bytes(struct.pack(">2I", 0x801, count) + labels)


class Place:
    """A folder with a data set, an undisturbed run of three epochs, and one of six."""

    def __init__(self, program):
        self.program = program
        self.path = pathlib.Path(tempfile.mkdtemp(prefix="lockstep-calls-"))
        write_dataset(self.path / "data")
        (self.path / "tiny.yaml").write_text(CONFIGURATION)
        self.library = self.path / "calls.so"
        subprocess.run(
            ["cc", "-shared", "-fPIC", "-O1", "-o", self.library, ROOT / "Tests/Faults/calls.c"], check=True)
        self.log = self.path / "log"
        self.weights = {}
        for epochs in (3, 6):
            ending = self.run("train", "tiny.yaml", "--kernel", "portable", "--epochs", str(epochs), "--output", f"right-{epochs}")
            self.weights[epochs] = re.search(r"Weights: (\w+)", ending.stdout)[1]

    def run(self, *arguments, fault=None, under=None, cache="cache"):
        environment = {key: value for key, value in os.environ.items() if not key.startswith(("LOCKSTEP_", "CALLS_"))}
        environment["TMPDIR"] = str(self.path / "elsewhere")
        (self.path / "elsewhere").mkdir(exist_ok=True)
        environment["LOCKSTEP_CACHE"] = str(self.path / cache)
        if fault:
            self.log.unlink(missing_ok=True)
            environment.update(
                LD_PRELOAD=str(self.library), CALLS_FAULT=fault, CALLS_LOG=str(self.log), CALLS_ROOT=str(under))
        process = subprocess.Popen(
            [self.program, *arguments], cwd=self.path, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, errors="replace")
        try:
            output, errors = process.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            process.kill()
            output, errors = process.communicate()
            return subprocess.CompletedProcess(arguments, "hang", output, errors)
        return subprocess.CompletedProcess(arguments, process.returncode, output, errors)

    def hit(self):
        """The call that was disturbed: kind, number, path; None if there was no such call."""
        try:
            return self.log.read_text(errors="replace").split("\n")[0].split(" ", 2)
        except OSError:
            return None


class Scenario:
    """A command that is disturbed, and what must hold afterwards."""

    # About so many calls of the commonest kind are made.
    calls = 10
    # Whether the command reports what it could not write, although it succeeds.
    reports = True

    def __init__(self, place):
        self.place = place
        self.under = place.path / "work"

    def prepare(self):
        shutil.rmtree(self.under, ignore_errors=True)
        shutil.rmtree(self.place.path / "elsewhere", ignore_errors=True)
        self.under.mkdir()

    def arguments(self):
        raise NotImplementedError

    def run(self, fault):
        return self.place.run(*self.arguments(), fault=fault, under=self.under)

    def right(self, _ending):
        """What is wrong about the output of a command that succeeded."""
        return []

    def left(self):
        """What is wrong about what is left."""
        return []


class Fresh(Scenario):
    calls = 25
    epochs = 3
    options = ["--record-events", "work/events"]

    def arguments(self):
        return ["train", "tiny.yaml", "--kernel", "portable", "--output", "work/run", *self.options]

    def right(self, ending):
        found = re.search(r"Weights: (\w+)", ending.stdout)
        return [] if found and found[1] == self.place.weights[self.epochs] else ["other weights"]

    def models(self):
        """The contents that each model file may have."""
        new = self.place.path / f"right-{self.epochs}"
        return {"model.safetensors": [(new / "model.safetensors").read_bytes()]}

    def left(self):
        run, wrong = self.under / "run", []
        for name, contents in self.models().items():
            file = run / name
            if file.exists() and file.read_bytes() not in contents:
                wrong.append(f"{name} is neither the old one nor the new one")
        wrong += [f"{file.name} is no safetensors file" for file in run.glob("best.safetensors") if not is_model(file)]
        for file in run.glob("summary.json"):
            try:
                json.loads(file.read_bytes())
            except ValueError:
                wrong.append("summary.json is half")
        if not (run / "config.yaml").exists():
            return wrong
        ending = self.place.run(
            "train", "tiny.yaml", "--kernel", "portable", "--output", "work/run", "--resume", "--epochs", str(self.epochs))
        if ending.returncode != 0 or self.right(ending):
            wrong.append(f"resuming ends with {ending.returncode}: {(ending.stdout + ending.stderr)[-600:]}")
        elif "damaged" in ending.stderr:
            wrong.append(f"a checkpoint is damaged: {ending.stderr}")
        wrong += [
            f"{name} is not the new one after resuming" for name, contents in self.models().items()
            if not wrong and (run / name).read_bytes() != contents[0]]
        return wrong


class Resume(Fresh):
    epochs = 6
    options = ["--resume", "--epochs", "6"]

    def prepare(self):
        super().prepare()
        shutil.copytree(self.place.path / "right-3", self.under / "run")

    def models(self):
        old = self.place.path / "right-3/model.safetensors"
        return {"model.safetensors": super().models()["model.safetensors"] + [old.read_bytes()]}


class Workers(Fresh):
    options = ["--workers", "2", "--shards", "1", "--trace"]


class Keys(Scenario):
    FILES = {"coordinator.public", "coordinator.secret", "worker.public", "worker.secret", "allowed-workers"}

    def arguments(self):
        return ["keygen", "work/keys"]

    def right(self, _ending):
        # A draft whose removal failed is a second name of a key; the next keygen removes it.
        found = {file.name for file in (self.under / "keys").iterdir()}
        return [] if self.FILES <= found else ["a key is missing"]

    def left(self):
        keys, wrong = self.under / "keys", []
        for file in keys.glob("*") if keys.exists() else []:
            content = file.read_bytes()
            if file.name in self.FILES and not content.strip():
                wrong.append(f"{file.name} is empty")
            if file.name == "coordinator.secret" or file.name == "worker.secret":
                if file.stat().st_mode & 0o077:
                    wrong.append(f"others may read {file.name}")
        ending = self.place.run("keygen", "work/other")
        if ending.returncode != 0:
            wrong.append(f"another keygen ends with {ending.returncode}: {ending.stderr}")
        return wrong


class Report(Scenario):
    def prepare(self):
        super().prepare()
        shutil.copytree(self.place.path / "right-3", self.under / "run")

    def arguments(self):
        return ["report", "work/run", "--output", "work/report.html"]

    def left(self):
        page = self.under / "report.html"
        return ["half a page"] if page.exists() and not page.read_text().rstrip().endswith("</html>") else []


class Export(Report):
    def arguments(self):
        return ["export", "work/run/model.safetensors", "--format", "npz", "--output", "work/model.npz"]

    def left(self):
        file = self.under / "model.npz"
        if not file.exists():
            return []
        right = self.place.path / "right.npz"
        if not right.exists():
            self.place.run("export", "right-3/model.safetensors", "--format", "npz", "--output", "right.npz")
        return [] if file.read_bytes() == right.read_bytes() else ["half a file"]


class Evaluate(Report):
    def prepare(self):
        super().prepare()
        shutil.copytree(self.place.path / "data", self.under / "data")

    def arguments(self):
        return ["evaluate", "work/run/model.safetensors", "--data", "work/data"]

    def right(self, ending):
        expected = self.place.run(*self.arguments())
        return [] if ending.stdout == expected.stdout else ["another evaluation"]

    def left(self):
        return []


class Cache(Scenario):
    """A worker that receives the data set and keeps it in its cache, which the run does not need."""

    reports = False

    def run(self, fault):
        output = self.place.path / "coordinator"
        shutil.rmtree(output, ignore_errors=True)
        coordinator = subprocess.Popen(
            [self.place.program, "coordinator", "tiny.yaml", "--kernel", "portable", "--bind", "tcp://127.0.0.1:0", "--transport",
             "inline", "--workers", "1", "--output", "coordinator", "--set", "timeouts.rejoin=3"], cwd=self.place.path,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            deadline = time.monotonic() + LIMIT
            while not (output / "endpoint").exists() and time.monotonic() < deadline:
                time.sleep(0.01)
            endpoint = (output / "endpoint").read_text().split()[0]
            ending = self.place.run("worker", "--connect", endpoint, fault=fault, under=self.under, cache="work/cache")
            if ending.returncode == 0:
                text, errors = coordinator.communicate(timeout=LIMIT)
                ending.stdout, ending.stderr = text, ending.stderr + errors
            return ending
        finally:
            coordinator.kill()
            coordinator.communicate()

    def right(self, ending):
        found = re.search(r"Weights: (\w+)", ending.stdout)
        return [] if found and found[1] == self.place.weights[3] else ["other weights"]

    def left(self):
        ending = self.run(None)
        return [] if ending.returncode == 0 and not self.right(ending) else [f"the next worker: {ending}"]


SCENARIOS = {
    "fresh": Fresh, "resume": Resume, "workers": Workers, "keys": Keys, "cache": Cache, "report": Report, "export": Export,
    "evaluate": Evaluate,
}


def is_model(file):
    content = file.read_bytes()
    if len(content) < 8:
        return False
    size = struct.unpack("<Q", content[:8])[0]
    try:
        header = json.loads(content[8:8 + size])
    except ValueError:
        return False
    end = max(value["data_offsets"][1] for name, value in header.items() if name != "__metadata__")
    return len(content) == 8 + size + end


def names(path, text):
    """Whether a message names a file, which may have been written through a temporary file or be a folder's."""
    name = os.path.basename(path)
    whole = re.sub(r"^\.(.*)\.\d+\.tmp$", r"\1", name)
    return whole in text or os.path.basename(os.path.dirname(path)) in text


def faults(scenario, kind, fault, hit, ending):
    """What is wrong about how a command has ended."""
    status, text = ending.returncode, ending.stderr
    if status == "hang":
        return ["it hangs"]
    if fault in CRASHES:
        return [] if status == -signal.SIGKILL else [f"status {status} instead of a kill"]
    if status < 0 or status in (132, 133, 134, 139):
        return [f"a trap: {status}"]
    if fault in ("EINTR", "short"):
        wrong = scenario.right(ending) if status == 0 else [f"status {status}"]
        return wrong + ([f"it says '{text.strip()}'"] if re.search("rror|cannot|nterrupted", text) else [])
    reason = ERRORS[fault.rstrip("+")]
    if status == 0:
        wrong = scenario.right(ending)
        # The number of the process in the lock only helps to name it.
        if scenario.reports and kind in ("write", "sync", "rename") and not hit[2].endswith("/.lock") and not (reason in text and names(hit[2], text)):
            wrong.append("not a word")
        return wrong
    wrong = [] if status in STATUSES else [f"status {status}"]
    if reason not in text:
        wrong.append(f"no reason '{reason}'")
    if not names(hit[2], text):
        wrong.append("no file named")
    return wrong


def cases(scenario, text):
    """The cases of an argument: (kind, fault, number), where no number stands for all."""
    every = [(kind, fault, None) for kind, kinds in FAULTS.items() for fault in kinds]
    if not text:
        return every
    if "@" in text:
        count, seed = map(int, text.split("@"))
        numbers = random.Random(seed)
        return [(*numbers.choice(every)[:2], numbers.randint(1, scenario.calls)) for _ in range(count)]
    kind, fault, number = text.split(":")
    return [(kind, fault, int(number))]


def disturb(name, scenario, kind, fault, number):
    """Runs a case; what is wrong, or None if the command makes no such call."""
    scenario.prepare()
    ending = scenario.run(f"{kind}:{fault}:{number}")
    hit = scenario.place.hit()
    if not hit:
        return None
    wrong = faults(scenario, kind, fault, hit, ending) + scenario.left()
    if wrong:
        path = os.path.relpath(hit[2], scenario.under)
        text = ending.stderr.strip().replace("\n", "\n    ")
        print(f"{name}/{kind}:{fault}:{number} {path}: {'; '.join(wrong)}\n    status {ending.returncode}: {text}", flush=True)
    return wrong


def main():
    place = Place(os.path.abspath(sys.argv[1]))
    counts, failures = collections.Counter(), 0
    for argument in sys.argv[2:] or SCENARIOS:
        name, _, text = argument.partition("/")
        scenario = SCENARIOS[name](place)
        for kind, fault, chosen in cases(scenario, text):
            number = chosen or 1
            while (wrong := disturb(name, scenario, kind, fault, number)) is not None:
                counts[name] += 1
                failures += bool(wrong)
                number += 1
                if chosen:
                    break
    shutil.rmtree(place.path)
    print(", ".join(f"{name} {count}" for name, count in counts.items()))
    print(f"{counts.total()} cases, {failures} wrong")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
