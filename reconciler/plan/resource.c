/*
 * Ordering, finding and building resources; see resource.h. Everything here is a sort or a binary
 * search, so that planning stays linear in the number of resources but for those.
 */
#include "plan/resource.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

/* NULL sorts before every text. */
static int compare_texts(const char *left, const char *right) {
    if (!left || !right)
        return (left != NULL) - (right != NULL);
    return strcmp(left, right);
}

static int compare_numbers(int left, int right) {
    return (left > right) - (left < right);
}

int resource_compare(const struct resource *left, const struct resource *right) {
    int order = compare_numbers(left->kind->order, right->kind->order);
    if (!order)
        order = compare_texts(left->name, right->name);
    if (!order)
        order = compare_numbers(left->instance, right->instance);
    if (!order)
        order = compare_numbers((int)left->slot, (int)right->slot);
    if (!order)
        order = compare_texts(left->id, right->id);
    return order ? order : compare_texts(left->engine_name, right->engine_name);
}

static int compare_items(const void *left, const void *right) {
    return resource_compare(left, right);
}

void resource_set_sort(struct resource_set *set) {
    if (set->count)
        qsort(set->items, set->count, sizeof *set->items, compare_items);
}

/* The first index at or after `from` whose kind's order is greater than that of items[from]. */
static size_t kind_end(const struct resource_set *set, size_t from) {
    size_t low = from, high = set->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->items[middle].kind->order > set->items[from].kind->order)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* Where the name in a key ends: before the "[2]" of a second instance. */
static size_t name_length(const char *name) {
    size_t length = strlen(name);
    if (!length || name[length - 1] != ']')
        return length;
    size_t digits = length - 1;
    while (digits && name[digits - 1] >= '0' && name[digits - 1] <= '9')
        digits--;
    return digits && digits < length - 1 && name[digits - 1] == '[' ? digits - 1 : length;
}

/* The first index in [low, high) whose name is not less than the given one. */
static size_t name_begin(const struct resource_set *set, size_t low, size_t high, const char *name,
                         size_t length) {
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strncmp(set->items[middle].name, name, length) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct resource *resource_find(const struct resource_set *set, const char *key) {
    const char *slash = strchr(key, '/');
    if (!slash)
        return NULL;
    size_t kind_length = (size_t)(slash - key), length = name_length(slash + 1);
    for (size_t begin = 0, end; begin < set->count; begin = end) {
        const char *kind = set->items[begin].kind->name;
        end = kind_end(set, begin);
        if (strncmp(kind, key, kind_length) != 0 || kind[kind_length])
            continue;
        for (size_t i = name_begin(set, begin, end, slash + 1, length); i < end; i++) {
            const struct resource *item = &set->items[i];
            if (strncmp(item->name, slash + 1, length) != 0)
                break;
            if (!item->foreign && item->slot == SLOT_CURRENT && strcmp(item->key, key) == 0)
                return item;
        }
    }
    return NULL;
}

/* --- building field lists -----------------------------------------------------------------------
 */

static void add(struct field_builder *builder, const char *path, const char *value, bool secret) {
    if (!value)
        return;
    if (builder->count == builder->capacity) {
        size_t capacity = builder->capacity ? builder->capacity * 2 : 32;
        struct field *items = arena_array(builder->arena, struct field, capacity);
        if (builder->count)
            memcpy(items, builder->items, builder->count * sizeof *items);
        builder->items = items;
        builder->capacity = capacity;
    }
    builder->items[builder->count++] = (struct field){path, value, secret};
}

void field_add(struct field_builder *builder, const char *path, const char *value) {
    add(builder, path, value, false);
}

void field_add_secret(struct field_builder *builder, const char *path, const char *value) {
    add(builder, path, value, true);
}

static int compare_fields(const void *left, const void *right) {
    const struct field *const *a = left, *const *b = right;
    int order = strcmp((*a)->path, (*b)->path);
    return order ? order : (*a > *b) - (*a < *b); /* in the order they were added */
}

struct field_list field_list_finish(struct field_builder *builder) {
    struct field_list list = {0};
    if (!builder->count)
        return list;
    cleanup_free const struct field **order =
        memory_alloc(builder->count * sizeof(const struct field *));
    for (size_t i = 0; i < builder->count; i++)
        order[i] = &builder->items[i];
    qsort(order, builder->count, sizeof(const struct field *), compare_fields);
    list.items = arena_array(builder->arena, struct field, builder->count);
    for (size_t i = 0; i < builder->count; i++) {
        /* What was added last for a path counts. */
        if (list.count && strcmp(list.items[list.count - 1].path, order[i]->path) == 0)
            list.count--;
        list.items[list.count++] = *order[i];
    }
    return list;
}

const char *field_value(const struct field_list *list, const char *path) {
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(list->items[middle].path, path);
        if (order == 0)
            return list->items[middle].value;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
