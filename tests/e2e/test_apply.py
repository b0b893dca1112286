"""From desired state to engine: creating, changing, removing, and leaving alone."""

import json


from harness import BUSYBOX, busybox, docker, inspect, run, wait_for


def test_creates_everything_and_then_nothing(environment):
    environment.write(
        {
            "web": busybox(
                networks={"internal": {"ipv4Address": "172.28.5.10", "aliases": ["www"]}},
                ports=["18081:80", "0.0.0.0:18082:81/udp"],
                mounts=[{"volume": "data", "target": "/data"}],
                environment={"LEVEL": "debug", "TOKEN": {"secret": "token"}},
                labels={"team": "trading"},
            )
        },
        networks={"internal": {"subnet": "172.28.5.0/24"}},
        volumes={"data": {}},
        secrets={"token": {"env": "E2E_TOKEN"}},
    )
    environment.env["E2E_TOKEN"] = "s3cr3t-value"
    first = environment.apply()
    assert "s3cr3t-value" not in first.stdout + first.stderr
    web = inspect(environment.name("web"))
    assert web["State"]["Running"]
    bindings = web["HostConfig"]["PortBindings"]
    assert bindings["80/tcp"] == [{"HostIp": "127.0.0.1", "HostPort": "18081"}]
    assert bindings["81/udp"] == [{"HostIp": "0.0.0.0", "HostPort": "18082"}]
    assert "TOKEN=s3cr3t-value" in web["Config"]["Env"]
    assert "s3cr3t-value" not in json.dumps(web["Config"]["Labels"])
    assert web["Config"]["Labels"]["com.docker.compose.project"] == environment.project
    network = web["NetworkSettings"]["Networks"][environment.name("internal")]
    assert network["IPAddress"] == "172.28.5.10" and {"web", "www"} <= set(network["Aliases"])
    environment.assert_converged()
    environment.apply()
    assert inspect(environment.name("web"))["Id"] == web["Id"]
    assert inspect(environment.name("web"))["State"]["StartedAt"] == web["State"]["StartedAt"]


def test_compose_tools_see_the_environment(environment):
    environment.write({"web": busybox(command=["sh", "-c", "echo from-web; sleep infinity"])})
    environment.apply()
    file = environment.folder / "docker-compose.yml"
    file.write_text(f"services:\n  web:\n    image: {BUSYBOX}\n")
    compose = ["docker-compose", "-p", environment.project, "-f", str(file)]
    assert environment.name("web") in run(*compose, "ps").stdout
    assert "from-web" in run(*compose, "logs", "--no-color").stdout


def test_field_no_longer_declared_is_reset(environment):
    environment.write({"web": busybox(environment={"A": "1", "B": "2"}, resources={"limits": {"memory": "64Mi"}})})
    environment.apply()
    environment.write({"web": busybox(environment={"A": "1"})})
    code, plan = environment.plan()
    changed = {f["path"]: f for f in plan["changes"][0]["fields"]}
    assert set(changed) == {"environment.B", "resources.limits.memory"}
    assert changed["environment.B"]["cause"] == "spec"
    environment.apply()
    environment.assert_converged()
    web = inspect(environment.name("web"))
    assert "B=2" not in web["Config"]["Env"] and web["HostConfig"]["Memory"] == 0


def test_in_place_changes_keep_the_container(environment):
    environment.write({"web": busybox(resources={"limits": {"memory": "64Mi", "cpu": "500m"}}, restart="always")})
    environment.apply()
    before = environment.ids()
    environment.write({"web": busybox(resources={"limits": {"memory": "96Mi", "cpu": "1"}}, restart="on-failure:3")})
    assert environment.changes() == {"service/web": "update"}
    environment.apply()
    environment.assert_converged()
    assert environment.ids() == before
    host = inspect(environment.name("web"))["HostConfig"]
    assert (host["Memory"], host["NanoCpus"]) == (96 << 20, 10**9)
    assert host["RestartPolicy"] == {"Name": "on-failure", "MaximumRetryCount": 3}


