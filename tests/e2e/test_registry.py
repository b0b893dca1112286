"""The service registry against real Redis and PostgreSQL, with the users, roles and schemas of manifests/:
its API, watchers, TTLs, roles, compare-and-set, every fault of a dependency, and hostile input."""

import concurrent.futures
import http.client
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import threading
import time

import pytest

from harness import ROOT, docker, inspect, run, wait_for
from websocket_client import Closed, WebSocket

PROGRAM = os.environ.get("TSE_REGISTRY", str(ROOT / "build/tse-registry"))
SANITIZED = ROOT / "build/sanitized/tse-registry"
NETWORK = f"tse-registry-test-{os.getpid()}"
SUBNET = "172.29.77"
REDIS = f"{NETWORK}-redis"
POSTGRES = f"{NETWORK}-postgres"
TOKENS = {"read": "a-token-for-reading", "register": "a-token-for-registering", "admin": "a-token-for-admins"}
MANY = 24

pytestmark = pytest.mark.skipif("TSE_ENGINE" not in os.environ, reason="needs tests/engine")


# --- What the tests stand on ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def dependencies(tmp_path_factory):
    """Redis and PostgreSQL in containers of their own, set up by the shipped files."""
    folder = tmp_path_factory.mktemp("registry")
    folder.chmod(0o755)
    acl = (ROOT / "manifests/redis/users.acl").read_text()
    acl = re.sub(r"\$\{secret:redis-(.*?)-password\}", r"\1-pass", acl)
    (folder / "users.acl").write_text(acl)
    init = (ROOT / "manifests/postgres/init/10-roles.sql").read_text()
    variables = re.findall(r"^\\getenv \w+ (\w+)", init, re.M)
    docker("network", "create", "--subnet", f"{SUBNET}.0/24", NETWORK)
    try:
        docker("run", "-d", "--name", REDIS, "--network", NETWORK, "--ip", f"{SUBNET}.10", "--cap-add", "SYS_ADMIN",
               "-v", f"{ROOT}/manifests/redis/redis.conf:/etc/redis/redis.conf:ro",
               "-v", f"{folder}/users.acl:/etc/redis/users.acl:ro", "redis:7-alpine", "redis-server", "/etc/redis/redis.conf")
        docker("run", "-d", "--name", POSTGRES, "--network", NETWORK, "--ip", f"{SUBNET}.20",
               *(f"-e{name}=postgres-pass" for name in variables), "-ePOSTGRES_PASSWORD=postgres-pass",
               "-ePOSTGRES_DB=trading_ecosystem", "-v", f"{ROOT}/manifests/postgres/init:/docker-entrypoint-initdb.d:ro",
               "postgres:15-alpine")
        wait_for(redis_is_up, "Redis")
        wait_for(lambda: run("pg_isready", "-h", f"{SUBNET}.20", check=False).returncode == 0, "PostgreSQL")
        yield
    finally:
        docker("rm", "-fv", REDIS, POSTGRES, check=False)
        docker("network", "rm", NETWORK, check=False)


def redis(*command, check=True):
    return run("redis-cli", "-h", f"{SUBNET}.10", "--user", "admin", "--pass", "admin-pass", "--no-auth-warning",
               *command, check=check).stdout.strip()


def redis_is_up():
    return redis("ping", check=False) == "PONG"


def sql(query):
    return run("psql", f"postgresql://postgres:postgres-pass@{SUBNET}.20/trading_ecosystem", "-Atc", query).stdout.strip()


def environment(**more):
    return {
        "REDIS_HOST": f"{SUBNET}.10", "REDIS_USER": "registry", "REDIS_PASSWORD": "registry-pass",
        "PGHOST": f"{SUBNET}.20", "PGDATABASE": "trading_ecosystem", "PGUSER": "registry", "PGPASSWORD": "postgres-pass",
        "REGISTRY_READ_TOKEN": TOKENS["read"], "REGISTRY_REGISTER_TOKEN": TOKENS["register"],
        "REGISTRY_ADMIN_TOKEN": TOKENS["admin"], "REGISTRY_OPEN_READS": "true", **more,
    }


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = response.headers
        self.text = response.read().decode()

    @property
    def json(self):
        return json.loads(self.text)


