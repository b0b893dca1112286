/* Bounded reading of whole files; see source.h. */
#include "spec/source.h"

#include "base/error.h"
#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void close_descriptor(const int *descriptor) {
    if (*descriptor >= 0)
        close(*descriptor);
}

static const char *kind_of(mode_t mode) {
    if (S_ISDIR(mode))
        return "it is a directory";
    if (S_ISFIFO(mode))
        return "it is a pipe";
    if (S_ISSOCK(mode))
        return "it is a socket";
    return "it is a device";
}

static int check_kind(const struct stat *status, size_t limit, struct error *error) {
    if (!S_ISREG(status->st_mode))
        return error_set(error, ERROR_INPUT, "%s, not a regular file: name a regular file",
                         kind_of(status->st_mode));
    if ((uintmax_t)status->st_size > limit)
        return error_set(error, ERROR_INPUT,
                         "it has %jd bytes, more than the %zu MiB that are read: split it up",
                         (intmax_t)status->st_size, limit >> 20);
    return 0;
}

static int system_error(struct error *error) {
    switch (errno) {
    case ENOENT:
        return error_set(error, ERROR_INPUT,
                         "no such file: check the name, which is relative to "
                         "the file (or the directory) that names it");
    case EACCES:
        return error_set(error, ERROR_INPUT, "permission denied: make it readable for this user");
    default:
        return error_set(error, ERROR_INPUT, "cannot be read: %s", strerror(errno));
    }
}

/* Reads to the end of the file, which may have grown since its size was asked for. */
static int read_all(int descriptor, size_t limit, struct source *source, struct error *error) {
    size_t capacity = (size_t)source->identity.st_size + 1;
    source->text = memory_alloc(capacity + 1);
    for (;;) {
        if (source->size == capacity) {
            capacity = capacity * 2 > limit ? limit + 1 : capacity * 2;
            source->text = memory_resize(source->text, capacity + 1);
        }
        ssize_t got = read(descriptor, source->text + source->size, capacity - source->size);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return system_error(error);
        if (got == 0)
            break;
        source->size += (size_t)got;
        if (source->size > limit)
            return error_set(error, ERROR_INPUT,
                             "it has more than the %zu MiB that are read: split it up",
                             limit >> 20);
    }
    source->text[source->size] = '\0';
    return 0;
}

int source_read(const char *file, size_t limit, struct source *source, struct error *error) {
    *source = (struct source){0};
    /* Asked before opening, because opening a device can do things; and again after, because the
     * name may mean another file by then. O_NONBLOCK keeps a pipe without a writer from hanging. */
    if (stat(file, &source->identity) != 0)
        return system_error(error);
    if (check_kind(&source->identity, limit, error) != 0)
        return -1;
    __attribute__((cleanup(close_descriptor))) int descriptor =
        open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (descriptor < 0 || fstat(descriptor, &source->identity) != 0)
        return system_error(error);
    if (check_kind(&source->identity, limit, error) != 0)
        return -1;
    if (read_all(descriptor, limit, source, error) != 0) {
        source_free(source);
        return -1;
    }
    return 0;
}

void source_free(struct source *source) {
    free(source->text);
    source->text = NULL;
    source->size = 0;
}

bool source_unchanged(const struct stat *before, const struct stat *now) {
    return before->st_dev == now->st_dev && before->st_ino == now->st_ino &&
           before->st_size == now->st_size && before->st_mtim.tv_sec == now->st_mtim.tv_sec &&
           before->st_mtim.tv_nsec == now->st_mtim.tv_nsec;
}
