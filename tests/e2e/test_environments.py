"""The environments this repository ships, on a real engine, with real Redis, PostgreSQL and
Prometheus: what the users' acceptance list says of them. Runs in tests/engine's namespace, so the
real ports and addresses are free whatever else runs on the machine."""

import json
import os
import re
import urllib.error
import urllib.request

import pytest

from harness import PROGRAM, ROOT, docker, inspect, run, wait_for

DEV = ROOT / "environments/dev.yaml"
TEST = ROOT / "environments/test.yaml"
PROD = ROOT / "environments/prod.yaml"

# name: (address on `internal`, published ports), as in the users' table.
SERVICES = {
    "redis": ("172.20.0.10", [6379]),
    "postgres": ("172.20.0.20", [5432]),
    "registry": ("172.20.0.30", [8080]),
    "prometheus": ("172.20.0.40", [9090]),
    "grafana": ("172.20.0.50", [3000]),
    "jaeger": ("172.20.0.60", [16686]),
    "otel-collector": ("172.20.0.70", [4317, 4318, 13133]),
}
# name: (port, protocol) in the registry.
REGISTERED = {
    "redis": (6379, "redis"),
    "postgres": (5432, "postgresql"),
    "prometheus": (9090, "http"),
    "grafana": (3000, "http"),
    "jaeger": (16686, "http"),
    "otel-collector": (4317, "grpc"),
}
STAND_INS = {"grafana", "jaeger", "otel-collector"}

pytestmark = pytest.mark.skipif(
    "TSE_ENGINE" not in os.environ, reason="needs tests/engine: it uses the real ports and addresses"
)


def tse(command, file, *arguments, check=True, env=None):
    return run(PROGRAM, command, file, *arguments, check=check, env=env)


def get(url):
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, ""


@pytest.fixture(scope="module")
def dev():
    first = tse("apply", DEV)
    yield first
    tse("destroy", DEV, "--yes", "--volumes")
    assert docker("ps", "-aq", "--filter", "label=tse.io/project=trading-ecosystem") == ""


def test_every_service_is_healthy_where_it_should_be(dev):
    status = {s["name"]: s for s in json.loads(tse("status", DEV, "-o", "json").stdout)["services"]}
    assert set(status) == set(SERVICES)
    for name, (address, ports) in SERVICES.items():
        container = inspect(f"trading-ecosystem-{name}")
        assert container["NetworkSettings"]["Networks"]["trading-ecosystem-internal"]["IPAddress"] == address
        published = {
            int(b["HostPort"]): b["HostIp"] for bindings in container["NetworkSettings"]["Ports"].values() for b in bindings or []
        }
        assert set(ports) <= set(published), name
        assert set(published.values()) == {"127.0.0.1"}, name
        assert status[name]["health"] == "healthy", name
        assert bool(status[name].get("standIn")) == (name in STAND_INS), name


def test_apply_says_where_to_reach_each(dev):
    for port in (6379, 5432, 8080, 9090, 3000, 16686, 13133):
        assert f"127.0.0.1:{port}" in dev.stdout


def test_nothing_to_do(dev):
    result = tse("plan", DEV)
    assert result.returncode == 0 and "othing to do" in result.stdout
    ours = ("ps", "-q", "--no-trunc", "--filter", "label=tse.io/environment=dev")
    before = docker(*ours)
    tse("apply", DEV)
    assert docker(*ours) == before


def test_everything_answers(dev):
    assert run("redis-cli", "-u", "redis://healthcheck:health-pass@127.0.0.1:6379", "ping").stdout.strip().endswith("PONG")
    assert run("pg_isready", "-h", "127.0.0.1", "-d", "trading_ecosystem").returncode == 0
    for url in (":8080/health", ":9090/-/healthy", ":3000/api/health", ":16686/", ":13133/"):
        assert get("http://127.0.0.1" + url)[0] == 200, url


