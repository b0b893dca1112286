/* Subnets that overlap; gateways and addresses outside their subnet or taken twice. */
#include "base/memory.h"
#include "spec/quantity.h"
#include "spec/validate.h"

#include <stdlib.h>
#include <string.h>

struct subnet {
    uint32_t first, last, gateway;
    unsigned prefix;
    const struct network *network;
};

static uint32_t last_address(uint32_t first, unsigned prefix) {
    return prefix == 0 ? UINT32_MAX : first | (uint32_t)((UINT64_C(1) << (32 - prefix)) - 1);
}

/* Whether an address can be given to something; reports why not. */
static bool check_address(struct reading *reading, const struct place *place,
                          const struct subnet *subnet, const char *text, uint32_t address) {
    const struct network *network = subnet->network;
    if (!cidr4_contains(subnet->first, subnet->prefix, address))
        problem_in(reading, place, NULL, "%s is not in the subnet %s of the network \"%s\"", text,
                   network->subnet, network->name);
    else if (subnet->prefix <= 30 && address == subnet->first)
        problem_in(reading, place, "use a later one", "%s is the address of the subnet %s itself",
                   text, network->subnet);
    else if (subnet->prefix <= 30 && address == subnet->last)
        problem_in(reading, place, "use an earlier one",
                   "%s is the broadcast address of the subnet %s", text, network->subnet);
    else
        return true;
    return false;
}

/* --- subnets ------------------------------------------------------------------------------------
 */

static void check_gateway(struct reading *reading, struct subnet *subnet) {
    const struct network *network = subnet->network;
    struct place place = {{"networks", network->name, "gateway"}, {0}};
    uint32_t gateway;
    if (network->gateway && parse_ipv4(network->gateway, &gateway) == 0) {
        if (check_address(reading, &place, subnet, network->gateway, gateway))
            subnet->gateway = gateway;
    } else if (subnet->prefix <= 30) {
        /* The engine takes the first address when none is declared. */
        subnet->gateway = subnet->first + 1;
    }
}

static int compare_subnets(const void *left, const void *right) {
    const struct subnet *a = left, *b = right;
    int order = (a->first > b->first) - (a->first < b->first);
    return order ? order : strcmp(a->network->name, b->network->name);
}

static void check_overlaps(struct reading *reading, const struct subnet *subnets, size_t count) {
    const struct subnet *widest = NULL;
    for (size_t i = 0; i < count; i++) {
        const struct subnet *subnet = &subnets[i];
        if (widest &&
            cidr4_overlaps(subnet->first, subnet->prefix, widest->first, widest->prefix)) {
            struct place place = {{"networks", subnet->network->name, "subnet"}, {0}};
            problem_in(reading, &place, "give each network a subnet of its own",
                       "%s overlaps %s of the network \"%s\"", subnet->network->subnet,
                       widest->network->subnet, widest->network->name);
        }
        if (!widest || subnet->last > widest->last)
            widest = subnet;
    }
}

/* Subnets of the networks that declare one, in the networks' order. */
static size_t read_subnets(struct reading *reading, struct subnet *subnets) {
    const struct environment *environment = reading->environment;
    size_t count = 0;
    for (size_t i = 0; i < environment->network_count; i++) {
        const struct network *network = &environment->networks[i];
        struct subnet subnet = {.network = network};
        if (network->subnet && parse_cidr4(network->subnet, &subnet.first, &subnet.prefix) == 0) {
            subnet.last = last_address(subnet.first, subnet.prefix);
            check_gateway(reading, &subnet);
            subnets[count++] = subnet;
        } else if (network->gateway && !network->subnet) {
            struct place place = {{"networks", network->name, "gateway"}, {0}};
            problem_in(reading, &place, "declare the subnet it is in",
                       "the network \"%s\" has a gateway, but no subnet", network->name);
        }
    }
    return count;
}

/* --- addresses ----------------------------------------------------------------------------------
 */

struct address_key {
    const struct network *network;
    uint64_t address;
};

struct used_address {
    struct address_key key;
    const char *service;
    UT_hash_handle hh;
};

static void check_unique(struct reading *reading, const struct place *place,
                         struct used_address **used, const struct network *network,
                         const char *text, uint32_t address) {
    struct address_key key = {network, address};
    struct used_address *other;
    /* uthash reads the key byte by byte, which the analyzer cannot follow. */
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
    HASH_FIND(hh, *used, &key, sizeof key, other);
    if (other) {
        problem_in(reading, place, "give each service an address of its own",
                   "%s is also the address of the service \"%s\" on the network \"%s\"", text,
                   other->service, network->name);
        return;
    }
    other = arena_alloc(reading->trees, sizeof *other);
    other->key = key;
    other->service = place->keys[1];
    HASH_ADD(hh, *used, key, sizeof key, other);
}

static int compare_names(const void *name, const void *subnet) {
    return strcmp(name, ((const struct subnet *)subnet)->network->name);
}

static void check_attachment(struct reading *reading, const struct service *service,
                             const struct attachment *attachment, const struct subnet *subnets,
                             size_t count, struct used_address **used) {
    struct place place = {
        {"services", service->name, "networks", attachment->network, "ipv4Address"}, {0}};
    const struct network *network = environment_network(reading->environment, attachment->network);
    uint32_t address;
    if (!network || !attachment->ipv4_address ||
        parse_ipv4(attachment->ipv4_address, &address) != 0)
        return;
    const struct subnet *subnet =
        count ? bsearch(attachment->network, subnets, count, sizeof *subnets, compare_names) : NULL;
    if (!subnet) {
        cleanup_free char *help =
            format_text("declare one: networks: {%s: {subnet: …}}", network->name);
        problem_in(reading, &place, help,
                   "the network \"%s\" has no subnet, so nothing can have an address of its own "
                   "on it",
                   network->name);
        return;
    }
    if (!check_address(reading, &place, subnet, attachment->ipv4_address, address))
        return;
    if (subnet->gateway == address)
        problem_in(reading, &place, "use another one, or declare another `gateway`",
                   "%s is the gateway of the network \"%s\"", attachment->ipv4_address,
                   network->name);
    else
        check_unique(reading, &place, used, network, attachment->ipv4_address, address);
}

void validate_networks(struct reading *reading) {
    const struct environment *environment = reading->environment;
    struct used_address *used = NULL;
    cleanup_free struct subnet *subnets =
        memory_alloc(environment->network_count * sizeof *subnets);
    size_t count = read_subnets(reading, subnets);
    for (size_t i = 0; i < environment->service_count; i++) {
        const struct service *service = &environment->services[i];
        for (size_t j = 0; j < service->network_count; j++)
            check_attachment(reading, service, &service->networks[j], subnets, count, &used);
    }
    HASH_CLEAR(hh, used);
    if (count > 1)
        qsort(subnets, count, sizeof *subnets, compare_subnets);
    check_overlaps(reading, subnets, count);
}
