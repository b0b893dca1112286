/*
 * Texts kept once: see fields.h. A desired field, its last-applied copy in a label and the observed
 * value are usually the same text, and so are most fields of two containers.
 */
#include "engines/docker/fields.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct kept {
    const char *text; /* the key */
    UT_hash_handle hh;
};

struct docker_strings {
    struct arena *arena;   /* of the texts */
    struct arena *entries; /* of the table */
    struct kept *table;
};

struct docker_strings *docker_strings_new(struct arena *arena) {
    struct docker_strings *strings = memory_alloc(sizeof *strings);
    strings->arena = arena;
    strings->entries = arena_new();
    return strings;
}

void docker_strings_free(struct docker_strings *strings) {
    if (!strings)
        return;
    HASH_CLEAR(hh, strings->table);
    arena_free(strings->entries);
    free(strings);
}

const char *docker_strings_keep(struct docker_strings *strings, const char *text) {
    if (!text)
        return NULL;
    struct kept *kept;
    size_t length = strlen(text);
    HASH_FIND(hh, strings->table, text, length, kept);
    if (kept)
        return kept->text;
    kept = arena_alloc(strings->entries, sizeof *kept);
    kept->text = arena_copy_n(strings->arena, text, length);
    HASH_ADD_KEYPTR(hh, strings->table, kept->text, length, kept);
    return kept->text;
}

void docker_fields_begin(struct docker_fields *fields, struct docker_strings *strings) {
    *fields = (struct docker_fields){.strings = strings, .scratch = arena_new()};
    fields->builder.arena = fields->scratch;
}

void docker_fields_free(struct docker_fields *fields) {
    arena_free(fields->scratch);
    fields->scratch = NULL;
}

char *docker_path(struct docker_fields *fields, const char *prefix, const char *name) {
    return name ? arena_format(fields->scratch, "%s.%s", prefix, name)
                : arena_copy(fields->scratch, prefix);
}

void docker_fields_add(struct docker_fields *fields, const char *prefix, const char *name,
                       const char *value) {
    if (value)
        field_add(&fields->builder, docker_path(fields, prefix, name), value);
}

struct field_list docker_fields_keep(struct docker_fields *fields, struct arena *arena) {
    struct field_list sorted = field_list_finish(&fields->builder);
    struct field_list list = {arena_array(arena, struct field, sorted.count), 0};
    for (size_t i = 0; i < sorted.count; i++) {
        const struct field *from = &sorted.items[i];
        if (i && strcmp(sorted.items[i - 1].path, from->path) == 0)
            continue;
        list.items[list.count++] =
            (struct field){.path = docker_strings_keep(fields->strings, from->path),
                           .value = docker_strings_keep(fields->strings, from->value),
                           .secret = from->secret};
    }
    return list;
}

const struct field *docker_field(const struct field_list *list, const char *path) {
    size_t low = 0, high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(path, list->items[middle].path);
        if (order == 0)
            return &list->items[middle];
        if (order < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return NULL;
}
