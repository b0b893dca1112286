/* A plan as people see it, and as JSON. */
#include "plan_sample.h"

#include <criterion/criterion.h>
#include <jansson.h>
#include <string.h>

static const char desired[] =
    "network audit-network\n"
    "image prom/prometheus:v2.53.0\n"
    "service redis resources.limits.memory=128Mi\n"
    "service prometheus image=prom/prometheus:v2.53.0 environment.KEY=!new\n"
    "service web\n";
static const char observed[] =
    "service redis resources.limits.memory=256Mi @applied=resources.limits.memory:128Mi\n"
    "service prometheus image=prom/prometheus:v2.42.0 environment.KEY=!old\n"
    "service web @state=exited:137\n"
    "service gone\n";

static char *changes_of(const char *wanted, const char *there, bool colour) {
    cleanup_arena struct arena *arena = arena_new();
    return sample_changes(sample_plan(arena, wanted, there, NULL), colour);
}

static void expect(const char *wanted, const char *there, const char *expected) {
    cleanup_free char *text = changes_of(wanted, there, false);
    expect_text(text, expected);
}

Test(print, is_aligned_and_says_why) {
    expect(desired, observed,
           "+ network/audit-network          create\n"
           "↑ image/prom/prometheus:v2.53.0  pull\n"
           "- service/gone                   remove\n"
           "± service/prometheus             replace\n"
           "    environment.KEY           (secret)\n"
           "    image                     prom/prometheus:v2.42.0 → prom/prometheus:v2.53.0\n"
           "~ service/redis                  update in place\n"
           "    resources.limits.memory   256Mi → 128Mi   drift: changed outside\n"
           "~ service/web                    start   exited with code 137\n"
           "\n"
           "1 to create, 2 to change in place, 1 to replace, 1 to remove, 1 to pull.\n");
}

Test(print, nothing) {
    expect("", "", "Nothing to do.\n");
    expect("service a", "service a @health=starting", "Nothing to do.\n");
}

Test(print, what_cannot_be_done) {
    expect("volume v driver=b", "volume v driver=a",
           "! volume/v  cannot be done   \"driver\" of a volume is fixed when the volume is "
           "made; \"p-v\" stays in use as it is: declare what it has, or a volume of another name, "
           "which begins empty\n"
           "    driver   a → b\n"
           "\n"
           "0 to create, 0 to change in place, 0 to replace, 0 to remove; 1 cannot be done.\n");
}

Test(print, values_that_are_not_there) {
    expect("service a x=1", "service a y=1",
           "± service/a  replace\n"
           "    x   (not set) → 1\n"
           "    y   1 → (not set)\n"
           "\n"
           "0 to create, 0 to change in place, 1 to replace, 0 to remove.\n");
}

Test(print, secrets_are_never_shown) {
    cleanup_free char *text = changes_of("service a x=!hunter2 y=!one z=!hunter2",
                                         "service a w=!four x=!swordfish y=two", false);
    expect_text(text, "± service/a  replace\n"
                      "    w   (secret) → (not set)\n"
                      "    x   (secret)\n"
                      "    y   (secret)\n"
                      "    z   (not set) → (secret)\n"
                      "\n"
                      "0 to create, 0 to change in place, 1 to replace, 0 to remove.\n");
}

/* What an engine reports can be anything, but must not move the cursor or break a line. */
Test(print, control_characters_and_length) {
    cleanup_free char *text =
        changes_of("service a x=\x1b[2Jhello\x07"
                   "world",
                   "service a x="
                   "0123456789012345678901234567890123456789012345678901234567890123456789"
                   "0123456789012345678901234567890123456789",
                   false);
    expect_text(text, "± service/a  replace\n"
                      "    x   0123456789012345678901234567890123456789012345678901234567890123456"
                      "789012345678… →  [2Jhello world\n"
                      "\n"
                      "0 to create, 0 to change in place, 1 to replace, 0 to remove.\n");
}

Test(print, colours_only_if_asked) {
    cleanup_free char *plain = changes_of(desired, observed, false);
    cleanup_free char *coloured = changes_of(desired, observed, true);
    cr_assert_null(strchr(plain, '\x1b'));
    cr_assert_not_null(strstr(coloured, "\x1b["));
    /* Without its sequences it is the same text. */
    char *to = coloured;
    for (const char *from = coloured; *from; from++) {
        if (*from == '\x1b') {
            from += strcspn(from, "m");
            continue;
        }
        *to++ = *from;
    }
    *to = '\0';
    expect_text(coloured, plain);
}

