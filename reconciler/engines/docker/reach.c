/*
 * Where a port of a container can be reached from here. On the engine's own machine the container's
 * address comes first: a published port is behind a proxy, which accepts connections also when
 * nothing listens in the container. On another machine only published ports can be reached; the
 * container's address there may be somebody else's here, so it is never tried. Pure.
 */
#include "engines/docker/reach.h"

#include <stdlib.h>
#include <string.h>

#define PLACE_LIMIT 8 /* networks a container is on are few; each that fails costs a timeout */

static void add(struct docker_places *places, const char *host, unsigned port) {
    if (places->count == PLACE_LIMIT)
        return;
    bool v6 = strchr(host, ':') && *host != '[';
    char *address = format_text("%s%s%s:%u", v6 ? "[" : "", host, v6 ? "]" : "", port);
    for (size_t i = 0; i < places->count; i++)
        if (strcmp(places->items[i].address, address) == 0) {
            free(address);
            return;
        }
    places->items[places->count++] = (struct docker_place){address};
}

static void add_own_addresses(struct docker_places *places, const json_t *settings, uint16_t port) {
    const char *name;
    json_t *network;
    json_object_foreach(json_object_get(settings, "Networks"), name, network) {
        const char *address = json_string_value(json_object_get(network, "IPAddress"));
        if (address && *address)
            add(places, address, port);
        else if (strcmp(name, "host") == 0)
            add(places, "127.0.0.1", port);
    }
}

static bool is_any(const char *host) {
    return !*host || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
}

static bool is_loopback(const char *host) {
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcmp(host, "[::1]") == 0 || strcmp(host, "localhost") == 0;
}

static void add_published(struct docker_places *places, const struct docker_engine *engine,
                          const json_t *settings, uint16_t port) {
    /* tcp://localhost: what is published on this machine's loopback addresses is here too. */
    bool here = engine->local || (engine->host && is_loopback(engine->host));
    cleanup_free char *key = format_text("%u/tcp", port);
    size_t index;
    json_t *binding;
    json_array_foreach(json_object_get(json_object_get(settings, "Ports"), key), index, binding) {
        const char *host = json_string_value(json_object_get(binding, "HostIp"));
        const char *text = json_string_value(json_object_get(binding, "HostPort"));
        unsigned long published = text ? strtoul(text, NULL, 10) : 0;
        if (!host || published < 1 || published > 65535)
            continue;
        if (is_any(host))
            add(places, engine->host ? engine->host : "127.0.0.1", (unsigned)published);
        else if (!is_loopback(host) || here)
            add(places, host, (unsigned)published);
    }
}

struct docker_places docker_places(const struct docker_engine *engine, const json_t *container,
                                   uint16_t port) {
    struct docker_places places = {.items = memory_alloc(PLACE_LIMIT * sizeof *places.items)};
    const json_t *settings = json_object_get(container, "NetworkSettings");
    if (engine->local)
        add_own_addresses(&places, settings, port);
    add_published(&places, engine, settings, port);
    return places;
}

void docker_places_clear(struct docker_places *places) {
    for (size_t i = 0; i < places->count; i++)
        free(places->items[i].address);
    free(places->items);
    *places = (struct docker_places){0};
}
