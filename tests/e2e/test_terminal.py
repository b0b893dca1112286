"""What a person at a terminal sees and types: the live view, interrupting it, and destroy's question."""

import os
import pty
import re
import select
import signal
import struct
import subprocess
import fcntl
import termios
import time

from harness import LIMIT, PROGRAM, busybox

HIDE, SHOW = "\x1b[?25l", "\x1b[?25h"


class Terminal:
    """The program on a pseudo-terminal of a given size."""

    def __init__(self, environment, *arguments, columns=100, rows=30, **variables):
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        env = {**os.environ, **environment.env, "TERM": "xterm", "LC_ALL": "C.UTF-8", **variables}
        self.process = subprocess.Popen(
            [str(PROGRAM), *map(str, arguments)],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=env,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.text = ""

    def read_until(self, condition, what):
        end = time.monotonic() + LIMIT
        while not condition(self.text):
            assert time.monotonic() < end, f"waited for {what}:\n{self.text}"
            if not select.select([self.master], [], [], 0.2)[0]:
                continue
            try:
                data = os.read(self.master, 65536)
            except OSError:  # the other end is closed: Linux says so with EIO
                break
            if not data:
                break
            self.text += data.decode(errors="replace")
        return self.text

    def type(self, text):
        os.write(self.master, text.encode())

    def finish(self):
        self.read_until(lambda text: False, "the end")
        os.close(self.master)
        return self.process.wait(LIMIT)


def visible(text):
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_the_live_view_leaves_a_clean_screen(environment):
    environment.write(
        {
            "first": busybox(healthcheck={"test": ["CMD", "test", "-f", "/ready"], "interval": "30s"}, command=["sh", "-c", "sleep 1; touch /ready; sleep infinity"]),
            "second": busybox(dependsOn={"first": "healthy"}, ports=["18097:80"]),
        }
    )
    terminal = Terminal(environment, "apply", environment.file)
    assert terminal.finish() == 0, terminal.text
    text = terminal.text
    assert HIDE in text and text.rindex(SHOW) > text.rindex(HIDE)
    assert "waits for service/first" in text and "waiting until healthy" in text
    assert re.search(r"✓ .*service/second .*created", visible(text))
    assert "127.0.0.1:18097" in text[text.rindex(SHOW) :]
    assert "converged after" in visible(text)


def test_no_color_and_narrow(environment):
    environment.write({"web": busybox()})
    terminal = Terminal(environment, "apply", environment.file, columns=30, NO_COLOR="1")
    assert terminal.finish() == 0
    assert not re.search(r"\x1b\[[0-9;]*m", terminal.text)
    again = Terminal(environment, "status", environment.file, columns=30, NO_COLOR="1")
    assert again.finish() == 0
    assert "web" in again.text and "running" in again.text


def test_control_c_gives_the_cursor_back(environment):
    environment.write({"web": busybox(healthcheck={"test": ["CMD", "false"], "interval": "10m"})})
    terminal = Terminal(environment, "apply", environment.file)
    terminal.read_until(lambda text: "waiting until healthy" in text, "the wait for health")
    terminal.type("\x03")
    assert terminal.finish() == 130
    assert terminal.text.rindex(SHOW) > terminal.text.rindex(HIDE)
    assert "interrupted" in visible(terminal.text)


def test_being_killed_by_a_second_signal_gives_the_cursor_back(environment):
    environment.write({"web": busybox(healthcheck={"test": ["CMD", "false"], "interval": "10m"})})
    terminal = Terminal(environment, "apply", environment.file)
    terminal.read_until(lambda text: "waiting until healthy" in text, "the wait for health")
    os.kill(terminal.process.pid, signal.SIGHUP)
    assert terminal.finish() == -signal.SIGHUP
    assert terminal.text.rindex(SHOW) > terminal.text.rindex(HIDE)


def test_destroy_asks(environment):
    environment.write({"web": busybox(mounts=[{"volume": "data", "target": "/data"}])}, volumes={"data": {}})
    environment.apply()
    for answer in ("n\n", "\n", "\x04", "yesterday\n"):
        terminal = Terminal(environment, "destroy", environment.file)
        terminal.read_until(lambda text: "[y/N]" in text, "the question")
        assert "service/web" in terminal.text
        terminal.type(answer)
        assert terminal.finish() == 1
        assert "Nothing was removed." in terminal.text
    assert len(environment.containers()) == 1
    terminal = Terminal(environment, "destroy", environment.file, "--volumes")
    terminal.read_until(lambda text: "[y/N]" in text, "the question")
    assert "data in the volumes will be lost" in terminal.text
    terminal.type("yes\n")
    assert terminal.finish() == 0, terminal.text
    assert environment.containers() == {}
    assert visible(terminal.text).count("volume/data") >= 2, "in the plan, and when it is done"
    terminal = Terminal(environment, "destroy", environment.file)
    assert terminal.finish() == 0 and "[y/N]" not in terminal.text
