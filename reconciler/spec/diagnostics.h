/*
 * Problems with positions, collected so that one run shows all of them, and printed like a
 * compiler's:
 *
 *   environments/dev.yaml:14:12: error: services.redis.ports[0]: "70000" is not a port (1-65535)
 *      14 |   ports: ["70000:6379"]
 *         |           ^~~~~~~~~~~~
 *
 * then, where one is known, "help: did you mean …".
 */
#ifndef TSE_SPEC_DIAGNOSTICS_H
#define TSE_SPEC_DIAGNOSTICS_H

#include "spec/environment.h"

#include <stdio.h>

enum severity { SEVERITY_WARNING, SEVERITY_ERROR };

struct diagnostic {
    enum severity severity;
    struct position at;
    unsigned width;      /* columns to underline; at least 1 */
    const char *path;    /* "services.redis.ports[0]", or NULL */
    const char *message; /* what is wrong */
    const char *help;    /* what to do, "did you mean …", or NULL */
};

struct diagnostics; /* opaque; keeps at most 100 problems and counts the rest */

struct diagnostics *diagnostics_new(void);
void diagnostics_free(struct diagnostics *diagnostics);

/* Copies everything it is given. A problem with the position and message of one that is kept is
 * dropped. When all places are taken, an error takes the place of the last warning. */
void diagnostics_add(struct diagnostics *diagnostics, const struct diagnostic *diagnostic);

/* Adds all of `from` to `to`; `from` keeps them. */
void diagnostics_add_all(struct diagnostics *to, const struct diagnostics *from);

/* Gives the text that `file` stands for, so that its lines can be quoted; without it, the file of
 * that name is read again when printing. Copied. */
void diagnostics_keep_text(struct diagnostics *diagnostics, const char *file, const char *text,
                           size_t size);
/* Says what `file` looked like when it was read: if it has changed by the time of printing, its
 * lines are not quoted, because the line numbers may mean other lines. */
struct stat;
void diagnostics_keep_identity(struct diagnostics *diagnostics, const char *file,
                               const struct stat *identity);

/* Marks lines (from 1) as holding a secret: they are never quoted. */
void diagnostics_hide_lines(struct diagnostics *diagnostics, const char *file, unsigned first,
                            unsigned last);
/* The same for every line of a file. */
void diagnostics_hide_file(struct diagnostics *diagnostics, const char *file);

/* How many there are, those that were not kept included. */
size_t diagnostics_errors(const struct diagnostics *diagnostics);
size_t diagnostics_warnings(const struct diagnostics *diagnostics);
/* Those that are kept, sorted by file, line, column. */
size_t diagnostics_count(const struct diagnostics *diagnostics);
const struct diagnostic *diagnostics_get(const struct diagnostics *diagnostics, size_t index);

/* Sorted by file, line, column; with source lines and carets; coloured if asked. A source line that
 * is known to hold a secret is never quoted. Control characters are shown as "\\x1b". */
void diagnostics_print(const struct diagnostics *diagnostics, FILE *out, bool colour);
/* {"errors": 1, "warnings": 0, "diagnostics": [{"severity": "error", "file": …, "line": …,
 * "column": …, "width": …, "path": …, "message": …, "help": …}]}; what is not known is left out. */
struct json_t;
struct json_t *diagnostics_json(const struct diagnostics *diagnostics); /* a new reference */
void diagnostics_print_json(const struct diagnostics *diagnostics, FILE *out);

#endif
