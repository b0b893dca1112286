/* Validation: what is derived before it, and the order of its subjects. */
#include "spec/validate.h"
#include "base/memory.h"

#include <string.h>

static const char implicit_network[] = "default";

static bool attach_to_default(struct arena *arena, struct service *service) {
    if (service->network_count > 0)
        return false;
    service->networks = arena_array(arena, struct attachment, 1);
    service->networks[0] = (struct attachment){.network = implicit_network, .at = service->at};
    service->network_count = 1;
    return true;
}

/* Declares "default" as `default: {}` would. */
static void declare_default(struct reading *reading) {
    struct environment *environment = reading->environment;
    struct network *networks =
        arena_array(reading->arena, struct network, environment->network_count + 1);
    size_t place = 0;
    while (place < environment->network_count &&
           strcmp(environment->networks[place].name, implicit_network) < 0)
        place++;
    struct node empty = {.kind = NODE_MAP, .width = 1};
    struct path path = {NULL, "networks", 0};
    networks[place].name = implicit_network;
    decode_object(&reading->decoder, &path, &kind_network, &empty, &networks[place]);
    if (environment->network_count > 0) {
        memcpy(networks, environment->networks, place * sizeof *networks);
        memcpy(networks + place + 1, environment->networks + place,
               (environment->network_count - place) * sizeof *networks);
    }
    environment->networks = networks;
    environment->network_count++;
}

static void derive_networks(struct reading *reading) {
    struct environment *environment = reading->environment;
    bool needed = false;
    for (size_t i = 0; i < environment->service_count; i++)
        needed |= attach_to_default(reading->arena, &environment->services[i]);
    if (needed && !environment_network(environment, implicit_network))
        declare_default(reading);
}

/* What others wait for to complete is not restarted, unless that was asked for. */
static void derive_completes(struct reading *reading) {
    struct environment *environment = reading->environment;
    for (size_t i = 0; i < environment->service_count; i++) {
        struct service *service = &environment->services[i];
        if (service->restart_declared &&
            (service->restart == RESTART_NO || service->restart == RESTART_ON_FAILURE))
            service->completes = true;
        for (size_t j = 0; j < service->depends_on_count; j++) {
            const struct dependency *dependency = &service->depends_on[j];
            size_t index = service_index(environment, dependency->service);
            if (dependency->condition != DEPENDS_COMPLETED || index == SIZE_MAX)
                continue;
            environment->services[index].completes = true;
            if (!environment->services[index].restart_declared)
                environment->services[index].restart = RESTART_NO;
        }
    }
}

static uint16_t port_to_register(const struct service *service) {
    for (size_t i = 0; i < service->port_count; i++)
        if (!service->ports[i].udp)
            return service->ports[i].target;
    return service->healthcheck.port;
}

/* What the registry is told of a service that does not say it itself. */
static void derive_registrations(struct reading *reading) {
    for (size_t i = 0; i < reading->environment->service_count; i++) {
        struct service *service = &reading->environment->services[i];
        struct registration *registration = &service->registration;
        const struct healthcheck *check = &service->healthcheck;
        if (!registration->port)
            registration->port = port_to_register(service);
        bool http = check->kind == CHECK_HTTP && check->port == registration->port;
        if (!registration->protocol)
            registration->protocol = http ? "http" : "tcp";
    }
}

void validate_environment(struct reading *reading) {
    derive_registrations(reading);
    derive_networks(reading);
    derive_completes(reading);
    validate_references(reading);
    validate_depends(reading);
    validate_networks(reading);
    validate_ports(reading);
    validate_scaling(reading);
    validate_targets(reading);
    validate_resources(reading);
}
