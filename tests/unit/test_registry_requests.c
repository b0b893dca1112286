/* What requests are made of: names, paths, queries, roles, bodies. */
#include "registry/auth.h"
#include "registry/instance.h"
#include "registry/routes.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static struct problem problem;

Test(registry_names, letters_digits_dashes) {
    char longest[NAME_SIZE + 1];
    memset(longest, 'a', sizeof longest);
    cr_assert(name_is_valid("a", 1) && name_is_valid("-", 1) && name_is_valid("a-0", 3));
    cr_assert(name_is_valid(longest, NAME_SIZE - 1));
    cr_assert_not(name_is_valid(longest, NAME_SIZE));
    cr_assert_not(name_is_valid("", 0));
    cr_assert_not(name_is_valid("A", 1));
    cr_assert_not(name_is_valid("a\0b", 3));
    cr_assert_not(name_is_valid("a.b", 3));
    cr_assert(tag_is_valid("a.B_:=/-9", 9));
    cr_assert_not(tag_is_valid("a b", 3));
    cr_assert_not(tag_is_valid("a\0", 2));
}

Test(registry_names, event_ids) {
    struct event_id id = {7, 7};
    char text[EVENT_ID_SIZE];
    cr_assert(event_id_parse("18446744073709551615-12", &id));
    cr_assert_eq(id.ms, UINT64_MAX);
    cr_assert_str_eq(event_id_format(text, id), "18446744073709551615-12");
    for (size_t i = 0; i < 7; i++) {
        const char *const wrong[] = {"", "1", "-1", "1-", "1-1x", "18446744073709551616-0", "+1-1"};
        struct event_id same = {3, 4};
        cr_assert_not(event_id_parse(wrong[i], &same), "%s", wrong[i]);
        cr_assert(same.ms == 3 && same.seq == 4);
    }
    cr_assert_lt(event_id_compare((struct event_id){1, 9}, (struct event_id){2, 0}), 0);
    cr_assert_gt(event_id_compare((struct event_id){2, 1}, (struct event_id){2, 0}), 0);
}

Test(registry_names, numbers) {
    int64_t number = -1;
    cr_assert(number_parse("10", 1, 10, &number) && number == 10);
    cr_assert_not(number_parse("11", 1, 10, &number));
    cr_assert_not(number_parse("-1", -5, 10, &number));
    cr_assert_not(number_parse("1234567890123456", 0, INT64_MAX, &number));
    cr_assert_not(number_parse("", 0, 10, &number));
}

static enum route_kind parse(const char *path, struct route *route) {
    return route_parse(path, strlen(path), route, &problem) == 0 ? route->kind : ROUTE_UNKNOWN;
}

Test(registry_routes, paths) {
    struct route route;
    cr_assert_eq(parse("/services", &route), ROUTE_SERVICES);
    cr_assert_eq(parse("/services/a", &route), ROUTE_SERVICE);
    cr_assert_eq(parse("/services/a/instances/b", &route), ROUTE_INSTANCE);
    cr_assert_str_eq(route.service, "a");
    cr_assert_str_eq(route.name, "b");
    cr_assert_eq(parse("/services/a/instances/b/heartbeat", &route), ROUTE_HEARTBEAT);
    cr_assert_eq(parse("/config/a", &route), ROUTE_CONFIG);
    cr_assert_eq(parse("/config/a/b", &route), ROUTE_VALUE);
    cr_assert_eq(parse("/config/a/b/history", &route), ROUTE_HISTORY);
    cr_assert_eq(parse("/watch", &route), ROUTE_WATCH);
    const char *const unknown[] = {"",
                                   "/",
                                   "services",
                                   "/services/",
                                   "/service",
                                   "/services//",
                                   "/livex",
                                   "/services/a/instances",
                                   "/config/a/b/c",
                                   "/services/a/b"};
    for (size_t i = 0; i < sizeof unknown / sizeof *unknown; i++) {
        cr_assert_eq(parse(unknown[i], &route), ROUTE_UNKNOWN, "%s", unknown[i]);
        cr_assert_eq(problem.status, 404);
    }
    cr_assert_eq(parse("/services/A", &route), ROUTE_UNKNOWN);
    cr_assert_eq(problem.status, 400);
    cr_assert_str_eq(problem.field, "service");
    cr_assert_eq(parse("/config/a/B", &route), ROUTE_UNKNOWN);
    cr_assert_str_eq(problem.field, "key");
}

