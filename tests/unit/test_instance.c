/* What the registry is told of an instance, and what is done about one that is there. */
#include "base/memory.h"
#include "status/instance.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static void expect_text(char *text, const char *expected) {
    cr_expect_str_eq(text, expected);
    free(text);
}

Test(instance, id_is_the_containers_name_reduced) {
    expect_text(instance_id("trading-ecosystem-redis"), "trading-ecosystem-redis");
    expect_text(instance_id("Trading_Eco.system-2"), "trading-eco-system-2");
    expect_text(instance_id(""), "-");
}

Test(instance, long_names_stay_apart) {
    char first[91], second[91];
    memset(first, 'a', 90);
    memset(second, 'a', 90);
    strcpy(first + 88, "-2");
    strcpy(second + 88, "-3");
    cleanup_free char *one = instance_id(first), *other = instance_id(second);
    cr_expect_eq(strlen(one), 63);
    cr_expect_eq(strspn(one, "abcdefghijklmnopqrstuvwxyz0123456789-"), 63);
    cr_expect_str_neq(one, other);
    char exact[64];
    memset(exact, 'b', 63);
    exact[63] = '\0';
    expect_text(instance_id(exact), exact);
}

Test(instance, version_is_the_images_tag) {
    expect_text(image_version("redis:7-alpine"), "7-alpine");
    expect_text(image_version("redis"), "latest");
    expect_text(image_version("localhost:5000/redis"), "latest");
    expect_text(image_version("localhost:5000/redis:7"), "7");
    expect_text(image_version("redis@sha256:0123456789abcdef0123"), "sha256:0123456789ab");
    expect_text(image_version("redis:7@sha256:0123456789abcdef0123"), "7");
}

Test(instance, time_is_utc_with_milliseconds) {
    expect_text(instance_time(0), "1970-01-01T00:00:00.000Z");
    expect_text(instance_time(1795600800123LL), "2026-11-25T10:00:00.123Z");
}

Test(instance, address_on_internal_comes_first) {
    struct attachment attachments[] = {{.network = "back"}, {.network = "internal"}};
    struct service service = {.networks = attachments, .network_count = 2};
    struct pair pairs[] = {{.key = "back", .value = "1"}, {.key = "internal", .value = "2"}};
    struct pair_list both = {pairs, 2}, first = {pairs, 1}, none = {0};
    cr_expect_str_eq(instance_host(&service, &both), "2");
    cr_expect_str_eq(instance_host(&service, &first), "1");
    cr_expect_null(instance_host(&service, &none));
}

/* --- documents ----------------------------------------------------------------------------------
 */

static const char *tags[] = {"database"};
static struct port ports[] = {{.target = 4317}, {.target = 13133}};
static const struct environment environment = {.name = "dev", .project = "tse"};

static json_t *document(uint16_t port, size_t port_count, const char *host) {
    struct service service = {
        .name = "redis",
        .image = "redis:7-alpine",
        .ports = ports,
        .port_count = port_count,
        .registration = {.port = port, .protocol = "redis", .tags = {tags, 1, true}}};
    struct resource container = {.service = &service, .engine_name = "tse-redis"};
    return instance_document(&environment, &container, host, "healthy");
}

Test(instance, document) {
    json_auto_t *made = document(6379, 0, "172.20.0.10");
    cleanup_free char *text = json_dumps(made, JSON_COMPACT);
    cr_expect_str_eq(
        text,
        "{\"service\":\"redis\",\"id\":\"tse-redis\",\"host\":\"172.20.0.10\",\"port\":6379,"
        "\"protocol\":\"redis\",\"version\":\"7-alpine\",\"health\":\"healthy\",\"tags\":["
        "\"database\"],"
        "\"metadata\":{\"environment\":\"dev\",\"project\":\"tse\",\"container\":\"tse-redis\"},"
        "\"ttl\":null,\"registeredAt\":null,\"updatedAt\":null,\"source\":\"reconciler\"}");
}

Test(instance, document_without_port_and_with_several) {
    json_auto_t *none = document(0, 1, NULL), *several = document(4317, 2, NULL);
    cr_expect(json_is_null(json_object_get(none, "port")));
    cr_expect(json_is_null(json_object_get(none, "host")));
    cr_expect_null(json_object_get(json_object_get(none, "metadata"), "ports"));
    cr_expect_str_eq(
        json_string_value(json_object_get(json_object_get(several, "metadata"), "ports")),
        "4317,13133");
}

