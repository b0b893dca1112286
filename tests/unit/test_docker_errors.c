/* What the engine's answers mean: error codes, texts, and what is success all the same. */
#include "engines/docker/failure.h"
#include "engines/docker/transport.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool contains(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

static struct docker_engine engine;

static void setup(void) {
    engine = (struct docker_engine){
        .unix_socket = "/nowhere/docker.sock", .url = "http://localhost", .local = true};
}

TestSuite(docker_errors, .init = setup);

static struct http_response answer(enum http_outcome outcome, long status, const char *body) {
    return (struct http_response){.outcome = outcome,
                                  .status = status,
                                  .body = body,
                                  .body_size = strlen(body),
                                  .explanation = "curl's words"};
}

static void expect(struct http_response response, enum error_code code, const char *part) {
    cleanup_error struct error error = ERROR_INIT;
    cr_expect(docker_error(&engine, &response, "list containers", &error) == -1);
    cr_expect(error.code == code, "%s: code %d", error_text(&error), error.code);
    cr_expect(contains(error_text(&error), part), "\"%s\" lacks \"%s\"", error_text(&error), part);
    cr_expect(strncmp(error_text(&error), "list containers: ", 17) == 0);
}

Test(docker_errors, statuses) {
    expect(answer(HTTP_OK, 500, "{\"message\":\"boom\"}"), ERROR_TRANSIENT, "boom");
    expect(answer(HTTP_OK, 503, ""), ERROR_TRANSIENT, "journalctl -u docker");
    expect(answer(HTTP_OK, 409, "{\"message\":\"busy\"}"), ERROR_TRANSIENT, "busy");
    expect(answer(HTTP_OK, 429, ""), ERROR_TRANSIENT, "trying again");
    expect(answer(HTTP_OK, 404, "{\"message\":\"No such container: x\"}"), ERROR_FAILED,
           "No such container: x");
    expect(answer(HTTP_OK, 400, "plain text\n"), ERROR_FAILED, "plain text");
    expect(answer(HTTP_OK, 400, ""), ERROR_FAILED, "journalctl");
    expect(answer(HTTP_OK, 403, "{\"message\":\"by plugin\"}"), ERROR_FAILED, "refuses");
    expect(answer(HTTP_OK, 400, "Client sent an HTTP request to an HTTPS server.\n"), ERROR_FAILED,
           "DOCKER_TLS_VERIFY");
    expect(answer(HTTP_OK, 500, "{\"message\":\"write x: no space left on device\"}"), ERROR_FAILED,
           "docker system df");
    expect(answer(HTTP_OK, 500, "{\"message\":\"OCI runtime create failed: x\"}"), ERROR_FAILED,
           "OCI runtime");
    expect(answer(HTTP_OK, 200, "garbage"), ERROR_TRANSIENT, "not what its API promises");
}

Test(docker_errors, messages_are_clean_and_bounded) {
    expect(answer(HTTP_OK, 400, "{\"message\":\"a\\u001b[2Jb\\n\\n  c\"}"), ERROR_FAILED,
           "a [2Jb c");
    char body[5000] = "{\"message\":\"";
    memset(body + 12, 'x', 4000);
    strcpy(body + 4012, "\"}");
    struct http_response response = answer(HTTP_OK, 500, body);
    cleanup_error struct error error = ERROR_INIT;
    docker_error(&engine, &response, NULL, &error);
    cr_expect(strlen(error_text(&error)) < 1300);
    docker_error(&engine, &response, NULL, NULL);
    cleanup_free char *cut = docker_clean("ab\xc3\xa4", 4, 3);
    cr_expect(eq(str, cut, (char *)"ab"));
    cleanup_free char *whole = docker_clean("a\xc3\xa4", 3, 3);
    cr_expect(eq(str, whole, (char *)"a\xc3\xa4"));
}

