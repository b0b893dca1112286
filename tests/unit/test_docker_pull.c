/* The progress stream of a pull and the frames of containers' output, cut at every byte. */
#include "docker_server.h"
#include "engines/docker/transport.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* The clock of this program, libcurl's too, can be put forward. */
static time_t forward_s;

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    now->tv_sec += forward_s;
    return result;
}

static bool contains(const char *text, const char *part) {
    return strstr(text, part) != NULL;
}

static const char good[] =
    "{\"status\":\"Pulling from library/redis\",\"id\":\"7\"}\r\n"
    "{\"status\":\"Pulling fs layer\",\"progressDetail\":{},\"id\":\"aa\"}\r\n"
    "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":10,\"total\":100},\"id\":\"aa\"}"
    "\r\n"
    "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":5,\"total\":50},\"id\":\"bb\"}\r\n"
    "not json\r\n"
    "[1]\r\n"
    "\r\n"
    "{\"status\":\"Download complete\",\"progressDetail\":{},\"id\":\"bb\"}\r\n"
    "{\"status\":\"Extracting\",\"progressDetail\":{\"current\":1,\"total\":100},\"id\":\"bb\"}\r\n"
    "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":40,\"total\":100},\"id\":\"aa\"}"
    "\r\n"
    "{\"status\":\"Digest: sha256:ab\"}";

static const char bad[] = "{\"status\":\"Pulling repository x\"}\n"
                          "{\"errorDetail\":{\"code\":401,\"message\":\"no \\u001b[1mway\"},"
                          "\"error\":\"other\"}\n"
                          "{\"error\":\"second\"}\n";

Test(docker_pull, every_cut) {
    for (size_t cut = 0; cut <= strlen(good); cut++) {
        struct docker_pull_stream stream = {0};
        docker_pull_feed(&stream, good, cut);
        docker_pull_feed(&stream, good + cut, strlen(good) - cut);
        docker_pull_finish(&stream);
        cr_assert(eq(i64, stream.current, 90));
        cr_assert(eq(i64, stream.total, 150));
        cr_assert(stream.failure == NULL);
        docker_pull_clear(&stream);
    }
    for (size_t cut = 0; cut <= strlen(bad); cut++) {
        struct docker_pull_stream stream = {0};
        docker_pull_feed(&stream, bad, cut);
        docker_pull_feed(&stream, bad + cut, strlen(bad) - cut);
        docker_pull_finish(&stream);
        cr_assert(eq(str, stream.failure, (char *)"no [1mway"), "cut at %zu", cut);
        docker_pull_clear(&stream);
    }
}

Test(docker_pull, error_without_detail) {
    struct docker_pull_stream stream = {0};
    const char line[] = "{\"error\":\"plain\"}";
    docker_pull_feed(&stream, line, sizeof line - 1);
    cr_expect(stream.failure == NULL);
    docker_pull_finish(&stream);
    cr_expect(eq(str, stream.failure, (char *)"plain"));
    docker_pull_clear(&stream);
    const char odd[] = "{\"errorDetail\":7}\n";
    docker_pull_feed(&stream, odd, sizeof odd - 1);
    cr_expect(stream.failure && *stream.failure);
    docker_pull_clear(&stream);
}

Test(docker_pull, hostile_numbers) {
    struct docker_pull_stream stream = {0};
    const char lines[] =
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":-5,\"total\":-7},\"id\":\"a\"}"
        "\n"
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":9223372036854775807,"
        "\"total\":9223372036854775807},\"id\":\"b\"}\n"
        "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":9,\"total\":3},\"id\":\"c\"}\n"
        "{\"status\":\"Downloading\",\"progressDetail\":7,\"id\":\"d\"}\n"
        "{\"status\":7,\"id\":\"e\"}\n{\"status\":\"Downloading\",\"id\":8}\n";
    docker_pull_feed(&stream, lines, sizeof lines - 1);
    cr_expect(eq(i64, stream.total, (1LL << 50) + 3));
    cr_expect(eq(i64, stream.current, (1LL << 50) + 3));
    docker_pull_clear(&stream);
}

Test(docker_pull, bounded) {
    struct docker_pull_stream stream = {0};
    cleanup_free char *filler = memory_alloc(1000);
    memset(filler, ' ', 1000);
    docker_pull_feed(&stream, "{\"error\":\"", 10);
    for (int i = 0; i < 10000; i++)
        docker_pull_feed(&stream, filler, 1000);
    cr_expect(stream.capacity <= 4 * 65536);
    docker_pull_feed(&stream, "\"}\n{\"error\":\"after\"}\n", 21);
    cr_expect(eq(str, stream.failure, (char *)"after"));
    for (int i = 0; i < 5000; i++) {
        cleanup_free char *line = format_text(
            "{\"status\":\"Downloading\",\"progressDetail\":{\"current\":1,\"total\":1},"
            "\"id\":\"layer%d\"}\n",
            i);
        docker_pull_feed(&stream, line, strlen(line));
    }
    cr_expect(eq(sz, stream.layer_count, (size_t)1024));
    docker_pull_clear(&stream);
}

/* --- errors --------------------------------------------------------------------------------------
 */

static void expect_error(const char *image, long status, const char *message, enum error_code code,
                         const char *part) {
    cleanup_error struct error error = ERROR_INIT;
    cr_expect(docker_pull_error(image, status, message, &error) == -1);
    cr_expect(error.code == code, "%s: code %d", message, error.code);
    cr_expect(contains(error_text(&error), part) && contains(error_text(&error), image),
              "\"%s\" lacks \"%s\"", error_text(&error), part);
}

