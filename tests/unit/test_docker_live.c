/*
 * The Docker engine's transport against a real engine: the one DOCKER_HOST or the docker client's
 * configuration names. It is skipped, and says so, where none answers or the image it runs is
 * missing (TSE_TEST_IMAGE, a busybox). Everything it makes carries this process's id in its name
 * and is removed.
 */
#include "engines/docker/transport.h"
#include "fetch.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct http_client *client;
static struct engine *engine;
static const char *image;
static char prefix[32];

static bool contains(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

/* --- requests, waited for ------------------------------------------------------------------------
 */

struct outcome {
    bool finished, ok;
    enum error_code code;
    char text[600]; /* the error's, a probe's detail, an answer's body */
    int number;     /* HTTP status, probe result, exit code */
};

static void wait_for(struct outcome *outcome) {
    while (!outcome->finished)
        http_run(client, 1000);
}

static void answered(void *context, const struct http_response *response) {
    struct outcome *outcome = context;
    outcome->finished = true;
    outcome->number = (int)response->status;
    snprintf(outcome->text, sizeof outcome->text, "%s", response->body);
}

static struct outcome request(const char *method, const char *path, const char *json) {
    struct outcome outcome = {0};
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    struct http_request request = {.method = method,
                                   .path = path,
                                   .headers = headers,
                                   .body = copy_text(json),
                                   .body_size = json ? strlen(json) : 0,
                                   .timeout_ms = 60000};
    docker_send_request(docker_of(engine), &request, answered, &outcome);
    wait_for(&outcome);
    return outcome;
}

static void acted(void *context, bool ok, const struct error *error) {
    struct outcome *outcome = context;
    outcome->finished = true;
    outcome->ok = ok;
    outcome->code = error ? error->code : ERROR_NONE;
    snprintf(outcome->text, sizeof outcome->text, "%s", error ? error_text(error) : "");
}

static struct outcome act(const struct action *action) {
    struct outcome outcome = {0};
    struct environment environment = {.name = "live", .project = prefix, .revision = "0"};
    docker_act(engine, &environment, action, 0, NULL, acted, &outcome);
    cr_assert(eq(int, outcome.finished, 0), "called back before it returned");
    wait_for(&outcome);
    return outcome;
}

static void expect_ok(const struct action *action) {
    struct outcome outcome = act(action);
    cr_expect(outcome.ok, "%s", outcome.text);
}

static void expect_refused(const struct action *action, enum error_code code, const char *part) {
    struct outcome outcome = act(action);
    cr_expect(eq(int, outcome.ok, 0));
    cr_expect(outcome.code == code && contains(outcome.text, part), "%d \"%s\" lacks \"%s\"",
              outcome.code, outcome.text, part);
}

static void probed(void *context, enum probe_result result, const char *detail) {
    struct outcome *outcome = context;
    outcome->finished = true;
    outcome->number = (int)result;
    snprintf(outcome->text, sizeof outcome->text, "%s", detail);
}

static struct outcome probe(const struct service *service, const char *target,
                            enum depends_condition condition) {
    struct outcome outcome = {0};
    docker_probe(engine, service, target, condition, probed, &outcome);
    wait_for(&outcome);
    return outcome;
}

static void expect_probe(const struct service *service, const char *target,
                         enum depends_condition condition, enum probe_result result,
                         const char *part) {
    struct outcome outcome = probe(service, target, condition);
    cr_expect(outcome.number == (int)result && contains(outcome.text, part),
              "%d \"%s\" lacks \"%s\"", outcome.number, outcome.text, part);
}

/* Until the probe says so; the test's own timeout is the limit. */
static void await_probe(const struct service *service, const char *target,
                        enum depends_condition condition, enum probe_result result) {
    while (probe(service, target, condition).number != (int)result)
        http_run(client, 10);
}

static void executed(void *context, enum docker_exec_outcome result, int exit_code,
                     const char *output) {
    struct outcome *outcome = context;
    outcome->finished = true;
    outcome->ok = result == EXEC_EXITED;
    outcome->number = exit_code;
    snprintf(outcome->text, sizeof outcome->text, "%s", output);
}

static struct outcome shell(const char *container, const char *script) {
    struct outcome outcome = {0};
    json_auto_t *command = json_pack("[s, s, s]", "/bin/sh", "-c", script);
    docker_exec(docker_of(engine), container, command, 20000, executed, &outcome);
    wait_for(&outcome);
    return outcome;
}

/* --- containers ----------------------------------------------------------------------------------
 */

static char *name_of(const char *name) {
    return format_text("%s-%s", prefix, name);
}

/* Makes a container; `extra` are more members of its JSON, each preceded by a comma. */
static char *create(const char *name, const char *script, const char *extra) {
    char *full = name_of(name);
    cleanup_free char *path = format_text("/containers/create?name=%s", full);
    cleanup_free char *body =
        format_text("{\"Image\":\"%s\",\"Cmd\":[\"sh\",\"-c\",\"%s\"],\"StopTimeout\":1%s}", image,
                    script, extra);
    struct outcome outcome = request("POST", path, body);
    cr_assert(outcome.number == 201, "%d: %s", outcome.number, outcome.text);
    return full;
}

static void start(const char *name) {
    struct action action = {.verb = VERB_START, .target = name};
    expect_ok(&action);
}

static char *run(const char *name, const char *script, const char *extra) {
    char *full = create(name, script, extra);
    start(full);
    return full;
}

#define FOREVER "trap exit TERM; while :; do sleep 1; done"

static void remove_all(const char *kind, const char *key, const char *list) {
    cleanup_free char *filter = format_text("{\"name\":[\"%s\"]}", prefix);
    cleanup_free char *encoded = docker_encode(filter);
    cleanup_free char *path = format_text("%s/%s%sfilters=%s", docker_of(engine)->api_prefix, list,
                                          strchr(list, '?') ? "&" : "?", encoded);
    struct http_request look = {.endpoint = &docker_of(engine)->endpoint,
                                .method = "GET",
                                .path = path,
                                .timeout_ms = 9000};
    cleanup_free char *body = NULL;
    fetch(client, &look, &body);
    json_auto_t *found = json_loads(body ? body : "[]", 0, NULL);
    json_t *items = json_is_object(found) ? json_object_get(found, "Volumes") : found;
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item) {

        cleanup_free char *one =
            format_text("/%s/%s%s", kind, json_string_value(json_object_get(item, key)),
                        strcmp(kind, "containers") == 0 ? "?force=1&v=1" : "");
        request("DELETE", one, NULL);
    }
}

