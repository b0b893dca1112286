/* The engine in memory; see model_engine.h. */
#include "model_engine.h"

#include "engines/docker/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

unsigned model_random(struct model *model, unsigned limit) {
    /* xorshift64* */
    model->random ^= model->random >> 12;
    model->random ^= model->random << 25;
    model->random ^= model->random >> 27;
    return (unsigned)((model->random * 0x2545F4914F6CDD1DULL) >> 33) % limit;
}

bool model_chance(struct model *model, unsigned percent) {
    return model_random(model, 100) < percent;
}

struct model *model_new(struct arena *arena, unsigned long long seed) {
    struct model *model = arena_alloc(arena, sizeof *model);
    model->arena = arena;
    model->project = "p";
    model->random = seed * 0x9E3779B97F4A7C15ULL + 1;
    return model;
}

static bool fails(struct model *model, const char *why) {
    model->why = why;
    return false;
}

static bool starts_with(const char *text, const char *prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

/* --- finding ------------------------------------------------------------------------------------
 */

struct model_container *model_find(struct model *model, const char *target) {
    for (size_t i = 0; i < model->container_count; i++) {
        struct model_container *one = &model->containers[i];
        if (!one->gone && (strcmp(one->id, target) == 0 || strcmp(one->name, target) == 0))
            return one;
    }
    return NULL;
}

struct model_network *model_find_network(struct model *model, const char *name) {
    for (size_t i = 0; i < model->network_count; i++)
        if (!model->networks[i].gone && strcmp(model->networks[i].name, name) == 0)
            return &model->networks[i];
    return NULL;
}

static struct model_network *network_by_id(struct model *model, int id) {
    for (size_t i = 0; i < model->network_count; i++)
        if (!model->networks[i].gone && model->networks[i].id == id)
            return &model->networks[i];
    return NULL;
}

static struct model_volume *find_volume(struct model *model, const char *name) {
    for (size_t i = 0; i < model->volume_count; i++)
        if (!model->volumes[i].gone && strcmp(model->volumes[i].name, name) == 0)
            return &model->volumes[i];
    return NULL;
}

static struct model_image *find_image(struct model *model, const char *name) {
    for (size_t i = 0; i < model->image_count; i++)
        if (strcmp(model->images[i].name, name) == 0)
            return &model->images[i];
    model->images[model->image_count] = (struct model_image){.name = name, .registry_version = 1};
    return &model->images[model->image_count++];
}

bool model_is_running(const struct model_container *container) {
    return container->state == RUN_RUNNING || container->state == RUN_PAUSED ||
           container->state == RUN_RESTARTING;
}

bool model_is_attached(const struct model_container *container, int network) {
    for (size_t i = 0; i < container->attachment_count; i++)
        if (container->attachments[i].network == network)
            return true;
    return false;
}

void model_detach(struct model_container *container, size_t index) {
    container->attachment_count--;
    memmove(&container->attachments[index], &container->attachments[index + 1],
            (container->attachment_count - index) * sizeof *container->attachments);
}

/* --- networks, volumes, images ------------------------------------------------------------------
 */

static unsigned long address_of(const char *text, int *length) {
    unsigned a = 0, b = 0, c = 0, d = 0;
    *length = 32;
    sscanf(text, "%u.%u.%u.%u/%d", &a, &b, &c, &d, length);
    return ((unsigned long)a << 24) | (b << 16) | (c << 8) | d;
}

static bool overlap(const char *left, const char *right) {
    int one, other;
    unsigned long a = address_of(left, &one), b = address_of(right, &other);
    int shift = 32 - (one < other ? one : other);
    return a >> shift == b >> shift;
}

static bool create_network(struct model *model, const struct action *action) {
    const char *subnet = field_value(&action->desired->fields, "subnet");
    if (model_find_network(model, action->target))
        return fails(model, "the network exists");
    for (size_t i = 0; subnet && i < model->network_count; i++)
        if (!model->networks[i].gone && model->networks[i].subnet &&
            overlap(subnet, model->networks[i].subnet))
            return fails(model, "the subnet overlaps");
    model->networks[model->network_count++] =
        (struct model_network){.id = ++model->serial,
                               .name = action->target,
                               .key = action->desired->key,
                               .own_name = action->desired->name,
                               .subnet = subnet,
                               .fields = action->desired->fields,
                               .applied = action->desired->fields};
    return true;
}

static bool remove_network(struct model *model, const struct action *action) {
    struct model_network *network = model_find_network(model, action->target);
    if (!network)
        network = network_by_id(model, atoi(action->target + 1));
    if (!network)
        return true;
    for (size_t i = 0; i < model->container_count; i++) {
        const struct model_container *one = &model->containers[i];
        if (!one->gone && model_is_running(one) && model_is_attached(one, network->id))
            return fails(model, "the network has active endpoints");
    }
    network->gone = true;
    return true;
}

static bool create_volume(struct model *model, const struct action *action) {
    struct model_volume *volume = find_volume(model, action->target);
    if (volume)
        return volume->key ? true : fails(model, "the volume is another's");
    model->volumes[model->volume_count++] =
        (struct model_volume){.name = action->target,
                              .key = action->desired->key,
                              .own_name = action->desired->name,
                              .fields = action->desired->fields,
                              .applied = action->desired->fields,
                              .data = ++model->serial};
    return true;
}

static bool uses_volume(const struct model_container *container,
                        const struct model_volume *volume) {
    for (size_t i = 0; i < container->config.count; i++) {
        const struct field *field = &container->config.items[i];
        size_t length = strlen(volume->own_name);
        if (starts_with(field->path, "mounts.") && starts_with(field->value, "volume ") &&
            strncmp(field->value + 7, volume->own_name, length) == 0 &&
            field->value[7 + length] == ' ')
            return true;
    }
    return false;
}

static bool remove_volume(struct model *model, const struct action *action) {
    struct model_volume *volume = find_volume(model, action->target);
    for (size_t i = 0; volume && i < model->container_count; i++)
        if (!model->containers[i].gone && model->containers[i].key &&
            uses_volume(&model->containers[i], volume))
            return fails(model, "the volume is in use");
    if (volume)
        volume->gone = true;
    return true;
}

static bool pull(struct model *model, const struct action *action) {
    struct model_image *image = find_image(model, action->target);
    image->version = image->registry_version;
    return true;
}

/* --- containers: what they are made of ----------------------------------------------------------
 */

static bool is_file(const char *path) {
    return starts_with(path, "files.") || starts_with(path, "reloadable.");
}

static struct field_list select_fields(struct model *model, const struct field_list *fields,
                                       bool files) {
    struct field_builder builder = {.arena = model->arena};
    for (size_t i = 0; i < fields->count; i++) {
        const char *path = fields->items[i].path;
        bool elsewhere = starts_with(path, "networks.") || starts_with(path, "effective.") ||
                         strcmp(path, "image") == 0;
        if (!elsewhere && is_file(path) == files)
            field_add(&builder, path, fields->items[i].value);
    }
    return field_list_finish(&builder);
}

/* The network of that name on the engine, as the service is attached to it. */
static bool attach(struct model *model, struct model_container *container,
                   const struct resource *desired, const char *name) {
    const struct model_network *network = model_find_network(model, name);
    if (!network)
        return fails(model, "no such network");
    struct model_attachment attachment = {.network = network->id, .name = network->name};
    const char *own = network->own_name;
    attachment.address =
        field_value(&desired->fields, arena_format(model->arena, "networks.%s.ipv4Address", own));
    attachment.aliases =
        field_value(&desired->fields, arena_format(model->arena, "networks.%s.aliases", own));
    for (size_t i = container->attachment_count; i-- > 0;)
        if (strcmp(container->attachments[i].name, name) == 0)
            model_detach(container, i);
    container->attachments[container->attachment_count++] = attachment;
    return true;
}

static bool has_volumes(struct model *model, const struct resource *desired) {
    for (size_t i = 0; i < desired->need_count; i++) {
        const char *key = desired->needs[i].key;
        if (starts_with(key, "volume/") &&
            !find_volume(model, arena_format(model->arena, "%s-%s", model->project, key + 7)))
            return fails(model, "no such volume");
    }
    return true;
}

/* The volume data goes over from the container that is replaced, removed or not. */
static int carried(const struct model *model, const struct action *action) {
    for (size_t i = 0; action->observed && i < model->container_count; i++)
        if (strcmp(model->containers[i].id, action->observed->id) == 0)
            return model->containers[i].anonymous;
    return 0;
}

static struct model_container *add_container(struct model *model) {
    struct model_container *container = &model->containers[model->container_count++];
    int serial = ++model->serial;
    *container = (struct model_container){
        .id = arena_format(model->arena, "c%04d", serial),
        .created = arena_format(model->arena, "2026-01-01T00:00:00.%06dZ", serial),
        .state = RUN_CREATED,
        .anonymous = serial,
    };
    return container;
}

static bool create_container(struct model *model, const struct action *action) {
    const struct resource *desired = action->desired;
    const struct service *service = desired->service;
    const char *image = field_value(&desired->fields, "image");
    if (model_find(model, action->target))
        return fails(model, "the name is taken");
    if (!find_image(model, image)->version)
        return fails(model, "no such image");
    if (!has_volumes(model, desired))
        return false;
    int anonymous = carried(model, action);
    struct model_container *container = add_container(model);
    container->name = action->target;
    container->key = desired->key;
    container->own_name = desired->name;
    container->instance = desired->instance;
    container->config = select_fields(model, &desired->fields, false);
    container->applied = desired->fields;
    container->publishes = field_value(&desired->fields, "effective.ports") != NULL;
    container->image = image;
    container->image_version = find_image(model, image)->version;
    container->service = service;
    if (anonymous) {
        container->anonymous = anonymous;
        container->carried = true;
    }
    size_t networks = model->all_networks ? service->network_count : 1;
    for (size_t i = 0; i < networks; i++)
        if (!attach(model, container, desired,
                    arena_format(model->arena, "%s-%s", model->project,
                                 service->networks[i].network))) {
            container->gone = true;
            return false;
        }
    return true;
}

struct model_container *model_copy(struct model *model, const struct model_container *container,
                                   const char *name) {
    struct model_container *copy = add_container(model);
    struct model_container made = *copy;
    *copy = *container;
    copy->id = made.id;
    copy->created = made.created;
    copy->anonymous = made.anonymous;
    copy->carried = false;
    copy->name = name;
    copy->state = RUN_EXITED;
    return copy;
}

/* --- containers: what they hold while they run --------------------------------------------------
 */

/* Whether two lists "ip:port,ip:port" have a port in common. */
static bool share_port(const char *left, const char *right) {
    for (const char *a = left; *a; a += strcspn(a, ","), a += *a == ',') {
        int one = (int)strcspn(a, ","), one_ip = (int)strcspn(a, ":");
        for (const char *b = right; *b; b += strcspn(b, ","), b += *b == ',') {
            int other = (int)strcspn(b, ","), other_ip = (int)strcspn(b, ":");
            bool same_port = one - one_ip == other - other_ip &&
                             strncmp(a + one_ip, b + other_ip, (size_t)(one - one_ip)) == 0;
            bool any = starts_with(a, "0.0.0.0:") || starts_with(b, "0.0.0.0:");
            bool same_ip = one_ip == other_ip && strncmp(a, b, (size_t)one_ip) == 0;
            if (same_port && (any || same_ip))
                return true;
        }
    }
    return false;
}

static bool share_ports(const struct model_container *left, const struct model_container *right) {
    for (size_t i = 0; i < left->config.count; i++)
        for (size_t j = 0; j < right->config.count; j++)
            if (starts_with(left->config.items[i].path, "ports.") &&
                starts_with(right->config.items[j].path, "ports.") &&
                share_port(left->config.items[i].value, right->config.items[j].value))
                return true;
    return false;
}

static bool share_address(const struct model_container *left, const struct model_container *right) {
    for (size_t i = 0; i < left->attachment_count; i++)
        for (size_t j = 0; j < right->attachment_count; j++) {
            const struct model_attachment *a = &left->attachments[i], *b = &right->attachments[j];
            if (a->network == b->network && a->address && b->address &&
                strcmp(a->address, b->address) == 0)
                return true;
        }
    return false;
}

bool model_is_blocked(struct model *model, const struct model_container *container) {
    for (size_t i = 0; i < model->container_count; i++) {
        const struct model_container *other = &model->containers[i];
        if (other == container || other->gone || !model_is_running(other))
            continue;
        if (!other->lost && share_ports(container, other))
            return !fails(model, "a port is taken");
        if (share_address(container, other))
            return !fails(model, "an address is taken");
    }
    return false;
}

static bool start(struct model *model, struct model_container *container) {
    if (container->state == RUN_PAUSED || container->state == RUN_DEAD)
        return fails(model, "cannot start it in this state");
    if (model_is_running(container))
        return true;
    for (size_t i = 0; i < container->attachment_count; i++)
        if (!network_by_id(model, container->attachments[i].network))
            return fails(model, "its network is gone");
    if (model_is_blocked(model, container))
        return false;
    bool checked = container->service && container->service->healthcheck.kind == CHECK_TEST;
    bool probed = container->service && container->service->healthcheck.kind == CHECK_HTTP;
    container->lost = container->probed = false;
    container->state = RUN_RUNNING;
    container->exit_code = 0;
    container->health = checked ? HEALTH_STARTING : probed ? HEALTH_UNKNOWN : HEALTH_NONE;
    if (container->service && container->service->completes && model_chance(model, 50))
        container->state = RUN_EXITED;
    return true;
}

static bool stop(struct model_container *container) {
    if (!model_is_running(container))
        return true;
    container->state = RUN_EXITED;
    container->exit_code = 137;
    return true;
}

/* --- containers: actions ------------------------------------------------------------------------
 */

static bool connect(struct model *model, struct model_container *container,
                    const struct action *action) {
    const struct model_network *network = model_find_network(model, action->argument);
    if (!network)
        return fails(model, "no such network");
    if (model_is_attached(container, network->id))
        return true;
    struct model_container before = *container;
    attach(model, container, action->desired, action->argument);
    if (model_is_running(container) && model_is_blocked(model, container)) {
        *container = before;
        return false;
    }
    return true;
}

static bool disconnect(struct model_container *container, const struct action *action) {
    for (size_t i = container->attachment_count; i-- > 0;)
        if (strcmp(container->attachments[i].name, action->argument) == 0)
            model_detach(container, i);
    return true;
}

static bool rename_container(struct model *model, struct model_container *container,
                             const struct action *action) {
    struct model_container *other = model_find(model, action->argument);
    if (other && other != container)
        return fails(model, "the name is taken");
    container->name = action->argument;
    return true;
}

static bool is_updatable(const char *path) {
    return starts_with(path, "resources.") || strcmp(path, "restart") == 0;
}

/* Sets what is declared; of what is not, only the number of processes is lifted. */
static bool update(struct model *model, struct model_container *container,
                   const struct action *action) {
    struct field_builder builder = {.arena = model->arena};
    for (size_t i = 0; i < container->config.count; i++) {
        const struct field *field = &container->config.items[i];
        if (strcmp(field->path, "resources.limits.pids") != 0)
            field_add(&builder, field->path, field->value);
    }
    for (size_t i = 0; i < action->desired->fields.count; i++) {
        const struct field *field = &action->desired->fields.items[i];
        if (is_updatable(field->path))
            field_add(&builder, field->path, field->value);
    }
    container->config = field_list_finish(&builder);
    return true;
}

/* All files, or the one with that target. */
static bool upload(struct model *model, struct model_container *container,
                   const struct action *action) {
    struct field_builder builder = {.arena = model->arena};
    for (size_t i = 0; i < container->files.count; i++)
        field_add(&builder, container->files.items[i].path, container->files.items[i].value);
    for (size_t i = 0; i < action->desired->fields.count; i++) {
        const struct field *field = &action->desired->fields.items[i];
        if (is_file(field->path) &&
            (!action->argument || strcmp(strchr(field->path, '.') + 1, action->argument) == 0))
            field_add(&builder, field->path, field->value);
    }
    container->files = field_list_finish(&builder);
    return true;
}

static bool await(struct model *model, struct model_container *container,
                  const struct action *action) {
    bool job = action->desired->service && action->desired->service->completes;
    bool completed = container->state == RUN_EXITED && container->exit_code == 0 && job;
    if (container->state == RUN_RESTARTING)
        container->state = RUN_RUNNING;
    if (action->condition == DEPENDS_COMPLETED && container->state == RUN_RUNNING && job) {
        container->state = RUN_EXITED;
        container->exit_code = 0;
        return true;
    }
    if (container->health == HEALTH_STARTING || container->health == HEALTH_UNHEALTHY)
        container->health = HEALTH_HEALTHY;
    container->probed = true;
    if (completed || (action->condition != DEPENDS_COMPLETED && container->state == RUN_RUNNING))
        return true;
    return fails(model, "it does not run");
}

/* The engine takes one that is mounted by its name for a named volume, and leaves what is in use.
 */
static void remove_anonymous(struct model *model, struct model_container *container,
                             const char *which) {
    int volume = container->anonymous;
    if (!which || (container->carried && strcmp(which, REMOVE_VOLUMES) != 0))
        return;
    for (size_t i = 0; i < model->container_count; i++)
        if (!model->containers[i].gone && model->containers[i].anonymous == volume)
            return;
    for (size_t i = 0; i < model->container_count; i++)
        if (model->containers[i].anonymous == volume)
            model->containers[i].anonymous = 0;
}

static bool remove_container(struct model *model, struct model_container *container,
                             const char *which) {
    if (model_is_running(container))
        return fails(model, "it runs");
    container->gone = true;
    remove_anonymous(model, container, which);
    return true;
}

static bool unpause(struct model *model, struct model_container *container) {
    if (!model_is_running(container))
        return fails(model, "it does not run");
    if (container->state == RUN_PAUSED)
        container->state = RUN_RUNNING;
    return true;
}

static bool act_on_container(struct model *model, const struct action *action) {
    struct model_container *container = model_find(model, action->target);
    if (action->verb == VERB_CREATE)
        return create_container(model, action);
    /* Whether it is a job is told by the environment, not by how the container was made. */
    if (container && action->desired && action->desired->service)
        container->service = action->desired->service;
    if (!container)
        return action->verb == VERB_REMOVE || action->verb == VERB_STOP ||
               fails(model, "no such container");
    switch (action->verb) {
    case VERB_REMOVE:
        return remove_container(model, container, action->argument);
    case VERB_UPDATE:
        return update(model, container, action);
    case VERB_CONNECT:
        return connect(model, container, action);
    case VERB_DISCONNECT:
        return disconnect(container, action);
    case VERB_UPLOAD:
        return upload(model, container, action);
    case VERB_SIGNAL:
        return container->state == RUN_RUNNING || fails(model, "it does not run");
    case VERB_RENAME:
        return rename_container(model, container, action);
    case VERB_START:
        return start(model, container);
    case VERB_STOP:
        return stop(container);
    case VERB_UNPAUSE:
        return unpause(model, container);
    case VERB_AWAIT:
        return await(model, container, action);
    default:
        return fails(model, "no such verb");
    }
}

bool model_act(struct model *model, const struct action *action) {
    const struct resource *subject = action->desired ? action->desired : action->observed;
    model->why = NULL;
    if (action->verb == VERB_REFUSE)
        return fails(model, "refused");
    if (subject->kind == &docker_kind_network)
        return action->verb == VERB_CREATE ? create_network(model, action)
                                           : remove_network(model, action);
    if (subject->kind == &docker_kind_volume)
        return action->verb == VERB_CREATE ? create_volume(model, action)
                                           : remove_volume(model, action);
    if (subject->kind == &docker_kind_image)
        return pull(model, action);
    return act_on_container(model, action);
}

/* --- observing ----------------------------------------------------------------------------------
 */

struct view {
    struct model *model;
    const struct resource_set *desired;
    struct resource_set set;
};

static struct resource *report(struct view *view, const struct resource_kind *kind, const char *key,
                               const char *name, const char *engine_name) {
    struct resource *resource = &view->set.items[view->set.count++];
    *resource =
        (struct resource){.kind = kind, .key = key, .name = name, .engine_name = engine_name};
    return resource;
}

/* The desired resource whose name that is, or NULL. */
static const struct resource *wanted(const struct view *view, const struct resource_kind *kind,
                                     const char *engine_name) {
    for (size_t i = 0; i < view->desired->count; i++)
        if (view->desired->items[i].kind == kind &&
            strcmp(view->desired->items[i].engine_name, engine_name) == 0)
            return &view->desired->items[i];
    return NULL;
}

static struct resource *report_foreign(struct view *view, const struct resource_kind *kind,
                                       const char *engine_name) {
    const struct resource *desired = wanted(view, kind, engine_name);
    if (!desired)
        return NULL;
    struct resource *resource = report(view, kind, desired->key, desired->name, engine_name);
    resource->instance = desired->instance;
    resource->foreign = true;
    resource->owner = "somebody";
    return resource;
}

static void report_networks(struct view *view) {
    struct model *model = view->model;
    for (size_t i = 0; i < model->network_count; i++) {
        const struct model_network *network = &model->networks[i];
        if (network->gone ||
            (!network->key && !report_foreign(view, &docker_kind_network, network->name)))
            continue;
        if (!network->key)
            continue;
        struct resource *resource =
            report(view, &docker_kind_network, network->key, network->own_name, network->name);
        resource->id = arena_format(model->arena, "n%d", network->id);
        resource->fields = network->fields;
        resource->applied = network->applied;
    }
}

static void report_volumes(struct view *view) {
    for (size_t i = 0; i < view->model->volume_count; i++) {
        const struct model_volume *volume = &view->model->volumes[i];
        if (volume->gone)
            continue;
        if (!volume->key) {
            report_foreign(view, &docker_kind_volume, volume->name);
            continue;
        }
        struct resource *resource =
            report(view, &docker_kind_volume, volume->key, volume->own_name, volume->name);
        resource->id = volume->name;
        resource->fields = volume->fields;
        resource->applied = volume->applied;
    }
}

static void report_images(struct view *view) {
    for (size_t i = 0; i < view->desired->count; i++) {
        const struct resource *desired = &view->desired->items[i];
        if (desired->kind != &docker_kind_image)
            continue;
        const struct model_image *image = find_image(view->model, desired->name);
        if (!image->version)
            continue;
        struct resource *resource =
            report(view, &docker_kind_image, desired->key, desired->name, desired->engine_name);
        resource->outdated =
            desired->pull_policy == PULL_ALWAYS && image->version != image->registry_version;
        resource->id = arena_format(view->model->arena, "i%d", image->version);
    }
}

static bool wants_network(const struct resource *desired, const char *name) {
    for (size_t i = 0; desired && i < desired->service->network_count; i++)
        if (strcmp(desired->service->networks[i].network, name) == 0)
            return true;
    return false;
}

static void report_attachment(struct view *view, struct field_builder *fields,
                              const struct model_container *container,
                              const struct model_attachment *attachment,
                              const struct resource *desired) {
    struct arena *arena = view->model->arena;
    const struct model_network *network = network_by_id(view->model, attachment->network);
    const char *name = attachment->name;
    if (network && network->key && resource_find(view->desired, network->key))
        name = network->own_name;
    const char *path = arena_format(arena, "networks.%s", name);
    if (!network) {
        const char *own = starts_with(attachment->name, "p-") ? attachment->name + 2 : "";
        if (!model_is_running(container) && !wants_network(desired, own))
            field_add(fields, path, "of a network that is gone");
        return;
    }
    /* The name of a network of ours holds no dot, that of a field neither. */
    field_add(fields, strchr(name, '.') ? arena_format(arena, "%s.attachment", path) : path,
              "connected");
    field_add(fields, arena_format(arena, "%s.ipv4Address", path), attachment->address);
    field_add(fields, arena_format(arena, "%s.aliases", path), attachment->aliases);
}

static enum slot slot_of(const struct model *model, const struct model_container *container) {
    const char *expected =
        container->instance > 1
            ? arena_format(model->arena, "%s-%s-%d", model->project, container->own_name,
                           container->instance)
            : arena_format(model->arena, "%s-%s", model->project, container->own_name);
    size_t length = strlen(expected);
    if (strncmp(container->name, expected, length) != 0)
        return SLOT_CURRENT;
    if (strcmp(container->name + length, ".next") == 0)
        return SLOT_NEXT;
    return strcmp(container->name + length, ".previous") == 0 ? SLOT_PREVIOUS : SLOT_CURRENT;
}

static struct field_list container_fields(struct view *view,
                                          const struct model_container *container,
                                          const struct resource *desired) {
    struct arena *arena = view->model->arena;
    struct field_builder fields = {.arena = arena};
    for (size_t i = 0; i < container->config.count; i++)
        field_add(&fields, container->config.items[i].path, container->config.items[i].value);
    for (size_t i = 0; i < container->files.count; i++)
        field_add(&fields, container->files.items[i].path, container->files.items[i].value);
    for (size_t i = 0; i < container->attachment_count; i++)
        report_attachment(view, &fields, container, &container->attachments[i], desired);
    const struct model_image *image = find_image(view->model, container->image);
    field_add(&fields, "image",
              image->version == container->image_version
                  ? container->image
                  : arena_format(arena, "%s@%d", container->image, container->image_version));
    if (desired && field_value(&desired->fields, "effective.ports"))
        field_add(&fields, "effective.ports",
                  model_is_running(container) && container->lost ? "unbound" : "bound");
    return field_list_finish(&fields);
}

static void report_containers(struct view *view) {
    for (size_t i = 0; i < view->model->container_count; i++) {
        const struct model_container *container = &view->model->containers[i];
        if (container->gone)
            continue;
        if (!container->key) {
            report_foreign(view, &docker_kind_service, container->name);
            continue;
        }
        const struct resource *desired = resource_find(view->desired, container->key);
        struct resource *resource = report(view, &docker_kind_service, container->key,
                                           container->own_name, container->name);
        resource->instance = container->instance;
        resource->id = container->id;
        resource->state = container->state;
        resource->exit_code = container->exit_code;
        resource->health = container->health;
        resource->created = container->created;
        resource->applied = container->applied;
        resource->slot = slot_of(view->model, container);
        resource->fields = container_fields(view, container, desired);
    }
}

struct resource_set model_observe(struct model *model, const struct resource_set *desired) {
    struct view view = {model, desired, {0}};
    model->desired = desired;
    size_t most =
        desired->count + model->network_count + model->volume_count + model->container_count;
    view.set.items = arena_array(model->arena, struct resource, most);
    report_networks(&view);
    report_volumes(&view);
    report_images(&view);
    report_containers(&view);
    resource_set_sort(&view.set);
    return view.set;
}

void model_print(const struct model *model) {
    static const char *const states[] = {"none",       "created", "running", "paused",
                                         "restarting", "exited",  "dead"};
    for (size_t i = 0; i < model->network_count; i++)
        if (!model->networks[i].gone)
            fprintf(stderr, "  network %s n%d %s\n", model->networks[i].name, model->networks[i].id,
                    model->networks[i].subnet);
    for (size_t i = 0; i < model->container_count; i++) {
        const struct model_container *one = &model->containers[i];
        if (one->gone)
            continue;
        fprintf(stderr, "  container %s %s %s %s:%d%s", one->id, one->name,
                one->key ? one->key : "(foreign)", states[one->state], one->exit_code,
                one->lost ? " lost" : "");
        for (size_t j = 0; j < one->attachment_count; j++)
            fprintf(stderr, " n%d=%s", one->attachments[j].network, one->attachments[j].address);
        fputc('\n', stderr);
    }
}
