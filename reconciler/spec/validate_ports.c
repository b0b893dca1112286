/* Host ports that are published twice. */
#include "base/memory.h"
#include "spec/quantity.h"
#include "spec/validate.h"

#include <string.h>

#define EVERY_ADDRESS 0u
#define SOME_ADDRESS  UINT32_MAX /* stands for "an address, whichever": 255.255.255.255 is none */

struct port_key {
    uint32_t address, port; /* port with the protocol in bit 16 */
};

struct used_port {
    struct port_key key;
    const struct service *service;
    const struct port *port;
    UT_hash_handle hh;
};

static struct used_port *find_port(struct used_port *used, uint32_t address, uint32_t port) {
    struct port_key key = {address, port};
    struct used_port *found;
    /* uthash reads the key byte by byte, which the analyzer cannot follow. */
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult)
    HASH_FIND(hh, used, &key, sizeof key, found);
    return found;
}

static void use_port(struct arena *arena, struct used_port **used, struct used_port port) {
    if (find_port(*used, port.key.address, port.key.port))
        return;
    struct used_port *entry = arena_alloc(arena, sizeof *entry);
    *entry = port;
    HASH_ADD(hh, *used, key, sizeof entry->key, entry);
}

static void problem_port(struct reading *reading, const struct service *service,
                         const struct port *port, const struct used_port *other) {
    struct place place = {{"services", service->name, "ports", "[]"}, port->at};
    problem_in(reading, &place, "publish one of them on another port, or on another address",
               "host port %s:%u/%s is also published by the service \"%s\" (%s:%u)", port->host_ip,
               (unsigned)port->published, port->udp ? "udp" : "tcp", other->service->name,
               other->port->at.file, other->port->at.line);
}

static void check_port(struct reading *reading, const struct service *service,
                       const struct port *port, struct used_port **used) {
    uint32_t address;
    if (port->published == 0 || !port->host_ip || parse_ipv4(port->host_ip, &address) != 0)
        return;
    uint32_t number = port->published | (port->udp ? 1u << 16 : 0u);
    const struct used_port *other = find_port(*used, address, number);
    if (!other)
        other = find_port(*used, address == EVERY_ADDRESS ? SOME_ADDRESS : EVERY_ADDRESS, number);
    if (other) {
        problem_port(reading, service, port, other);
        return;
    }
    struct used_port entry = {{address, number}, service, port, {0}};
    use_port(reading->trees, used, entry);
    entry.key.address = SOME_ADDRESS;
    use_port(reading->trees, used, entry);
}

void validate_ports(struct reading *reading) {
    struct used_port *used = NULL;
    for (size_t i = 0; i < reading->environment->service_count; i++) {
        const struct service *service = &reading->environment->services[i];
        for (size_t j = 0; j < service->port_count; j++)
            check_port(reading, service, &service->ports[j], &used);
    }
    HASH_CLEAR(hh, used);
}
