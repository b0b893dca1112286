/*
 * Environment → desired resources. Pure: what cannot be done on this engine is found here, before
 * anything changes.
 */
#include "engines/docker/fields.h"

#include "base/error.h"

#include <string.h>

struct compilation {
    struct arena *arena;
    struct docker_strings *strings;
    const struct environment *environment;
    struct resource_set *set;
    size_t first_image;
};

static struct resource *add_resource(struct compilation *compilation,
                                     const struct resource_kind *kind, const char *name,
                                     int instance) {
    struct resource *resource = &compilation->set->items[compilation->set->count++];
    resource->kind = kind;
    resource->name = name;
    resource->instance = instance;
    resource->key = docker_key(compilation->arena, kind->name, name, instance);
    resource->engine_name =
        docker_name(compilation->arena, compilation->environment->project, name, instance);
    return resource;
}

static void compile_networks(struct compilation *compilation) {
    for (size_t i = 0; i < compilation->environment->network_count; i++) {
        const struct network *network = &compilation->environment->networks[i];
        struct resource *resource =
            add_resource(compilation, &docker_kind_network, network->name, 0);
        resource->network = network;
        resource->fields = docker_network_fields(compilation->strings, compilation->arena, network);
    }
}

static void compile_volumes(struct compilation *compilation) {
    for (size_t i = 0; i < compilation->environment->volume_count; i++) {
        const struct volume *volume = &compilation->environment->volumes[i];
        struct resource *resource = add_resource(compilation, &docker_kind_volume, volume->name, 0);
        resource->volume = volume;
        resource->fields = docker_volume_fields(compilation->strings, compilation->arena, volume);
    }
}

/* How eager a policy is to ask the registry. */
static int eagerness(enum pull_policy policy) {
    return policy == PULL_ALWAYS ? 2 : policy == PULL_IF_NOT_PRESENT ? 1 : 0;
}

static void compile_image(struct compilation *compilation, const struct service *service) {
    for (size_t i = compilation->first_image; i < compilation->set->count; i++) {
        struct resource *other = &compilation->set->items[i];
        if (strcmp(other->name, service->image) != 0)
            continue;
        if (eagerness(service->pull_policy) > eagerness(other->pull_policy))
            other->pull_policy = service->pull_policy;
        return;
    }
    struct resource *resource = add_resource(compilation, &docker_kind_image, service->image, 0);
    resource->engine_name = service->image;
    resource->pull_policy = service->pull_policy;
}

static const struct need *compile_needs(struct compilation *compilation,
                                        const struct service *service, size_t *count) {
    struct arena *arena = compilation->arena;
    struct need *needs =
        arena_array(arena, struct need,
                    1 + service->network_count + service->mount_count + service->depends_on_count);
    size_t n = 0;
    needs[n++] = (struct need){docker_key(arena, "image", service->image, 0), DEPENDS_STARTED};
    for (size_t i = 0; i < service->network_count; i++)
        needs[n++] = (struct need){docker_key(arena, "network", service->networks[i].network, 0),
                                   DEPENDS_STARTED};
    for (size_t i = 0; i < service->mount_count; i++)
        if (service->mounts[i].kind == MOUNT_VOLUME)
            needs[n++] = (struct need){docker_key(arena, "volume", service->mounts[i].volume, 0),
                                       DEPENDS_STARTED};
    for (size_t i = 0; i < service->depends_on_count; i++)
        needs[n++] = (struct need){docker_key(arena, "service", service->depends_on[i].service, 0),
                                   service->depends_on[i].condition};
    *count = n;
    return needs;
}

static void compile_service(struct compilation *compilation, const struct service *service) {
    size_t need_count;
    const struct need *needs = compile_needs(compilation, service, &need_count);
    struct field_list fields = docker_service_fields(compilation->strings, compilation->arena,
                                                     compilation->environment, service);
    for (int64_t i = 1; i <= service->replicas; i++) {
        struct resource *resource =
            add_resource(compilation, &docker_kind_service, service->name, (int)i);
        resource->service = service;
        resource->fields = fields;
        resource->needs = needs;
        resource->need_count = need_count;
    }
}

/* Files under a tmpfs would be hidden by it at the start, after they were uploaded. */
static int check_tmpfs(const struct service *service, const struct file *file,
                       struct error *error) {
    for (size_t i = 0; i < service->tmpfs.count; i++)
        if (docker_path_inside(file->target, service->tmpfs.items[i].key))
            return error_set(error, ERROR_INPUT,
                             "services.%s: file \"%s\" lies in the tmpfs \"%s\", which is empty "
                             "when the container starts: put the file elsewhere",
                             service->name, file->target, service->tmpfs.items[i].key);
    return 0;
}

static int check_files(const struct service *service, struct error *error) {
    for (size_t i = 0; i < service->file_count; i++) {
        const struct file *file = &service->files[i];
        if (service->read_only && strrchr(file->target, '/') == file->target)
            return error_set(
                error, ERROR_INPUT,
                "services.%s: file \"%s\" lies in the root directory, which is read-only "
                "here: put it into a directory of its own, or drop readOnly",
                service->name, file->target);
        if (check_tmpfs(service, file, error) != 0)
            return -1;
    }
    return 0;
}

static int check_service(const struct service *service, struct error *error) {
    if (service->command.declared && !service->command.count && !service->entrypoint.count)
        return error_set(
            error, ERROR_INPUT,
            "services.%s.command: the engine runs the image's command when it is given "
            "an empty one: leave it out, or declare an entrypoint too",
            service->name);
    if (service->replicas > INT32_MAX)
        return error_set(error, ERROR_INPUT, "services.%s.replicas: too many: lower the number",
                         service->name);
    return check_files(service, error);
}

int docker_compile(struct engine *engine, struct arena *arena,
                   const struct environment *environment, struct resource_set *desired,
                   struct error *error) {
    (void)engine;
    *desired = (struct resource_set){0};
    if (!environment)
        return 0;
    size_t room = environment->network_count + environment->volume_count;
    for (size_t i = 0; i < environment->service_count; i++) {
        if (check_service(&environment->services[i], error) != 0)
            return -1;
        room += 1;
        if (environment->services[i].replicas > 0)
            room += (size_t)environment->services[i].replicas;
    }
    desired->items = arena_array(arena, struct resource, room);
    struct compilation compilation = {arena, docker_strings_new(arena), environment, desired, 0};
    compile_networks(&compilation);
    compile_volumes(&compilation);
    compilation.first_image = desired->count;
    for (size_t i = 0; i < environment->service_count; i++)
        compile_image(&compilation, &environment->services[i]);
    for (size_t i = 0; i < environment->service_count; i++)
        compile_service(&compilation, &environment->services[i]);
    docker_strings_free(compilation.strings);
    resource_set_sort(desired);
    return 0;
}
