/*
 * Declared services, networks and volumes as canonical fields. What is not declared and what equals
 * the engine's default is left out, here and in what inspect reports; docs/architecture.md and
 * kinds.c say what becomes of a difference.
 */
#include "engines/docker/fields.h"

#include <string.h>

static void add(struct docker_fields *fields, const char *path, const char *value) {
    docker_fields_add(fields, path, NULL, value);
}

static void add_flag(struct docker_fields *fields, const char *path, bool set) {
    add(fields, path, set ? "true" : NULL);
}

static void add_pairs(struct docker_fields *fields, const char *prefix,
                      const struct pair_list *pairs) {
    for (size_t i = 0; i < pairs->count; i++)
        docker_fields_add(fields, prefix, pairs->items[i].key,
                          pairs->items[i].value ? pairs->items[i].value : "");
}

static void add_list(struct docker_fields *fields, const char *path, const struct text_list *list) {
    if (list->count)
        add(fields, path, docker_text_list(fields->scratch, list->items, list->count));
}

static void add_process(struct docker_fields *fields, const struct service *service) {
    struct arena *scratch = fields->scratch;
    add(fields, "image", service->image);
    add_list(fields, "command", &service->command);
    add_list(fields, "entrypoint", &service->entrypoint);
    if (service->entrypoint.declared && !service->entrypoint.count)
        add(fields, "entrypoint", "[]");
    add(fields, "user", service->user);
    add(fields, "workingDir", service->working_dir);
    add(fields, "hostname", service->hostname);
    add(fields, "restart",
        docker_text_restart(scratch, docker_restart_name(service->restart),
                            service->restart_max_retries));
    add(fields, "stopSignal", docker_text_signal(scratch, service->stop_signal));
    if (service->stop_grace_period_ns >= 0)
        add(fields, "stopGracePeriod",
            docker_text_grace(scratch, docker_grace_seconds(service->stop_grace_period_ns)));
    if (service->init != UNSET)
        add(fields, "init", service->init == YES ? "true" : "false");
    for (size_t i = 0; i < service->environment_count; i++) {
        const struct variable *variable = &service->environment[i];
        const char *value = variable->value ? variable->value : "";
        if (variable->secret)
            field_add_secret(&fields->builder, docker_path(fields, "environment", variable->name),
                             value);
        else
            docker_fields_add(fields, "environment", variable->name, value);
    }
}

static void add_files(struct docker_fields *fields, const struct service *service) {
    for (size_t i = 0; i < service->file_count; i++) {
        const struct file *file = &service->files[i];
        char *target = docker_clean_path(fields->scratch, file->target);
        char *path = docker_path(fields, docker_file_prefix(file), target);
        char *value = docker_file_value(fields->scratch, file);
        if (file->secret)
            field_add_secret(&fields->builder, path, value);
        else
            field_add(&fields->builder, path, value);
    }
    const char **directories;
    size_t count = docker_files_directories(fields->scratch, service, &directories);
    for (size_t i = 0; i < count; i++)
        docker_fields_add(fields, "filesVolume", directories[i], "writable");
}

static void add_mounts(struct docker_fields *fields, const struct service *service) {
    for (size_t i = 0; i < service->mount_count; i++) {
        const struct mount *mount = &service->mounts[i];
        bool volume = mount->kind == MOUNT_VOLUME;
        docker_fields_add(fields, "mounts", docker_clean_path(fields->scratch, mount->target),
                          docker_text_mount(fields->scratch, volume ? "volume" : "bind",
                                            volume ? mount->volume : mount->source,
                                            mount->read_only));
    }
    add_pairs(fields, "tmpfs", &service->tmpfs);
}

static bool same_target(const struct port *left, const struct port *right) {
    return left->target == right->target && left->udp == right->udp;
}

/* Every host port of the container port that `first` is the first to publish; none if it is not. */
static size_t collect_bindings(struct arena *arena, const struct service *service, size_t first,
                               const char **bindings) {
    size_t count = 0;
    for (size_t i = 0; i < service->port_count; i++) {
        const struct port *port = &service->ports[i];
        if (!same_target(port, &service->ports[first]))
            continue;
        if (i < first)
            return 0;
        char *published = arena_format(arena, "%u", port->published);
        bindings[count++] = docker_text_binding(arena, port->host_ip, published);
    }
    docker_sort_texts(bindings, count);
    return count;
}

static void add_ports(struct docker_fields *fields, const struct service *service) {
    struct arena *scratch = fields->scratch;
    const char **bindings = arena_array(scratch, const char *, service->port_count + 1);
    for (size_t i = 0; i < service->port_count; i++) {
        size_t count = collect_bindings(scratch, service, i, bindings);
        if (count)
            docker_fields_add(fields, "ports", docker_port_name(scratch, &service->ports[i]),
                              docker_text_joined(scratch, bindings, count));
    }
}

/* Ports are published through a network that has a way out: on internal ones alone they are not. */
static bool ports_take_effect(const struct environment *environment,
                              const struct service *service) {
    if (!service->port_count)
        return false;
    for (size_t i = 0; i < service->network_count; i++) {
        const struct network *network =
            environment_network(environment, service->networks[i].network);
        if (!network || !network->internal)
            return true;
    }
    return false;
}

