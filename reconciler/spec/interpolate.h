/*
 * ${VAR} as in the Compose specification: $VAR, ${VAR}, ${VAR:-default}, ${VAR-default},
 * ${VAR:?message}, ${VAR?message}, ${VAR:+other}, ${VAR+other}, nested in defaults; $$ is a dollar
 * sign. In files with `interpolate: true` also ${secret:NAME}.
 */
#ifndef TSE_SPEC_INTERPOLATE_H
#define TSE_SPEC_INTERPOLATE_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct diagnostics;
struct node;
struct variables;

/* Variables: envFiles first, the process environment over them. */
struct variables *variables_new(struct arena *arena, const char *const *process_environment);
/* Reads a file in .env syntax (as docker compose does: comments, export, quotes, escapes,
 * interpolation of earlier variables). Returns 0, or -1 with diagnostics. */
int variables_read_file(struct variables *variables, const char *file,
                        struct diagnostics *diagnostics);
const char *variables_get(const struct variables *variables, const char *name); /* or NULL */
/* Marks variables (ended by NULL) as those secrets are read from: text made from one becomes
 * sensitive, and so do the variables of env files that were made from it. */
void variables_mark_sensitive(struct variables *variables, const char *const *names);
bool variables_sensitive(const struct variables *variables, const char *name);

/* Looks up ${secret:NAME}; returns its value or NULL. */
typedef const char *secret_lookup(void *context, const char *name);

struct interpolation_note {
    const char *text;   /* what is wrong, e.g. `variable "X" is required: set it`; or a name */
    size_t at;          /* byte offset into the input */
    const char *secret; /* the name that a problem's ${secret:NAME} looks up in vain, or NULL */
    const struct interpolation_note *next;
};

#define INTERPOLATION_MAX_NOTES 32 /* of each sort in one text; more are not noted */

struct interpolation {
    const char *text; /* the result, in the arena; NULL when there are problems */
    size_t length;
    bool sensitive;                            /* a sensitive variable or a secret went into it */
    const struct interpolation_note *problems; /* in the order of the text, or NULL */
    /* Variables that are not set and had no default, each where it is first used. */
    const struct interpolation_note *unset;
};

struct interpolation interpolate_text(struct arena *arena, const char *text, size_t length,
                                      const struct variables *variables, secret_lookup *secrets,
                                      void *context);

/* Interpolates every scalar of a tree in place (keys are left alone), once even when called again.
 * Lines with sensitive text are hidden in the diagnostics. Returns 0, or -1 with diagnostics. */
int interpolate_tree(struct arena *arena, struct node *root, const struct variables *variables,
                     struct diagnostics *diagnostics);

/* Marks what was made from variables that were not known to be sensitive then. `root` may be NULL.
 */
void interpolation_recheck(struct arena *arena, struct node *root,
                           const struct variables *variables, struct diagnostics *diagnostics);

/* Returns a copy of an interpolated tree that interpolates to it again and shows no secret:
 * sensitive texts as they were written ("${REDIS_PASSWORD}"), in all others "$" as "$$". */
struct node *interpolation_undo(struct arena *arena, const struct node *root);

#endif