static void setup(void) {
    cleanup_error struct error error = ERROR_INIT;
    client = http_client_new(NULL);
    engine = docker_engine_new(client, NULL, &error);
    snprintf(prefix, sizeof prefix, "dockt%ld", (long)getpid());
    image = getenv("TSE_TEST_IMAGE") ? getenv("TSE_TEST_IMAGE") : "tse-test/busybox:1";
    if (!engine) {
        fprintf(stderr, "SKIPPED: no Docker engine: %s\n", error_text(&error));
        cr_skip_test("no Docker engine answers");
    }
    cleanup_free char *encoded = docker_encode(image);
    cleanup_free char *path = format_text("/images/%s/json", encoded);
    if (request("GET", path, NULL).number != 200) {
        fprintf(stderr, "SKIPPED: the engine has no image %s\n", image);
        cr_skip_test("the engine has no test image");
    }
}

static void teardown(void) {
    if (engine) {
        remove_all("containers", "Id", "containers/json?all=1");
        remove_all("networks", "Id", "networks");
        remove_all("volumes", "Name", "volumes");
        engine->operations->free(engine);
    }
    http_client_free(client);
}

TestSuite(docker_live, .init = setup, .fini = teardown, .timeout = 120);

Test(docker_live, description) {
    cr_expect(contains(engine->description, "Engine ") && contains(engine->description, "(API 1."),
              "%s", engine->description);
    cr_expect(contains(engine->description, " at "), "%s", engine->description);
}