static void add_networks(struct docker_fields *fields, const struct service *service) {
    for (size_t i = 0; i < service->network_count; i++) {
        const struct attachment *attachment = &service->networks[i];
        const char *path = docker_path(fields, "networks", attachment->network);
        add(fields, path, "connected");
        docker_fields_add(fields, path, "ipv4Address", attachment->ipv4_address);
        size_t count = attachment->aliases.count;
        const char **aliases = arena_array(fields->scratch, const char *, count + 1);
        for (size_t j = 0; j < count; j++)
            aliases[j] = attachment->aliases.items[j];
        aliases[count] = service->name;
        docker_fields_add(
            fields, path, "aliases",
            docker_text_aliases(fields->scratch, aliases, count + 1, service->hostname));
    }
}

static void add_healthcheck(struct docker_fields *fields, const struct service *service) {
    const struct healthcheck *check = &service->healthcheck;
    struct arena *scratch = fields->scratch;
    if (!docker_check_is_engines(check->kind)) {
        add(fields, "healthcheck.test", "[\"NONE\"]");
        return;
    }
    add_list(fields, "healthcheck.test", &check->test);
    add(fields, "healthcheck.interval", docker_text_duration(scratch, check->interval_ns));
    add(fields, "healthcheck.timeout", docker_text_duration(scratch, check->timeout_ns));
    add(fields, "healthcheck.startPeriod", docker_text_duration(scratch, check->start_period_ns));
    add(fields, "healthcheck.retries", docker_text_number(scratch, check->retries));
}

static void add_resources(struct docker_fields *fields, const struct service *service) {
    struct arena *scratch = fields->scratch;
    add(fields, "resources.limits.cpu", docker_text_cpus(scratch, service->limits.nano_cpus));
    add(fields, "resources.limits.memory", docker_text_bytes(scratch, service->limits.memory));
    add(fields, "resources.limits.pids", docker_text_number(scratch, service->limits.pids));
    add(fields, "resources.requests.cpu",
        docker_text_shares(scratch, docker_cpu_shares(service->requests.nano_cpus)));
    add(fields, "resources.requests.memory", docker_text_bytes(scratch, service->requests.memory));
    add(fields, "shmSize", docker_text_bytes(scratch, service->shm_size));
    for (size_t i = 0; i < service->ulimit_count; i++)
        docker_fields_add(
            fields, "ulimits", service->ulimits[i].name,
            docker_text_ulimit(scratch, service->ulimits[i].soft, service->ulimits[i].hard));
}

static void add_capabilities(struct docker_fields *fields, const char *path,
                             const struct text_list *list) {
    const char **names = arena_array(fields->scratch, const char *, list->count + 1);
    for (size_t i = 0; i < list->count; i++)
        names[i] = docker_text_capability(fields->scratch, list->items[i]);
    docker_sort_texts(names, list->count);
    if (list->count)
        add(fields, path, docker_text_list(fields->scratch, names, list->count));
}

static void add_isolation(struct docker_fields *fields, const struct service *service) {
    add_pairs(fields, "extraHosts", &service->extra_hosts);
    add_list(fields, "dns", &service->dns);
    add_capabilities(fields, "capAdd", &service->cap_add);
    add_capabilities(fields, "capDrop", &service->cap_drop);
    add_flag(fields, "readOnly", service->read_only);
    add_flag(fields, "noNewPrivileges", service->no_new_privileges);
    add_flag(fields, "privileged", service->privileged);
    add_pairs(fields, "sysctls", &service->sysctls);
}

static void add_labels(struct docker_fields *fields, const struct pair_list *labels) {
    for (size_t i = 0; i < labels->count; i++)
        if (!docker_label_is_internal(labels->items[i].key))
            docker_fields_add(fields, "labels", labels->items[i].key,
                              labels->items[i].value ? labels->items[i].value : "");
}

struct field_list docker_service_fields(struct docker_strings *strings, struct arena *arena,
                                        const struct environment *environment,
                                        const struct service *service) {
    cleanup_docker_fields struct docker_fields fields;
    docker_fields_begin(&fields, strings);
    add_process(&fields, service);
    add_files(&fields, service);
    add_mounts(&fields, service);
    add_networks(&fields, service);
    add_ports(&fields, service);
    if (ports_take_effect(environment, service))
        add(&fields, "effective.ports", "bound");
    add_healthcheck(&fields, service);
    add_resources(&fields, service);
    add_isolation(&fields, service);
    add_labels(&fields, &service->labels);
    add(&fields, "logging.driver", service->logging_driver);
    add_pairs(&fields, "logging.options", &service->logging_options);
    return docker_fields_keep(&fields, arena);
}

struct field_list docker_network_fields(struct docker_strings *strings, struct arena *arena,
                                        const struct network *network) {
    cleanup_docker_fields struct docker_fields fields;
    docker_fields_begin(&fields, strings);
    add(&fields, "driver", network->driver ? network->driver : "bridge");
    add(&fields, "subnet", network->subnet);
    add(&fields, "gateway", network->gateway);
    add_flag(&fields, "internal", network->internal);
    add_labels(&fields, &network->labels);
    return docker_fields_keep(&fields, arena);
}

struct field_list docker_volume_fields(struct docker_strings *strings, struct arena *arena,
                                       const struct volume *volume) {
    cleanup_docker_fields struct docker_fields fields;
    docker_fields_begin(&fields, strings);
    add(&fields, "driver", volume->driver ? volume->driver : "local");
    add_pairs(&fields, "driverOptions", &volume->driver_options);
    add_labels(&fields, &volume->labels);
    return docker_fields_keep(&fields, arena);
}
