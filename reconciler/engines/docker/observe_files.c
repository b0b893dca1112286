/*
 * Asking for the state of uploaded files: a look at size, mode and time (HEAD
 * /containers/{id}/archive) for most, the content itself for secret ones, whose digest is nowhere.
 */
#include "engines/docker/observe.h"

#include <string.h>

/* What the tar around a file may take: headers and padding. */
#define ARCHIVE_MARGIN ((size_t)64 << 10)

static const struct resource *container_of(const struct docker_observation *observation,
                                           const struct docker_file_check *check) {
    return &observation->view.resources[check->resource];
}

/* The target in a field's path: "files./etc/app.conf". */
static const char *target_of(const struct docker_file_check *check) {
    return strchr(check->path, '.') + 1;
}

static const struct file *file_of(const struct docker_observation *observation,
                                  const struct docker_file_check *check) {
    const struct resource *desired =
        docker_view_desired(&observation->view, container_of(observation, check)->key);
    const struct service *service = desired ? desired->service : NULL;
    cleanup_arena struct arena *scratch = arena_new();
    for (size_t i = 0; service && i < service->file_count; i++)
        if (strcmp(docker_clean_path(scratch, service->files[i].target), target_of(check)) == 0)
            return &service->files[i];
    return NULL;
}

/* The applied field of the file, under either of its prefixes. */
static struct field *applied_field(struct resource *container, const char *target) {
    for (size_t i = 0; i < container->applied.count; i++) {
        struct field *field = &container->applied.items[i];
        const char *dot = strchr(field->path, '.');
        if (dot && strcmp(dot + 1, target) == 0 &&
            (strncmp(field->path, "files.", 6) == 0 ||
             strncmp(field->path, "reloadable.", 11) == 0))
            return field;
    }
    return NULL;
}

static const char *declared_value(const struct docker_observation *observation,
                                  const struct docker_file_check *check) {
    const struct resource *desired =
        docker_view_desired(&observation->view, container_of(observation, check)->key);
    return desired ? field_value(&desired->fields, check->path) : NULL;
}

static void look_at(struct docker_observation *observation, struct docker_file_check *check,
                    const struct docker_path_stat *stat) {
    struct resource *container = &observation->view.resources[check->resource];
    struct field *applied = applied_field(container, target_of(check));
    bool earlier;
    check->value =
        docker_file_observed(file_of(observation, check), declared_value(observation, check),
                             applied && !applied->secret ? applied->value : NULL, stat, &earlier);
    /* A file uploaded into a running container: its label is of the time before. */
    if (earlier && applied && !applied->secret && strcmp(applied->path, check->path) == 0 &&
        strncmp(check->path, "reloadable.", 11) == 0)
        applied->value = check->value;
}

/* The body of a GET says why a HEAD failed: a directory of the path may have become something else.
 */
static int answer_trouble(struct docker_observation *observation, struct docker_query *query,
                          const struct http_response *response, struct error *error) {
    if (response->outcome == HTTP_TOO_LARGE ||
        (response->outcome == HTTP_OK && (response->status == 200 || response->status == 404)))
        return 0;
    cleanup_free char *message =
        response->outcome == HTTP_OK ? docker_message(response) : copy_text("");
    if (docker_says(message, "not a directory")) {
        query->check->value = "modified outside";
        return 0;
    }
    return docker_error(observation->engine, response, "cannot look at an uploaded file", error);
}

static int ask_trouble(struct docker_observation *observation, struct docker_query *query) {
    struct docker_query *second = docker_ask(observation, copy_text(query->path), answer_trouble);
    second->check = query->check;
    second->max_body = ARCHIVE_MARGIN;
    return 0;
}

static int answer_stat(struct docker_observation *observation, struct docker_query *query,
                       const struct http_response *response, struct error *error) {
    if (response->outcome == HTTP_OK && response->status == 404)
        return 0; /* the file is not there, or the container is not any more */
    if (response->outcome == HTTP_OK && response->status >= 500)
        return ask_trouble(observation, query);
    struct docker_path_stat stat;
    const char *header = http_header(response, "X-Docker-Container-Path-Stat");
    if (response->outcome != HTTP_OK || response->status != 200 ||
        docker_path_stat_read(header, &stat) != 0)
        return docker_error(observation->engine, response, "cannot look at an uploaded file",
                            error);
    look_at(observation, query->check, &stat);
    return 0;
}

/* Digests of secrets live no longer than the observation, and only in memory. */
static int answer_content(struct docker_observation *observation, struct docker_query *query,
                          const struct http_response *response, struct error *error) {
    if (response->outcome == HTTP_TOO_LARGE) {
        query->check->value = "modified outside";
        return 0;
    }
    if (response->outcome == HTTP_OK && response->status == 404)
        return 0;
    if (response->outcome != HTTP_OK || response->status != 200)
        return answer_trouble(observation, query, response, error);
    struct docker_archived file;
    if (docker_archive_read(response->body, response->body_size, &file) != 0) {
        query->check->value = "not a regular file";
        return 0;
    }
    char digest[DOCKER_DIGEST_SIZE];
    docker_digest(digest, file.data, file.size);
    query->check->value =
        docker_is_staged(file.mtime)
            ? DOCKER_STAGED
            : docker_text_file(observation->view.arena, digest, file.mode, file.uid, file.gid);
    return 0;
}

static void ask(struct docker_observation *observation, struct docker_file_check *check) {
    cleanup_free char *target = docker_encode(target_of(check));
    char *path =
        format_text("/containers/%s/archive?path=%s", container_of(observation, check)->id, target);
    const struct file *file = file_of(observation, check);
    struct docker_query *query =
        docker_ask(observation, path, check->secret ? answer_content : answer_stat);
    query->head = !check->secret;
    query->check = check;
    if (check->secret)
        query->max_body = (file ? file->size : 0) + ARCHIVE_MARGIN;
}

void docker_ask_files(struct docker_observation *observation, struct docker_file_check *until) {
    for (struct docker_file_check *check = observation->view.checks; check != until;
         check = check->next)
        if (!check->value)
            ask(observation, check);
}
