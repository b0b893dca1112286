/*
 * The flattened Environment: what is left of all files after including, overlaying, ${…} and
 * `when`, as one file that reads to the same environment. Fields are in the order of the tables,
 * maps by name, paths relative to the Environment's file, so that equal states render equally
 * wherever the checkout lies. Secrets are there by reference; a default is there as a file declares
 * it, with ${…} in it left alone, so that no value from outside of the files is shown.
 */
#include "base/memory.h"
#include "spec/interpolate.h"
#include "spec/paths.h"
#include "spec/reading.h"

#include <stdlib.h>
#include <string.h>

struct renderer {
    struct arena *arena;
    struct reading *reading;
    unsigned without; /* fields with one of these flags are left out */
};

static struct node *canonical_object(const struct renderer *renderer, const struct kind_spec *kind,
                                     const struct node *node);

static struct node *copy_node(const struct renderer *renderer, const struct node *node) {
    struct node *copy = arena_alloc(renderer->arena, sizeof *copy);
    *copy = *node;
    return copy;
}

static void sort_entries(struct node *map) {
    if (map->kind == NODE_MAP)
        node_sort_entries(map->entries, map->count);
}

/* --- scalars ------------------------------------------------------------------------------------
 */

/* Texts become texts and numbers numbers, however they were written: 5 and "5" are the same where a
 * text is meant, and what else reads the rendering (kubectl) must not take `restart: no` for a
 * boolean. */
static struct node *typed_scalar(const struct renderer *renderer, enum shape shape,
                                 const struct node *node) {
    struct node *copy = copy_node(renderer, node);
    if (node->kind != NODE_SCALAR)
        return copy;
    if (shape == SHAPE_BOOLEAN && parse_boolean(node->text) >= 0)
        copy->text = parse_boolean(node->text) ? "true" : "false";
    const bool digits = *node->text && !node->text[strspn(node->text, "0123456789")];
    copy->quoted = shape == SHAPE_NUMBER_OR_STRING
                       ? !digits
                       : shape != SHAPE_INTEGER && shape != SHAPE_BOOLEAN;
    return copy;
}

static struct node *moved_path(const struct renderer *renderer, const struct node *node) {
    struct node *copy = typed_scalar(renderer, SHAPE_STRING, node);
    if (node->kind != NODE_SCALAR || *node->text == '/')
        return copy;
    copy->text = path_from(renderer->arena, renderer->reading->file,
                           path_beside(renderer->arena, node->at.file, node->text));
    return copy;
}

/* A scalar, or a list or map of scalars. */
static struct node *canonical_texts(const struct renderer *renderer, const struct field_spec *field,
                                    const struct node *node) {
    enum shape shape = field->element ? field->element->shape : field->type->shape;
    if (field->type == &type_flags)
        shape = SHAPE_BOOLEAN;
    struct node *copy = typed_scalar(renderer, shape, node);
    if (node->kind == NODE_LIST)
        copy->items = arena_array(renderer->arena, struct node *, node->count);
    for (size_t i = 0; node->kind == NODE_LIST && i < node->count; i++)
        copy->items[i] = field->flags & FIELD_PATH ? moved_path(renderer, node->items[i])
                                                   : typed_scalar(renderer, shape, node->items[i]);
    if (node->kind == NODE_MAP)
        copy->entries = arena_array(renderer->arena, struct entry, node->count);
    for (size_t i = 0; node->kind == NODE_MAP && i < node->count; i++) {
        copy->entries[i] = node->entries[i];
        copy->entries[i].value = typed_scalar(renderer, shape, node->entries[i].value);
    }
    sort_entries(copy);
    return copy;
}

/* --- order --------------------------------------------------------------------------------------
 */

static bool is_switched_off(const struct renderer *renderer, const struct kind_spec *kind,
                            const char *name) {
    struct switched_off *off = NULL;
    if (kind == &kind_service)
        HASH_FIND_STR(renderer->reading->switched_off, name, off);
    return off != NULL;
}

