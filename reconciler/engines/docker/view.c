/*
 * The view of the engine while it is being put together: what was seen so far, found by name. Only
 * what the resources need is kept, each text once.
 */
#include "engines/docker/inspect.h"

#include <stdlib.h>
#include <string.h>

struct name_entry {
    const char *name; /* the key */
    const struct resource *resource;
    UT_hash_handle hh;
};

static void enter(struct docker_view *view, struct name_entry **table, const char *name,
                  const struct resource *resource) {
    struct name_entry *entry;
    HASH_FIND_STR(*table, name, entry);
    if (entry)
        return;
    entry = arena_alloc(view->entries, sizeof *entry);
    entry->name = name;
    entry->resource = resource;
    HASH_ADD_KEYPTR(hh, *table, entry->name, strlen(entry->name), entry);
}

void docker_view_begin(struct docker_view *view, struct arena *arena, const char *project,
                       const char *environment, const struct resource_set *desired) {
    static const struct resource_set nothing = {0};
    *view = (struct docker_view){.arena = arena,
                                 .entries = arena_new(),
                                 .strings = docker_strings_new(arena),
                                 .project = project,
                                 .environment = environment,
                                 .desired = desired ? desired : &nothing};
    for (size_t i = 0; i < view->desired->count; i++) {
        const struct resource *resource = &view->desired->items[i];
        enter(view, &view->keys, resource->key, resource);
        cleanup_free char *name = format_text("%s %s", resource->kind->name, resource->engine_name);
        enter(view, &view->names, docker_view_keep(view, name), resource);
    }
}

void docker_view_free(struct docker_view *view) {
    for (struct docker_image_view *image = view->images; image; image = image->hh.next) {
        json_decref(image->config);
        json_decref(image->repo_digests);
    }
    HASH_CLEAR(hh, view->names);
    HASH_CLEAR(hh, view->keys);
    HASH_CLEAR(hh, view->volumes);
    HASH_CLEAR(hh, view->images);
    arena_free(view->entries);
    free(view->networks);
    free(view->resources);
    docker_strings_free(view->strings);
    *view = (struct docker_view){0};
}

const char *docker_view_keep(struct docker_view *view, const char *text) {
    return docker_strings_keep(view->strings, text);
}

struct resource *docker_view_add(struct docker_view *view) {
    if (view->resource_count == view->resource_capacity) {
        view->resource_capacity = view->resource_capacity ? view->resource_capacity * 2 : 16;
        view->resources =
            memory_resize(view->resources, view->resource_capacity * sizeof *view->resources);
    }
    struct resource *resource = &view->resources[view->resource_count++];
    *resource = (struct resource){0};
    return resource;
}

const struct resource *docker_view_wanted(const struct docker_view *view, const char *kind,
                                          const char *engine_name) {
    struct name_entry *entry;
    cleanup_free char *name = format_text("%s %s", kind, engine_name);
    HASH_FIND_STR(view->names, name, entry);
    return entry ? entry->resource : NULL;
}

const struct resource *docker_view_desired(const struct docker_view *view, const char *key) {
    struct name_entry *entry;
    HASH_FIND_STR(view->keys, key, entry);
    return entry ? entry->resource : NULL;
}

/* Old engines allow two networks of one name; then the one with the id counts. */
const struct docker_network_view *docker_view_network(const struct docker_view *view,
                                                      const char *engine_name, const char *id) {
    const struct docker_network_view *found = NULL;
    for (size_t i = 0; i < view->network_count; i++) {
        const struct docker_network_view *network = &view->networks[i];
        if (strcmp(network->engine_name, engine_name) != 0)
            continue;
        if (!found || (id && strcmp(network->id, id) == 0))
            found = network;
    }
    return found;
}

struct docker_volume_view *docker_view_volume(const struct docker_view *view, const char *name) {
    struct docker_volume_view *volume;
    HASH_FIND_STR(view->volumes, name, volume);
    return volume;
}

struct docker_image_view *docker_view_image(const struct docker_view *view, const char *asked) {
    struct docker_image_view *image;
    HASH_FIND_STR(view->images, asked, image);
    return image;
}

bool docker_view_ask_image(struct docker_view *view, const char *asked) {
    if (docker_view_image(view, asked))
        return false;
    struct docker_image_view *image = arena_alloc(view->entries, sizeof *image);
    image->asked = docker_view_keep(view, asked);
    HASH_ADD_KEYPTR(hh, view->images, image->asked, strlen(image->asked), image);
    return true;
}

static void add_field(struct docker_fields *fields, const char *path, const char *value,
                      bool secret) {
    if (secret)
        field_add_secret(&fields->builder, path, value);
    else
        field_add(&fields->builder, path, value);
}

/* Files of one container, found after its other fields: the checks from `check` on that are its.
 * They follow each other, since they are entered while it is inspected. Gives the first that is
 * not. */
static const struct docker_file_check *join_checks(struct docker_view *view,
                                                   const struct docker_file_check *check) {
    size_t index = check->resource;
    struct resource *resource = &view->resources[index];
    cleanup_docker_fields struct docker_fields fields;
    docker_fields_begin(&fields, view->strings);
    for (size_t i = 0; i < resource->fields.count; i++) {
        const struct field *field = &resource->fields.items[i];
        add_field(&fields, field->path, field->value, field->secret);
    }
    for (; check && check->resource == index; check = check->next)
        add_field(&fields, check->path, check->value, check->secret);
    resource->fields = docker_fields_keep(&fields, view->arena);
    return check;
}

static void report_unused_files(struct docker_view *view) {
    for (struct docker_volume_view *volume = view->volumes; volume; volume = volume->hh.next) {
        if (!volume->files || volume->used)
            continue;
        struct resource *resource = docker_view_add(view);
        resource->kind = &docker_kind_files;
        resource->key = docker_key(view->arena, docker_kind_files.name, volume->engine_name, 0);
        resource->name = resource->engine_name = resource->id = volume->engine_name;
    }
}

void docker_view_finish(struct docker_view *view, struct resource_set *observed) {
    const struct docker_file_check *check = view->checks;
    while (check)
        check = join_checks(view, check);
    report_unused_files(view);
    *observed = (struct resource_set){
        arena_array(view->arena, struct resource, view->resource_count), view->resource_count};
    if (observed->count)
        memcpy(observed->items, view->resources, observed->count * sizeof *observed->items);
    resource_set_sort(observed);
}
