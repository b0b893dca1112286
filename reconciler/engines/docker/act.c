/*
 * Performs an action: each verb is one request of the Engine API (an upload into a read-only
 * container is one for each volume that gets files, a removal with all volumes one more for each).
 * Actions are repeated after crashes and retries, so an answer that says "it is so already" is
 * success. What the answers that are failures mean is in failure.c.
 */
#include "engines/docker/failure.h"
#include "engines/docker/fields.h"
#include "engines/docker/transport.h"

#include "spec/quantity.h"

#include <stdlib.h>
#include <string.h>

struct act {
    struct docker_call call;
    const struct environment *environment;
    const struct action *action;
    long timeout_ms;
    size_t step; /* of an action in parts: those sent */
    bool last;
    struct error refused; /* the request could not even be made */
    engine_done *done;
    void *context;
};

static void release(struct docker_call *call) {
    error_clear(&((struct act *)call)->refused);
}

/* A request being made. */
struct call {
    struct docker_engine *engine;
    const struct environment *environment;
    const struct action *action;
    char *path; /* malloc'd */
    char *body; /* malloc'd, or NULL */
    size_t body_size;
    long timeout_ms; /* the verb's own */
    size_t step;     /* of an action in parts */
    bool last;       /* no further part follows */
};

const struct resource_kind *docker_action_kind(const struct action *action) {
    const struct resource *resource = action->desired ? action->desired : action->observed;
    return resource ? resource->kind : &docker_kind_service;
}

static bool is_volume(const struct resource_kind *kind) {
    return kind == &docker_kind_volume || kind == &docker_kind_files;
}

/* "/containers/ID/VERB" */
static char *container_path(const struct action *action, const char *verb) {
    cleanup_free char *id = docker_encode(action->target);
    return format_text("/containers/%s/%s", id, verb);
}

static int set_json(struct call *call, char *json) {
    call->body = json;
    call->body_size = json ? strlen(json) : 0;
    return json ? 0 : -1;
}

static int make_create(struct call *call, struct error *error) {
    const struct resource_kind *kind = docker_action_kind(call->action);
    if (kind == &docker_kind_network) {
        call->path = copy_text("/networks/create");
        return set_json(call, docker_network_body(call->environment, call->action));
    }
    if (is_volume(kind)) {
        call->path = copy_text("/volumes/create");
        return set_json(call, docker_volume_body(call->environment, call->action));
    }
    cleanup_free char *name = docker_encode(call->action->target);
    call->path = format_text("/containers/create?name=%s", name);
    return set_json(call,
                    docker_container_body(call->engine, call->environment, call->action, error));
}

static bool takes_volumes(const struct action *action, const char *which) {
    return action->verb == VERB_REMOVE && action->argument && strcmp(action->argument, which) == 0;
}

/* The anonymous volumes that are to be removed after the container. */
static size_t volumes_after(const struct action *action,
                            const struct docker_anonymous_volume **volumes) {
    const struct docker_container_data *data = NULL;
    if (action->observed && takes_volumes(action, REMOVE_VOLUMES))
        data = action->observed->engine_data;
    *volumes = data ? data->anonymous : NULL;
    return data ? data->anonymous_count : 0;
}

/* Containers are stopped before, by an action of its own; force only ends one that something
 * started again meanwhile. With v=1 the engine removes the anonymous volumes it has made for this
 * container and nobody else uses. One that was carried over is mounted by its name, which the
 * engine takes for a named one: those are removed by requests that follow, if all are to go. */
static int remove_container(struct call *call) {
    const struct action *action = call->action;
    const struct docker_anonymous_volume *volumes;
    size_t count = volumes_after(action, &volumes);
    call->last = call->step >= count;
    if (call->step && volumes) {
        cleanup_free char *name = docker_encode(volumes[call->step - 1].name);
        call->path = format_text("/volumes/%s", name);
        return 0;
    }
    cleanup_free char *id = docker_encode(action->target);
    call->path = format_text("/containers/%s?v=%d&force=1", id, action->argument ? 1 : 0);
    return 0;
}

static int make_remove(struct call *call, struct error *error) {
    (void)error;
    const struct resource_kind *kind = docker_action_kind(call->action);
    cleanup_free char *id = docker_encode(call->action->target);
    if (kind == &docker_kind_network)
        call->path = format_text("/networks/%s", id);
    else if (is_volume(kind))
        call->path = format_text("/volumes/%s", id);
    else
        return remove_container(call);
    return 0;
}

static int make_update(struct call *call, struct error *error) {
    (void)error;
    call->path = container_path(call->action, "update");
    return set_json(call, docker_update_body(call->action));
}

/* "/networks/NAME/VERB" */
static char *network_path(const struct call *call, const char *verb) {
    cleanup_free char *id = docker_encode(call->action->argument);
    return format_text("/networks/%s/%s", id, verb);
}

