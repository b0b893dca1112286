/*
 * Observed attachments to networks and published ports: what is set, and whether it is in effect. A
 * container can run without either, when the engine could not get them for it at a restart.
 */
#include "engines/docker/inspect.h"

#include "spec/quantity.h"

#include <stdlib.h>
#include <string.h>

static bool runs(const struct docker_inspection *inspection) {
    enum run_state state = inspection->container->state;
    return state == RUN_RUNNING || state == RUN_PAUSED;
}

/* What fields call a network: our name for it while it is desired, else the engine's in brackets,
 * which no name of ours has. */
static const char *field_name(struct docker_inspection *inspection,
                              const struct docker_network_view *network, const char *engine_name) {
    struct arena *scratch = inspection->fields.scratch;
    if (network && network->name &&
        docker_view_desired(inspection->view,
                            docker_key(scratch, docker_kind_network.name, network->name, 0)))
        return network->name;
    return arena_format(scratch, RESOURCE_ON_ENGINE, engine_name);
}

/* A network that was removed and made anew has another id than the one the container was on. */
static bool is_stale(const struct docker_network_view *network, const json_t *endpoint) {
    const char *id = docker_member(endpoint, "NetworkID");
    return !network || (id && *id && strcmp(id, network->id) != 0);
}

static bool is_wanted(struct docker_inspection *inspection, const char *engine_name) {
    const struct service *service = inspection->desired ? inspection->desired->service : NULL;
    for (size_t i = 0; service && i < service->network_count; i++)
        if (strcmp(docker_name(inspection->fields.scratch, inspection->view->project,
                               service->networks[i].network, 0),
                   engine_name) == 0)
            return true;
    return false;
}

/* The engine adds the beginning of the id (API before 1.45) and the hostname. */
static char *aliases_text(struct docker_inspection *inspection, const json_t *endpoint) {
    struct arena *scratch = inspection->fields.scratch;
    size_t count, kept = 0;
    const char **aliases =
        docker_sorted_texts(scratch, json_object_get(endpoint, "Aliases"), &count);
    for (size_t i = 0; i < count; i++)
        if (strlen(aliases[i]) != 12 || strncmp(aliases[i], inspection->container->id, 12) != 0)
            aliases[kept++] = aliases[i];
    return docker_text_aliases(scratch, aliases, kept,
                               docker_member(inspection->config, "Hostname"));
}

static void add_attachment(struct docker_inspection *inspection, const char *engine_name,
                           const json_t *endpoint) {
    const struct docker_network_view *network =
        docker_view_network(inspection->view, engine_name, docker_member(endpoint, "NetworkID"));
    const char *name = field_name(inspection, network, engine_name);
    const char *id = docker_member(endpoint, "EndpointID");
    if (is_stale(network, endpoint) || (runs(inspection) && (!id || !*id))) {
        /* Not there; but where it is not wanted, it must go, or the container cannot start. */
        if (!runs(inspection) && !is_wanted(inspection, engine_name))
            docker_add_observed(inspection, docker_observed_path(inspection, "networks", name),
                                "of a network that is gone");
        return;
    }
    char *path = docker_observed_path(inspection, "networks", name);
    docker_add_observed(inspection, path, "connected");
    docker_add_observed(inspection, docker_observed_path(inspection, path, "ipv4Address"),
                        docker_member(json_object_get(endpoint, "IPAMConfig"), "IPv4Address"));
    docker_add_observed(inspection, docker_observed_path(inspection, path, "aliases"),
                        aliases_text(inspection, endpoint));
}

static bool has_way_out(const struct docker_inspection *inspection) {
    const char *name;
    json_t *endpoint;
    json_object_foreach(json_object_get(inspection->network_settings, "Networks"), name, endpoint) {
        const struct docker_network_view *network =
            docker_view_network(inspection->view, name, docker_member(endpoint, "NetworkID"));
        if (network && !network->internal)
            return true;
    }
    return false;
}

static bool is_bound(const struct docker_inspection *inspection) {
    const json_t *bound = json_object_get(inspection->network_settings, "Ports");
    const char *port;
    json_t *list;
    json_object_foreach(json_object_get(inspection->host, "PortBindings"), port, list) {
        if (json_array_size(list) && !json_array_size(json_object_get(bound, port)))
            return false;
    }
    return true;
}

/* Whether the ports are published now. Of a container that does not run that cannot be told, and a
 * difference would only be noise. */
static void add_effective_ports(struct docker_inspection *inspection) {
    if (!docker_is_declared(inspection, "effective.ports"))
        return;
    bool missing = inspection->container->state == RUN_RUNNING && has_way_out(inspection) &&
                   !is_bound(inspection);
    docker_add_observed(inspection, "effective.ports", missing ? "unbound" : "bound");
}

