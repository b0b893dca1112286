/* Where a container is, and where a port of it can be reached: one look at it. */
#include "engines/docker/reach.h"
#include "engines/docker/transport.h"

#include <stdlib.h>
#include <string.h>

#define INSPECT_TIMEOUT_MS 10000
#define INSPECT_LIMIT      (4 << 20)

struct lookup {
    struct docker_call call;
    const struct environment *environment;
    uint16_t port;
    engine_located *done;
    void *context;
};

static void release(struct docker_call *call) {
    (void)call;
}

/* The name in the environment of a network of its project; others keep the engine's. */
static const char *network_name(const struct environment *environment, const char *engine_name) {
    size_t length = strlen(environment->project);
    if (strncmp(engine_name, environment->project, length) == 0 && engine_name[length] == '-' &&
        environment_network(environment, engine_name + length + 1))
        return engine_name + length + 1;
    return engine_name;
}

static int compare_pairs(const void *left, const void *right) {
    return strcmp(((const struct pair *)left)->key, ((const struct pair *)right)->key);
}

/* Points into `container`. */
static struct pair_list addresses_of(struct arena *arena, const struct environment *environment,
                                     const json_t *container) {
    json_t *networks = json_object_get(json_object_get(container, "NetworkSettings"), "Networks");
    struct pair_list list = {.items = arena_array(arena, struct pair, json_object_size(networks))};
    const char *name;
    json_t *network;
    json_object_foreach(networks, name, network) {
        const char *address = json_string_value(json_object_get(network, "IPAddress"));
        if (address && *address)
            list.items[list.count++] =
                (struct pair){.key = network_name(environment, name), .value = address};
    }
    if (list.count > 1)
        qsort(list.items, list.count, sizeof *list.items, compare_pairs);
    return list;
}

static bool has_check(const json_t *container) {
    const json_t *health = json_object_get(json_object_get(container, "State"), "Health");
    const char *status = json_string_value(json_object_get(health, "Status"));
    return status && strcmp(status, "none") != 0;
}

static void tell(struct lookup *lookup, const json_t *container) {
    cleanup_arena struct arena *arena = arena_new();
    struct docker_places places = {0};
    if (lookup->port)
        places = docker_places(lookup->call.engine, container, lookup->port);
    const char **reachable = arena_array(arena, const char *, places.count + 1);
    for (size_t i = 0; i < places.count; i++)
        reachable[i] = places.items[i].address;
    struct engine_location location = {.addresses =
                                           addresses_of(arena, lookup->environment, container),
                                       .reachable = reachable,
                                       .checked = has_check(container)};
    lookup->done(lookup->context, &location, NULL);
    docker_places_clear(&places);
}

static void inspected(void *context, const struct http_response *response) {
    struct lookup *lookup = context;
    json_auto_t *container = NULL;
    if (response->outcome == HTTP_OK && response->status == 200)
        container = json_loadb(response->body, response->body_size, 0, NULL);
    if (container) {
        tell(lookup, container);
    } else {
        cleanup_error struct error error = ERROR_INIT;
        docker_error(lookup->call.engine, response, "cannot inspect a container", &error);
        lookup->done(lookup->context, NULL, &error);
    }
    docker_call_free(&lookup->call);
}

void docker_locate(struct engine *engine, const struct environment *environment, const char *target,
                   uint16_t port, engine_located *done, void *context) {
    struct lookup *lookup = docker_call_new(docker_of(engine), sizeof *lookup, release);
    lookup->environment = environment;
    lookup->port = port;
    lookup->done = done;
    lookup->context = context;
    cleanup_free char *id = docker_encode(target);
    cleanup_free char *path = format_text("/containers/%s/json", id);
    struct http_request request = {
        .method = "GET", .path = path, .timeout_ms = INSPECT_TIMEOUT_MS, .max_body = INSPECT_LIMIT};
    docker_send_request(docker_of(engine), &request, inspected, lookup);
}
