/* Networks, volumes and images as the engine tells of them. */
#include "engines/docker/inspect.h"

#include <stdlib.h>
#include <string.h>

/* Our name for it, if it is ours. */
static const char *own_name(const struct docker_view *view, const json_t *labels) {
    return docker_owned(labels, view->project, view->environment)
               ? docker_member(labels, LABEL_NAME)
               : NULL;
}

/* A network or volume that is ours, or whose name is wanted; NULL for any other. */
static struct resource *add_object(struct docker_view *view, const struct resource_kind *kind,
                                   const char *engine_name, const char *name,
                                   const json_t *labels) {
    const struct resource *wanted = name ? NULL : docker_view_wanted(view, kind->name, engine_name);
    if (!name && !wanted)
        return NULL;
    struct resource *resource = docker_view_add(view);
    resource->kind = kind;
    resource->name = docker_view_keep(view, name ? name : wanted->name);
    resource->key = docker_key(view->arena, kind->name, resource->name, 0);
    resource->engine_name = docker_view_keep(view, engine_name);
    resource->foreign = !name;
    if (resource->foreign)
        resource->owner = docker_owner(view->arena, labels);
    else
        resource->applied = docker_applied_decode(view->strings, view->arena, labels);
    return resource;
}

static void add_pairs(struct docker_fields *fields, const char *prefix, const json_t *map) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)map, key, value) {
        docker_fields_add(fields, prefix, key, json_string_value(value));
    }
}

static void add_labels(struct docker_fields *fields, const json_t *labels) {
    const char *key;
    json_t *value;
    json_object_foreach((json_t *)labels, key, value) {
        if (!docker_label_is_internal(key))
            docker_fields_add(fields, "labels", key, json_string_value(value));
    }
}

/* What the engine picks counts only when it is, or was, declared. */
static void add_filled(struct docker_fields *fields, const struct resource *resource,
                       const struct resource *desired, const char *path, const char *value) {
    if ((desired && docker_field(&desired->fields, path)) || docker_field(&resource->applied, path))
        docker_fields_add(fields, path, NULL, value);
}

/* The IPv4 part of a network's address management. */
static const json_t *ipv4_config(const json_t *network) {
    const json_t *list = json_object_get(json_object_get(network, "IPAM"), "Config");
    size_t i;
    json_t *config;
    json_array_foreach(list, i, config) {
        const char *subnet = docker_member(config, "Subnet");
        if (subnet && !strchr(subnet, ':'))
            return config;
    }
    return NULL;
}

static void network_fields(struct docker_view *view, struct resource *resource,
                           const json_t *network) {
    const struct resource *desired = docker_view_desired(view, resource->key);
    const json_t *config = ipv4_config(network);
    cleanup_docker_fields struct docker_fields fields;
    docker_fields_begin(&fields, view->strings);
    docker_fields_add(&fields, "driver", NULL, docker_member(network, "Driver"));
    docker_fields_add(&fields, "subnet", NULL, docker_member(config, "Subnet"));
    if (json_is_true(json_object_get(network, "Internal")))
        docker_fields_add(&fields, "internal", NULL, "true");
    add_filled(&fields, resource, desired, "gateway", docker_member(config, "Gateway"));
    add_labels(&fields, json_object_get(network, "Labels"));
    resource->fields = docker_fields_keep(&fields, view->arena);
}

static void enter_network(struct docker_view *view, const json_t *network, const char *name) {
    if (view->network_count == view->network_capacity) {
        view->network_capacity = view->network_capacity ? view->network_capacity * 2 : 8;
        view->networks =
            memory_resize(view->networks, view->network_capacity * sizeof *view->networks);
    }
    view->networks[view->network_count++] = (struct docker_network_view){
        .engine_name = docker_view_keep(view, docker_member(network, "Name")),
        .id = docker_view_keep(view, docker_member(network, "Id")),
        .name = docker_view_keep(view, name),
        .internal = json_is_true(json_object_get(network, "Internal"))};
}

/* The subnet of a network that is not ours, if it keeps others from having it: pools of the swarm,
 * and of other drivers than the default one, are apart. */
static const char *occupied(const json_t *network) {
    const char *scope = docker_member(network, "Scope");
    const char *driver = docker_member(json_object_get(network, "IPAM"), "Driver");
    if ((scope && strcmp(scope, "local") != 0) || (driver && strcmp(driver, "default") != 0))
        return NULL;
    return docker_member(ipv4_config(network), "Subnet");
}

