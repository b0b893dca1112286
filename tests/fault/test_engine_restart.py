"""The engine is killed, stopped and started again under the environments. These tests have the engine
for themselves: they run after the others."""

import os
import pathlib
import signal
import socket
import subprocess

import pytest

from ecosystem import program
from harness import busybox, docker, run, wait_for

pytestmark = pytest.mark.alone


def test_engine_restarted_in_the_middle(environment, restartable):
    services = {f"s{i}": busybox() for i in range(12)}
    services.update({f"d{i}": busybox(dependsOn={f"s{i}": "started"}) for i in range(12)})
    environment.write(services)
    command = subprocess.Popen([str(program), "apply", str(environment.file)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_for(lambda: len(environment.ids()) >= 3 or command.poll() is not None, "the first containers")
    restartable("kill")
    restartable("start")
    output, _ = command.communicate(timeout=240)
    assert command.returncode in (0, 1), output
    environment.apply()
    environment.assert_converged()
    assert len(environment.containers()) == 24


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_port_taken_while_the_engine_restarted(environment, restartable, end):
    environment.write({"one": busybox(ports=["127.0.0.1:18085:80"]), "two": busybox()})
    environment.apply()
    before = environment.ids()
    restartable(end)
    end_port_proxies(18085)  # as a power cut of the engine would
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        wait_for(lambda: bound(taken, 18085), "port 18085 to be free")
        taken.listen()
        restartable("start")
        docker("restart", "-t", "0", environment.name("one"), check=False)  # must fail: the port is taken
        result = environment.apply("--timeout", "20s", check=False)
        assert result.returncode == 1 and "18085" in result.stdout + result.stderr
    environment.apply()
    environment.assert_converged()
    assert environment.ids()[environment.name("two")] == before[environment.name("two")]
    one = environment.name("one")
    docker("exec", one, "sh", "-c", "mkdir -p /www; echo served > /www/index.html; httpd -p 80 -h /www")
    wait_for(lambda: run("curl", "-s", "http://127.0.0.1:18085/", check=False).stdout == "served\n", "an answer on the port")


def bound(listener, port):
    try:
        listener.bind(("127.0.0.1", port))
        return True
    except OSError:
        return False


def end_port_proxies(port):
    """Ends the port proxies of the test engine (of this network namespace) for a host port."""
    ours = os.readlink("/proc/self/ns/net")
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_text().split("\0")
            if "docker-proxy" in command[0] and str(port) in command and os.readlink(process / "ns/net") == ours:
                os.kill(int(process.name), signal.SIGKILL)
        except (OSError, IndexError):
            continue  # it ended while we looked
