"""Checks the manifests in config/kubernetes, and runs what they say on this machine.

usage: check-kubernetes.py LOCKSTEP [validate|jobs|jobset...]      default: all three, in this order

LOCKSTEP is the program. `validate` has kubernetes-validate and the models of kubeflow-trainer-api read every manifest: no field may
be unknown. The other two run pods of that folder, as root and with MNIST in the cache, since no cluster is at hand. A pod is a
network namespace, a folder as its read-only root with the volumes that its manifest mounts, and a group with a quota of 1.5
cores. Commands, environment and probes are those of the manifests, except that the run is made shorter. All run as uid 65532
without capabilities, and secrets have mode 0440, as a kubelet mounts them.

It fails unless
- the init container's command succeeds, and all probes do while the coordinator waits and while it trains,
- the coordinator's pod, told to stop in the middle, ends with a status that the manifest ignores, its successor resumes, and the
  workers' pods wait for it,
- a worker's pod that is told to stop ends with a status that its manifest ignores, and its successor joins,
- a worker's pod with other keys ends with a status that fails its Job,
- a worker's pod starts two processes, and uses at most the quota,
- coordinator and workers end with 0, and the weights are those of one process.

Run it with a Python that has the packages of kubernetes.txt.
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

import kubernetes_validate
import yaml
from kubeflow_trainer_api.models import JobsetV1alpha2JobSet

root = pathlib.Path(__file__).resolve().parents[2]
manifests = root / "config/kubernetes"
NAMES = {"jobs": "lockstep-coordinator", "jobset": "lockstep-coordinator-0-0.lockstep"}
# The run, made short: what the coordinator's arguments are completed with.
SHORTER = ["--epochs=6", "--set=data.training=5000", "--set=checkpoint.every=0.2"]
USER, QUOTA, PATIENCE = 65532, 1.5, 120
CGROUPS = pathlib.Path("/sys/fs/cgroup")


class Failure(Exception):
    pass


def check(condition, message):
    if not condition:
        raise Failure(message)


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, text=True, **options)


def documents():
    for path in sorted(manifests.rglob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            yield path, document


# MARK: - Validators


def validate():
    for path, document in documents():
        if document["kind"] == "Kustomization":
            listed = {(path.parent / name).resolve() for name in document["resources"]}
            check(all(name.exists() for name in listed), f"{path} names a file that does not exist")
            others = {file for file in path.parent.glob("*.yaml") if file != path}
            check(others <= listed, f"{path} leaves out {others - listed}")
        elif document["kind"] == "JobSet":
            # The model drops what it does not know, also far inside.
            known = JobsetV1alpha2JobSet.from_dict(document).to_dict()
            check(known == document, f"{path} has a field that JobSet does not have")
            for job in document["spec"]["replicatedJobs"]:
                validate_core({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": job["name"]},
                               "spec": job["template"]["spec"]})
        else:
            validate_core(document)
    print("validators accept all manifests", flush=True)


def validate_core(document):
    """For the newest version, and for the oldest in which a Job has a success policy."""
    for version in ("1.37", "1.31"):
        kubernetes_validate.validate(document, version, strict=True)


def jobs(kind):
    """The specifications of the coordinator's and the workers' Job."""
    found = [document for path, document in documents() if path.parent.name == kind]
    if kind == "jobset":
        jobset = next(document for document in found if document["kind"] == "JobSet")
        return [job["template"]["spec"] for job in jobset["spec"]["replicatedJobs"]]
    named = {document["metadata"]["name"]: document["spec"] for document in found if document["kind"] == "Job"}
    return [named["lockstep-coordinator"], named["lockstep-workers"]]


def action(job, code):
    """What the Job's policy does about a pod that has ended with this status."""
    for rule in job["podFailurePolicy"]["rules"]:
        if code in rule.get("onExitCodes", {}).get("values", []):
            return rule["action"]
    return "Count"


# MARK: - Pods


