"""Runs lockstep train --slurm on a Slurm cluster of its own: a controller and three nodes on this machine.

usage: check-slurm.py LOCKSTEP [CASE...]       default: all, in the order of the list below

LOCKSTEP is the program. Controller and nodes are Debian's slurmctld and slurmd, with munge, each in a network namespace of its own
with its own host name, so that they share neither memory nor addresses. It runs as root, with MNIST in the cache. Workers take a
few milliseconds longer for each node of the tree, so that all happens while they compute.

  outside     without an allocation the message has a batch script
  batch       a batch job on three nodes, while a worker with other keys tries to join
  salloc      a run inside salloc
  killed      a killed task is replaced; a killed srun leaves its worker in the run
  drained     a node is drained in the middle
  two         two jobs on one node at the same time
  scancel     a cancelled job leaves a checkpoint and no process, and the next job resumes it
  preempted   a job of another partition takes the nodes: the job is queued again, and resumes
  stopped     where Slurm does not queue jobs again: a signal to the tasks alone ends the job with 75 when no worker is left
  limit       there too, SIGUSR1 before the time limit: the job is queued again, by scontrol (--requeue), and resumes

Every run ends with the weights of an undisturbed one.
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

root = pathlib.Path(__file__).resolve().parents[2]
NODES = ["n1", "n2", "n3"]
PATIENCE = 240
RUN = [str(root / "config/mnist-30.yaml"), "--shards=4", "--kernel=portable", "--set=data.training=1000",
       "--set=checkpoint.every=0.2", "--set=evaluation.every=50", "--resume=auto"]

CONFIGURATION = """
ClusterName=lockstep
SlurmctldHost=controller(10.89.0.1)
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=10
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2
ReturnToService=2
KillWait=5
MinJobAge=600
JobRequeue=1
{requeue}
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SlurmctldPidFile={folder}/controller.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/controller.log
SlurmdLogFile={folder}/%n.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool-%n
NodeName=n1 NodeAddr=10.89.0.2 CPUs=4
NodeName=n2 NodeAddr=10.89.0.3 CPUs=4
NodeName=n3 NodeAddr=10.89.0.4 CPUs=4
PartitionName=low Nodes=ALL Default=YES PriorityTier=1 PreemptMode=REQUEUE GraceTime=30 MaxTime=INFINITE
PartitionName=high Nodes=ALL PriorityTier=10 MaxTime=INFINITE
"""


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


def wait_until(what, condition, limit=PATIENCE):
    deadline = time.monotonic() + limit
    while not (value := condition()):
        check(time.monotonic() < deadline, f"{what} does not happen within {limit} s")
        time.sleep(0.05)
    return value


class Cluster:
    """A controller and nodes, and the runs on them."""

    def __init__(self, program, folder):
        self.program, self.folder = pathlib.Path(program).resolve(), pathlib.Path(folder)
        self.prefix, self.namespaces, self.daemons, self.numbers = f"ls{os.getpid()}", [], [], 0
        self.expected = {}

    def start(self):
        self.make_network()
        self.configure(requeues=True)
        (self.folder / "state").mkdir()
        (self.folder / "munge.key").write_bytes(os.urandom(1024))
        os.chmod(self.folder / "munge.key", 0o600)
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log", "seed-file": "seed"}
        self.spawn(["munged", "--foreground", "--force", *(f"--{option}={self.folder}/munge.{end}" for option, end in files.items())])
        wait_until("munged", (self.folder / "munge.socket").exists)
        self.spawn(self.on("controller", "slurmctld", "-D", "-f", self.folder / "slurm.conf"))
        for node in NODES:
            (self.folder / f"spool-{node}").mkdir()
            self.spawn(self.on(node, "slurmd", "-D", "-f", self.folder / "slurm.conf", "-N", node))
        wait_until("a cluster", lambda: self.call("sinfo", "--noheader", "--partition=low", "--format=%T %D", fails=True) == "idle 3")

    def make_network(self):
        def ip(*words, on=None):
            subprocess.run(["ip", *(["-n", on] if on else []), *words], check=True)

        def add(name):
            ip("netns", "add", f"{self.prefix}-{name}")
            self.namespaces.append(f"{self.prefix}-{name}")
            return self.namespaces[-1]

        switch, hosts = add("switch"), ["127.0.0.1 localhost"]
        ip("link", "add", "br0", "type", "bridge", on=switch)
        ip("link", "set", "br0", "up", on=switch)
        for number, name in enumerate(["controller", *NODES], 1):
            space = add(name)
            ip("link", "add", "eth0", "type", "veth", "peer", "name", name, "netns", switch, on=space)
            ip("link", "set", name, "master", "br0", "up", on=switch)
            ip("addr", "add", f"10.89.0.{number}/24", "dev", "eth0", on=space)
            for device in ("lo", "eth0"):
                ip("link", "set", device, "up", on=space)
            hosts.append(f"10.89.0.{number} {name}")
        (self.folder / "hosts").write_text("\n".join(hosts) + "\n")

    def configure(self, requeues):
        text = CONFIGURATION.format(folder=self.folder, requeue="RequeueExit=75" if requeues else "")
        (self.folder / "slurm.conf").write_text(text)

    def stop_requeuing(self):
        """From now on a job that ends with 75 has failed."""
        self.configure(requeues=False)
        self.call("scontrol", "reconfigure")

    def on(self, host, *command):
        """The words that run a command on a host."""
        script = f"hostname {host}; mount --bind {self.folder}/hosts /etc/hosts; exec \"$@\""
        return ["nsenter", f"--net=/run/netns/{self.prefix}-{host}", "unshare", "--mount", "--uts", "--propagation", "private",
                "bash", "-c", script, "bash", *(str(word) for word in command)]

    def environment(self):
        return {**os.environ, "SLURM_CONF": f"{self.folder}/slurm.conf", "LOCKSTEP_FAULT": "slow=4"}

    def spawn(self, command):
        log = open(self.folder / f"daemon-{len(self.daemons)}.log", "w", encoding="utf-8")
        self.daemons.append(subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=self.environment()))

    def call(self, *command, fails=False, limit=PATIENCE):
        result = subprocess.run(self.on("controller", *command), env=self.environment(), capture_output=True, text=True,
                                timeout=limit, cwd=self.folder)
        check(fails or result.returncode == 0, f"{command[0]} fails: {result.stderr}")
        return result.stdout.strip()

    def close(self):
        for node in [*NODES, "controller"]:
            for number in self.processes(node):
                os.kill(number, signal.SIGKILL)
        for daemon in self.daemons:
            daemon.kill()
            daemon.wait()
        for name in self.namespaces:
            subprocess.run(["ip", "netns", "delete", name], check=False)

    # MARK: - Processes

    def processes(self, host, *words):
        """The processes of a host whose command line has all the words."""
        space = os.stat(f"/run/netns/{self.prefix}-{host}").st_ino
        found = []
        for path in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                arguments = (path / "cmdline").read_text().split("\0")
                if os.stat(path / "ns/net").st_ino == space and all(word in arguments for word in words):
                    found.append(int(path.name))
            except OSError:
                continue
        return found

    def expect_nothing_left(self):
        for node in NODES:
            wait_until(f"the end of the workers on {node}", lambda n=node: not self.processes(n, str(self.program)), 20)

    # MARK: - Runs

    def undisturbed(self, epochs):
        """The weights of each epoch of a run in one process."""
        if epochs not in self.expected:
            output = self.folder / f"alone-{epochs}"
            subprocess.run([self.program, "train", *RUN, f"--epochs={epochs}", "--output", output], check=True,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            self.expected[epochs] = weights(output)
        return self.expected[epochs]

    def job(self, *options, epochs=12, train=()):
        self.numbers += 1
        return Job(self, self.folder / f"run-{self.numbers}", epochs, options, train)


class Job:
    """A batch job that trains."""

    def __init__(self, cluster, output, epochs, options, train):
        self.cluster, self.output, self.epochs, self.options = cluster, output, epochs, options
        self.command = [cluster.program, "train", *RUN, f"--epochs={epochs}", "--output", output, "--slurm", *train]
        self.submit()

    def submit(self):
        self.log = self.output.with_suffix(".log")
        script = self.output.with_suffix(".sh")
        script.write_text("#!/bin/sh\nexec " + " ".join(str(word) for word in self.command) + "\n")
        self.number = self.cluster.call("sbatch", "--parsable", f"--output={self.log}", "--open-mode=append", *self.options, script)

    def text(self):
        return self.log.read_text(encoding="utf-8") if self.log.exists() else ""

    def field(self, name):
        for attempt in range(5):
            try:
                record = self.cluster.call("scontrol", "--oneliner", "show", "job", self.number, limit=20)
                return re.search(rf"\b{name}=(\S+)", record)[1]
            except subprocess.TimeoutExpired:
                print(f"scontrol has not answered ({attempt})", flush=True)
        raise Failure("scontrol does not answer")

    def has_ended(self):
        """Whether the job's state is final: one that will be queued again has a final state for a moment."""
        for _ in range(4):
            if self.field("JobState") in ("PENDING", "RUNNING", "CONFIGURING", "COMPLETING", "REQUEUED", "PREEMPTED"):
                return False
            time.sleep(0.5)
        return True

    def wait_for(self, text, count=1):
        def happened():
            if self.text().count(text) >= count:
                return True
            check(not self.has_ended() or self.text().count(text) >= count,
                  f"job {self.number} has ended, and does not say '{text}': {self.text()}")
            return False
        wait_until(f"'{text}' in the output of job {self.number}", happened)

    def wait(self, state="COMPLETED"):
        wait_until(f"the end of job {self.number}", self.has_ended)
        check(self.field("JobState") == state, f"job {self.number} is {self.field('JobState')}: {self.text()}")

    def expect_undisturbed(self):
        self.wait()
        check(weights(self.output) == self.cluster.undisturbed(self.epochs), f"other weights than one process: {self.text()}")
        self.cluster.expect_nothing_left()


