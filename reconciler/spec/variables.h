/* What the reader of env files (envfile.c) needs of variables beyond spec/interpolate.h. */
#ifndef TSE_SPEC_VARIABLES_H
#define TSE_SPEC_VARIABLES_H

#include "spec/interpolate.h"

/* Sets a variable from an env file, unless the process environment has it. `value` and `uses`
 * (names it was made from, NULL-ended, or NULL) must live in the variables' arena. */
void variables_set(struct variables *variables, const char *name, const char *value,
                   const char **uses, bool sensitive);
struct arena *variables_arena(const struct variables *variables);

/* variables_read_file() for a text that is in memory already. */
int variables_read_text(struct variables *variables, const char *file, const char *text,
                        size_t size, struct diagnostics *diagnostics);

#endif
