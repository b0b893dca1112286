/* Looking things up in a tree, and laying one tree over another (RFC 7386). */
#include "spec/node.h"

#include "base/memory.h"
#include "spec/keys.h"

#include <stdlib.h>
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

static int compare_entries(const void *left, const void *right) {
    return strcmp(((const struct entry *)left)->key, ((const struct entry *)right)->key);
}

void node_sort_entries(struct entry *entries, size_t count) {
    if (count > 1)
        qsort(entries, count, sizeof *entries, compare_entries);
}

/* --- merging -----------------------------------------------------------------------------------
 * All layers at once: laying them over what is there one by one would copy the growing result for
 * each of them. */

static bool is_null(const struct node *node) {
    return node->kind == NODE_NULL;
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

/* The entries of several maps, sorted by key: those of key i are layers[starts[i]] up to
 * layers[starts[i + 1]], the lowest first. */
struct grouped {
    const struct entry **layers;
    size_t *starts;
    size_t count;
};

static void group(const struct entry *const *maps, size_t count, size_t total,
                  struct grouped *grouped) {
    cleanup_key_index struct key_index index = KEY_INDEX_INIT;
    cleanup_free size_t *keys = memory_alloc(total * sizeof *keys); /* of each entry, in order */
    size_t *starts = memory_alloc((total + 2) * sizeof *starts);
    size_t entry = 0;
    for (size_t i = 0; i < count; i++) {
        const struct node *map = maps[i]->value;
        for (size_t j = 0; j < map->count; j++, entry++) {
            keys[entry] = key_index_find(&index, map->entries[j].key);
            if (keys[entry] == KEY_NONE) {
                keys[entry] = grouped->count++;
                key_index_add(&index, map->entries[j].key);
            }
            starts[keys[entry] + 2]++;
        }
    }
    for (size_t i = 2; i < grouped->count + 2; i++)
        starts[i] += starts[i - 1];
    grouped->layers = memory_alloc(total * sizeof(struct entry *));
    entry = 0;
    for (size_t i = 0; i < count; i++) {
        const struct node *map = maps[i]->value;
        for (size_t j = 0; j < map->count; j++, entry++)
            grouped->layers[starts[keys[entry] + 1]++] = &map->entries[j];
    }
    grouped->starts = starts;
}

/* `document`: the lowest layer is a document rather than a patch, and nulls in it are values. */
static bool merge_layers(struct arena *arena, const struct entry *const *layers, size_t count,
                         bool document, struct entry *result);

static bool is_of(const struct node *map, const struct entry *entry) {
    return entry >= map->entries && entry < map->entries + map->count;
}

/* Keys keep the order in which they were first said. A value's position is where it was last said;
 * a map that only gets fields changed keeps the position it was declared at. */
static struct node *merge_maps(struct arena *arena, const struct entry *const *maps, size_t count,
                               bool document) {
    const struct node *lowest = maps[0]->value;
    struct node *result = arena_alloc(arena, sizeof *result);
    size_t total = 0;
    *result = *maps[count - 1]->value;
    result->at = lowest->at;
    result->count = 0;
    for (size_t i = 0; i < count; i++) {
        total += maps[i]->value->count;
        result->partial |= maps[i]->value->partial;
    }
    struct grouped grouped = {0};
    group(maps, count, total, &grouped);
    result->entries = arena_array(arena, struct entry, grouped.count);
    for (size_t i = 0; i < grouped.count; i++) {
        const struct entry *const *layers = grouped.layers + grouped.starts[i];
        if (merge_layers(arena, layers, grouped.starts[i + 1] - grouped.starts[i],
                         document && is_of(lowest, layers[0]), &result->entries[result->count]))
            result->count++;
    }
    free(grouped.layers);
    free(grouped.starts);
    return result;
}

/* What values of one key, the lowest first, come to. Returns false when it is removed. */
static bool merge_layers(struct arena *arena, const struct entry *const *layers, size_t count,
                         bool document, struct entry *result) {
    size_t first = count; /* of the maps that nothing else lies over */
    while (first > 0 && layers[first - 1]->value->kind == NODE_MAP)
        first--;
    if (first == count || (document && count == 1)) {
        *result = *layers[count - 1];
        return !is_null(result->value) || (document && count == 1);
    }
    *result = *layers[first];
    if (count - first > 1 || has_nulls(result->value))
        result->value = merge_maps(arena, layers + first, count - first, document && first == 0);
    return true;
}

static struct node *merge(struct arena *arena, struct node *const *nodes, size_t count,
                          bool document) {
    cleanup_free struct entry *entries = memory_alloc(count * sizeof *entries);
    cleanup_free const struct entry **layers = memory_alloc(count * sizeof(struct entry *));
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (!nodes[i])
            continue;
        entries[used].value = nodes[i];
        layers[used] = &entries[used];
        used++;
    }
    struct entry result = {0};
    if (used > 0)
        merge_layers(arena, layers, used, document, &result);
    return result.value;
}

struct node *node_merge_all(struct arena *arena, struct node *const *nodes, size_t count) {
    return merge(arena, nodes, count, false);
}

struct node *node_merge(struct arena *arena, struct node *target, struct node *patch) {
    struct node *const nodes[] = {target, patch};
    return merge(arena, nodes, 2, target != NULL);
}
