/* Services of which there are several at a time, always or while they are updated: what can only be
 * there once, and names of containers that are taken twice. */
#include "base/memory.h"
#include "spec/validate.h"

#include <stdlib.h>
#include <string.h>

static const char *why_several(const struct service *service) {
    if (service->replicas > 1)
        return "several replicas";
    return service->update_strategy == UPDATE_START_FIRST ? "updateStrategy: startFirst" : NULL;
}

static void check_service(struct reading *reading, const struct service *service) {
    const char *why = why_several(service);
    if (!why)
        return;
    for (size_t i = 0; i < service->network_count; i++) {
        const struct attachment *attachment = &service->networks[i];
        struct place place = {
            {"services", service->name, "networks", attachment->network, "ipv4Address"}, {0}};
        if (attachment->ipv4_address)
            problem_in(reading, &place, "take the address out",
                       "a service with %s cannot have an address of its own: two containers would "
                       "need it at a time",
                       why);
    }
    for (size_t i = 0; i < service->port_count; i++) {
        struct place place = {{"services", service->name, "ports", "[]"}, service->ports[i].at};
        if (service->ports[i].published)
            problem_in(reading, &place,
                       "leave the host port out, and the engine picks a free one for each",
                       "a service with %s cannot publish host port %u: two containers would need "
                       "it at a time",
                       why, (unsigned)service->ports[i].published);
    }
}

/* The second instance of "redis" is called "redis-2": so may another service be. */
static void check_name(struct reading *reading, const struct service *service) {
    const char *dash = strrchr(service->name, '-');
    if (!dash || dash == service->name || dash[1] < '1' || dash[1] > '9' || strlen(dash + 1) > 6 ||
        dash[1 + strspn(dash + 1, "0123456789")])
        return;
    long number = strtol(dash + 1, NULL, 10);
    cleanup_free char *base = strndup(service->name, (size_t)(dash - service->name));
    const struct service *other = environment_service(reading->environment, base);
    if (!other || number < 2 || other->replicas < number)
        return;
    struct place place = {{"services", service->name}, service->at};
    problem_in(reading, &place, "rename the service",
               "its container is called like instance %ld of the service \"%s\": %s-%s", number,
               other->name, reading->environment->project ? reading->environment->project : "",
               service->name);
}

void validate_scaling(struct reading *reading) {
    for (size_t i = 0; i < reading->environment->service_count; i++) {
        check_service(reading, &reading->environment->services[i]);
        check_name(reading, &reading->environment->services[i]);
    }
}
