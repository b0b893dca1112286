"""The images that images/make makes: that they behave as the official ones they stand for, and that
every service of the manifests runs in them under the restrictions of environments/prod.yaml."""

import gzip
import io
import itertools
import json
import os
import tarfile
import urllib.error
import urllib.request

import pytest

from harness import ROOT, docker, inspect, run, wait_for

REDIS = "redis:7-alpine"
POSTGRES = "postgres:15-alpine"
PROMETHEUS = "prom/prometheus:v2.42.0"
GRAFANA = "grafana/grafana:10.4.3"
JAEGER = "jaegertracing/all-in-one:1.57"
COLLECTOR = "otel/opentelemetry-collector-contrib:0.101.0"

LOCKED = ("--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges")

pytestmark = pytest.mark.usefixtures("images")


@pytest.fixture(scope="module")
def images():
    """As whoever runs `make images` gets them."""
    run(ROOT / "images/make")


_names = (f"tseimg-{os.getpid()}-{n}" for n in itertools.count())


class Container:
    """A container that is created, given files, then started, as the reconciler does it."""

    def __init__(self, image, *command, options=(), files=()):
        self.name = next(_names)
        docker("create", "--name", self.name, *options, image, *command)
        try:
            for target, content, *meta in files:
                self.upload(target, content, *meta)
        except BaseException:
            self.remove()
            raise

    def upload(self, target, content, mode=0o644, uid=0, gid=0):
        folder, name = os.path.split(target)
        data = content if isinstance(content, bytes) else content.encode()
        info = tarfile.TarInfo(name)
        info.size, info.mode, info.uid, info.gid = len(data), mode, uid, gid
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as tar:
            tar.addfile(info, io.BytesIO(data))
        path = f"/tmp/{self.name}.tar"
        with open(path, "wb") as file:
            file.write(archive.getvalue())
        try:
            with open(path, "rb") as file:
                run("docker", "cp", "-", f"{self.name}:{folder}", stdin=file)
        finally:
            os.unlink(path)

    def start(self):
        docker("start", self.name)
        return self

    def exec(self, *command, user=None, check=True):
        options = ("--user", user) if user else ()
        return run("docker", "exec", *options, self.name, *command, check=check)

    @property
    def address(self):
        return inspect(self.name)["NetworkSettings"]["IPAddress"]

    def running(self):
        return inspect(self.name)["State"]["Running"]

    def logs(self):
        result = run("docker", "logs", self.name)
        return result.stdout + result.stderr

    def wait(self, condition, what):
        def settled():
            if not self.running():
                raise AssertionError(f"{self.name} ended instead of {what}:\n{self.logs()}")
            return condition()

        return wait_for(settled, what)

    def ended(self):
        """Waits until it has ended; returns its exit code."""
        return int(docker("wait", self.name))

    def answers(self, port, path, method="GET"):
        request = urllib.request.Request(f"http://{self.address}:{port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read().decode(errors="replace")
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode(errors="replace")
        except OSError:
            return 0, ""

    def remove(self):
        docker("rm", "-fv", self.name, check=False)


@pytest.fixture
def container():
    made = []

    def make(*arguments, **options):
        made.append(Container(*arguments, **options))
        return made[-1]

    yield make
    for one in made:
        one.remove()


@pytest.fixture
def volume():  # to be asked for before containers, which then go first
    name = next(_names)
    docker("volume", "create", name)
    yield name
    docker("volume", "rm", name)


def manifest(path):
    return (ROOT / "manifests" / path).read_text()


# --- the images themselves -----------------------------------------------------------------------


def test_every_image_of_the_manifests_is_there():
    for line in run(ROOT / "images/make", "--list").stdout.splitlines():
        assert "present" in line, line


def test_present_images_are_kept():
    assert run(ROOT / "images/make").stdout == ""


def test_making_an_image_again_gives_the_same_image():
    before = {name: inspect(name, "image")["Id"] for name in (REDIS, COLLECTOR)}
    run(ROOT / "images/make", "--force", *before)
    assert {name: inspect(name, "image")["Id"] for name in before} == before


def test_an_image_of_an_older_recipe_is_made_again(tmp_path):
    """In a copy of the project, so that nobody else's images change."""
    name = f"otel/opentelemetry-collector-contrib:tseimg-{os.getpid()}"
    for folder in ("images", "manifests", "environments"):
        run("cp", "-a", ROOT / folder, tmp_path)
    make = tmp_path / "images/make"
    try:
        run(make, name)
        first = inspect(name, "image")["Id"]
        assert run(make, name).stdout == "" and inspect(name, "image")["Id"] == first
        with open(tmp_path / "images/otel-collector/recipe", "a", encoding="utf-8") as recipe:
            recipe.write("# changed\n")
        run(make, name)
        assert inspect(name, "image")["Id"] != first
        # The one before leaves nothing behind, but what has another name stays.
        left = inspect(first, "image")
        assert left is None or name not in left["RepoTags"]
        assert inspect(COLLECTOR, "image")
    finally:
        docker("image", "rm", name, check=False)


def test_an_image_without_a_recipe_is_a_clear_error():
    result = run(ROOT / "images/make", "example/nothing:1", check=False)
    assert result.returncode == 1
    assert 'no recipe for the image "example/nothing:1"' in result.stderr


@pytest.mark.parametrize("image", [GRAFANA, JAEGER, COLLECTOR])
def test_stand_ins_say_that_they_are(image):
    labels = inspect(image, "image")["Config"]["Labels"]
    assert "not the real" in labels["tse.io/stand-in"]


@pytest.mark.parametrize("image", [REDIS, POSTGRES, PROMETHEUS])
def test_real_programs_are_no_stand_ins(image):
    labels = inspect(image, "image")["Config"]["Labels"]
    assert "tse.io/stand-in" not in labels
    assert labels["tse.io/packages"]


# --- Redis ---------------------------------------------------------------------------------------


def redis_files():
    acl = manifest("redis/users.acl")
    for name in ("admin", "monitoring", "registry", "reconciler", "exchange-simulator", "custodian-simulator",
                 "market-data-simulator", "trading-engine", "risk-monitor", "test-coordinator", "audit-correlator"):
        acl = acl.replace(f"${{secret:redis-{name}-password}}", f"{name}-pass")
    assert "${" not in acl
    return [("/etc/redis/redis.conf", manifest("redis/redis.conf")), ("/etc/redis/users.acl", acl, 0o400, 999, 1000)]


def redis_cli(redis, user, *command):
    password = "health-pass" if user == "healthcheck" else f"{user}-pass"
    return redis.exec("redis-cli", "-e", "--user", user, "--pass", password, "--no-auth-warning", *command, check=False)


def refused(redis, user, *command):
    result = redis_cli(redis, user, *command)
    return result.returncode != 0 and "NOPERM" in result.stdout + result.stderr


@pytest.fixture
def redis(container):
    redis = container(REDIS, "redis-server", "/etc/redis/redis.conf",
                      options=("-v", "/etc/redis", "--user", "999:1000", *LOCKED), files=redis_files()).start()
    redis.wait(lambda: redis_cli(redis, "healthcheck", "ping").returncode == 0, "answering PING")
    return redis


def test_redis_starts_as_root_and_goes_on_as_redis(container):
    redis = container(REDIS).start()
    redis.wait(lambda: redis.exec("redis-cli", "ping", check=False).stdout == "PONG\n", "answering PING")
    uid = [line for line in redis.exec("cat", "/proc/1/status").stdout.splitlines() if line.startswith("Uid:")]
    assert uid == ["Uid:\t999\t999\t999\t999"]
    assert redis.exec("stat", "-c", "%U:%G", "/data").stdout == "redis:redis\n"


def test_redis_takes_options_alone(container):
    redis = container(REDIS, "--port", "7000").start()
    redis.wait(lambda: redis.exec("redis-cli", "-p", "7000", "ping", check=False).stdout == "PONG\n", "answering PING")


def test_redis_runs_another_program(container):
    other = container(REDIS, "echo", "hello").start()
    assert other.ended() == 0 and other.logs() == "hello\n"


def test_redis_takes_over_data_of_another_owner(volume, container):
    docker("run", "--rm", "-v", f"{volume}:/data", "--entrypoint", "sh", REDIS, "-c", "touch /data/kept; chown 12:34 /data/kept")
    redis = container(REDIS, options=("-v", f"{volume}:/data")).start()
    redis.wait(lambda: redis.exec("redis-cli", "ping", check=False).stdout == "PONG\n", "answering PING")
    assert redis.exec("stat", "-c", "%U", "/data/kept").stdout == "redis\n"


def test_redis_knows_no_default_user(redis):
    assert "NOAUTH" in redis.exec("redis-cli", "ping", check=False).stdout
    assert redis_cli(redis, "nobody", "ping").returncode != 0


def test_redis_healthcheck_may_only_ping_and_list_keys(redis):
    assert redis_cli(redis, "healthcheck", "ping").stdout == "PONG\n"
    assert redis_cli(redis, "healthcheck", "keys", "registry:services:*").returncode == 0
    for command in (("get", "registry:x"), ("info",), ("set", "registry:x", "1"), ("config", "get", "*"), ("publish", "c", "m")):
        assert refused(redis, "healthcheck", *command), command


SERVICES = ("registry", "reconciler", "exchange-simulator", "custodian-simulator", "market-data-simulator",
            "trading-engine", "risk-monitor", "test-coordinator", "audit-correlator")


@pytest.mark.parametrize("user", SERVICES)
def test_redis_users_write_their_own_keys_only(redis, user):
    assert redis_cli(redis, user, "set", f"{user}:{'services:' if user == 'registry' else ''}x", "1").stdout == "OK\n"
    assert redis_cli(redis, user, "xadd", f"{user}:{'events' if user == 'registry' else 'stream'}", "*", "a", "b").returncode == 0
    assert user == "registry" or redis_cli(redis, user, "publish", f"{user}:events", "m").returncode == 0
    assert redis_cli(redis, user, "get", "registry:services").returncode == 0
    for other in SERVICES:
        if other != user:
            assert refused(redis, user, "set", f"{other}:x", "1"), other
    for command in (("flushall",), ("keys", "*"), ("config", "get", "*"), ("acl", "list"), ("eval", "return 1", "0"),
                    ("function", "flush"), ("shutdown",), ("client", "kill", "id", "1")):
        assert refused(redis, user, *command), command


def test_redis_readers(redis):
    """The correlator reads everything, the trading engine not the audit trail."""
    assert redis_cli(redis, "audit-correlator", "get", "trading-engine:x").returncode == 0
    assert refused(redis, "trading-engine", "get", "audit-correlator:x")


def test_redis_monitoring_sees_no_data(redis):
    assert "redis_version" in redis_cli(redis, "monitoring", "info").stdout
    assert refused(redis, "monitoring", "get", "registry:x")


def test_redis_keeps_data_when_killed(volume, container):
    def start():
        redis = container(REDIS, "redis-server", "/etc/redis/redis.conf", files=redis_files(),
                          options=("-v", f"{volume}:/data", "-v", "/etc/redis", "--user", "999:1000", *LOCKED)).start()
        redis.wait(lambda: redis_cli(redis, "healthcheck", "ping").returncode == 0, "answering PING")
        return redis

    first = start()
    redis_cli(first, "admin", "set", "kept", "yes")
    wait_for(lambda: "aof_pending_bio_fsync:0" in redis_cli(first, "admin", "info").stdout, "the write to reach the disk")
    docker("kill", first.name)
    first.remove()
    assert redis_cli(start(), "admin", "get", "kept").stdout == "yes\n"


# --- PostgreSQL ----------------------------------------------------------------------------------

ROLES = ("MARKET_DATA", "EXCHANGE", "CUSTODIAN", "RISK", "TRADING", "TEST_COORDINATION", "AUDIT", "MONITORING")
INIT = "/docker-entrypoint-initdb.d"


def ready(postgres, database="postgres"):
    postgres.wait(lambda: postgres.exec("pg_isready", "-q", "-h", "127.0.0.1", "-d", database, check=False).returncode == 0,
                  "accepting connections")
    return postgres


def sql(postgres, query, user="postgres", database="postgres", host=None, password=None, check=True):
    options = ("-e", f"PGPASSWORD={password}") if password else ()
    return run("docker", "exec", *options, postgres.name, "psql", "-v", "ON_ERROR_STOP=1", "-U", user, "-d", database,
               *(("-h", host) if host else ()), "-Atc", query, check=check)


def test_postgres_makes_user_and_database_and_runs_init_files_once(volume, container):
    files = [
        (f"{INIT}/10-table.sql", "create table steps (n int, what text); insert into steps values (1, current_user)"),
        (f"{INIT}/20-packed.sql.gz", gzip.compress(b"insert into steps values (2, current_database())")),
        (f"{INIT}/30-run.sh", "#!/bin/bash\nset -e\npsql -v ON_ERROR_STOP=1 -U \"$POSTGRES_USER\" -d \"$POSTGRES_DB\" "
                              "-c \"insert into steps values (3, '$(pg_isready -h 127.0.0.1 >/dev/null || echo closed)')\"\n", 0o755),
        (f"{INIT}/40-sourced.sh", "export SOURCED=yes\n"),
        (f"{INIT}/50-after.sh", "#!/bin/sh\npsql -U \"$POSTGRES_USER\" -d \"$POSTGRES_DB\" -c \"insert into steps values (4, '$SOURCED')\"\n", 0o755),
        (f"{INIT}/60-readme.txt", "not a script"),
    ]
    options = ("-v", f"{volume}:/var/lib/postgresql/data", "-e", "POSTGRES_USER=someone", "-e", "POSTGRES_DB=some-db",
               "-e", "POSTGRES_PASSWORD=it's a \"secret\"", "-e", "POSTGRES_INITDB_ARGS=--data-checksums --encoding=UTF8")
    postgres = ready(container(POSTGRES, options=options, files=files).start())
    ask = dict(user="someone", database="some-db")
    assert sql(postgres, "select * from steps order by n", **ask).stdout == "1|someone\n2|some-db\n3|closed\n4|yes\n"
    assert sql(postgres, "show data_checksums", **ask).stdout == "on\n"
    assert sql(postgres, "select rolsuper from pg_roles where rolname = 'someone'", **ask).stdout == "t\n"
    assert f"ignoring {INIT}/60-readme.txt" in postgres.logs()
    assert sql(postgres, "select 1", host=postgres.address, password='it\'s a "secret"', **ask).stdout == "1\n"
    wrong = sql(postgres, "select 1", host=postgres.address, password="wrong", check=False, **ask)
    assert "password authentication failed" in wrong.stderr
    uid = [line for line in postgres.exec("cat", "/proc/1/status").stdout.splitlines() if line.startswith("Uid:")]
    assert uid == ["Uid:\t70\t70\t70\t70"]
    postgres.remove()

    again = ready(container(POSTGRES, options=options, files=files).start())
    assert "Skipping initialization" in again.logs()
    assert sql(again, "select count(*) from steps", **ask).stdout == "4\n"


def test_postgres_wants_a_password(container):
    postgres = container(POSTGRES).start()
    assert postgres.ended() != 0
    assert "POSTGRES_PASSWORD" in postgres.logs()


def test_postgres_reads_the_password_from_a_file(container):
    postgres = container(POSTGRES, options=("-e", "POSTGRES_PASSWORD_FILE=/run/secret"), files=[("/run/secret", "from-file\n")]).start()
    ready(postgres)
    assert sql(postgres, "select 1", host=postgres.address, password="from-file").stdout == "1\n"


def test_postgres_refuses_both_password_and_file(container):
    postgres = container(POSTGRES, options=("-e", "POSTGRES_PASSWORD_FILE=/run/secret", "-e", "POSTGRES_PASSWORD=x")).start()
    assert postgres.ended() != 0 and "POSTGRES_PASSWORD_FILE" in postgres.logs()


def test_postgres_lets_everyone_in_when_told_to(container):
    postgres = ready(container(POSTGRES, options=("-e", "POSTGRES_HOST_AUTH_METHOD=trust")).start())
    assert sql(postgres, "select 1", host=postgres.address).stdout == "1\n"
    assert "WARNING" in postgres.logs()


def test_postgres_stops_when_an_init_file_fails(container):
    postgres = container(POSTGRES, options=("-e", "POSTGRES_PASSWORD=x"), files=[(f"{INIT}/10.sql", "select 1/0;")]).start()
    assert postgres.ended() != 0
    assert "division by zero" in postgres.logs()


def test_postgres_takes_options_alone(container):
    postgres = ready(container(POSTGRES, "-c", "work_mem=7MB", options=("-e", "POSTGRES_PASSWORD=x")).start())
    assert sql(postgres, "show work_mem").stdout == "7MB\n"


def test_postgres_shows_its_version_without_a_database(container):
    postgres = container(POSTGRES, "postgres", "--version").start()
    assert postgres.ended() == 0 and "PostgreSQL) 15" in postgres.logs()


def test_postgres_stops_cleanly(container):
    postgres = ready(container(POSTGRES, options=("-e", "POSTGRES_PASSWORD=x")).start())
    docker("stop", "-t", "60", postgres.name)
    assert inspect(postgres.name)["State"]["ExitCode"] == 0
    assert "database system is shut down" in postgres.logs()


@pytest.fixture(scope="module")
def database():
    """PostgreSQL with the manifests' files, locked down as in prod, with passwords that need quoting."""
    options = ["-v", "/var/lib/postgresql/data", "-v", "/etc/postgresql", "-v", INIT, "--user", "70:70", *LOCKED,
               "--tmpfs", "/tmp:size=64m", "--tmpfs", "/var/run/postgresql:size=1m,uid=70,gid=70,mode=3775",
               "-e", "POSTGRES_DB=trading_ecosystem", "-e", "POSTGRES_PASSWORD=top-secret",
               "-e", "POSTGRES_INITDB_ARGS=--encoding=UTF8 --locale=C.UTF-8 --data-checksums"]
    for role in (*ROLES, "REGISTRY"):
        options += ["-e", f"{role}_DB_PASSWORD={role}'s \"$word\""]
    postgres = Container(POSTGRES, "postgres", "-c", "config_file=/etc/postgresql/postgresql.conf", "-c", "log_statement=all",
                         options=options,
                         files=[("/etc/postgresql/postgresql.conf", manifest("postgres/postgresql.conf")),
                                *((f"{INIT}/{file.name}", file.read_text())
                                  for file in sorted((ROOT / "manifests/postgres/init").iterdir()))]).start()
    try:
        yield ready(postgres, "trading_ecosystem")
    finally:
        postgres.remove()


def as_role(database, role, query, check=True):
    return sql(database, query, user=role.lower(), database="trading_ecosystem", host=database.address,
               password=f"{role}'s \"$word\"", check=check)


@pytest.mark.parametrize("role", [role for role in ROLES if role not in ("AUDIT", "MONITORING")])
def test_database_roles_have_a_schema_of_their_own(database, role):
    assert as_role(database, role, "create table mine (n int); insert into mine values (1); select schemaname from pg_tables where tablename = 'mine'"
                   ).stdout.splitlines()[-1] == role.lower()
    other = "exchange" if role != "EXCHANGE" else "risk"
    for query in (f"create table {other}.intruder (n int)", "create table public.anywhere (n int)", "create role more", "create schema more"):
        assert "permission denied" in as_role(database, role, query, check=False).stderr, query


def test_database_audit_is_append_only(database):
    sql(database, "set role audit_owner; create table if not exists audit.events (n serial, what text)", database="trading_ecosystem")
    as_role(database, "AUDIT", "insert into events (what) values ('started')")
    assert as_role(database, "AUDIT", "select what from events").stdout == "started\n"
    for query in ("update events set what = 'never'", "delete from events", "truncate events", "drop table events"):
        refused = as_role(database, "AUDIT", query, check=False)
        assert refused.returncode != 0 and ("permission denied" in refused.stderr or "must be owner" in refused.stderr), query


def test_database_monitoring_sees_statistics_and_no_data(database):
    assert as_role(database, "MONITORING", "select count(*) > 0 from pg_stat_database").stdout == "t\n"
    assert "permission denied" in as_role(database, "MONITORING", "select * from audit.events", check=False).stderr


def test_database_logs_no_password(database):
    logs = database.logs()
    assert "CREATE SCHEMA" in logs  # log_statement=all is in effect
    assert "PASSWORD" not in logs and "$word" not in logs and "top-secret" not in logs


def test_database_root_is_read_only(database):
    assert database.exec("touch", "/usr/x", check=False).returncode != 0


# --- Prometheus ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def prometheus():
    one = Container(PROMETHEUS, options=("-v", "/etc/prometheus", *LOCKED),
                    files=[(f"/etc/prometheus/{name}", manifest(f"prometheus/{name}")) for name in ("prometheus.yml", "alerts.yml")]).start()
    try:
        one.wait(lambda: one.answers(9090, "/-/healthy")[0] == 200, "answering its health check")
        yield one
    finally:
        one.remove()


def test_prometheus_runs_as_nobody(prometheus):
    uid = [line for line in prometheus.exec("cat", "/proc/1/status").stdout.splitlines() if line.startswith("Uid:")]
    assert uid == ["Uid:\t65534\t65534\t65534\t65534"]


def test_prometheus_has_the_targets_and_rules_of_the_manifest(prometheus):
    def jobs():
        targets = json.loads(prometheus.answers(9090, "/api/v1/targets")[1])["data"]["activeTargets"]
        return {target["labels"]["job"] for target in targets}

    wanted = {"prometheus", "grafana", "jaeger", "otel-collector", "ecosystem", "registry"}
    prometheus.wait(lambda: jobs() == wanted, f"the targets {wanted}")
    rules = json.loads(prometheus.answers(9090, "/api/v1/rules")[1])["data"]["groups"]
    assert {rule["name"] for group in rules for rule in group["rules"]} == {"TargetDown", "RestartLoop"}


def test_prometheus_pages_and_what_they_load(prometheus):
    # Debian's build has the classic pages only, under this path.
    status, page = prometheus.answers(9090, "/classic/targets")
    assert status == 200
    loaded = [part.split('"')[0] for part in page.replace("href=", "src=").split('src="')[1:] if "/static/" in part.split('"')[0]]
    assert loaded
    for path in loaded:
        assert prometheus.answers(9090, path)[0] == 200, path


def test_prometheus_reads_its_configuration_again_at_sighup(prometheus):
    prometheus.upload("/etc/prometheus/prometheus.yml", "global: {scrape_interval: 43s}\n")
    docker("kill", "--signal", "HUP", prometheus.name)
    prometheus.wait(lambda: "scrape_interval: 43s" in prometheus.answers(9090, "/api/v1/status/config")[1], "the new configuration")


# --- stand-ins -----------------------------------------------------------------------------------

# image, command, options, user id, health endpoint, a path that is refused, whether there is a shell
STAND_INS = {
    "grafana": (GRAFANA, (), ("-v", "/etc/grafana/provisioning/datasources", "-v", "/var/lib/grafana", "--tmpfs", "/tmp:size=64m"),
                472, (3000, "/api/health"), "/login", True),
    "jaeger": (JAEGER, (), ("--tmpfs", "/tmp:size=64m"), 10001, (16686, "/"), "/api/traces", True),
    "otel-collector": (COLLECTOR, (), ("-v", "/etc/otelcol-contrib"), 10001, (13133, "/"), "/metrics", False),
}


@pytest.mark.parametrize("name", STAND_INS)
def test_stand_in_answers_its_health_endpoint_and_nothing_else(container, name):
    image, command, options, uid, (port, path), refused, shell = STAND_INS[name]
    one = container(image, *command, options=(*options, *LOCKED)).start()
    one.wait(lambda: one.answers(port, path)[0] == 200, "answering its health endpoint")
    if name == "grafana":
        assert json.loads(one.answers(port, path)[1])["database"] == "ok"
    assert one.answers(port, path, "HEAD") == (200, "")
    status, text = one.answers(port, refused)
    assert status == 501 and "stand-in" in text
    assert one.answers(port, path, "POST")[0] == 501
    assert (one.exec("/bin/sh", "-c", "true", check=False).returncode == 0) == shell
    pid = inspect(one.name)["State"]["Pid"]
    with open(f"/proc/{pid}/status", encoding="ascii") as status_file:
        assert f"Uid:\t{uid}\t{uid}\t{uid}\t{uid}" in status_file.read()
    docker("kill", "--signal", "HUP", one.name)
    assert one.answers(port, path)[0] == 200
    docker("stop", "-t", "60", one.name)
    assert inspect(one.name)["State"]["ExitCode"] == 0


def test_image_volumes_under_tmpfs_leave_nothing_behind(container):
    """jaeger declares /tmp a volume: with the manifest's tmpfs no anonymous volume comes of it."""
    one = container(JAEGER, options=("--tmpfs", "/tmp:size=64m")).start()
    assert [mount for mount in inspect(one.name)["Mounts"] if mount["Type"] == "volume"] == []


def test_collector_stand_in_listens_where_services_send(container):
    one = container(COLLECTOR).start()
    one.wait(lambda: one.answers(13133, "/")[0] == 200, "answering its health endpoint")
    for port in (4317, 4318):
        assert one.answers(port, "/v1/traces", "POST")[0] == 501


def test_stand_in_outlives_silent_and_broken_clients(container):
    import socket

    one = container(COLLECTOR).start()
    one.wait(lambda: one.answers(13133, "/")[0] == 200, "answering its health endpoint")
    silent = [socket.create_connection((one.address, 13133)) for _ in range(200)]  # more than it serves at once
    for client in silent[::2]:
        client.sendall(b"\x00" * 20000 if client.fileno() % 3 else b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
    one.wait(lambda: one.answers(13133, "/")[0] == 200, "answering again once the silent ones are dropped")
    for client in silent:
        client.close()
    assert one.answers(13133, "/")[0] == 200
