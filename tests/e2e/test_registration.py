"""What the reconciler registers in Redis (docs/redis-keys.md): a real Redis, deployed by the environment
itself or standing elsewhere."""

import json
import signal
import subprocess

import pytest

from harness import PROGRAM, Environment, busybox, docker, inspect, run, wait_for

REDIS = "redis:7-alpine"
PASSWORD = "recon-secret-pass"
ACL = f"""user default on nopass ~* &* +@all
user reconciler on >{PASSWORD} resetchannels -@all +@connection +@transaction -@dangerous %R~registry:* +@read (~registry:services:* ~registry:environments:* ~registry:events -@all +watch +set +del +sadd +srem +xadd)
"""


def redis_service(**fields):
    return {
        "image": REDIS,
        "pullPolicy": "never",
        "command": ["redis-server", "--aclfile", "/etc/redis/users.acl", "--protected-mode", "no", "--save", "", "--appendonly", "yes", "--dir", "/data"],
        "files": [{"target": "/etc/redis/users.acl", "content": ACL, "owner": "999:1000"}],
        "mounts": [{"volume": "data", "target": "/data"}],
        "healthcheck": {"test": ["CMD", "redis-cli", "-e", "ping"], "interval": "1s", "timeout": "3s", "retries": 5},
        "registration": {"port": 6379, "protocol": "redis", "tags": ["database"]},
        **fields,
    }


class Registry:
    """Reads and disturbs the Redis in a container."""

    def __init__(self, container):
        self.container = container

    def cli(self, *arguments):
        return docker("exec", self.container, "redis-cli", "--raw", *arguments)

    def keys(self):
        return set(self.cli("KEYS", "registry:services:*").split())

    def instance(self, service, id):
        text = self.cli("GET", f"registry:services:{service}:{id}")
        return json.loads(text) if text else None

    def members(self, environment="e2e"):
        return set(self.cli("SMEMBERS", f"registry:environments:{environment}").split())

    def events(self):
        """[(type, service, name, data)] in order."""
        reply = self.cli("XRANGE", "registry:events", "-", "+").splitlines()
        fields = [line for line in reply if line]
        entries = []
        for at in range(0, len(fields), 9):  # the id, then four names and values
            entry = dict(zip(fields[at + 1:at + 9:2], fields[at + 2:at + 9:2]))
            entries.append((entry["type"], entry["service"], entry["name"], json.loads(entry["data"])))
        return entries

    def last_event(self):
        return self.cli("XREVRANGE", "registry:events", "+", "-", "COUNT", "1")


def write(environment, services=None, redis=None, **spec):
    """An environment that deploys its own Redis and registers there."""
    environment.write(
        {"redis": redis_service(), **(services if services is not None else {"web": busybox(registration={"port": 80})})},
        volumes={"data": {}},
        secrets={"reconciler-password": {"env": "RECONCILER_PASSWORD", "default": PASSWORD}},
        redis=redis or {"service": "redis", "user": "reconciler", "password": {"secret": "reconciler-password"}},
        **spec,
    )


def registration(result):
    return json.loads(result.stdout)["registration"]


@pytest.fixture
def own(environment):
    """Applied, with `web` beside its Redis."""
    write(environment)
    result = environment.apply()
    assert "warning" not in result.stderr, result.stderr
    return environment, Registry(environment.name("redis"))


