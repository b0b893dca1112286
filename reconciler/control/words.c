/* The words error messages use for resources. */
#include "control/execution.h"

#include "base/memory.h"

#include <string.h>

char *words_for_change(const struct change *change) {
    char *words = copy_text(change->key);
    char *slash = strchr(words, '/');
    if (slash)
        *slash = ' ';
    return words;
}

const char *words_for_target(const struct action *action) {
    const struct resource *observed = action->observed;
    bool is_id = observed && observed->id && strcmp(observed->id, action->target) == 0;
    return is_id && observed->engine_name ? observed->engine_name : action->target;
}
