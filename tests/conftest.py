"""Fixtures of the end-to-end and fault tests; what they are made of is in harness.py."""

import os
import signal

import pytest

from harness import Environment, docker, run

# A shell starts background commands with SIGINT ignored, and nohup with SIGHUP, which programs under test
# would inherit; one that Python handles, or leaves at its default, is theirs to handle as well.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session", autouse=True)
def engine():
    """Every test needs the engine; without one this is an error, not a skip."""
    return docker("version", "--format", "{{.Server.Version}}")


_count = 0


@pytest.fixture
def environment(tmp_path):
    global _count
    _count += 1
    created = Environment(tmp_path, f"tsee2e{os.getpid()}x{_count}")
    yield created
    created.remove()


@pytest.fixture
def restartable():
    """restartable("kill"), ("stop"), ("start"): the test engine; it runs again after the test."""
    engine = os.environ.get("TSE_ENGINE")
    assert engine, "run this through tests/engine run, which owns an engine that may be restarted"
    yield lambda action: run(engine, action)
    if run("docker", "version", check=False).returncode != 0:
        run(engine, "start")
