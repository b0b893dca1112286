/* Building schemas as trees of nodes: what the CRD and the JSON Schema have in common. */
#include "base/memory.h"
#include "spec/decode.h"
#include "spec/schema_internal.h"

#include <string.h>

struct node *schema_map(struct arena *arena) {
    struct node *node = arena_alloc(arena, sizeof *node);
    node->kind = NODE_MAP;
    return node;
}

struct node *schema_list(struct arena *arena) {
    struct node *node = arena_alloc(arena, sizeof *node);
    node->kind = NODE_LIST;
    return node;
}

/* Whether an array of that many items is full: it grows when the count is a power of two. */
static bool is_full(size_t count) {
    return (count & (count - 1)) == 0;
}

struct node *schema_set(struct arena *arena, struct node *map, const char *key,
                        struct node *value) {
    if (is_full(map->count)) {
        struct entry *entries = arena_array(arena, struct entry, map->count ? 2 * map->count : 1);
        if (map->count > 0)
            memcpy(entries, map->entries, map->count * sizeof *entries);
        map->entries = entries;
    }
    map->entries[map->count++] = (struct entry){.key = key, .value = value};
    return value;
}

struct node *schema_append(struct arena *arena, struct node *list, struct node *value) {
    if (is_full(list->count)) {
        struct node **items = arena_array(arena, struct node *, list->count ? 2 * list->count : 1);
        for (size_t i = 0; i < list->count; i++)
            items[i] = list->items[i];
        list->items = items;
    }
    return list->items[list->count++] = value;
}

static struct node *scalar(struct arena *arena, const char *text, bool quoted) {
    struct node *node = arena_alloc(arena, sizeof *node);
    *node = (struct node){.kind = NODE_SCALAR, .text = text, .quoted = quoted, .width = 1};
    return node;
}

struct node *schema_text(struct arena *arena, const char *text) {
    return scalar(arena, text, true);
}

void schema_set_text(struct arena *arena, struct node *map, const char *key, const char *text) {
    schema_set(arena, map, key, schema_text(arena, text));
}

void schema_set_bool(struct arena *arena, struct node *map, const char *key, bool value) {
    schema_set(arena, map, key, scalar(arena, value ? "true" : "false", false));
}

void schema_set_number(struct arena *arena, struct node *map, const char *key, long long value) {
    schema_set(arena, map, key, scalar(arena, arena_format(arena, "%lld", value), false));
}

void schema_set_choices(struct arena *arena, struct node *map, const struct choice *choices) {
    struct node *list = schema_set(arena, map, "enum", schema_list(arena));
    for (; choices->text; choices++)
        schema_append(arena, list, schema_text(arena, choices->text));
}

void schema_set_bounds(struct arena *arena, struct node *map, const struct field_spec *field) {
    bool port = field->type == &type_port_number;
    schema_set_number(arena, map, "minimum", port ? 1 : field->minimum);
    schema_set_number(arena, map, "maximum", port ? 65535 : field->maximum);
}

void schema_set_default(struct arena *arena, struct node *map, const struct field_spec *field) {
    if (!field->fallback || field->flags & FIELD_DEFAULT_VARIES)
        return;
    bool plain = field->type->shape == SHAPE_INTEGER || field->type->shape == SHAPE_BOOLEAN;
    schema_set(arena, map, "default", scalar(arena, field->fallback, !plain));
}

void schema_set_notation(struct arena *arena, struct node *map, const struct value_type *type) {
    if (type->pattern)
        schema_set_text(arena, map, "pattern", type->pattern);
    if (type->min_length)
        schema_set_number(arena, map, "minLength", type->min_length);
}

void schema_set_required(struct arena *arena, struct node *map, const struct kind_spec *kind) {
    struct node *list = schema_list(arena);
    for (const struct field_spec *field = kind->fields; field->name; field++)
        if (field->flags & FIELD_REQUIRED && kind_has(kind, field))
            schema_append(arena, list, schema_text(arena, field->name));
    if (list->count > 0)
        schema_set(arena, map, "required", list);
}

const char *schema_sentence(struct arena *arena, const char *help) {
    char *text = arena_format(arena, "%s.", help);
    if (*text >= 'a' && *text <= 'z')
        *text = (char)(*text - 'a' + 'A');
    return text;
}