Test(docker_pull, errors) {
    expect_error("nosuch:1", 500,
                 "Get \"https://registry.example/v2/\": dial tcp: lookup registry.example on "
                 "10.0.0.1:53: no such host",
                 ERROR_FAILED, "cannot reach the registry docker.io");
    expect_error(
        "localhost:1/x", 500,
        "Get \"http://127.0.0.1:1/v2/\": dial tcp 127.0.0.1:1: connect: connection refused",
        ERROR_FAILED, "make images");
    expect_error(
        "x:1", 404,
        "pull access denied for x, repository does not exist or may require 'docker login': "
        "denied: requested access to the resource is denied",
        ERROR_FAILED, "docker login");
    expect_error("redis:99", 404, "manifest for redis:99 not found: manifest unknown", ERROR_FAILED,
                 "has no such image");
    expect_error("redis:99", 200, "manifest unknown", ERROR_FAILED, "has no such image");
    expect_error("x:1", 500, "toomanyrequests: You have reached your pull rate limit",
                 ERROR_TRANSIENT, "at the moment");
    expect_error("x:1", 429, "slow down", ERROR_TRANSIENT, "at the moment");
    expect_error("x:1", 500, "received unexpected HTTP status: 503 Service Unavailable",
                 ERROR_TRANSIENT, "trying again may pass");
    expect_error("x:1", 500, "no matching manifest for linux/riscv64 in the manifest list entries",
                 ERROR_FAILED, "kind of machine");
    expect_error("x:1", 200, "write /var/lib/docker/tmp/x: no space left on device", ERROR_FAILED,
                 "docker system df");
    expect_error("x:1", 500, "", ERROR_TRANSIENT, "no explanation");
    expect_error("Bad:::", 400, "invalid reference format", ERROR_FAILED, "check the name");
}

/* --- frames --------------------------------------------------------------------------------------
 */

static void collect(void *context, const char *data, size_t size) {
    char *text = context;
    strncat(text, data, size);
}

static void expect_frames(const char *data, size_t size, const char *expected) {
    for (size_t cut = 0; cut <= size; cut++) {
        char text[256] = "";
        struct docker_frames frames = {.sink = collect, .context = text};
        docker_frames_feed(&frames, data, cut);
        docker_frames_feed(&frames, data + cut, size - cut);
        docker_frames_finish(&frames);
        cr_assert(eq(str, text, (char *)expected), "cut at %zu", cut);
    }
}
#define expect_frames_of(data, expected) expect_frames(data, sizeof(data) - 1, expected)

Test(docker_frames, every_cut) {
    expect_frames_of("\1\0\0\0\0\0\0\4out\n\2\0\0\0\0\0\0\4err\n", "out\nerr\n");
    expect_frames_of("\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\1x", "x");
    expect_frames_of("", "");
    expect_frames_of("\1\0\0\0\0\0\1\0cut off", "cut off");
    expect_frames_of("\1\0\0\0\0\0\0\1x\1\0\0", "x");
    expect_frames_of("a terminal's output", "a terminal's output");
    expect_frames_of("short", "short");
}

Test(docker_frames, last_line) {
    struct docker_last_line state = {.length = 0};
    const char text[] = "one\r\n\x1b[1mtwo\tthree \n\n  \n";
    for (size_t i = 0; i < sizeof text - 1; i++)
        docker_last_line_feed(&state, text + i, 1);
    cr_expect(eq(str, (char *)docker_last_line_text(&state), (char *)"[1mtwo three"));
    docker_last_line_feed(&state, "no newline", 10);
    cr_expect(eq(str, (char *)docker_last_line_text(&state), (char *)"no newline"));
    for (int i = 0; i < 1000; i++)
        docker_last_line_feed(&state, "xxxxxxxxxx", 10);
    cr_expect(eq(sz, strlen(docker_last_line_text(&state)), (size_t)DOCKER_LINE_LIMIT));
}

/* --- silence ------------------------------------------------------------------------------------
 */

static enum error_code pulled = ERROR_NONE;
static bool finished;

static void on_pulled(void *context, bool ok, const struct error *error) {
    (void)context;
    finished = true;
    pulled = ok ? ERROR_NONE : error->code;
}

static void run_for(struct http_client *client, int rounds) {
    for (int i = 0; i < rounds && !finished; i++)
        http_run(client, 20);
}

/* Unpacking a large layer says nothing for minutes with the containerd image store. */
Test(docker_pull, minutes_of_silence_are_no_failure, .timeout = 60) {
    struct docker_server *server = docker_server_start();
    static const struct docker_answer_rule rules[] = {{"/images/create", -1, "", NULL, NULL}, {0}};
    docker_server_say(server, rules);
    struct http_client *client = http_client_new(NULL);
    struct engine *engine = docker_engine_new(client, NULL, NULL);
    cr_assert(engine != NULL);
    struct action action = {.verb = VERB_PULL, .target = "redis:7"};
    int before = server->requests;
    docker_pull(docker_of(engine), &action, 0, NULL, on_pulled, NULL);
    while (server->requests == before)
        http_run(client, 20);
    forward_s = 5 * 60;
    run_for(client, 5);
    cr_expect_not(finished);
    forward_s = 11 * 60;
    run_for(client, 1000);
    cr_expect(finished && pulled == ERROR_TIMEOUT);
    engine->operations->free(engine);
    http_client_free(client);
    unlink(server->path);
    rmdir(server->folder);
}
