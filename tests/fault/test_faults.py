"""Engines that never work, and a user who has seen enough."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import threading

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


@pytest.fixture
def hanging(tmp_path):
    """An engine that says who it is, and then nothing more."""
    path, kept = tmp_path / "hanging.sock", []
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(64)

        def serve():
            try:
                while True:
                    client, _ = listener.accept()
                    kept.append(client)
                    if b"/_ping" in client.recv(4096):
                        client.sendall(b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK")
                        client.close()
            except OSError:
                pass  # closed below

        threading.Thread(target=serve, daemon=True).start()
        yield {"DOCKER_HOST": f"unix://{path}"}
        listener.shutdown(socket.SHUT_RDWR)
    for client in kept:
        client.close()


def test_the_timeout_holds_while_the_engine_hangs(environment, hanging):
    environment.write({"web": busybox()})
    result = run(program, "apply", environment.file, "--timeout", "2s", check=False, env=hanging)
    assert result.returncode == 1
    assert "not converged within 2s" in result.stderr and "not yet answered" in result.stderr, result.stderr


def test_the_timeout_holds_also_where_it_would_register_what_failed(environment, hanging):
    environment.write({"web": busybox()}, redis={"address": "127.0.0.1:1"})
    result = run(program, "apply", environment.file, "--timeout", "2s", "--request-timeout", "200s", check=False, env=hanging, limit=90)
    assert result.returncode == 1, result.stderr


def test_interrupted_while_the_engine_hangs(environment, hanging):
    environment.write({"web": busybox()})
    command = subprocess.Popen([str(program), "apply", str(environment.file), "--request-timeout", "200s"],
                               stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env={**os.environ, **hanging})  # fmt: skip
    wait_for(lambda: catches(command.pid, signal.SIGINT) or command.poll() is not None, "the program to handle SIGINT")
    command.send_signal(signal.SIGINT)
    output, _ = command.communicate(timeout=60)  # the request would go on for longer
    assert command.returncode == 130, output


def catches(pid, number):
    caught = re.search(r"SigCgt:\s*(\w+)", pathlib.Path(f"/proc/{pid}/status").read_text())
    return int(caught[1], 16) >> (number - 1) & 1


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
