/* Labels: ownership, last-applied fields, Compose's; and names. */
#include "docker_sample.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <string.h>

static struct arena *arena;
static struct docker_strings *strings;
static struct environment *environment;
static struct resource_set desired;

static void begin(void) {
    arena = arena_new();
    strings = docker_strings_new(arena);
    environment = docker_sample_environment(arena, NULL);
    desired = docker_sample_compile(arena, environment);
}

static void end(void) {
    docker_strings_free(strings);
    arena_free(arena);
}

TestSuite(docker_labels, .init = begin, .fini = end);

static const char *label(const json_t *labels, const char *key) {
    return json_string_value(json_object_get(labels, key));
}

static void expect(const json_t *labels, const char *key, const char *value) {
    cr_assert(label(labels, key) != NULL, "no %s", key);
    cr_assert(eq(str, (char *)label(labels, key), (char *)value));
}

Test(docker_labels, of_a_container) {
    json_auto_t *labels =
        docker_labels(environment, docker_sample_resource(&desired, "service/full"));
    expect(labels, "tse.io/project", "tse-sample");
    expect(labels, "tse.io/environment", "test");
    expect(labels, "tse.io/name", "full");
    expect(labels, "tse.io/instance", "1");
    expect(labels, "tse.io/revision", "0123456789abcdef");
    expect(labels, "com.docker.compose.project", "tse-sample");
    expect(labels, "com.docker.compose.service", "full");
    expect(labels, "com.docker.compose.container-number", "1");
    expect(labels, "com.docker.compose.oneoff", "False");
    expect(labels, "com.example.team", "infra");
    cr_assert(eq(sz, strlen(label(labels, "com.docker.compose.config-hash")), 64));
    cr_assert(docker_owned(labels, "tse-sample", "test"));
    cr_assert(docker_owned(labels, "tse-sample", "prod") == false);
    cr_assert(docker_owned(labels, "tse", "test") == false);
}

/* A service's own labels must not make it somebody else's. */
Test(docker_labels, ours_win) {
    struct pair mine = {"tse.io/project", "other", {0}};
    docker_sample_service(environment, "plain")->labels = (struct pair_list){&mine, 1};
    json_auto_t *labels =
        docker_labels(environment, docker_sample_resource(&desired, "service/plain"));
    expect(labels, "tse.io/project", "tse-sample");
}

Test(docker_labels, of_networks_and_volumes) {
    json_auto_t *network =
        docker_labels(environment, docker_sample_resource(&desired, "network/internal"));
    expect(network, "com.docker.compose.network", "internal");
    expect(network, "com.example.net", "yes");
    json_auto_t *volume =
        docker_labels(environment, docker_sample_resource(&desired, "volume/data"));
    expect(volume, "com.docker.compose.volume", "data");
}

Test(docker_labels, compose_files_are_absolute) {
    environment->file = "Makefile";
    json_auto_t *labels =
        docker_labels(environment, docker_sample_resource(&desired, "service/plain"));
    cr_assert(label(labels, "com.docker.compose.project.config_files")[0] == '/');
    cr_assert(label(labels, "com.docker.compose.project.working_dir")[0] == '/');
}

Test(docker_labels, last_applied_comes_back) {
    for (size_t i = 0; i < desired.count; i++) {
        const struct resource *resource = &desired.items[i];
        json_auto_t *labels = docker_labels(environment, resource);
        struct field_list applied = docker_applied_decode(strings, arena, labels);
        size_t found = 0;
        for (size_t j = 0; j < resource->fields.count; j++) {
            const struct field *field = &resource->fields.items[j];
            if (strncmp(field->path, "effective.", 10) == 0)
                continue;
            const struct field *back = docker_field(&applied, field->path);
            cr_assert(back != NULL, "no %s", field->path);
            cr_assert(back->secret == field->secret);
            cr_assert(strcmp(back->value, field->secret ? DOCKER_SECRET : field->value) == 0);
            found++;
        }
        cr_assert(eq(sz, applied.count, found));
    }
}

