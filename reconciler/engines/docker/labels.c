/*
 * Labels: whose a resource is, what was applied to it last, and Compose's, so that its tools show
 * the environment. There is no other state (design, promise 1).
 */
#include "engines/docker/fields.h"

#include <limits.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

#define COMPOSE "com.docker.compose."
/* docker compose takes resources whose version label it cannot read for those of Compose 1. */
#define COMPOSE_VERSION "2.0.0"

static void put(json_t *labels, const char *key, const char *value) {
    json_t *text = value ? json_string(value) : NULL;
    if (text)
        json_object_set_new(labels, key, text);
}

static void put_identity(json_t *labels, const struct environment *environment, const char *name) {
    put(labels, LABEL_PROJECT, environment->project);
    put(labels, LABEL_ENVIRONMENT, environment->name);
    put(labels, LABEL_NAME, name);
    put(labels, LABEL_REVISION, environment->revision);
    put(labels, COMPOSE "project", environment->project);
    put(labels, COMPOSE "version", COMPOSE_VERSION);
}

/* The whole SHA-256 in hex, as Compose writes its own. */
static char *hash_text(const char *text) {
    unsigned char hash[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)text, strlen(text), hash);
    char *hex = memory_alloc(2 * sizeof hash + 1);
    for (size_t i = 0; i < sizeof hash; i++)
        snprintf(hex + 2 * i, 3, "%02x", hash[i]);
    return hex;
}

/* Compose wants absolute paths. */
static void put_files(json_t *labels, const char *file) {
    if (!file)
        return;
    cleanup_free char *real = realpath(file, NULL);
    const char *path = real ? real : file;
    put(labels, COMPOSE "project.config_files", path);
    const char *slash = strrchr(path, '/');
    cleanup_free char *directory =
        slash ? format_text("%.*s", slash == path ? 1 : (int)(slash - path), path) : NULL;
    put(labels, COMPOSE "project.working_dir", directory);
}

static void put_service(json_t *labels, const struct environment *environment,
                        const struct resource *desired, const char *applied) {
    cleanup_free char *instance = format_text("%d", desired->instance > 0 ? desired->instance : 1);
    cleanup_free char *hash = hash_text(applied);
    for (size_t i = 0; i < desired->service->labels.count; i++)
        put(labels, desired->service->labels.items[i].key, desired->service->labels.items[i].value);
    put(labels, LABEL_INSTANCE, instance);
    put(labels, COMPOSE "service", desired->name);
    put(labels, COMPOSE "container-number", instance);
    put(labels, COMPOSE "oneoff", "False");
    put(labels, COMPOSE "config-hash", hash);
    put_files(labels, environment->file);
}

static void put_pairs(json_t *labels, const struct pair_list *pairs) {
    for (size_t i = 0; i < pairs->count; i++)
        put(labels, pairs->items[i].key, pairs->items[i].value);
}

json_t *docker_labels(const struct environment *environment, const struct resource *desired) {
    json_t *labels = json_object();
    cleanup_free char *applied = docker_applied_encode(desired);
    if (desired->network) {
        put_pairs(labels, &desired->network->labels);
        put(labels, COMPOSE "network", desired->name);
    } else if (desired->volume) {
        put_pairs(labels, &desired->volume->labels);
        put(labels, COMPOSE "volume", desired->name);
    } else if (desired->service) {
        put_service(labels, environment, desired, applied);
    }
    put_identity(labels, environment, desired->name);
    put(labels, LABEL_LAST_APPLIED, applied);
    return labels;
}

json_t *docker_files_labels(const struct environment *environment, const struct service *service,
                            const char *directory) {
    json_t *labels = json_object();
    put(labels, LABEL_PROJECT, environment->project);
    put(labels, LABEL_ENVIRONMENT, environment->name);
    put(labels, LABEL_NAME, service->name);
    put(labels, LABEL_ROLE, "files");
    put(labels, LABEL_FILES_IMAGE, service->image);
    put(labels, LABEL_FILES_TARGET, directory);
    return labels;
}

static const char *label(const json_t *labels, const char *key) {
    return json_string_value(json_object_get(labels, key));
}

bool docker_owned(const json_t *labels, const char *project, const char *environment) {
    const char *its_project = label(labels, LABEL_PROJECT);
    const char *its_environment = label(labels, LABEL_ENVIRONMENT);
    return its_project && its_environment && strcmp(its_project, project) == 0 &&
           strcmp(its_environment, environment) == 0;
}

char *docker_owner(struct arena *arena, const json_t *labels) {
    const char *project = label(labels, LABEL_PROJECT);
    const char *environment = label(labels, LABEL_ENVIRONMENT);
    if (project && environment)
        return arena_format(arena, "environment %s of project %s", environment, project);
    const char *compose = label(labels, COMPOSE "project");
    if (compose)
        return arena_format(arena, "Compose project %s", compose);
    return arena_copy(arena, "something that tse-reconcile did not make");
}

bool docker_label_is_internal(const char *key) {
    /* Docker Desktop adds some of its own. */
    static const char *const prefixes[] = {"tse.io/", COMPOSE, "desktop.docker.io/"};
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++)
        if (strncmp(key, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

/* The secret a field's value comes from: a name for variables, "" for files. */
static const char *secret_name(const struct service *service, const char *path) {
    static const char prefix[] = "environment.";
    if (!service || strncmp(path, prefix, sizeof prefix - 1) != 0)
        return "";
    const char *name = path + sizeof prefix - 1;
    for (size_t i = 0; i < service->environment_count; i++)
        if (strcmp(service->environment[i].name, name) == 0 && service->environment[i].secret)
            return service->environment[i].secret;
    return "";
}

char *docker_applied_encode(const struct resource *desired) {
    json_auto_t *fields = json_object();
    for (size_t i = 0; i < desired->fields.count; i++) {
        const struct field *field = &desired->fields.items[i];
        if (strncmp(field->path, "effective.", 10) == 0)
            continue;
        json_t *value =
            field->secret ? json_pack("{s:s}", "secret", secret_name(desired->service, field->path))
                          : json_string(field->value);
        if (value && json_object_set_new(fields, field->path, value) != 0)
            continue; /* not UTF-8, which the request's body will say */
    }
    char *text = json_dumps(fields, JSON_COMPACT);
    return text ? text : copy_text("{}");
}

struct field_list docker_applied_decode(struct docker_strings *strings, struct arena *arena,
                                        const json_t *labels) {
    const char *text = label(labels, LABEL_LAST_APPLIED);
    if (!text)
        return (struct field_list){0};
    json_auto_t *document = json_loads(text, 0, NULL);
    cleanup_docker_fields struct docker_fields fields;
    docker_fields_begin(&fields, strings);
    const char *path;
    json_t *value;
    json_object_foreach(document, path, value) {
        if (json_is_string(value))
            docker_fields_add(&fields, path, NULL, json_string_value(value));
        else if (json_is_object(value) && json_object_get(value, "secret"))
            field_add_secret(&fields.builder, docker_path(&fields, path, NULL), DOCKER_SECRET);
    }
    return docker_fields_keep(&fields, arena);
}
