/*
 * Observed fields of HostConfig. All of it was declared at create or updated later, so that every
 * value that is not the default is reported; only what the engine fills in is not.
 */
#include "engines/docker/inspect.h"

#include <string.h>

static void add(struct docker_inspection *inspection, const char *path, const char *value) {
    docker_add_observed(inspection, path, value);
}

static json_int_t number(const struct docker_inspection *inspection, const char *key) {
    return json_integer_value(json_object_get(inspection->host, key));
}

static void add_flag(struct docker_inspection *inspection, const char *path, const char *key) {
    if (json_is_true(json_object_get(inspection->host, key)))
        add(inspection, path, "true");
}

/* What `docker update` can set besides what can be declared. Nothing here ever sets it, so that
 * anything is a change by hand. */
static void add_undeclarable(struct docker_inspection *inspection) {
    static const struct {
        const char *path, *key;
    } numbers[] = {{"resources.cpuPeriod", "CpuPeriod"},
                   {"resources.cpuRealtimePeriod", "CpuRealtimePeriod"},
                   {"resources.cpuRealtimeRuntime", "CpuRealtimeRuntime"},
                   {"resources.blkioWeight", "BlkioWeight"},
                   {"resources.kernelMemory", "KernelMemory"}},
      texts[] = {{"resources.cpusetCpus", "CpusetCpus"}, {"resources.cpusetMems", "CpusetMems"}};
    struct arena *scratch = inspection->fields.scratch;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        add(inspection, numbers[i].path,
            docker_text_number(scratch, number(inspection, numbers[i].key)));
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *value = docker_member(inspection->host, texts[i].key);
        add(inspection, texts[i].path, value && *value ? value : NULL);
    }
}

/* A quota can be lifted in place, but stays behind as -1, and when the container starts again
 * counts more than a limit declared meanwhile: then it needs another container. */
static void add_cpu_quota(struct docker_inspection *inspection) {
    struct arena *scratch = inspection->fields.scratch;
    json_int_t quota = number(inspection, "CpuQuota");
    if (!docker_is_declared(inspection, "resources.limits.cpu"))
        add(inspection, "resources.cpuQuota", docker_text_number(scratch, quota));
    else if (quota)
        add(inspection, "resources.limits.cpuQuota",
            arena_format(scratch, "%lld", (long long)quota));
}

/* The engine makes it twice the memory, as the update of a limit here does, or unlimited (-1) where
 * the kernel does not count swap. */
static void add_swap(struct docker_inspection *inspection) {
    json_int_t memory = number(inspection, "Memory"), swap = number(inspection, "MemorySwap");
    bool usual = swap <= 0 || (swap % 2 == 0 && swap / 2 == memory);
    if (!usual)
        add(inspection, "resources.memorySwap",
            docker_text_bytes(inspection->fields.scratch, swap));
}

static void add_resources(struct docker_inspection *inspection) {
    struct arena *scratch = inspection->fields.scratch;
    add(inspection, "resources.limits.cpu",
        docker_text_cpus(scratch, number(inspection, "NanoCpus")));
    add(inspection, "resources.limits.memory",
        docker_text_bytes(scratch, number(inspection, "Memory")));
    add(inspection, "resources.limits.pids",
        docker_text_number(scratch, number(inspection, "PidsLimit")));
    add(inspection, "resources.requests.cpu",
        docker_text_shares(scratch, number(inspection, "CpuShares")));
    add(inspection, "resources.requests.memory",
        docker_text_bytes(scratch, number(inspection, "MemoryReservation")));
    add_undeclarable(inspection);
    add_cpu_quota(inspection);
    add_swap(inspection);
    docker_add_filled(inspection, "shmSize",
                      docker_text_bytes(scratch, number(inspection, "ShmSize")));
    size_t i;
    json_t *ulimit;
    json_array_foreach(json_object_get(inspection->host, "Ulimits"), i, ulimit) {
        const char *name = docker_member(ulimit, "Name");
        if (name)
            docker_add_filled(
                inspection, docker_observed_path(inspection, "ulimits", name),
                docker_text_ulimit(scratch, json_integer_value(json_object_get(ulimit, "Soft")),
                                   json_integer_value(json_object_get(ulimit, "Hard"))));
    }
}