def test_changed_subnet_moves_the_containers(environment):
    def write(subnet, address):
        environment.write(
            {
                "fixed": busybox(networks={"net": {"ipv4Address": address}}, ports=["18083:80"]),
                "free": busybox(networks={"net": {}, "other": {}}),
            },
            networks={"net": {"subnet": subnet}, "other": {}},
        )

    write("172.28.6.0/24", "172.28.6.10")
    environment.apply()
    before = environment.ids()
    write("172.28.7.0/24", "172.28.7.10")
    environment.apply()
    environment.assert_converged()
    assert environment.ids() == before
    networks = inspect(environment.name("fixed"))["NetworkSettings"]
    assert networks["Networks"][environment.name("net")]["IPAddress"] == "172.28.7.10"
    assert networks["Ports"]["80/tcp"][0]["HostPort"] == "18083"
    assert inspect(environment.name("free"))["NetworkSettings"]["Networks"][environment.name("net")]["IPAddress"].startswith("172.28.7.")


def test_what_the_spec_drops_is_removed_but_volumes_stay(environment):
    environment.write(
        {"web": busybox(networks={"net": {}, "gone": {}}), "old": busybox(networks={"gone": {}}, mounts=[{"volume": "data", "target": "/data"}])},
        networks={"net": {}, "gone": {}},
        volumes={"data": {}},
    )
    environment.apply()
    docker("exec", environment.name("old"), "sh", "-c", "echo kept > /data/kept")
    before = environment.ids()[environment.name("web")]
    environment.write({"web": busybox(networks={"net": {}})}, networks={"net": {}})
    environment.apply()
    environment.assert_converged()
    assert environment.ids() == {environment.name("web"): before}
    assert inspect(environment.name("gone"), "network") is None
    assert inspect(environment.name("data"), "volume") is not None
    # Declared again, it is the same data.
    environment.write(
        {"web": busybox(networks={"net": {}}), "old": busybox(networks={"net": {}}, mounts=[{"volume": "data", "target": "/data"}])},
        networks={"net": {}},
        volumes={"data": {}},
    )
    environment.apply()
    assert docker("exec", environment.name("old"), "cat", "/data/kept") == "kept"


def test_replicas_scale_up_and_down(environment):
    environment.write({"worker": busybox(replicas=3), "web": busybox()})
    environment.apply()
    names = [environment.name("worker"), environment.name("worker-2"), environment.name("worker-3")]
    first = environment.ids()
    assert sorted(first) == sorted(names + [environment.name("web")])
    environment.write({"worker": busybox(replicas=1), "web": busybox()})
    environment.apply()
    environment.assert_converged()
    assert environment.ids() == {n: first[n] for n in (names[0], environment.name("web"))}
    environment.write({"worker": busybox(replicas=2), "web": busybox()})
    environment.apply()
    environment.assert_converged()
    assert environment.ids()[names[0]] == first[names[0]] and len(environment.ids()) == 3


def test_foreign_names_are_not_taken(environment):
    docker("run", "-d", "--name", environment.name("web"), "--init", BUSYBOX, "sleep", "infinity")
    docker("network", "create", environment.name("net"))
    try:
        environment.write({"web": busybox(), "other": busybox(), "apart": busybox(networks={"net": {}})}, networks={"net": {}})
        before = docker("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", environment.name("web"))
        result = environment.apply(check=False)
        assert result.returncode == 1
        assert environment.name("web") in result.stderr + result.stdout
        assert docker("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", environment.name("web")) == before
        # The rest converges.
        assert inspect(environment.name("other"))["State"]["Running"]
        assert inspect(environment.name("apart")) is None
        environment.tse("destroy", "--yes")
        assert docker("inspect", "-f", "{{.Id}} {{.State.StartedAt}}", environment.name("web")) == before
        assert inspect(environment.name("net"), "network") is not None
    finally:
        docker("rm", "-f", environment.name("web"), check=False)
        docker("network", "rm", environment.name("net"), check=False)


