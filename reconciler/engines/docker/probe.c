/*
 * Probes a container once: looks what it is doing, then runs its health check. Commands run inside
 * it (exec.c); HTTP and TCP checks are made from here (reach.c says where). Every step is a request
 * with a callback, so that any number of probes is under way at once.
 */
#include "engines/docker/reach.h"
#include "engines/docker/transport.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define INSPECT_TIMEOUT_MS 10000
#define CHECK_TIMEOUT_MS   3000
#define INSPECT_LIMIT      (4 << 20)
#define BODY_ENOUGH        65536
#define NS_PER_MS          1000000
/* How long a container that was restarted has to run to count as running: as for the engine, which
 * begins anew with short pauses then. */
#define STABLE_AFTER_S 10

struct probe {
    struct docker_call call;
    const struct service *service;
    char *target;
    enum depends_condition condition;
    long timeout_ms;
    struct docker_places places; /* for http and tcp: where to try, in order */
    size_t place;
    struct http_endpoint endpoint;
    char *url;
    size_t body_size;
    int64_t now_s; /* the engine's clock at the answer about the container, or 0 */
    probe_done *done;
    void *context;
};

static void release(struct docker_call *call) {
    struct probe *probe = (struct probe *)call;
    free(probe->target);
    free(probe->url);
    docker_places_clear(&probe->places);
}

static void finish(struct probe *probe, enum probe_result result, const char *detail) {
    probe_done *done = probe->done;
    void *context = probe->context;
    cleanup_free char *copy = docker_clean(detail, strlen(detail), 400);
    docker_call_free(&probe->call);
    done(context, result, copy);
}

static void __attribute__((format(printf, 3, 4)))
finish_with(struct probe *probe, enum probe_result result, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    cleanup_free char *detail = format_va(format, arguments);
    va_end(arguments);
    finish(probe, result, detail);
}

/* --- a command in the container ------------------------------------------------------------------
 */

static void tested(void *context, enum docker_exec_outcome outcome, int exit_code,
                   const char *output) {
    struct probe *probe = context;
    const char *separator = *output ? ": " : "";
    switch (outcome) {
    case EXEC_EXITED:
        if (exit_code == 0)
            finish(probe, PROBE_HEALTHY, "the check passed");
        else
            finish_with(probe, PROBE_WAITING, "the check exited with code %d%s%s", exit_code,
                        separator, output);
        return;
    case EXEC_TIMED_OUT:
        finish_with(probe, PROBE_WAITING, "the check did not end within %ld ms%s%s",
                    probe->timeout_ms, separator, output);
        return;
    case EXEC_STILL_RUNNING:
        finish(probe, PROBE_WAITING, "a check that did not end in time is still running");
        return;
    case EXEC_FAILED:
        finish(probe, PROBE_WAITING, output);
        return;
    }
}

/* The command of a test in Compose's and Docker's form: ["CMD", …] or ["CMD-SHELL", "…"], which
 * runs in the image's shell. A new reference, or NULL when there is nothing to run. */
static json_t *test_command(const json_t *test, const json_t *config) {
    const char *form = json_string_value(json_array_get(test, 0));
    size_t count = json_array_size(test);
    if (!form || count < 2)
        return NULL;
    json_t *command = json_array();
    if (strcmp(form, "CMD-SHELL") == 0) {
        json_auto_t *usual = json_pack("[s, s]", "/bin/sh", "-c");
        json_t *shell = json_object_get(config, "Shell");
        json_array_extend(command, json_array_size(shell) ? shell : usual);
        json_array_append(command, json_array_get(test, 1));
        return command;
    }
    for (size_t i = strcmp(form, "CMD") == 0 ? 1 : 0; i < count; i++)
        json_array_append(command, json_array_get(test, i));
    return command;
}

/* Seconds since the container was started, by the engine's clock; -1 when that cannot be told. */
static int64_t seconds_running(const struct probe *probe, const json_t *state) {
    struct tm parts = {0};
    const char *started = json_string_value(json_object_get(state, "StartedAt"));
    if (!probe->now_s || !started || !strptime(started, "%Y-%m-%dT%H:%M:%S", &parts))
        return -1;
    int64_t seconds = probe->now_s - (int64_t)timegm(&parts);
    return seconds > 0 ? seconds : 0;
}

/* There is nothing to check but that it runs. One that the engine had to restart only counts when
 * it has run for a while: a container that exits again and again runs for an instant each time. */