class Network:
    """A switch, and a namespace for each pod."""

    def __init__(self):
        self.count, self.prefix = 0, f"lockstep-{os.getpid()}"
        self.names = []
        self.switch = self.add("switch")
        self.ip("link", "add", "br0", "type", "bridge", on=self.switch)
        self.ip("link", "set", "br0", "up", on=self.switch)

    def ip(self, *words, on=None):
        run("ip", *(["-n", on] if on else []), *words)

    def add(self, name):
        name = f"{self.prefix}-{name}"
        self.ip("netns", "add", name)
        self.names.append(name)
        return name

    def pod(self):
        self.count += 1
        name = self.add(f"pod{self.count}")
        self.ip("link", "add", "eth0", "type", "veth", "peer", "name", f"pod{self.count}", "netns", self.switch, on=name)
        self.ip("link", "set", f"pod{self.count}", "master", "br0", "up", on=self.switch)
        address = f"10.88.0.{self.count}"
        self.ip("addr", "add", f"{address}/24", "dev", "eth0", on=name)
        for device in ("eth0", "lo"):
            self.ip("link", "set", device, "up", on=name)
        return name, address

    def close(self):
        for name in self.names:
            subprocess.run(["ip", "netns", "delete", name], check=False)


class Quota:
    """A group of processes that have so many cores together, in either version of cgroups."""

    def __init__(self, name):
        self.is_unified = (CGROUPS / "cgroup.controllers").exists()
        parents = [CGROUPS] if self.is_unified else [CGROUPS / "cpu", CGROUPS / "cpuacct"]
        self.folders = [parent / name for parent in parents]
        check(os.access(parents[0], os.W_OK), f"{parents[0]} cannot be written to: the quotas need cgroups")
        for folder in self.folders:
            folder.mkdir()
        if self.is_unified:
            (self.folders[0] / "cpu.max").write_text(f"{int(QUOTA * 100_000)} 100000")
        else:
            (self.folders[0] / "cpu.cfs_period_us").write_text("100000")
            (self.folders[0] / "cpu.cfs_quota_us").write_text(str(int(QUOTA * 100_000)))

    def seconds(self):
        if self.is_unified:
            return int(re.search(r"usage_usec (\d+)", (self.folders[0] / "cpu.stat").read_text())[1]) / 1e6
        return int((self.folders[1] / "cpuacct.usage").read_text()) / 1e9

    def throttled(self):
        return int(re.search(r"nr_throttled (\d+)", (self.folders[0] / "cpu.stat").read_text())[1])

    def processes(self):
        return [int(number) for number in (self.folders[0] / "cgroup.procs").read_text().split()]

    def close(self):
        for number in self.processes():
            os.kill(number, signal.SIGKILL)
        for folder in self.folders:
            while folder.exists():
                try:
                    folder.rmdir()
                except OSError:
                    time.sleep(0.05)


def as_user(container):
    """The words that drop all rights, as the security context of a container and its pod says."""
    context = container["securityContext"]
    check(context["readOnlyRootFilesystem"] and not context["allowPrivilegeEscalation"]
          and context["capabilities"] == {"drop": ["ALL"]}, "a container may do more than it needs")
    return ["setpriv", f"--reuid={USER}", f"--regid={USER}", f"--groups={USER}", "--no-new-privs", "--inh-caps=-all",
            "--bounding-set=-all", "env", "-i", "PATH=/lockstep/bin:/usr/bin:/bin",
            *(f"{variable['name']}={variable['value']}" for variable in container.get("env", []))]