def test_redis_users_may_do_their_own_and_no_more(dev):
    users = docker("exec", "trading-ecosystem-redis", "cat", "/etc/redis/users.acl")
    for name in ("admin", "healthcheck", "registry", "reconciler", "exchange-simulator", "custodian-simulator",
                 "market-data-simulator", "trading-engine", "risk-monitor", "test-coordinator", "audit-correlator"):
        assert f"user {name} on" in users
    check = ("redis-cli", "-u", "redis://healthcheck:health-pass@127.0.0.1:6379")
    assert "NOPERM" in run(*check, "get", "x", check=False).stdout
    assert "NOPERM" not in run(*check, "keys", "registry:services:*").stdout
    assert "NOAUTH" in run("redis-cli", "-p", "6379", "ping", check=False).stdout


def registered(project, password):
    """{service: instance} as Redis holds it."""
    def cli(*arguments):
        return docker("exec", f"{project}-redis", "redis-cli", "--user", "admin", "--pass", password,
                      "--no-auth-warning", "--raw", *arguments)

    instances = [json.loads(cli("GET", key)) for key in cli("KEYS", "registry:services:*").split()]
    return {instance["service"]: instance for instance in instances if instance["source"] == "reconciler"}


def assert_registered(instances, project, subnet):
    assert set(SERVICES) <= set(instances)
    for name, (port, protocol) in REGISTERED.items():
        instance = instances[name]
        assert (instance["port"], instance["protocol"]) == (port, protocol), name
        assert instance["health"] == "healthy" and instance["id"] == f"{project}-{name}", name
        assert instance["host"] == SERVICES[name][0].replace("172.20.0", subnet), name
        assert inspect(instance["id"])["Config"]["Image"].endswith(":" + instance["version"]), name


def test_every_service_is_registered(dev):
    assert "warning" not in dev.stderr
    assert_registered(registered("trading-ecosystem", "admin-pass"), "trading-ecosystem", "172.20.0")


def test_the_reconciler_may_write_registrations_and_nothing_else_of_the_registry(dev):
    def cli(*arguments):
        return run("redis-cli", "-u", "redis://reconciler:reconciler-pass@127.0.0.1:6379", *arguments, check=False).stdout

    assert "NOPERM" in cli("set", "registry:config:x", "1")
    assert "NOPERM" in cli("zadd", "registry:expiry", "1", "x")
    assert "NOPERM" in cli("hset", "registry:services:x:y", "a", "b")
    assert "NOPERM" in cli("eval", "return 1", "0")
    assert "OK" in cli("set", "registry:services:x:y", "1")
    assert "1" in cli("del", "registry:services:x:y")


def test_database_has_its_schemas_and_roles(dev):
    def sql(query):
        return docker("exec", "trading-ecosystem-postgres", "psql", "-U", "postgres", "-d", "trading_ecosystem", "-Atc", query, check=False) or \
            docker("exec", "-u", "postgres", "trading-ecosystem-postgres", "psql", "-d", "trading_ecosystem", "-Atc", query)

    schemas = set(sql("select nspname from pg_namespace").split())
    domains = {"market_data", "exchange", "custodian", "risk", "trading", "test_coordination", "audit", "registry"}
    assert domains <= schemas
    assert len(set(sql("select rolname from pg_roles where rolcanlogin").split())) >= len(domains) + 1


def test_prometheus_targets_are_up_where_the_service_is_real(dev):
    def targets():
        body = json.loads(get("http://127.0.0.1:9090/api/v1/targets")[1])
        return {t["labels"]["job"]: t["health"] for t in body["data"]["activeTargets"]}

    wait_for(lambda: targets().get("prometheus") == "up", "Prometheus' own target to be up")
    wait_for(lambda: targets().get("registry") == "up", "the registry's target to be up")
    assert {"prometheus", "grafana", "jaeger", "otel-collector"} <= set(targets())


