/*
 * The generic decoder: objects, lists of objects and maps of objects, by their field tables. What
 * is particular to a type is in decode_scalar.c, decode_list.c and decode_service.c.
 */
#include "spec/decode.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

bool kind_has(const struct kind_spec *kind, const struct field_spec *field) {
    return !(field->flags & kind->without);
}

const struct field_spec *kind_field(const struct kind_spec *kind, const char *name) {
    for (const struct field_spec *field = kind->fields; field->name; field++)
        if (strcmp(field->name, name) == 0)
            return kind_has(kind, field) ? field : NULL;
    return NULL;
}

bool field_has_kind(const struct field_spec *field) {
    return field->kind != NULL;
}

/* --- secrets ---------------------------------------------------------------------------------- */

static bool is_confidential(const struct kind_spec *kind) {
    for (const struct field_spec *field = kind->fields; field->name; field++)
        if (field->flags & FIELD_CONFIDENTIAL)
            return true;
    return false;
}

static void hide_lines(struct decoder *decoder, const struct node *node) {
    if (node->kind == NODE_SCALAR && node->at.file)
        diagnostics_hide_lines(decoder->diagnostics, node->at.file, node->at.line,
                               node->last_line > node->at.line ? node->last_line : node->at.line);
    for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++)
        hide_lines(decoder, node->items[i]);
    for (size_t i = 0; node->kind == NODE_MAP && i < node->count; i++)
        hide_lines(decoder, node->entries[i].value);
}

/* Lines with a secret are not quoted in messages: neither those of a confidential field, nor those
 * of what may be one misspelt, or its value in the place of the map. */
static void hide_secrets(struct decoder *decoder, const struct kind_spec *kind,
                         const struct node *node) {
    if (node->kind != NODE_MAP)
        hide_lines(decoder, node);
    for (size_t i = 0; node->kind == NODE_MAP && i < node->count; i++) {
        const struct field_spec *field = kind_field(kind, node->entries[i].key);
        if (!field || field->flags & FIELD_CONFIDENTIAL)
            hide_lines(decoder, node->entries[i].value);
    }
}

/* --- unknown fields --------------------------------------------------------------------------- */

static const char *list_names(struct arena *arena, const char *const *names) {
    const char *list = names[0];
    for (size_t i = 1; names[i]; i++)
        list = arena_format(arena, "%s, %s", list, names[i]);
    return list;
}

static void problem_unknown(struct decoder *decoder, const struct path *path,
                            const struct kind_spec *kind, const struct entry *entry) {
    cleanup_arena struct arena *scratch = arena_new();
    size_t count = 0;
    for (const struct field_spec *field = kind->fields; field->name; field++, count++)
        if (!kind_has(kind, field) && strcmp(field->name, entry->key) == 0) {
            problem_at_key(decoder, path, entry, "declare it in the Environment that includes this",
                           "\"%s\" does not belong into a Stack", entry->key);
            return;
        }
    const char **names = arena_array(scratch, const char *, count + 1);
    count = 0;
    for (const struct field_spec *field = kind->fields; field->name; field++)
        if (kind_has(kind, field))
            names[count++] = field->name;
    const char *help = NULL;
    if (worth_the_effort(decoder->diagnostics))
        help = did_you_mean(scratch, entry->key, names);
    if (!help)
        help = arena_format(scratch, "the fields of %s are: %s", kind->name,
                            list_names(scratch, names));
    problem_at_key(decoder, path, entry, help, "unknown field \"%s\"", entry->key);
}

static void check_field_value(struct decoder *decoder, const struct path *path,
                              const struct field_spec *field, const struct node *node) {
    if (!field_has_kind(field))
        return;
    if (field->type->shape == SHAPE_OBJECT) {
        check_fields(decoder, path, field->kind, node);
    } else if (field->type->shape == SHAPE_OBJECTS && node->kind == NODE_LIST) {
        for (size_t i = 0; i < node->count; i++) {
            struct path item = {path, NULL, i};
            check_fields(decoder, &item, field->kind, node->items[i]);
        }
    } else if (field->type->shape == SHAPE_OBJECT_MAP && node->kind == NODE_MAP) {
        for (size_t i = 0; i < node->count; i++) {
            struct path item = {path, node->entries[i].key, 0};
            check_fields(decoder, &item, field->kind, node->entries[i].value);
        }
    }
}