static json_t *json_of(const char *wanted, const char *there) {
    cleanup_arena struct arena *arena = arena_new();
    cleanup_free char *text = plan_json(sample_plan(arena, wanted, there, NULL));
    json_error_t error;
    json_t *root = json_loads(text, 0, &error);
    cr_assert_not_null(root, "%s", error.text);
    return root;
}

static void expect_json(const json_t *value, const char *expected) {
    cleanup_free char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    expect_text(text, expected);
}

Test(json, changes) {
    json_auto_t *root = json_of(desired, observed);
    expect_json(
        json_object_get(root, "changes"),
        "["
        "{\"key\":\"network/audit-network\",\"kind\":\"create\",\"cause\":\"spec\",\"fields\":[]},"
        "{\"key\":\"image/prom/prometheus:v2.53.0\",\"kind\":\"pull\",\"cause\":\"spec\","
        "\"fields\":[]},"
        "{\"key\":\"service/gone\",\"kind\":\"remove\",\"cause\":\"spec\",\"fields\":[]},"
        "{\"key\":\"service/prometheus\",\"kind\":\"replace\",\"cause\":\"unknown\",\"fields\":["
        "{\"path\":\"environment.KEY\",\"from\":\"(secret)\",\"to\":\"(secret)\","
        "\"cause\":\"unknown\",\"changeBy\":\"replace\"},"
        "{\"path\":\"image\",\"from\":\"prom/prometheus:v2.42.0\","
        "\"to\":\"prom/prometheus:v2.53.0\",\"cause\":\"spec\",\"changeBy\":\"replace\"}]},"
        "{\"key\":\"service/redis\",\"kind\":\"update\",\"cause\":\"drift\",\"fields\":["
        "{\"path\":\"resources.limits.memory\",\"from\":\"256Mi\",\"to\":\"128Mi\","
        "\"cause\":\"drift\",\"changeBy\":\"update\"}]},"
        "{\"key\":\"service/web\",\"kind\":\"start\",\"cause\":\"drift\",\"fields\":[],"
        "\"note\":\"exited with code 137\"}]");
}

Test(json, actions) {
    json_auto_t *root = json_of("service a restart=no x=2", "service a @name=other x=1 @id=1");
    expect_json(json_array_get(json_object_get(root, "actions"), 0),
                "{\"index\":0,\"verb\":\"rename\",\"key\":\"service/a\",\"target\":\"1\","
                "\"needs\":[],\"argument\":\"p-a\"}");
    expect_json(json_array_get(json_object_get(root, "actions"), 6),
                "{\"index\":6,\"verb\":\"await\",\"key\":\"service/a\",\"target\":\"p-a\","
                "\"needs\":[5],\"condition\":\"healthy\"}");
    expect_json(json_array_get(json_object_get(root, "actions"), 7),
                "{\"index\":7,\"verb\":\"stop\",\"key\":\"service/a\",\"target\":\"p-a\","
                "\"needs\":[],\"undoes\":4}");
}

Test(json, awaits_alone_are_no_changes) {
    json_auto_t *root = json_of("service a", "service a @health=starting");
    expect_json(json_object_get(root, "changes"), "[]");
    cr_assert_eq(json_array_size(json_object_get(root, "actions")), 1);
}

Test(json, secrets_are_never_shown) {
    cleanup_arena struct arena *arena = arena_new();
    cleanup_free char *text = plan_json(
        sample_plan(arena, "service a x=!hunter2", "service a x=!swordfish y=!third", NULL));
    cr_assert_null(strstr(text, "hunter2"));
    cr_assert_null(strstr(text, "swordfish"));
    cr_assert_null(strstr(text, "third"));
}

Test(json, values_that_are_not_utf_8) {
    json_auto_t *root = json_of("service a x=fine", "service a x=\xff\xfe.bad");
    const json_t *change = json_array_get(json_object_get(root, "changes"), 0);
    const json_t *field = json_array_get(json_object_get(change, "fields"), 0);
    cr_assert_str_eq(json_string_value(json_object_get(field, "from")), "??.bad");
}

Test(names, of_verbs_and_kinds) {
    cr_assert_str_eq(verb_name(VERB_PULL), "pull");
    cr_assert_str_eq(verb_name(VERB_REFUSE), "refuse");
    cr_assert_str_eq(verb_name((enum verb)99), "?");
    cr_assert_str_eq(change_kind_name(CHANGE_UPDATE), "update in place");
    cr_assert_str_eq(change_kind_name(CHANGE_REFUSE), "cannot be done");
    cr_assert_str_eq(change_kind_name((enum change_kind)99), "?");
}