/* Doing again what is done already is success. */
Test(docker_live, idempotent) {
    cleanup_free char *name = create("idem", FOREVER, "");
    cleanup_free char *network = name_of("net");
    cleanup_free char *body = format_text("{\"Name\":\"%s\",\"CheckDuplicate\":true}", network);
    cr_assert(eq(int, request("POST", "/networks/create", body).number, 201));
    struct service service = {.name = "idem", .stop_grace_period_ns = 1};
    struct resource resource = {
        .kind = &docker_kind_service, .name = "idem", .engine_name = name, .service = &service};
    struct action steps[] = {
        {.verb = VERB_START, .desired = &resource, .target = name},
        {.verb = VERB_CONNECT, .desired = &resource, .target = name, .argument = network},
        {.verb = VERB_RENAME, .desired = &resource, .target = name, .argument = name},
        {.verb = VERB_UNPAUSE, .desired = &resource, .target = name},
        {.verb = VERB_SIGNAL, .desired = &resource, .target = name, .argument = "CONT"},
        {.verb = VERB_DISCONNECT, .desired = &resource, .target = name, .argument = network},
        {.verb = VERB_STOP, .desired = &resource, .target = name},
        {.verb = VERB_REMOVE, .observed = &resource, .target = name},
    };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
        for (int again = 0; again < 2; again++)
            expect_ok(&steps[i]);
    expect_ok(&steps[5]);
    expect_ok(&steps[6]);
    expect_refused(&steps[0], ERROR_TRANSIENT, "vanished");
    struct resource net = {.kind = &docker_kind_network};
    struct action remove_network = {.verb = VERB_REMOVE, .observed = &net, .target = network};
    expect_ok(&remove_network);
    expect_ok(&remove_network);
}

Test(docker_live, stop_waits_for_the_grace_period_only) {
    cleanup_free char *name = run("deaf", "trap : TERM; while :; do sleep 1; done", "");
    struct service service = {.name = "deaf", .stop_grace_period_ns = 1};
    struct resource resource = {.kind = &docker_kind_service, .service = &service};
    struct action stop = {.verb = VERB_STOP, .desired = &resource, .target = name};
    expect_ok(&stop);
    expect_probe(NULL, name, DEPENDS_STARTED, PROBE_FAILED, "exited with code 137");
}

Test(docker_live, conflicts) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    cr_assert(bind(listener, (struct sockaddr *)&address, size) == 0 && listen(listener, 1) == 0);
    getsockname(listener, (struct sockaddr *)&address, &size);
    struct port port = {.published = ntohs(address.sin_port), .target = 80};
    cleanup_free char *extra =
        format_text(",\"ExposedPorts\":{\"80/tcp\":{}},\"HostConfig\":{\"PortBindings\":{\"80/"
                    "tcp\":[{\"HostIp\":\"127.0.0.1\","
                    "\"HostPort\":\"%u\"}]}}",
                    port.published);
    cleanup_free char *name = create("port", FOREVER, extra);
    struct service service = {.name = "x", .image = image, .ports = &port, .port_count = 1};
    struct resource resource = {.kind = &docker_kind_service, .service = &service};
    struct action begin = {.verb = VERB_START, .desired = &resource, .target = name};
    cleanup_free char *expected = format_text("host port %u is taken", port.published);
    expect_refused(&begin, ERROR_CONFLICT, expected);
    close(listener);

    cleanup_free char *wrong = create("wrong", "", ",\"Entrypoint\":[\"/no/such\"]");
    struct action begin_wrong = {.verb = VERB_START, .desired = &resource, .target = wrong};
    expect_refused(&begin_wrong, ERROR_FAILED, "command cannot be run");
}

Test(docker_live, networks) {
    cleanup_free char *one = name_of("one"), *two = name_of("two");
    struct network network = {.name = "n", .subnet = "10.213.77.0/24"};
    struct resource resource = {
        .kind = &docker_kind_network, .name = "n", .engine_name = one, .network = &network};
    struct action make = {.verb = VERB_CREATE, .desired = &resource, .target = one};
    expect_ok(&make);
    expect_refused(&make, ERROR_TRANSIENT, "taken meanwhile");
    resource.engine_name = two;
    make.target = two;
    expect_refused(&make, ERROR_CONFLICT, "its subnet overlaps");

    cleanup_free char *name = run("member", FOREVER, "");
    resource.kind = &docker_kind_service;
    struct action join = {
        .verb = VERB_CONNECT, .desired = &resource, .target = name, .argument = one};
    struct service service = {.name = "member"};
    resource = (struct resource){
        .kind = &docker_kind_service, .name = "member", .engine_name = name, .service = &service};
    expect_ok(&join);
    struct resource net = {.kind = &docker_kind_network};
    struct action leave = {.verb = VERB_REMOVE, .observed = &net, .target = one};
    expect_refused(&leave, ERROR_CONFLICT, "docker network inspect");
}

