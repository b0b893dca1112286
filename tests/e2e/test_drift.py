"""What is changed by hand is named by field and repaired by the least disruptive action, and nothing
else is touched (design, promise 4)."""

import json

import pytest

from harness import busybox, docker, inspect, run, wait_for, ROOT


@pytest.fixture
def running(environment):
    """Three services on two networks, applied; `one` has everything that can drift."""
    environment.write(
        {
            "one": busybox(
                networks={"front": {"ipv4Address": "172.28.1.10"}, "back": {}},
                ports=["127.0.0.1:18080:80"],
                resources={"limits": {"memory": "64Mi", "cpu": "500m"}},
                mounts=[{"volume": "data", "target": "/data"}],
                files=[{"content": "hello\n", "target": "/etc/one.conf"}],
            ),
            "two": busybox(networks={"back": {}}),
            "three": busybox(networks={"front": {}}),
        },
        networks={"front": {"subnet": "172.28.1.0/24"}, "back": {"subnet": "172.28.2.0/24"}},
        volumes={"data": {}},
    )
    environment.apply()
    environment.assert_converged()
    docker("exec", environment.name("one"), "sh", "-c", "echo kept > /data/kept")
    return environment


def repaired(environment, expected, same=True):
    """Asserts what the plan says, applies it, and that only `one` was touched. Returns its plan."""
    before = environment.ids()
    code, plan = environment.plan()
    changes = {c["key"]: c["kind"] for c in plan["changes"] if c["kind"] != "none"}
    assert changes == expected
    environment.apply()
    environment.assert_converged()
    after = environment.ids()
    one = environment.name("one")
    moved = {one, environment.name("other")}
    others = {name: i for name, i in before.items() if name not in moved}
    assert {name: after.get(name) for name in others} == others
    if same:
        assert after[one] == before.get(one, after[one])
    assert docker("exec", one, "cat", "/data/kept") == "kept"
    assert docker("exec", one, "cat", "/etc/one.conf") == "hello"
    return plan


def fields(plan, key):
    return {f["path"]: f for c in plan["changes"] if c["key"] == key for f in c["fields"]}


def test_removed(running):
    docker("rm", "-f", running.name("one"))
    repaired(running, {"service/one": "create"}, same=False)


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_stopped(running, how):
    docker(how, running.name("one"))
    repaired(running, {"service/one": "start"})


def test_paused(running):
    docker("pause", running.name("one"))
    repaired(running, {"service/one": "unpause"})


def test_renamed(running):
    docker("rename", running.name("one"), running.name("other"))
    before = docker("ps", "-q", "--no-trunc", "--filter", f"name={running.name('other')}")
    repaired(running, {"service/one": "rename"}, same=False)
    assert running.ids()[running.name("one")] == before


def test_memory_limit_changed(running):
    docker("update", "-m", "128m", "--memory-swap", "256m", running.name("one"))
    plan = repaired(running, {"service/one": "update"})
    change = fields(plan, "service/one")["resources.limits.memory"]
    assert (change["from"], change["to"], change["cause"]) == ("128Mi", "64Mi", "drift")
    assert inspect(running.name("one"))["HostConfig"]["Memory"] == 64 << 20


# (service, arguments of docker update, field, how it is repaired, HostConfig member and its value then)
UPDATES = [
    ("two", ["--cpu-quota", "50000"], "resources.cpuQuota", "update", "CpuQuota", -1),
    ("two", ["--cpu-period", "50000"], "resources.cpuPeriod", "replace", "CpuPeriod", 0),
    ("two", ["--cpuset-cpus", "0"], "resources.cpusetCpus", "replace", "CpusetCpus", ""),
    ("two", ["--cpuset-mems", "0"], "resources.cpusetMems", "replace", "CpusetMems", ""),
    ("two", ["--cpu-shares", "512"], "resources.requests.cpu", "replace", "CpuShares", 0),
    ("two", ["--blkio-weight", "300"], "resources.blkioWeight", "replace", "BlkioWeight", 0),
    ("one", ["--memory-swap", "100m"], "resources.memorySwap", "update", "MemorySwap", 128 << 20),
]


@pytest.mark.parametrize("service, how, field, repair, member, value", UPDATES, ids=[u[1][0] for u in UPDATES])
def test_updated_by_hand(running, service, how, field, repair, member, value):
    before = running.ids()
    taken = inspect(running.name(service))["HostConfig"][member]
    run("docker", "update", *how, running.name(service))
    if inspect(running.name(service))["HostConfig"][member] == taken:
        pytest.skip(f"the kernel has nothing for {how[0]}: the engine ignores it")
    assert running.changes() == {f"service/{service}": repair}
    change = fields(running.plan()[1], f"service/{service}")[field]
    assert change["to"] is None and change["cause"] == "drift"
    running.apply()
    running.assert_converged()
    assert inspect(running.name(service))["HostConfig"][member] == value
    after = running.ids()
    assert (after.pop(running.name(service)) == before.pop(running.name(service))) == (repair == "update")
    assert after == before


