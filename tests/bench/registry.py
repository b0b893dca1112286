"""The registry's speed and size: GET /services/{name} beside nginx serving a file of the same bytes, on the
same core in the same run; private memory with 10,000 instances; 1,000 watchers told of one change. Needs
nginx and wrk (setup/packages bench). Prints a Markdown table."""

import http.client
import json
import os
import pathlib
import re
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
from harness import ROOT, docker, inspect, run, wait_for  # noqa: E402
from websocket_client import WebSocket  # noqa: E402

ROUNDS = 3
SECONDS = 3
CONNECTIONS = 50
PORT, NGINX_PORT = 18999, 18998
ADMIN = "bench-admin-token"
NAMES = ("tse-bench-redis", "tse-bench-postgres")


def start_dependencies():
    docker("run", "-d", "--name", NAMES[0], "redis:7-alpine", "redis-server", "--protected-mode", "no")
    docker("run", "-d", "--name", NAMES[1], "-ePOSTGRES_PASSWORD=bench-pass", "postgres:15-alpine")
    redis, postgres = (inspect(name)["NetworkSettings"]["IPAddress"] for name in NAMES)
    wait_for(lambda: run("pg_isready", "-h", postgres, check=False).returncode == 0, "PostgreSQL")
    run("psql", f"postgresql://postgres:bench-pass@{postgres}/postgres", "-c", "create schema registry")
    return redis, postgres


def start_registry(redis, postgres):
    environment = {**os.environ, "REDIS_HOST": redis, "PGHOST": postgres, "PGUSER": "postgres", "PGPASSWORD": "bench-pass",
                   "PGDATABASE": "postgres", "REGISTRY_OPEN_READS": "true", "REGISTRY_ADMIN_TOKEN": ADMIN,
                   "REGISTRY_LISTEN": f"127.0.0.1:{PORT}"}
    process = subprocess.Popen(["taskset", "-c", "0", str(ROOT / "build/tse-registry")], env=environment, stderr=subprocess.DEVNULL)
    wait_for(healthy, "the registry")
    return process


def healthy():
    try:
        return call("GET", "/health")[0] == 200
    except OSError:
        return False


def call(method, path, body=None, connection=None):
    connection = connection or http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    headers = {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"}
    connection.request(method, path, json.dumps(body) if body else None, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


def register(service, name, connection=None):
    body = {"host": "172.20.0.99", "port": 8080, "protocol": "http", "version": "1.2.3", "tags": ["bench", "api"],
            "metadata": {"environment": "dev"}, "ttl": 3600}
    status, text = call("PUT", f"/services/{service}/instances/{name}", body, connection)
    assert status in (200, 201), text


def start_nginx(folder, body):
    folder.chmod(0o755)
    (folder / "web").write_bytes(body)
    (folder / "nginx.conf").write_text(f"""
worker_processes 1; daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{ access_log off; keepalive_requests 1000000000; sendfile on; tcp_nopush on; open_file_cache max=100;
        default_type application/json; server {{ listen 127.0.0.1:{NGINX_PORT}; root {folder}; }} }}
""")
    process = subprocess.Popen(["taskset", "-c", "0", "nginx", "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)
    wait_for(lambda: socket.socket().connect_ex(("127.0.0.1", NGINX_PORT)) == 0, "nginx")
    return process


def wrk(port, path):
    """Requests a second and the 99th percentile in milliseconds."""
    text = run("taskset", "-c", "1", "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency",
               f"http://127.0.0.1:{port}{path}").stdout
    assert "Non-2xx" not in text and "Socket errors" not in text, text
    value, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    return float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1]), float(value) * {"us": 0.001, "ms": 1, "s": 1000}[unit]


def measure_speed(folder):
    register("web", "one")
    register("web", "two")
    nginx = start_nginx(folder, call("GET", "/services/web")[1])
    try:
        pairs = [(wrk(PORT, "/services/web"), wrk(NGINX_PORT, "/web")) for _ in range(ROUNDS)]
    finally:
        nginx.send_signal(signal.SIGTERM)
        nginx.wait()
    ours, theirs = (statistics.median(pair[i][0] for pair in pairs) for i in (0, 1))
    ratio = statistics.median(our[0] / their[0] for our, their in pairs)
    p99 = [statistics.median(pair[i][1] for pair in pairs) for i in (0, 1)]
    yield "GET /services/{name}, 50 connections", f"{ours:.0f}/s, p99 {p99[0]:.1f} ms", \
        f"nginx {theirs:.0f}/s, p99 {p99[1]:.1f} ms", f"{ratio:.2f} (bar ≥ 0.5)", ratio >= 0.5


def private_mb(process):
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status)[1]) / 1024


def measure_size(process):
    connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=60)
    for n in range(10000):
        register(f"service-{n % 500}", f"instance-{n}", connection)
    used = private_mb(process)
    yield "private memory, 10,000 instances", f"{used:.1f} MB", "", "bar ≤ 12 MB", used <= 12


def measure_watchers():
    watches = [WebSocket("127.0.0.1", PORT, "/watch?service=watched") for _ in range(1000)]
    for watch in watches:
        assert watch.receive()["type"] == "hello"
    start = time.monotonic()
    register("watched", "one")
    told = [watch.receive()["type"] for watch in watches]
    elapsed = time.monotonic() - start
    yield "1,000 watchers told of a change", f"{elapsed * 1000:.0f} ms", "", "every one", told == ["registered"] * 1000


def main():
    for tool in ("nginx", "wrk"):
        if run("sh", "-c", f"command -v {tool}", check=False).returncode != 0:
            print(f"registry: not measured, {tool} is not installed (setup/packages bench)")
            return 0
    run(ROOT / "images/make")
    good = True
    with tempfile.TemporaryDirectory() as folder:
        try:
            registry = start_registry(*start_dependencies())
            print("| registry | measured | beside | | |\n|---|---|---|---|---|")
            for rows in (measure_speed(pathlib.Path(folder)), measure_size(registry), measure_watchers()):
                for name, measured, beside, bar, holds in rows:
                    print(f"| {name} | {measured} | {beside} | {bar} | {'ok' if holds else 'MISSED'} |", flush=True)
                    good = good and holds
            registry.send_signal(signal.SIGTERM)
            registry.wait()
        finally:
            docker("rm", "-fv", *NAMES, check=False)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
