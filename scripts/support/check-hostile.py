"""Trains while hostile messages and connections arrive, and compares the run with an undisturbed one.

usage: check-hostile.py LOCKSTEP MESSAGES CONNECTIONS SEED [PROTECTION...]

LOCKSTEP is the program. MESSAGES and CONNECTIONS are the sums over three coordinators: on loopback without keys (plain), on all
addresses with --insecure (insecure), and with CURVE (keys), each with two workers; PROTECTION selects some of them. Tests/Foreign/siege.py attacks in rounds. After each round a busy loop
uses as much processor time in as much time, and then the run is left alone for a while: so the three are compared on the same
machine in the same minute.

It fails unless for each coordinator
- all epochs have the weights of the undisturbed run,
- no worker is lost, and no other peer becomes a member,
- resident memory is at most 64 MiB above that before the first attack,
- a step of all rounds takes at most 1.5 times as long as beside the busy loop.

Run it with a Python that has pyzmq.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

sys.dont_write_bytecode = True
root = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(root / "Tests/Foreign"))
from wire import STATUS_REQUEST, Peer, header, message  # noqa: E402

PROTECTIONS = {
    "plain": ["--bind", "tcp://127.0.0.1:0"],
    "insecure": ["--bind", "tcp://0.0.0.0:0", "--insecure", "--transport", "inline"],
    "keys": ["--bind", "tcp://127.0.0.1:0", "--keys", "keys"],
}
ROUNDS = 15
MAXIMUM_GROWTH = 64 << 20
MAXIMUM_RATIO = 1.5
# More epochs than any run comes to: it is stopped.
EPOCHS = 1_000_000
# The rests between rounds, the longest wait for a status and for anything else, in seconds.
REST, STATUS_LIMIT, PATIENCE = 1, 20, 120

CONFIGURATION = """
name: hostile
data: { name: mnist }
network: { sizes: [784, 30, 10], activation: sigmoid, initializer: standard-normal }
cost: quadratic
training: { epochs: EPOCHS, batch: 10, seed: 1 }
optimizer: { sgd: { learning-rate: 3.0 } }
evaluation: { every: 10 }
"""

BUSY_LOOP = """
import sys, time
share, seconds = float(sys.argv[1]), float(sys.argv[2])
end = time.monotonic() + seconds
while time.monotonic() < end:
    begin = time.monotonic()
    while time.monotonic() < begin + 0.01 * min(1, share):
        pass
    time.sleep(max(0, begin + 0.01 - time.monotonic()))
