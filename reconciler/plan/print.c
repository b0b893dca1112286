/*
 * A plan as text: for people, aligned and with the cause of each difference, and for tests, one
 * action on a line. Values come from outside: they are made fit for one line before they are shown.
 */
#include "plan/plan.h"

#include "base/memory.h"
#include "base/text.h"

#include <string.h>

#define VALUE_COLUMNS 80 /* of one value; all of it is in the JSON */
#define PAD_COLUMNS   60 /* a longer text does not push everybody's next column */

/* --- for people ---------------------------------------------------------------------------------
 */

static const char *symbol_of(enum change_kind kind) {
    switch (kind) {
    case CHANGE_CREATE:
        return "+";
    case CHANGE_REPLACE:
        return "±";
    case CHANGE_REMOVE:
        return "-";
    case CHANGE_REFUSE:
        return "!";
    case CHANGE_PULL:
        return "↑";
    default:
        return "~";
    }
}

static enum style style_of(enum change_kind kind) {
    switch (kind) {
    case CHANGE_CREATE:
        return STYLE_GREEN;
    case CHANGE_REMOVE:
    case CHANGE_REFUSE:
        return STYLE_RED;
    case CHANGE_PULL:
        return STYLE_CYAN;
    default:
        return STYLE_YELLOW;
    }
}

/* "256Mi → 128Mi"; malloc'd. */
static char *values_of(const struct field_change *field) {
    if (field->from && field->to && strcmp(field->from, field->to) == 0)
        return copy_text(field->from); /* both "(secret)" */
    cleanup_free char *from =
        text_fit(field->from ? field->from : "(not set)", VALUE_COLUMNS, true);
    cleanup_free char *to = text_fit(field->to ? field->to : "(not set)", VALUE_COLUMNS, true);
    return format_text("%s → %s", from, to);
}

struct widths {
    size_t key, kind, path, values;
};

static void widen(size_t *width, size_t columns) {
    if (columns > *width && columns <= PAD_COLUMNS)
        *width = columns;
}

static void measure_fields(const struct change *change, struct widths *widths) {
    for (size_t i = 0; i < change->field_count; i++) {
        const struct field_change *field = &change->fields[i];
        widen(&widths->path, text_columns(field->path));
        if (field->cause != CAUSE_DRIFT)
            continue; /* nothing comes after its values */
        cleanup_free char *values = values_of(field);
        widen(&widths->values, text_columns(values));
    }
}

static struct widths measure(const struct plan *plan) {
    struct widths widths = {0};
    for (size_t i = 0; i < plan->change_count; i++) {
        const struct change *change = &plan->changes[i];
        if (change->kind == CHANGE_NONE)
            continue;
        widen(&widths.key, text_columns(change->key));
        if (change->note)
            widen(&widths.kind, text_columns(change_kind_name(change->kind)));
        measure_fields(change, &widths);
    }
    return widths;
}

/* The text, and spaces up to the width. */
static void put(FILE *out, const char *text, size_t width) {
    cleanup_free char *fit = text_fit(text, SIZE_MAX, true);
    size_t columns = text_columns(fit);
    fputs(fit, out);
    fprintf(out, "%*s", columns < width ? (int)(width - columns) : 0, "");
}

static void print_field(const struct field_change *field, const struct widths *widths, FILE *out,
                        bool colour) {
    cleanup_free char *values = values_of(field);
    bool drift = field->cause == CAUSE_DRIFT;
    fputs("    ", out);
    put(out, field->path, widths->path);
    fputs("   ", out);
    put(out, values, drift ? widths->values : 0);
    if (drift)
        fprintf(out, "   %sdrift: changed outside%s", style_begin(STYLE_DIM, colour),
                style_end(STYLE_DIM, colour));
    fputc('\n', out);
}

static void print_change(const struct change *change, const struct widths *widths, FILE *out,
                         bool colour) {
    enum style style = style_of(change->kind);
    fprintf(out, "%s%s ", style_begin(style, colour), symbol_of(change->kind));
    put(out, change->key, widths->key + 2);
    put(out, change_kind_name(change->kind), change->note ? widths->kind : 0);
    fputs(style_end(style, colour), out);
    if (change->note) {
        fputs("   ", out);
        put(out, change->note, 0);
    }
    fputc('\n', out);
    for (size_t i = 0; i < change->field_count; i++)
        print_field(&change->fields[i], widths, out, colour);
}

struct counts {
    size_t create, in_place, replace, remove, pull, refuse;
};

static void count(const struct change *change, struct counts *counts) {
    switch (change->kind) {
    case CHANGE_NONE:
        break;
    case CHANGE_CREATE:
        counts->create++;
        break;
    case CHANGE_REPLACE:
        counts->replace++;
        break;
    case CHANGE_REMOVE:
        counts->remove++;
        break;
    case CHANGE_PULL:
        counts->pull++;
        break;
    case CHANGE_REFUSE:
        counts->refuse++;
        break;
    default:
        counts->in_place++;
    }
}

static void print_summary(const struct plan *plan, FILE *out) {
    struct counts counts = {0};
    if (plan_change_count(plan) == 0) {
        fputs("Nothing to do.\n", out);
        return;
    }
    for (size_t i = 0; i < plan->change_count; i++)
        count(&plan->changes[i], &counts);
    fprintf(out, "\n%zu to create, %zu to change in place, %zu to replace, %zu to remove",
            counts.create, counts.in_place, counts.replace, counts.remove);
    if (counts.pull)
        fprintf(out, ", %zu to pull", counts.pull);
    if (counts.refuse)
        fprintf(out, "; %zu cannot be done", counts.refuse);
    fputs(".\n", out);
}

void plan_print(const struct plan *plan, FILE *out, bool colour) {
    struct widths widths = measure(plan);
    for (size_t i = 0; i < plan->change_count; i++)
        if (plan->changes[i].kind != CHANGE_NONE)
            print_change(&plan->changes[i], &widths, out, colour);
    print_summary(plan, out);
}

/* --- for tests ----------------------------------------------------------------------------------
 */

/* What the request is addressed to, unless it is the name the resource should have. */
static void print_target(const struct action *action, FILE *out) {
    const char *usual = action->desired ? action->desired->engine_name : NULL;
    if (action->target && (!usual || strcmp(usual, action->target) != 0))
        fprintf(out, " @%s", action->target);
}

static void print_action(const struct plan *plan, size_t index, FILE *out) {
    static const char *const conditions[] = {
        [DEPENDS_STARTED] = "started",
        [DEPENDS_HEALTHY] = "healthy",
        [DEPENDS_COMPLETED] = "completed",
    };
    const struct action *action = &plan->actions[index];
    const struct resource *subject = action->desired ? action->desired : action->observed;
    fprintf(out, "%zu %s %s", index, verb_name(action->verb),
            subject ? subject->key : plan->changes[action->change].key);
    print_target(action, out);
    if (action->verb == VERB_AWAIT)
        fprintf(out, " %s", conditions[action->condition]);
    else if (action->argument)
        fprintf(out, " %s", action->argument);
    if (action->need_count)
        fputs(" <-", out);
    for (size_t i = 0; i < action->need_count; i++)
        fprintf(out, " %zu", action->needs[i]);
    if (action->undoes != ACTION_NONE)
        fprintf(out, " undoes %zu", action->undoes);
    fputc('\n', out);
}

void plan_print_actions(const struct plan *plan, FILE *out) {
    for (size_t i = 0; i < plan->action_count; i++)
        print_action(plan, i, out);
}
