/*
 * How long planning takes, and that it grows linearly: for 1,000 to 10,000 resources, of which most
 * are services with a field list as long as real ones have, the median of several runs.
 *
 * Prints "RESOURCES MILLISECONDS SCENARIO" on lines, in processor time, so that what else runs on
 * the machine does not count; asserts nothing.
 */
#include "base/error.h"
#include "base/memory.h"
#include "engines/docker/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define RUNS 11

struct sets {
    struct resource_set desired, observed;
};

static struct resource *add(struct arena *arena, struct resource_set *set,
                            const struct resource_kind *kind, const char *name) {
    struct resource *resource = &set->items[set->count++];
    *resource = (struct resource){.kind = kind,
                                  .name = name,
                                  .key = arena_format(arena, "%s/%s", kind->name, name),
                                  .engine_name = arena_format(arena, "bench-%s", name)};
    if (kind == &docker_kind_image)
        resource->engine_name = name;
    return resource;
}

static struct field_list service_fields(struct arena *arena, size_t i, const char *version) {
    struct field_builder fields = {.arena = arena};
    const char *network = arena_format(arena, "networks.n%zu", i % 20);
    field_add(&fields, "image", arena_format(arena, "image-%zu:1", i % 100));
    field_add(&fields, "command", "[\"serve\",\"--port\",\"8080\"]");
    for (int j = 0; j < 5; j++)
        field_add(&fields, arena_format(arena, "environment.VARIABLE_%d", j),
                  arena_format(arena, "value %s", version));
    field_add(&fields, network, "connected");
    field_add(&fields, arena_format(arena, "%s.aliases", network), "[\"service\"]");
    field_add(&fields, "networks.common", "connected");
    field_add(&fields, "networks.common.aliases", "[\"service\"]");
    field_add(&fields, arena_format(arena, "ports.%zu/tcp", 8000 + i % 50),
              arena_format(arena, "127.0.0.1:%zu", 10000 + i));
    field_add(&fields, "effective.ports", "bound");
    field_add(&fields, arena_format(arena, "mounts./data"),
              arena_format(arena, "volume v%zu rw", i));
    field_add(&fields, "resources.limits.memory", "256Mi");
    field_add(&fields, "restart", "unless-stopped");
    field_add(&fields, "files./etc/service.conf", arena_format(arena, "sha256:%s", version));
    field_add(&fields, "healthcheck.test", "[\"CMD\",\"true\"]");
    return field_list_finish(&fields);
}

static void describe_service(struct arena *arena, struct resource *resource, size_t i,
                             size_t count) {
    struct service *service = arena_alloc(arena, sizeof *service);
    struct need *needs = arena_array(arena, struct need, 5);
    const char *network = arena_format(arena, "n%zu", i % 20);
    service->networks = arena_array(arena, struct attachment, 2);
    service->networks[0].network = "common";
    service->networks[1].network = network;
    service->network_count = 2;
    service->file_count = 1;
    needs[0].key = arena_format(arena, "image/image-%zu:1", i % 100);
    needs[1].key = "network/common";
    needs[2].key = arena_format(arena, "network/%s", network);
    needs[3].key = arena_format(arena, "volume/v%zu", i);
    needs[4] = (struct need){arena_format(arena, "service/s%05zu", i + 1), DEPENDS_HEALTHY};
    resource->service = service;
    resource->needs = needs;
    resource->need_count = i % 10 == 9 || i + 1 == count ? 4 : 5; /* chains of ten */
}

static void build(struct arena *arena, struct resource_set *set, size_t total, const char *version,
                  bool desired) {
    size_t services = (total - 121) / 2;
    set->items = arena_array(arena, struct resource, total);
    add(arena, set, &docker_kind_network, "common");
    for (size_t i = 0; i < 20; i++)
        add(arena, set, &docker_kind_network, arena_format(arena, "n%zu", i));
    for (size_t i = 0; i < 100; i++)
        add(arena, set, &docker_kind_image, arena_format(arena, "image-%zu:1", i));
    for (size_t i = 0; set->count + services < total; i++)
        add(arena, set, &docker_kind_volume, arena_format(arena, "v%zu", i));
    for (size_t i = 0; i < services; i++) {
        struct resource *resource =
            add(arena, set, &docker_kind_service, arena_format(arena, "s%05zu", i));
        resource->instance = 1;
        resource->fields = service_fields(arena, i, version);
        if (desired)
            describe_service(arena, resource, i, services);
    }
    for (size_t i = 0; !desired && i < set->count; i++) {
        struct resource *resource = &set->items[i];
        resource->id = arena_format(arena, "%064zx", i);
        resource->applied = resource->fields;
        resource->state = resource->instance ? RUN_RUNNING : RUN_NONE;
    }
    resource_set_sort(set);
}

static double now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static int compare_doubles(const void *left, const void *right) {
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static void measure(const struct sets *sets, size_t total, const char *scenario) {
    static const struct plan_options options;
    double times[RUNS];
    size_t actions = 0, changes = 0;
    for (int run = 0; run < RUNS; run++) {
        cleanup_arena struct arena *arena = arena_new();
        cleanup_error struct error error = ERROR_INIT;
        struct plan *plan;
        double begin = now_ms();
        if (plan_make(arena, &sets->desired, &sets->observed, &options, &plan, &error) < 0) {
            fprintf(stderr, "bench_plan: %s\n", error_text(&error));
            exit(1);
        }
        times[run] = now_ms() - begin;
        actions = plan->action_count;
        changes = plan_change_count(plan);
    }
    qsort(times, RUNS, sizeof *times, compare_doubles);
    printf("%zu %.1f %s (%zu changes, %zu actions)\n", total, times[RUNS / 2], scenario, changes,
           actions);
}

int main(void) {
    static const size_t sizes[] = {1000, 2500, 5000, 10000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        cleanup_arena struct arena *arena = arena_new();
        struct sets same = {0}, different = {0}, nothing = {0};
        build(arena, &same.desired, sizes[i], "1", true);
        build(arena, &same.observed, sizes[i], "1", false);
        build(arena, &different.observed, sizes[i], "2", false);
        different.desired = nothing.desired = same.desired;
        measure(&same, sizes[i], "nothing to do");
        measure(&different, sizes[i], "every service replaced");
        measure(&nothing, sizes[i], "everything created");
    }
    return 0;
}