Test(docker_errors, outcomes) {
    expect(answer(HTTP_CUT, 0, ""), ERROR_UNREACHABLE, "restarting");
    expect(answer(HTTP_TIMED_OUT, 0, ""), ERROR_TIMEOUT, "did not answer in time");
    expect(answer(HTTP_GARBAGE, 0, ""), ERROR_TRANSIENT, "does not speak HTTP");
    expect(answer(HTTP_TOO_LARGE, 200, ""), ERROR_FAILED, "larger");
    expect(answer(HTTP_ABORTED, 0, ""), ERROR_INTERRUPTED, "run the command again");
    expect(answer(HTTP_UNREACHABLE, 0, ""), ERROR_UNREACHABLE, "there is no such socket");
    expect(answer(HTTP_UNREACHABLE, 0, ""), ERROR_UNREACHABLE, "sudo make up");
    engine = (struct docker_engine){.url = "https://far:2376"};
    expect(answer(HTTP_UNREACHABLE, 0, ""), ERROR_UNREACHABLE, "tcp://far:2376: curl's words");
    expect(answer(HTTP_UNREACHABLE, 0, ""), ERROR_UNREACHABLE, "DOCKER_CERT_PATH");
}

Test(docker_errors, sockets) {
    char path[] = "/tmp/dockt-errors-XXXXXX";
    cr_assert(mkdtemp(path) != NULL);
    cleanup_free char *name = format_text("%s/docker.sock", path);
    engine.unix_socket = name;
    int listener = socket(AF_UNIX, SOCK_STREAM, 0);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, name);
    cr_assert(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    close(listener); /* the socket stays, and nobody listens */
    expect(answer(HTTP_UNREACHABLE, 0, ""), ERROR_UNREACHABLE, "nobody answers on this socket");
    if (geteuid() == 0) {
        /* access() asks for the real user. */
        chmod(path, 0755);
        chmod(name, 0600);
        cr_assert(setreuid(65534, 0) == 0);
        expect(answer(HTTP_UNREACHABLE, 0, ""), ERROR_UNREACHABLE, "usermod -aG docker");
        cr_assert(setreuid(0, 0) == 0);
    }
    unlink(name);
    rmdir(path);
}

/* --- actions -------------------------------------------------------------------------------------
 */

static struct port ports[] = {{.host_ip = "127.0.0.1", .published = 80, .target = 80},
                              {.host_ip = "127.0.0.1", .published = 6379, .target = 6379}};
static const struct service service = {
    .name = "redis", .image = "redis:7", .ports = ports, .port_count = 2};
static const struct resource container = {.kind = &docker_kind_service, .service = &service};
static const struct resource network = {.kind = &docker_kind_network};
static const struct resource volume = {.kind = &docker_kind_volume};

static void expect_action(enum verb verb, const struct resource *resource, long status,
                          const char *message, enum error_code code, const char *part) {
    struct action action = {.verb = verb, .desired = resource, .target = "it", .argument = "other"};
    cleanup_error struct error error = ERROR_INIT;
    bool known = docker_action_failure(&action, status, message, &error);
    cr_expect(known == (code != ERROR_NONE), "%s", message);
    cr_expect(error.code == code, "%s: code %d", message, error.code);
    cr_expect(contains(error_text(&error), part ? part : ""), "\"%s\" lacks \"%s\"",
              error_text(&error), part);
}

Test(docker_errors, taken) {
    expect_action(VERB_START, &container, 500,
                  "driver failed programming external connectivity on endpoint x: Bind for "
                  "127.0.0.1:6379 failed: port is already allocated",
                  ERROR_CONFLICT, "host port 6379 is taken");
    expect_action(VERB_START, &container, 500,
                  "driver failed programming external connectivity on endpoint x: Error starting "
                  "userland proxy: listen tcp4 127.0.0.1:6379: bind: address already in use",
                  ERROR_CONFLICT, "host port 6379 is taken");
    expect_action(VERB_START, &container, 500,
                  "failed to bind host port for 127.0.0.1:8080:172.20.0.2:80/tcp: address already "
                  "in use",
                  ERROR_CONFLICT, "port 80 is taken");
    expect_action(VERB_START, &container, 500,
                  "Bind for 0.0.0.0:8099 failed: port is already "
                  "allocated",
                  ERROR_CONFLICT, "a host port is taken");
    expect_action(VERB_START, &container, 403, "Address already in use", ERROR_CONFLICT,
                  "an address it declares is taken");
    expect_action(VERB_CONNECT, &container, 403, "Address already in use", ERROR_CONFLICT,
                  "connect container \"it\" to network \"other\": an address");
    expect_action(VERB_CREATE, &network, 503, "This node is not a swarm manager", ERROR_FAILED,
                  "declare another driver");
    expect_action(VERB_CREATE, &network, 403, "Pool overlaps with other one on this address space",
                  ERROR_CONFLICT, "create network \"it\": its subnet overlaps");
    expect_action(VERB_CREATE, &network, 500,
                  "could not find an available, non-overlapping IPv4 address pool among the "
                  "defaults to assign to the network",
                  ERROR_FAILED, "no free subnet");
}

