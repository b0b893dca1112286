/* Request bodies: HostConfig of POST /containers/create, what of a service concerns the host. */
#include "engines/docker/fields.h"

#include <string.h>

json_t *docker_restart_policy(const struct service *service) {
    json_int_t retries = service->restart == RESTART_ON_FAILURE ? service->restart_max_retries : 0;
    return json_pack("{s:s,s:I}", "Name", docker_restart_name(service->restart),
                     "MaximumRetryCount", retries);
}

static void put_number(json_t *object, const char *key, int64_t value) {
    if (value > 0)
        json_object_set_new(object, key, json_integer(value));
}

static void put_pairs(json_t *object, const char *key, const struct pair_list *pairs,
                      const char **bad) {
    if (!pairs->count)
        return;
    json_t *map = json_object();
    for (size_t i = 0; i < pairs->count; i++)
        docker_put_text(map, pairs->items[i].key,
                        pairs->items[i].value ? pairs->items[i].value : "", bad);
    json_object_set_new(object, key, map);
}

static void put_list(json_t *object, const char *key, const struct text_list *list,
                     const char **bad) {
    if (list->count)
        json_object_set_new(object, key, docker_text_array(list, bad));
}

static void put_ports(json_t *host, struct arena *arena, const struct service *service) {
    json_t *bindings = json_object();
    for (size_t i = 0; i < service->port_count; i++) {
        const struct port *port = &service->ports[i];
        char *name = docker_port_name(arena, port);
        json_t *list = json_object_get(bindings, name);
        if (!list) {
            list = json_array();
            json_object_set_new(bindings, name, list);
        }
        char *published = arena_format(arena, "%u", port->published);
        json_array_append_new(
            list, json_pack("{s:s,s:s}", "HostIp", port->host_ip, "HostPort", published));
    }
    json_object_set_new(host, "PortBindings", bindings);
}

static void put_resources(json_t *host, const struct service *service) {
    put_number(host, "Memory", service->limits.memory);
    put_number(host, "NanoCpus", service->limits.nano_cpus);
    put_number(host, "PidsLimit", service->limits.pids);
    put_number(host, "MemoryReservation", service->requests.memory);
    put_number(host, "CpuShares", docker_cpu_shares(service->requests.nano_cpus));
    put_number(host, "ShmSize", service->shm_size);
    json_t *ulimits = json_array();
    for (size_t i = 0; i < service->ulimit_count; i++)
        json_array_append_new(ulimits, json_pack("{s:s,s:I,s:I}", "Name", service->ulimits[i].name,
                                                 "Soft", (json_int_t)service->ulimits[i].soft,
                                                 "Hard", (json_int_t)service->ulimits[i].hard));
    if (json_array_size(ulimits))
        json_object_set(host, "Ulimits", ulimits);
    json_decref(ulimits);
}

static void put_isolation(json_t *host, const struct service *service, const char **bad) {
    put_list(host, "Dns", &service->dns, bad);
    put_list(host, "CapAdd", &service->cap_add, bad);
    put_list(host, "CapDrop", &service->cap_drop, bad);
    put_pairs(host, "Sysctls", &service->sysctls, bad);
    put_pairs(host, "Tmpfs", &service->tmpfs, bad);
    if (service->read_only)
        json_object_set_new(host, "ReadonlyRootfs", json_true());
    if (service->privileged)
        json_object_set_new(host, "Privileged", json_true());
    if (service->no_new_privileges)
        json_object_set_new(host, "SecurityOpt", json_pack("[s]", "no-new-privileges:true"));
    if (service->init != UNSET)
        json_object_set_new(host, "Init", json_boolean(service->init == YES));
}

static void put_hosts(json_t *host, struct arena *arena, const struct service *service,
                      const char **bad) {
    struct text_list hosts = {arena_array(arena, const char *, service->extra_hosts.count + 1), 0,
                              true};
    for (size_t i = 0; i < service->extra_hosts.count; i++)
        hosts.items[hosts.count++] = arena_format(arena, "%s:%s", service->extra_hosts.items[i].key,
                                                  service->extra_hosts.items[i].value);
    put_list(host, "ExtraHosts", &hosts, bad);
}

/* Without a driver the engine adds its own. */
static void put_logging(json_t *host, const struct service *service, const char **bad) {
    if (!service->logging_driver && !service->logging_options.count)
        return;
    json_t *logging = json_object();
    docker_put_text(logging, "Type", service->logging_driver ? service->logging_driver : "", bad);
    put_pairs(logging, "Config", &service->logging_options, bad);
    json_object_set_new(host, "LogConfig", logging);
}

json_t *docker_host_config(const struct environment *environment, const struct action *action,
                           const char **bad) {
    const struct service *service = action->desired->service;
    cleanup_arena struct arena *arena = arena_new();
    json_t *host = json_object();
    if (service->network_count)
        docker_put_text(host, "NetworkMode",
                        docker_name(arena, environment->project, service->networks[0].network, 0),
                        bad);
    json_object_set_new(host, "RestartPolicy", docker_restart_policy(service));
    put_ports(host, arena, service);
    put_resources(host, service);
    put_isolation(host, service, bad);
    put_hosts(host, arena, service, bad);
    put_logging(host, service, bad);
    json_t *mounts = docker_mounts(environment, action, bad);
    json_object_set_new(host, "Mounts", mounts);
    return host;
}
