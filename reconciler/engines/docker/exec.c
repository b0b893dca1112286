/*
 * A command in a running container, in three requests: create, start (whose answer is the output,
 * until the command ends), inspect for the exit code. The API cannot end a command that outlives
 * its time, so such a one is remembered, and no second is started in that container while it runs:
 * a check that hangs costs one process, not one for every attempt.
 */
#include "engines/docker/transport.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define STEP_TIMEOUT_MS 10000 /* of the requests around the command */
#define ANSWER_LIMIT    (1 << 20)

struct docker_hung_test {
    char *container, *exec; /* ids */
    struct docker_hung_test *next;
};

struct exec {
    struct docker_call call;
    char *container;
    char *id; /* of the command, once it is created */
    json_t *arguments;
    long timeout_ms;
    struct docker_frames frames;
    struct docker_last_line output;
    docker_exec_done *done;
    void *context;
};

static void release(struct docker_call *call) {
    struct exec *exec = (struct exec *)call;
    free(exec->container);
    free(exec->id);
    json_decref(exec->arguments);
}

static void finish(struct exec *exec, enum docker_exec_outcome outcome, int exit_code,
                   const char *output) {
    docker_exec_done *done = exec->done;
    void *context = exec->context;
    cleanup_free char *copy = copy_text(output);
    docker_call_free(&exec->call);
    done(context, outcome, exit_code, copy);
}

static void fail(struct exec *exec, const struct http_response *response) {
    cleanup_error struct error error = ERROR_INIT;
    docker_error(exec->call.engine, response, "running the check", &error);
    finish(exec, EXEC_FAILED, -1, error_text(&error));
}

/* --- commands that hang --------------------------------------------------------------------------
 */

static struct docker_hung_test *find_hung(struct docker_engine *engine, const char *container) {
    struct docker_hung_test *hung = NULL;
    LL_FOREACH(engine->hung, hung) {
        if (strcmp(hung->container, container) == 0)
            return hung;
    }
    return NULL;
}

static void forget(struct docker_engine *engine, struct docker_hung_test *hung) {
    LL_DELETE(engine->hung, hung);
    free(hung->container);
    free(hung->exec);
    free(hung);
}

static void remember(struct exec *exec) {
    struct docker_engine *engine = exec->call.engine;
    struct docker_hung_test *hung = find_hung(engine, exec->container);
    if (hung)
        forget(engine, hung);
    hung = memory_alloc(sizeof *hung);
    hung->container = copy_text(exec->container);
    hung->exec = copy_text(exec->id);
    LL_PREPEND(engine->hung, hung);
}

void docker_exec_forget(struct docker_engine *engine) {
    while (engine->hung)
        forget(engine, engine->hung);
}

/* --- create, start, inspect ----------------------------------------------------------------------
 */

static void send_step(struct exec *exec, const char *method, const char *path, json_t *body,
                      http_done *done) {
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    char *text = body ? json_dumps(body, JSON_COMPACT) : NULL;
    struct http_request request = {.method = method,
                                   .path = path,
                                   .headers = text ? headers : NULL,
                                   .body = text,
                                   .body_size = text ? strlen(text) : 0,
                                   .timeout_ms = STEP_TIMEOUT_MS,
                                   .max_body = ANSWER_LIMIT};
    docker_send_request(exec->call.engine, &request, done, exec);
}

static void inspected(void *context, const struct http_response *response) {
    struct exec *exec = context;
    json_auto_t *answer = NULL;
    if (response->outcome == HTTP_OK && response->status == 200)
        answer = json_loadb(response->body, response->body_size, 0, NULL);
    const json_t *code = json_object_get(answer, "ExitCode");
    if (json_is_true(json_object_get(answer, "Running")))
        finish(exec, EXEC_TIMED_OUT, -1, docker_last_line_text(&exec->output));
    else if (json_is_integer(code))
        finish(exec, EXEC_EXITED, (int)json_integer_value(code),
               docker_last_line_text(&exec->output));
    else
        fail(exec, response);
}