print(time.process_time())
"""


class Failure(Exception):
    pass


class Run:
    """A coordinator with two workers."""

    def __init__(self, program, folder, protection):
        self.program, self.folder, self.output = program, folder, f"{folder}/run-{protection}"
        self.local = f"{folder}/{protection}.socket"
        self.log = open(f"{folder}/{protection}.log", "w+", encoding="utf-8")
        self.process = self.start(
            "coordinator", "hostile.yaml", *PROTECTIONS[protection], "--bind", f"ipc://{self.local}", "--workers", "2",
            "--shards", "2", "--kernel", "portable", "--output", self.output, output=self.log)
        self.endpoint = self.wait_for(r"tcp://\S+:\d+").replace("0.0.0.0", "127.0.0.1")
        keys = ["--keys", "keys"] if protection == "keys" else []
        self.workers = [self.start("worker", "--connect", self.endpoint, *keys) for _ in range(2)]
        self.wait_for("Epoch 1:")

    def start(self, *arguments, output=subprocess.DEVNULL):
        return subprocess.Popen(
            [self.program, *arguments], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=output, stderr=output)

    def wait_for(self, pattern):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            found = re.search(pattern, self.text())
            if found:
                return found[0].rstrip(".,;")
            if self.process.poll() is not None:
                break
            time.sleep(0.05)
        raise Failure(f"'{pattern}' does not come:\n{self.text()[-3000:]}")

    def text(self):
        self.log.flush()
        return open(self.log.name, encoding="utf-8", errors="replace").read()

    def status(self):
        """The run's status, from the socket of this host, where no attack arrives."""
        # `lockstep status` waits as long for an answer.
        begin = time.monotonic()
        try:
            peer = Peer(f"ipc://{self.local}")
            peer.send(message([header(STATUS_REQUEST)]))
            while True:
                _, body = peer.receive_frame()
                if body[:1] == b"{":
                    peer.close()
                    return json.loads(body)
                if time.monotonic() > begin + STATUS_LIMIT:
                    raise TimeoutError("only heartbeats")
        except OSError as error:
            time.sleep(1)
            raise Failure(f"no status: {error}; the coordinator's end: {self.process.poll()}\n{self.text()[-3000:]}") from None

    def step(self):
        return time.monotonic(), self.status()["cluster"]["step"]

    def processor_seconds(self):
        """Processor time of the coordinator so far, by thread."""
        seconds = {}
        for task in pathlib.Path(f"/proc/{self.process.pid}/task").iterdir():
            name, fields = (task / "stat").read_text(encoding="utf-8").split("(", 1)[1].rsplit(")", 1)
            seconds[name] = seconds.get(name, 0) + sum(map(int, fields.split()[11:13])) / os.sysconf("SC_CLK_TCK")
        return seconds

    def memory(self, field):
        for line in open(f"/proc/{self.process.pid}/status", encoding="utf-8"):
            if line.startswith(field):
                return int(line.split()[1]) << 10
        raise Failure(f"the coordinator has ended:\n{self.text()[-3000:]}")

    def reset_peak(self):
        with open(f"/proc/{self.process.pid}/clear_refs", "w", encoding="utf-8") as file:
            file.write("5")

    def stop(self):
        """Ends the run, and returns the digests of its epochs' weights."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(PATIENCE)
        if status != 128 + signal.SIGTERM:
            raise Failure(f"the coordinator ended with {status}:\n{self.text()[-3000:]}")
        for worker in self.workers:
            if worker.wait(PATIENCE) != 0:
                raise Failure(f"a worker ended with {worker.returncode}")
        return epochs(self.output)

    def kill(self):
        for process in [self.process, *self.workers]:
            process.kill()
            process.wait()


def epochs(output):
    lines = (json.loads(line) for line in open(f"{output}/metrics.jsonl", encoding="utf-8"))
    return [line["weights_sha256"] for line in lines if line["type"] == "epoch"]


class Window:
    """Seconds, steps and seconds per step of a part of a run."""

    def __init__(self, run, body):
        begin, first = run.step()
        before = run.processor_seconds()
        self.result = body()
        after = run.processor_seconds()
        end, last = run.step()
        self.seconds, self.steps = end - begin, last - first
        self.step = self.seconds / max(1, self.steps)
        self.cores = {name: (after[name] - before.get(name, 0)) / self.seconds for name in after}

    def __str__(self):
        cores = ", ".join(f"{name} {used:.2f}" for name, used in sorted(self.cores.items()) if used >= 0.01)
        return f"{self.seconds:.1f} s, {self.steps:,} steps of {1e6 * self.step:.0f} us (cores of the coordinator: {cores})"


def step_time(windows):
    """Seconds per step of several windows together: single ones vary with the load of the machine."""
    return sum(window.seconds for window in windows) / max(1, sum(window.steps for window in windows))


def attack(run, messages, connections, seed, keys):
    siege = subprocess.Popen(
        [sys.executable, str(root / "Tests/Foreign/siege.py"), run.endpoint, str(messages), str(connections), str(seed)]
        + ([keys] if keys else []), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        if siege.stdout.readline() != "ready\n":
            raise Failure("the attack does not begin")
        window = Window(run, lambda: siege.communicate("\n")[0])
        if siege.returncode != 0:
            raise Failure(f"the attack ended with {siege.returncode}:\n{run.text()[-3000:]}")
        return window, json.loads(window.result)
    finally:
        siege.kill()


def busy(run, share, seconds):
    command = [sys.executable, "-c", BUSY_LOOP, str(share), str(seconds)]
    return Window(run, lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))


def check(program, folder, protection, messages, connections, seed):
    """Attacks one coordinator. Returns the line about it and the digests of its epochs."""
    run = Run(program, folder, protection)
    try:
        time.sleep(REST)
        before = run.memory("VmRSS")
        run.reset_peak()
        attacks, busies, rests, counts, sent, opened, cuts = [], [], [], {}, 0, 0, 0
        for number in range(ROUNDS):
            parts = [total * (number + 1) // ROUNDS - total * number // ROUNDS for total in (messages, connections)]
            window, result = attack(
                run, *parts, seed + number, f"{folder}/keys" if protection == "keys" else None)
            share = result["processor_seconds"] / window.seconds
            beside = busy(run, share, window.seconds)
            rest = Window(run, lambda: time.sleep(REST))
            attacks.append(window)
            busies.append(beside)
            rests.append(rest)
            sent, opened, cuts = sent + result["messages"], opened + result["connections"], cuts + result["cuts"]
            for kind, count in result["counts"].items():
                counts[kind] = counts.get(kind, 0) + count
            print(
                f"  {protection}, round {number + 1}: {window}; {result['cuts']:,} cut\n"
                f"    beside a busy loop of {share:.2f} cores: {beside}\n    alone: {rest}", flush=True)
        growth = run.memory("VmHWM") - before
        status = run.status()["cluster"]
        found = run.stop()
    except BaseException:
        run.kill()
        raise
    ratio, rest = step_time(attacks) / step_time(busies), step_time(attacks) / step_time(rests)
    text = (
        f"{protection}: {sent:,} messages and {opened:,} connections of {sum(1 for count in counts.values() if count)} kinds, "
        f"{cuts:,} connections cut; memory +{growth / 2**20:.1f} MiB; step time {ratio:.2f} of that beside a busy loop, "
        f"{rest:.2f} of that alone; {len(found):,} epochs")
    problems = []
    if status["lost"] != 0 or status["joined"] != 2:
        problems.append(f"{status['lost']} workers lost, {status['joined']} joined")
    if growth > MAXIMUM_GROWTH:
        problems.append("memory")
    if ratio > MAXIMUM_RATIO:
        problems.append("step time")
    return text, problems, found


def main():
    program, messages, connections, seed = os.path.abspath(sys.argv[1]), *map(int, sys.argv[2:5])
    failures = []
    with tempfile.TemporaryDirectory(prefix="hostile-") as folder:
        pathlib.Path(f"{folder}/hostile.yaml").write_text(CONFIGURATION.replace("EPOCHS", str(EPOCHS)), encoding="utf-8")
        subprocess.run([program, "keygen", "keys"], cwd=folder, check=True, capture_output=True)
        found = {}
        for index, protection in enumerate(PROTECTIONS):
            if sys.argv[5:] and protection not in sys.argv[5:]:
                continue
            share = [total * (index + 1) // 3 - total * index // 3 for total in (messages, connections)]
            try:
                text, problems, found[protection] = check(program, folder, protection, *share, seed + 100 * index)
            except Failure as failure:
                text, problems = f"{protection}: {failure}", ["ended"]
            print(text, flush=True)
            failures += [f"{protection}: {problem}" for problem in problems]
        count = max(map(len, found.values()), default=0)
        undisturbed = f"{folder}/undisturbed"
        subprocess.run(
            [program, "train", "hostile.yaml", "--shards", "2", "--kernel", "portable", "--output", undisturbed, "--epochs",
             str(count)], cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        expected = epochs(undisturbed)
        for protection, hashes in found.items():
            if hashes != expected[:len(hashes)]:
                failures.append(f"{protection}: other weights")
        print(f"{sum(map(len, found.values())):,} epochs compared with the undisturbed run")
    if failures:
        sys.exit("failed: " + "; ".join(failures))


main()