Test(docker_labels, secrets_are_there_by_name_only) {
    json_auto_t *labels =
        docker_labels(environment, docker_sample_resource(&desired, "service/full"));
    cleanup_free char *text = json_dumps(labels, 0);
    cr_assert(strstr(text, "hunter2") == NULL);
    cr_assert(strstr(text, "top-secret") == NULL);
    cr_assert(strstr(text, "a3a0e876399dfa96") == NULL); /* the secret file's digest */
    cr_assert(strstr(label(labels, "tse.io/last-applied"), "{\"secret\":\"pg-password\"}") != NULL);
}

Test(docker_labels, unreadable_labels_are_empty) {
    static const char *const texts[] = {"",
                                        "{",
                                        "[]",
                                        "null",
                                        "7",
                                        "\"x\"",
                                        "{\"a\":1,\"b\":[],\"c\":null,\"d\":{}}",
                                        "{}",
                                        "\xff\xfe",
                                        "{\"a\"",
                                        "{\"a\":{\"secre\":1}}"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        json_auto_t *labels = json_object();
        json_object_set_new(labels, "tse.io/last-applied", json_string_nocheck(texts[i]));
        cr_assert(eq(sz, docker_applied_decode(strings, arena, labels).count, 0));
    }
    cr_assert(eq(sz, docker_applied_decode(strings, arena, NULL).count, 0));
}

Test(docker_labels, owners_in_words) {
    json_auto_t *ours = json_pack("{s:s,s:s}", LABEL_PROJECT, "x", LABEL_ENVIRONMENT, "prod");
    cr_assert(eq(str, docker_owner(arena, ours), "environment prod of project x"));
    json_auto_t *compose = json_pack("{s:s}", "com.docker.compose.project", "shop");
    cr_assert(eq(str, docker_owner(arena, compose), "Compose project shop"));
    cr_assert(eq(str, docker_owner(arena, NULL), "something that tse-reconcile did not make"));
    json_auto_t *wrong = json_pack("{s:i,s:[]}", LABEL_PROJECT, 7, LABEL_ENVIRONMENT);
    cr_assert(docker_owned(wrong, "7", "") == false);
}

Test(docker_labels, names_and_slots) {
    cr_assert(eq(str, docker_name(arena, "p", "redis", 1), "p-redis"));
    cr_assert(eq(str, docker_name(arena, "p", "redis", 2), "p-redis-2"));
    cr_assert(eq(str, docker_key(arena, "service", "redis", 2), "service/redis[2]"));
    cr_assert(eq(int, docker_slot("p-redis", "p-redis"), SLOT_CURRENT));
    cr_assert(eq(int, docker_slot("p-redis.next", "p-redis"), SLOT_NEXT));
    cr_assert(eq(int, docker_slot("p-redis.previous", "p-redis"), SLOT_PREVIOUS));
    cr_assert(eq(int, docker_slot("renamed.next", "p-redis"), SLOT_CURRENT));
    cr_assert(eq(int, docker_slot("p-redis.nextish", "p-redis"), SLOT_CURRENT));
    struct resource container = {
        .name = "risk-monitor", .instance = 2, .engine_name = "a-b-risk-monitor-2"};
    cr_assert(eq(str, docker_project_of(arena, &container), "a-b"));
    container.engine_name = "x";
    cr_assert(eq(str, docker_project_of(arena, &container), ""));
}

Test(docker_labels, texts_are_kept_once) {
    char text[] = "value";
    const char *first = docker_strings_keep(strings, text);
    cr_assert(first != text);
    text[0] = 'V';
    cr_assert(docker_strings_keep(strings, "value") == first);
    cr_assert(docker_strings_keep(strings, text) != first);
    cr_assert(docker_strings_keep(strings, NULL) == NULL);
}