/* --- decisions ----------------------------------------------------------------------------------
 */

static const char then[] = "2026-01-01T00:00:00.000Z", now[] = "2026-01-02T00:00:00.000Z";

/* The document as it would be in Redis. */
static char *present(const char *name, const char *value) {
    json_auto_t *made = document(6379, 0, "172.20.0.10");
    json_object_set_new(made, "registeredAt", json_string(then));
    json_object_set_new(made, "updatedAt", json_string(then));
    if (name)
        json_object_set_new(made, name, value ? json_string(value) : json_null());
    return json_dumps(made, 0);
}

static struct instance_decision decide(json_t *wanted, const char *text, bool only_update,
                                       bool unlisted) {
    struct instance_wish wish = {wanted, "tse", only_update, unlisted};
    return instance_decide(&wish, text, now);
}

static void expect_step(struct instance_decision decision, enum instance_step step,
                        const char *event) {
    cr_expect_eq(decision.step, step, "%d", (int)decision.step);
    if (event)
        cr_expect_str_eq(decision.event, event);
    json_decref(decision.document);
}

Test(instance, new_is_registered) {
    json_auto_t *wanted = document(6379, 0, "172.20.0.10");
    struct instance_decision decision = decide(wanted, NULL, false, true);
    cr_expect_str_eq(json_string_value(json_object_get(decision.document, "registeredAt")), now);
    cr_expect_str_eq(json_string_value(json_object_get(decision.document, "updatedAt")), now);
    expect_step(decision, INSTANCE_WRITE, "registered");
    expect_step(decide(wanted, "no JSON", false, false), INSTANCE_WRITE, "registered");
    expect_step(decide(wanted, "[1]", false, false), INSTANCE_WRITE, "registered");
}

Test(instance, the_same_is_kept) {
    json_auto_t *wanted = document(6379, 0, "172.20.0.10");
    cleanup_free char *same = present(NULL, NULL);
    expect_step(decide(wanted, same, false, false), INSTANCE_KEEP, NULL);
    expect_step(decide(wanted, same, false, true), INSTANCE_LIST, NULL);
}

Test(instance, a_difference_is_updated_and_the_time_of_registering_stays) {
    json_auto_t *wanted = document(6379, 0, "172.20.0.10");
    cleanup_free char *other = present("health", "unhealthy");
    struct instance_decision decision = decide(wanted, other, false, false);
    cr_expect_str_eq(json_string_value(json_object_get(decision.document, "registeredAt")), then);
    cr_expect_str_eq(json_string_value(json_object_get(decision.document, "updatedAt")), now);
    expect_step(decision, INSTANCE_WRITE, "updated");
    cleanup_free char *more = present("extra", "x");
    expect_step(decide(wanted, more, false, false), INSTANCE_WRITE, "updated");
}

Test(instance, what_is_down_keeps_its_address_and_is_not_registered_anew) {
    json_auto_t *wanted = document(6379, 0, NULL);
    json_object_set_new(wanted, "health", json_string("unhealthy"));
    cleanup_free char *before = present(NULL, NULL);
    struct instance_decision decision = decide(wanted, before, true, false);
    cr_expect_str_eq(json_string_value(json_object_get(decision.document, "host")), "172.20.0.10");
    expect_step(decision, INSTANCE_WRITE, "updated");
    expect_step(decide(wanted, NULL, true, false), INSTANCE_UNLIST, NULL);
}

Test(instance, gone) {
    cleanup_free char *before = present(NULL, NULL);
    struct instance_decision decision = decide(NULL, before, false, false);
    cr_expect_str_eq(json_string_value(json_object_get(decision.document, "registeredAt")), then);
    expect_step(decision, INSTANCE_REMOVE, "deregistered");
    expect_step(decide(NULL, NULL, false, false), INSTANCE_UNLIST, NULL);
}

Test(instance, what_is_not_ours_is_left_alone) {
    json_auto_t *wanted = document(6379, 0, "172.20.0.10");
    cleanup_free char *api = present("source", "api");
    expect_step(decide(wanted, api, false, false), INSTANCE_UNLIST, NULL);
    expect_step(decide(NULL, api, false, false), INSTANCE_UNLIST, NULL);
    cleanup_free char *before = present(NULL, NULL);
    struct instance_wish other = {wanted, "another-project", false, false};
    expect_step(instance_decide(&other, before, now), INSTANCE_KEEP, NULL);
}