void check_fields(struct decoder *decoder, const struct path *path, const struct kind_spec *kind,
                  const struct node *node) {
    if (is_confidential(kind))
        hide_secrets(decoder, kind, node);
    if (node->kind != NODE_MAP)
        return;
    for (size_t i = 0; i < node->count; i++) {
        const struct entry *entry = &node->entries[i];
        const struct field_spec *field = kind_field(kind, entry->key);
        struct path inner = {path, entry->key, 0};
        if (!field)
            problem_unknown(decoder, path, kind, entry);
        else
            check_field_value(decoder, field->flags & FIELD_INLINE ? path : &inner, field,
                              entry->value);
    }
}

/* --- objects ---------------------------------------------------------------------------------- */

static void apply_defaults(struct decoder *decoder, const struct kind_spec *kind, void *object) {
    if (kind->init)
        kind->init(object);
    for (const struct field_spec *field = kind->fields; field->name; field++) {
        if (!field->fallback || !kind_has(kind, field))
            continue;
        struct node node = {.kind = NODE_SCALAR, .text = field->fallback, .width = 1};
        struct path path = {NULL, field->name, 0};
        field->type->read(decoder, &path, field, &node, object);
    }
}

/* What lacks something may be meant for another one: an overlay of a misspelt name. */
static const char *suggest_sibling(struct decoder *decoder, struct arena *scratch,
                                   const struct path *path, const struct node *siblings) {
    if (!siblings || !path || !path->key || !worth_the_effort(decoder->diagnostics))
        return NULL;
    const char **names = arena_array(scratch, const char *, siblings->count + 1);
    size_t count = 0;
    for (size_t i = 0; i < siblings->count; i++)
        if (strcmp(siblings->entries[i].key, path->key) != 0)
            names[count++] = siblings->entries[i].key;
    return did_you_mean(scratch, path->key, names);
}

static void problem_missing(struct decoder *decoder, const struct path *path,
                            const struct field_spec *field, const struct node *node,
                            const struct node *siblings) {
    cleanup_arena struct arena *scratch = arena_new();
    const char *sibling = suggest_sibling(decoder, scratch, path, siblings);
    const char *help =
        sibling ? sibling : arena_format(scratch, "%s is %s", field->name, field->help);
    problem_at(decoder, path, node, help, "\"%s\" is missing", field->name);
}

static void check_required(struct decoder *decoder, const struct path *path,
                           const struct kind_spec *kind, const struct node *node,
                           const struct node *siblings) {
    if (decoder->incomplete || node->partial)
        return;
    for (const struct field_spec *field = kind->fields; field->name; field++) {
        if (!(field->flags & FIELD_REQUIRED) || !kind_has(kind, field))
            continue;
        const struct node *value = node_get(node, field->name);
        if (!value || value->kind == NODE_NULL)
            problem_missing(decoder, path, field, node, siblings);
    }
}

void decode_object(struct decoder *decoder, const struct path *path, const struct kind_spec *kind,
                   const struct node *node, void *object) {
    const struct node *siblings = decoder->siblings;
    decoder->siblings = NULL;
    apply_defaults(decoder, kind, object);
    if (kind->node_offset != NO_OFFSET)
        *(const struct node **)((char *)object + kind->node_offset) = node;
    if (node->unreadable)
        return;
    if (node->kind != NODE_MAP && kind->read_short) {
        kind->read_short(decoder, path, NULL, node, object);
        return;
    }
    if (node->kind == NODE_SCALAR && is_confidential(kind)) {
        problem_at(decoder, path, node, "write NAME: {env: VARIABLE}",
                   "expected a map (%s), found a text", kind->name);
        return;
    }
    if (node->kind != NODE_MAP) {
        cleanup_free char *expected = format_text("a map (%s)", kind->name);
        problem_mismatch(decoder, path, node, NULL, expected);
        return;
    }
    check_required(decoder, path, kind, node, siblings);
    for (size_t i = 0; i < node->count; i++) {
        const struct entry *entry = &node->entries[i];
        const struct field_spec *field = kind_field(kind, entry->key);
        /* Unknown fields were reported by check_fields(); null means not declared. */
        if (!field || entry->value->kind == NODE_NULL)
            continue;
        struct path inner = {path, field->name, 0};
        field->type->read(decoder, field->flags & FIELD_INLINE ? path : &inner, field, entry->value,
                          object);
    }
    if (kind->finish)
        kind->finish(decoder, path, NULL, node, object);
}

