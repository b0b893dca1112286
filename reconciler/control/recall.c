/* What one convergence remembers of its earlier passes: a set of texts; see recall.h. */
#include "control/recall.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct recall_text {
    char *text;
    UT_hash_handle hh;
};

static bool knows(const struct recall_text *set, const char *text) {
    struct recall_text *entry;
    HASH_FIND_STR(set, text, entry);
    return entry != NULL;
}

static void enter(struct recall_text **set, const char *text) {
    if (knows(*set, text))
        return;
    struct recall_text *entry = memory_alloc(sizeof *entry);
    entry->text = copy_text(text);
    HASH_ADD_KEYPTR(hh, *set, entry->text, strlen(entry->text), entry);
}

static void clear(struct recall_text **set) {
    struct recall_text *entry = *set;
    HASH_CLEAR(hh, *set);
    while (entry) {
        struct recall_text *following = entry->hh.next; /* the table is gone, the list is not */
        free(entry->text);
        free(entry);
        entry = following;
    }
}

void recall_free(struct recall *recall) {
    clear(&recall->pulled);
}

/* --- images
 * -------------------------------------------------------------------------------------*/

void recall_pull(struct recall *recall, const struct action *action) {
    if (action->verb == VERB_PULL && action->desired)
        enter(&recall->pulled, action->desired->key);
}

void recall_spare_pulls(const struct recall *recall, struct resource_set *desired) {
    for (size_t i = 0; recall->pulled && i < desired->count; i++) {
        struct resource *resource = &desired->items[i];
        if (resource->pull_policy == PULL_ALWAYS && knows(recall->pulled, resource->key))
            resource->pull_policy = PULL_IF_NOT_PRESENT;
    }
}