def weights(output):
    return [epoch["weights_sha256"] for epoch in json.loads((output / "summary.json").read_text())["epochs"]]


# MARK: - Cases


def outside(cluster):
    result = subprocess.run(cluster.on("controller", cluster.program, "train", *RUN, "--slurm", "--output", cluster.folder / "none"),
                            env=cluster.environment(), capture_output=True, text=True)
    check(result.returncode == 64 and "#SBATCH --ntasks=8" in result.stderr, f"outside: {result}")


def batch(cluster):
    job = cluster.job("--ntasks=4", "--nodes=3")
    job.wait_for("Epoch 0:")
    check("Starting 4 workers on 3 hosts in job " in job.text(), job.text())
    endpoint = re.search(r"Listening on tcp://\S+:(\d+)", job.text())[1]
    keys = cluster.folder / "keys"
    subprocess.run([cluster.program, "keygen", keys], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    node = cluster.call("squeue", "--noheader", "--format=%B", f"--jobs={job.number}")
    stranger = subprocess.run(
        cluster.on("n3", cluster.program, "worker", "--connect", f"tcp://{node}:{endpoint}", "--keys", keys, "--wait", "2"),
        env=cluster.environment(), capture_output=True, text=True)
    check(stranger.returncode in (69, 77), f"a worker with other keys: {stranger}")
    job.expect_undisturbed()
    check("worker 5 " not in job.text() and "lost" not in job.text(), job.text())


def salloc(cluster):
    output = cluster.folder / "salloc"
    cluster.call("salloc", "--ntasks=2", "--nodes=2", cluster.program, "train", *RUN, "--epochs=4", "--output", output, "--slurm")
    check(weights(output) == cluster.undisturbed(4), "salloc: other weights")
    cluster.expect_nothing_left()


def killed(cluster):
    job = cluster.job("--ntasks=2", "--nodes=2", epochs=12)
    job.wait_for("Epoch 0:")
    for number in cluster.processes("n2", str(cluster.program), "worker"):
        os.kill(number, signal.SIGKILL)
    job.wait_for("its workers start again in")
    job.wait_for("n2: Joined the run", 2)
    clients = cluster.processes("n1", "--nodelist=n2")
    check(clients, "there is no srun")
    for number in clients:
        os.kill(number, signal.SIGKILL)
    job.wait_for("n2: srun ended with signal 9 (Killed); the workers go on without it")
    job.expect_undisturbed()


def drained(cluster):
    job = cluster.job("--ntasks=3", "--nodes=3")
    job.wait_for("Epoch 0:")
    cluster.call("scontrol", "update", "NodeName=n2", "State=DRAIN", "Reason=test")
    job.expect_undisturbed()
    cluster.call("scontrol", "update", "NodeName=n2", "State=RESUME")
    check("lost" not in job.text(), job.text())


def two(cluster):
    jobs = [cluster.job("--ntasks=2", "--nodes=1", "--nodelist=n1") for _ in range(2)]
    for job in jobs:
        job.wait_for("Epoch 0:")
    check(all(job.field("JobState") == "RUNNING" for job in jobs), "the jobs do not run at the same time")
    for job in jobs:
        job.expect_undisturbed()


def scancel(cluster):
    job = cluster.job("--ntasks=3", "--nodes=3", epochs=16)
    job.wait_for("Epoch 1:")
    cluster.call("scancel", job.number)
    job.wait("CANCELLED")
    cluster.expect_nothing_left()
    check(any((job.output / "checkpoints").iterdir()), "there is no checkpoint")
    job.submit()
    job.expect_undisturbed()
    check("Resuming " in job.text(), job.text())


def preempted(cluster):
    job = cluster.job("--ntasks=3", "--nodes=3", "--partition=low", epochs=16)
    job.wait_for("Epoch 1:")
    other = cluster.folder / "other.sh"
    other.write_text("#!/bin/sh\nsleep 3\n")
    cluster.call("sbatch", "--partition=high", "--exclusive", "--nodes=3", "--output=/dev/null", other)
    job.wait_for("all workers were told to stop")
    job.expect_undisturbed()
    check(job.field("Restarts") == "1" and "Resuming " in job.text(), job.text())


def stopped(cluster):
    cluster.stop_requeuing()
    job = cluster.job("--ntasks=2", "--nodes=2", epochs=16)
    job.wait_for("Epoch 0:")
    # One of the two: the run goes on.
    os.kill(cluster.processes("n2", str(cluster.program), "worker")[0], signal.SIGTERM)
    job.wait_for("left: asked to stop; 1 worker")
    job.wait_for("Epoch 3:")
    cluster.call("scancel", "--signal=TERM", job.number)
    job.wait("FAILED")
    check(job.field("ExitCode") == "75:0", f"it ends with {job.field('ExitCode')}: {job.text()}")
    job.submit()
    job.expect_undisturbed()


def limit(cluster):
    cluster.stop_requeuing()
    job = cluster.job("--ntasks=2", "--nodes=2", "--time=1", "--signal=B:USR1@50", epochs=30, train=["--requeue"])
    job.wait_for("is queued again")
    job.wait_for("Resuming ")
    job.expect_undisturbed()
    check(int(job.field("Restarts")) >= 1, job.text())


CASES = [outside, batch, salloc, killed, drained, two, scancel, preempted, stopped, limit]


def main():
    # What has been started is ended also then.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    names = sys.argv[2:] or [case.__name__ for case in CASES]
    with tempfile.TemporaryDirectory(prefix="lockstep-slurm-") as folder:
        cluster = Cluster(sys.argv[1], folder)
        try:
            cluster.start()
            for case in CASES:
                if case.__name__ in names:
                    began = time.monotonic()
                    case(cluster)
                    print(f"{case.__name__}: {time.monotonic() - began:.0f} s", flush=True)
        finally:
            cluster.close()


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"check-slurm: {failure}")