Test(docker_live, images) {
    struct service service = {.name = "none", .image = "127.0.0.1:1/dockt/none:1"};
    struct resource resource = {
        .kind = &docker_kind_image, .engine_name = service.image, .service = &service};
    struct action pull = {.verb = VERB_PULL, .desired = &resource, .target = service.image};
    expect_refused(&pull, ERROR_FAILED, "cannot reach the registry 127.0.0.1:1");
    cleanup_free char *name = name_of("none");
    struct network network = {.name = "default"};
    struct attachment attachment = {.network = network.name};
    service.networks = &attachment;
    service.network_count = 1;
    service.replicas = 1;
    service.stop_grace_period_ns = -1;
    struct resource container = {.kind = &docker_kind_service,
                                 .key = "service/none",
                                 .name = "none",
                                 .instance = 1,
                                 .engine_name = name,
                                 .service = &service};
    struct action make = {.verb = VERB_CREATE, .desired = &container, .target = name};
    expect_refused(&make, ERROR_FAILED, "docker pull 127.0.0.1:1/dockt/none:1");
}

/* --- uploads -------------------------------------------------------------------------------------
 */

Test(docker_live, upload) {
    struct file files[] = {
        {.target = "/etc/dockt.conf", .data = "conf", .size = 4, .mode = 0640, .uid = 7, .gid = 8},
        {.target = "/new/deep/dir/file", .data = "deep\n", .size = 5, .mode = 0755}};
    struct service service = {.name = "up", .files = files, .file_count = 2};
    struct resource resource = {.kind = &docker_kind_service, .service = &service};
    cleanup_free char *name = create("up", FOREVER, "");
    struct action upload = {.verb = VERB_UPLOAD, .desired = &resource, .target = name};
    expect_ok(&upload);
    start(name);
    expect_ok(&upload);
    struct outcome seen = shell(name, "stat -c '%a %u %g %s %Y' /etc/dockt.conf");
    cleanup_free char *expected =
        format_text("640 7 8 4 %lld", (long long)docker_file_mtime(&files[0]));
    cr_expect(eq(str, seen.text, expected));
    seen = shell(name, "stat -c '%a %u %g' /new/deep/dir /etc/. /new/deep/dir/file | tr '\\n' ' '");
    cr_expect(eq(str, seen.text, (char *)"755 0 0 755 0 0 755 0 0"));
    files[1].data = "other";
    upload.argument = "/new/deep/dir/file";
    expect_ok(&upload);
    cr_expect(eq(str, shell(name, "cat /new/deep/dir/file").text, (char *)"other"));
    files[1].target = "/etc";
    upload.argument = "/etc";
    expect_refused(&upload, ERROR_FAILED, "correct the target");
}

/* An existing directory keeps its owner and mode. */
Test(docker_live, upload_leaves_directories_alone) {
    struct file file = {.target = "/srv/keep/file", .data = "x", .size = 1, .mode = 0600};
    struct service service = {.name = "dir", .files = &file, .file_count = 1};
    struct resource resource = {.kind = &docker_kind_service, .service = &service};
    cleanup_free char *name = run("dir", "mkdir -p /srv/keep; chmod 1750 /srv/keep; " FOREVER, "");
    struct service ready = {
        .healthcheck = {
            .kind = CHECK_TEST,
            .test = {.items = (const char *[]){"CMD-SHELL", "test $(stat -c %a /srv/keep) = 1750"},
                     .count = 2}}};
    await_probe(&ready, name, DEPENDS_HEALTHY, PROBE_HEALTHY);
    struct action upload = {.verb = VERB_UPLOAD, .desired = &resource, .target = name};
    expect_ok(&upload);
    cr_expect(eq(str, shell(name, "stat -c %a /srv/keep").text, (char *)"1750"));
}

Test(docker_live, upload_into_read_only_containers) {
    struct file files[] = {{.target = "/conf/a/one", .data = "1", .size = 1, .mode = 0644},
                           {.target = "/other/two", .data = "2", .size = 1, .mode = 0644}};
    struct service service = {.name = "ro", .files = files, .file_count = 2, .read_only = true};
    struct resource resource = {.kind = &docker_kind_service, .service = &service};
    cleanup_free char *name = create("ro", FOREVER,
                                     ",\"HostConfig\":{\"ReadonlyRootfs\":true,\"Mounts\":["
                                     "{\"Type\":\"volume\",\"Target\":\"/conf/a\"},"
                                     "{\"Type\":\"volume\",\"Target\":\"/other\"}]}");
    struct action upload = {.verb = VERB_UPLOAD, .desired = &resource, .target = name};
    expect_ok(&upload);
    start(name);
    cr_expect(eq(str, shell(name, "echo $(cat /conf/a/one)$(cat /other/two)").text, (char *)"12"));
    files[1].target = "/two";
    expect_refused(&upload, ERROR_FAILED, "readOnly: false");
}

