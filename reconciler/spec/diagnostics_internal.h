/* What collecting (diagnostics.c) and printing (diagnostics_print.c) share. */
#ifndef TSE_SPEC_DIAGNOSTICS_INTERNAL_H
#define TSE_SPEC_DIAGNOSTICS_INTERNAL_H

#include "spec/diagnostics.h"

#include <sys/stat.h>
#include <uthash.h>

#define DIAGNOSTICS_MAX 100

struct hidden_lines {
    unsigned first, last;
};

struct diagnostics_file { /* what is known of a file besides its problems */
    char *name;
    char *text; /* kept for it, or NULL */
    size_t size;
    struct stat identity; /* valid if has_identity */
    bool has_identity;
    bool hidden; /* no line may be quoted */
    struct hidden_lines *hidden_lines;
    size_t hidden_count;
    UT_hash_handle hh;
};

struct diagnostics {
    struct diagnostic *items[DIAGNOSTICS_MAX]; /* sorted; each owns its texts */
    size_t count;
    size_t errors, warnings; /* of all, kept or not */
    struct diagnostics_file *files;
};

/* What is known of a file, or NULL. */
const struct diagnostics_file *diagnostics_file(const struct diagnostics *diagnostics,
                                                const char *name);
bool diagnostics_line_hidden(const struct diagnostics *diagnostics, const char *file,
                             unsigned line);

#endif