class Pod:
    """A pod of a Job, of which the first container runs; `init` runs the init containers before."""

    def __init__(self, site, job, name, keys, extra=()):
        self.specification = job["template"]["spec"]
        check(self.specification["securityContext"]["runAsUser"] == USER, "the pod does not run as the image's user")
        self.container = self.specification["containers"][0]
        self.site, self.name, self.job = site, name, job
        self.folder = site.folder / name
        self.namespace, self.address = site.network.pod()
        self.quota = Quota(f"lockstep-{os.getpid()}-{name}")
        self.mounts = self.make_volumes(keys)
        self.log = open(site.folder / f"{name}.log", "w+", encoding="utf-8")
        for container in self.specification.get("initContainers", []):
            check(self.start(container).wait(PATIENCE) == 0, f"{container['name']} failed: {self.text()}")
        self.process = self.start(self.container, extra)

    def make_volumes(self, keys):
        """Makes each volume as a kubelet does: the group owns it and may write, and a secret is a link to a folder."""
        folders = {}
        for volume in self.specification["volumes"]:
            name = volume["name"]
            path = self.site.claim if "persistentVolumeClaim" in volume else self.folder / name
            path.mkdir(parents=True, exist_ok=True)
            if "secret" in volume:
                check(volume["secret"]["defaultMode"] == 0o440, "the secrets have another mode")
                data = path / "..2026_01_01"
                data.mkdir(exist_ok=True)
                for source in keys[volume["secret"]["secretName"]]:
                    shutil.copy(source, data / source.name)
                    os.chown(data / source.name, 0, USER)
                    os.chmod(data / source.name, 0o440)
                    (path / source.name).symlink_to(f"..data/{source.name}")
                (path / "..data").symlink_to(data.name)
            os.chown(path, 0, USER)
            os.chmod(path, 0o3777 if "secret" in volume else 0o2777)
            folders[name] = path
        return {mount["mountPath"]: folders[mount["name"]] for mount in self.container["volumeMounts"]}

    def start(self, container, extra=()):
        base = self.folder / f"root-{container['name']}"
        base.mkdir(parents=True)
        command = [*as_user(container), *container["command"], *container.get("args", []), *extra]
        lines = ["set -e", f"mount -t tmpfs -o mode=755 none {base}", f"cd {base}"]
        for name in ("usr", "etc", "opt", "dev", "proc", "sys"):
            lines.append(f"mkdir -p {name} && mount --rbind /{name} {name}")
        lines.append("for link in bin sbin lib lib64; do cp -P /$link .; done")
        # The image has the scripts and configurations at the place of the package.
        lines += ["mkdir -p share lockstep/bin", "mount --bind /usr/share share", "mount -t tmpfs none usr/share",
                  "for entry in share/*; do ln -s /$entry usr/$entry; done", "mkdir -p usr/share/lockstep/{config,scripts}",
                  f"mount --bind {root}/config usr/share/lockstep/config",
                  f"mount --bind {root}/scripts usr/share/lockstep/scripts",
                  f"mount --bind {self.site.program.parent} lockstep/bin",
                  f"mount --bind {self.site.hosts} etc/hosts", "mkdir run"]
        for path, folder in self.mounts.items():
            lines.append(f"mkdir -p .{path} && mount --bind {folder} .{path}")
        lines += ["mount -o remount,ro .", *(f"echo $$ >{folder}/cgroup.procs" for folder in self.quota.folders),
                  f"exec chroot . {shlex.join(command)}"]
        return subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{self.namespace}", "unshare", "--mount", "--propagation", "private", "bash", "-c",
             "\n".join(lines)], stdin=subprocess.DEVNULL, stdout=self.log, stderr=subprocess.STDOUT, cwd="/")

    def text(self):
        return pathlib.Path(self.log.name).read_text(encoding="utf-8")

    def wait_for(self, text, count=1):
        deadline = time.monotonic() + PATIENCE
        while self.text().count(text) < count:
            check(self.process.poll() is None, f"{self.name} ended with {self.process.poll()}: {self.text()}")
            check(time.monotonic() < deadline, f"{self.name} does not say '{text}': {self.text()}")
            time.sleep(0.05)

    def probe(self, kind, attempts=1):
        """Runs a probe in the container, again if it may fail at first."""
        probe = self.container[kind]
        for _ in range(attempts):
            result = subprocess.run(
                ["nsenter", "-t", str(self.process.pid), "-m", "-r", "-n", *as_user(self.container),
                 *probe["exec"]["command"]], timeout=probe["timeoutSeconds"], capture_output=True, text=True)
            if result.returncode == 0:
                return
            time.sleep(0.2)
        raise Failure(f"the {kind} of {self.name} fails: {result.stderr}\n{self.text()}")

    def end(self, number=None):
        if number:
            self.process.send_signal(number)
        limit = self.specification["terminationGracePeriodSeconds"] if number else PATIENCE
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise Failure(f"{self.name} does not end: {self.text()}") from None

    def close(self):
        self.quota.close()
        self.process.wait()