static struct node *canonical_map(const struct renderer *renderer, const struct kind_spec *kind,
                                  const struct node *node) {
    struct node *copy = copy_node(renderer, node);
    copy->entries = arena_array(renderer->arena, struct entry, node->count);
    copy->count = 0;
    for (size_t i = 0; i < node->count; i++) {
        struct entry entry = node->entries[i];
        if (is_switched_off(renderer, kind, entry.key))
            continue;
        entry.value = canonical_object(renderer, kind, entry.value);
        copy->entries[copy->count++] = entry;
    }
    sort_entries(copy);
    return copy;
}

static struct node *canonical_list(const struct renderer *renderer, const struct kind_spec *kind,
                                   const struct node *node) {
    struct node *copy = copy_node(renderer, node);
    copy->items = arena_array(renderer->arena, struct node *, node->count);
    for (size_t i = 0; i < node->count; i++)
        copy->items[i] = canonical_object(renderer, kind, node->items[i]);
    return copy;
}

static struct node *canonical_value(const struct renderer *renderer, const struct field_spec *field,
                                    struct node *node) {
    if (field->flags & FIELD_PATH && node->kind == NODE_SCALAR)
        return moved_path(renderer, node);
    if (!field_has_kind(field))
        return canonical_texts(renderer, field, node);
    if (field->type->shape == SHAPE_OBJECT)
        return canonical_object(renderer, field->kind, node);
    if (node->kind == NODE_MAP)
        return canonical_map(renderer, field->kind, node);
    if (field->type->shape == SHAPE_OBJECTS)
        return canonical_list(renderer, field->kind, node);
    return node;
}

static struct node *canonical_object(const struct renderer *renderer, const struct kind_spec *kind,
                                     const struct node *node) {
    if (node->kind != NODE_MAP && kind->short_type == &type_path)
        return moved_path(renderer, node);
    if (node->kind != NODE_MAP)
        return typed_scalar(renderer, kind->short_type ? kind->short_type->shape : SHAPE_STRING,
                            node);
    struct node *copy = copy_node(renderer, node);
    copy->entries = arena_array(renderer->arena, struct entry, node->count);
    copy->count = 0;
    for (const struct field_spec *field = kind->fields; field->name; field++) {
        struct entry *entry = node_entry(node, field->name);
        if (!entry || entry->value->kind == NODE_NULL || field->flags & renderer->without)
            continue;
        copy->entries[copy->count] = *entry;
        copy->entries[copy->count++].value = canonical_value(renderer, field, entry->value);
    }
    return copy;
}

/* --- verbatim fields ----------------------------------------------------------------------------
 */

struct collected {
    struct node **items;
    size_t count, capacity;
};

static void collect_verbatim(void *context, const struct field_spec *field, struct node **slot) {
    struct collected *list = context;
    if (!(field->flags & FIELD_VERBATIM))
        return;
    if (list->count == list->capacity) {
        list->capacity = list->capacity ? 2 * list->capacity : 16;
        list->items = memory_resize(list->items, list->capacity * sizeof(struct node *));
    }
    list->items[list->count++] = *slot;
}

/* They were not interpolated, so there is nothing to undo: takes their texts back. */
static void restore_verbatim(struct node *original, struct node *copy) {
    struct collected from = {0}, to = {0};
    visit_fields(&kind_environment, original, collect_verbatim, &from);
    visit_fields(&kind_environment, copy, collect_verbatim, &to);
    for (size_t i = 0; i < from.count && i < to.count; i++)
        to.items[i]->text = from.items[i]->text;
    free(from.items);
    free(to.items);
}

struct node *render_tree(struct reading *reading) {
    struct renderer renderer = {reading->trees, reading, FIELD_APPLIED};
    struct node *written = interpolation_undo(reading->trees, reading->root);
    restore_verbatim(reading->root, written);
    return canonical_object(&renderer, &kind_environment, written);
}

struct node *render_for_revision(struct reading *reading, struct arena *arena,
                                 const struct field_spec *field, const struct node *node) {
    struct renderer renderer = {arena, reading, FIELD_APPLIED | FIELD_CONFIDENTIAL};
    return canonical_value(&renderer, field, interpolation_undo(arena, node));
}