def test_foreign_container_with_a_name_that_a_replacement_needs(environment):
    environment.write({"web": busybox(), "other": busybox()})
    environment.apply()
    before = environment.ids()
    obstacle = environment.name("web") + ".previous"
    docker("create", "--name", obstacle, BUSYBOX, "true")
    try:
        environment.write({"web": busybox(hostname="new"), "other": busybox(hostname="new")})
        result = environment.apply(check=False)
        assert result.returncode == 1
        assert obstacle in result.stderr + result.stdout
        web = inspect(environment.name("web"))
        assert web["Id"] == before[environment.name("web")] and web["State"]["Running"]
        assert environment.ids()[environment.name("other")] != before[environment.name("other")]
    finally:
        docker("rm", "-f", obstacle, check=False)
    environment.apply()
    environment.assert_converged()


def test_foreign_container_on_a_network_that_would_be_replaced(environment):
    web = busybox(networks={"net": {}})
    environment.write({"web": web}, networks={"net": {}})
    environment.apply()
    before = environment.ids()
    stranger, net = environment.project + "x", environment.name("net")
    docker("run", "-d", "--name", stranger, "--init", "--network", net, BUSYBOX, "sleep", "infinity")
    try:
        environment.write({"web": web, "more": web}, networks={"net": {"internal": True}})
        result = environment.apply(check=False)
        assert result.returncode == 1
        assert stranger in result.stderr + result.stdout
        networks = inspect(environment.name("web"))["NetworkSettings"]["Networks"]
        assert networks[net]["IPAddress"]
        assert before.items() <= environment.ids().items()
        assert inspect(environment.name("more"))["State"]["Running"]
        docker("network", "disconnect", net, stranger)
        environment.apply()
        environment.assert_converged()
        assert inspect(net, "network")["Internal"]
    finally:
        docker("rm", "-f", stranger, check=False)


def test_network_that_cannot_be_made_is_put_back(environment):
    """The engine is in no swarm, so that it refuses the new network when the old one is gone."""
    def write(third, **network):
        environment.write(
            {
                "web": busybox(networks={"net": {"ipv4Address": f"172.29.{third}.10", "aliases": ["www"]}}),
                "other": busybox(networks={"net": {}}),
                "stopped": busybox(networks={"net": {}}, command=["true"], restart="no"),
            },
            networks={"net": {"subnet": f"172.29.{third}.0/24", "labels": {"team": "one"}, **network}},
        )

    write(4)
    environment.apply()
    before, net = environment.ids(), environment.name("net")
    write(5, driver="overlay")
    result = environment.apply(check=False)
    assert result.returncode == 1 and "swarm" in result.stderr + result.stdout
    assert environment.ids() == before
    containers = environment.containers()
    web = containers[environment.name("web")]["NetworkSettings"]["Networks"][net]
    assert web["IPAddress"] == "172.29.4.10" and "www" in web["Aliases"]
    assert containers[environment.name("other")]["NetworkSettings"]["Networks"][net]["IPAddress"]
    assert net in containers[environment.name("stopped")]["NetworkSettings"]["Networks"]
    write(4)
    environment.assert_converged()


def test_declared_addresses_are_not_given_to_others(environment):
    """The engine's own choice would begin with 172.29.6.2, which `fixed` is to have later."""
    environment.write(
        {
            "free": busybox(networks={"net": {}}),
            "fixed": busybox(networks={"net": {"ipv4Address": "172.29.6.2"}}, dependsOn={"free": "started"}),
        },
        networks={"net": {"subnet": "172.29.6.0/24"}},
    )
    environment.apply()
    environment.assert_converged()
    addresses = {
        name: c["NetworkSettings"]["Networks"][environment.name("net")]["IPAddress"]
        for name, c in environment.containers().items()
    }
    assert addresses[environment.name("fixed")] == "172.29.6.2"
    assert int(addresses[environment.name("free")].split(".")[3]) >= 128
    docker("exec", environment.name("free"), "ping", "-c1", "-w5", "fixed")
    gateway = inspect(environment.name("net"), "network")["IPAM"]["Config"][0]["Gateway"]
    assert gateway == "172.29.6.1"


