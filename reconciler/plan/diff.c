/*
 * Three-way field differences: what is desired, what is observed, and what was applied last (from
 * the resource's label). The applied value decides what a plain comparison cannot: whether a value
 * that nobody declares any more is to be reset, and who caused a difference.
 *
 *   desired  observed  applied
 *      x        x         ·      nothing
 *      x        y         ·      change
 *      x        -         ·      change
 *      -        y         y'     reset: it was applied earlier and is no longer declared
 *      -        y         -      drift: set outside, unless the engine fills the field in
 *      -        -         ·      nothing
 *
 * The label cannot be rewritten after a change in place, so a third value proves nothing about who
 * made the difference: the cause is then unknown.
 */
#include "plan/plan.h"

#include "base/memory.h"

#include <string.h>

static const char hidden[] = "(secret)";

static bool prefix_fits(const char *prefix, const char *path) {
    size_t length = strlen(prefix);
    return strncmp(prefix, path, length) == 0 && (path[length] == '\0' || path[length] == '.');
}

static const struct field_rule *rule_of(const struct resource_kind *kind, const char *path) {
    static const struct field_rule otherwise = {.change_by = CHANGE_BY_REPLACE};
    for (const struct field_rule *rule = kind->rules; rule && rule->prefix; rule++)
        if (prefix_fits(rule->prefix, path))
            return rule;
    return &otherwise;
}

static bool same(const struct field *left, const struct field *right) {
    if (!left || !right)
        return left == right;
    return strcmp(left->value, right->value) == 0;
}

/* The three values of one path; each may be NULL. */
struct triple {
    const struct field *desired, *observed, *applied;
};

static bool is_secret(const struct triple *values) {
    return (values->desired && values->desired->secret) ||
           (values->observed && values->observed->secret) ||
           (values->applied && values->applied->secret);
}

static enum cause cause_of(const struct triple *values) {
    if (is_secret(values)) {
        /* The label holds a reference in place of the value: only its absence tells something. */
        if (values->applied)
            return CAUSE_UNKNOWN;
        if (!values->observed)
            return CAUSE_SPEC;
        return values->desired ? CAUSE_UNKNOWN : CAUSE_DRIFT;
    }
    if (same(values->observed, values->applied))
        return CAUSE_SPEC;
    return same(values->applied, values->desired) ? CAUSE_DRIFT : CAUSE_UNKNOWN;
}

static const char *shown(const struct field *field, bool secret) {
    if (!field)
        return NULL;
    return secret ? hidden : field->value;
}

/* Whether an observed value that nobody declares is the engine's own. After a reset in place the
 * label still tells of the applied value: only while that is what is observed, there is something
 * to reset. */
static bool is_filled(const struct field_rule *rule, const struct triple *values) {
    if (values->desired || !rule->engine_filled)
        return false;
    if (!values->applied)
        return true;
    bool in_place = rule->change_by != CHANGE_BY_REPLACE && !rule->reset_needs_replace;
    return in_place && !is_secret(values) && !same(values->observed, values->applied);
}

/* Two values that differ: fills the change and returns true when that matters. */
static bool compare(const struct resource_kind *kind, const struct triple *values,
                    struct field_change *change) {
    const char *path = values->desired ? values->desired->path : values->observed->path;
    const struct field_rule *rule = rule_of(kind, path);
    if (is_filled(rule, values))
        return false;
    bool secret = is_secret(values);
    *change = (struct field_change){
        .path = path,
        .from = shown(values->observed, secret),
        .to = shown(values->desired, secret),
        .cause = cause_of(values),
        .change_by = rule->change_by,
    };
    if (!values->desired && rule->reset_needs_replace && rule->change_by != CHANGE_BY_NOTHING)
        change->change_by = CHANGE_BY_REPLACE;
    return true;
}

static bool same_text(const char *left, const char *right) {
    return left == right || strcmp(left, right) == 0;
}

/* The field at a position of a sorted list, or NULL at its end. */
static const struct field *at(const struct field_list *list, size_t position) {
    return position < list->count ? &list->items[position] : NULL;
}

/* Takes the next path of both lists: the values it has in each, one of which may be NULL. */
static bool next_pair(const struct field_list *desired, size_t *d,
                      const struct field_list *observed, size_t *o, struct triple *values) {
    const struct field *left = at(desired, *d), *right = at(observed, *o);
    int order = !left ? 1 : !right ? -1 : left->path == right->path ? 0 : 2;
    if (order == 2)
        order = strcmp(left->path, right->path);
    *values = (struct triple){order <= 0 ? left : NULL, order >= 0 ? right : NULL, NULL};
    *d += values->desired != NULL;
    *o += values->observed != NULL;
    return values->desired || values->observed;
}

/* The field with that path; paths are asked for in order. */
static const struct field *find_next(const struct field_list *list, size_t *position,
                                     const char *path) {
    int order = -1;
    while (*position < list->count && (order = strcmp(list->items[*position].path, path)) < 0)
        ++*position;
    return order == 0 ? at(list, *position) : NULL;
}

size_t diff_fields(struct arena *arena, const struct resource_kind *kind,
                   const struct field_list *desired, const struct field_list *observed,
                   const struct field_list *applied, struct field_change **changes) {
    size_t d = 0, o = 0, a = 0, count = 0, capacity = 0;
    struct triple values;
    *changes = NULL;
    while (next_pair(desired, &d, observed, &o, &values)) {
        if (values.desired && values.observed &&
            same_text(values.desired->value, values.observed->value))
            continue;
        values.applied =
            find_next(applied, &a, values.desired ? values.desired->path : values.observed->path);
        struct field_change change;
        if (!compare(kind, &values, &change))
            continue;
        if (count == capacity) {
            capacity = capacity ? capacity * 2 : 8;
            struct field_change *grown = arena_array(arena, struct field_change, capacity);
            if (count)
                memcpy(grown, *changes, count * sizeof *grown);
            *changes = grown;
        }
        (*changes)[count++] = change;
    }
    return count;
}
