/* Probing containers in states that a real engine shows only for an instant. */
#include "docker_server.h"
#include "engines/docker/transport.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>
#include <unistd.h>

static struct docker_server *server;
static struct http_client *client;
static struct engine *engine;
static struct error problem;
static bool finished;
static enum probe_result seen;
static char words[200];

static void begin(void) {
    server = docker_server_start();
    client = http_client_new(&problem);
    engine = docker_engine_new(client, &(struct docker_options){0}, &problem);
    cr_assert(engine != NULL, "%s", error_text(&problem));
}

static void end(void) {
    engine->operations->free(engine);
    http_client_free(client);
    error_clear(&problem);
    unlink(server->path);
    rmdir(server->folder);
}

TestSuite(docker_probe, .init = begin, .fini = end, .timeout = 60);

static void probed(void *context, enum probe_result result, const char *detail) {
    (void)context;
    finished = true;
    seen = result;
    snprintf(words, sizeof words, "%s", detail);
}

static void look(const struct service *service, const struct docker_answer_rule *rules) {
    docker_server_say(server, rules);
    finished = false;
    docker_probe(engine, service, "c1", DEPENDS_HEALTHY, probed, NULL);
    while (!finished)
        http_run(client, 1000);
    docker_server_say(server, NULL);
}

/* What no restart policy can mend. */
Test(docker_probe, hopeless) {
    static const struct service service = {.name = "redis"};
    static const struct docker_answer_rule gone[] = {{0}};
    look(&service, gone);
    cr_expect(seen == PROBE_HOPELESS, "%s", words);
    cr_expect(eq(str, words, (char *)"the container is gone"));
    static const char *const states[] = {"dead", "removing"};
    for (size_t i = 0; i < 2; i++) {
        cleanup_free char *body =
            format_text("{\"Id\":\"c1\",\"State\":{\"Status\":\"%s\"}}", states[i]);
        const struct docker_answer_rule rules[] = {{"/containers/", 200, body, NULL, NULL}, {0}};
        look(&service, rules);
        cr_expect(seen == PROBE_HOPELESS, "%s", words);
    }
}

/* A container that runs since 12:00:00.5, at the time `clock`. */
static void expect(enum check_kind kind, int restarts, int code, const char *clock,
                   enum probe_result result, const char *detail) {
    const struct service service = {.name = "redis", .healthcheck = {.kind = kind}};
    cleanup_free char *container = format_text(
        "{\"Id\":\"c1\",\"RestartCount\":%d,\"State\":{\"Status\":\"running\",\"ExitCode\":%d,"
        "\"StartedAt\":\"2024-05-01T12:00:00.5Z\"},\"Config\":{}}",
        restarts, code);
    cleanup_free char *date =
        clock ? format_text("Date: Wed, 01 May 2024 %s GMT\r\n", clock) : NULL;
    const struct docker_answer_rule rules[] = {{"/containers/", 200, container, date, NULL}, {0}};
    look(&service, rules);
    cr_expect(seen == result, "%s", words);
    cr_expect(eq(str, words, (char *)detail));
}

Test(docker_probe, what_was_restarted_has_to_run_for_a_while) {
    static const char fine[] = "running, without a check";
    expect(CHECK_DEFAULT, 0, 3, "12:00:01", PROBE_HEALTHY, fine);
    expect(CHECK_DEFAULT, 1, 3, "12:00:00", PROBE_WAITING, "restarted 1 time, last exit code 3");
    expect(CHECK_DEFAULT, 4, 3, "12:00:09", PROBE_WAITING, "restarted 4 times, last exit code 3");
    expect(CHECK_DEFAULT, 4, 0, "12:00:09", PROBE_WAITING, "restarted 4 times");
    expect(CHECK_DISABLED, 4, 3, "12:00:09", PROBE_WAITING, "restarted 4 times, last exit code 3");
    expect(CHECK_DEFAULT, 4, 3, "12:00:10", PROBE_HEALTHY, fine);
    expect(CHECK_DEFAULT, 4, 3, "13:00:00", PROBE_HEALTHY, fine);
    expect(CHECK_DEFAULT, 4, 3, NULL, PROBE_HEALTHY, fine); /* no clock to tell by */
}