/* --- commands and logs ---------------------------------------------------------------------------
 */

Test(docker_live, exec) {
    cleanup_free char *name = run("exec", FOREVER, "");
    struct outcome outcome = shell(name, "exec >&2; echo out; echo err; exit 3");
    cr_expect(outcome.ok && outcome.number == 3, "%d %s", outcome.number, outcome.text);
    cr_expect(eq(str, outcome.text, (char *)"err"));
    outcome = shell(name, "i=0; while [ $i -lt 3000 ]; do echo line $i of many; i=$((i+1)); done");
    cr_expect(eq(str, outcome.text, (char *)"line 2999 of many"));
}

Test(docker_live, logs) {
    const char *script = "echo one; echo two >&2; printf '\\\\033[1mthree'; exit 4";
    cleanup_free char *plain = run("logs", script, "");
    cleanup_free char *terminal = run("tty", script, ",\"Tty\":true");
    cleanup_free char *silent = create("silent", "", "");
    await_probe(NULL, plain, DEPENDS_STARTED, PROBE_FAILED);
    await_probe(NULL, terminal, DEPENDS_STARTED, PROBE_FAILED);
    cleanup_free char *lines = docker_last_logs(engine, plain, 10);
    cr_expect(lines && contains(lines, "one\n") && contains(lines, "two\n") &&
                  contains(lines, "[1mthree") && strchr(lines, '\033') == NULL,
              "%s", lines);
    cleanup_free char *drawn = docker_last_logs(engine, terminal, 10);
    cr_expect(eq(str, drawn, (char *)"one\ntwo\n[1mthree"));
    cleanup_free char *last = docker_last_logs(engine, terminal, 1);
    cr_expect(eq(str, last, (char *)"[1mthree"));
    cleanup_free char *empty = docker_last_logs(engine, silent, 10);
    cr_expect(eq(str, empty, (char *)""));
    cr_expect(docker_last_logs(engine, "dockt-no-such", 10) == NULL);
}

/* --- probes --------------------------------------------------------------------------------------
 */

#define TEST_CHECK(...)                                                                            \
    {                                                                                              \
        .healthcheck = {                                                                           \
            .kind = CHECK_TEST,                                                                    \
            .timeout_ns = 30000000000,                                                             \
            .test = {.items = (const char *[]){__VA_ARGS__},                                       \
                     .count = sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *)}              \
        }                                                                                          \
    }

Test(docker_live, states) {
    cleanup_free char *name = create("states", "read x < /go; exit $x", "");
    struct service none = {.healthcheck = {.kind = CHECK_DEFAULT}};
    expect_probe(&none, name, DEPENDS_HEALTHY, PROBE_WAITING, "created");
    cleanup_free char *good = run("good", "exit 0", "");
    await_probe(&none, good, DEPENDS_COMPLETED, PROBE_COMPLETED);
    cleanup_free char *bad = run("bad", "exit 3", "");
    await_probe(&none, bad, DEPENDS_HEALTHY, PROBE_FAILED);
    expect_probe(&none, bad, DEPENDS_COMPLETED, PROBE_FAILED, "exited with code 3");
    cleanup_free char *up = run("up", FOREVER, "");
    expect_probe(&none, up, DEPENDS_HEALTHY, PROBE_HEALTHY, "without a check");
    expect_probe(&none, up, DEPENDS_STARTED, PROBE_HEALTHY, "running");
    expect_probe(&none, up, DEPENDS_COMPLETED, PROBE_WAITING, "running");
    cleanup_free char *pause = format_text("/containers/%s/pause", up);
    request("POST", pause, NULL);
    expect_probe(&none, up, DEPENDS_HEALTHY, PROBE_WAITING, "paused");
    cleanup_free char *loop =
        run("loop", "exit 5", ",\"HostConfig\":{\"RestartPolicy\":{\"Name\":\"always\"}}");
    struct outcome outcome;
    do
        outcome = probe(&none, loop, DEPENDS_STARTED);
    while (outcome.number == PROBE_HEALTHY); /* for an instant it runs */
    cr_expect(outcome.number == PROBE_WAITING && contains(outcome.text, "exit with code 5"), "%s",
              outcome.text);
    expect_probe(&none, "dockt-no-such", DEPENDS_HEALTHY, PROBE_HOPELESS, "gone");
}