static int make_connect(struct call *call, struct error *error) {
    (void)error;
    call->path = network_path(call, "connect");
    return set_json(call, docker_connect_body(call->action));
}

static int make_disconnect(struct call *call, struct error *error) {
    (void)error;
    call->path = network_path(call, "disconnect");
    json_auto_t *body = json_pack("{s:s, s:b}", "Container", call->action->target, "Force", 0);
    return set_json(call, json_dumps(body, JSON_COMPACT));
}

/* The files of place number `call->step`; all are in the first unless the service is read-only. */
static int make_upload(struct call *call, struct error *error) {
    (void)error;
    const struct service *service = call->action->desired->service;
    cleanup_arena struct arena *arena = arena_new();
    const char **places;
    size_t count = docker_upload_places(arena, service, call->action->argument, &places);
    const char *place = call->step < count ? places[call->step] : "/";
    call->last = call->step + 1 >= count;
    cleanup_free char *id = docker_encode(call->action->target);
    cleanup_free char *path = docker_encode(place);
    call->path = format_text("/containers/%s/archive?path=%s&noOverwriteDirNonDir=1", id, path);
    call->body = docker_archive_at(service, call->action->argument, place, &call->body_size);
    return 0;
}

static int make_signal(struct call *call, struct error *error) {
    (void)error;
    cleanup_free char *id = docker_encode(call->action->target);
    cleanup_free char *signal = docker_encode(call->action->argument);
    call->path = format_text("/containers/%s/kill?signal=%s", id, signal);
    return 0;
}

static int make_rename(struct call *call, struct error *error) {
    (void)error;
    cleanup_free char *id = docker_encode(call->action->target);
    cleanup_free char *name = docker_encode(call->action->argument);
    call->path = format_text("/containers/%s/rename?name=%s", id, name);
    return 0;
}

static int make_start(struct call *call, struct error *error) {
    (void)error;
    call->path = container_path(call->action, "start");
    return 0;
}

/* How long the container gets to end by itself: as declared, else as it was made, else the engine's
 * 10 s. In whole seconds, as the engine counts. */
static int64_t grace_seconds(const struct action *action, bool *declared) {
    int64_t grace = -1;
    if (action->desired && action->desired->service)
        grace = action->desired->service->stop_grace_period_ns;
    *declared = grace >= 0;
    const char *made =
        action->observed ? field_value(&action->observed->fields, "stopGracePeriod") : NULL;
    if (grace < 0 && made)
        parse_duration(made, &grace);
    return grace < 0 ? 10 : docker_grace_seconds(grace);
}

static int make_stop(struct call *call, struct error *error) {
    (void)error;
    bool declared = false;
    int64_t seconds = grace_seconds(call->action, &declared);
    call->path = container_path(call->action, "stop");
    if (declared) {
        cleanup_free char *plain = call->path;
        call->path = format_text("%s?t=%lld", plain, (long long)seconds);
    }
    /* The grace period is the service's; the engine's own time comes after it. */
    long grace_ms = (long)(seconds > 86400 ? 86400 : seconds) * 1000;
    call->timeout_ms = grace_ms + docker_request_ms(call->engine, 30000);
    return 0;
}

static int make_unpause(struct call *call, struct error *error) {
    (void)error;
    call->path = container_path(call->action, "unpause");
    return 0;
}

/* What each verb sends, how long it may take, and which answers besides 2xx mean that it is so
 * already. */
static const struct rule {
    int (*make)(struct call *call, struct error *error);
    const char *method;
    long timeout_ms;
    bool needs_argument;
    long already_status[2];
    const char *already_says[2];
} rules[] = {
    [VERB_CREATE] = {.make = make_create, .method = "POST", .timeout_ms = 120000},
    [VERB_REMOVE] = {.make = make_remove, .method = "DELETE", .already_status = {404}},
    [VERB_UPDATE] = {.make = make_update, .method = "POST"},
    [VERB_CONNECT] = {.make = make_connect,
                      .method = "POST",
                      .needs_argument = true,
                      .already_says = {"already exists in network", "is already attached to"}},
    [VERB_DISCONNECT] = {.make = make_disconnect,
                         .method = "POST",
                         .needs_argument = true,
                         .already_status = {404},
                         .already_says = {"is not connected to"}},
    [VERB_UPLOAD] = {.make = make_upload, .method = "PUT"},
    [VERB_SIGNAL] = {.make = make_signal, .method = "POST", .needs_argument = true},
    [VERB_RENAME] = {.make = make_rename,
                     .method = "POST",
                     .needs_argument = true,
                     .already_says = {"same name as its current name"}},
    [VERB_START] = {.make = make_start,
                    .method = "POST",
                    .timeout_ms = 120000,
                    .already_status = {304}},
    [VERB_STOP] = {.make = make_stop, .method = "POST", .already_status = {304, 404}},
    [VERB_UNPAUSE] = {.make = make_unpause, .method = "POST", .already_says = {"is not paused"}},
};

