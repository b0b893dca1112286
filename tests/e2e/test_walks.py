"""Random walks on the real engine: from wherever the last step left it, each random desired state is
reached, with random drift in between, and what is foreign stays (the same property that
tests/unit/test_stability.c checks on a model, 100,000 times)."""

import os
import random

import pytest

from harness import BUSYBOX, busybox, docker, inspect

WALKS = int(os.environ.get("TSE_WALKS", "24"))
STEPS = 2


def desired(draw):
    networks = {n: {"subnet": f"172.27.{draw.choice([base, base + 1])}.0/24"} for n, base in (("a", 10), ("b", 20))}
    services = {}
    for name in draw.sample(["one", "two", "three"], draw.randint(1, 3)):
        more = {"networks": {n: {} for n in draw.sample(["a", "b"], draw.randint(1, 2))}}
        if draw.random() < 0.4:
            more["environment"] = {"LEVEL": draw.choice(["debug", "info"])}
        if draw.random() < 0.4:
            more["resources"] = {"limits": {"memory": draw.choice(["32Mi", "48Mi"])}}
        if draw.random() < 0.3:
            more["mounts"] = [{"volume": "data", "target": "/data"}]
        if draw.random() < 0.3:
            more["files"] = [{"content": draw.choice(["x\n", "y\n"]), "target": "/etc/f.conf"}]
        if draw.random() < 0.3:
            more["restart"] = draw.choice(["always", "on-failure:2"])
        if draw.random() < 0.3:
            more["replicas"] = 2
        if services and draw.random() < 0.4:
            more["dependsOn"] = {draw.choice(sorted(services)): "started"}
        if draw.random() < 0.3:
            more["updateStrategy"] = "startFirst"
        services[name] = busybox(**more)
    return services, {"networks": networks, "volumes": {"data": {}}}


def drift(draw, environment):
    containers = sorted(environment.ids())
    if not containers:
        return
    name = draw.choice(containers)
    networks = sorted(inspect(name)["NetworkSettings"]["Networks"])
    action = draw.choice(["rm", "stop", "pause", "kill", "rename", "update", "restart-policy", "disconnect"])
    commands = {
        "rm": ("rm", "-f", name),
        "stop": ("stop", "-t", "0", name),
        "pause": ("pause", name),
        "kill": ("kill", name),
        "rename": ("rename", name, name + "-moved"),
        "update": ("update", "-m", "80m", "--memory-swap", "160m", name),
        "restart-policy": ("update", "--restart", "no", name),
        "disconnect": ("network", "disconnect", draw.choice(networks or ["none"]), name),
    }
    docker(*commands[action], check=False)


@pytest.mark.parametrize("seed", range(WALKS))
def test_walk(environment, seed):
    draw = random.Random(seed)
    docker("run", "-d", "--name", f"{environment.project}-foreign", "--init", BUSYBOX, "sleep", "infinity")
    foreign = inspect(f"{environment.project}-foreign")
    try:
        kept = False
        for _ in range(STEPS):
            services, spec = desired(draw)
            environment.write(services, **spec)
            environment.apply()
            environment.assert_converged()
            expected = sum(s.get("replicas", 1) for s in services.values())
            running = [c for c in environment.containers().values() if c["State"]["Running"] and not c["State"]["Paused"]]
            assert len(running) == len(environment.containers()) == expected
            holder = next((n for n, s in services.items() if "mounts" in s), None)
            if holder and not kept:
                docker("exec", environment.name(holder), "sh", "-c", "echo kept > /data/kept")
                kept = True
            elif holder:
                assert docker("exec", environment.name(holder), "cat", "/data/kept") == "kept"
            for _ in range(draw.randint(0, 3)):
                drift(draw, environment)
        environment.apply()
        environment.assert_converged()
        after = inspect(f"{environment.project}-foreign")
        assert (after["Id"], after["State"]["StartedAt"]) == (foreign["Id"], foreign["State"]["StartedAt"])
    finally:
        docker("rm", "-f", f"{environment.project}-foreign", check=False)
