/*
 * What a client of the registry can make up: a path, a query, a body. The first byte chooses.
 * Whatever is accepted is within its bounds, and what a registration becomes is a stored instance's
 * beginning.
 */
#include "base/memory.h"
#include "registry/instance.h"
#include "registry/routes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define MAX_INPUT 8192

static void check_path(const char *text, size_t size) {
    struct problem problem;
    struct route route;
    if (route_parse(text, size, &route, &problem) != 0) {
        assert(problem.status == 404 || problem.status == 400);
        return;
    }
    assert(route.kind > ROUTE_UNKNOWN && route.kind < ROUTE_COUNT);
    assert(!*route.service || name_is_valid(route.service, strlen(route.service)));
    assert(!*route.name || name_is_valid(route.name, strlen(route.name)));
}

static void check_query(const char *text, size_t size) {
    for (int kind = 0; kind < ROUTE_COUNT; kind++) {
        struct problem problem;
        struct query query = {0};
        if (query_add((enum route_kind)kind, text, size, &query, &problem) != 0)
            assert(problem.status == 400);
        assert(query.limit >= 0 && query.limit <= 1000);
        assert(!*query.tag || tag_is_valid(query.tag, strlen(query.tag)));
    }
}

/* A registration completed as the script does it is a stored instance that can be read. */
static void check_registration(const char *text, size_t size) {
    struct problem problem;
    struct registration registration;
    struct instance_facts facts;
    if (registration_read(text, size, "web", "one", &registration, &problem) != 0) {
        assert(problem.status == 400 && !registration.head && !registration.tail);
        return;
    }
    assert(registration.ttl >= 0 && registration.ttl <= 86400);
    const char *health = *registration.health ? registration.health : "unknown";
    char *stored =
        format_text("%s%s%s, \"source\": \"api\"}", registration.head, health, registration.tail);
    assert(instance_facts(stored, strlen(stored), "web", "one", &facts) == 0);
    assert(strcmp(health_name(facts.health), health) == 0);
    free(facts.tags);
    free(stored);
    registration_clear(&registration);
}

static void check_bodies(const char *text, size_t size) {
    struct problem problem;
    struct instance_facts facts;
    const char *health = NULL;
    char *value = value_read(text, size, &problem);
    assert(!value || strlen(value) <= 65536);
    free(value);
    if (heartbeat_read(text, size, &health, &problem) == 0)
        assert(!*health || health_parse(health) >= 0);
    if (instance_facts(text, size, "web", "one", &facts) == 0)
        free(facts.tags);
    assert(value_version(text, size) != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0 || size > MAX_INPUT)
        return 0;
    char *text = memory_alloc(size);
    memcpy(text, data + 1, size - 1);
    switch (data[0] % 4) {
    case 0:
        check_path(text, size - 1);
        break;
    case 1:
        check_query(text, size - 1);
        break;
    case 2:
        check_registration(text, size - 1);
        break;
    default:
        check_bodies(text, size - 1);
    }
    free(text);
    return 0;
}