Test(registry_routes, methods_and_roles) {
    char text[64];
    methods_format(text, sizeof text, route_describe(ROUTE_VALUE)->methods);
    cr_assert_str_eq(text, "GET, HEAD, PUT, DELETE");
    cr_assert_eq(route_role(ROUTE_HEALTH, METHOD_GET), ROLE_NONE);
    cr_assert_eq(route_role(ROUTE_VALUE, METHOD_HEAD), ROLE_READ);
    cr_assert_eq(route_role(ROUTE_VALUE, METHOD_PUT), ROLE_ADMIN);
    cr_assert_eq(route_role(ROUTE_HEARTBEAT, METHOD_POST), ROLE_REGISTER);
}

static int add(enum route_kind kind, struct query *query, const char *text) {
    return query_add(kind, text, strlen(text), query, &problem);
}

Test(registry_routes, queries) {
    struct query query = {0};
    cr_assert_eq(add(ROUTE_SERVICES, &query, "tag=a"), 0);
    cr_assert_eq(add(ROUTE_SERVICES, &query, "tag=b"), -1);
    cr_assert_str_eq(problem.field, "tag");
    cr_assert_eq(add(ROUTE_SERVICES, &query, "limit=1001"), -1);
    cr_assert_eq(add(ROUTE_SERVICES, &query, "limit"), -1);
    cr_assert_eq(add(ROUTE_SERVICES, &query, "limit=7"), 0);
    cr_assert_eq(query.limit, 7);
    cr_assert_eq(add(ROUTE_SERVICE, &query, "since=1-1"), -1);
    cr_assert_str_eq(problem.code, "unknown_parameter");
    cr_assert_eq(add(ROUTE_WATCH, &query, "since=1-2"), 0);
    cr_assert(query.has_since && query.since.seq == 2);
    cr_assert_eq(query_add(ROUTE_WATCH, "a\0b", 3, &query, &problem), -1);
}

Test(registry_auth, roles) {
    struct options options = {.register_token = "the-register-token",
                              .admin_token = "the-admin-token"};
    struct auth auth;
    auth_init(&auth, &options);
    cr_assert_eq(auth_role(&auth, NULL), ROLE_NONE);
    cr_assert_eq(auth_role(&auth, "Bearer "), ROLE_NONE);
    cr_assert_eq(auth_role(&auth, "Bearer the-admin-token "), ROLE_NONE);
    cr_assert_eq(auth_role(&auth, "Basic the-admin-token"), ROLE_NONE);
    cr_assert_eq(auth_role(&auth, "bearer the-admin-token"), ROLE_ADMIN);
    cr_assert_eq(auth_role(&auth, "Bearer the-register-token"), ROLE_REGISTER);
    cr_assert_eq(auth_check(&auth, ROLE_NONE, ROLE_READ, &problem), -1);
    cr_assert_eq(problem.status, 401);
    cr_assert_eq(auth_check(&auth, ROLE_REGISTER, ROLE_ADMIN, &problem), -1);
    cr_assert_eq(problem.status, 403);
    cr_assert_eq(auth_check(&auth, ROLE_NONE, ROLE_NONE, &problem), 0);
    cr_assert_eq(auth_check(&auth, ROLE_ADMIN, ROLE_REGISTER, &problem), 0);
    auth.open_reads = true;
    cr_assert_eq(auth_check(&auth, ROLE_NONE, ROLE_READ, &problem), 0);
    cr_assert_eq(auth_check(&auth, ROLE_NONE, ROLE_REGISTER, &problem), -1);
}

