/*
 * VERB_PULL: POST /images/create. Its answer streams for as long as the download takes, so the
 * limit is on silence, not on the whole; and most failures arrive as a line in a stream of status
 * 200. A pull that cannot succeed fails at once with what to do; only what a registry says will
 * pass is tried again.
 */
#include "engines/docker/transport.h"

#include <stdlib.h>
#include <string.h>

/* Unpacking is silent with the containerd image store, and takes minutes for a large layer on a
 * slow disk; a registry that stops sending is given up by the engine itself, and tried again. */
#define STALL_MS 600000

#define OTHERWISE "or make local images where none can be pulled (make images)"

struct pull {
    struct docker_call call;
    char *image;
    char *title;
    struct docker_pull_stream stream;
    engine_progress *progress;
    engine_done *done;
    void *context;
};

static void release(struct docker_call *call) {
    struct pull *pull = (struct pull *)call;
    free(pull->image);
    free(pull->title);
    docker_pull_clear(&pull->stream);
}

static bool says_any(const char *message, const char *const *parts) {
    for (; *parts; parts++)
        if (docker_says(message, *parts))
            return true;
    return false;
}

/* The engine's words for a registry it cannot get an answer from. */
static const char *const unreachable[] = {"no such host",
                                          "connection refused",
                                          "i/o timeout",
                                          "network is unreachable",
                                          "no route to host",
                                          "Client.Timeout exceeded",
                                          "TLS handshake timeout",
                                          "request canceled while waiting",
                                          "server misbehaving",
                                          "temporary failure in name resolution",
                                          "context deadline exceeded",
                                          "proxyconnect",
                                          "EOF",
                                          NULL};
static const char *const denied[] = {
    "unauthorized",       "denied", "authentication required", "no basic auth credentials",
    "incorrect username", NULL};
static const char *const unknown[] = {"manifest unknown",  "not found",       "does not exist",
                                      "name unknown",      "name invalid",    "no such image",
                                      "invalid reference", "repository name", NULL};
static const char *const passing[] = {"toomanyrequests",
                                      "too many requests",
                                      "rate limit",
                                      "unexpected HTTP status: 5",
                                      "unexpected status code 5",
                                      "connection reset by peer",
                                      "unexpected EOF",
                                      NULL};

/* "pull access denied for x, repository does not exist or may require 'docker login'" */
static bool is_denied(long status, const char *message) {
    return status == 401 || status == 403 || says_any(message, denied);
}

int docker_pull_error(const char *image, long status, const char *message, struct error *error) {
    cleanup_arena struct arena *arena = arena_new();
    struct docker_image parsed = docker_image_parse(arena, image);
    if (status == 429 || says_any(message, passing))
        return error_set(error, ERROR_TRANSIENT,
                         "cannot pull \"%s\" at the moment: %s: trying again may pass; logging in "
                         "(docker login %s) raises the registry's limits",
                         image, message, parsed.registry);
    if (says_any(message, unreachable))
        return error_set(error, ERROR_FAILED,
                         "cannot pull \"%s\": the engine cannot reach the registry %s: %s: check "
                         "its network, " OTHERWISE,
                         image, parsed.registry, message);
    if (docker_says(message, "no matching manifest"))
        return error_set(error, ERROR_FAILED,
                         "cannot pull \"%s\": it is not made for this engine's kind of machine: "
                         "%s: name an image that is",
                         image, message);
    if (is_denied(status, message))
        return error_set(error, ERROR_FAILED,
                         "cannot pull \"%s\": %s: check the name, or log in (docker login %s)",
                         image, message, parsed.registry);
    if (status == 400 || status == 404 || says_any(message, unknown))
        return error_set(error, ERROR_FAILED,
                         "cannot pull \"%s\": the registry %s has no such image: %s: check the "
                         "name and the tag, " OTHERWISE,
                         image, parsed.registry, message);
    if (docker_says(message, "no space left on device"))
        return error_set(error, ERROR_FAILED,
                         "cannot pull \"%s\": %s: free some on the engine's machine (docker system "
                         "df shows what is used)",
                         image, message);
    return error_set(error, ERROR_TRANSIENT,
                     "cannot pull \"%s\": %s: trying again may pass; if it stays so, see the "
                     "engine's log (journalctl -u docker)",
                     image, *message ? message : "no explanation");
}

static bool take(void *context, const char *data, size_t size) {
    struct pull *pull = context;
    docker_pull_feed(&pull->stream, data, size);
    if (pull->progress)
        pull->progress(pull->context, pull->title, pull->stream.current, pull->stream.total);
    return true;
}

static int refused(struct pull *pull, long status, const char *message, struct error *error) {
    if (is_denied(status, message))
        docker_registry_forget(pull->call.engine, pull->image);
    return docker_pull_error(pull->image, status, message, error);
}

/* 0, or -1 and why it failed. */
static int judge(struct pull *pull, const struct http_response *response, struct error *error) {
    docker_pull_finish(&pull->stream);
    if (pull->stream.failure)
        return refused(pull, response->status, pull->stream.failure, error);
    if (response->outcome == HTTP_OK && response->status == 200)
        return 0;
    if (response->outcome == HTTP_OK) {
        cleanup_free char *message = docker_message(response);
        return refused(pull, response->status, message, error);
    }
    if (response->outcome == HTTP_TIMED_OUT)
        return error_set(error, ERROR_TIMEOUT,
                         "cannot pull \"%s\": the download stands still (%s): check the engine's "
                         "network, then run the command again: what is there already is kept",
                         pull->image, response->explanation);
    return docker_error(pull->call.engine, response, pull->title, error);
}

static void finished(void *context, const struct http_response *response) {
    struct pull *pull = context;
    cleanup_error struct error error = ERROR_INIT;
    bool ok = judge(pull, response, &error) == 0;
    engine_done *done = pull->done;
    void *done_context = pull->context;
    docker_call_free(&pull->call);
    done(done_context, ok, ok ? NULL : &error);
}

static const char *image_of(const struct action *action) {
    if (action->desired && action->desired->engine_name)
        return action->desired->engine_name;
    return action->target ? action->target : "";
}

void docker_pull(struct docker_engine *engine, const struct action *action, long timeout_ms,
                 engine_progress *progress, engine_done *done, void *context) {
    struct pull *pull = docker_call_new(engine, sizeof *pull, release);
    pull->image = copy_text(image_of(action));
    pull->title = format_text("pulling %s", pull->image);
    pull->progress = progress;
    pull->done = done;
    pull->context = context;
    cleanup_arena struct arena *arena = arena_new();
    struct docker_image image = docker_image_parse(arena, pull->image);
    cleanup_free char *repository = docker_encode(image.repository);
    cleanup_free char *tag = docker_encode(image.tag);
    cleanup_free char *path = format_text("/images/create?fromImage=%s&tag=%s", repository, tag);
    cleanup_free char *auth = docker_registry_auth(engine, pull->image);
    cleanup_free char *header = auth ? format_text("X-Registry-Auth: %s", auth) : NULL;
    const char *headers[] = {header, NULL};
    struct http_request request = {.method = "POST",
                                   .path = path,
                                   .headers = headers,
                                   .sink = take,
                                   .sink_context = pull,
                                   .timeout_ms = timeout_ms,
                                   .stall_ms = STALL_MS};
    docker_send_request(engine, &request, finished, pull);
}
