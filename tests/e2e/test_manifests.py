"""What can be said of manifests/ and environments/ without an engine: that their parts agree."""

import re

import pytest
import yaml

from harness import PROGRAM, ROOT, run

STACKS = [yaml.safe_load(path.read_text()) for path in sorted((ROOT / "manifests").glob("*.yaml"))]
ENVIRONMENTS = {path.stem: path for path in sorted((ROOT / "environments").glob("*.yaml"))}
SECRETS = {name: secret for stack in STACKS for name, secret in stack["spec"].get("secrets", {}).items()}
SERVICES = {name: service for stack in STACKS for name, service in stack["spec"]["services"].items()}


def rendered(name):
    return yaml.safe_load(run(PROGRAM, "render", ENVIRONMENTS[name]).stdout)["spec"]


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_env_examples_name_every_variable_and_no_other(name):
    text = (ROOT / f"environments/{name}.env.example").read_text()
    shown = set(re.findall(r"^#?([A-Z][A-Z0-9_]*)=", text, re.M))
    wanted = {secret["env"] for secret in SECRETS.values()}
    wanted |= set(re.findall(r"\$\{([A-Z0-9_]+)", ENVIRONMENTS[name].read_text()))
    assert shown == wanted


@pytest.mark.parametrize("name", ("dev", "test"))
def test_env_examples_show_the_defaults(name):
    text = (ROOT / f"environments/{name}.env.example").read_text()
    for secret in SECRETS.values():
        assert f"#{secret['env']}={secret['default']}\n" in text


def test_defaults_differ():
    """So that a password that works where it should not is noticed."""
    defaults = [secret["default"] for secret in SECRETS.values()]
    assert len(set(defaults)) == len(defaults)


@pytest.mark.parametrize("name", ("dev", "test"))
def test_environments_are_valid_without_any_variable(name):
    run(PROGRAM, "validate", ENVIRONMENTS[name])


def test_environments_share_no_subnet_and_dev_and_test_no_port():
    subnets = [network["subnet"] for name in ENVIRONMENTS for network in rendered(name)["networks"].values()]
    assert len(subnets) == 9 and len(set(subnets)) == 9

    def published(name):
        return {re.sub(r"^127\.0\.0\.1:", "", str(port)).split(":")[0] for service in rendered(name)["services"].values()
                for port in service.get("ports", [])}

    assert published("dev") and not published("dev") & published("test")


@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_every_service_is_on_the_audit_network_and_has_a_check_and_a_limit(name):
    for service, fields in rendered(name)["services"].items():
        assert {"internal", "audit-network"} <= set(fields["networks"]), service
        assert fields["healthcheck"], service
        assert fields["resources"]["limits"]["memory"], service


def test_dev_says_of_reloaded_files_what_the_stack_says():
    """Lists replace, so dev repeats the files it reloads: the repetition must not drift apart."""
    overlay = yaml.safe_load(ENVIRONMENTS["dev"].read_text())["spec"]["services"]
    reloaded = {name: fields["files"] for name, fields in overlay.items() if "files" in fields}
    assert set(reloaded) == {"postgres", "prometheus", "otel-collector"}
    for name, files in reloaded.items():
        repeated = [{**file, "source": file["source"].removeprefix("../manifests/")} for file in files]
        signals = {file["target"]: file.pop("reload", None) for file in repeated}
        once = signals.pop("/docker-entrypoint-initdb.d", None)
        assert once is None and set(map(str, signals.values())) == {"{'signal': 'HUP'}"}, signals
        assert repeated == SERVICES[name]["files"]


def test_every_secret_is_used():
    used = set(re.findall(r"\{secret: ([\w-]+)\}", "".join(p.read_text() for p in (ROOT / "manifests").glob("*.yaml"))))
    used |= set(re.findall(r"\$\{secret:([\w-]+)\}", "".join(p.read_text() for p in (ROOT / "manifests").rglob("*.acl"))))
    assert used == set(SECRETS)