static void judge_unchecked(struct probe *probe, const json_t *container) {
    const json_t *state = json_object_get(container, "State");
    int restarts = (int)json_integer_value(json_object_get(container, "RestartCount"));
    int64_t seconds = restarts > 0 ? seconds_running(probe, state) : -1;
    if (seconds < 0 || seconds >= STABLE_AFTER_S) {
        finish(probe, PROBE_HEALTHY, "running, without a check");
        return;
    }
    /* Docker forgets the code when it starts the container again. */
    int code = (int)json_integer_value(json_object_get(state, "ExitCode"));
    cleanup_free char *last = code ? format_text(", last exit code %d", code) : NULL;
    finish_with(probe, PROBE_WAITING, "restarted %d time%s%s", restarts, restarts == 1 ? "" : "s",
                last ? last : "");
}

static void run_test(struct probe *probe, const char *id, const json_t *test,
                     const json_t *container) {
    json_auto_t *command = test_command(test, json_object_get(container, "Config"));
    if (command)
        docker_exec(probe->call.engine, id, command, probe->timeout_ms, tested, probe);
    else
        judge_unchecked(probe, container);
}

static void run_declared_test(struct probe *probe, const char *id, const json_t *container) {
    const struct text_list *list = &probe->service->healthcheck.test;
    json_auto_t *test = json_array();
    for (size_t i = 0; i < list->count; i++)
        json_array_append_new(test, json_string(list->items[i]));
    run_test(probe, id, test, container);
}

/* The image's own check, as the engine knows it. */
static void run_default_test(struct probe *probe, const char *id, const json_t *container) {
    const json_t *check = json_object_get(json_object_get(container, "Config"), "Healthcheck");
    const json_t *test = json_object_get(check, "Test");
    json_int_t timeout = json_integer_value(json_object_get(check, "Timeout"));
    const char *form = json_string_value(json_array_get(test, 0));
    if (timeout > 0)
        probe->timeout_ms = (long)(timeout / NS_PER_MS) + 1;
    if (form && strcmp(form, "NONE") == 0)
        test = NULL;
    run_test(probe, id, test, container);
}

/* --- HTTP and TCP from here ----------------------------------------------------------------------
 */

static void try_place(struct probe *probe);

static bool enough(void *context, const char *data, size_t size) {
    struct probe *probe = context;
    (void)data;
    probe->body_size += size;
    return probe->body_size < BODY_ENOUGH;
}

static void reached(void *context, const struct http_response *response) {
    struct probe *probe = context;
    const struct docker_place *place = &probe->places.items[probe->place];
    bool http = probe->service->healthcheck.kind == CHECK_HTTP;
    /* An answer's head is enough: a long body is given up, and may end as it likes. */
    bool answered = response->outcome == HTTP_OK || response->outcome == HTTP_ABORTED ||
                    response->outcome == HTTP_TOO_LARGE;
    if (answered && !http) {
        finish_with(probe, PROBE_HEALTHY, "%s accepts connections", place->address);
    } else if (answered && response->status >= 200 && response->status < 400) {
        finish_with(probe, PROBE_HEALTHY, "HTTP %ld from %s", response->status, place->address);
    } else if (answered) {
        finish_with(probe, PROBE_WAITING, "HTTP %ld from %s%s", response->status, place->address,
                    probe->service->healthcheck.path ? probe->service->healthcheck.path : "");
    } else if (probe->place + 1 < probe->places.count) {
        probe->place++;
        try_place(probe);
    } else {
        finish_with(probe, PROBE_WAITING, "%s: %s", place->address, response->explanation);
    }
}

static void try_place(struct probe *probe) {
    static const char *const headers[] = {"User-Agent: tse-reconcile", "Connection: close", NULL};
    const struct healthcheck *check = &probe->service->healthcheck;
    bool http = check->kind == CHECK_HTTP;
    free(probe->url);
    probe->url = format_text("http://%s", probe->places.items[probe->place].address);
    probe->endpoint = (struct http_endpoint){.url = probe->url};
    probe->body_size = 0;
    struct http_request request = {.endpoint = &probe->endpoint,
                                   .method = "GET",
                                   .path = http && check->path ? check->path : "/",
                                   .headers = headers,
                                   .sink = enough,
                                   .sink_context = probe,
                                   .connect_only = !http,
                                   .timeout_ms = probe->timeout_ms,
                                   .max_body = BODY_ENOUGH};
    http_send(probe->call.engine->base.client, &request, reached, probe);
}

static void probe_port(struct probe *probe, const json_t *container) {
    uint16_t port = probe->service->healthcheck.port;
    probe->places = docker_places(probe->call.engine, container, port);
    if (probe->places.count) {
        try_place(probe);
        return;
    }
    if (probe->call.engine->local)
        finish_with(probe, PROBE_WAITING, "it has no address on a network yet to check port %u",
                    port);
    else
        finish_with(probe, PROBE_HOPELESS,
                    "port %u cannot be checked from here: publish it on an address of the engine's "
                    "machine that can be reached, or declare a test that runs in the container",
                    port);
}