class Server:
    """build/tse-registry as a process on a port of its own."""

    def __init__(self, folder, program=PROGRAM, **more):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.log = folder / f"registry-{self.port}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([str(program)], stderr=log, stdin=subprocess.DEVNULL, env={
                **os.environ, **environment(**more), "REGISTRY_LISTEN": f"127.0.0.1:{self.port}"})
        wait_for(self.answers, "the registry to answer")

    def answers(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.get("/live").status == 200
        except OSError:
            return False

    def request(self, method, path, body=None, role=None, headers=None, connection=None):
        sent = dict(headers or {})
        if role:
            sent["Authorization"] = f"Bearer {TOKENS[role]}"
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        connection = connection or http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        connection.request(method, path, body, sent)
        return Answer(connection.getresponse())

    def get(self, path, **more):
        return self.request("GET", path, **more)

    def register(self, service, name, role="register", **fields):
        return self.request("PUT", f"/services/{service}/instances/{name}", {"host": "10.0.0.1", **fields}, role)

    def remove(self, service, name, role="register"):
        return self.request("DELETE", f"/services/{service}/instances/{name}", role=role)

    def beat(self, service, name, **body):
        return self.request("POST", f"/services/{service}/instances/{name}/heartbeat", body, "register")

    def set(self, service, key, value, **headers):
        return self.request("PUT", f"/config/{service}/{key}", {"value": value}, "admin",
                            {name.replace("_", "-"): text for name, text in headers.items()})

    def instances(self, service):
        answer = self.get(f"/services/{service}")
        return [i["id"] for i in answer.json["instances"]] if answer.status == 200 else []

    def watch(self, query="", **more):
        return WebSocket("127.0.0.1", self.port, f"/watch{query}", **more)

    def healthy(self):
        return self.get("/health").status == 200

    def metric(self, name):
        return float(re.search(rf"^{re.escape(name)} (\S+)$", self.get("/metrics").text, re.M)[1])

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0, self.log.read_text()[-4000:]


@pytest.fixture(scope="module")
def start(dependencies, tmp_path_factory):
    folder = tmp_path_factory.mktemp("servers")
    started = []

    def begin(**more):
        server = Server(folder, **more)
        started.append(server)
        wait_for(server.healthy, "the registry to be healthy")
        return server

    yield begin
    for server in started:
        server.stop()


@pytest.fixture(scope="module")
def server(start):
    return start()


@pytest.fixture(scope="module")
def other(start):
    return start()


_names = (f"service-{n}" for n in itertools.count())


@pytest.fixture
def service():
    return next(_names)


def next_about(watch, service):
    """The next message about a service."""
    while True:
        message = watch.receive()
        if message.get("service") == service:
            return message


# --- The API -------------------------------------------------------------------------------------


def test_register_read_deregister(server, service):
    answer = server.register(service, "one", port=80, protocol="http", version="1.0", tags=["a", "b"], ttl=600,
                             metadata={"zone": "x"})
    assert answer.status == 201
    stored = answer.json
    assert stored["health"] == "unknown" and stored["source"] == "api" and stored["tags"] == ["a", "b"]
    assert json.loads(redis("get", f"registry:services:{service}:one")) == stored
    assert server.get(f"/services/{service}/instances/one").json == stored
    assert server.get(f"/services/{service}").json == {"service": service, "instances": [stored]}
    assert redis("zscore", "registry:expiry", f"{service}:one")
    again = server.register(service, "one", port=80, protocol="http", version="1.0", tags=["a", "b"], ttl=600,
                            metadata={"zone": "x"})
    assert again.status == 200 and again.json == stored
    changed = server.register(service, "one", port=81)
    assert changed.status == 200 and changed.json["port"] == 81 and changed.json["registeredAt"] == stored["registeredAt"]
    assert redis("zscore", "registry:expiry", f"{service}:one") == ""
    assert server.remove(service, "one").json["port"] == 81
    assert server.remove(service, "one").status == 404
    assert server.get(f"/services/{service}").status == 404
    assert redis("exists", f"registry:services:{service}:one") == "0"


def test_filters_and_pages(server):
    names = [f"paged-{letter}" for letter in "abcde"]
    for name in names:
        server.register(name, "one", tags=["page"], health="healthy")
        server.register(name, "two", tags=["page", "second"], health="unhealthy")
    page = server.get("/services?tag=page&limit=2").json
    assert [s["name"] for s in page["services"]] == names[:2] and page["next"] == names[1]
    assert page["services"][0] == {"name": names[0], "instances": 2, "healthy": 1, "tags": ["page", "second"]}
    rest = server.get(f"/services?tag=page&after={page['next']}").json
    assert [s["name"] for s in rest["services"]] == names[2:] and rest["next"] is None
    assert [i["id"] for i in server.get(f"/services/{names[0]}?health=unhealthy").json["instances"]] == ["two"]
    assert [i["id"] for i in server.get(f"/services/{names[0]}?tag=second").json["instances"]] == ["two"]
    assert server.get(f"/services/{names[0]}?tag=nobody").json["instances"] == []


def test_head_is_get_without_body(server, service):
    server.register(service, "one")
    full, head = server.get(f"/services/{service}"), server.request("HEAD", f"/services/{service}")
    assert head.status == 200 and head.text == "" and head.headers["Content-Length"] == str(len(full.text))


def test_heartbeat_changes_health_and_nothing_else_makes_no_event(server, service):
    registered = server.register(service, "one", ttl=600, metadata={"health": "x", "updatedAt": "y"}).json
    before = redis("xlen", "registry:events")
    assert server.beat(service, "one").json == registered
    assert redis("xlen", "registry:events") == before
    changed = server.beat(service, "one", health="healthy").json
    assert changed["health"] == "healthy" and changed["metadata"] == registered["metadata"]
    assert changed["updatedAt"] >= registered["updatedAt"]
    assert server.get(f"/services/{service}/instances/one").json == changed
    assert server.register(service, "one", ttl=600).json["health"] == "healthy"
    assert server.beat(service, "none").status == 404


def test_what_one_writes_the_other_reads(server, other, service):
    server.register(service, "one")
    wait_for(lambda: other.instances(service) == ["one"], "the other registry to know")
    other.remove(service, "one")
    wait_for(lambda: server.instances(service) == [], "the first registry to know")
    value = server.set(service, "key", 1).json
    wait_for(lambda: other.get(f"/config/{service}/key").status == 200, "the value")
    assert other.get(f"/config/{service}/key").json == value


def test_the_registry_writes_no_environments(server):
    assert "NOPERM" in run("redis-cli", "-h", f"{SUBNET}.10", "--user", "registry", "--pass", "registry-pass",
                           "--no-auth-warning", "del", "registry:environments:dev", check=False).stdout


def test_what_the_reconciler_registers_is_its_own(server, service):
    instance = {"service": service, "id": "one", "host": "10.0.0.9", "port": None, "protocol": "tcp", "version": "1",
                "health": "healthy", "tags": ["deployed"], "metadata": {}, "ttl": None, "source": "reconciler",
                "registeredAt": "2026-11-25T10:00:00.000Z", "updatedAt": "2026-11-25T10:00:00.000Z"}
    document = json.dumps(instance)
    redis("eval", "redis.call('SET', KEYS[1], ARGV[1]) return redis.call('XADD', KEYS[2], '*', 'type', 'registered', "
          "'service', ARGV[2], 'name', 'one', 'data', ARGV[1])", "2", f"registry:services:{service}:one",
          "registry:events", document, service)
    wait_for(lambda: server.instances(service) == ["one"], "the registration")
    assert server.get(f"/services/{service}/instances/one").json == instance
    described = server.get("/openapi.json").json
    conforms(described, {"$ref": "#/components/schemas/Instance"}, {**instance, "host": None})
    assert server.register(service, "one").status == 409
    assert server.beat(service, "one", health="unhealthy").status == 409
    assert server.remove(service, "one").status == 409
    assert server.remove(service, "one", role="admin").status == 200


def test_configuration_has_versions(server, service):
    path = f"/config/{service}/limit"
    first = server.set(service, "limit", {"a": [1, None, "x"]})
    assert first.status == 201 and first.headers["ETag"] == '"1"'
    second = server.set(service, "limit", 250, If_Match='"1"')
    assert second.status == 200 and second.headers["ETag"] == '"2"'
    assert server.get(path).json == second.json and server.get(path).headers["ETag"] == '"2"'
    assert json.loads(redis("hget", f"registry:config:{service}", "limit")) == second.json
    assert server.set(service, "limit", 1, If_Match='"1"').status == 412
    assert server.set(service, "limit", 1, If_None_Match="*").status == 412
    assert server.get(f"{path}?version=1").json["value"] == {"a": [1, None, "x"]}
    assert server.get(f"{path}?version=9").status == 404
    assert server.request("DELETE", path, role="admin", headers={"If-Match": '"1"'}).status == 412
    assert server.request("DELETE", path, role="admin", headers={"If-Match": '"2"'}).status == 200
    assert server.get(path).status == 404 and server.get(f"/config/{service}").json["values"] == []
    assert server.request("DELETE", path, role="admin").status == 404
    again = server.set(service, "limit", "back", If_None_Match="*")
    assert again.status == 201 and again.json["version"] == 4
    history = server.get(f"{path}/history").json["versions"]
    assert [(v["version"], v["deleted"]) for v in history] == [(4, False), (3, True), (2, False), (1, False)]
    assert server.get(f"/config/{service}").json["values"] == [again.json]


@pytest.mark.parametrize("value", [1e20, [1.5e300, -1e20, 1e-7, 0.5], 9007199254740992, -0.0, 1.7976931348623157e308])
def test_every_number_that_is_stored_is_read(server, service, value):
    server.set(service, "key", 0)
    assert server.set(service, "key", value).status == 200
    stored = json.loads(server.get(f"/config/{service}/key").text, parse_int=float)  # 1e20 comes back in full
    assert (stored["version"], stored["value"]) == (2, value)


def test_a_value_is_as_large_as_it_is_stored(server, service):
    assert server.set(service, "key", [1e308] * 9000).status == 413
    assert server.get(f"/config/{service}/key").status == 404


def test_compare_and_set_lets_one_of_many_win(server, other, service):
    server.set(service, "counter", 0)

    def increment(target):
        for _ in range(400):
            now = target.get(f"/config/{service}/counter")
            wanted = target.set(service, "counter", now.json["value"] + 1, If_Match=now.headers["ETag"])
            if wanted.status == 200:
                return wanted.json["version"]
            assert wanted.status == 412, wanted.text
        raise AssertionError("never won")

    with concurrent.futures.ThreadPoolExecutor(MANY) as pool:
        versions = list(pool.map(increment, [server, other] * (MANY // 2)))
    assert sorted(versions) == list(range(2, MANY + 2))
    wait_for(lambda: server.get(f"/config/{service}/counter").json["value"] == MANY, "the last value")
    assert sql(f"select count(*), max(version) from registry.config_history where service = '{service}'") == f"{MANY + 1}|{MANY + 1}"


def test_unconditional_writes_all_count(server, other, service):
    with concurrent.futures.ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(lambda n: (server, other)[n % 2].set(service, "key", n), range(MANY)))
    assert {a.status for a in answers} <= {200, 201}
    assert sorted(a.json["version"] for a in answers) == list(range(1, MANY + 1))
    wait_for(lambda: server.get(f"/config/{service}/key").json["version"] == MANY, "the latest version")


@pytest.mark.parametrize("body, field", [
    ({}, "host"), ({"host": ""}, "host"), ({"host": "a b"}, "host"), ({"host": "x", "port": 0}, "port"),
    ({"host": "x", "port": "80"}, "port"), ({"host": "x", "tags": ["a", "a"]}, "tags"), ({"host": "x", "tags": ["é"]}, "tags"),
    ({"host": "x", "ttl": 0}, "ttl"), ({"host": "x", "health": "fine"}, "health"), ({"host": "x", "metadata": {"a": 1}}, "metadata"),
    ({"host": "x", "hots": 1}, "hots"), ({"host": "x", "source": "reconciler"}, "source"),
])
def test_wrong_fields_are_named(server, service, body, field):
    answer = server.request("PUT", f"/services/{service}/instances/one", body, "register")
    assert answer.status == 400 and answer.json["error"]["field"] == field
    assert server.instances(service) == []


def test_roles(start, service):
    server = start(REGISTRY_OPEN_READS="false")
    for path in ("/health", "/live", "/metrics", "/openapi.json"):
        assert server.get(path).status == 200, path
    answer = server.get("/services")
    assert answer.status == 401 and answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert server.get("/services", headers={"Authorization": "Bearer wrong-token"}).status == 401
    assert server.get("/services", headers={"Authorization": "Basic YTpi"}).status == 401
    assert server.watch().status == 401
    for role in TOKENS:
        assert server.get("/services", role=role).status == 200
    assert server.register(service, "one", role="read").status == 403
    assert server.register(service, "one", role=None).status == 401
    assert server.register(service, "one").status == 201
    assert server.request("PUT", f"/config/{service}/key", {"value": 1}, "register").status == 403
    assert server.request("PUT", f"/config/{service}/key", {"value": 1}, "admin").status == 201
    log = server.log.read_text()
    assert not any(token in log for token in TOKENS.values()) and "registry-pass" not in log


def test_metrics_and_health(server, service):
    server.register(service, "one")
    answer = server.get("/metrics")
    assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
    for line in answer.text.splitlines():
        assert re.fullmatch(r"#.*|[a-z_]+(\{.*\})? [0-9.e+-]+", line), line
    assert 'registry_requests_total{route="/services/{service}/instances/{name}",method="PUT",code="201"}' in answer.text
    assert server.metric("registry_instances") >= 1 and server.metric("registry_redis_up") == 1
    health = server.get("/health").json
    assert health["status"] == "ok" and health["redis"]["latencyMs"] >= 0 and health["postgres"]["status"] == "up"


# --- Watching ------------------------------------------------------------------------------------


def test_watch_tells_of_changes(server, service):
    watch = server.watch(f"?service={service}")
    assert watch.receive()["type"] == "hello"
    server.register(service, "one")
    server.beat(service, "one", health="healthy")
    server.set(service, "key", 7)
    server.request("DELETE", f"/config/{service}/key", role="admin")
    server.remove(service, "one")
    messages = [watch.receive() for _ in range(5)]
    assert [m["type"] for m in messages] == ["registered", "updated", "config-set", "config-deleted", "deregistered"]
    assert messages[1]["data"]["health"] == "healthy" and messages[2]["data"]["value"] == 7
    assert [m["token"] for m in messages] == sorted(m["token"] for m in messages)
    only = server.watch(f"?service={service}&kind=config&since={messages[0]['token']}")
    assert [only.receive()["type"] for _ in range(3)] == ["hello", "config-set", "config-deleted"]
    assert server.watch("?kind=nothing").status == 400 and server.watch("?since=x").status == 400


def test_watch_resumes_after_a_cut_here_or_elsewhere(server, other, service):
    watch = server.watch(f"?service={service}")
    watch.receive()
    server.register(service, "one")
    token = watch.receive()["token"]
    watch.close()
    for n in range(300):
        server.register(service, "one", port=n + 1)
    for target in (server, other):
        resumed = target.watch(f"?service={service}&since={token}")
        assert resumed.receive() == {"type": "hello", "token": token}
        assert [resumed.receive()["data"]["port"] for _ in range(300)] == list(range(1, 301))
        resumed.close()


def test_watch_resumes_from_redis_what_is_no_longer_in_memory(start, server, service):
    watch = server.watch(f"?service={service}")
    token = watch.receive()["token"]
    for n in range(450):
        server.register(service, "one", port=n + 1)
    late = start()  # knows nothing of what was before it
    resumed = late.watch(f"?service={service}&since={token}")
    assert resumed.receive()["token"] == token
    assert [resumed.receive()["data"]["port"] for _ in range(450)] == list(range(1, 451))
    server.remove(service, "one")
    assert resumed.receive()["type"] == "deregistered"


def test_watch_starts_over_when_its_token_is_too_old(start, service):
    server = start()  # its memory begins where the stream was
    server.register(service, "one")
    server.set(service, "key", 7)
    watch = server.watch(f"?service={service}&since=1-1")
    messages = [watch.receive() for _ in range(5)]
    assert [m["type"] for m in messages] == ["hello", "reset", "registered", "config-set", "snapshot-complete"]
    assert messages[:2] == [{"type": "hello"}, {"type": "reset"}]
    assert messages[2]["snapshot"] and messages[2]["data"]["id"] == "one" and "token" not in messages[2]
    server.remove(service, "one")
    assert watch.receive()["type"] == "deregistered"


def publish(events):
    """Writes events into the stream as other programs do: (type, service, name, data)."""
    lines = []
    for kind, service, name, data in events:
        words = ["XADD", "registry:events", "*", "type", kind, "service", service, "name", name, "data", json.dumps(data)]
        lines.append(f"*{len(words)}\r\n" + "".join(f"${len(word.encode())}\r\n{word}\r\n" for word in words))
    subprocess.run(["redis-cli", "-h", f"{SUBNET}.10", "--user", "admin", "--pass", "admin-pass", "--no-auth-warning", "--pipe"],
                   input="".join(lines).encode(), check=True, stdout=subprocess.DEVNULL)


def cut_streams():
    """Ends every registry's connection that follows the stream: they read everything again."""
    for line in redis("client", "list").splitlines():
        client = dict(word.split("=", 1) for word in line.split() if "=" in word)
        if client["cmd"].startswith("xread"):
            redis("client", "kill", "id", client["id"], check=False)


def scans(server):
    return server.log.read_text().count(" event=synced ")


def large_instances(service, count):
    """What fills the buffers between the server and a client that does not read."""
    return [("registered", service, f"n{n}", {"service": service, "id": f"n{n}", "n": n, "metadata": {"x": "x" * 4000}})
            for n in range(count)]


def test_watch_starts_over_when_the_stream_is_trimmed_while_it_resumes(start, service):
    server = start()
    token = server.watch().receive()["token"]
    server.register(service, "first")
    token = redis("xrevrange", "registry:events", "+", "-", "count", "1").split()[0]
    publish(large_instances(service, 4000))
    wait_for(lambda: len(server.instances(service)) == 4001, "the events to be read")
    slow = server.watch(f"?since={token}", receive_buffer=4096, timeout=120)
    assert slow.receive()["token"] == token
    redis("xtrim", "registry:events", "maxlen", "10")
    expected = 0
    while (message := slow.receive())["type"] != "reset":
        assert message["data"]["n"] == expected, "events are missing"
        expected += 1
    cut_streams()


def test_slow_snapshots_end_and_are_few(start, service):
    server = start()
    publish(large_instances(service, 4000))
    wait_for(lambda: len(server.instances(service)) == 4000, "the events to be read")
    slow = []
    for n in range(4):
        slow += [server.watch("?since=1-1", receive_buffer=4096, timeout=120) for _ in range(2)]  # these share one
        for watch in slow[-2:]:
            assert [watch.receive() for _ in range(2)] == [{"type": "hello"}, {"type": "reset"}]
        server.register(service, f"other-{n}")
        wait_for(lambda: server.instances(service) and f"other-{n}" in server.instances(service), "the event")
        time.sleep(0.2)
    with pytest.raises(Closed) as closed:
        late = server.watch("?since=1-1", timeout=60)
        while late.receive()["type"] != "snapshot-complete":
            pass
    assert closed.value.code == 1013
    publish(("updated", service, "n0", {"service": service, "id": "n0", "n": n}) for n in range(2100))
    wait_for(lambda: server.get(f"/services/{service}/instances/n0").json["n"] == 2099, "the events to be read")
    for watch in slow:
        types = set()
        with pytest.raises(Closed) as closed:
            while True:
                types.add(watch.receive()["type"])
        assert closed.value.code == 1013 and "snapshot-complete" in types
    cut_streams()


def test_tokens_from_before_a_loss_of_the_stream_start_over(start, service):
    server = start()
    server.register(service, "one")
    watch = server.watch(f"?service={service}")
    token = watch.receive()["token"]
    before = scans(server)
    redis("del", "registry:events")
    cut_streams()
    wait_for(lambda: scans(server) > before, "everything to be read again")
    server.register(service, "two")
    wait_for(lambda: len(server.instances(service)) == 2, "the event")
    resumed = server.watch(f"?service={service}&since={token}")
    assert [resumed.receive()["type"] for _ in range(5)] == ["hello", "reset", "registered", "registered", "snapshot-complete"]


class Gate:
    """A way to Redis that can hold back the answer to the reading of all instances."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.held, self.open = threading.Event(), threading.Event()
        self.armed = False
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near = self.listener.accept()[0]
            far = socket.create_connection((f"{SUBNET}.10", 6379))
            asked = threading.Event()
            threading.Thread(target=self.carry, args=(near, far, asked, True), daemon=True).start()
            threading.Thread(target=self.carry, args=(far, near, asked, False), daemon=True).start()

    def carry(self, source, target, asked, asks):
        try:
            while data := source.recv(65536):
                if asks and self.armed and b"MGET" in data:
                    asked.set()
                elif not asks and asked.is_set():
                    self.held.set()
                    self.open.wait(60)
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass


def test_what_is_removed_while_everything_is_read_stays_removed(start, service):
    gate = Gate()
    server = start(REDIS_HOST="127.0.0.1", REDIS_PORT=str(gate.port))
    server.register(service, "one")
    before = scans(server)
    gate.armed = True
    cut_streams()
    assert gate.held.wait(60)
    assert server.remove(service, "one").status == 200
    gate.armed = False
    gate.open.set()
    wait_for(lambda: scans(server) > before and server.healthy(), "everything to be read again")
    wait_for(lambda: server.instances(service) == [], "the instance to be gone")


def test_upgrades_are_named_in_any_case(server):
    answer = raw(server, f"GET /watch {HEAD}Connection: Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
                 "dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode(), until=b"\r\n\r\n")
    assert answer.startswith("HTTP/1.1 101 ")


def test_tags_that_others_wrote_do_not_break_answers(server, service):
    publish([("registered", service, "one", {"service": service, "id": "one", "tags": ['a"b', "good", "\u0001"]})])
    wait_for(lambda: server.instances(service) == ["one"], "the event to be read")
    listed = server.get("/services?limit=1000").json["services"]
    assert [s["tags"] for s in listed if s["name"] == service] == [["good"]]
    cut_streams()


def test_what_redis_says_to_a_password_is_not_logged(dependencies, tmp_path):
    """Redis may repeat it: "ERR unknown command 'AUTH', with args beginning with: …"."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(tmp_path, REDIS_HOST="127.0.0.1", REDIS_PORT=str(listener.getsockname()[1]))
        try:
            listener.settimeout(60)
            for _ in range(2):
                connection = listener.accept()[0]
                connection.settimeout(60)
                assert b"registry-pass" in connection.recv(4096)
                connection.sendall(b"-ERR unknown command, with args beginning with: registry-pass\r\n")
            wait_for(lambda: "ERR" in server.log.read_text(), "the answer to be logged")
            assert "registry-pass" not in server.log.read_text()
        finally:
            server.stop()


def test_a_thousand_watchers_are_told(server, service):
    watches = [server.watch(f"?service={service}") for _ in range(1000)]
    try:
        for watch in watches:
            assert watch.receive()["type"] == "hello"
        assert server.metric("registry_watchers") >= 1000
        server.register(service, "one")
        for watch in watches:
            assert watch.receive()["type"] == "registered"
    finally:
        for watch in watches:
            watch.close()
    wait_for(lambda: server.metric("registry_watchers") < 1000, "the watchers to be forgotten")


def test_a_watcher_that_does_not_read_is_sent_away(server, service):
    lazy = server.watch(receive_buffer=4096)
    lazy.receive()
    big = "x" * 60000
    for n in range(150):
        assert server.set(service, "key", f"{n}{big}").status in (200, 201)
    wait_for(lambda: server.metric("registry_watchers_lagged_total") >= 1, "the watcher to be sent away")
    token = None
    with pytest.raises(Closed) as closed:
        while True:
            token = lazy.receive()["token"]
    assert closed.value.code == 1013
    resumed = server.watch(f"?service={service}&since={token}", timeout=120)
    assert resumed.receive()["token"] == token
    while next_about(resumed, service)["data"]["version"] != 150:
        pass


# --- Time to live --------------------------------------------------------------------------------


def test_expiry_is_announced_once_by_two(server, other, service):
    watches = [target.watch(f"?service={service}") for target in (server, other)]
    for watch in watches:
        watch.receive()
    for n in range(20):
        server.register(service, f"i{n}", ttl=1)
    server.register(service, "last", ttl=4)
    for watch in watches:
        seen = [watch.receive() for _ in range(42)]
        expired = [m["name"] for m in seen if m["type"] == "expired"]
        assert sorted(expired) == sorted([f"i{n}" for n in range(20)] + ["last"])
    assert server.get(f"/services/{service}").status == 404
    assert redis("keys", f"registry:services:{service}:*") == ""
    events = json.loads(redis("eval", "local n = 0 for _, e in ipairs(redis.call('XRANGE', KEYS[1], '-', '+')) do "
                              "if e[2][2] == 'expired' and e[2][4] == ARGV[1] then n = n + 1 end end return n", "1",
                              "registry:events", service))
    assert events == 21


def test_heartbeats_keep_alive(server, service):
    watch = server.watch(f"?service={service}")
    watch.receive()
    server.register(service, "beating", ttl=2)
    server.register(service, "silent", ttl=2)
    assert [watch.receive()["type"] for _ in range(2)] == ["registered", "registered"]
    done = []
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        beats = pool.submit(lambda: [(server.beat(service, "beating").status, time.sleep(0.2)) for _ in iter(lambda: bool(done), True)])
        message = watch.receive()
        assert (message["type"], message["name"]) == ("expired", "silent")
        assert server.instances(service) == ["beating"]
        done.append(True)
        assert {status for status, _ in beats.result()} == {200}
    assert (watch.receive()["name"]) == "beating"


# --- Faults --------------------------------------------------------------------------------------

FAULTS = {
    "pause": (("pause",), ("unpause",)),
    "kill": (("kill",), ("start",)),
    "restart": (("stop", "-t", "10"), ("start",)),
}


def both_up():
    return redis_is_up() and run("pg_isready", "-h", f"{SUBNET}.20", check=False).returncode == 0


@pytest.mark.parametrize("fault", FAULTS)
def test_redis_away(server, service, fault):
    away, back = FAULTS[fault]
    server.register(service, "kept", ttl=3)
    server.set(service, "key", 1)
    watch = server.watch(f"?service={service}")
    watch.receive()
    docker(*away, REDIS)
    try:
        wait_for(lambda: server.get("/health").status == 503, "the outage to be seen")
        health = server.get("/health").json
        assert health["redis"]["status"] == "down" and health["postgres"]["status"] == "up"
        assert server.get("/live").status == 200
        stale = server.get(f"/services/{service}")
        assert stale.status == 200 and stale.json["stale"] is True and stale.headers["Warning"].startswith("110")
        assert [i["id"] for i in stale.json["instances"]] == ["kept"]
        assert server.get(f"/services/{service}/instances/kept").json["stale"] is True
        assert server.get(f"/config/{service}/key").json["stale"] is True
        refused = server.register(service, "new")
        assert refused.status == 503 and refused.headers["Retry-After"] and "redis" in refused.json["error"]["message"]
        assert server.set(service, "key", 2).status == 503
        time.sleep(4)  # longer than the TTL: nobody could renew it
    finally:
        docker(*back, REDIS)
    wait_for(redis_is_up, "Redis to be back")
    wait_for(server.healthy, "the registry to recover")
    assert server.instances(service) == ["kept"], "its TTL was granted anew"
    assert "stale" not in server.get(f"/services/{service}").json
    assert server.beat(service, "kept").status == 200
    assert server.register(service, "new").status == 201
    assert next_about(watch, service)["name"] in ("new",)
    assert server.get(f"/config/{service}/key").json["value"] == 1
    server.remove(service, "kept")


def test_after_an_outage_all_have_their_whole_ttl(server, service):
    """Also who is not overdue yet: it could not renew either."""
    server.register(service, "one", ttl=600)
    deadline = int(redis("zscore", "registry:expiry", f"{service}:one"))
    docker("restart", "-t", "5", REDIS)
    wait_for(redis_is_up, "Redis to be back")
    wait_for(lambda: int(redis("zscore", "registry:expiry", f"{service}:one")) > deadline, "the deadline to be put off")


@pytest.mark.parametrize("fault", FAULTS)
def test_postgres_away(server, service, fault):
    away, back = FAULTS[fault]
    wait_for(server.healthy, "the registry to be over the test before")
    stored = server.set(service, "key", 1)
    assert stored.status == 201, stored.json
    docker(*away, POSTGRES)
    try:
        wait_for(lambda: server.get("/health").status == 503, "the outage to be seen")
        health = server.get("/health").json
        assert health["redis"]["status"] == "up" and health["postgres"]["status"] == "down"
        assert server.get(f"/config/{service}/key").json["value"] == 1
        refused = server.set(service, "key", 2)
        assert refused.status == 503 and refused.headers["Retry-After"] and "postgres" in refused.json["error"]["message"]
        assert server.get(f"/config/{service}/key/history").status == 503
        assert server.register(service, "one").status == 201  # needs Redis alone
    finally:
        docker(*back, POSTGRES)
    wait_for(server.healthy, "the registry to recover")
    assert server.set(service, "key", 2, If_Match='"1"').json["version"] == 2


def test_nothing_acknowledged_is_lost_while_dependencies_restart(server, service):
    """Writers go on through kills of both; what they were told is stored is there in the end."""
    stop = time.monotonic() + 12
    acknowledged = {"instances": set(), "versions": []}

    def write_instances():
        for n in itertools.count():
            if time.monotonic() > stop:
                return
            if server.register(service, f"n{n}").status in (200, 201):
                acknowledged["instances"].add(f"n{n}")

    def write_values():
        for n in itertools.count():
            if time.monotonic() > stop:
                return
            answer = server.set(service, "key", n)
            if answer.status in (200, 201):
                acknowledged["versions"].append(answer.json["version"])

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        work = [pool.submit(write_instances), pool.submit(write_values)]
        for name in (REDIS, POSTGRES, REDIS):
            time.sleep(2)
            docker("kill", name)
            docker("start", name)
        for one in work:
            one.result()
    wait_for(both_up, "both to be back")
    wait_for(server.healthy, "the registry to recover")
    assert acknowledged["instances"] and acknowledged["versions"]
    assert acknowledged["instances"] <= set(server.instances(service))
    assert len(set(acknowledged["versions"])) == len(acknowledged["versions"])
    latest = int(sql(f"select max(version) from registry.config_history where service = '{service}'"))
    assert latest >= max(acknowledged["versions"])
    wait_for(lambda: server.get(f"/config/{service}/key").json["version"] == latest, "Redis to have the latest version")


def test_what_was_stored_but_not_published_is_published_later(start, server, service):
    """As if a registry had died between PostgreSQL and Redis."""
    server.set(service, "key", "old")
    sql(f"insert into registry.config_history values ('{service}', 'key', 2, '\"new\"', false, 'admin')")
    start()  # it compares when it connects
    wait_for(lambda: server.get(f"/config/{service}/key").json["value"] == "new", "the value to be published")


def lock_history():
    """Holds every statement on the history up until it is ended."""
    session = subprocess.Popen(["psql", f"postgresql://postgres:postgres-pass@{SUBNET}.20/trading_ecosystem", "-qAt"], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    session.stdin.write("begin; lock table registry.config_history in access exclusive mode; select 'locked';\n")
    session.stdin.flush()
    assert session.stdout.readline() == "locked\n"
    return session


def test_what_redis_refused_is_published_when_it_accepts(server, service):
    """Both links stay up; nothing but the registry's own memory tells that a value is missing."""
    server.set(service, "key", "old")
    redis("config", "set", "min-replicas-to-write", "1")
    try:
        answer = server.set(service, "key", "new")
        assert answer.status == 503 and "is stored" in answer.json["error"]["message"]
    finally:
        redis("config", "set", "min-replicas-to-write", "0")
    wait_for(lambda: server.get(f"/config/{service}/key").json["value"] == "new", "the value to be published")


def test_one_value_that_cannot_be_published_holds_no_other_up(start, server, service):
    server.set(service, "aaa", "old")
    server.set(service, "zzz", "old")
    redis("del", f"registry:config:{service}-a")
    redis("set", f"registry:config:{service}-a", "no hash")
    sql(f"insert into registry.config_history values ('{service}-a', 'key', 1, '1', false, 'admin'), "
        f"('{service}', 'zzz', 2, '\"new\"', false, 'admin')")
    start()
    wait_for(lambda: server.get(f"/config/{service}/zzz").json["value"] == "new", "the other value to be published")
    redis("del", f"registry:config:{service}-a")
    wait_for(lambda: server.get(f"/config/{service}-a/key").status == 200, "the value to be published at last", 60)


def test_a_write_that_was_given_up_is_not_stored_behind_our_back(server, service):
    server.set(service, "key", "old")
    session = lock_history()
    try:
        answer = server.set(service, "key", "new")
        assert answer.status == 503 and "was not stored" in answer.json["error"]["message"]
        assert server.healthy(), "the statement was too slow, PostgreSQL is not away"
    finally:
        session.communicate("rollback;\n")
    assert server.set(service, "key", "newer").json["version"] == 2
    assert sql(f"select count(*) from registry.config_history where service = '{service}'") == "2"


def test_many_slow_reads_fail_alone(server, service):
    """A statement that waits for its turn is no outage of PostgreSQL."""
    assert server.set(service, "key", 1).status == 201
    reconnects = server.log.read_text().count("up dependency=postgres")
    session = lock_history()
    try:
        with concurrent.futures.ThreadPoolExecutor(40) as pool:
            answers = list(pool.map(lambda _: server.get(f"/config/{service}/key/history"), range(40)))
        assert {a.status for a in answers} == {503}
        assert all(a.headers["Retry-After"] for a in answers)
    finally:
        session.communicate("rollback;\n")
    assert server.get(f"/config/{service}/key/history").status == 200
    assert server.log.read_text().count("up dependency=postgres") == reconnects


def test_a_history_is_bounded(server, service):
    for n in range(30):
        assert server.set(service, "key", f"{n}" + "x" * 60000).status in (200, 201)
    versions = [v["version"] for v in server.get(f"/config/{service}/key/history").json["versions"]]
    assert versions == list(range(30, 30 - len(versions), -1)) and 10 < len(versions) < 30


def test_redis_loses_everything(server, service):
    """Watchers start over, configuration comes back from PostgreSQL, registrations do not."""
    server.register(service, "one")
    server.set(service, "key", 7)
    watch = server.watch(f"?service={service}")
    watch.receive()
    redis("flushall")
    docker("restart", "-t", "5", REDIS)
    wait_for(redis_is_up, "Redis to be back")
    wait_for(lambda: server.instances(service) == [] and server.healthy(), "the registry to see it")
    while watch.receive()["type"] != "reset":
        pass
    wait_for(lambda: server.get(f"/config/{service}/key").status == 200, "the value to be published again")
    assert server.register(service, "two").status == 201
    while watch.receive().get("name") != "two":
        pass


def test_scripts_may_be_flushed(server, service):
    redis("script", "flush")
    wait_for(lambda: server.register(service, "one").status in (200, 201), "the scripts to be loaded again")


def test_starts_without_dependencies(dependencies, tmp_path, service):
    docker("pause", REDIS)
    docker("pause", POSTGRES)
    try:
        server = Server(tmp_path)
        assert server.get("/health").status == 503
        assert server.get("/services").status == 503 and server.register(service, "one").status == 503
        assert server.watch().status == 503
    finally:
        docker("unpause", REDIS)
        docker("unpause", POSTGRES)
    wait_for(server.healthy, "the registry to be healthy")
    assert server.register(service, "one").status == 201
    server.stop()


def test_terminates_in_order(start, service):
    server = start()
    watch = server.watch()
    watch.receive()
    server.process.send_signal(signal.SIGTERM)
    with pytest.raises(Closed) as closed:
        while True:
            watch.receive()
    assert closed.value.code == 1001
    assert server.process.wait(30) == 0


# --- Hostile input -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def tough(start):
    return start(program=str(SANITIZED)) if SANITIZED.exists() else start()


def raw(server, data, limit=60, until=None):
    """Sends bytes as they are; returns what comes until the server closes or its answer is whole."""
    answer = b""
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(limit)
        try:
            connection.sendall(data)
            while True:
                part = connection.recv(65536)
                if not part:
                    break
                answer += part
                if until and until in answer:
                    break
                head, _, body = answer.partition(b"\r\n\r\n")
                length = re.search(rb"(?i)content-length: (\d+)", head)
                if length and len(body) >= int(length[1]):
                    break
        except ConnectionError:
            pass
    return answer.decode("latin1")


HEAD = "HTTP/1.1\r\nHost: x\r\n"
PUT = f"PUT /services/web/instances/a {HEAD}Authorization: Bearer {TOKENS['register']}\r\n"


@pytest.mark.parametrize("request_text, status", [
    (f"FOO / {HEAD}\r\n", 501), (f"TRACE /services {HEAD}\r\n", 501), (f"OPTIONS /services {HEAD}\r\n", 405),
    (f"PATCH /services {HEAD}Content-Length: 0\r\n\r\n", 405), (f"POST /services {HEAD}Content-Length: 2\r\n\r\n{{}}", 405),
    (f"DELETE /services {HEAD}\r\n", 405), (f"PUT /health {HEAD}Content-Length: 2\r\n\r\n{{}}", 405),
    (f"GET /%2e%2e/%2e%2e/etc/passwd {HEAD}\r\n", 404), (f"GET /../../etc/passwd {HEAD}\r\n", 404),
    (f"GET /services/%ff%fe {HEAD}\r\n", 400), (f"GET /services/ABC {HEAD}\r\n", 400),
    (f"GET /services/{'a' * 64} {HEAD}\r\n", 400), (f"GET /services/web/ {HEAD}\r\n", 404),
    (f"GET /services/a%2fb {HEAD}\r\n", 404), (f"GET /{'a' * 3000} {HEAD}\r\n", 414),
    (f"GET /services?tag={'a' * 3000} {HEAD}\r\n", 400), (f"GET /services?limit=-1 {HEAD}\r\n", 400),
    (f"GET /services?limit=1&limit=2 {HEAD}\r\n", 400), (f"GET /services?nothing=1 {HEAD}\r\n", 400),
    (f"{PUT}Content-Length: 3\r\n\r\n{{a}}", 400), (f"{PUT}Content-Length: 0\r\n\r\n", 400),
    (f"{PUT}Content-Length: -3\r\n\r\n", 400), (f"{PUT}Content-Length: 3\r\nContent-Length: 4\r\n\r\n{{}}", 400),
    (f"{PUT}\r\n", 411), (f"{PUT}Transfer-Encoding: chunked\r\n\r\n2\r\n{{}}\r\n0\r\n\r\n", 411),
    (f"{PUT}Content-Length: 200000\r\n\r\n{'a' * 200000}", 413), (f"{PUT}Content-Length: 99999999999\r\n\r\n", 413),
    (f"{PUT}Content-Type: text/plain\r\nContent-Length: 2\r\n\r\n{{}}", 415),
    (f"{PUT}Content-Length: 4\r\n\r\n\xff\xfe{{}}", 400), (f"{PUT}Content-Length: 9\r\n\r\n{'[' * 9}", 400),
    (f"GET /live {HEAD}Connection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n", 400),
    (f"GET /services {HEAD}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
     "dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", 400), ("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 501),
])
def test_wrong_requests_are_answered(tough, request_text, status):
    answer = raw(tough, request_text.encode("latin1"))
    assert answer.startswith(f"HTTP/1.1 {status} "), answer[:200]
    error = json.loads(answer.partition("\r\n\r\n")[2])["error"]
    assert error["code"] and error["message"]
    assert ("Allow: " in answer) == (status == 405)


@pytest.mark.parametrize("request_text", [
    f"GET /live {HEAD}X-A: {'a' * 20000}\r\n\r\n", f"GET /live {HEAD}{''.join(f'X-{n}: a' + chr(13) + chr(10) for n in range(3000))}\r\n",
    f"GET /{'a' * 20000} {HEAD}\r\n", f"GET /services/a%00b {HEAD}\r\n", f"GET /services/%zz {HEAD}\r\n", "\0" * 1000, "\r\n" * 1000,
])
def test_what_libwebsockets_refuses_ends_the_connection(tough, request_text):
    answer = raw(tough, request_text.encode("latin1") + b"\r\n\r\n")
    assert answer == "" or re.match(r"HTTP/1.[01] [45]", answer)
    assert tough.get("/live").status == 200


def test_deep_json_is_refused(tough):
    body = '{"value": ' + "[" * 30000 + "]" * 30000 + "}"
    answer = tough.request("PUT", "/config/web/deep", body, "admin", {"Content-Type": "application/json"})
    assert answer.status == 400


def test_a_value_of_64_kib_and_no_more(tough, service):
    assert tough.set(service, "large", "x" * 65534).status == 201
    assert tough.set(service, "large", "x" * 65535).status == 413
    assert tough.set(service, "nul", "a\0b").status == 400


def until_closed(connection):
    answer = b""
    try:
        while part := connection.recv(65536):
            answer += part
    except ConnectionError:
        pass
    return answer


PIPELINED = {
    "GET": f"GET /live {HEAD}\r\n", "HEAD": f"HEAD /live {HEAD}\r\n", "DELETE": f"DELETE /config/web/pipe {HEAD}\r\n",
    "OPTIONS": f"OPTIONS /live {HEAD}\r\n", "GET with a body": f"GET /live {HEAD}Content-Length: 3\r\n\r\nabc",
    "PUT": f"{PUT}Content-Length: 13\r\n\r\n" + '{"host": "a"}', "PUT, its body to come": f"{PUT}Content-Length: 13\r\n\r\n",
    "PUT without a token": f"PUT /config/web/pipe {HEAD}Content-Length: 3\r\n\r\nabc",
    "POST": f"POST /services/web/instances/a/heartbeat {HEAD}Authorization: Bearer {TOKENS['register']}\r\nContent-Length: 2\r\n\r\n{{}}",
    "half a head": "PUT /services/web/ins",
}


def test_a_pipelined_request_is_dropped_and_the_connection_ends(start):
    """Whatever is sent before the first answer: it gets no answer and no one else waits for it."""
    server = start(program=str(SANITIZED)) if SANITIZED.exists() else start()
    firsts = [name for name in PIPELINED if name not in ("PUT, its body to come", "half a head")]
    for first, second in itertools.product(firsts, PIPELINED):
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.settimeout(60)
            connection.sendall((PIPELINED[first] + PIPELINED[second]).encode())
            answer = until_closed(connection)
        assert len(re.findall(rb"HTTP/1.1 \d+ ", answer)) == 1, (first, second, answer)
        assert b"\r\nConnection: close\r\n" in answer, (first, second, answer)
        assert server.get("/live").status == 200
    server.stop()


def test_requests_one_after_the_other_share_a_connection(tough, service):
    connection = http.client.HTTPConnection("127.0.0.1", tough.port, timeout=60)
    connection.connect()
    mine = connection.sock
    for n in range(20):
        body = {"host": "a", "port": n + 1}
        assert tough.request("PUT", f"/services/{service}/instances/a", body, "register", connection=connection).status in (200, 201)
        assert tough.get(f"/services/{service}/instances/a", connection=connection).json["port"] == n + 1
        assert connection.sock is mine
    connection.close()


def test_slow_and_half_open_clients_harm_nobody(tough):
    idle = [socket.create_connection(("127.0.0.1", tough.port)) for _ in range(100)]
    half = [socket.create_connection(("127.0.0.1", tough.port)) for _ in range(100)]
    body = [socket.create_connection(("127.0.0.1", tough.port)) for _ in range(100)]
    for connection in half:
        connection.sendall(b"GET /live HTTP/1.1\r\nHost:")
    for connection in body:
        connection.sendall(f"{PUT}Content-Length: 5000\r\n\r\n{{".encode())
    for _ in range(50):
        assert tough.get("/live").status == 200
    for connection in half + body:  # the server ends them by itself
        connection.settimeout(120)
        try:
            while connection.recv(65536):
                pass
        except ConnectionError:
            pass
        connection.close()
    for connection in idle:
        connection.close()
    wait_for(lambda: tough.metric("registry_connections") < 20, "the connections to be gone")


def test_connections_are_bounded(start):
    server = start(REGISTRY_MAX_CONNECTIONS="50")
    held = []
    try:
        for _ in range(49):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
            assert server.get("/live", connection=connection).status == 200
            held.append(connection)
        answers = set()
        for _ in range(20):
            connection = socket.create_connection(("127.0.0.1", server.port))
            connection.settimeout(60)
            connection.sendall(f"GET /live {HEAD}\r\n".encode())
            answers.add(connection.recv(65536)[:12])
            held.append(connection)
        assert b"HTTP/1.1 429" in answers
    finally:
        for connection in held:
            connection.close()
    wait_for(server.healthy, "the registry to serve again")


# --- Its description and its image ---------------------------------------------------------------


def conforms(document, schema, value, where="$"):
    """As much of OpenAPI 3.0's schemas as the description uses."""
    if "$ref" in schema:
        schema = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]
    if value is None and schema.get("nullable"):
        return
    kinds = {"object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool}
    if "type" in schema:
        assert isinstance(value, kinds[schema["type"]]), f"{where}: {value!r} is no {schema['type']}"
    if "enum" in schema:
        assert value in schema["enum"], f"{where}: {value!r}"
    if "pattern" in schema:
        assert re.search(schema["pattern"], value), f"{where}: {value!r}"
    for name in schema.get("required", []):
        assert name in value, f"{where}.{name} is missing"
    if schema.get("type") == "object":
        extra = schema.get("additionalProperties", True)
        for name, member in value.items():
            if name in schema.get("properties", {}):
                conforms(document, schema["properties"][name], member, f"{where}.{name}")
            else:
                assert extra is not False, f"{where}.{name} is not described"
                if isinstance(extra, dict):
                    conforms(document, extra, member, f"{where}.{name}")
    if schema.get("type") == "array":
        for index, item in enumerate(value):
            conforms(document, schema["items"], item, f"{where}[{index}]")


def test_openapi_describes_the_server(server, service):
    document = server.get("/openapi.json").json
    assert document == json.loads((ROOT / "registry/openapi.json").read_text())
    names = {"{service}": service, "{instance}": "one", "{key}": "key"}
    order = [("put", True), ("get", True), ("post", True), ("delete", True), ("get", False), ("delete", False), ("put", False)]
    bodies = {"Registration": {"host": "x", "port": None, "ttl": 60}, "Heartbeat": {"health": "healthy"}, "Setting": {"value": [1]}}
    seen = set()
    paths = sorted(document["paths"], key=lambda path: (path.endswith("history"), path.count("/"), path))
    for method, good in order:
        for path in paths:
            operation = document["paths"][path].get(method)
            if not operation:
                continue
            real = path
            for name, value in names.items():
                real = real.replace(name, value)
            body = None
            if "requestBody" in operation:
                wanted = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rsplit("/", 1)[1]
                body = bodies[wanted] if good else {"nonsense": 1}
                if good:
                    conforms(document, {"$ref": f"#/components/schemas/{wanted}"}, body)
            answer = server.request(method.upper(), real, body, "admin")
            assert str(answer.status) in operation["responses"], f"{method} {path}: {answer.status} {answer.text}"
            described = operation["responses"][str(answer.status)]
            seen.add((method, path, answer.status))
            kind = answer.headers["Content-Type"]
            assert kind in described["content"], f"{method} {path}: {kind}"
            if kind == "application/json":
                conforms(document, described["content"][kind]["schema"], answer.json, f"{method} {path}")
            for name in described.get("headers", {}):
                assert answer.headers[name], f"{method} {path}: {name}"
    good = {(m, p) for m, p, status in seen if status < 300}
    all_of = {(m, p) for p, methods in document["paths"].items() for m in methods}
    assert all_of - good == {("get", "/watch")}
    for path, methods in document["paths"].items():
        real = re.sub(r"\{\w+\}", "one", path)
        allowed = server.request("PATCH", real, "").headers["Allow"]
        assert {m.lower() for m in allowed.split(", ")} - {"head"} == set(methods), path


def test_image_runs_locked_down(dependencies, service):
    run(ROOT / "images/make", "tse-registry:0.1")
    name = f"{NETWORK}-registry"
    config = inspect("tse-registry:0.1", "image")["Config"]
    assert config["User"] == "65532:65532"
    variables = [f"-e{key}={value}" for key, value in environment().items()]
    docker("run", "-d", "--name", name, "--network", NETWORK, "--ip", f"{SUBNET}.30", "--read-only", "--cap-drop", "ALL",
           "--security-opt", "no-new-privileges", "--memory", "64m", *variables, "tse-registry:0.1")
    try:
        def request(path, method="GET", body=None):
            connection = http.client.HTTPConnection(f"{SUBNET}.30", 8080, timeout=10)
            connection.request(method, path, body, {"Authorization": f"Bearer {TOKENS['admin']}"})
            return Answer(connection.getresponse())

        def healthy():
            try:
                return request("/health").status == 200
            except OSError:
                return False

        wait_for(healthy, "the container to be healthy")
        assert request(f"/services/{service}/instances/one", "PUT", '{"host": "x"}').status == 201
        assert request(f"/config/{service}/key", "PUT", '{"value": 1}').status == 201
        docker("stop", "-t", "10", name)
        assert inspect(name)["State"]["ExitCode"] == 0
    finally:
        docker("rm", "-f", name)
