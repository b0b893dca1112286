/*
 * Observed mounts, and the checks of uploaded files. A volume in a container is one of three: a
 * declared one (a field), one that holds a read-only service's files (see body_mounts.c), or an
 * anonymous one of the image's (not a field, but carried over when the container is replaced). One
 * where the image declares a VOLUME may hold data besides files, and counts as both.
 */
#include "engines/docker/inspect.h"

#include <string.h>

/* The engine names a volume that nobody named by 64 hex digits. */
static bool is_anonymous(const char *name) {
    return strlen(name) == 64 && strspn(name, "0123456789abcdef") == 64;
}

/* The source as it was declared: some engines show where they really took it from. */
static const char *declared_source(const struct docker_inspection *inspection, const char *target) {
    size_t i;
    json_t *mount;
    json_array_foreach(json_object_get(inspection->host, "Mounts"), i, mount) {
        const char *other = docker_member(mount, "Target");
        if (other && strcmp(other, target) == 0)
            return docker_member(mount, "Source");
    }
    return NULL;
}

static void add_mount(struct docker_inspection *inspection, const char *kind, const char *source,
                      const char *target, const json_t *mount) {
    struct arena *scratch = inspection->fields.scratch;
    bool read_only = !json_is_true(json_object_get(mount, "RW"));
    docker_add_observed(
        inspection, docker_observed_path(inspection, "mounts", docker_clean_path(scratch, target)),
        docker_text_mount(scratch, kind, source, read_only));
}

static void keep_data(struct docker_inspection *inspection, struct docker_container_data *data,
                      const char *name, const char *target) {
    struct docker_view *view = inspection->view;
    data->anonymous[data->anonymous_count++] = (struct docker_anonymous_volume){
        docker_view_keep(view, name), docker_view_keep(view, target)};
}

static void add_volume(struct docker_inspection *inspection, struct docker_container_data *data,
                       const char *target, const json_t *mount) {
    struct docker_view *view = inspection->view;
    const char *name = docker_member(mount, "Name");
    if (!name)
        return;
    struct docker_volume_view *volume = docker_view_volume(view, name);
    if (volume)
        volume->used = true;
    bool for_files = volume && volume->files;
    if (!for_files && volume && volume->name) {
        add_mount(inspection, "volume", volume->name, target, mount);
        return;
    }
    if (!for_files && !is_anonymous(name)) {
        add_mount(inspection, "volume", name, target, mount);
        return;
    }
    bool holds_data = !for_files || !inspection->image_config ||
                      docker_image_has_volume(inspection->image_config, target);
    const char *path = docker_observed_path(inspection, "filesVolume", target);
    if (holds_data)
        keep_data(inspection, data, name, target);
    if (!holds_data || docker_is_declared(inspection, path))
        docker_add_observed(inspection, path, "writable");
}

void docker_inspect_mounts(struct docker_inspection *inspection,
                           struct docker_container_data *data) {
    size_t i, count = json_array_size(inspection->mounts);
    if (count)
        data->anonymous =
            arena_array(inspection->view->arena, struct docker_anonymous_volume, count);
    json_t *mount;
    json_array_foreach(inspection->mounts, i, mount) {
        const char *type = docker_member(mount, "Type"),
                   *target = docker_member(mount, "Destination");
        if (!type || !target || strcmp(type, "tmpfs") == 0)
            continue;
        if (strcmp(type, "volume") == 0) {
            add_volume(inspection, data, target, mount);
            continue;
        }
        const char *source = declared_source(inspection, target);
        if (!source)
            source = docker_member(mount, "Source");
        add_mount(inspection, type, source ? source : "", target, mount);
    }
}

/* --- files --------------------------------------------------------------------------------------
 */

static void enter_check(struct docker_inspection *inspection, const char *path, bool secret) {
    struct docker_view *view = inspection->view;
    struct docker_file_check *check = arena_alloc(view->arena, sizeof *check);
    check->resource = view->resource_count - 1;
    check->path = docker_view_keep(view, path);
    check->secret = secret;
    check->next = view->checks;
    view->checks = check;
}

static bool is_file_path(const char *path) {
    return strncmp(path, "files.", 6) == 0 || strncmp(path, "reloadable.", 11) == 0;
}

/* The other path a file may have: what reloads it can change alone. */
static char *other_path(struct docker_inspection *inspection, const char *path) {
    bool reloadable = strncmp(path, "reloadable.", 11) == 0;
    return docker_observed_path(inspection, reloadable ? "files" : "reloadable",
                                path + (reloadable ? 11 : 6));
}

/* Files that were applied and are no longer declared are there until the container is replaced. */
static void keep_undeclared(struct docker_inspection *inspection) {
    const struct field_list *applied = &inspection->container->applied;
    for (size_t i = 0; i < applied->count; i++) {
        const struct field *field = &applied->items[i];
        if (!is_file_path(field->path) || docker_is_declared(inspection, field->path) ||
            docker_is_declared(inspection, other_path(inspection, field->path)))
            continue;
        enter_check(inspection, field->path, field->secret);
        inspection->view->checks->value = field->value;
    }
}

void docker_inspect_files(struct docker_inspection *inspection) {
    const struct field_list *declared = inspection->desired ? &inspection->desired->fields : NULL;
    if (inspection->container->state == RUN_DEAD)
        return; /* cannot be looked into, and is only to be removed */
    keep_undeclared(inspection);
    for (size_t i = 0; declared && i < declared->count; i++)
        if (is_file_path(declared->items[i].path))
            enter_check(inspection, declared->items[i].path, declared->items[i].secret);
}