static void inspect(struct exec *exec) {
    cleanup_free char *path = format_text("/exec/%s/json", exec->id);
    send_step(exec, "GET", path, NULL, inspected);
}

static void take_output(void *context, const char *data, size_t size) {
    struct exec *exec = context;
    docker_last_line_feed(&exec->output, data, size);
}

static bool sink(void *context, const char *data, size_t size) {
    struct exec *exec = context;
    docker_frames_feed(&exec->frames, data, size);
    return true;
}

static void ended(void *context, const struct http_response *response) {
    struct exec *exec = context;
    docker_frames_finish(&exec->frames);
    if (response->outcome == HTTP_TIMED_OUT) {
        remember(exec);
        finish(exec, EXEC_TIMED_OUT, -1, docker_last_line_text(&exec->output));
    } else if (response->outcome == HTTP_OK && response->status == 200) {
        inspect(exec);
    } else {
        fail(exec, response);
    }
}

static void start(struct exec *exec) {
    static const char *const headers[] = {"Content-Type: application/json", NULL};
    static const char body[] = "{\"Detach\":false,\"Tty\":false}";
    cleanup_free char *path = format_text("/exec/%s/start", exec->id);
    exec->frames = (struct docker_frames){.sink = take_output, .context = exec};
    struct http_request request = {.method = "POST",
                                   .path = path,
                                   .headers = headers,
                                   .body = copy_text(body),
                                   .body_size = sizeof body - 1,
                                   .sink = sink,
                                   .sink_context = exec,
                                   .timeout_ms = exec->timeout_ms};
    docker_send_request(exec->call.engine, &request, ended, exec);
}

static void created(void *context, const struct http_response *response) {
    struct exec *exec = context;
    json_auto_t *answer = NULL;
    if (response->outcome == HTTP_OK && response->status == 201)
        answer = json_loadb(response->body, response->body_size, 0, NULL);
    const char *id = json_string_value(json_object_get(answer, "Id"));
    if (!id || strspn(id, "0123456789abcdef") != strlen(id)) {
        fail(exec, response);
        return;
    }
    exec->id = copy_text(id);
    start(exec);
}

static void create(struct exec *exec) {
    cleanup_free char *container = docker_encode(exec->container);
    cleanup_free char *path = format_text("/containers/%s/exec", container);
    json_auto_t *body =
        json_pack("{s:b, s:b, s:O}", "AttachStdout", 1, "AttachStderr", 1, "Cmd", exec->arguments);
    send_step(exec, "POST", path, body, created);
}

/* Whether the one that hung before has ended by now. */
static void looked_again(void *context, const struct http_response *response) {
    struct exec *exec = context;
    json_auto_t *answer = NULL;
    if (response->outcome == HTTP_OK && response->status == 200)
        answer = json_loadb(response->body, response->body_size, 0, NULL);
    if (json_is_true(json_object_get(answer, "Running"))) {
        finish(exec, EXEC_STILL_RUNNING, -1, "");
        return;
    }
    if (response->outcome != HTTP_OK || (!answer && response->status != 404)) {
        fail(exec, response);
        return;
    }
    struct docker_hung_test *hung = find_hung(exec->call.engine, exec->container);
    if (hung)
        forget(exec->call.engine, hung);
    create(exec);
}

void docker_exec(struct docker_engine *engine, const char *id, json_t *arguments, long timeout_ms,
                 docker_exec_done *done, void *context) {
    struct exec *exec = docker_call_new(engine, sizeof *exec, release);
    exec->container = copy_text(id);
    exec->arguments = json_incref(arguments);
    exec->timeout_ms = timeout_ms;
    exec->done = done;
    exec->context = context;
    const struct docker_hung_test *hung = find_hung(engine, id);
    if (!hung) {
        create(exec);
        return;
    }
    cleanup_free char *path = format_text("/exec/%s/json", hung->exec);
    send_step(exec, "GET", path, NULL, looked_again);
}
