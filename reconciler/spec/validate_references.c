/* Networks, volumes, secrets and services that are named, but not declared. */
#include "base/memory.h"
#include "spec/validate.h"

#include <string.h>

/* `help` is the suggestion, or how to declare it. */
static void problem_undeclared(struct reading *reading, const struct place *place,
                               const char *suggestion, const char *kind, const char *name) {
    cleanup_free char *declare = format_text("declare it under `%ss`: %s: {}", kind, name);
    problem_in(reading, place, suggestion ? suggestion : declare, "the %s \"%s\" is not declared",
               kind, name);
}

static void check_networks(struct reading *reading, const struct service *service) {
    const struct environment *environment = reading->environment;
    for (size_t i = 0; i < service->network_count; i++) {
        const struct attachment *attachment = &service->networks[i];
        if (environment_network(environment, attachment->network))
            continue;
        struct place place = {{"services", service->name, "networks", attachment->network},
                              attachment->at};
        problem_undeclared(reading, &place,
                           suggest_item(reading, attachment->network, environment->networks,
                                        environment->network_count, sizeof(struct network)),
                           "network", attachment->network);
    }
}

static void check_volumes(struct reading *reading, const struct service *service) {
    const struct environment *environment = reading->environment;
    for (size_t i = 0; i < service->mount_count; i++) {
        const struct mount *mount = &service->mounts[i];
        if (!mount->volume || environment_volume(environment, mount->volume))
            continue;
        struct place place = {{"services", service->name, "mounts", "[]", "volume"}, mount->at};
        problem_undeclared(reading, &place,
                           suggest_item(reading, mount->volume, environment->volumes,
                                        environment->volume_count, sizeof(struct volume)),
                           "volume", mount->volume);
    }
}

static void check_secrets(struct reading *reading, const struct service *service) {
    const struct environment *environment = reading->environment;
    for (size_t i = 0; i < service->environment_count; i++) {
        const struct variable *variable = &service->environment[i];
        if (!variable->secret || environment_secret(environment, variable->secret))
            continue;
        struct place place = {{"services", service->name, "environment", variable->name, "secret"},
                              {0}};
        const char *help = suggest_item(reading, variable->secret, environment->secrets,
                                        environment->secret_count, sizeof(struct secret));
        cleanup_free char *declare =
            format_text("declare it under `secrets`: %s: {env: VARIABLE}", variable->secret);
        problem_in(reading, &place, help ? help : declare, "the secret \"%s\" is not declared",
                   variable->secret);
    }
}

static void check_dependency(struct reading *reading, const struct service *service,
                             const struct dependency *dependency) {
    const struct environment *environment = reading->environment;
    struct switched_off *off;
    struct place place = {{"services", service->name, "dependsOn", dependency->service},
                          dependency->at};
    if (environment_service(environment, dependency->service))
        return;
    HASH_FIND_STR(reading->switched_off, dependency->service, off);
    if (off) {
        cleanup_free char *help =
            format_text("give this service the same `when: \"%s\"`, or switch the feature %s",
                        off->when, *off->when == '!' ? "off" : "on");
        problem_in(reading, &place, help, "the service \"%s\" is switched off by `when: \"%s\"`",
                   dependency->service, off->when);
        return;
    }
    const char *help = suggest_item(reading, dependency->service, environment->services,
                                    environment->service_count, sizeof(struct service));
    problem_in(reading, &place, help ? help : "declare it under `services`, or take the line out",
               "the service \"%s\" is not declared", dependency->service);
}

void validate_references(struct reading *reading) {
    for (size_t i = 0; i < reading->environment->service_count; i++) {
        const struct service *service = &reading->environment->services[i];
        check_networks(reading, service);
        check_volumes(reading, service);
        check_secrets(reading, service);
        for (size_t j = 0; j < service->depends_on_count; j++)
            check_dependency(reading, service, &service->depends_on[j]);
    }
}
