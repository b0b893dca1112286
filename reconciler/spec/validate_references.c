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

static void problem_secret(struct reading *reading, const struct place *place, const char *name) {
    const char *help = suggest_item(reading, name, reading->environment->secrets,
                                    reading->environment->secret_count, sizeof(struct secret));
    cleanup_free char *declare =
        format_text("declare it under `secrets`: %s: {env: VARIABLE}", name);
    problem_in(reading, place, help ? help : declare, "the secret \"%s\" is not declared", name);
}

static void check_secrets(struct reading *reading, const struct service *service) {
    const struct environment *environment = reading->environment;
    for (size_t i = 0; i < service->environment_count; i++) {
        const struct variable *variable = &service->environment[i];
        if (!variable->secret || environment_secret(environment, variable->secret))
            continue;
        struct place place = {{"services", service->name, "environment", variable->name, "secret"},
                              {0}};
        problem_secret(reading, &place, variable->secret);
    }
}

/* `help` is what else can be done about a name that is like no other. */
static void check_service(struct reading *reading, const struct place *place, const char *name,
                          const char *help_off, const char *help_undeclared) {
    const struct environment *environment = reading->environment;
    struct switched_off *off;
    if (environment_service(environment, name))
        return;
    HASH_FIND_STR(reading->switched_off, name, off);
    if (off) {
        cleanup_free char *help =
            format_text("%s, or switch the feature %s", help_off, *off->when == '!' ? "off" : "on");
        problem_in(reading, place, help, "the service \"%s\" is switched off by `when: \"%s\"`",
                   name, off->when);
        return;
    }
    const char *help = suggest_item(reading, name, environment->services,
                                    environment->service_count, sizeof(struct service));
    problem_in(reading, place, help ? help : help_undeclared, "the service \"%s\" is not declared",
               name);
}

static void check_dependency(struct reading *reading, const struct service *service,
                             const struct dependency *dependency) {
    struct switched_off *off;
    struct place place = {{"services", service->name, "dependsOn", dependency->service},
                          dependency->at};
    HASH_FIND_STR(reading->switched_off, dependency->service, off);
    cleanup_free char *same =
        format_text("give this service the same `when: \"%s\"`", off ? off->when : "");
    check_service(reading, &place, dependency->service, same,
                  "declare it under `services`, or take the line out");
}

static void check_redis(struct reading *reading) {
    const struct redis_settings *redis = &reading->environment->redis;
    struct place service = {{"redis", "service"}, {0}};
    struct place password = {{"redis", "password", "secret"}, {0}};
    if (redis->service)
        check_service(reading, &service, redis->service, "take `redis` out (`redis: null`)",
                      "declare it under `services`, or name another Redis by its `address`");
    if (redis->secret && !environment_secret(reading->environment, redis->secret))
        problem_secret(reading, &password, redis->secret);
}

void validate_references(struct reading *reading) {
    check_redis(reading);
    for (size_t i = 0; i < reading->environment->service_count; i++) {
        const struct service *service = &reading->environment->services[i];
        check_networks(reading, service);
        check_volumes(reading, service);
        check_secrets(reading, service);
        for (size_t j = 0; j < service->depends_on_count; j++)
            check_dependency(reading, service, &service->depends_on[j]);
    }
}