/* --- what the container is doing -----------------------------------------------------------------
 */

static void run_check(struct probe *probe, const json_t *container) {
    const char *id = json_string_value(json_object_get(container, "Id"));
    if (!id)
        id = probe->target;
    switch (probe->service->healthcheck.kind) {
    case CHECK_DISABLED:
        judge_unchecked(probe, container);
        return;
    case CHECK_DEFAULT:
        run_default_test(probe, id, container);
        return;
    case CHECK_TEST:
        run_declared_test(probe, id, container);
        return;
    case CHECK_HTTP:
    case CHECK_TCP:
        probe_port(probe, container);
        return;
    }
}

static void judge_exited(struct probe *probe, const json_t *state) {
    json_int_t code = json_integer_value(json_object_get(state, "ExitCode"));
    const char *words = json_string_value(json_object_get(state, "Error"));
    bool killed = json_is_true(json_object_get(state, "OOMKilled"));
    if (code == 0 && !(words && *words))
        finish(probe, PROBE_COMPLETED, "exited with code 0");
    else
        finish_with(probe, PROBE_FAILED, "exited with code %d%s%s%s", (int)code,
                    killed ? ", out of memory" : "", words && *words ? ": " : "",
                    words ? words : "");
}

static void judge_state(struct probe *probe, const json_t *container) {
    const json_t *state = json_object_get(container, "State");
    const char *status = json_string_value(json_object_get(state, "Status"));
    if (!status)
        finish(probe, PROBE_WAITING, "the engine's answer about the container is not complete");
    else if (strcmp(status, "exited") == 0)
        judge_exited(probe, state);
    else if (strcmp(status, "dead") == 0 || strcmp(status, "removing") == 0)
        finish_with(probe, PROBE_HOPELESS, "%s", status);
    else if (strcmp(status, "restarting") == 0)
        finish_with(probe, PROBE_WAITING, "restarting after exit with code %d",
                    (int)json_integer_value(json_object_get(state, "ExitCode")));
    else if (strcmp(status, "running") != 0)
        finish_with(probe, PROBE_WAITING, "%s", status);
    else if (probe->condition == DEPENDS_COMPLETED)
        finish(probe, PROBE_WAITING, "running");
    else if (probe->condition == DEPENDS_STARTED || !probe->service)
        finish(probe, PROBE_HEALTHY, "running");
    else
        run_check(probe, container);
}

/* The time an answer was made, in seconds, or 0. */
static int64_t answer_time(const struct http_response *response) {
    struct tm parts = {0};
    const char *date = http_header(response, "Date");
    const char *rest = date ? strptime(date, "%a, %d %b %Y %H:%M:%S", &parts) : NULL;
    return rest ? (int64_t)timegm(&parts) : 0;
}

static void inspected(void *context, const struct http_response *response) {
    struct probe *probe = context;
    if (response->outcome == HTTP_OK && response->status == 404) {
        finish(probe, PROBE_HOPELESS, "the container is gone");
        return;
    }
    json_auto_t *container = NULL;
    if (response->outcome == HTTP_OK && response->status == 200)
        container = json_loadb(response->body, response->body_size, 0, NULL);
    if (container) {
        probe->now_s = answer_time(response);
        judge_state(probe, container);
        return;
    }
    cleanup_error struct error error = ERROR_INIT;
    docker_error(probe->call.engine, response, NULL, &error);
    finish(probe, PROBE_WAITING, error_text(&error));
}

void docker_probe(struct engine *engine, const struct service *service, const char *target,
                  enum depends_condition condition, probe_done *done, void *context) {
    struct probe *probe = docker_call_new(docker_of(engine), sizeof *probe, release);
    int64_t timeout = service ? service->healthcheck.timeout_ns / NS_PER_MS : 0;
    probe->service = service;
    probe->target = copy_text(target);
    probe->condition = condition;
    probe->timeout_ms = timeout > 0 ? (long)timeout : CHECK_TIMEOUT_MS;
    probe->done = done;
    probe->context = context;
    cleanup_free char *id = docker_encode(target);
    cleanup_free char *path = format_text("/containers/%s/json", id);
    struct http_request request = {
        .method = "GET", .path = path, .timeout_ms = INSPECT_TIMEOUT_MS, .max_body = INSPECT_LIMIT};
    docker_send_request(docker_of(engine), &request, inspected, probe);
}
