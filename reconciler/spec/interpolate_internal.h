/* What interpolating (interpolate.c), variables (variables.c) and trees (interpolate_tree.c) share.
 */
#ifndef TSE_SPEC_INTERPOLATE_INTERNAL_H
#define TSE_SPEC_INTERPOLATE_INTERNAL_H

#include "spec/interpolate.h"

#include <uthash.h>

/* What one text may grow to: variables of variables multiply. */
#define INTERPOLATION_MAX_BYTES (8u << 20)

struct variable_user { /* one of the variables that were made from another */
    struct variable_slot *slot;
    const struct variable_user *next;
};

struct variable_slot {
    const char *name;
    const char *value; /* NULL: only marked so far */
    bool process;      /* from the process environment, which no file overrides */
    bool sensitive;
    const char **uses; /* names of the variables the value was made from, NULL-ended, or NULL */
    const struct variable_user *users;  /* `uses` turned around; valid while marking only */
    struct variable_slot *next_pending; /* while marking */
    UT_hash_handle hh;
};

/* By a name that need not end in NUL; NULL if it is neither set nor marked. */
const struct variable_slot *variables_find(const struct variables *variables, const char *name,
                                           size_t length);

/* Told of each variable that is looked at; the name is in the arena. */
typedef void variable_used(void *context, const char *name);

/* interpolate_text(), with somebody watching. */
struct interpolation interpolate_watched(struct arena *arena, const char *text, size_t length,
                                         const struct variables *variables, secret_lookup *secrets,
                                         void *secrets_context, variable_used *used,
                                         void *used_context);

#endif