static bool is_already(const struct rule *rule, long status, const char *message) {
    for (size_t i = 0; i < 2; i++)
        if ((rule->already_status[i] && rule->already_status[i] == status) ||
            (rule->already_says[i] && docker_says(message, rule->already_says[i])))
            return true;
    return false;
}

/* 0 when the action has its effect, else -1 and the error. */
static int judge(const struct act *act, const struct http_response *response, struct error *error) {
    if (response->outcome == HTTP_OK) {
        if (response->status >= 200 && response->status < 300)
            return 0;
        cleanup_free char *message = docker_message(response);
        if (is_already(&rules[act->action->verb], response->status, message))
            return 0;
        /* The volume of a container that is gone has another user by now, or still: it stays. */
        if (act->step > 1 && response->status == 409 && takes_volumes(act->action, REMOVE_VOLUMES))
            return 0;
        if (docker_action_failure(act->action, response->status, message, error))
            return -1;
    }
    cleanup_free char *what = docker_action_text(act->action);
    return docker_error(act->call.engine, response, what, error);
}

static void finish(struct act *act, const struct error *error) {
    engine_done *done = act->done;
    void *context = act->context;
    struct error copy = ERROR_INIT;
    if (error)
        error_set(&copy, error->code, "%s", error_text(error));
    docker_call_free(&act->call);
    done(context, !error, error ? &copy : NULL);
    error_clear(&copy);
}

static void send_next(struct act *act);

static void answered(void *context, const struct http_response *response) {
    struct act *act = context;
    cleanup_error struct error error = ERROR_INIT;
    if (judge(act, response, &error) < 0)
        finish(act, &error);
    else if (act->last)
        finish(act, NULL);
    else
        send_next(act);
}

static void refused(void *context) {
    struct act *act = context;
    finish(act, &act->refused);
}

static bool is_complete(const struct action *action, const struct rule *rule) {
    bool needs_desired = action->verb == VERB_CREATE || action->verb == VERB_UPDATE ||
                         action->verb == VERB_CONNECT || action->verb == VERB_UPLOAD;
    bool needs_service = action->verb == VERB_UPLOAD || action->verb == VERB_UPDATE;
    return action->target && (action->argument || !rule->needs_argument) &&
           (action->desired || !needs_desired) && (!needs_service || action->desired->service);
}

static int make(struct call *call, struct error *error) {
    enum verb verb = call->action->verb;
    const struct rule *rule =
        (size_t)verb < sizeof rules / sizeof *rules ? &rules[verb] : &rules[VERB_PULL];
    if (!rule->make || !is_complete(call->action, rule))
        return error_set(error, ERROR_FAILED,
                         "the plan lacks something it needs for that: report this as a defect");
    call->timeout_ms = docker_request_ms(call->engine, rule->timeout_ms ? rule->timeout_ms : 60000);
    call->last = true;
    if (rule->make(call, error) == 0)
        return 0;
    if (error->code == ERROR_NONE)
        error_set(
            error, ERROR_FAILED,
            "something it declares is not UTF-8, which the engine cannot be told: correct it");
    return -1;
}

static void send(struct act *act, struct call *call) {
    static const char *const json[] = {"Content-Type: application/json", NULL};
    static const char *const tar[] = {"Content-Type: application/x-tar", NULL};
    enum verb verb = call->action->verb;
    struct http_request request = {.method = rules[verb].method,
                                   .path = call->path,
                                   .headers = verb == VERB_UPLOAD ? tar
                                              : call->body        ? json
                                                                  : NULL,
                                   .body = call->body,
                                   .body_size = call->body_size,
                                   .timeout_ms = call->timeout_ms};
    if (act->timeout_ms && act->timeout_ms < call->timeout_ms)
        request.timeout_ms = act->timeout_ms;
    docker_send_request(call->engine, &request, answered, act);
}

static void send_next(struct act *act) {
    struct call call = {.engine = act->call.engine,
                        .environment = act->environment,
                        .action = act->action,
                        .step = act->step++};
    if (make(&call, &act->refused) == 0) {
        act->last = call.last;
        send(act, &call);
    } else {
        cleanup_free char *what = docker_action_text(act->action);
        error_wrap(&act->refused, "%s", what);
        free(call.body);
        /* Not from in here: the caller may not be ready for its callback yet. */
        http_after(act->call.engine->base.client, 0, refused, act);
    }
    free(call.path);
}

void docker_act(struct engine *engine, const struct environment *environment,
                const struct action *action, long timeout_ms, engine_progress *progress,
                engine_done *done, void *context) {
    if (action->verb == VERB_PULL) {
        docker_pull(docker_of(engine), action, timeout_ms, progress, done, context);
        return;
    }
    struct act *act = docker_call_new(docker_of(engine), sizeof *act, release);
    act->environment = environment;
    act->action = action;
    act->timeout_ms = timeout_ms;
    act->done = done;
    act->context = context;
    send_next(act);
}
