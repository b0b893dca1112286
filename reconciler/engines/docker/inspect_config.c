/*
 * Observed fields that may come from the image: a container's Config is the declared one with the
 * image's filled in. A value is the container's own, and reported, when it is declared or differs
 * from the image's. When the image is gone nobody can tell, and what is neither declared nor was
 * applied earlier counts as the image's.
 */
#include "engines/docker/inspect.h"

#include <string.h>

static void add_unless_from_image(struct docker_inspection *inspection, const char *path,
                                  const char *value, const char *image_value) {
    if (!value)
        return;
    if (!docker_is_declared(inspection, path)) {
        bool from_image = inspection->image_config ? image_value && strcmp(value, image_value) == 0
                                                   : !docker_was_applied(inspection, path);
        if (from_image)
            return;
    }
    docker_add_observed(inspection, path, value);
}

static void add_text(struct docker_inspection *inspection, const char *path, const char *key) {
    const char *value = docker_member(inspection->config, key);
    if (value && *value)
        add_unless_from_image(inspection, path, value,
                              docker_member(inspection->image_config, key));
}

static char *list_text(struct docker_inspection *inspection, const json_t *config,
                       const char *key) {
    return docker_text_json_list(inspection->fields.scratch, json_object_get(config, key));
}

/* The engine gives a container the image's command only when it has neither command nor entry point
 * of its own; an empty command cannot be declared alone. */
static void add_command(struct docker_inspection *inspection) {
    const char *command = list_text(inspection, inspection->config, "Cmd");
    const char *entrypoint = list_text(inspection, inspection->config, "Entrypoint");
    const char *default_command = docker_is_declared(inspection, "entrypoint")
                                      ? "[]"
                                      : list_text(inspection, inspection->image_config, "Cmd");
    if (strcmp(command, "[]") != 0)
        add_unless_from_image(inspection, "command", command, default_command);
    add_unless_from_image(inspection, "entrypoint", entrypoint,
                          list_text(inspection, inspection->image_config, "Entrypoint"));
}

/* The value of NAME in a list of "NAME=value", or NULL. */
static const char *variable(const json_t *list, const char *name, size_t length) {
    size_t i;
    json_t *entry;
    json_array_foreach(list, i, entry) {
        const char *pair = json_string_value(entry);
        if (pair && strncmp(pair, name, length) == 0 && pair[length] == '=')
            return pair + length + 1;
    }
    return NULL;
}

static void add_environment(struct docker_inspection *inspection) {
    const json_t *image = json_object_get(inspection->image_config, "Env");
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(inspection->config, "Env"), i, entry) {
        const char *pair = json_string_value(entry);
        const char *equals = pair ? strchr(pair, '=') : NULL;
        if (!equals || equals == pair)
            continue;
        size_t length = (size_t)(equals - pair);
        char *name = arena_copy_n(inspection->fields.scratch, pair, length);
        add_unless_from_image(inspection, docker_observed_path(inspection, "environment", name),
                              equals + 1, variable(image, pair, length));
    }
}

static void add_labels(struct docker_inspection *inspection) {
    const json_t *image = json_object_get(inspection->image_config, "Labels");
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(inspection->config, "Labels"), key, value) {
        if (!docker_label_is_internal(key))
            add_unless_from_image(inspection, docker_observed_path(inspection, "labels", key),
                                  json_string_value(value), docker_member(image, key));
    }
}

static char *duration(struct docker_inspection *inspection, const json_t *check, const char *key) {
    return docker_text_duration(inspection->fields.scratch,
                                json_integer_value(json_object_get(check, key)));
}

static void add_healthcheck(struct docker_inspection *inspection) {
    static const struct {
        const char *path, *key;
    } times[] = {{"healthcheck.interval", "Interval"},
                 {"healthcheck.timeout", "Timeout"},
                 {"healthcheck.startPeriod", "StartPeriod"}};
    const json_t *check = json_object_get(inspection->config, "Healthcheck");
    const json_t *image = json_object_get(inspection->image_config, "Healthcheck");
    if (!json_is_object(check))
        return;
    struct arena *scratch = inspection->fields.scratch;
    if (json_array_size(json_object_get(check, "Test")))
        add_unless_from_image(inspection, "healthcheck.test", list_text(inspection, check, "Test"),
                              list_text(inspection, image, "Test"));
    for (size_t i = 0; i < sizeof times / sizeof *times; i++)
        add_unless_from_image(inspection, times[i].path, duration(inspection, check, times[i].key),
                              duration(inspection, image, times[i].key));
    add_unless_from_image(
        inspection, "healthcheck.retries",
        docker_text_number(scratch, json_integer_value(json_object_get(check, "Retries"))),
        docker_text_number(scratch, json_integer_value(json_object_get(image, "Retries"))));
}

/* The reference a container was made from names its image only until somebody moves the tag. */
static void add_image(struct docker_inspection *inspection) {
    const char *reference = docker_member(inspection->config, "Image");
    const char *id = inspection->container->facts->image_id;
    if (!reference)
        return;
    const struct docker_image_view *now = docker_view_image(inspection->view, reference);
    char *value = arena_copy(inspection->fields.scratch, reference);
    if (now && now->id && strcmp(now->id, id) != 0) {
        const char *digits = strncmp(id, "sha256:", 7) == 0 ? id + 7 : id;
        value = arena_format(inspection->fields.scratch, "%s (sha256:%.12s)", reference, digits);
    }
    docker_add_observed(inspection, "image", value);
}

/* Unless it is declared, the hostname is the beginning of the id. */
static void add_hostname(struct docker_inspection *inspection) {
    const char *hostname = docker_member(inspection->config, "Hostname");
    if (!hostname || !*hostname)
        return;
    if (strncmp(hostname, inspection->container->id, 12) == 0 && strlen(hostname) == 12)
        return;
    docker_add_observed(inspection, "hostname", hostname);
}

static void add_stop(struct docker_inspection *inspection) {
    struct arena *scratch = inspection->fields.scratch;
    add_unless_from_image(
        inspection, "stopSignal",
        docker_text_signal(scratch, docker_member(inspection->config, "StopSignal")),
        docker_text_signal(scratch, docker_member(inspection->image_config, "StopSignal")));
    const json_t *timeout = json_object_get(inspection->config, "StopTimeout");
    if (json_is_integer(timeout))
        docker_add_observed(inspection, "stopGracePeriod",
                            docker_text_grace(scratch, json_integer_value(timeout)));
}

/* Some engines write "/" where neither image nor container names a directory. Where the image names
 * one, "/" is the container's own. */
static void add_working_directory(struct docker_inspection *inspection) {
    const char *directory = docker_member(inspection->config, "WorkingDir");
    const char *default_directory = docker_member(inspection->image_config, "WorkingDir");
    bool is_root = directory && strcmp(directory, "/") == 0;
    bool is_default = is_root && (!default_directory || !*default_directory);
    if (!is_default || docker_is_declared(inspection, "workingDir"))
        add_text(inspection, "workingDir", "WorkingDir");
}

void docker_inspect_config(struct docker_inspection *inspection) {
    add_image(inspection);
    add_command(inspection);
    add_environment(inspection);
    add_text(inspection, "user", "User");
    add_working_directory(inspection);
    add_hostname(inspection);
    add_stop(inspection);
    add_healthcheck(inspection);
    add_labels(inspection);
}