static void add_capabilities(struct docker_inspection *inspection, const char *path,
                             const char *key) {
    struct arena *scratch = inspection->fields.scratch;
    size_t count;
    const char **names =
        docker_sorted_texts(scratch, json_object_get(inspection->host, key), &count);
    for (size_t i = 0; i < count; i++)
        names[i] = docker_text_capability(scratch, names[i]);
    docker_sort_texts(names, count);
    if (count)
        add(inspection, path, docker_text_list(scratch, names, count));
}

static void add_pairs(struct docker_inspection *inspection, const char *prefix, const char *key) {
    const char *name;
    json_t *value;
    json_object_foreach(json_object_get(inspection->host, key), name, value) {
        add(inspection, docker_observed_path(inspection, prefix, name), json_string_value(value));
    }
}

/* "host:address", the address may hold colons. */
static void add_hosts(struct docker_inspection *inspection) {
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(inspection->host, "ExtraHosts"), i, entry) {
        const char *pair = json_string_value(entry);
        size_t length = pair ? strcspn(pair, ":=") : 0;
        if (!length || !pair[length])
            continue;
        char *host = arena_copy_n(inspection->fields.scratch, pair, length);
        add(inspection, docker_observed_path(inspection, "extraHosts", host), pair + length + 1);
    }
}

static void add_security(struct docker_inspection *inspection) {
    static const char option[] = "no-new-privileges";
    size_t i;
    json_t *entry;
    json_array_foreach(json_object_get(inspection->host, "SecurityOpt"), i, entry) {
        const char *value = json_string_value(entry);
        if (!value || strncmp(value, option, sizeof option - 1) != 0)
            continue;
        const char *rest = value + sizeof option - 1;
        if (!*rest || strcmp(rest, ":true") == 0 || strcmp(rest, "=true") == 0)
            add(inspection, "noNewPrivileges", "true");
    }
}

static void add_isolation(struct docker_inspection *inspection) {
    const json_t *dns = json_object_get(inspection->host, "Dns");
    if (json_array_size(dns))
        add(inspection, "dns", docker_text_json_list(inspection->fields.scratch, dns));
    add_hosts(inspection);
    add_capabilities(inspection, "capAdd", "CapAdd");
    add_capabilities(inspection, "capDrop", "CapDrop");
    add_flag(inspection, "readOnly", "ReadonlyRootfs");
    add_flag(inspection, "privileged", "Privileged");
    add_security(inspection);
    add_pairs(inspection, "sysctls", "Sysctls");
    add_pairs(inspection, "tmpfs", "Tmpfs");
    const json_t *init = json_object_get(inspection->host, "Init");
    if (json_is_boolean(init))
        add(inspection, "init", json_is_true(init) ? "true" : "false");
}

static void add_logging(struct docker_inspection *inspection) {
    const json_t *logging = json_object_get(inspection->host, "LogConfig");
    docker_add_filled(inspection, "logging.driver", docker_member(logging, "Type"));
    const char *key;
    json_t *value;
    json_object_foreach(json_object_get(logging, "Config"), key, value) {
        docker_add_filled(inspection, docker_observed_path(inspection, "logging.options", key),
                          json_string_value(value));
    }
}

static void add_ports(struct docker_inspection *inspection) {
    struct arena *scratch = inspection->fields.scratch;
    const char *port;
    json_t *list;
    json_object_foreach(json_object_get(inspection->host, "PortBindings"), port, list) {
        const char **bindings = arena_array(scratch, const char *, json_array_size(list) + 1);
        size_t count = 0, i;
        json_t *binding;
        json_array_foreach(list, i, binding) {
            bindings[count++] = docker_text_binding(scratch, docker_member(binding, "HostIp"),
                                                    docker_member(binding, "HostPort"));
        }
        docker_sort_texts(bindings, count);
        if (count)
            add(inspection, docker_observed_path(inspection, "ports", port),
                docker_text_joined(scratch, bindings, count));
    }
}

void docker_inspect_host(struct docker_inspection *inspection) {
    const json_t *restart = json_object_get(inspection->host, "RestartPolicy");
    add(inspection, "restart",
        docker_text_restart(inspection->fields.scratch, docker_member(restart, "Name"),
                            json_integer_value(json_object_get(restart, "MaximumRetryCount"))));
    add_resources(inspection);
    add_isolation(inspection);
    add_logging(inspection);
    add_ports(inspection);
}