class Site:
    def __init__(self, program, kind, folder):
        self.program, self.folder = pathlib.Path(program).resolve(), pathlib.Path(folder)
        os.chmod(folder, 0o755)
        self.coordinator_job, self.worker_job = jobs(kind)
        self.network, self.pods = Network(), []
        self.claim = self.folder / "claim"
        self.hosts = self.folder / "hosts"
        self.name = NAMES[kind]
        source = pathlib.Path(os.environ.get("LOCKSTEP_CACHE", pathlib.Path.home() / ".cache/lockstep")) / "mnist"
        (self.claim / "cache").mkdir(parents=True)
        shutil.copytree(source, self.claim / "cache/mnist")
        run("chown", "-R", f"{USER}:{USER}", self.claim / "cache")
        self.keys, others = self.make_keys("keys"), self.make_keys("others")
        # A worker that knows the coordinator, but that the coordinator does not know.
        secret = "lockstep-worker-keys"
        self.others = {secret: self.keys[secret][:1] + others[secret][1:]}

    def make_keys(self, name):
        run(self.program, "keygen", name, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        keys = self.folder / name
        files = {"lockstep-coordinator-keys": ("coordinator.secret", "coordinator.public", "allowed-workers"),
                 "lockstep-worker-keys": ("coordinator.public", "worker.public", "worker.secret")}
        return {secret: [keys / name for name in names] for secret, names in files.items()}

    def coordinator(self, name):
        # The name service would know the pod once it has an address.
        self.hosts.write_text(f"127.0.0.1 localhost\n10.88.0.{self.network.count + 1} {self.name}\n")
        pod = Pod(self, self.coordinator_job, name, self.keys, SHORTER)
        self.pods.append(pod)
        return pod

    def worker(self, name, keys=None):
        pod = Pod(self, self.worker_job, name, keys or self.keys)
        self.pods.append(pod)
        return pod

    def close(self):
        for pod in self.pods:
            pod.close()
        self.network.close()


def weights(summary):
    return [epoch["weights_sha256"] for epoch in json.loads(summary.read_text())["epochs"]]


def run_pods(program, kind):
    with tempfile.TemporaryDirectory(prefix="lockstep-kubernetes-") as folder:
        site = Site(program, kind, folder)
        try:
            train(site, kind)
        finally:
            site.close()


def train(site, kind):
    arguments = site.coordinator_job["template"]["spec"]["containers"][0]["args"]
    alone = [word for word in arguments if word.startswith(("--shards", "--kernel"))]
    run(site.program, "train", root / "config/mnist-30.yaml", *alone, *SHORTER, "--output", "alone", cwd=site.folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    first = site.coordinator("coordinator-1")
    first.probe("startupProbe", attempts=100)
    workers = [site.worker("worker-1"), site.worker("worker-2")]
    first.wait_for("Epoch 0:")
    for name in ("readinessProbe", "livenessProbe"):
        first.probe(name)
    processes = [pathlib.Path(f"/proc/{number}/cmdline").read_text().split("\0") for number in workers[0].quota.processes()]
    count = sum("--keys" in words for words in processes)
    check(count == 2, f"a quota of {QUOTA} cores gives {count} processes")

    began, used, throttled = time.monotonic(), workers[0].quota.seconds(), workers[0].quota.throttled()
    first.wait_for("Epoch 2:")
    share = (workers[0].quota.seconds() - used) / (time.monotonic() - began)
    check(share <= QUOTA * 1.1, f"a pod with a quota of {QUOTA} cores uses {share:.2f}")

    code = first.end(signal.SIGTERM)
    check(action(site.coordinator_job, code) == "Ignore", f"a coordinator that is told to stop ends with {code}")
    for pod in workers:
        pod.wait_for("The run is not finished")
    second = site.coordinator("coordinator-2")
    second.probe("startupProbe", attempts=100)
    second.wait_for("Epoch 3:")
    code = workers[0].end(signal.SIGTERM)
    check(action(site.worker_job, code) == "Ignore", f"a worker that is told to stop ends with {code}")
    stranger = site.worker("stranger", site.others)
    workers[0] = site.worker("worker-3")
    code = stranger.end()
    check(action(site.worker_job, code) == "FailJob", f"a worker with other keys ends with {code}: {stranger.text()}")
    code = second.end()
    check(code == 0, f"the coordinator ends with {code}: {second.text()}")
    for pod in workers:
        code = pod.end()
        check(code == 0, f"{pod.name} ends with {code}: {pod.text()}")
    expected = weights(site.folder / "alone/summary.json")
    check(weights(site.claim / "runs/mnist-30/summary.json") == expected, "the weights differ from those of one process")
    print(f"{kind}: weights {expected[-1][:8]} as in one process; a pod with a quota of {QUOTA} cores runs {count} processes, "
          f"which use {share:.2f} cores and were held up {workers[1].quota.throttled() + throttled} times", flush=True)


def main():
    # What has been started is ended also then.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    program, parts = sys.argv[1], sys.argv[2:] or ["validate", "jobs", "jobset"]
    for part in parts:
        if part == "validate":
            validate()
        else:
            run_pods(program, part)


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"check-kubernetes: {failure}")
