/* Three-way field differences: what counts as one, whose doing it is, and what it takes. */
#include "plan_sample.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct field_rule rules[] = {
    {"limits.pids", CHANGE_BY_UPDATE, false, false}, {"limits", CHANGE_BY_UPDATE, true, false},
    {"networks", CHANGE_BY_ATTACH, false, false},    {"data", CHANGE_BY_NOTHING, true, false},
    {"picked", CHANGE_BY_REPLACE, false, true},      {"filled", CHANGE_BY_UPDATE, false, true},
    {"log", CHANGE_BY_UPDATE, true, true},           {NULL, CHANGE_BY_REPLACE, false, false},
};

static const struct resource_kind kind = {"thing", LIFECYCLE_OBJECT, 0, rules};

/* "path=value path=!secret …" */
static struct field_list read_fields(struct arena *arena, const char *text) {
    struct field_builder builder = {.arena = arena};
    char *rest = NULL, *copy = arena_copy(arena, text);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
        char *value = strchr(word, '=');
        *value++ = '\0';
        if (*value == '!')
            field_add_secret(&builder, word, value + 1);
        else
            field_add(&builder, word, value);
    }
    return field_list_finish(&builder);
}

static void expect(const char *desired, const char *observed, const char *applied,
                   const char *expected) {
    static const char *const causes[] = {"spec", "drift", "unknown"};
    static const char *const ways[] = {"replace", "update",  "attach",
                                       "upload",  "restart", "nothing"};
    cleanup_arena struct arena *arena = arena_new();
    struct field_list lists[] = {read_fields(arena, desired), read_fields(arena, observed),
                                 read_fields(arena, applied)};
    struct field_change *changes;
    size_t count = diff_fields(arena, &kind, &lists[0], &lists[1], &lists[2], &changes);
    char *text = arena_copy(arena, "");
    for (size_t i = 0; i < count; i++)
        text = arena_format(arena, "%s%s%s: %s -> %s, %s, %s", text, i ? "\n" : "", changes[i].path,
                            changes[i].from ? changes[i].from : "-",
                            changes[i].to ? changes[i].to : "-", causes[changes[i].cause],
                            ways[changes[i].change_by]);
    expect_text(text, expected);
}

Test(diff, nothing_differs) {
    expect("", "", "", "");
    expect("a=1 b=2", "a=1 b=2", "a=1 b=2", "");
    expect("a=1", "a=1", "", "");
    expect("a=1", "a=1", "a=3", "");
}

Test(diff, what_was_applied_but_is_neither_declared_nor_there_is_nothing) {
    expect("", "", "a=1", "");
    expect("b=1", "b=1", "a=1 c=1", "");
}

Test(diff, changed_value) {
    expect("a=2", "a=1", "a=1", "a: 1 -> 2, spec, replace");
    expect("a=2", "a=1", "a=2", "a: 1 -> 2, drift, replace");
    expect("a=2", "a=1", "a=3", "a: 1 -> 2, unknown, replace");
    expect("a=2", "a=1", "", "a: 1 -> 2, unknown, replace");
}

Test(diff, value_that_is_not_there) {
    expect("a=2", "", "", "a: - -> 2, spec, replace");
    expect("a=2", "", "a=2", "a: - -> 2, drift, replace");
    expect("a=2", "", "a=1", "a: - -> 2, unknown, replace");
}

Test(diff, no_longer_declared) {
    expect("", "a=1", "a=1", "a: 1 -> -, spec, replace");
    expect("", "a=2", "a=1", "a: 2 -> -, unknown, replace");
}

Test(diff, set_outside) {
    expect("", "a=1", "", "a: 1 -> -, drift, replace");
    expect("", "limits.pids=1", "", "limits.pids: 1 -> -, drift, update");
}

Test(diff, filled_in_by_the_engine) {
    expect("", "picked=1", "", "");
    expect("picked=2", "picked=1", "", "picked: 1 -> 2, unknown, replace");
    expect("", "picked=1", "picked=1", "picked: 1 -> -, spec, replace");
    expect("", "picked=2", "picked=1", "picked: 2 -> -, unknown, replace");
    expect("", "log.driver=json", "", "");
    expect("", "log.driver=json", "log.driver=other", "log.driver: json -> -, unknown, replace");
}

/* The label is not rewritten by a change in place: once the engine has filled in its own value,
 * there is nothing left to reset. */
Test(diff, filled_in_after_a_reset_in_place) {
    expect("", "filled=1", "filled=1", "filled: 1 -> -, spec, update");
    expect("", "filled=2", "filled=1", "");
}

Test(diff, first_rule_that_fits_counts) {
    expect("limits.pids=2 limits.memory=2", "limits.pids=1 limits.memory=1",
           "limits.pids=1 limits.memory=1",
           "limits.memory: 1 -> 2, spec, update\nlimits.pids: 1 -> 2, spec, update");
}

Test(diff, resetting_may_take_more_than_changing) {
    expect("", "limits.pids=1 limits.memory=1", "limits.pids=1 limits.memory=1",
           "limits.memory: 1 -> -, spec, replace\nlimits.pids: 1 -> -, spec, update");
}

Test(diff, what_cannot_be_changed_cannot_be_reset_either) {
    expect("", "data.x=1", "data.x=1", "data.x: 1 -> -, spec, nothing");
}

Test(diff, prefixes_are_whole_segments) {
    expect("networks.a.b=2 networksx=2 limits=2", "networks.a.b=1 networksx=1 limits=1", "",
           "limits: 1 -> 2, unknown, update\n"
           "networks.a.b: 1 -> 2, unknown, attach\n"
           "networksx: 1 -> 2, unknown, replace");
}

Test(diff, secrets_are_compared_but_not_shown) {
    expect("a=!x", "a=!x", "a=!(secret)", "");
    expect("a=!x", "a=!y", "a=!(secret)", "a: (secret) -> (secret), unknown, replace");
    expect("a=!x", "a=y", "a=y", "a: (secret) -> (secret), unknown, replace");
    expect("a=x", "a=!y", "", "a: (secret) -> (secret), unknown, replace");
    expect("a=!x", "", "", "a: - -> (secret), spec, replace");
    expect("a=!x", "", "a=!(secret)", "a: - -> (secret), unknown, replace");
    expect("", "a=!x", "a=!(secret)", "a: (secret) -> -, unknown, replace");
    expect("", "a=!x", "", "a: (secret) -> -, drift, replace");
}

Test(diff, changes_are_in_order_of_their_paths) {
    expect("b=2 d=1 f=1", "a=1 b=1 e=1", "c=1",
           "a: 1 -> -, drift, replace\n"
           "b: 1 -> 2, unknown, replace\n"
           "d: - -> 1, spec, replace\n"
           "e: 1 -> -, drift, replace\n"
           "f: - -> 1, spec, replace");
}

Test(diff, more_than_fit_at_first) {
    cleanup_arena struct arena *arena = arena_new();
    struct field_builder builder = {.arena = arena};
    for (int i = 0; i < 1000; i++)
        field_add(&builder, arena_format(arena, "field%04d", i), "1");
    struct field_list desired = field_list_finish(&builder), none = {0};
    struct field_change *changes;
    cr_assert_eq(diff_fields(arena, &kind, &desired, &none, &none, &changes), 1000);
    cr_assert_str_eq(changes[0].path, "field0000");
    cr_assert_str_eq(changes[999].path, "field0999");
}
