/* Reading lists of texts, command lines, and maps from names to texts. */
#include "base/memory.h"
#include "spec/arguments.h"
#include "spec/decode.h"
#include "spec/keys.h"

#include <stdlib.h>
#include <string.h>

static struct text_list *texts_of(const struct field_spec *field, void *object) {
    return (struct text_list *)(void *)((char *)object + field->offset);
}

/* Items that could not be read are left out; they were reported. */
static void read_items(struct decoder *decoder, const struct path *path,
                       const struct value_type *type, const struct node *node,
                       struct text_list *list) {
    list->declared = true;
    list->items = arena_array(decoder->arena, const char *, node->count);
    list->count = 0;
    for (size_t i = 0; i < node->count; i++) {
        struct path inner = {path, NULL, i};
        const char *text = scalar_convert(decoder, &inner, node->items[i], type);
        if (text)
            list->items[list->count++] = text;
    }
}

static int compare_texts(const void *left, const void *right) {
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static void read_texts(struct decoder *decoder, const struct path *path,
                       const struct field_spec *field, const struct node *node, void *object) {
    if (node->kind != NODE_LIST) {
        cleanup_free char *expected =
            format_text("a list (each item %s)", field->element->expected);
        problem_mismatch(decoder, path, node, NULL, expected);
        return;
    }
    struct text_list *list = texts_of(field, object);
    read_items(decoder, path, field->element, node, list);
    /* Sets rather than sequences: CAP_CHOWN written twice or in another order is the same. */
    if (field->element != &type_capability)
        return;
    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, compare_texts);
    size_t unique = 0;
    for (size_t i = 0; i < list->count; i++)
        if (unique == 0 || strcmp(list->items[unique - 1], list->items[i]) != 0)
            list->items[unique++] = list->items[i];
    list->count = unique;
}

static void read_arguments(struct decoder *decoder, const struct path *path,
                           const struct field_spec *field, const struct node *node, void *object) {
    struct text_list *list = texts_of(field, object);
    if (node->kind == NODE_LIST) {
        read_items(decoder, path, &type_any_text, node, list);
        return;
    }
    const char *text = scalar_text(decoder, path, node, type_arguments.expected);
    if (!text)
        return;
    const char *problem = split_arguments(decoder->arena, text, list);
    if (problem)
        problem_at(decoder, path, node, "write it as a list: [program, argument, …]", "%s",
                   problem);
}

/* --- pairs ------------------------------------------------------------------------------------ */

static int compare_pairs(const void *left, const void *right) {
    return strcmp(((const struct pair *)left)->key, ((const struct pair *)right)->key);
}

static void finish_pairs(struct pair_list *list) {
    if (list->count > 1)
        qsort(list->items, list->count, sizeof *list->items, compare_pairs);
}

/* Labels the reconciler and Compose's tools put on everything: theirs alone. */
static bool is_reserved_label(const char *key) {
    return strncmp(key, "tse.io/", 7) == 0 || strncmp(key, "com.docker.compose.", 19) == 0;
}

static const char *read_pair_key(struct decoder *decoder, const struct path *path,
                                 const struct field_spec *field, const struct entry *entry) {
    const char *key = field->key->convert(decoder->arena, entry->key);
    if (!key) {
        problem_at_key(decoder, path, entry, NULL, "\"%s\" is not %s", entry->key,
                       field->key->expected);
    } else if (field->key == &type_label_key && is_reserved_label(key)) {
        problem_at_key(decoder, path, entry, "use a prefix of your own",
                       "the label \"%s\" is reserved: ownership is recorded under its prefix", key);
        return NULL;
    }
    return key;
}

static void read_pair_map(struct decoder *decoder, const struct path *path,
                          const struct field_spec *field, const struct node *node,
                          struct pair_list *list) {
    list->items = arena_array(decoder->arena, struct pair, node->count);
    list->count = 0;
    for (size_t i = 0; i < node->count; i++) {
        const struct entry *entry = &node->entries[i];
        struct path inner = {path, entry->key, 0};
        const char *key = read_pair_key(decoder, &inner, field, entry);
        /* A null inside a list's item was not taken out by overlaying: not declared. */
        if (!key || entry->value->kind == NODE_NULL)
            continue;
        const char *value = scalar_convert(decoder, &inner, entry->value, field->element);
        if (value)
            list->items[list->count++] = (struct pair){key, value, entry->at};
    }
    finish_pairs(list);
}

static void read_pairs(struct decoder *decoder, const struct path *path,
                       const struct field_spec *field, const struct node *node, void *object) {
    struct pair_list *list = (struct pair_list *)(void *)((char *)object + field->offset);
    if (node->kind == NODE_MAP)
        read_pair_map(decoder, path, field, node, list);
    else
        problem_mismatch(decoder, path, node, NULL, field->type->expected);
}

/* Reads a list whose items are "KEY:VALUE"; the value is optional when `fallback` is given. */
static void read_pair_texts(struct decoder *decoder, const struct path *path,
                            const struct field_spec *field, const struct node *node,
                            const char *fallback, struct pair_list *list) {
    list->items = arena_array(decoder->arena, struct pair, node->count);
    list->count = 0;
    for (size_t i = 0; i < node->count; i++) {
        struct path inner = {path, NULL, i};
        const char *text = scalar_text(decoder, &inner, node->items[i], field->type->expected);
        if (!text)
            continue;
        const char *colon = strchr(text, ':');
        cleanup_free char *left = strndup(text, colon ? (size_t)(colon - text) : strlen(text));
        const char *key = field->key->convert(decoder->arena, left);
        const char *value = colon ? field->element->convert(decoder->arena, colon + 1) : fallback;
        if (!key)
            problem_at(decoder, &inner, node->items[i], NULL, "\"%s\" is not %s", left,
                       field->key->expected);
        else if (!value)
            problem_at(decoder, &inner, node->items[i], NULL, "\"%s\" is not %s",
                       colon ? colon + 1 : "", field->element->expected);
        else
            list->items[list->count++] = (struct pair){key, value, node->items[i]->at};
    }
    finish_pairs(list);
}

