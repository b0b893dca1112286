/*
 * The variables that texts are made from: the process environment and env files. Each remembers
 * which others it was made from, so that marking one as a secret also marks what it went into.
 */
#include "spec/variables.h"
#include "base/memory.h"

/* The table lives in the arena, like everything it points to. uthash allocates inside of functions
 * that have `variables` in scope. */
#define uthash_malloc(size)       arena_alloc(variables->arena, size)
#define uthash_free(memory, size) ((void)(memory))
#include "spec/interpolate_internal.h"

#include <string.h>

struct variables {
    struct arena *arena;
    struct variable_slot *table;
};

static struct variable_slot *slot_for(struct variables *variables, const char *name,
                                      size_t length) {
    struct variable_slot *slot;
    HASH_FIND(hh, variables->table, name, length, slot);
    if (!slot) {
        slot = arena_alloc(variables->arena, sizeof *slot);
        slot->name = arena_copy_n(variables->arena, name, length);
        HASH_ADD_KEYPTR(hh, variables->table, slot->name, length, slot);
    }
    return slot;
}

struct variables *variables_new(struct arena *arena, const char *const *process_environment) {
    struct variables *variables = arena_alloc(arena, sizeof *variables);
    variables->arena = arena;
    for (const char *const *entry = process_environment; entry && *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        if (!equals || equals == *entry)
            continue;
        struct variable_slot *slot = slot_for(variables, *entry, (size_t)(equals - *entry));
        if (slot->process)
            continue; /* named twice: getenv() gives the first */
        slot->value = arena_copy(arena, equals + 1);
        slot->process = true;
    }
    return variables;
}

const struct variable_slot *variables_find(const struct variables *variables, const char *name,
                                           size_t length) {
    struct variable_slot *slot;
    HASH_FIND(hh, variables->table, name, length, slot);
    return slot;
}

const char *variables_get(const struct variables *variables, const char *name) {
    const struct variable_slot *slot = variables_find(variables, name, strlen(name));
    return slot ? slot->value : NULL;
}

bool variables_sensitive(const struct variables *variables, const char *name) {
    const struct variable_slot *slot = variables_find(variables, name, strlen(name));
    return slot && slot->sensitive;
}

static bool uses_sensitive(const struct variables *variables, const struct variable_slot *slot) {
    for (const char **name = slot->uses; name && *name; name++) {
        if (variables_sensitive(variables, *name))
            return true;
    }
    return false;
}

void variables_mark_sensitive(struct variables *variables, const char *name) {
    const char *const names[] = {name, NULL};
    variables_mark_all_sensitive(variables, names);
}

void variables_mark_all_sensitive(struct variables *variables, const char *const *names) {
    bool more = false;
    for (; *names; names++) {
        struct variable_slot *slot = slot_for(variables, *names, strlen(*names));
        more |= !slot->sensitive;
        slot->sensitive = true;
    }
    /* What is made from others mostly stands after them, so that a few rounds do. */
    while (more) {
        more = false;
        for (struct variable_slot *slot = variables->table; slot; slot = slot->hh.next) {
            if (!slot->sensitive && uses_sensitive(variables, slot))
                slot->sensitive = more = true;
        }
    }
}

void variables_set(struct variables *variables, const char *name, const char *value,
                   const char **uses, bool sensitive) {
    struct variable_slot *slot = slot_for(variables, name, strlen(name));
    if (slot->process)
        return;
    slot->value = value;
    slot->uses = uses;
    slot->sensitive |= sensitive;
}

struct arena *variables_arena(const struct variables *variables) {
    return variables->arena;
}
