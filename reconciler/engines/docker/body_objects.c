/* Request bodies: networks, volumes, and the changes to a container that exists. */
#include "engines/docker/fields.h"

#include <stdlib.h>
#include <string.h>

/* NULL when something in it is not UTF-8. */
static char *finish(json_t *body, const char *bad) {
    char *text = bad ? NULL : json_dumps(body, JSON_COMPACT);
    json_decref(body);
    return text;
}

char *docker_network_body(const struct environment *environment, const struct action *action) {
    const struct network *network = action->desired->network;
    const char *bad = NULL;
    json_t *body = json_object();
    docker_put_text(body, "Name", action->desired->engine_name, &bad);
    docker_put_text(body, "Driver", network->driver ? network->driver : "bridge", &bad);
    /* Engines before 25 would make a second network of the same name. */
    json_object_set_new(body, "CheckDuplicate", json_true());
    if (network->internal)
        json_object_set_new(body, "Internal", json_true());
    if (network->subnet) {
        json_t *config = json_object();
        docker_put_text(config, "Subnet", network->subnet, &bad);
        docker_put_text(config, "Gateway", network->gateway, &bad);
        json_object_set_new(body, "IPAM", json_pack("{s:[o]}", "Config", config));
    }
    json_object_set_new(body, "Labels", docker_labels(environment, action->desired));
    return finish(body, bad);
}

char *docker_volume_body(const struct environment *environment, const struct action *action) {
    const struct volume *volume = action->desired->volume;
    const char *bad = NULL;
    json_t *body = json_object();
    docker_put_text(body, "Name", action->desired->engine_name, &bad);
    docker_put_text(body, "Driver", volume->driver ? volume->driver : "local", &bad);
    json_t *options = json_object();
    for (size_t i = 0; i < volume->driver_options.count; i++)
        docker_put_text(options, volume->driver_options.items[i].key,
                        volume->driver_options.items[i].value, &bad);
    json_object_set_new(body, "DriverOpts", options);
    json_object_set_new(body, "Labels", docker_labels(environment, action->desired));
    return finish(body, bad);
}

static void put_number(json_t *body, const char *key, int64_t value) {
    if (value > 0)
        json_object_set_new(body, key, json_integer(value));
}

static bool is_observed(const struct action *action, const char *path) {
    return action->observed && docker_field(&action->observed->fields, path) != NULL;
}

/*
 * All that changes in place, whether it differs or not. A raised memory limit is refused without
 * the limit of memory and swap, which at create becomes twice the memory, so it is here too.
 */
char *docker_update_body(const struct action *action) {
    const struct service *service = action->desired->service;
    json_t *body = json_object();
    int64_t memory = service->limits.memory;
    put_number(body, "Memory", memory);
    if (memory > 0)
        json_object_set_new(body, "MemorySwap",
                            json_integer(memory <= INT64_MAX / 2 ? 2 * memory : -1));
    put_number(body, "NanoCpus", service->limits.nano_cpus);
    put_number(body, "MemoryReservation", service->requests.memory);
    put_number(body, "CpuShares", docker_cpu_shares(service->requests.nano_cpus));
    if (is_observed(action, "resources.cpuQuota"))
        json_object_set_new(body, "CpuQuota", json_integer(-1));
    if (service->limits.pids > 0 || is_observed(action, "resources.limits.pids")) /* 0 lifts it */
        json_object_set_new(body, "PidsLimit", json_integer(service->limits.pids));
    json_object_set_new(body, "RestartPolicy", docker_restart_policy(service));
    return finish(body, NULL);
}

static const struct attachment *find_attachment(const struct action *action) {
    const struct service *service = action->desired->service;
    cleanup_arena struct arena *arena = arena_new();
    char *project = docker_project_of(arena, action->desired);
    for (size_t i = 0; action->argument && i < service->network_count; i++) {
        char *name = docker_name(arena, project, service->networks[i].network, 0);
        if (strcmp(name, action->argument) == 0)
            return &service->networks[i];
    }
    return NULL;
}

char *docker_connect_body(const struct action *action) {
    const struct attachment *attachment = find_attachment(action);
    const char *bad = NULL;
    json_t *body = json_object();
    docker_put_text(body, "Container", action->target, &bad);
    if (attachment)
        json_object_set_new(body, "EndpointConfig",
                            docker_endpoint(action->desired->service, attachment, &bad));
    return finish(body, bad);
}
