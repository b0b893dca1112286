/* Files, mounts and tmpfs of a service that are put at the same path, or over each other. */
#include "base/memory.h"
#include "spec/validate.h"

#include <stdlib.h>
#include <string.h>

struct target {
    const char *path;
    const char *field; /* "files", "mounts" or "tmpfs" */
    struct position at;
};

static int compare_targets(const void *left, const void *right) {
    const struct target *a = left, *b = right;
    int order = strcmp(a->path, b->path);
    if (order == 0)
        order = strcmp(a->field, b->field);
    if (order == 0)
        order = (a->at.line > b->at.line) - (a->at.line < b->at.line);
    return order ? order : (a->at.column > b->at.column) - (a->at.column < b->at.column);
}

static void add_target(struct target *targets, size_t *count, const char *path, const char *field,
                       struct position at) {
    if (path)
        targets[(*count)++] = (struct target){path, field, at};
}

static size_t collect(const struct service *service, struct target *targets) {
    size_t count = 0;
    for (size_t i = 0; i < service->file_count; i++)
        add_target(targets, &count, service->files[i].target, "files", service->files[i].at);
    for (size_t i = 0; i < service->mount_count; i++)
        add_target(targets, &count, service->mounts[i].target, "mounts", service->mounts[i].at);
    for (size_t i = 0; i < service->tmpfs.count; i++)
        add_target(targets, &count, service->tmpfs.items[i].key, "tmpfs",
                   service->tmpfs.items[i].at);
    return count;
}

static struct place place_of(const struct service *service, const struct target *target) {
    bool is_map = strcmp(target->field, "tmpfs") == 0;
    struct place place = {{"services", service->name, target->field, is_map ? target->path : "[]"},
                          target->at};
    return place;
}

static void check_duplicates(struct reading *reading, const struct service *service,
                             const struct target *targets, size_t count) {
    for (size_t i = 1; i < count; i++) {
        if (strcmp(targets[i - 1].path, targets[i].path) != 0)
            continue;
        struct place place = place_of(service, &targets[i]);
        problem_in(reading, &place, "keep one of them",
                   "\"%s\" is already the target of an entry of `%s` (%s:%u)", targets[i].path,
                   targets[i - 1].field, targets[i - 1].at.file, targets[i - 1].at.line);
    }
}

static bool is_inside(const char *path, const char *folder) {
    size_t length = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    return strncmp(path, folder, length) == 0 && path[length] == '/' && path[length + 1];
}

/* Files are uploaded before the start, when a tmpfs is not there yet: it would hide them. */
static void check_reachable(struct reading *reading, const struct service *service,
                            const struct file *file) {
    struct place place = {{"services", service->name, "files", "[]"}, file->at};
    for (size_t i = 0; i < service->tmpfs.count; i++)
        if (is_inside(file->target, service->tmpfs.items[i].key))
            problem_in(reading, &place, "put it elsewhere, or use a volume instead of the tmpfs",
                       "\"%s\" would be hidden by the tmpfs on \"%s\"", file->target,
                       service->tmpfs.items[i].key);
    for (size_t i = 0; i < service->mount_count; i++) {
        const struct mount *mount = &service->mounts[i];
        if (mount->read_only && mount->target && is_inside(file->target, mount->target))
            problem_in(reading, &place, "put it elsewhere, or take readOnly out of the mount",
                       "\"%s\" cannot be written: the mount on \"%s\" is read-only", file->target,
                       mount->target);
    }
}

void validate_targets(struct reading *reading) {
    for (size_t i = 0; i < reading->environment->service_count; i++) {
        const struct service *service = &reading->environment->services[i];
        size_t most = service->file_count + service->mount_count + service->tmpfs.count;
        if (most < 2)
            continue;
        cleanup_free struct target *targets = memory_alloc(most * sizeof *targets);
        size_t count = collect(service, targets);
        qsort(targets, count, sizeof *targets, compare_targets);
        check_duplicates(reading, service, targets, count);
        for (size_t j = 0; j < service->file_count; j++)
            check_reachable(reading, service, &service->files[j]);
    }
}
