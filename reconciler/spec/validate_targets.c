/* Files, mounts and tmpfs of a service that are put at the same path, inside of a file, or over
 * each other. */
#include "base/memory.h"
#include "spec/validate.h"

#include <stdlib.h>
#include <string.h>

struct target {
    const char *path;
    const char *field; /* "files", "mounts" or "tmpfs" */
    bool read_only;
    struct position at;
    /* The nearest of each that this one is inside of, or NULL. */
    const struct target *around, *file, *mount;
};

/* By path with "/" before all other characters, so that what is inside of a folder follows it. */
static int compare_paths(const char *a, const char *b) {
    while (*a && *a == *b) {
        a++;
        b++;
    }
    int left = *a == '/' ? 1 : (unsigned char)*a + (*a != '\0');
    int right = *b == '/' ? 1 : (unsigned char)*b + (*b != '\0');
    return left - right;
}

static int compare_targets(const void *left, const void *right) {
    const struct target *a = left, *b = right;
    int order = compare_paths(a->path, b->path);
    if (order == 0)
        order = strcmp(a->field, b->field);
    if (order == 0)
        order = (a->at.line > b->at.line) - (a->at.line < b->at.line);
    return order ? order : (a->at.column > b->at.column) - (a->at.column < b->at.column);
}

static void add_target(struct target *targets, size_t *count, struct target target) {
    if (target.path)
        targets[(*count)++] = target;
}

static size_t collect(const struct service *service, struct target *targets) {
    size_t count = 0;
    for (size_t i = 0; i < service->file_count; i++) {
        const struct file *file = &service->files[i];
        add_target(targets, &count,
                   (struct target){.path = file->target, .field = "files", .at = file->at});
    }
    for (size_t i = 0; i < service->mount_count; i++) {
        const struct mount *mount = &service->mounts[i];
        add_target(targets, &count,
                   (struct target){.path = mount->target,
                                   .field = "mounts",
                                   .read_only = mount->read_only,
                                   .at = mount->at});
    }
    for (size_t i = 0; i < service->tmpfs.count; i++) {
        const struct pair *pair = &service->tmpfs.items[i];
        add_target(targets, &count,
                   (struct target){.path = pair->key, .field = "tmpfs", .at = pair->at});
    }
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

static bool is_of(const struct target *target, const char *field) {
    return strcmp(target->field, field) == 0;
}

/* Finds what each target is inside of, in one walk over them in their order. */
static void nest(struct target *targets, size_t count) {
    for (size_t i = 1; i < count; i++) {
        const struct target *around = &targets[i - 1];
        while (around && !is_inside(targets[i].path, around->path))
            around = around->around;
        targets[i].around = around;
        if (!around || strcmp(around->path, "/") == 0)
            continue; /* nothing can be at /, which is reported once */
        targets[i].file = is_of(around, "files") ? around : around->file;
        targets[i].mount = is_of(around, "files") ? around->mount : around;
    }
}

/* Files are uploaded before the start, when a tmpfs is not there yet: it would hide them. */
static void check_reachable(struct reading *reading, const struct service *service,
                            const struct target *target) {
    struct place place = place_of(service, target);
    const bool is_file = is_of(target, "files");
    if (strcmp(target->path, "/") == 0)
        problem_in(reading, &place, is_file ? "name the file: /etc/name" : "name a folder in it",
                   is_file ? "\"/\" is a folder in every image, and cannot be a file"
                           : "\"/\" is the image's own, and nothing can be mounted over it");
    else if (target->file)
        problem_in(reading, &place, "put one of them elsewhere",
                   "\"%s\" cannot be there: \"%s\" is a file, not a folder (%s:%u)", target->path,
                   target->file->path, target->file->at.file, target->file->at.line);
    else if (is_file && target->mount && is_of(target->mount, "tmpfs"))
        problem_in(reading, &place, "put it elsewhere, or use a volume instead of the tmpfs",
                   "\"%s\" would be hidden by the tmpfs on \"%s\"", target->path,
                   target->mount->path);
    else if (is_file && target->mount && target->mount->read_only)
        problem_in(reading, &place, "put it elsewhere, or take readOnly out of the mount",
                   "\"%s\" cannot be written: the mount on \"%s\" is read-only", target->path,
                   target->mount->path);
}

void validate_targets(struct reading *reading) {
    for (size_t i = 0; i < reading->environment->service_count; i++) {
        const struct service *service = &reading->environment->services[i];
        size_t most = service->file_count + service->mount_count + service->tmpfs.count;
        if (most == 0)
            continue;
        cleanup_free struct target *targets = memory_alloc(most * sizeof *targets);
        size_t count = collect(service, targets);
        qsort(targets, count, sizeof *targets, compare_targets);
        check_duplicates(reading, service, targets, count);
        nest(targets, count);
        for (size_t j = 0; j < count; j++)
            check_reachable(reading, service, &targets[j]);
    }
}