def test_address_that_another_of_ours_was_given(environment):
    """The network was made before an address was declared on it, so that it has no range."""
    networks = {"net": {"subnet": "172.29.8.0/24"}}
    free = busybox(networks={"net": {}})
    environment.write({"free": free}, networks=networks)
    environment.apply()
    net, before = environment.name("net"), environment.ids()

    def address(service):
        return inspect(environment.name(service))["NetworkSettings"]["Networks"][net]["IPAddress"]

    given = address("free")
    fixed = busybox(networks={"net": {"ipv4Address": given}})
    environment.write({"free": free, "fixed": fixed}, networks=networks)
    assert environment.changes() == {"service/free": "update", "service/fixed": "create"}
    environment.apply()
    environment.assert_converged()
    assert address("fixed") == given and address("free") not in ("", given)
    assert before.items() <= environment.ids().items()
    # One that cannot start does not keep the other off the network.
    environment.write({"free": free}, networks=networks)
    environment.apply()
    given = address("free")
    fixed = busybox(networks={"net": {"ipv4Address": given}}, command=["/no/such/program"], init=False)
    environment.write({"free": free, "fixed": fixed}, networks=networks)
    assert environment.apply(check=False).returncode == 1
    assert address("free")


def test_subnet_that_a_foreign_network_has(environment):
    """Refused before anything is taken off the network that would have been replaced."""
    web = busybox(networks={"net": {"ipv4Address": "172.29.1.10"}})
    other = busybox(networks={"net": {}})
    environment.write({"web": web, "other": other}, networks={"net": {"subnet": "172.29.1.0/24"}})
    environment.apply()
    before = environment.ids()
    obstacle = environment.project + "x"
    docker("network", "create", "--subnet", "172.29.2.0/25", obstacle)
    try:
        web = busybox(networks={"net": {"ipv4Address": "172.29.2.10"}})
        environment.write({"web": web, "other": other}, networks={"net": {"subnet": "172.29.2.0/24"}})
        docker("stop", environment.name("other"))
        result = environment.apply(check=False)
        assert result.returncode == 1
        assert obstacle in result.stderr + result.stdout
        for service, address in (("web", "172.29.1.10"), ("other", None)):
            container = inspect(environment.name(service))
            endpoint = container["NetworkSettings"]["Networks"][environment.name("net")]
            assert container["State"]["Running"]
            assert address in (None, endpoint["IPAddress"])
        assert environment.ids() == before
    finally:
        docker("network", "rm", obstacle, check=False)
    environment.apply()
    environment.assert_converged()
    container = inspect(environment.name("web"))
    endpoint = container["NetworkSettings"]["Networks"][environment.name("net")]
    assert endpoint["IPAddress"] == "172.29.2.10"


def test_changed_volume_is_refused_but_goes_on_being_used(environment):
    web = busybox(mounts=[{"volume": "data", "target": "/data"}])
    environment.write({"web": web}, volumes={"data": {"labels": {"team": "one"}}})
    environment.apply()
    docker("exec", environment.name("web"), "sh", "-c", "echo kept > /data/kept")
    docker("stop", environment.name("web"))
    environment.write({"web": web, "new": web}, volumes={"data": {"labels": {"team": "two"}}})
    result = environment.apply(check=False)
    assert result.returncode == 1
    assert "labels.team" in result.stderr + result.stdout
    for service in ("web", "new"):
        assert docker("exec", environment.name(service), "cat", "/data/kept") == "kept"
    assert environment.changes() == {"volume/data": "refuse"}


def test_two_environments_do_not_meet(environment, tmp_path_factory):
    from harness import Environment

    other = Environment(tmp_path_factory.mktemp("other"), environment.project + "b")
    try:
        environment.write({"web": busybox()})
        other.write({"web": busybox()})
        environment.apply()
        other.apply()
        before = other.ids()
        environment.tse("destroy", "--yes")
        assert environment.ids() == {}
        assert other.ids() == before
        other.assert_converged()
    finally:
        other.remove()


def test_failure_stops_only_its_dependents(environment):
    environment.write(
        {
            "bad": busybox(image="tse-test/does-not-exist:1"),
            "dependent": busybox(dependsOn={"bad": "started"}),
            "other": busybox(),
            "beside": busybox(dependsOn={"other": "started"}),
        }
    )
    result = environment.apply(check=False)
    assert result.returncode == 1
    assert "tse-test/does-not-exist:1" in result.stdout + result.stderr
    running = {n for n, c in environment.containers().items() if c["State"]["Running"]}
    assert running == {environment.name("other"), environment.name("beside")}


