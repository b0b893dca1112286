/*
 * Subnets that change hands: the engine refuses a network whose subnet overlaps another's, so a new
 * one waits until those in its way are gone. One of them that is no longer desired would otherwise
 * stay until the last container on it has been replaced, which may in turn wait for the new
 * network: then its containers are taken off first.
 *
 * Overlapping means that one subnet's prefix begins the other's. So each subnet that is given up is
 * entered under its own prefix and under its shorter prefixes, as far as prefixes of those lengths
 * are wanted at all.
 */
#include "plan/planner.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define BITS 32

struct subnet {
    uint32_t address;
    unsigned length; /* of the prefix */
};

struct member {
    struct object *network;
    struct member *next;
};

struct prefix {
    uint64_t key;
    struct member *exact, *inside; /* networks with this very prefix; with a longer one */
    UT_hash_handle hh;
};

struct subnets {
    struct arena *arena;
    struct prefix *prefixes;
    uint64_t wanted, given; /* bit N: a prefix of length N is */
};

static bool read_subnet(const struct resource *resource, struct subnet *subnet) {
    const char *text = resource ? field_value(&resource->fields, "subnet") : NULL;
    const char *slash = text ? strchr(text, '/') : NULL;
    char address[INET_ADDRSTRLEN];
    struct in_addr binary;
    if (!slash || (size_t)(slash - text) >= sizeof address)
        return false;
    memcpy(address, text, (size_t)(slash - text));
    address[slash - text] = '\0';
    char *end;
    unsigned long length = strtoul(slash + 1, &end, 10);
    if (*end || end == slash + 1 || length > BITS || inet_pton(AF_INET, address, &binary) != 1)
        return false;
    *subnet = (struct subnet){ntohl(binary.s_addr), (unsigned)length};
    return true;
}

static uint64_t key_of(const struct subnet *subnet, unsigned length) {
    uint64_t mask = length ? ~(uint64_t)0 << (BITS - length) : 0;
    return (subnet->address & mask & UINT32_MAX) << 8 | length;
}

static struct prefix *find(const struct subnets *subnets, uint64_t key) {
    struct prefix *prefix;
    HASH_FIND(hh, subnets->prefixes, &key, sizeof key, prefix);
    return prefix;
}

static struct prefix *find_or_add(struct subnets *subnets, uint64_t key) {
    struct prefix *prefix = find(subnets, key);
    if (!prefix) {
        prefix = arena_alloc(subnets->arena, sizeof *prefix);
        prefix->key = key;
        HASH_ADD(hh, subnets->prefixes, key, sizeof prefix->key, prefix);
    }
    return prefix;
}

static bool is_made(const struct object *object) {
    return object->desired && is_network(object->desired) && object->ready != NODE_NONE &&
           (object->create || object->replace);
}

static void give_up(struct subnets *subnets, struct object *network, const struct subnet *subnet) {
    for (unsigned length = 0; length <= subnet->length; length++) {
        if (length < subnet->length && !(subnets->wanted & (uint64_t)1 << length))
            continue;
        struct prefix *prefix = find_or_add(subnets, key_of(subnet, length));
        struct member **list = length == subnet->length ? &prefix->exact : &prefix->inside;
        struct member *member = arena_alloc(subnets->arena, sizeof *member);
        *member = (struct member){network, *list};
        *list = member;
    }
    subnets->given |= (uint64_t)1 << subnet->length;
}

static void wait_for(struct planner *planner, const struct object *network,
                     const struct member *members) {
    for (const struct member *member = members; member; member = member->next) {
        struct object *other = member->network;
        if (other == network)
            continue;
        other->evacuate = other->remove;
        node_needs(planner, network->ready, other->gone, NEED_HANDOVER);
    }
}

static void take(struct planner *planner, const struct subnets *subnets,
                 const struct object *network, const struct subnet *subnet) {
    for (unsigned length = 0; length <= subnet->length; length++) {
        if (length < subnet->length && !(subnets->given & (uint64_t)1 << length))
            continue;
        const struct prefix *prefix = find(subnets, key_of(subnet, length));
        if (prefix)
            wait_for(planner, network, prefix->exact);
        if (prefix && length == subnet->length)
            wait_for(planner, network, prefix->inside);
    }
}

void plan_subnets(struct planner *planner) {
    struct subnets subnets = {.arena = planner->arena};
    struct subnet subnet;
    for (struct object *object = planner->objects; object; object = object->next)
        if (is_made(object) && read_subnet(object->desired, &subnet))
            subnets.wanted |= (uint64_t)1 << subnet.length;
    if (!subnets.wanted)
        return;
    for (struct object *object = planner->objects; object; object = object->next)
        if (object->gone != NODE_NONE && is_network(object->observed) &&
            read_subnet(object->observed, &subnet))
            give_up(&subnets, object, &subnet);
    for (struct object *object = planner->objects; object && subnets.prefixes;
         object = object->next)
        if (is_made(object) && read_subnet(object->desired, &subnet))
            take(planner, &subnets, object, &subnet);
    HASH_CLEAR(hh, subnets.prefixes);
}
