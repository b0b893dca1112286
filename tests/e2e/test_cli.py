"""The command line itself: exit codes, help, errors, output forms. Needs no engine."""

import json
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = ROOT / os.environ.get("TSE_RECONCILE", "build/tse-reconcile")
NOWHERE = {"DOCKER_HOST": "unix:///nowhere/docker.sock"}
COMMANDS = ["apply", "plan", "status", "destroy", "validate", "render", "schema", "version", "help"]
ENGINE_COMMANDS = ["apply", "plan", "status", "destroy"]

GOOD = """\
apiVersion: tse.io/v1alpha1
kind: Environment
metadata: {name: cli}
spec:
  project: tsecli
  services:
    web:
      image: tse-test/busybox:1
      command: [sleep, infinity]
      environment: {WHERE: "${WHERE:-here}", PASSWORD: {secret: password}}
  secrets:
    password: {env: TSE_CLI_PASSWORD}
"""


@pytest.fixture(scope="session", autouse=True)
def engine():
    """Overrides the one that asks for an engine."""


@pytest.fixture
def good(tmp_path):
    file = tmp_path / "good.yaml"
    file.write_text(GOOD)
    return file


def tse(*arguments, env=None, cwd=None, **options):
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "TSE_CLI_"))}
    return subprocess.run(
        [str(PROGRAM), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=cwd,
        env={**clean, **NOWHERE, "TSE_CLI_PASSWORD": "hunter2", **(env or {})},
        **options,
    )


# --- help and usage ---


def test_without_a_command_it_shows_how_to_use_it():
    result = tse()
    assert result.returncode == 64
    assert result.stdout == ""
    assert result.stderr.startswith("Usage: tse-reconcile COMMAND")


@pytest.mark.parametrize("arguments", [["help"], ["--help"], ["-h"], ["help", "help"]])
def test_help_lists_commands_exit_codes_and_variables(arguments):
    result = tse(*arguments)
    assert result.returncode == 0 and result.stderr == ""
    for word in [*COMMANDS, "Exit codes", "130", "NO_COLOR", "DOCKER_HOST", "DOCKER_CONTEXT"]:
        assert word in result.stdout
    assert max(map(len, result.stdout.splitlines())) <= 100


@pytest.mark.parametrize("command", [c for c in COMMANDS if c != "help"])
def test_every_command_explains_itself(command):
    by_option, short, by_help = tse(command, "--help"), tse(command, "-h"), tse("help", command)
    assert by_option.returncode == short.returncode == by_help.returncode == 0
    assert by_option.stdout == short.stdout == by_help.stdout
    assert by_option.stdout.startswith(f"Usage: tse-reconcile {command} ")


@pytest.mark.parametrize("arguments", [["aply"], ["help", "aply"]])
def test_unknown_command_with_a_near_name(arguments):
    result = tse(*arguments)
    assert result.returncode == 64 and result.stdout == ""
    assert result.stderr == 'tse-reconcile: "aply" is not a command; did you mean "apply"?\n'


def test_unknown_command_like_nothing():
    result = tse("frobnicate")
    assert result.returncode == 64
    assert result.stderr == (
        'tse-reconcile: "frobnicate" is not a command: "tse-reconcile help" lists them\n'
    )


@pytest.mark.parametrize("command", [*ENGINE_COMMANDS, "render", "validate"])
def test_missing_file_argument(command):
    result = tse(command)
    assert result.returncode == 64 and result.stdout == ""
    assert f"tse-reconcile {command}: FILE is missing: name the " in result.stderr


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["apply", "a.yaml", "b.yaml"], '"b.yaml" is one FILE too many after "a.yaml"'),
        (["apply", "a.yaml", "--timeout", "soon"], '--timeout "soon" is not a duration'),
        (["apply", "a.yaml", "--parallel", "0"], '--parallel "0" is not a number of requests'),
        (["apply", "a.yaml", "--parallel", "4x"], '--parallel "4x" is not a number of requests'),
        (["apply", "a.yaml", "--frobnicate"], "unrecognized option '--frobnicate'"),
        (["plan", "a.yaml", "-o", "xml"], '-o "xml" is not a format this command writes: use table, json or yaml'),
        (["render", "a.yaml", "-o", "table"], '-o "table" is not a format this command writes: use yaml or json'),
        (["plan", "a.yaml", "--volumes"], "--volumes needs --destroy"),
        (["schema", "xsd"], '"xsd" is not one KIND'),
        (["version", "extra"], '"extra" is one argument too many'),
    ],
)
def test_wrong_command_lines(arguments, words):
    result = tse(*arguments)
    assert result.returncode == 64, result
    assert words in result.stderr
    assert result.stdout == ""