@pytest.fixture
def elsewhere(environment, tmp_path):
    """A Redis that another project deploys, by its address."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    other = Environment(folder, environment.project + "r")
    other.write({"redis": redis_service()}, volumes={"data": {}})
    other.apply()
    networks = inspect(other.name("redis"))["NetworkSettings"]["Networks"]
    address = next(iter(networks.values()))["IPAddress"] + ":6379"
    settings = {"address": address, "user": "reconciler", "password": {"secret": "reconciler-password"}}
    yield environment, Registry(other.name("redis")), settings
    other.remove()


def write_external(environment, settings, services=None):
    environment.write(
        services or {"web": busybox(registration={"port": 80}), "worker": busybox()},
        secrets={"reconciler-password": {"env": "RECONCILER_PASSWORD", "default": PASSWORD}},
        redis=settings,
    )


# --- a Redis of its own ----------------------------------------------------------------------------


def test_what_runs_is_registered(own):
    environment, registry = own
    web, redis = environment.name("web"), environment.name("redis")
    assert registry.keys() == {f"registry:services:web:{web}", f"registry:services:redis:{redis}"}
    assert registry.members() == {f"web:{web}", f"redis:{redis}"}
    instance = registry.instance("redis", redis)
    networks = inspect(redis)["NetworkSettings"]["Networks"]
    assert instance.pop("registeredAt") and instance.pop("updatedAt")
    assert instance == {
        "service": "redis", "id": redis, "host": next(iter(networks.values()))["IPAddress"], "port": 6379,
        "protocol": "redis", "version": "7-alpine", "health": "healthy", "tags": ["database"],
        "metadata": {"environment": "e2e", "project": environment.project, "container": redis},
        "ttl": None, "source": "reconciler",
    }
    assert registry.instance("web", web)["health"] == "unknown"  # nothing checks it
    assert sorted((kind, service) for kind, service, *_ in registry.events()) == [("registered", "redis"), ("registered", "web")]
    assert registry.events()[0][3]["source"] == "reconciler"


def test_nothing_to_do_is_no_event(own):
    environment, registry = own
    before, instance = registry.events(), registry.instance("web", environment.name("web"))
    result = environment.apply("-o", "json")
    assert registration(result) == {"written": 0, "removed": 0, "error": None}
    assert registry.events() == before
    assert registry.instance("web", environment.name("web")) == instance


def test_a_container_that_came_back_is_registered_where_it_is_now(own):
    environment, registry = own
    web = environment.name("web")
    before = registry.instance("web", web)
    docker("rm", "-f", web)
    environment.apply()
    networks = inspect(web)["NetworkSettings"]["Networks"]
    after = registry.instance("web", web)
    assert after["host"] == next(iter(networks.values()))["IPAddress"]
    assert after["registeredAt"] == before["registeredAt"]


def test_what_was_deleted_is_restored(own):
    environment, registry = own
    web = environment.name("web")
    registry.cli("DEL", f"registry:services:web:{web}")
    environment.apply()
    assert registry.instance("web", web)["health"] == "unknown"
    assert registry.events()[-1][:3] == ("registered", "web", web)
    registry.cli("DEL", "registry:environments:e2e")
    events = registry.events()
    environment.apply()
    assert f"web:{web}" in registry.members()
    assert registry.events() == events  # nothing of an instance changed
    registry.cli("SET", f"registry:services:web:{web}", "garbage")
    registry.cli("SADD", "registry:environments:e2e", "nonsense", "gone:gone")
    environment.apply()
    assert registry.instance("web", web)["port"] == 80
    assert registry.members() == {f"web:{web}", f"redis:{environment.name('redis')}"}


def test_everything_was_deleted(own):
    environment, registry = own
    registry.cli("FLUSHALL")
    result = environment.apply("-o", "json")
    assert registration(result) == {"written": 2, "removed": 0, "error": None}
    assert len(registry.keys()) == 2 and len(registry.members()) == 2 and len(registry.events()) == 2


def test_a_changed_registration_replaces_no_container(own):
    environment, registry = own
    ids = environment.ids()
    write(environment, {"web": busybox(registration={"port": 81, "tags": ["frontend"]})})
    environment.apply()
    assert environment.ids() == ids
    instance = registry.instance("web", environment.name("web"))
    assert (instance["port"], instance["tags"]) == (81, ["frontend"])
    assert registry.events()[-1][:2] == ("updated", "web")


def test_what_is_kept_out_or_no_longer_declared_leaves(own):
    environment, registry = own
    write(environment, {"web": busybox(registration=False), "more": busybox()})
    environment.apply()
    assert registry.members() == {f"more:{environment.name('more')}", f"redis:{environment.name('redis')}"}
    assert ("deregistered", "web") in [event[:2] for event in registry.events()]
    write(environment, {})
    environment.apply()
    assert registry.keys() == {f"registry:services:redis:{environment.name('redis')}"}


def test_every_replica_is_registered_but_nothing_that_completes(own):
    environment, registry = own
    write(environment, {"web": busybox(replicas=3), "job": busybox(command=["true"], restart="no")})
    environment.apply()
    web = environment.name("web")
    assert registry.members() == {f"web:{web}", f"web:{web}-2", f"web:{web}-3", f"redis:{environment.name('redis')}"}
    write(environment, {"web": busybox(replicas=1)})
    environment.apply()
    assert registry.members() == {f"web:{web}", f"redis:{environment.name('redis')}"}


def test_what_fails_is_shown_unhealthy(own):
    environment, registry = own
    check = {"test": ["CMD", "test", "-e", "/tmp/well"], "interval": "200ms", "timeout": "1s", "retries": 1}
    command = ["sh", "-c", "touch /tmp/well; exec sleep infinity"]
    write(environment, {"web": busybox(command=command, healthcheck=check)})
    environment.apply()
    web = environment.name("web")
    assert registry.instance("web", web)["health"] == "healthy"
    docker("exec", web, "rm", "/tmp/well")
    wait_for(lambda: inspect(web)["State"]["Health"]["Status"] == "unhealthy", "the check to fail")
    result = environment.apply("--timeout", "3s", check=False)
    assert result.returncode == 1
    assert registry.instance("web", web)["health"] == "unhealthy"
    docker("exec", web, "touch", "/tmp/well")
    environment.apply()
    assert registry.instance("web", web)["health"] == "healthy"


def test_a_redis_that_is_replaced_keeps_and_gets_everything(own):
    environment, registry = own
    docker("rm", "-f", environment.name("redis"))
    write(environment, {"web": busybox(registration={"port": 82})})
    environment.apply()
    assert registry.instance("web", environment.name("web"))["port"] == 82
    assert len(registry.keys()) == 2


def test_written_before_the_rest_is_there(environment):
    """An instance is registered as soon as it is healthy, not when everything is."""
    slow = {"test": ["CMD", "test", "-e", "/tmp/well"], "interval": "1s", "retries": 100}
    write(environment, {"web": busybox(), "slow": busybox(healthcheck=slow)})
    process = subprocess.Popen([PROGRAM, "apply", environment.file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    registry = Registry(environment.name("redis"))
    web = f"registry:services:web:{environment.name('web')}"
    try:
        wait_for(lambda: (inspect(registry.container) or {}).get("State", {}).get("Running"), "Redis to run")
        wait_for(lambda: web in docker("exec", registry.container, "redis-cli", "KEYS", "registry:services:*", check=False),
                 "the first service to be registered")
        assert process.poll() is None
        assert f"registry:services:slow:{environment.name('slow')}" not in registry.keys()
        docker("exec", environment.name("slow"), "touch", "/tmp/well")
        assert process.wait(240) == 0
    finally:
        process.kill()
        process.wait(60)
    assert len(registry.keys()) == 3


def test_killed_in_between(environment):
    write(environment, {f"web{n}": busybox() for n in range(4)})
    process = subprocess.Popen([PROGRAM, "apply", environment.file], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    registry = Registry(environment.name("redis"))
    wait_for(lambda: "registry:" in docker("exec", registry.container, "redis-cli", "KEYS", "*", check=False) or process.poll() is not None,
             "a first key")
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    environment.apply()
    names = {f"web{n}:{environment.name(f'web{n}')}" for n in range(4)} | {f"redis:{environment.name('redis')}"}
    assert registry.members() == names
    assert len(registry.keys()) == 5
    # Each change was written together with its event.
    assert sorted(event[2] for event in registry.events() if event[0] == "registered") == sorted(n.split(":")[1] for n in names)


def test_destroyed_and_applied_again(own):
    environment, registry = own
    result = environment.tse("destroy", "--yes", "-o", "json")
    assert registration(result) == {"written": 0, "removed": 2, "error": None}
    environment.apply()  # the volume, and with it Redis' data, is still there
    kinds = [event[0] for event in registry.events()]
    assert kinds == ["registered"] * 2 + ["deregistered"] * 2 + ["registered"] * 2


# --- a Redis elsewhere ----------------------------------------------------------------------------


def test_elsewhere(elsewhere):
    environment, registry, settings = elsewhere
    write_external(environment, settings)
    result = environment.apply("-o", "json")
    assert registration(result) == {"written": 2, "removed": 0, "error": None}
    assert registry.members() == {f"web:{environment.name('web')}", f"worker:{environment.name('worker')}"}
    environment.tse("destroy", "--yes")
    assert registry.keys() == set() and registry.members() == set()


def test_what_came_through_the_api_is_left_alone(elsewhere):
    environment, registry, settings = elsewhere
    web = environment.name("web")
    foreign = json.dumps({"service": "web", "id": web, "host": "10.9.8.7", "source": "api", "ttl": 30})
    registry.cli("SET", f"registry:services:web:{web}", foreign)
    registry.cli("SADD", "registry:environments:e2e", f"web:{web}")
    write_external(environment, settings)
    environment.apply()
    assert registry.cli("GET", f"registry:services:web:{web}") == foreign
    assert registry.members() == {f"worker:{environment.name('worker')}"}
    environment.tse("destroy", "--yes")
    assert registry.cli("GET", f"registry:services:web:{web}") == foreign


def test_another_projects_instances_are_left_alone(elsewhere, tmp_path):
    environment, registry, settings = elsewhere
    write_external(environment, settings)
    environment.apply()
    folder = tmp_path / "second"
    folder.mkdir()
    second = Environment(folder, environment.project + "s")
    try:
        write_external(second, settings)
        second.apply()
        environment.apply()
        assert len(registry.keys()) == 4
        second.tse("destroy", "--yes")
        assert registry.members() == {f"web:{environment.name('web')}", f"worker:{environment.name('worker')}"}
    finally:
        second.remove()


def test_redis_is_away(environment):
    write_external(environment, {"address": "127.0.0.1:1"})
    result = environment.apply()
    warnings = [line for line in result.stderr.splitlines() if "warning" in line]
    assert len(warnings) == 1 and "127.0.0.1:1" in warnings[0] and "then apply again" in warnings[0], result.stderr
    environment.assert_converged()
    document = registration(environment.apply("-o", "json"))
    assert (document["written"], document["removed"]) == (0, 0)
    assert document["error"]["code"] == "unreachable"
    assert environment.tse("destroy", "--yes").returncode == 0
    assert environment.containers() == {}


def test_wrong_password(own):
    environment, registry = own
    registry.cli("DEL", f"registry:services:web:{environment.name('web')}")
    result = environment.apply(env={"RECONCILER_PASSWORD": "not-the-password"})
    assert "warning" in result.stderr and "refuses the user \"reconciler\"" in result.stderr
    assert "not-the-password" not in result.stdout + result.stderr
    environment.apply()
    assert len(registry.keys()) == 2


def test_a_redis_that_stands_still(own):
    """Its processes are stopped: it accepts, and never answers."""
    environment, registry = own
    write(environment, {"web": busybox(registration={"port": 83})})
    pid = inspect(registry.container)["State"]["Pid"]
    run("kill", "-STOP", pid)
    try:
        result = environment.apply("--timeout", "8s", check=False)
        assert result.returncode in (0, 1)  # whether Redis' own check has failed by then
        assert "warning" in result.stderr
    finally:
        run("kill", "-CONT", pid)
    environment.apply()
    assert registry.instance("web", environment.name("web"))["port"] == 83


def test_plan_and_dry_run_write_nothing(own):
    environment, registry = own
    registry.cli("FLUSHALL")
    environment.plan()
    environment.apply("--dry-run")
    environment.tse("status", check=False)
    assert registry.cli("DBSIZE") == "0"