void docker_inspect_networks(struct docker_inspection *inspection) {
    const char *name;
    json_t *endpoint;
    json_object_foreach(json_object_get(inspection->network_settings, "Networks"), name, endpoint) {
        if (json_is_object(endpoint))
            add_attachment(inspection, name, endpoint);
    }
    add_effective_ports(inspection);
}

/* --- last-applied fields ------------------------------------------------------------------------
 */

/* The length of a network's own name in "NAME" or "NAME.FIELD". */
static size_t name_length(const char *name) {
    static const char *const endings[] = {".ipv4Address", ".aliases"};
    size_t length = strlen(name);
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t tail = strlen(endings[i]);
        if (length > tail && strcmp(name + length - tail, endings[i]) == 0)
            return length - tail;
    }
    return length;
}

/* The path observe uses for an attachment that was applied, or NULL when it is the same. */
static char *renamed(struct docker_view *view, struct arena *scratch, const char *path) {
    static const char prefix[] = "networks.";
    if (strncmp(path, prefix, sizeof prefix - 1) != 0)
        return NULL;
    const char *name = path + sizeof prefix - 1;
    size_t length = name_length(name);
    char *own = arena_copy_n(scratch, name, length);
    if (docker_view_desired(view, docker_key(scratch, docker_kind_network.name, own, 0)))
        return NULL;
    return arena_format(scratch, "%s" RESOURCE_ON_ENGINE "%s", prefix,
                        docker_name(scratch, view->project, own, 0), name + length);
}

struct field_list docker_rename_applied(struct docker_view *view,
                                        const struct field_list *applied) {
    bool any = false;
    cleanup_docker_fields struct docker_fields fields;
    docker_fields_begin(&fields, view->strings);
    for (size_t i = 0; i < applied->count; i++) {
        const struct field *field = &applied->items[i];
        char *path = renamed(view, fields.scratch, field->path);
        any = any || path;
        if (field->secret)
            field_add_secret(&fields.builder, path ? path : field->path, field->value);
        else
            field_add(&fields.builder, path ? path : field->path, field->value);
    }
    return any ? docker_fields_keep(&fields, view->arena) : *applied;
}

/* --- what status shows --------------------------------------------------------------------------
 */

static const char *on_engine(struct docker_view *view, const char *name) {
    cleanup_free char *text = format_text(RESOURCE_ON_ENGINE, name);
    return docker_view_keep(view, text);
}

static void add_address(struct docker_view *view, struct container_facts *facts, const char *name,
                        const json_t *endpoint) {
    const char *address = docker_member(endpoint, "IPAddress");
    if (!address || !*address)
        return;
    const struct docker_network_view *network =
        docker_view_network(view, name, docker_member(endpoint, "NetworkID"));
    facts->addresses.items[facts->addresses.count++] =
        (struct pair){.key = network && network->name ? network->name : on_engine(view, name),
                      .value = docker_view_keep(view, address)};
}

static int compare_pairs(const void *left, const void *right) {
    return strcmp(((const struct pair *)left)->key, ((const struct pair *)right)->key);
}

/* A port number in text; 0 for what is none. */
static uint16_t port_number(const char *number) {
    char *end;
    unsigned long value = number ? strtoul(number, &end, 10) : 0;
    return number && value <= UINT16_MAX && (!*end || *end == '/') ? (uint16_t)value : 0;
}

static void add_port(struct docker_view *view, struct container_facts *facts, const char *port,
                     const json_t *binding) {
    uint16_t published = port_number(docker_member(binding, "HostPort"));
    if (!published)
        return;
    facts->ports[facts->port_count++] =
        (struct port){.host_ip = docker_view_keep(view, docker_member(binding, "HostIp")),
                      .published = published,
                      .target = port_number(port),
                      .udp = strstr(port, "/udp") != NULL};
}

void docker_facts_networks(struct docker_view *view, const json_t *settings,
                           struct container_facts *facts) {
    const json_t *networks = json_object_get(settings, "Networks");
    const json_t *ports = json_object_get(settings, "Ports");
    const char *name;
    json_t *value, *binding;
    size_t room = 0, i;
    facts->addresses.items = arena_array(view->arena, struct pair, json_object_size(networks));
    json_object_foreach((json_t *)networks, name, value) {
        add_address(view, facts, name, value);
    }
    if (facts->addresses.count > 1)
        qsort(facts->addresses.items, facts->addresses.count, sizeof(struct pair), compare_pairs);
    json_object_foreach((json_t *)ports, name, value) {
        room += json_array_size(value);
    }
    facts->ports = arena_array(view->arena, struct port, room);
    json_object_foreach((json_t *)ports, name, value) {
        json_array_foreach(value, i, binding) {
            add_port(view, facts, name, binding);
        }
    }
}
