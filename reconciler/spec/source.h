/*
 * Reading a user's file whole, with bounds, so that a directory, a named pipe, /dev/zero or a huge
 * file given by mistake is an error and never a hang.
 */
#ifndef TSE_SPEC_SOURCE_H
#define TSE_SPEC_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

struct error;

struct source {
    char *text; /* malloc'd, NUL-terminated, may hold more NULs; free with source_free() */
    size_t size;
    struct stat identity; /* as it was when read */
};

/* Reads a regular file of at most `limit` bytes. Returns 0, or -1 and an error that says what to
 * do, without the file's name. */
int source_read(const char *file, size_t limit, struct source *source, struct error *error);
void source_free(struct source *source);

/* Whether two looks at a file saw the same content, as far as the file system can tell. */
bool source_unchanged(const struct stat *before, const struct stat *now);

#define cleanup_source __attribute__((cleanup(source_free)))

#endif