def test_quota_set_by_hand_then_a_limit_declared(running):
    """The quota lifted in place leaves something that would undo a limit when the container restarts."""
    document = json.loads(running.file.read_text())
    run("docker", "update", "--cpu-quota", "50000", running.name("two"))
    running.apply()
    document["spec"]["services"]["two"]["resources"] = {"limits": {"cpu": "200m"}}
    running.file.write_text(json.dumps(document))
    assert running.changes() == {"service/two": "replace"}
    running.apply()
    running.assert_converged()
    docker("restart", running.name("two"))
    assert inspect(running.name("two"))["HostConfig"]["CpuQuota"] == 0
    group = run("docker", "exec", running.name("two"), "cat", "/sys/fs/cgroup/cpu.max", check=False)
    assert group.returncode or group.stdout.split() == ["20000", "100000"]


def test_restart_policy_changed(running):
    docker("update", "--restart", "no", running.name("one"))
    plan = repaired(running, {"service/one": "update"})
    assert "restart" in fields(plan, "service/one")


def test_limit_set_that_nobody_declared(running):
    docker("update", "-m", "64m", "--memory-swap", "128m", running.name("two"))
    code, plan = running.plan()
    assert fields(plan, "service/two")["resources.limits.memory"]["cause"] == "drift"
    running.apply()
    running.assert_converged()
    assert inspect(running.name("two"))["HostConfig"]["Memory"] == 0


@pytest.mark.parametrize("network", ["front", "back"])
def test_network_disconnected(running, network):
    docker("network", "disconnect", running.name(network), running.name("one"))
    repaired(running, {"service/one": "update"})
    attached = inspect(running.name("one"))["NetworkSettings"]
    assert set(attached["Networks"]) == {running.name("front"), running.name("back")}
    assert attached["Networks"][running.name("front")]["IPAddress"] == "172.28.1.10"
    assert attached["Ports"]["80/tcp"][0]["HostPort"] == "18080"


def test_network_connected_that_nobody_declared(running):
    docker("network", "connect", running.name("front"), running.name("two"))
    before = running.ids()
    running.apply()
    running.assert_converged()
    assert running.ids() == before
    assert set(inspect(running.name("two"))["NetworkSettings"]["Networks"]) == {running.name("back")}


def test_network_removed(running):
    for service in ("one", "three"):
        docker("network", "disconnect", running.name("front"), running.name(service))
    docker("network", "rm", running.name("front"))
    before = running.ids()
    running.apply()
    running.assert_converged()
    assert running.ids() == before
    assert inspect(running.name("one"))["NetworkSettings"]["Networks"][running.name("front")]["IPAddress"] == "172.28.1.10"
    assert inspect(running.name("one"))["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"] == "18080"


def test_tag_points_elsewhere(environment):
    image = f"tse-test/{environment.project}:1"
    run(ROOT / "tests/e2e/busybox-image", image, "first")
    try:
        environment.write({"one": busybox(image=image), "two": busybox()})
        environment.apply()
        before = environment.ids()
        first = inspect(environment.name("one"))["Image"]
        run(ROOT / "tests/e2e/busybox-image", image, "second")
        code, plan = environment.plan()
        assert {c["key"]: c["kind"] for c in plan["changes"]} == {"service/one": "replace"}
        assert "image" in fields(plan, "service/one")
        environment.apply()
        environment.assert_converged()
        after = environment.ids()
        assert after[environment.name("two")] == before[environment.name("two")]
        assert after[environment.name("one")] != before[environment.name("one")]
        assert inspect(environment.name("one"))["Image"] != first
        assert docker("exec", environment.name("one"), "cat", "/etc/variant") == "second"
    finally:
        environment.remove()
        docker("rmi", "-f", image, check=False)


def test_file_edited_in_the_container(running):
    docker("exec", running.name("one"), "sh", "-c", "echo changed > /etc/one.conf")
    code, plan = running.plan()
    assert "files./etc/one.conf" in fields(plan, "service/one")
    running.apply()
    running.assert_converged()
    assert docker("exec", running.name("one"), "cat", "/etc/one.conf") == "hello"
    assert docker("exec", running.name("one"), "cat", "/data/kept") == "kept"


def test_several_at_once(running):
    docker("pause", running.name("one"))
    docker("rename", running.name("one"), running.name("away"))
    docker("network", "disconnect", running.name("back"), running.name("two"))
    docker("stop", running.name("three"))
    before = set(running.ids().values())
    running.apply()
    running.assert_converged()
    assert set(running.ids().values()) == before


def test_left_running_without_network_and_ports(running):
    """What an engine restart can leave when somebody else took the port meanwhile: the process runs,
    but is on no network and has no port."""
    before = running.ids()
    for network in ("front", "back"):
        docker("network", "disconnect", running.name(network), running.name("one"))
    left = inspect(running.name("one"))
    assert left["State"]["Running"] and not left["NetworkSettings"]["Networks"]
    assert not left["NetworkSettings"]["Ports"].get("80/tcp")
    running.apply()
    assert_one_is_back(running)
    assert running.ids() == before


def assert_one_is_back(running):
    running.assert_converged()
    state = inspect(running.name("one"))
    assert state["State"]["Running"]
    assert state["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"] == "18080"
    assert state["NetworkSettings"]["Networks"][running.name("front")]["IPAddress"] == "172.28.1.10"
    docker("exec", running.name("one"), "sh", "-c", "mkdir -p /www; echo served > /www/index.html")
    docker("exec", "-d", running.name("one"), "httpd", "-p", "80", "-h", "/www")
    wait_for(lambda: run("curl", "-s", "http://127.0.0.1:18080/", check=False).stdout == "served\n", "an answer on the port")
