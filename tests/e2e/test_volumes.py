"""Anonymous volumes (an image's VOLUME): carried over to a container's successors, never lost by
converging, and not left behind by attempts that failed or by `destroy --volumes`."""

import pathlib

import pytest

from harness import BUSYBOX, busybox, docker, inspect


@pytest.fixture
def image(environment):
    """An image with VOLUME /state, which begins with a file of the test's own name."""
    name, base = f"tse-test/{environment.project}:1", f"{environment.project}-base"
    docker("run", "--name", base, BUSYBOX, "sh", "-c", f"mkdir /state; touch /state/{environment.project}")
    docker("commit", "--change", "VOLUME /state", "--change", "CMD []", base, name)
    docker("rm", base)
    yield name
    environment.remove()
    for volume in volumes(environment):
        docker("volume", "rm", volume, check=False)
    docker("rmi", "-f", name, check=False)


def volumes(environment):
    """The volumes that were filled from the image, whoever's they are."""
    found = set()
    for name in docker("volume", "ls", "-q").split():
        volume = inspect(name, "volume")
        if volume and (pathlib.Path(volume["Mountpoint"]) / environment.project).exists():
            found.add(name)
    return found


def mounted(environment, service="one"):
    return {m["Destination"]: m["Name"] for m in inspect(environment.name(service))["Mounts"]}


def content(environment):
    return docker("exec", environment.name("one"), "cat", "/state/kept")


def keep_something(environment, image, **fields):
    environment.write({"one": busybox(image=image, **fields)})
    environment.apply()
    docker("exec", environment.name("one"), "sh", "-c", "echo kept > /state/kept")
    return mounted(environment)["/state"]


# Runs, writes, never becomes healthy, and ends.
FAILING = {
    "command": ["sh", "-c", "touch /state/failed; sleep 1; exit 3"],
    "healthcheck": {"test": ["CMD", "false"]},
    "restart": "no",
}


def test_a_replacement_carries_it_over(environment, image):
    volume = keep_something(environment, image)
    for colour in ("red", "blue"):
        environment.write({"one": busybox(image=image, environment={"COLOUR": colour})})
        environment.apply()
        environment.assert_converged()
        assert (mounted(environment)["/state"], content(environment)) == (volume, "kept")
        assert volumes(environment) == {volume}


@pytest.mark.parametrize("strategy", ["recreate", "startFirst"])
def test_a_failed_replacement_neither_loses_nor_leaves_one(environment, image, strategy):
    volume = keep_something(environment, image, updateStrategy=strategy)
    before = environment.ids()
    for colour in ("red", "blue"):
        environment.write(
            {"one": busybox(image=image, updateStrategy=strategy, environment={"COLOUR": colour}) | FAILING}
        )
        assert environment.apply(check=False).returncode == 1
        assert environment.ids() == before
        assert content(environment) == "kept"
        assert volumes(environment) == {volume}
    environment.write({"one": busybox(image=image, updateStrategy=strategy)})
    environment.apply()
    assert content(environment) == "kept"


@pytest.mark.parametrize("strategy", ["recreate", "startFirst"])
def test_a_failed_attempt_leaves_none_of_its_own(environment, image, strategy):
    environment.write({"one": busybox(updateStrategy=strategy)})
    environment.apply()
    before = environment.ids()
    environment.write({"one": busybox(image=image, updateStrategy=strategy) | FAILING})
    for _ in range(2):
        assert environment.apply(check=False).returncode == 1
    assert environment.ids() == before
    assert volumes(environment) == set()


def test_named_volumes_survive_a_failed_attempt(environment, image):
    service = busybox(mounts=[{"volume": "data", "target": "/data"}])
    environment.write({"one": service}, volumes={"data": {}})
    environment.apply()
    docker("exec", environment.name("one"), "sh", "-c", "echo kept > /data/kept")
    environment.write({"one": service | {"image": image} | FAILING}, volumes={"data": {}})
    assert environment.apply(check=False).returncode == 1
    assert docker("exec", environment.name("one"), "cat", "/data/kept") == "kept"
    assert volumes(environment) == set()


def test_a_leftover_that_never_ran_goes_with_its_own(environment, image):
    """As a reconciler leaves it that is killed after making NAME.next."""
    volume = keep_something(environment, image)
    one = environment.name("one")
    labels = [f"--label={k}={v}" for k, v in inspect(one)["Config"]["Labels"].items()]
    docker("create", "--name", f"{one}.next", *labels, "-v", f"{volume}:/state", "-v", "/more", image, "true")
    more = {m["Destination"]: m["Name"] for m in inspect(f"{one}.next")["Mounts"]}["/more"]
    environment.apply()
    environment.assert_converged()
    assert inspect(f"{one}.next") is None and inspect(more, "volume") is None
    assert (mounted(environment)["/state"], content(environment)) == (volume, "kept")


def test_what_is_left_of_a_container_hands_its_volume_on(environment, image):
    """Nothing but NAME.next is there: it may be the only one to have the data."""
    volume = keep_something(environment, image)
    one = environment.name("one")
    docker("rename", one, f"{one}.next")
    environment.apply()
    environment.assert_converged()
    assert (mounted(environment)["/state"], content(environment)) == (volume, "kept")


def test_destroy_leaves_it_unless_told(environment, image):
    volume = keep_something(environment, image)
    environment.tse("destroy", "--yes")
    assert volumes(environment) == {volume}


@pytest.mark.parametrize("replaced", [False, True])
def test_destroy_with_volumes_takes_it(environment, image, replaced):
    """Carried over, too, when the engine takes it for a named one."""
    keep_something(environment, image)
    if replaced:
        environment.write({"one": busybox(image=image, environment={"COLOUR": "red"})})
        environment.apply()
    environment.tse("destroy", "--yes", "--volumes")
    assert volumes(environment) == set()
    assert environment.containers() == {}


def test_destroy_with_volumes_leaves_one_that_others_use(environment, image):
    volume = keep_something(environment, image)
    environment.write({"one": busybox(image=image, environment={"COLOUR": "red"})})
    environment.apply()
    other = f"{environment.project}-stranger"
    docker("create", "--name", other, "-v", f"{volume}:/theirs", BUSYBOX)
    try:
        environment.tse("destroy", "--yes", "--volumes")
        assert volumes(environment) == {volume}
    finally:
        docker("rm", other)
