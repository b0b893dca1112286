"""The ways to an engine that is not on the default socket: tcp://, TLS with client certificates, and
the docker client's contexts. A forwarder stands for the remote engine."""

import hashlib
import json
import os
import socket
import ssl
import threading

import pytest

from harness import busybox, run


def copy(source, target):
    """Until `source` ends; then tells `target`, which may still have something to say."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass


class Forwarder:
    """A TCP port, with or without TLS, that leads to the engine's socket."""

    def __init__(self, context=None):
        self.context = context
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.upstream = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://")
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:  # closed: the end
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        try:
            if self.context:
                client = self.context.wrap_socket(client, server_side=True)
        except OSError:  # not TLS, or without our certificate
            client.close()
            return
        engine = socket.socket(socket.AF_UNIX)
        engine.connect(self.upstream)
        back = threading.Thread(target=copy, args=(engine, client), daemon=True)
        back.start()
        copy(client, engine)
        back.join()
        client.close()
        engine.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """ca.pem, cert.pem and key.pem as in DOCKER_CERT_PATH; the server uses the same certificate."""
    folder = tmp_path_factory.mktemp("certificates")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=engine",
        "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", folder / "key.pem", "-out", folder / "cert.pem")  # fmt: skip
    (folder / "ca.pem").write_text((folder / "cert.pem").read_text())
    return folder


@pytest.fixture
def tls(certificates):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    context.load_verify_locations(certificates / "ca.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with Forwarder(context) as forwarder:
        yield forwarder


@pytest.fixture
def sample(environment, tmp_path):
    """An environment that no way to the engine is set up for yet."""
    home = tmp_path / "home"
    home.mkdir()
    environment.env = {"HOME": str(home), "DOCKER_HOST": ""}
    environment.write({"web": busybox(files=[{"source": "a", "target": "/new/dir/a"}],
                                      healthcheck={"test": ["CMD", "test", "-e", "/new/dir/a"]})})  # fmt: skip
    (environment.folder / "a").write_text("content")
    return environment


def refused(environment, **variables):
    """The error of a plan with these variables."""
    result = environment.tse("plan", check=False, env=variables)
    assert result.returncode not in (0, 2), result.stdout
    return result.stderr


def works(environment, **variables):
    environment.apply(env=variables)
    result = environment.tse("plan", check=False, env=variables)
    assert result.returncode == 0, result.stdout + result.stderr


def write_context(environment, name, endpoint, certificates=None):
    store = environment.folder / "home/.docker/contexts"
    identity = hashlib.sha256(name.encode()).hexdigest()
    (store / "meta" / identity).mkdir(parents=True)
    (store / "meta" / identity / "meta.json").write_text(
        json.dumps({"Name": name, "Metadata": {}, "Endpoints": {"docker": endpoint}})
    )
    if certificates:
        (store / "tls" / identity / "docker").mkdir(parents=True)
        for file in ("ca.pem", "cert.pem", "key.pem"):
            (store / "tls" / identity / "docker" / file).write_text((certificates / file).read_text())


def test_tcp(sample):
    with Forwarder() as forwarder:
        works(sample, DOCKER_HOST=f"tcp://{forwarder.address}")
        works(sample, DOCKER_HOST=forwarder.address)
        # http checks go to the published port
        sample.write({"web": busybox(command=["httpd", "-f", "-p", "8000", "-h", "/etc"],
                                     ports=["8000"], healthcheck={"tcp": {"port": 8000}})})  # fmt: skip
        works(sample, DOCKER_HOST=f"tcp://{forwarder.address}")


def test_nobody_there(sample):
    with Forwarder() as forwarder:
        address = forwarder.address
    error = refused(sample, DOCKER_HOST=f"tcp://{address}")
    assert f"cannot reach the Docker engine at tcp://{address}" in error


def test_tls_with_client_certificate(sample, tls, certificates):
    variables = {"DOCKER_HOST": f"tcp://{tls.address}", "DOCKER_CERT_PATH": str(certificates)}
    works(sample, DOCKER_TLS_VERIFY="1", **variables)
    works(sample, DOCKER_TLS="1", **variables)
    # without TLS, and with a certificate of another authority
    refused(sample, **variables)


def test_tls_certificate_that_is_not_trusted(sample, tls, certificates, tmp_path):
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other",
        "-keyout", tmp_path / "other.key", "-out", tmp_path / "ca.pem")  # fmt: skip
    for file in ("cert.pem", "key.pem"):
        (tmp_path / file).write_text((certificates / file).read_text())
    variables = {"DOCKER_HOST": f"tcp://{tls.address}", "DOCKER_CERT_PATH": str(tmp_path)}
    assert "DOCKER_CERT_PATH" in refused(sample, DOCKER_TLS_VERIFY="1", **variables)
    works(sample, DOCKER_TLS="1", **variables)


def test_contexts(sample, tls, certificates):
    write_context(sample, "far", {"Host": f"tcp://{tls.address}", "SkipTLSVerify": False}, certificates)
    works(sample, DOCKER_CONTEXT="far")
    (sample.folder / "home/.docker/config.json").write_text('{"currentContext": "far"}')
    works(sample)
    assert "docker context ls" in refused(sample, DOCKER_CONTEXT="missing")


def test_versions(sample):
    with Forwarder() as forwarder:
        host = {"DOCKER_HOST": f"tcp://{forwarder.address}"}
        assert "DOCKER_API_VERSION is 1.40" in refused(sample, DOCKER_API_VERSION="1.40", **host)
        works(sample, DOCKER_API_VERSION="1.41", **host)


def test_ssh_is_refused_with_a_way_out(sample):
    assert "ssh -nNT -L" in refused(sample, DOCKER_HOST="ssh://me@there")