Test(docker_live, tests_in_the_container) {
    cleanup_free char *name = run("checks", FOREVER, "");
    struct service passes = TEST_CHECK("CMD", "true");
    struct service fails = TEST_CHECK("CMD-SHELL", "exec >&2; echo first; echo not yet; exit 4");
    struct service missing = TEST_CHECK("CMD", "/no/such/program");
    struct service off = TEST_CHECK("NONE");
    struct service arguments = TEST_CHECK("CMD", "sh", "-c", "test \"$0\" = 'a b'", "a b");
    expect_probe(&passes, name, DEPENDS_HEALTHY, PROBE_HEALTHY, "passed");
    expect_probe(&fails, name, DEPENDS_HEALTHY, PROBE_WAITING, "exited with code 4: not yet");
    expect_probe(&missing, name, DEPENDS_HEALTHY, PROBE_WAITING, "/no/such/program");
    expect_probe(&off, name, DEPENDS_HEALTHY, PROBE_HEALTHY, "without a check");
    expect_probe(&arguments, name, DEPENDS_HEALTHY, PROBE_HEALTHY, "passed");
}

/* A check that hangs is given up at its timeout, and is not started again while it hangs. */
Test(docker_live, hanging_test) {
    cleanup_free char *name = run("hang", FOREVER, "");
    struct service hangs = TEST_CHECK("CMD-SHELL", "echo waiting; touch /h; exec sleep 60");
    hangs.healthcheck.timeout_ns = 1000000000;
    expect_probe(&hangs, name, DEPENDS_HEALTHY, PROBE_WAITING,
                 "did not end within 1000 ms: waiting");
    expect_probe(&hangs, name, DEPENDS_HEALTHY, PROBE_WAITING, "still running");
    cr_expect(docker_of(engine)->hung != NULL);
    cleanup_free char *restart = format_text("/containers/%s/restart?t=0", name);
    request("POST", restart, NULL);
    struct service passes = TEST_CHECK("CMD", "true");
    await_probe(&passes, name, DEPENDS_HEALTHY, PROBE_HEALTHY);
    cr_expect(docker_of(engine)->hung == NULL);
}

Test(docker_live, the_images_own_check) {
    struct service declared_nothing = {.healthcheck = {.kind = CHECK_DEFAULT}};
    cleanup_free char *name =
        run("own", FOREVER,
            ",\"Healthcheck\":{\"Test\":[\"CMD-SHELL\",\"echo mine; test -e /ok\"],"
            "\"Interval\":3600000000000,\"Timeout\":2000000000}");
    expect_probe(&declared_nothing, name, DEPENDS_HEALTHY, PROBE_WAITING, "code 1: mine");
    shell(name, "touch /ok");
    expect_probe(&declared_nothing, name, DEPENDS_HEALTHY, PROBE_HEALTHY, "passed");
    struct service disabled = {.healthcheck = {.kind = CHECK_DISABLED}};
    expect_probe(&disabled, name, DEPENDS_HEALTHY, PROBE_HEALTHY, "without a check");
    cleanup_free char *off = run("off", FOREVER, ",\"Healthcheck\":{\"Test\":[\"NONE\"]}");
    expect_probe(&declared_nothing, off, DEPENDS_HEALTHY, PROBE_HEALTHY, "without a check");
}

Test(docker_live, http_and_tcp) {
    cleanup_free char *name =
        run("web", "mkdir /www; echo hi > /www/ok; exec httpd -f -p 8000 -h /www", "");
    struct service tcp = {.healthcheck = {.kind = CHECK_TCP, .port = 8000}};
    struct service http = {.healthcheck = {.kind = CHECK_HTTP, .port = 8000, .path = "/ok"}};
    struct service absent = {.healthcheck = {.kind = CHECK_HTTP, .port = 8000, .path = "/no"}};
    struct service closed = {.healthcheck = {.kind = CHECK_TCP, .port = 8001}};
    await_probe(&tcp, name, DEPENDS_HEALTHY, PROBE_HEALTHY);
    expect_probe(&http, name, DEPENDS_HEALTHY, PROBE_HEALTHY, "HTTP 200 from ");
    expect_probe(&absent, name, DEPENDS_HEALTHY, PROBE_WAITING, "HTTP 404 from ");
    expect_probe(&closed, name, DEPENDS_HEALTHY, PROBE_WAITING, ":8001: ");
    closed.healthcheck.kind = CHECK_HTTP;
    expect_probe(&closed, name, DEPENDS_HEALTHY, PROBE_WAITING, ":8001: ");
}