/* A token that is not set is nobody's, whatever digest zeros would be. */
Test(registry_auth, without_tokens) {
    struct options options = {0};
    struct auth auth;
    auth_init(&auth, &options);
    cr_assert_eq(auth_role(&auth, "Bearer x"), ROLE_NONE);
}

static int read_body(const char *body, struct registration *registration) {
    return registration_read(body, strlen(body), "web", "one", registration, &problem);
}

Test(registry_bodies, registration) {
    struct registration registration;
    cr_assert_eq(
        read_body("{\"host\": \"h\", \"ttl\": 9, \"tags\": [\"t\"], \"port\": 80}", &registration),
        0);
    cr_assert_str_eq(registration.head,
                     "{\"service\": \"web\", \"id\": \"one\", \"host\": \"h\", \"port\": 80, "
                     "\"protocol\": \"tcp\", \"version\": null, \"health\": \"");
    cr_assert_str_eq(registration.tail, "\", \"tags\": [\"t\"], \"metadata\": {}, \"ttl\": 9");
    cr_assert_str_eq(registration.health, "");
    cr_assert_eq(registration.ttl, 9);
    registration_clear(&registration);
    const char *const wrong[] = {"",
                                 "[]",
                                 "{}",
                                 "{\"host\": 1}",
                                 "{\"host\": \"h\", \"host\": \"i\"}",
                                 "{\"host\": \"h\", \"x\": 1}",
                                 "{\"host\": \"h\", \"ttl\": 86401}",
                                 "{\"host\": \"h\", \"version\": 1}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_assert_eq(read_body(wrong[i], &registration), -1, "%s", wrong[i]);
        cr_assert(problem.status == 400 && !registration.head && !registration.tail);
    }
}

Test(registry_bodies, heartbeat_and_value) {
    const char *health = NULL;
    cr_assert_eq(heartbeat_read("", 0, &health, &problem), 0);
    cr_assert_str_eq(health, "");
    cr_assert_eq(heartbeat_read("{\"health\": \"starting\"}", 22, &health, &problem), 0);
    cr_assert_str_eq(health, "starting");
    cr_assert_eq(heartbeat_read("{\"ttl\": 1}", 10, &health, &problem), -1);
    char *value = value_read("{\"value\":[1,{\"a\":null}]}", 24, &problem);
    cr_assert_str_eq(value, "[1, {\"a\": null}]");
    free(value);
    cr_assert_null(value_read("{\"value\": 1, \"x\": 2}", 20, &problem));
    cr_assert_null(value_read("{}", 2, &problem));
    cr_assert_str_eq(problem.field, "value");
}

Test(registry_bodies, values_that_postgres_writes_in_full) {
    static const char stored[] = "{\"service\": \"a\", \"key\": \"k\", \"version\": 7, \"value\": "
                                 "[100000000000000000000, -123456789012345678901234567890.5]}";
    cr_assert_eq(value_version(stored, strlen(stored)), 7);
    cr_assert_eq(value_version("{\"version\": 1.5}", 16), -1);
    cr_assert_eq(value_version("{\"version\": 0}", 14), -1);
    cr_assert_eq(value_version("{\"version\": \"1\"}", 16), -1);
    cr_assert_eq(value_version("{}", 2), -1);
}

/* 1e308 has 309 digits once it is stored; 200 of them fit, and no 200 more beside them. */
Test(registry_bodies, a_value_is_as_large_as_it_is_stored) {
    struct problem problem;
    char body[4096] = "{\"value\": [\"e9999999 \\\" e9999999\", true, false, 1e308";
    char *value = NULL;
    for (int i = 0; i < 200; i++)
        strcat(body, ",1e308");
    strcat(body, "]}");
    value = value_read(body, strlen(body), &problem);
    cr_assert_not_null(value);
    free(value);
    body[strlen(body) - 2] = '\0';
    for (int i = 0; i < 100; i++)
        strcat(body, ",1e-30,1e300");
    strcat(body, "]}");
    cr_assert_null(value_read(body, strlen(body), &problem));
    cr_assert_eq(problem.status, 413);
}