def test_pull_that_cannot_succeed_fails_with_the_image(environment):
    environment.write({"web": busybox(image="127.0.0.1:9/no/such:1", pullPolicy="ifNotPresent")})
    result = environment.apply(check=False)
    assert result.returncode == 1 and "127.0.0.1:9/no/such:1" in result.stdout + result.stderr


def test_failed_replacement_is_rolled_back(environment):
    check = {"test": ["CMD", "test", "-f", "/tmp/ready"], "interval": "1s", "timeout": "1s", "retries": 2}

    def write(command, **more):
        environment.write(
            {"web": busybox(command=["sh", "-c", command], healthcheck=check, mounts=[{"volume": "data", "target": "/data"}], **more)},
            volumes={"data": {}},
        )

    write("touch /tmp/ready; exec sleep infinity")
    environment.apply()
    docker("exec", environment.name("web"), "sh", "-c", "echo kept > /data/kept")
    good = environment.ids()
    write("echo broken-on-purpose; exit 7", restart="no")
    result = environment.apply(check=False)
    assert result.returncode == 1
    assert "web" in result.stdout + result.stderr and "broken-on-purpose" in result.stdout + result.stderr
    assert environment.ids() == good
    assert inspect(environment.name("web"))["State"]["Running"]
    assert docker("exec", environment.name("web"), "cat", "/data/kept") == "kept"
    # The desired state is still the new one; a good one converges from here.
    write("touch /tmp/ready; echo good; exec sleep infinity")
    environment.apply()
    environment.assert_converged()
    assert environment.ids() != good and list(environment.ids()) == [environment.name("web")]


def test_a_replacement_that_exits_at_once_is_rolled_back(environment):
    """Without a check too: it is seen running for a moment."""
    environment.write({"web": busybox()})
    environment.apply()
    before = environment.ids()
    environment.write({"web": busybox(command=["sh", "-c", "exit 3"], restart="no")})
    result = environment.apply(check=False)
    assert result.returncode == 1 and "exited with code 3" in result.stderr, result.stdout + result.stderr
    assert environment.ids() == before
    assert environment.containers()[environment.name("web")]["State"]["Running"]


def test_start_first_keeps_one_running(environment):
    def write(level):
        environment.write({"web": busybox(environment={"LEVEL": level}, updateStrategy="startFirst")})

    write("1")
    environment.apply()
    old = inspect(environment.name("web"))
    write("2")
    environment.apply()
    environment.assert_converged()
    new = inspect(environment.name("web"))
    assert new["Id"] != old["Id"] and "LEVEL=2" in new["Config"]["Env"]
    assert list(environment.ids()) == [environment.name("web")]
    now = run("date", "-u", "+%Y-%m-%dT%H:%M:%S.%NZ").stdout.strip()
    events = docker("events", "--since", old["Created"], "--until", now, "--format", "{{.Action}} {{.ID}}", "--filter", f"label=tse.io/project={environment.project}").splitlines()
    order = [e for e in events if e.split()[0] in ("start", "die")]
    assert order.index(f"start {new['Id']}") < order.index(f"die {old['Id']}")


def test_anonymous_volumes_survive_a_replacement(environment):
    """An image's own VOLUME that nobody declared holds data too."""
    image = f"tse-test/{environment.project}:1"
    docker("create", "--name", environment.project, BUSYBOX)
    docker("commit", "-c", "VOLUME /state", environment.project, image)
    docker("rm", environment.project)
    try:
        environment.write({"db": busybox(image=image)})
        environment.apply()
        docker("exec", environment.name("db"), "sh", "-c", "echo row > /state/row")
        environment.write({"db": busybox(image=image, environment={"NEW": "1"})})
        environment.apply()
        environment.assert_converged()
        assert docker("exec", environment.name("db"), "cat", "/state/row") == "row"
    finally:
        environment.remove()
        docker("rmi", "-f", image, check=False)


