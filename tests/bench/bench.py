"""The rows of docs/benchmarks.md. Run by tests/bench/run."""

import concurrent.futures
import http.client
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / "build/tse-reconcile"
IMAGE = "tse-test/busybox:1"
SOCKET = os.environ["DOCKER_HOST"].removeprefix("unix://")
rows = []


def note(text):
    print(text, file=sys.stderr, flush=True)


def row(work, ours, peer, ratio, bar):
    rows.append((work, ours, peer, ratio, bar))
    note(f"   {work}: {ours} | {peer} | {ratio} (bar {bar})")


def seconds(function):
    begin = time.perf_counter()
    function()
    return time.perf_counter() - begin


def quiet(*command, **options):
    subprocess.run([str(c) for c in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **options)


def medians(count, *functions):
    """The median seconds of each, taken in turn so that noise falls on all alike."""
    times = [[] for _ in functions]
    for _ in range(count):
        for index, function in enumerate(functions):
            times[index].append(seconds(function))
    return [statistics.median(t) for t in times]


class Api:
    """Raw Engine API calls over kept-alive connections, one for each thread."""

    local = threading.local()

    class Connection(http.client.HTTPConnection):
        def connect(self):
            self.sock = socket.socket(socket.AF_UNIX)
            self.sock.connect(SOCKET)

    def call(self, method, path, body=None):
        if not hasattr(self.local, "connection"):
            self.local.connection = self.Connection("docker")
        self.local.connection.request(
            method, "/v1.41" + path, json.dumps(body) if body is not None else None, {"Content-Type": "application/json"}
        )
        answer = self.local.connection.getresponse()
        content = answer.read()
        assert answer.status < 400, content
        return content


def environment(folder, project, services, **spec):
    file = folder / f"{project}.yaml"
    file.write_text(
        json.dumps(
            {"apiVersion": "tse.io/v1alpha1", "kind": "Environment", "metadata": {"name": "bench"}, "spec": {"project": project, "services": services, **spec}}
        )
    )
    return file


def service(**more):
    return {"image": IMAGE, "pullPolicy": "never", "command": ["sleep", "infinity"], "stopGracePeriod": "0s", **more}


def compose_file(folder, project, services):
    file = folder / f"{project}.compose.yaml"
    file.write_text(json.dumps({"version": "2.4", "services": services}))
    return file


def compose():
    if os.environ.get("TSE_BENCH_PEER") == "none":
        return None
    for command in (["docker", "compose"], ["docker-compose"]):
        if shutil.which(command[0]) and subprocess.run([*command, "version"], capture_output=True).returncode == 0:
            return command
    return None


def peak_memory(*command):
    """Runs a command; the greatest RssAnon and VmRSS it was seen with, in KiB. Sampled as fast as /proc
    can be read; VmHWM, which the kernel keeps, gives the resident peak exactly."""
    process = subprocess.Popen([str(c) for c in command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    anonymous = resident = 0
    while process.poll() is None:
        try:
            with open(f"/proc/{process.pid}/status") as status:
                fields = dict(line.split(":", 1) for line in status)
            anonymous = max(anonymous, int(fields["RssAnon"].split()[0]))
            resident = max(resident, int(fields["VmHWM"].split()[0]))
        except (OSError, KeyError, ProcessLookupError):
            pass
    assert process.returncode == 0, process.returncode
    return anonymous, resident


def remove_all():
    ids = subprocess.run(["docker", "ps", "-aq"], capture_output=True, text=True).stdout.split()
    for start in range(0, len(ids), 50):
        quiet("docker", "rm", "-fv", *ids[start : start + 50])
    quiet("docker", "network", "prune", "-f")


def noop(folder):
    note("no-op apply over 200 running services")
    file = environment(folder, "noop", {f"s{i:03}": service() for i in range(200)})
    quiet(PROGRAM, "apply", file)
    api = Api()

    def floor():
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            ids = [c["Id"] for c in json.loads(api.call("GET", "/containers/json?all=1"))]
            list(pool.map(lambda i: api.call("GET", f"/containers/{i}/json"), ids))

    peer = compose()
    contenders = [lambda: quiet(PROGRAM, "apply", file), floor]
    if peer:
        other = compose_file(folder, "noopc", {f"s{i:03}": {"image": IMAGE, "command": ["sleep", "infinity"]} for i in range(200)})
        up = [*peer, "-p", "noopc", "-f", str(other), "up", "-d"]
        note("   making the peer's 200 containers")
        quiet(*up, env={**os.environ, "COMPOSE_PARALLEL_LIMIT": "16", "COMPOSE_HTTP_TIMEOUT": "300"})
    ours, raw = medians(7, *contenders)
    row("no-op apply, 200 services", f"{ours:.3f} s", f"raw list + 200 inspects, 16 at a time: {raw:.3f} s", f"{ours / raw:.2f}", "-")
    if peer:
        ours, theirs = medians(3, contenders[0], lambda: quiet(*up))
        row("no-op apply, 200 services", f"{ours:.3f} s", f"{' '.join(peer)} up -d: {theirs:.3f} s", f"{ours / theirs:.3f}", "≤ 0.25")
    samples = [peak_memory(PROGRAM, "apply", file) for _ in range(7)]
    anonymous, resident = (max(column) for column in zip(*samples))
    row("its private memory (RssAnon), peak", f"{anonymous / 1024:.1f} MiB", "-", "-", "≤ 5 MB")
    row("its resident memory, peak", f"{resident / 1024:.1f} MiB", "-", "-", "≤ 16 MB")


def up(folder):
    note("bring-up of 50 services from nothing")
    file = environment(folder, "up", {f"s{i:02}": service() for i in range(50)})
    api = Api()

    def raw():
        api.call("POST", "/networks/create", {"Name": "raw"})

        def one(i):
            body = {"Image": IMAGE, "Cmd": ["sleep", "infinity"], "HostConfig": {"NetworkMode": "raw"}}
            api.call("POST", f"/containers/create?name=raw-{i}", body)
            api.call("POST", f"/containers/raw-{i}/start")

        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(one, range(50)))

    ours, floor = [], []
    for _ in range(5):
        ours.append(seconds(lambda: quiet(PROGRAM, "apply", file)))
        remove_all()
        floor.append(seconds(raw))
        remove_all()
    ours, floor = statistics.median(ours), statistics.median(floor)
    row("bring up 50 services", f"{ours:.2f} s", f"raw create + start, 16 at a time: {floor:.2f} s", f"{ours / floor:.2f}", "≤ 1.1")


def chain(folder):
    note("three services in a chain, checks every 10 s")
    check = {"test": ["CMD", "test", "-f", "/tmp/ready"], "interval": "10s", "timeout": "3s", "retries": 5}
    command = ["sh", "-c", "sleep 0.3; touch /tmp/ready; exec sleep infinity"]
    names = ["one", "two", "three"]
    file = environment(
        folder,
        "chain",
        {n: service(command=command, healthcheck=check, **({"dependsOn": {names[i - 1]: "healthy"}} if i else {})) for i, n in enumerate(names)},
    )
    ours = []
    for _ in range(5):
        ours.append(seconds(lambda: quiet(PROGRAM, "apply", file)))
        remove_all()
    ours = statistics.median(ours)
    peer = compose()
    theirs = None
    if peer:
        # Compose 1.29 has no --wait: a fourth service that waits for the third stands for it.
        names.append("end")
        other = compose_file(
            folder,
            "chainc",
            {
                n: {"image": IMAGE, "command": command, "healthcheck": check, **({"depends_on": {names[i - 1]: {"condition": "service_healthy"}}} if i else {})}
                for i, n in enumerate(names)
            },
        )
        theirs = seconds(lambda: quiet(*peer, "-p", "chainc", "-f", other, "up", "-d"))
        remove_all()
    row("chain of three, checks every 10 s", f"{ours:.2f} s", f"{' '.join(peer)}: {theirs:.1f} s" if theirs else "not installed", f"{ours / theirs:.3f}" if theirs else "-", "≤ 3 s")


def plan(folder):
    note("planning")
    program = ROOT / "build/tests/bench/bench_plan"
    print(subprocess.run([program], check=True, capture_output=True, text=True).stdout, file=sys.stderr)
    for line in subprocess.run([program], check=True, capture_output=True, text=True).stdout.splitlines():
        parts = line.split()
        if parts and parts[0] == "10000":
            row(f"plan 10,000 resources, {' '.join(parts[2:])}", f"{parts[1]} ms", "-", "-", "≤ 50 ms")


def main():
    chosen = sys.argv[1:] or ["noop", "up", "chain", "plan"]
    quiet(ROOT / "tests/e2e/busybox-image")
    with tempfile.TemporaryDirectory() as folder:
        for name in chosen:
            globals()[name](pathlib.Path(folder))
            remove_all()
    print("| work | tse-reconcile | beside it | ratio | bar |\n|---|---|---|---|---|")
    for line in rows:
        print("| " + " | ".join(line) + " |")


main()