/* A network that nobody here wants, but whose subnet may be in the way. */
static struct resource *add_stranger(struct docker_view *view, const char *engine_name,
                                     const json_t *labels) {
    struct resource *resource = docker_view_add(view);
    cleanup_free char *name = format_text(RESOURCE_ON_ENGINE, engine_name);
    resource->kind = &docker_kind_network;
    resource->name = docker_view_keep(view, name);
    resource->key = docker_key(view->arena, docker_kind_network.name, resource->name, 0);
    resource->engine_name = docker_view_keep(view, engine_name);
    resource->foreign = true;
    resource->owner = docker_owner(view->arena, labels);
    return resource;
}

static void stranger_fields(struct docker_view *view, struct resource *resource,
                            const char *subnet) {
    cleanup_docker_fields struct docker_fields fields;
    docker_fields_begin(&fields, view->strings);
    docker_fields_add(&fields, "subnet", NULL, subnet);
    resource->fields = docker_fields_keep(&fields, view->arena);
}

int docker_inspect_network(struct docker_view *view, const json_t *network) {
    const char *engine_name = docker_member(network, "Name"), *id = docker_member(network, "Id");
    if (!engine_name || !id)
        return -1;
    const json_t *labels = json_object_get(network, "Labels");
    const char *name = own_name(view, labels);
    enter_network(view, network, name);
    const char *subnet = name || !view->wants_subnets ? NULL : occupied(network);
    struct resource *resource = add_object(view, &docker_kind_network, engine_name, name, labels);
    if (!resource && subnet)
        resource = add_stranger(view, engine_name, labels);
    if (!resource)
        return 0;
    resource->id = docker_view_keep(view, id);
    resource->created = docker_view_keep(view, docker_member(network, "Created"));
    if (resource->foreign)
        stranger_fields(view, resource, subnet);
    else
        network_fields(view, resource, network);
    return 0;
}

static void volume_fields(struct docker_view *view, struct resource *resource,
                          const json_t *volume) {
    cleanup_docker_fields struct docker_fields fields;
    docker_fields_begin(&fields, view->strings);
    docker_fields_add(&fields, "driver", NULL, docker_member(volume, "Driver"));
    add_pairs(&fields, "driverOptions", json_object_get(volume, "Options"));
    add_labels(&fields, json_object_get(volume, "Labels"));
    resource->fields = docker_fields_keep(&fields, view->arena);
}

int docker_inspect_volume(struct docker_view *view, const json_t *volume) {
    const char *engine_name = docker_member(volume, "Name");
    if (!engine_name)
        return -1;
    if (docker_view_volume(view, engine_name))
        return 0;
    const json_t *labels = json_object_get(volume, "Labels");
    const char *name = own_name(view, labels), *role = docker_member(labels, LABEL_ROLE);
    struct docker_volume_view *entry = arena_alloc(view->entries, sizeof *entry);
    entry->engine_name = docker_view_keep(view, engine_name);
    entry->files = name && role && strcmp(role, "files") == 0;
    entry->name = entry->files ? NULL : docker_view_keep(view, name);
    entry->files_image = docker_view_keep(view, docker_member(labels, LABEL_FILES_IMAGE));
    entry->files_target = docker_view_keep(view, docker_member(labels, LABEL_FILES_TARGET));
    HASH_ADD_KEYPTR(hh, view->volumes, entry->engine_name, strlen(entry->engine_name), entry);
    if (entry->files)
        return 0;
    struct resource *resource = add_object(view, &docker_kind_volume, engine_name, name, labels);
    if (!resource)
        return 0;
    resource->id = entry->engine_name;
    resource->created = docker_view_keep(view, docker_member(volume, "CreatedAt"));
    if (!resource->foreign)
        volume_fields(view, resource, volume);
    return 0;
}

bool docker_image_has_volume(const json_t *image_config, const char *target) {
    return target && json_object_get(json_object_get(image_config, "Volumes"), target) != NULL;
}

int docker_inspect_image(struct docker_view *view, struct docker_image_view *image,
                         const json_t *document) {
    const char *id = docker_member(document, "Id");
    if (!id)
        return -1;
    json_t *config = json_object_get(document, "Config");
    image->id = docker_view_keep(view, id);
    image->stand_in =
        docker_view_keep(view, docker_member(json_object_get(config, "Labels"), LABEL_STAND_IN));
    json_decref(image->config);
    json_decref(image->repo_digests);
    image->config = json_is_object(config) ? json_incref(config) : json_object();
    image->repo_digests = json_incref(json_object_get(document, "RepoDigests"));
    return 0;
}
