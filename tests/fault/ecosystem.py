"""A small ecosystem with real data to disturb, and the sweep that disturbs it at every request."""

import os
import signal
import subprocess

from harness import PROGRAM, ROOT, Proxy, busybox, docker, wait_for

SANITIZED = ROOT / "build/sanitized/tse-reconcile"
# Failure paths are walked by the sanitized program where there is one.
program = SANITIZED if SANITIZED.exists() and "TSE_RECONCILE" not in os.environ else PROGRAM

# Before the request reaches the engine, or after; with and without an answer.
FAULTS = ["refuse", "500", "cut", "garbage", "half", "drop"]


class Ecosystem:
    """Two desired states to go to and fro between: between them lie creates, removals, in-place
    updates, replacements, moved networks and uploads. PostgreSQL and Redis are the real ones."""

    def __init__(self, environment, subnet):
        """`subnet`: the beginning of its two subnets, like "172.29.1": 172.29.11.0/24, 172.29.12.0/24."""
        self.environment = environment
        self.subnet = subnet

    def write(self, second):
        both = {"net": {"ipv4Address": f"{self.subnet}{2 if second else 1}.20"}, "side": {}}
        services = {
            "postgres": {
                "image": "postgres:15-alpine",
                "pullPolicy": "never",
                "environment": {"POSTGRES_PASSWORD": {"secret": "password"}, "MARK": "2" if second else "1"},
                "mounts": [{"volume": "pg", "target": "/var/lib/postgresql/data"}],
                "networks": both,
                "healthcheck": {"test": ["CMD", "pg_isready", "-h", "127.0.0.1"], "interval": "5m"},
            },
            "redis": {
                "image": "redis:7-alpine",
                "pullPolicy": "never",
                "command": ["redis-server", "--appendonly", "yes", "--appendfsync", "always"],
                "mounts": [{"volume": "rd", "target": "/data"}],
                "networks": {"net": {}},
                "resources": {"limits": {"memory": "96Mi" if second else "64Mi"}},
                "healthcheck": {"tcp": {"port": 6379}},
            },
            "web": busybox(
                networks={"net": {}, "side": {}},
                dependsOn={"postgres": "healthy", "redis": "healthy"},
                files=[{"content": "second\n" if second else "first\n", "target": "/etc/web.conf"}],
                ports=["80"],
            ),
        }
        services["late" if second else "early"] = busybox(networks={"side": {}}, dependsOn={"web": "started"})
        self.environment.write(
            services,
            networks={"net": {"subnet": f"{self.subnet}{2 if second else 1}.0/24"}, "side": {}},
            volumes={"pg": {}, "rd": {}},
            secrets={"password": {"env": "E2E_PASSWORD", "default": "e2e-only"}},
        )

    def sql(self, statement):
        return docker("exec", self.environment.name("postgres"), "psql", "-U", "postgres", "-h", "127.0.0.1", "-Atc", statement)

    def redis(self, *words):
        return docker("exec", self.environment.name("redis"), "redis-cli", *words)

    def put_data(self):
        self.sql("create table kept (n int); insert into kept values (42)")
        self.redis("set", "kept", "42")

    def assert_data(self):
        assert self.sql("select n from kept") == "42"
        assert self.redis("get", "kept") == "42"

    def assert_recovers(self, what):
        """One more apply, undisturbed, with the fast program."""
        result = self.environment.apply(check=False)
        assert result.returncode == 0, f"{what}\n{result.stdout}{result.stderr}"
        code, plan = self.environment.plan()
        assert code == 0, (what, [c for c in plan["changes"] if c["kind"] != "none"])
        self.assert_data()
        names = {self.environment.name(s) for s in ("postgres", "redis", "web")}
        assert names <= set(self.environment.containers()), what


def prepared(environment, subnet):
    """An ecosystem that runs, with a row in PostgreSQL and a key in Redis."""
    created = Ecosystem(environment, subnet)
    created.write(False)
    environment.apply()
    created.put_data()
    return created


def assert_clean_end(result, what):
    output = result.stdout + result.stderr
    assert result.returncode in (0, 1), f"{what}: {result.returncode}\n{output}"
    assert "Sanitizer" not in output and "runtime error" not in output, f"{what}\n{output}"
    assert result.returncode == 0 or result.stderr.strip() or result.stdout.strip(), f"{what}: no word"


def sweep(ecosystem, disturb, limit=400):
    """Goes to and fro between the two states, each time with a fault one request later, until the
    fault lies behind the last request. Returns how many requests were disturbed."""
    at = 0
    quiet = 0
    while quiet < 2 and at < limit:  # both directions must have run undisturbed
        at += 1
        ecosystem.write(at % 2 == 1)
        quiet = 0 if disturb(at) else quiet + 1
        ecosystem.assert_recovers(f"after request {at}")
    assert at < limit, "the number of requests does not settle"
    return at - 2


def kill_sweep(environment, folder, moment, subnet):
    """kill -9 while the request is on its way (drop: the engine never sees it; hold: the engine has
    done it, but the answer never arrives)."""
    ecosystem = prepared(environment, subnet)

    def disturb(at):
        with Proxy(folder, moment, at) as proxy:
            command = subprocess.Popen(
                [str(PROGRAM), "apply", str(environment.file)],
                env={**os.environ, **environment.env, **proxy.env},
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            wait_for(lambda: command.poll() is not None or len(proxy.requests()) >= at, "the request or the end")
            reached = len(proxy.requests()) >= at
            command.send_signal(signal.SIGKILL)
            command.wait()
            return reached

    assert sweep(ecosystem, disturb) > 40
