/*
 * A container as the engine tells of it (GET /containers/{id}/json) → a resource with the same
 * canonical fields that compile gives. This file: identity, state and what status shows; the fields
 * are in inspect_*.c.
 */
#include "engines/docker/inspect.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

bool docker_is_declared(const struct docker_inspection *inspection, const char *path) {
    return inspection->desired && docker_field(&inspection->desired->fields, path);
}

bool docker_was_applied(const struct docker_inspection *inspection, const char *path) {
    return docker_field(&inspection->container->applied, path) != NULL;
}

static bool is_secret(const struct docker_inspection *inspection, const char *path) {
    const struct field *declared =
        inspection->desired ? docker_field(&inspection->desired->fields, path) : NULL;
    const struct field *applied = docker_field(&inspection->container->applied, path);
    return (declared && declared->secret) || (applied && applied->secret);
}

void docker_add_observed(struct docker_inspection *inspection, const char *path,
                         const char *value) {
    if (is_secret(inspection, path))
        field_add_secret(&inspection->fields.builder, path, value);
    else
        field_add(&inspection->fields.builder, path, value);
}

void docker_add_filled(struct docker_inspection *inspection, const char *path, const char *value) {
    if (docker_is_declared(inspection, path) || docker_was_applied(inspection, path))
        docker_add_observed(inspection, path, value);
}

char *docker_observed_path(struct docker_inspection *inspection, const char *prefix,
                           const char *name) {
    return docker_path(&inspection->fields, prefix, name);
}

static enum run_state run_state(const char *status) {
    static const struct {
        const char *status;
        enum run_state state;
    } states[] = {{"created", RUN_CREATED},       {"running", RUN_RUNNING}, {"paused", RUN_PAUSED},
                  {"restarting", RUN_RESTARTING}, {"exited", RUN_EXITED},   {"dead", RUN_DEAD},
                  {"removing", RUN_DEAD}};
    for (size_t i = 0; status && i < sizeof states / sizeof *states; i++)
        if (strcmp(states[i].status, status) == 0)
            return states[i].state;
    return RUN_EXITED;
}

static enum health health_of(const json_t *state, const struct resource *desired) {
    if (desired && desired->service) {
        enum check_kind kind = desired->service->healthcheck.kind;
        if (kind == CHECK_HTTP || kind == CHECK_TCP)
            return HEALTH_UNKNOWN;
    }
    const char *status = docker_member(json_object_get(state, "Health"), "Status");
    if (!status || strcmp(status, "none") == 0)
        return HEALTH_NONE;
    if (strcmp(status, "healthy") == 0)
        return HEALTH_HEALTHY;
    return strcmp(status, "unhealthy") == 0 ? HEALTH_UNHEALTHY : HEALTH_STARTING;
}

/* The instance number in a label; 0 when it is none of ours. */
static int instance_of(const json_t *labels) {
    const char *number = docker_member(labels, LABEL_INSTANCE);
    char *end;
    long value = number ? strtol(number, &end, 10) : 0;
    return number && !*end && value > 0 && value <= INT_MAX ? (int)value : 0;
}

static void identify(struct docker_view *view, struct resource *container, const json_t *document,
                     const json_t *labels) {
    const char *name = docker_member(document, "Name");
    container->kind = &docker_kind_service;
    container->name = docker_view_keep(view, docker_member(labels, LABEL_NAME));
    container->instance = instance_of(labels);
    container->key =
        docker_key(view->arena, docker_kind_service.name, container->name, container->instance);
    container->engine_name = docker_view_keep(view, *name == '/' ? name + 1 : name);
    container->id = docker_view_keep(view, docker_member(document, "Id"));
    cleanup_arena struct arena *scratch = arena_new();
    container->slot =
        docker_slot(container->engine_name,
                    docker_name(scratch, view->project, container->name, container->instance));
}

static int number(const json_t *object, const char *key) {
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > INT_MAX ? INT_MAX : value < INT_MIN ? INT_MIN : (int)value;
}

/* An engine that was killed while it started a container leaves it to containerd, and can never
 * start it again: only one made anew, with another id, will run. Its volumes are carried over. */
static bool is_stuck(const json_t *state) {
    const char *error = docker_member(state, "Error");
    return !json_is_true(json_object_get(state, "Running")) && error &&
           strstr(error, "id already in use") != NULL;
}

static void describe_state(struct docker_view *view, struct resource *container,
                           const json_t *document, const struct resource *desired) {
    const json_t *state = json_object_get(document, "State");
    container->state = is_stuck(state) ? RUN_DEAD : run_state(docker_member(state, "Status"));
    container->exit_code = number(state, "ExitCode");
    container->health = health_of(state, desired);
    container->created = docker_view_keep(view, docker_member(document, "Created"));
}

/* The zero time of Go: never. */
static const char *moment(struct docker_view *view, const char *time) {
    return time && strncmp(time, "0001-", 5) != 0 ? docker_view_keep(view, time) : NULL;
}