def test_data_survives_replacement(dev):
    """Through the shipped manifests: a changed field replaces the container, not the data."""
    docker("exec", "-u", "postgres", "trading-ecosystem-postgres", "psql", "-d", "trading_ecosystem", "-c",
           "create table if not exists public.kept (n int); insert into public.kept values (42)")
    before = inspect("trading-ecosystem-postgres")["Id"]
    docker("rm", "-f", "trading-ecosystem-postgres")
    tse("apply", DEV)
    assert inspect("trading-ecosystem-postgres")["Id"] != before
    assert docker("exec", "-u", "postgres", "trading-ecosystem-postgres", "psql", "-d", "trading_ecosystem", "-Atc",
                  "select n from public.kept") == "42"


def test_test_environment_runs_beside_dev(dev):
    before = docker("ps", "-q", "--no-trunc", "--filter", "label=tse.io/environment=dev")
    try:
        tse("apply", TEST)
        assert tse("plan", TEST).returncode == 0
        status = json.loads(tse("status", TEST, "-o", "json").stdout)["services"]
        assert {s["name"] for s in status} == set(SERVICES)
        assert {s["health"] for s in status} == {"healthy"}
        assert docker("ps", "-q", "--no-trunc", "--filter", "label=tse.io/environment=dev") == before
        assert tse("plan", DEV).returncode == 0
        # They are apart: nothing of test reaches dev's database.
        name = json.loads(docker("inspect", docker("ps", "-q", "--filter", "label=tse.io/environment=test", "--filter", "label=tse.io/name=redis")))[0]["Name"]
        reach = run("docker", "exec", name.lstrip("/"), "timeout", "5", "redis-cli", "-h", "172.20.0.10", "ping", check=False)
        assert "PONG" not in reach.stdout and reach.returncode != 0
    finally:
        tse("destroy", TEST, "--yes", "--volumes")


def test_prod_refuses_default_passwords():
    result = tse("validate", PROD, check=False)
    assert result.returncode == 3
    assert "PASSWORD" in result.stderr
    applied = tse("apply", PROD, check=False)
    assert applied.returncode == 3
    assert docker("ps", "-aq", "--filter", "label=tse.io/environment=prod") == ""


def test_prod_is_locked_down(dev):
    """With passwords set, prod converges; every service is limited, read-only and without privileges it
    does not need. Its data ports are not published."""
    tse("destroy", DEV, "--yes")  # the same addresses and ports
    env = secrets_for(PROD)
    try:
        result = tse("apply", PROD, env=env)
        for value in env.values():
            assert value not in result.stdout + result.stderr
        assert "warning" not in result.stderr
        assert tse("plan", PROD, env=env).returncode == 0
        assert_registered(registered("trading-ecosystem-prod", env["REDIS_ADMIN_PASSWORD"]), "trading-ecosystem-prod", "172.22.0")
        containers = json.loads(docker("inspect", *docker("ps", "-q", "--filter", "label=tse.io/environment=prod").split()))
        assert len(containers) == len(SERVICES)
        for container in containers:
            host, name = container["HostConfig"], container["Name"]
            assert host["Memory"] > 0 and host["NanoCpus"] > 0, name
            assert host["ReadonlyRootfs"], name
            assert "ALL" in (host["CapDrop"] or []), name
            if "redis" in name or "postgres" in name:
                assert not host["PortBindings"], name
            for value in env.values():
                assert value not in json.dumps(container["Config"]["Labels"]), name
    finally:
        tse("destroy", PROD, "--yes", "--volumes", env=env, check=False)
        tse("apply", DEV)


def secrets_for(file):
    """A value for each variable that the refusal names."""
    text = tse("validate", file, check=False).stderr
    names = set(re.findall(r"\b[A-Z][A-Z0-9_]*(?:PASSWORD|TOKEN)[A-Z0-9_]*\b", text))
    assert names
    return {name: f"e2e-{name.lower()}-{os.getpid()}" for name in names}
