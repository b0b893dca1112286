/* Looking things up in a tree, and laying one tree over another (RFC 7386). */
#include "spec/node.h"

#include "base/memory.h"
#include "spec/keys.h"

#include <string.h>

struct entry *node_entry(const struct node *map, const char *key) {
    if (!map || map->kind != NODE_MAP)
        return NULL;
    for (size_t i = 0; i < map->count; i++) {
        if (strcmp(map->entries[i].key, key) == 0)
            return &map->entries[i];
    }
    return NULL;
}

struct node *node_get(const struct node *map, const char *key) {
    struct entry *entry = node_entry(map, key);
    return entry ? entry->value : NULL;
}

static bool is_null(const struct node *node) {
    return !node || node->kind == NODE_NULL;
}

static bool both_maps(const struct node *a, const struct node *b) {
    return a && b && a->kind == NODE_MAP && b->kind == NODE_MAP;
}

/* Keys keep the place they have in the target. A value's position is where it was last said; a map
 * that only gets fields changed keeps the position it was declared at. */
static struct node *merge_maps(struct arena *arena, const struct node *target,
                               const struct node *patch) {
    cleanup_key_index struct key_index index = KEY_INDEX_INIT;
    if (target && target->kind != NODE_MAP)
        target = NULL;
    size_t target_count = target ? target->count : 0;
    struct node *result = arena_alloc(arena, sizeof *result);
    *result = *patch;
    result->entries = arena_array(arena, struct entry, target_count + patch->count);
    result->count = 0;
    if (target)
        result->at = target->at;
    for (size_t i = 0; i < target_count; i++) {
        key_index_add(&index, target->entries[i].key);
        result->entries[result->count++] = target->entries[i];
    }
    for (size_t i = 0; i < patch->count; i++) {
        const struct entry *entry = &patch->entries[i];
        size_t place = key_index_find(&index, entry->key);
        struct entry merged = *entry;
        if (place == KEY_NONE) {
            if (is_null(entry->value))
                continue;
            merged.value = node_merge(arena, NULL, entry->value);
            result->entries[result->count++] = merged;
            continue;
        }
        struct node *old = result->entries[place].value;
        if (both_maps(old, entry->value))
            merged.at = result->entries[place].at;
        merged.value = is_null(entry->value) ? NULL : node_merge(arena, old, entry->value);
        result->entries[place] = merged;
    }
    size_t kept = 0;
    for (size_t i = 0; i < result->count; i++) {
        if (result->entries[i].value)
            result->entries[kept++] = result->entries[i];
    }
    result->count = kept;
    return result;
}

/* Whether merging a value into nothing gives the value itself: no null is removed from a map. */
static bool has_nulls(const struct node *node) {
    if (node->kind != NODE_MAP)
        return false;
    for (size_t i = 0; i < node->count; i++) {
        if (is_null(node->entries[i].value) || has_nulls(node->entries[i].value))
            return true;
    }
    return false;
}

struct node *node_merge(struct arena *arena, struct node *target, struct node *patch) {
    if (!patch)
        return target;
    if (patch->kind != NODE_MAP)
        return patch;
    bool onto_map = target && target->kind == NODE_MAP;
    if (!onto_map && !has_nulls(patch))
        return patch;
    return merge_maps(arena, target, patch);
}