static struct container_facts *facts_of(struct docker_view *view, const json_t *document,
                                        const struct docker_image_view *image) {
    struct container_facts *facts = arena_alloc(view->arena, sizeof *facts);
    facts->image_id = docker_view_keep(view, docker_member(document, "Image"));
    facts->stand_in = image ? image->stand_in : NULL;
    facts->started = moment(view, docker_member(json_object_get(document, "State"), "StartedAt"));
    facts->restarts = number(document, "RestartCount");
    docker_facts_networks(view, json_object_get(document, "NetworkSettings"), facts);
    return facts;
}

static void inspect_fields(struct docker_inspection *inspection, const json_t *document,
                           struct docker_container_data *data) {
    struct docker_view *view = inspection->view;
    inspection->config = json_object_get(document, "Config");
    inspection->host = json_object_get(document, "HostConfig");
    inspection->network_settings = json_object_get(document, "NetworkSettings");
    inspection->mounts = json_object_get(document, "Mounts");
    docker_fields_begin(&inspection->fields, view->strings);
    docker_inspect_config(inspection);
    docker_inspect_host(inspection);
    docker_inspect_networks(inspection);
    docker_inspect_mounts(inspection, data);
    inspection->container->fields = docker_fields_keep(&inspection->fields, view->arena);
    docker_inspect_files(inspection);
    docker_fields_free(&inspection->fields);
}

static bool makes_sense(const json_t *document) {
    const json_t *labels = json_object_get(json_object_get(document, "Config"), "Labels");
    const char *name = docker_member(document, "Name"), *id = docker_member(document, "Id");
    return name && id && strlen(id) >= 12 && docker_member(document, "Image") &&
           docker_member(labels, LABEL_NAME) &&
           json_is_object(json_object_get(document, "HostConfig")) &&
           docker_member(json_object_get(document, "State"), "Status");
}

/* The desired container that wants the name, or would while it is replaced: in which slot. */
static const struct resource *wanted_as(const struct docker_view *view, const char *name,
                                        enum slot *slot) {
    static const char *const suffixes[] = {
        [SLOT_CURRENT] = "", [SLOT_NEXT] = SUFFIX_NEXT, [SLOT_PREVIOUS] = SUFFIX_PREVIOUS};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        size_t tail = strlen(suffixes[i]);
        if (length <= tail || strcmp(name + length - tail, suffixes[i]) != 0)
            continue;
        cleanup_free char *base = format_text("%.*s", (int)(length - tail), name);
        const struct resource *wanted = docker_view_wanted(view, docker_kind_service.name, base);
        *slot = (enum slot)i;
        if (wanted)
            return wanted;
    }
    return NULL;
}

bool docker_inspect_foreign(struct docker_view *view, const char *name, const char *id,
                            const json_t *labels) {
    enum slot slot = SLOT_CURRENT;
    name += *name == '/';
    const struct resource *wanted = wanted_as(view, name, &slot);
    if (!wanted)
        return false;
    struct resource *resource = docker_view_add(view);
    resource->kind = wanted->kind;
    resource->key = docker_view_keep(view, wanted->key);
    resource->name = docker_view_keep(view, wanted->name);
    resource->instance = wanted->instance;
    resource->engine_name = docker_view_keep(view, name);
    resource->id = docker_view_keep(view, id);
    resource->slot = slot;
    resource->foreign = true;
    resource->owner = docker_owner(view->arena, labels);
    return true;
}

/* An image that was made from a container of ours (docker commit) hands its labels on to whatever
 * runs from it. What we make names the image it is made from in its label. */
static bool has_labels_of_image(const json_t *document, const struct docker_image_view *image,
                                const struct field_list *applied) {
    const json_t *labels = json_object_get(image ? image->config : NULL, "Labels");
    const struct field *made_from = docker_field(applied, "image");
    const char *reference = docker_member(json_object_get(document, "Config"), "Image");
    return docker_member(labels, LABEL_INSTANCE) && made_from && reference &&
           strcmp(made_from->value, reference) != 0;
}

int docker_inspect_container(struct docker_view *view, const json_t *document) {
    if (!makes_sense(document))
        return -1;
    const json_t *labels = json_object_get(json_object_get(document, "Config"), "Labels");
    struct field_list applied = docker_applied_decode(view->strings, view->arena, labels);
    const struct docker_image_view *image =
        docker_view_image(view, docker_member(document, "Image"));
    if (has_labels_of_image(document, image, &applied)) {
        docker_inspect_foreign(view, docker_member(document, "Name"), docker_member(document, "Id"),
                               NULL);
        return 0;
    }
    struct resource *container = docker_view_add(view);
    identify(view, container, document, labels);
    container->applied = docker_rename_applied(view, &applied);
    struct docker_inspection inspection = {.view = view,
                                           .image_config =
                                               image && image->id ? image->config : NULL,
                                           .desired = docker_view_desired(view, container->key),
                                           .container = container};
    describe_state(view, container, document, inspection.desired);
    container->facts = facts_of(view, document, image);
    struct docker_container_data *data = arena_alloc(view->arena, sizeof *data);
    container->engine_data = data;
    inspect_fields(&inspection, document, data);
    container->keeps_data = data->anonymous_count > 0;
    return 0;
}
