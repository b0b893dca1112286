/*
 * Which addresses of a network the engine may give out by itself. Without a range of its own it
 * gives the next free one, which may be declared by a service that does not run at the moment, and
 * that could then not start. So a network on which addresses are declared is made with a range that
 * holds none of them: the largest half, quarter, eighth … of the subnet without one. Declared
 * addresses may be outside the range (but for Engine 25.0.0, which 25.0.1 corrected).
 *
 * The range is no field: a network that has been made without one, or with another, is not replaced
 * for it.
 */
#include "engines/docker/fields.h"

#include "spec/quantity.h"

#include <string.h>

#define BITS 32

struct taken { /* addresses the range must not hold */
    uint32_t *items;
    size_t count;
};

static size_t instances(const struct service *service) {
    return service->replicas > 1 ? (size_t)service->replicas : 1;
}

/* The declared addresses on the network. `others` gets the number of containers without one. */
static struct taken declared(struct arena *arena, const struct environment *environment,
                             const struct network *network, size_t *others) {
    struct taken taken = {arena_array(arena, uint32_t, environment->service_count + 1), 0};
    *others = 0;
    for (size_t i = 0; i < environment->service_count; i++) {
        const struct service *service = &environment->services[i];
        for (size_t j = 0; j < service->network_count; j++) {
            const struct attachment *attachment = &service->networks[j];
            if (strcmp(attachment->network, network->name) != 0)
                continue;
            if (attachment->ipv4_address &&
                parse_ipv4(attachment->ipv4_address, &taken.items[taken.count]) == 0)
                taken.count++;
            else
                *others += instances(service);
        }
    }
    return taken;
}

static bool is_free(const struct taken *taken, uint32_t address, unsigned prefix) {
    for (size_t i = 0; i < taken->count; i++)
        if (cidr4_contains(address, prefix, taken->items[i]))
            return false;
    return true;
}

/* Whether the block has room for so many and, while they are replaced, as many again; its first and
 * last address may be of no use. */
static bool has_room(unsigned prefix, size_t containers) {
    return prefix < BITS && ((uint64_t)1 << (BITS - prefix)) >= 2 * (uint64_t)containers + 2;
}

/* The highest of the largest blocks that are free. There is one among the first n + 1 of a size, so
 * this ends soon. */
static bool find_block(const struct taken *taken, uint32_t address, unsigned prefix, size_t room,
                       uint32_t *found, unsigned *length) {
    for (*length = prefix + 1; has_room(*length, room); ++*length)
        for (uint64_t block = (uint64_t)1 << (*length - prefix); block-- > 0;) {
            *found = address + (uint32_t)(block << (BITS - *length));
            if (is_free(taken, *found, *length))
                return true;
        }
    return false;
}

static char *address_text(struct arena *arena, uint32_t address) {
    return arena_format(arena, "%u.%u.%u.%u", address >> 24, address >> 16 & 255,
                        address >> 8 & 255, address & 255);
}

/* The gateway is named with it, or the engine would take one of the range instead of the first. */
bool docker_address_range(struct arena *arena, const struct environment *environment,
                          const struct network *network, struct docker_range *range) {
    uint32_t subnet, gateway, block;
    unsigned prefix, length;
    size_t others;
    bool is_bridge = !network->driver || strcmp(network->driver, "bridge") == 0;
    if (!is_bridge || !network->subnet || parse_cidr4(network->subnet, &subnet, &prefix) != 0)
        return false;
    struct taken taken = declared(arena, environment, network, &others);
    if (!taken.count)
        return false;
    if (!network->gateway || parse_ipv4(network->gateway, &gateway) != 0)
        gateway = subnet + 1;
    if (!is_free(&taken, gateway, BITS))
        return false;
    taken.items[taken.count++] = gateway;
    if (!find_block(&taken, subnet, prefix, others, &block, &length))
        return false;
    range->addresses = arena_format(arena, "%s/%u", address_text(arena, block), length);
    range->gateway = address_text(arena, gateway);
    return true;
}