def test_help_is_true():
    assert "table" not in tse("render", "--help").stdout
    assert "result: table, json or yaml" in " ".join(tse("plan", "--help").stdout.split())
    for command in ("plan", "status"):
        assert "3 FILE is wrong" in " ".join(tse(command, "--help").stdout.split())


# --- files ---


def test_validate_says_which_files_are_right(good):
    result = tse("validate", good)
    assert (result.returncode, result.stdout, result.stderr) == (0, f"{good}: valid\n", "")


def test_validate_points_at_what_is_wrong(tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(
        GOOD.replace("command: [sleep, infinity]", 'ports: ["70000:80"]').replace("image:", "imagee:")
    )
    result = tse("validate", file)
    assert result.returncode == 3 and result.stdout == ""
    assert f"{file}:9:" in result.stderr and '"70000' in result.stderr
    assert f"{file}:8:7: error: " in result.stderr and 'did you mean "image"' in result.stderr


def test_validate_as_json_goes_through_all_files(good, tmp_path):
    bad = tmp_path / "bad.yaml"
    bad.write_text("apiVersion: tse.io/v1alpha1\nkind: Environment\nspec: [\n")
    result = tse("validate", bad, good, "-o", "json")
    assert result.returncode == 3
    document = json.loads(result.stdout)
    assert document["valid"] is False
    assert [f["valid"] for f in document["files"]] == [False, True]
    assert document["error"] == {"code": "input", "message": "1 of 2 files has errors"}
    assert document["files"][0]["errors"] >= 1
    assert document["files"][0]["diagnostics"][0]["severity"] == "error"


def test_warnings_leave_a_file_valid(good):
    """A variable without a value and without a default is warned about."""
    good.write_text(GOOD.replace(":-here", ""))
    result = tse("validate", good)
    assert result.returncode == 0
    assert "WHERE" in result.stderr and "warning" in result.stderr
    assert result.stdout.endswith("valid, with 1 warning\n")


@pytest.mark.parametrize("command", [*ENGINE_COMMANDS, "render", "validate"])
def test_missing_files_are_the_desired_states_fault(command, tmp_path):
    result = tse(command, tmp_path / "none.yaml", *(["--yes"] if command == "destroy" else []))
    assert result.returncode == 3
    assert "none.yaml" in result.stderr and result.stdout == ""


@pytest.mark.parametrize("command", ENGINE_COMMANDS)
def test_wrong_files_as_a_document(command, tmp_path):
    file = tmp_path / "bad.yaml"
    file.write_text(GOOD.replace("image:", "imagee:"))
    result = tse(command, file, "-o", "json", *(["--yes"] if command == "destroy" else []))
    assert result.returncode == 3
    error = json.loads(result.stdout)["error"]
    assert error["code"] == "input" and error["diagnostics"] and str(file) in error["message"]
    assert "did you mean" in result.stderr


def test_render_round_trip(good, tmp_path):
    """What was rendered renders to itself, as YAML and as JSON."""
    first = tse("render", good, env={"WHERE": "there"})
    assert first.returncode == 0, first.stderr
    assert "there" in first.stdout and "hunter2" not in first.stdout
    again = tmp_path / "again.yaml"
    again.write_text(first.stdout)
    second = tse("render", again)
    assert (second.returncode, second.stdout) == (0, first.stdout)
    as_json = tse("render", good, "-o", "json", env={"WHERE": "there"})
    again.write_text(as_json.stdout)
    assert tse("render", again).stdout == first.stdout
    assert json.loads(as_json.stdout)["spec"]["services"]["web"]["environment"]["WHERE"] == "there"


def test_render_needs_no_secrets(good):
    result = tse("render", good, env={"TSE_CLI_PASSWORD": ""})
    assert result.returncode == 0, result.stderr


# --- schema ---


def test_schema_writes_checks_and_notices(tmp_path):
    for folder in ("specs", "docs"):
        (tmp_path / folder).mkdir()
    stale = tse("schema", "--check", cwd=tmp_path)
    assert stale.returncode == 1 and stale.stderr.count("is not current") == 3
    written = tse("schema", cwd=tmp_path)
    assert written.returncode == 0, written.stderr
    assert written.stdout == (
        "specs/environments.tse.io.yaml written\n"
        "specs/environment.schema.json written\n"
        "docs/reference.md written\n"
    )
    assert tse("schema", "--check", cwd=tmp_path).returncode == 0
    assert tse("schema", cwd=tmp_path).stdout == "", "what is current is left alone"
    crd = (tmp_path / "specs/environments.tse.io.yaml").read_text()
    assert crd == tse("schema", "crd").stdout
    json.loads((tmp_path / "specs/environment.schema.json").read_text())
    with open(tmp_path / "docs/reference.md", "a") as reference:
        reference.write("by hand\n")
    changed = tse("schema", "--check", cwd=tmp_path)
    assert changed.returncode == 1
    assert changed.stderr == (
        'docs/reference.md is not current: run "tse-reconcile schema" and commit it\n'
    )


def test_schema_checks_one(tmp_path):
    (tmp_path / "specs").mkdir()
    assert tse("schema", "crd", "--check", cwd=tmp_path).returncode == 1
    (tmp_path / "specs/environments.tse.io.yaml").write_text(tse("schema", "crd").stdout)
    current = tse("schema", "crd", "--check", cwd=tmp_path)
    assert (current.returncode, current.stdout, current.stderr) == (0, "", "")
    assert tse("schema", "json-schema", "--check", cwd=tmp_path).returncode == 1


def test_schema_where_nothing_can_be_written(tmp_path):
    result = tse("schema", cwd=tmp_path)
    assert result.returncode == 1
    assert '"specs/environments.tse.io.yaml" cannot be written: No such file or directory' in result.stderr
    assert "--dir" in result.stderr


# --- version ---


def test_version_without_an_engine():
    result = tse("version")
    assert result.returncode == 0 and result.stderr == ""
    lines = result.stdout.splitlines()
    assert lines[0].startswith("tse-reconcile ") and lines[0] != "tse-reconcile unknown"
    assert [line.split()[0] for line in lines[1:5]] == ["libcurl", "libyaml", "jansson", "libcrypto"]
    assert lines[5].startswith("engine: none answers: ") and "/nowhere/docker.sock" in lines[5]
    assert tse("--version").stdout == result.stdout


def test_version_is_compiled_anew_only_when_it_changes(tmp_path):
    def make(version):
        target = f"{tmp_path}/reconciler/commands/version.o"
        subprocess.run(["make", "-s", f"B={tmp_path}", f"VERSION={version}", target], cwd=ROOT, check=True)
        return os.stat(target).st_mtime_ns, version.encode() in pathlib.Path(target).read_bytes()

    first, again, changed = make("v1-first"), make("v1-first"), make("v2-second")
    assert first[1] and changed[1]
    assert again == first and changed[0] != first[0]


def test_version_as_json():
    document = json.loads(tse("version", "-o", "json").stdout)
    assert document["engine"] is None
    assert document["engineError"]["code"] == "unreachable"
    assert set(document["libraries"]) == {"libcurl", "libyaml", "jansson", "libcrypto"}


# --- the engine is not there ---


@pytest.mark.parametrize("command", ENGINE_COMMANDS)
def test_no_engine(command, good):
    arguments = [command, good, *(["--yes"] if command == "destroy" else [])]
    result = tse(*arguments)
    assert result.returncode == 1 and result.stdout == ""
    assert result.stderr.startswith("tse-reconcile: ") and "/nowhere/docker.sock" in result.stderr
    document = tse(*arguments, "-o", "json")
    assert document.returncode == 1
    error = json.loads(document.stdout)["error"]
    assert error["code"] == "unreachable" and "/nowhere/docker.sock" in error["message"]
    assert "error:" in tse(*arguments, "-o", "yaml").stdout


def test_secrets_are_in_no_output(good):
    for command in ENGINE_COMMANDS:
        result = tse(command, good, *(["--yes"] if command == "destroy" else []))
        assert "hunter2" not in result.stdout + result.stderr


# --- destroy asks ---


def test_destroy_without_a_terminal_needs_yes(good):
    result = tse("destroy", good)
    assert result.returncode == 64 and result.stdout == ""
    assert "there is no terminal to ask on: give --yes" in result.stderr
    assert f"tse-reconcile plan --destroy {good}" in result.stderr


# --- where the output goes ---


def test_a_reader_that_has_seen_enough_is_no_failure(good):
    read, write = os.pipe()
    os.close(read)
    for arguments in (["help"], ["schema", "json-schema"], ["render", good]):
        result = subprocess.run(
            [str(PROGRAM), *map(str, arguments)],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )
        assert (result.returncode, result.stderr) == (0, "")
    os.close(write)


def test_a_full_disk_is_a_failure():
    with open("/dev/full", "w") as full:
        result = subprocess.run(
            [str(PROGRAM), "schema", "json-schema"], stdout=full, stderr=subprocess.PIPE, text=True, timeout=60
        )
    assert result.returncode == 1
    assert "tse-reconcile: the result cannot be written: No space left on device" in result.stderr
