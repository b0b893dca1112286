"""Dependents wait for health, not for luck (design, promise 9)."""

import json

import pytest

from harness import busybox, docker, inspect, run

LATER = "sleep 1; touch /tmp/ready; exec sleep infinity"
SERVES = "sleep 1; mkdir -p /tmp/www; echo ok > /tmp/www/health; exec httpd -f -p 80 -h /tmp/www"
CHECKS = {
    "test": (LATER, {"test": ["CMD", "test", "-f", "/tmp/ready"], "interval": "10m"}),
    "test in a shell": (LATER, {"test": ["CMD-SHELL", "test -f /tmp/ready"], "interval": "10m"}),
    "http": (SERVES, {"http": {"port": 80, "path": "/health"}}),
    "tcp": (SERVES, {"tcp": {"port": 80}}),
}


def started(environment, service):
    return inspect(environment.name(service))["State"]["StartedAt"]


@pytest.mark.parametrize("published", [True, False])
@pytest.mark.parametrize("kind", CHECKS)
def test_dependent_starts_after_the_check_passes(environment, kind, published):
    command, check = CHECKS[kind]
    environment.write(
        {
            "first": busybox(command=["sh", "-c", "date +%s%N >/tmp/began; " + command], healthcheck=check, **({"ports": ["18084:80"]} if published else {})),
            "second": busybox(dependsOn={"first": "healthy"}),
        }
    )
    environment.apply()
    environment.assert_converged()
    # The first service became ready a second after its start, so the second started later than that.
    ready = docker("exec", environment.name("first"), "stat", "-c", "%Y", "/tmp/ready" if "test" in kind else "/tmp/www/health")
    second = run("date", "-d", started(environment, "second"), "+%s").stdout
    assert int(second) >= int(ready)
    status = json.loads(environment.tse("status", "-o", "json").stdout)
    assert {s["name"]: s["health"] for s in status["services"]}["first"] == "healthy"


def test_completed_gates_and_is_not_run_again(environment):
    environment.write(
        {
            "migrate": busybox(command=["sh", "-c", "sleep 1; echo done"], restart="no"),
            "web": busybox(dependsOn={"migrate": "completed"}),
        }
    )
    environment.apply()
    environment.assert_converged()
    migrate = inspect(environment.name("migrate"))["State"]
    assert migrate["ExitCode"] == 0 and not migrate["Running"]
    assert started(environment, "web") > migrate["FinishedAt"]
    environment.apply()
    assert inspect(environment.name("migrate"))["State"]["StartedAt"] == migrate["StartedAt"]


def test_failed_job_holds_its_dependents(environment):
    environment.write(
        {
            "migrate": busybox(command=["sh", "-c", "echo no-such-table; exit 3"], restart="no"),
            "web": busybox(dependsOn={"migrate": "completed"}),
            "other": busybox(),
        }
    )
    result = environment.apply(check=False)
    assert result.returncode == 1
    assert "code 3" in result.stderr + result.stdout and "no-such-table" in result.stderr + result.stdout
    assert not (inspect(environment.name("web")) or {"State": {"Running": False}})["State"]["Running"]
    assert inspect(environment.name("other"))["State"]["Running"]


def test_exiting_service_fails_at_once(environment):
    environment.write({"web": busybox(command=["sh", "-c", "echo cannot-start >&2; exit 4"], restart="no", healthcheck={"tcp": {"port": 80}})})
    result = environment.apply("--timeout", "120s", check=False)
    assert result.returncode == 1 and "cannot-start" in result.stderr + result.stdout


def test_services_that_share_no_network_cannot_meet(environment):
    server = busybox(command=["httpd", "-f", "-p", "80", "-h", "/etc"], healthcheck={"tcp": {"port": 80}})
    environment.write(
        {
            "server": {**server, "networks": {"left": {}}},
            "friend": busybox(networks={"left": {}, "right": {}}),
            "stranger": busybox(networks={"right": {}}),
        },
        networks={"left": {"subnet": "172.28.8.0/24"}, "right": {"subnet": "172.28.9.0/24"}},
    )
    environment.apply()
    address = inspect(environment.name("server"))["NetworkSettings"]["Networks"][environment.name("left")]["IPAddress"]
    assert reaches(environment, "friend", address)
    assert not reaches(environment, "stranger", address)


def reaches(environment, service, target):
    """Debian's static busybox crashes on wget -T, hence the limit around it."""
    fetch = f"wget -q -O - http://{target}/variant & got=$!; (sleep 5; kill $got) & wait $got"
    return run("docker", "exec", environment.name(service), "sh", "-c", fetch, check=False).returncode == 0