def test_destroy_keeps_volumes_unless_told(environment):
    environment.write({"web": busybox(mounts=[{"volume": "data", "target": "/data"}], networks={"n": {}})}, networks={"n": {}}, volumes={"data": {}})
    environment.apply()
    refused = environment.tse("destroy", check=False)
    assert refused.returncode != 0 and "--yes" in refused.stderr
    assert environment.ids()
    environment.tse("destroy", "--yes")
    assert environment.ids() == {} and inspect(environment.name("n"), "network") is None
    assert inspect(environment.name("data"), "volume") is not None
    environment.tse("destroy", "--yes", "--volumes")
    assert inspect(environment.name("data"), "volume") is None
    environment.tse("destroy", "--yes")


def test_files_travel_with_the_service(environment):
    (environment.folder / "app.conf").write_text("level=${LEVEL}\nkey=${secret:key}\n")
    long = "/etc/" + "/".join(["deep-" + "x" * 40] * 5) + "/file.conf"
    environment.env.update({"LEVEL": "debug", "KEY": "k3y-material"})

    def write(**more):
        environment.write(
            {
                "web": busybox(
                    files=[
                        {"source": "app.conf", "target": "/etc/app.conf", "interpolate": True, "mode": "0640", "owner": "7:8"},
                        {"content": "deep\n", "target": long},
                    ],
                    **more,
                )
            },
            secrets={"key": {"env": "KEY"}},
        )

    write()
    result = environment.apply()
    assert "k3y-material" not in result.stdout + result.stderr
    web = environment.name("web")
    assert docker("exec", web, "cat", "/etc/app.conf") == "level=debug\nkey=k3y-material"
    assert docker("exec", web, "stat", "-c", "%a %u:%g", "/etc/app.conf") == "640 7:8"
    assert docker("exec", web, "cat", long) == "deep"
    assert docker("exec", web, "stat", "-c", "%a", "/etc") == "755"
    environment.assert_converged()
    environment.env["KEY"] = "rotated-key"
    code, plan = environment.plan()
    assert code == 2 and "rotated-key" not in json.dumps(plan) and "k3y-material" not in json.dumps(plan)
    environment.apply()
    environment.assert_converged()
    assert "rotated-key" in docker("exec", web, "cat", "/etc/app.conf")
    # A read-only root file system takes files as well.
    write(readOnly=True, tmpfs=["/tmp"])
    environment.apply()
    environment.assert_converged()
    assert "rotated-key" in docker("exec", web, "cat", "/etc/app.conf")
    assert run("docker", "exec", web, "touch", "/bin/x", check=False).returncode != 0
    write()
    environment.apply()
    environment.assert_converged()
    leftover = docker("volume", "ls", "-q", "--filter", f"label=tse.io/project={environment.project}")
    assert leftover == ""


def test_reloadable_file_keeps_the_process(environment):
    command = "trap 'cat /etc/live.conf >> /tmp/seen' HUP; while :; do sleep 0.1; done"

    def write(content):
        environment.write({"web": busybox(init=False, command=["sh", "-c", command], files=[{"content": content, "target": "/etc/live.conf", "reload": {"signal": "HUP"}}])})

    write("one\n")
    environment.apply()
    before = inspect(environment.name("web"))
    write("two\n")
    assert environment.changes() == {"service/web": "update"}
    environment.apply()
    environment.assert_converged()
    after = inspect(environment.name("web"))
    assert (after["Id"], after["State"]["Pid"]) == (before["Id"], before["State"]["Pid"])
    wait_for(lambda: docker("exec", environment.name("web"), "sh", "-c", "cat /tmp/seen 2>/dev/null || true") == "two", "the signal to be handled")


def test_timeout_is_kept_and_a_later_apply_converges(environment):
    environment.write({"web": busybox(healthcheck={"test": ["CMD", "test", "-f", "/tmp/ready"], "interval": "30s"})})
    result = environment.apply("--timeout", "3s", check=False)
    assert result.returncode == 1 and "web" in result.stdout + result.stderr
    docker("exec", environment.name("web"), "touch", "/tmp/ready")
    environment.apply()
    environment.assert_converged()
