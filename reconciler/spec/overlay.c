/* What is done to trees between reading and decoding: nulls that remove nothing, and ${…}. */
#include "base/memory.h"
#include "spec/interpolate_internal.h"
#include "spec/keys.h"
#include "spec/reading.h"

#include <string.h>
#include <utarray.h>

/* --- walking a tree by the tables ------------------------------------------------------------- */

static void visit_value(const struct field_spec *field, struct node **slot, visit_field *visit,
                        void *context) {
    struct node *value = *slot;
    if (!field_has_kind(field)) {
        visit(context, field, slot);
    } else if (field->type->shape == SHAPE_OBJECT) {
        visit_fields(field->kind, value, visit, context);
    } else if (value->kind == NODE_LIST) {
        for (size_t i = 0; i < value->count; i++)
            visit_fields(field->kind, value->items[i], visit, context);
    } else if (value->kind == NODE_MAP) {
        for (size_t i = 0; i < value->count; i++)
            visit_fields(field->kind, value->entries[i].value, visit, context);
    }
}

void visit_fields(const struct kind_spec *kind, struct node *node, visit_field *visit,
                  void *context) {
    if (node->kind != NODE_MAP)
        return;
    for (size_t i = 0; i < node->count; i++) {
        const struct field_spec *field = kind_field(kind, node->entries[i].key);
        if (field)
            visit_value(field, &node->entries[i].value, visit, context);
    }
}

/* --- removals -----------------------------------------------------------------------------------
 */

/* Finds a map's entries in constant time: an Environment may overlay thousands of services. */
static const struct node *find_in(const struct key_index *index, const struct node *map,
                                  const char *key) {
    size_t place = key_index_find(index, key);
    return !map || place == KEY_NONE ? NULL : map->entries[place].value;
}

/* What was meant by "NAME:" with nothing behind it. */
static char *help_for_nothing(const struct field_spec *field, const char *name) {
    const struct kind_spec *kind = field->kind;
    if (kind == &kind_variable)
        return format_text(
            "write %s: \"\" for an empty value, %s: ${%s} to pass it on, or take the "
            "line out",
            name, name, name);
    if (!kind)
        return format_text("write %s: \"\" for an empty value, or take the line out", name);
    if (!kind->short_type)
        return format_text("write %s: {} to declare it, or take the line out", name);
    return format_text("write %s: %s, or take the line out", name,
                       kind->short_choices ? kind->short_choices->text : "VALUE");
}

static void problem_nothing(struct decoder *decoder, const struct path *path,
                            const struct field_spec *field, const struct entry *entry) {
    cleanup_free char *help = help_for_nothing(field, entry->key);
    if (field->kind)
        problem_at_key(decoder, path, entry, help,
                       "an empty value (null) removes the %s, but none is declared before it",
                       field->kind->name);
    else
        problem_at_key(decoder, path, entry, help,
                       "an empty value (null) removes the entry of `%s`, but none is declared "
                       "before it",
                       field->name);
}

/* "tmpfs: {/tmp: }" has no options: that is what Compose's users write. */
static struct node *no_options(struct arena *arena, const struct node *nothing) {
    struct node *node = arena_alloc(arena, sizeof *node);
    *node = *nothing;
    node->kind = NODE_SCALAR;
    node->text = "";
    node->quoted = true;
    return node;
}

static void check_map_removals(struct decoder *decoder, const struct path *path,
                               const struct field_spec *field, const struct node *target,
                               struct node *patch) {
    cleanup_key_index struct key_index index = KEY_INDEX_INIT;
    for (size_t i = 0; target && target->kind == NODE_MAP && i < target->count; i++)
        key_index_add(&index, target->entries[i].key);
    for (size_t i = 0; i < patch->count; i++) {
        struct entry *entry = &patch->entries[i];
        struct path inner = {path, entry->key, 0};
        const struct node *under = find_in(&index, target, entry->key);
        if (entry->value->kind == NODE_MAP && field->kind)
            check_removals(decoder, &inner, field->kind, under, entry->value);
        else if (entry->value->kind != NODE_NULL || under)
            continue;
        else if (field->type == &type_tmpfs)
            entry->value = no_options(decoder->arena, entry->value);
        else
            problem_nothing(decoder, &inner, field, entry);
    }
}

