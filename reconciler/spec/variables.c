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

/* Turns `uses` around, in a scratch arena: in a chain of variables that were made from each other,
 * looking at all of them for each one that is marked would be quadratic. */
static void find_users(struct variables *variables, struct arena *scratch) {
    struct variable_slot *slot;
    for (slot = variables->table; slot; slot = slot->hh.next)
        slot->users = NULL;
    for (slot = variables->table; slot; slot = slot->hh.next) {
        for (const char **name = slot->uses; name && *name; name++) {
            struct variable_slot *used;
            HASH_FIND_STR(variables->table, *name, used);
            if (!used)
                continue;
            struct variable_user *user = arena_alloc(scratch, sizeof *user);
            *user = (struct variable_user){slot, used->users};
            used->users = user;
        }
    }
}

/* Marks a variable, and puts it on the list of those whose users are still to be marked. */
static void mark(struct variable_slot *slot, struct variable_slot **pending) {
    if (slot->sensitive)
        return;
    slot->sensitive = true;
    slot->next_pending = *pending;
    *pending = slot;
}

void variables_mark_sensitive(struct variables *variables, const char *const *names) {
    struct variable_slot *pending = NULL;
    for (; *names; names++)
        mark(slot_for(variables, *names, strlen(*names)), &pending);
    if (!pending)
        return;
    cleanup_arena struct arena *scratch = arena_new();
    find_users(variables, scratch);
    while (pending) {
        struct variable_slot *slot = pending;
        pending = slot->next_pending;
        for (const struct variable_user *user = slot->users; user; user = user->next)
            mark(user->slot, &pending);
        slot->users = NULL; /* they go with the scratch arena */
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