Test(docker_errors, a_limit_below_what_is_in_use) {
    static const char refused[] =
        "Cannot update container x: runc did not terminate successfully: exit status 1: unable to "
        "set memory limit to 8388608 (current usage: 60293120, peak usage: 61000000)";
    expect_action(VERB_UPDATE, &container, 500, refused, ERROR_FAILED,
                  "raise the limit, or restart the service");
    expect_action(VERB_UPDATE, &container, 500, "boom", ERROR_NONE, NULL);
}

Test(docker_errors, a_driver_the_engine_does_not_have) {
    static const struct network misspelt = {.name = "n", .driver = "brigde"};
    static const struct volume elsewhere = {.name = "v", .driver = "nfs"};
    struct resource one = {.kind = &docker_kind_network, .network = &misspelt};
    struct resource other = {.kind = &docker_kind_volume, .volume = &elsewhere};
    expect_action(VERB_CREATE, &one, 404, "plugin \"brigde\" not found", ERROR_FAILED,
                  "does not have its driver \"brigde\"");
    expect_action(VERB_CREATE, &other, 404,
                  "create v: error looking up volume plugin nfs: plugin \"nfs\" not found",
                  ERROR_FAILED, "does not have its driver \"nfs\"");
    expect_action(VERB_CREATE, &network, 404, "gone", ERROR_FAILED, "its driver (gone)");
    expect_action(VERB_REMOVE, &network, 404, "network it not found", ERROR_TRANSIENT, "vanished");
}

Test(docker_errors, actions) {
    expect_action(VERB_CREATE, &container, 404, "No such image: redis:7", ERROR_FAILED,
                  "docker pull redis:7");
    expect_action(VERB_CREATE, &container, 409, "Conflict. The container name \"/it\" is in use",
                  ERROR_TRANSIENT, "taken meanwhile");
    expect_action(VERB_CREATE, &container, 404, "network abc not found", ERROR_TRANSIENT,
                  "vanished");
    expect_action(VERB_START, &container, 404, "No such container: it", ERROR_TRANSIENT,
                  "vanished");
    expect_action(VERB_START, &container, 400,
                  "failed to create shim task: OCI runtime create failed: exec: \"x\": executable "
                  "file not found in $PATH: unknown",
                  ERROR_FAILED, "command cannot be run");
    expect_action(VERB_START, &container, 500, "OCI runtime create failed: something", ERROR_FAILED,
                  "cannot run it");
    expect_action(VERB_START, &container, 500, "who knows", ERROR_NONE, NULL);
    expect_action(VERB_REMOVE, &network, 403,
                  "error while removing network: network it id 1 has active endpoints",
                  ERROR_CONFLICT, "docker network inspect it");
    expect_action(VERB_REMOVE, &volume, 409, "remove it: volume is in use - [abc]", ERROR_CONFLICT,
                  "volume=it");
    expect_action(VERB_REMOVE, &container, 409, "removal of container it is already in progress",
                  ERROR_NONE, NULL);
    expect_action(VERB_UPLOAD, &container, 500, "container rootfs is marked read-only",
                  ERROR_FAILED, "readOnly: false");
    expect_action(VERB_UPLOAD, &container, 500,
                  "Error processing tar file(exit status 1): cannot overwrite directory \"/etc\" "
                  "with non-directory \"/\"",
                  ERROR_FAILED, "correct the target");
}