void read_object(struct decoder *decoder, const struct path *path, const struct field_spec *field,
                 const struct node *node, void *object) {
    decode_object(decoder, path, field->kind, node, (char *)object + field->offset);
}

/* --- lists and maps of objects ---------------------------------------------------------------- */

static void set_position(const struct kind_spec *kind, void *object, struct position at) {
    if (kind->at_offset != NO_OFFSET)
        *(struct position *)((char *)object + kind->at_offset) = at;
}

static int compare_by(const void *left, const void *right, void *offset) {
    const char *a = *(const char *const *)((const char *)left + *(size_t *)offset);
    const char *b = *(const char *const *)((const char *)right + *(size_t *)offset);
    return strcmp(a ? a : "", b ? b : "");
}

static void store_items(const struct field_spec *field, void *object, void *items, size_t count) {
    size_t sort_offset = field->kind->sort_offset;
    if (sort_offset != NO_OFFSET && count > 1)
        qsort_r(items, count, field->kind->size, compare_by, &sort_offset);
    *(void **)((char *)object + field->offset) = items;
    *(size_t *)((char *)object + field->count_offset) = count;
}

void read_objects(struct decoder *decoder, const struct path *path, const struct field_spec *field,
                  const struct node *node, void *object) {
    if (node->kind != NODE_LIST) {
        cleanup_free char *expected = format_text("a list (each item a %s)", field->kind->name);
        problem_mismatch(decoder, path, node, NULL, expected);
        return;
    }
    char *items = arena_alloc(decoder->arena, node->count * field->kind->size);
    for (size_t i = 0; i < node->count; i++) {
        char *item = items + i * field->kind->size;
        struct path inner = {path, NULL, i};
        set_position(field->kind, item, node->items[i]->at);
        decode_object(decoder, &inner, field->kind, node->items[i], item);
    }
    store_items(field, object, items, node->count);
}

static const char *read_key(struct decoder *decoder, const struct path *path,
                            const struct kind_spec *kind, const struct entry *entry) {
    const char *key = kind->key->convert(decoder->arena, entry->key);
    cleanup_arena struct arena *scratch = key ? NULL : arena_new();
    if (!key)
        problem_at_key(decoder, path, entry, nearest_known(scratch, kind->key, entry->key),
                       "\"%s\" is not %s", entry->key, kind->key->expected);
    return key;
}

void read_object_map(struct decoder *decoder, const struct path *path,
                     const struct field_spec *field, const struct node *node, void *object) {
    if (node->kind != NODE_MAP) {
        cleanup_free char *expected = format_text("a map from names (%s)", field->kind->key_help);
        problem_mismatch(decoder, path, node,
                         field->kind->short_type ? "write NAME: VALUE for each"
                                                 : "write NAME: {} for each",
                         expected);
        return;
    }
    char *items = arena_alloc(decoder->arena, node->count * field->kind->size);
    size_t count = 0;
    for (size_t i = 0; i < node->count; i++) {
        const struct entry *entry = &node->entries[i];
        struct path inner = {path, entry->key, 0};
        const char *key = read_key(decoder, path, field->kind, entry);
        if (!key)
            continue;
        char *item = items + count++ * field->kind->size;
        *(const char **)(item + field->kind->key_offset) = key;
        set_position(field->kind, item, entry->at);
        decoder->siblings = node;
        decode_object(decoder, &inner, field->kind, entry->value, item);
    }
    decoder->siblings = NULL;
    store_items(field, object, items, count);
}