/* A published port's proxy accepts connections although nothing listens behind it. */
Test(docker_live, nothing_behind_a_published_port) {
    cleanup_free char *name =
        run("proxy", FOREVER,
            ",\"ExposedPorts\":{\"8000/tcp\":{}},\"HostConfig\":{\"PortBindings\":{\"8000/"
            "tcp\":[{\"HostIp\":\"127.0.0.1\"}]}}");
    struct service tcp = {.healthcheck = {.kind = CHECK_TCP, .port = 8000}};
    struct service http = {.healthcheck = {.kind = CHECK_HTTP, .port = 8000, .path = "/"}};
    expect_probe(&tcp, name, DEPENDS_HEALTHY, PROBE_WAITING, "");
    expect_probe(&http, name, DEPENDS_HEALTHY, PROBE_WAITING, "");
    /* Through the proxy alone. */
    docker_of(engine)->local = false;
    docker_of(engine)->host = copy_text("127.0.0.1");
    expect_probe(&tcp, name, DEPENDS_HEALTHY, PROBE_WAITING, "127.0.0.1:");
    expect_probe(&http, name, DEPENDS_HEALTHY, PROBE_WAITING, "127.0.0.1:");
    /* From another machine, where neither the container nor that address can be reached. */
    free(docker_of(engine)->host);
    docker_of(engine)->host = copy_text("192.0.2.1");
    expect_probe(&tcp, name, DEPENDS_HEALTHY, PROBE_HOPELESS, "cannot be checked from here");
}

Test(docker_live, published_port_of_another_machine) {
    cleanup_free char *name =
        run("far", "exec httpd -f -p 8000 -h /etc",
            ",\"ExposedPorts\":{\"8000/tcp\":{}},\"HostConfig\":{\"PortBindings\":{\"8000/"
            "tcp\":[{\"HostIp\":\"0.0.0.0\"}]}}");
    struct service tcp = {.healthcheck = {.kind = CHECK_TCP, .port = 8000}};
    docker_of(engine)->local = false;
    docker_of(engine)->host = copy_text("127.0.0.1");
    await_probe(&tcp, name, DEPENDS_HEALTHY, PROBE_HEALTHY);
    expect_probe(&tcp, name, DEPENDS_HEALTHY, PROBE_HEALTHY, "127.0.0.1:");
}

Test(docker_live, many_probes_at_once) {
    cleanup_free char *name = run("many", FOREVER, "");
    struct service passes = TEST_CHECK("CMD", "true");
    struct outcome outcomes[20] = {{0}};
    for (size_t i = 0; i < 20; i++)
        docker_probe(engine, &passes, name, DEPENDS_HEALTHY, probed, &outcomes[i]);
    for (size_t i = 0; i < 20; i++) {
        wait_for(&outcomes[i]);
        cr_expect(outcomes[i].number == PROBE_HEALTHY, "%s", outcomes[i].text);
    }
    cr_expect(docker_of(engine)->calls == NULL);
}

/* An engine that is freed while requests are under way frees what they hold (seen by the sanitizer)
 * and calls nobody back. */
Test(docker_live, freed_while_busy) {
    cleanup_free char *name = run("busy", FOREVER, "");
    struct service hangs = TEST_CHECK("CMD", "sleep", "60");
    struct outcome outcomes[2] = {{0}};
    struct action action = {.verb = VERB_STOP, .target = name};
    docker_probe(engine, &hangs, name, DEPENDS_HEALTHY, probed, &outcomes[0]);
    docker_act(engine, NULL, &action, 0, NULL, acted, &outcomes[1]);
    http_run(client, 50);
    struct http_client *old = client;
    engine->operations->free(engine);
    http_client_free(old);
    cr_expect(outcomes[0].finished == false);
    client = http_client_new(NULL);
    engine = docker_engine_new(client, NULL, NULL);
    cr_assert(engine != NULL);
}