/* Reports what is declared twice, and keeps one of each. */
static void problem_duplicates(struct decoder *decoder, const struct path *path,
                               const struct node *node, struct pair_list *list) {
    size_t kept = 0;
    for (size_t i = 0; i < list->count; i++) {
        if (kept == 0 || strcmp(list->items[kept - 1].key, list->items[i].key) != 0)
            list->items[kept++] = list->items[i];
        else
            problem_at(decoder, path, node, "write it once", "\"%s\" is declared twice",
                       list->items[i].key);
    }
    list->count = kept;
}

static void read_pairs_or_texts(struct decoder *decoder, const struct path *path,
                                const struct field_spec *field, const struct node *node,
                                void *object, const char *fallback) {
    struct pair_list *list = (struct pair_list *)(void *)((char *)object + field->offset);
    if (node->kind == NODE_LIST)
        read_pair_texts(decoder, path, field, node, fallback, list);
    else
        read_pairs(decoder, path, field, node, object);
    problem_duplicates(decoder, path, node, list);
}

static void read_hosts(struct decoder *decoder, const struct path *path,
                       const struct field_spec *field, const struct node *node, void *object) {
    read_pairs_or_texts(decoder, path, field, node, object, NULL);
}

static void read_tmpfs(struct decoder *decoder, const struct path *path,
                       const struct field_spec *field, const struct node *node, void *object) {
    read_pairs_or_texts(decoder, path, field, node, object, "");
}

static void read_flags(struct decoder *decoder, const struct path *path,
                       const struct field_spec *field, const struct node *node, void *object) {
    struct pair_list *list = (struct pair_list *)(void *)((char *)object + field->offset);
    read_pairs(decoder, path, field, node, object);
    for (size_t i = 0; i < list->count; i++) {
        struct pair *item = &list->items[i];
        struct path inner = {path, item->key, 0};
        int value = parse_boolean(item->value);
        item->value = value < 0 ? NULL : value ? "true" : "false";
        if (value < 0)
            scalar_boolean(decoder, &inner, node_get(node, item->key));
    }
}

/* dependsOn as a list of names: each is to be started. */
static void read_dependencies(struct decoder *decoder, const struct path *path,
                              const struct field_spec *field, const struct node *node,
                              void *object) {
    if (node->kind != NODE_LIST) {
        read_object_map(decoder, path, field, node, object);
        return;
    }
    struct entry *entries = arena_array(decoder->arena, struct entry, node->count);
    struct node started = {.kind = NODE_SCALAR, .text = "started", .width = 1};
    struct node map = {.kind = NODE_MAP, .at = node->at, .width = node->width, .entries = entries};
    cleanup_key_index struct key_index known = KEY_INDEX_INIT;
    for (size_t i = 0; i < node->count; i++) {
        struct path inner = {path, NULL, i};
        const char *name = scalar_text(decoder, &inner, node->items[i], type_name.expected);
        if (!name)
            continue;
        if (key_index_find(&known, name) == KEY_NONE)
            key_index_add(&known, name);
        else
            problem_at(decoder, &inner, node->items[i], "write it once", "\"%s\" is named twice",
                       name);
        entries[map.count++] = (struct entry){name, node->items[i]->at, &started};
    }
    read_object_map(decoder, path, field, &map, object);
}

const struct value_type type_texts = {
    .name = "list", .expected = "a list", .shape = SHAPE_STRINGS, .read = read_texts};
const struct value_type type_arguments = {
    .name = "arguments",
    .expected = "a list of texts, or one text that is split as a shell would",
    .shape = SHAPE_ARGUMENTS,
    .read = read_arguments};
const struct value_type type_pairs = {.name = "map",
                                      .expected = "a map from names to texts",
                                      .shape = SHAPE_PAIRS,
                                      .read = read_pairs};
const struct value_type type_flags = {.name = "map",
                                      .expected = "a map from names to true or false",
                                      .shape = SHAPE_PAIRS,
                                      .read = read_flags};
const struct value_type type_hosts = {
    .name = "map or list",
    .expected = "a map from host names to addresses, or a list of HOST:ADDRESS",
    .shape = SHAPE_PAIRS_OR_STRINGS,
    .read = read_hosts};
const struct value_type type_tmpfs = {
    .name = "map or list",
    .expected = "a list of PATH or PATH:OPTIONS, or a map from paths to options",
    .shape = SHAPE_PAIRS_OR_STRINGS,
    .read = read_tmpfs};
const struct value_type type_object = {
    .name = "object", .expected = "a map", .shape = SHAPE_OBJECT, .read = read_object};
const struct value_type type_objects = {
    .name = "list", .expected = "a list", .shape = SHAPE_OBJECTS, .read = read_objects};
const struct value_type type_object_map = {
    .name = "map", .expected = "a map", .shape = SHAPE_OBJECT_MAP, .read = read_object_map};
const struct value_type type_dependencies = {.name = "map or list",
                                             .expected = "a map, or a list of names",
                                             .shape = SHAPE_OBJECT_MAP,
                                             .read = read_dependencies};
