/* What one convergence remembers of its earlier passes: two sets of texts; see recall.h. */
#include "control/recall.h"

#include "base/error.h"
#include "base/memory.h"

#include <stdio.h>
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
    clear(&recall->replaced);
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

/* --- replacements
 * -------------------------------------------------------------------------------*/

static const char *shown(const char *value) {
    return value ? value : "(none)";
}

static char *difference(const struct field_change *field) {
    return format_text("%s: %s → %s", field->path, shown(field->from), shown(field->to));
}

/* The same difference of the same resource has the same text. */
static char *reason(const struct change *change, const struct field_change *field) {
    cleanup_free char *text = difference(field);
    return format_text("%s %s", change->key, text);
}

static bool is_reason(const struct change *change, size_t field) {
    return change->kind == CHANGE_REPLACE && change->fields[field].change_by == CHANGE_BY_REPLACE;
}

void recall_pass(struct recall *recall, const struct plan *plan) {
    clear(&recall->replaced);
    for (size_t i = 0; plan && i < plan->change_count; i++) {
        const struct change *change = &plan->changes[i];
        for (size_t f = 0; f < change->field_count; f++) {
            if (!is_reason(change, f))
                continue;
            cleanup_free char *text = reason(change, &change->fields[f]);
            enter(&recall->replaced, text);
        }
    }
}

static size_t describe(const struct recall *recall, const struct plan *plan, FILE *out) {
    size_t count = 0;
    for (size_t i = 0; i < plan->change_count; i++) {
        const struct change *change = &plan->changes[i];
        for (size_t f = 0; f < change->field_count; f++) {
            if (!is_reason(change, f))
                continue;
            cleanup_free char *text = reason(change, &change->fields[f]);
            if (knows(recall->replaced, text))
                fprintf(out, "%s%s", count++ ? ", " : "", text);
        }
    }
    return count;
}

int recall_check(const struct recall *recall, const struct plan *plan, struct error *error) {
    char *text = NULL;
    size_t size = 0;
    if (!recall->replaced)
        return 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return 0;
    size_t count = describe(recall, plan, stream);
    fclose(stream);
    cleanup_free char *kept = text;
    if (!count)
        return 0;
    return error_set(error, ERROR_FAILED,
                     "replaced, and yet the same differs again: %s: the engine does not take the "
                     "declared value, or something changes it back (docker events): declare what "
                     "it makes of it, or stop what changes it",
                     kept);
}
