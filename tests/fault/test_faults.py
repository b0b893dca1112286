"""Engines that never work, and a user who has seen enough."""

import signal
import subprocess

import pytest

from ecosystem import FAULTS, assert_clean_end, program
from harness import Proxy, busybox, inspect, run, wait_for


@pytest.mark.parametrize("kind", FAULTS)
def test_an_engine_that_never_works(environment, tmp_path, kind):
    """Every request fails: a clear error, in bounded time, and nothing changed."""
    environment.write({"web": busybox()})
    with Proxy(tmp_path, kind, 1, 100000) as proxy:
        result = run(program, "apply", environment.file, "--timeout", "12s", "--request-timeout", "2s", check=False, env=proxy.env)
    assert_clean_end(result, kind)
    assert result.returncode == 1
    assert environment.ids() == {}


def test_no_engine(environment):
    environment.write({"web": busybox()})
    result = run(program, "apply", environment.file, "--timeout", "2s", check=False, env={"DOCKER_HOST": "unix:///nowhere/docker.sock"})
    assert result.returncode == 1
    assert "/nowhere/docker.sock" in result.stderr and "start" in result.stderr


def test_interrupted(environment):
    """SIGINT: stops cleanly with 130, and a later apply goes on."""
    environment.write({"web": busybox(healthcheck={"test": ["CMD", "false"], "interval": "10m"}), "next": busybox(dependsOn={"web": "healthy"})})
    command = subprocess.Popen([str(program), "apply", str(environment.file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: (inspect(environment.name("web")) or {"State": {"Running": False}})["State"]["Running"], "the first service to run")
    command.send_signal(signal.SIGINT)
    output, _ = command.communicate(timeout=120)
    assert command.returncode == 130, output
    assert "Sanitizer" not in output
    environment.write({"web": busybox(), "next": busybox(dependsOn={"web": "started"})})
    environment.apply()
    environment.assert_converged()
