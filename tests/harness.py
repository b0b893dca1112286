"""What the end-to-end tests share: the program under test, a real Docker engine (DOCKER_HOST, see
tests/engine), and environments with a project prefix of their own that clean up after themselves."""

import json
import os
import pathlib
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
PROGRAM = pathlib.Path(os.environ.get("TSE_RECONCILE", ROOT / "build/tse-reconcile"))
LIMIT = 240  # seconds a wait or a command may take before the test gives up; never a measurement


def run(*command, check=True, env=None, stdin=subprocess.DEVNULL, limit=LIMIT, cwd=None):
    """Runs a command; returns it with stdout and stderr as text. Fails loudly, with its output."""
    result = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=stdin,
        text=True,
        errors="replace",
        timeout=limit,
        env={**os.environ, **(env or {})},
        cwd=cwd or ROOT,
    )
    if check and result.returncode != 0:
        raise AssertionError(
            f"{' '.join(map(str, command))} ended with {result.returncode}\n{result.stdout}{result.stderr}"
        )
    return result


def docker(*arguments, check=True):
    return run("docker", *arguments, check=check).stdout.strip()


def inspect(name, kind="container"):
    """The engine's own description of a thing, or None when it is not there."""
    result = run("docker", kind, "inspect", name, check=False)
    return json.loads(result.stdout)[0] if result.returncode == 0 else None


def wait_for(condition, what, limit=LIMIT):
    """Polls until `condition()` is true; returns what it returned."""
    end = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {limit} s for {what}")
        time.sleep(0.05)


class Environment:
    """An Environment in a folder of the test's own."""

    def __init__(self, folder, project):
        self.folder = folder
        self.project = project
        self.file = folder / "environment.yaml"
        self.env = {}

    def name(self, service):
        return f"{self.project}-{service}"

    def write(self, services, **spec):
        """Writes the desired state; JSON is YAML."""
        document = {
            "apiVersion": "tse.io/v1alpha1",
            "kind": "Environment",
            "metadata": {"name": "e2e"},
            "spec": {"project": self.project, "services": services, **spec},
        }
        self.file.write_text(json.dumps(document, indent=2))

    def tse(self, command, *arguments, check=True, env=None):
        return run(
            PROGRAM, command, self.file, *arguments, check=check, env={**self.env, **(env or {})}
        )

    def apply(self, *arguments, **options):
        return self.tse("apply", *arguments, **options)

    def plan(self):
        """(exit code, parsed plan)"""
        result = self.tse("plan", "-o", "json", check=False)
        assert result.returncode in (0, 2), result.stdout + result.stderr
        return result.returncode, json.loads(result.stdout)

    def changes(self):
        """{key: kind} of what a plan would change."""
        code, plan = self.plan()
        changes = {c["key"]: c["kind"] for c in plan["changes"] if c["kind"] != "none"}
        assert (code == 2) == bool(changes), (code, plan)
        return changes

    def assert_converged(self):
        code, plan = self.plan()
        assert code == 0, json.dumps(plan["changes"], indent=1)

    def containers(self):
        """{name: inspect} of everything that carries our label and that the engine can describe: while
        it makes a container it lists it for a moment without knowing it."""
        ids = docker("ps", "-aq", "--filter", f"label=tse.io/project={self.project}").split()
        result = run("docker", "container", "inspect", *ids, check=False) if ids else None
        if result and result.returncode != 0 and "No such container" not in result.stderr:
            raise AssertionError(result.stderr)
        described = json.loads(result.stdout) if result else []
        return {c["Name"].lstrip("/"): c for c in described}

    def ids(self):
        return {name: c["Id"] for name, c in self.containers().items()}

    def remove(self):
        """Removes everything of the project, whatever state a failed test left it in."""
        label = f"label=tse.io/project={self.project}"
        for listing, removing in (
            (("ps", "-aq"), ("rm", "-fv")),
            (("network", "ls", "-q"), ("network", "rm")),
            (("volume", "ls", "-q"), ("volume", "rm", "-f")),
        ):
            ids = docker(*listing, "--filter", label, check=False).split()
            if ids:
                docker(*removing, *ids, check=False)


BUSYBOX = "tse-test/busybox:1"


def busybox(**fields):
    """A service that runs at once and stops at once."""
    return {
        "image": BUSYBOX,
        "pullPolicy": "never",
        "command": ["sleep", "infinity"],
        "init": True,
        "stopGracePeriod": "1s",
        **fields,
    }


PROXY = ROOT / "build/tests/fault/proxy"


class Proxy:
    """tests/fault/proxy.c between the program and the engine, with one fault at one request."""

    def __init__(self, folder, kind, at=0, count=1):
        self.socket, self.log = folder / "proxy.sock", folder / "proxy.log"
        for left in (self.socket, self.log):
            left.unlink(missing_ok=True)
        upstream = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
        command = [PROXY, "--listen", self.socket, "--upstream", upstream, "--log", self.log]
        if kind:
            command += ["--fault", kind, "--at", at, "--count", count]
        self.process = subprocess.Popen([str(c) for c in command])
        end = time.monotonic() + 60
        while not self.socket.exists():
            assert self.process.poll() is None and time.monotonic() < end, "the proxy did not start"
            time.sleep(0.005)
        self.env = {"DOCKER_HOST": f"unix://{self.socket}"}

    def requests(self):
        """The request lines seen so far."""
        return self.log.read_text().splitlines() if self.log.exists() else []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)