static bool is_map_of_names(const struct field_spec *field) {
    const enum shape shape = field->type->shape;
    return shape == SHAPE_OBJECT_MAP || shape == SHAPE_PAIRS || shape == SHAPE_PAIRS_OR_STRINGS;
}

void check_removals(struct decoder *decoder, const struct path *path, const struct kind_spec *kind,
                    const struct node *target, struct node *patch) {
    for (size_t i = 0; i < patch->count; i++) {
        const struct entry *entry = &patch->entries[i];
        const struct field_spec *field = kind_field(kind, entry->key);
        if (!field || entry->value->kind != NODE_MAP)
            continue;
        struct path inner = {path, entry->key, 0};
        const struct node *under =
            target && target->kind == NODE_MAP ? node_get(target, entry->key) : NULL;
        if (is_map_of_names(field))
            check_map_removals(decoder, &inner, field, under, entry->value);
        else if (field->type->shape == SHAPE_OBJECT)
            check_removals(decoder, &inner, field->kind, under, entry->value);
    }
}

/* --- interpolation ------------------------------------------------------------------------------
 */

struct verbatim { /* where a node is kept from interpolation, and what is there */
    struct node **slot;
    struct node written;
    struct verbatim *next;
};

struct verbatim_list {
    struct arena *arena;
    struct verbatim *first;
    struct node nothing;
};

/* By an alias the same node may stand where it is interpolated, so it is kept as a copy. */
static void hide_verbatim(void *context, const struct field_spec *field, struct node **slot) {
    struct verbatim_list *list = context;
    if (!(field->flags & FIELD_VERBATIM) || (*slot)->kind == NODE_NULL)
        return;
    struct verbatim *hidden = arena_alloc(list->arena, sizeof *hidden);
    *hidden = (struct verbatim){slot, **slot, list->first};
    list->first = hidden;
    *slot = &list->nothing;
}

static void note_variable(void *names, const char *name) {
    utarray_push_back((UT_array *)names, &name);
}

/* The variable a secret is read from, and those its default is made from. */
static void note_secret(struct reading *reading, struct node *secret, UT_array *names) {
    struct node *env = node_get(secret, "env");
    const struct node *fallback = node_get(secret, "default");
    if (env && env->kind == NODE_SCALAR &&
        (!strchr(env->text, '$') ||
         interpolate_tree(reading->trees, env, reading->variables, reading->diagnostics) == 0))
        note_variable(names, env->text);
    if (fallback && fallback->kind == NODE_SCALAR && strchr(fallback->text, '$'))
        interpolate_watched(reading->trees, fallback->text, strlen(fallback->text),
                            reading->variables, NULL, NULL, note_variable, names);
}

/* Variables of secrets are marked before anything is made from them; their names may themselves be
 * made from variables, as paths of includes and env files may. Those are looked at again. */
static void mark_secrets(struct reading *reading) {
    static const UT_icd icd = {sizeof(const char *), NULL, NULL, NULL};
    static const char *const early[] = {"include", "envFiles", "secrets"};
    struct node *secrets = node_get(reading->spec, "secrets");
    if (!secrets || secrets->kind != NODE_MAP)
        return;
    reading->decoder.secrets = secrets;
    UT_array names;
    utarray_init(&names, &icd);
    for (size_t i = 0; i < secrets->count; i++)
        note_secret(reading, secrets->entries[i].value, &names);
    note_variable(&names, NULL);
    variables_mark_sensitive(reading->variables, (const char *const *)(void *)names.d);
    utarray_done(&names);
    for (size_t i = 0; i < sizeof early / sizeof early[0]; i++)
        interpolation_recheck(reading->trees, node_get(reading->spec, early[i]), reading->variables,
                              reading->diagnostics);
}

void interpolate_environment(struct reading *reading) {
    mark_secrets(reading);
    struct verbatim_list list = {.arena = reading->trees, .nothing = {.kind = NODE_NULL}};
    visit_fields(&kind_environment_spec, reading->spec, hide_verbatim, &list);
    /* On its own first, so that paths in messages begin below `spec`. */
    interpolate_tree(reading->trees, reading->spec, reading->variables, reading->diagnostics);
    interpolate_tree(reading->trees, reading->root, reading->variables, reading->diagnostics);
    for (struct verbatim *hidden = list.first; hidden; hidden = hidden->next)
        *hidden->slot = &hidden->written;
}
