/*
 * Request bodies: what is mounted into a container. Besides the declared mounts these are
 *
 * - volumes for files: the engine refuses to upload into a read-only root file system, but not into
 *   a volume in it. So each directory that gets files has an anonymous volume of its own, which
 *   starts with what the image has there. It carries labels, belongs to one container only, is not
 *   taken over by its successor, and observe reports the ones nobody uses any more, to be removed.
 * - the anonymous volumes of the image's VOLUMEs, carried over from the container being replaced,
 *   because they may hold data. Files that go into such a directory go into that volume, beside the
 *   data, and it is kept like the others.
 */
#include "engines/docker/fields.h"

#include <string.h>

static bool inside_mount(struct arena *arena, const struct service *service, const char *path) {
    for (size_t i = 0; i < service->mount_count; i++)
        if (docker_path_inside(path, docker_clean_path(arena, service->mounts[i].target)))
            return true;
    return false;
}

/* The directory a file is in, or NULL: the root directory cannot be a volume. */
static char *parent(struct arena *arena, const char *target) {
    char *path = docker_clean_path(arena, target);
    char *slash = strrchr(path, '/');
    if (!slash || slash == path)
        return NULL;
    *slash = '\0';
    return path;
}

size_t docker_files_directories(struct arena *arena, const struct service *service,
                                const char ***directories) {
    *directories = arena_array(arena, const char *, service->file_count + 1);
    if (!service->read_only)
        return 0;
    size_t found = 0, kept = 0;
    for (size_t i = 0; i < service->file_count; i++) {
        char *directory = parent(arena, service->files[i].target);
        if (directory && !inside_mount(arena, service, directory))
            (*directories)[found++] = directory;
    }
    docker_sort_texts(*directories, found);
    for (size_t i = 0; i < found; i++) {
        bool covered = false;
        for (size_t j = 0; j < kept && !covered; j++)
            covered = docker_path_inside((*directories)[i], (*directories)[j]);
        if (!covered)
            (*directories)[kept++] = (*directories)[i];
    }
    return kept;
}

static json_t *declared_mount(struct arena *arena, const struct environment *environment,
                              const struct mount *mount, const char **bad) {
    json_t *object = json_object();
    bool volume = mount->kind == MOUNT_VOLUME;
    docker_put_text(object, "Type", volume ? "volume" : "bind", bad);
    docker_put_text(
        object, "Source",
        volume ? docker_name(arena, environment->project, mount->volume, 0) : mount->source, bad);
    docker_put_text(object, "Target", docker_clean_path(arena, mount->target), bad);
    if (mount->read_only)
        json_object_set_new(object, "ReadOnly", json_true());
    return object;
}

static json_t *files_mount(const struct environment *environment, const struct service *service,
                           const char *directory, const char **bad) {
    json_t *object = json_object();
    docker_put_text(object, "Type", "volume", bad);
    docker_put_text(object, "Target", directory, bad);
    json_object_set_new(
        object, "VolumeOptions",
        json_pack("{s:o}", "Labels", docker_files_labels(environment, service, directory)));
    return object;
}

static json_t *carried_mount(const struct docker_anonymous_volume *volume, const char **bad) {
    json_t *object = json_object();
    docker_put_text(object, "Type", "volume", bad);
    docker_put_text(object, "Source", volume->name, bad);
    docker_put_text(object, "Target", volume->target, bad);
    return object;
}

/* What the predecessor keeps in that directory, or NULL. */
static const struct docker_anonymous_volume *carried_at(const struct docker_container_data *data,
                                                        const char *directory) {
    for (size_t i = 0; data && i < data->anonymous_count; i++)
        if (strcmp(data->anonymous[i].target, directory) == 0)
            return &data->anonymous[i];
    return NULL;
}

static bool has_target(const json_t *mounts, const char *target) {
    size_t i;
    json_t *mount;
    json_array_foreach(mounts, i, mount) {
        const char *other = json_string_value(json_object_get(mount, "Target"));
        if (other && strcmp(other, target) == 0)
            return true;
    }
    return false;
}

static bool is_tmpfs(struct arena *arena, const struct service *service, const char *target) {
    for (size_t i = 0; i < service->tmpfs.count; i++)
        if (strcmp(docker_clean_path(arena, service->tmpfs.items[i].key), target) == 0)
            return true;
    return false;
}

/* What the service now puts in the same place wins. */
static void carry_over(struct arena *arena, json_t *mounts, const struct service *service,
                       const struct docker_container_data *data, const char **bad) {
    for (size_t i = 0; data && i < data->anonymous_count; i++) {
        const struct docker_anonymous_volume *volume = &data->anonymous[i];
        if (has_target(mounts, volume->target) || is_tmpfs(arena, service, volume->target))
            continue;
        json_array_append_new(mounts, carried_mount(volume, bad));
    }
}

json_t *docker_mounts(const struct environment *environment, const struct action *action,
                      const char **bad) {
    const struct service *service = action->desired->service;
    cleanup_arena struct arena *arena = arena_new();
    json_t *mounts = json_array();
    for (size_t i = 0; i < service->mount_count; i++)
        json_array_append_new(mounts, declared_mount(arena, environment, &service->mounts[i], bad));
    const char **directories;
    size_t count = docker_files_directories(arena, service, &directories);
    const struct docker_container_data *data =
        action->observed ? action->observed->engine_data : NULL;
    for (size_t i = 0; i < count; i++) {
        const struct docker_anonymous_volume *carried = carried_at(data, directories[i]);
        json_array_append_new(mounts, carried
                                          ? carried_mount(carried, bad)
                                          : files_mount(environment, service, directories[i], bad));
    }
    carry_over(arena, mounts, service, data, bad);
    return mounts;
}
