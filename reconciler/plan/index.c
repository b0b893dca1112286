/*
 * Joins desired and observed resources by key, so that every later step finds what it needs by
 * hash: objects (networks, volumes, images …), instances (containers), the services they are
 * instances of, and who holds which name on the engine.
 */
#include "plan/planner.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static int compare_pointers(const void *left, const void *right) {
    const struct resource *const *a = left, *const *b = right;
    return resource_compare(*a, *b);
}

/* The set in order, whatever order it came in: a plan must not depend on that. */
static const struct resource **sorted(struct planner *planner, const struct resource_set *set) {
    const struct resource **items =
        arena_array(planner->arena, const struct resource *, set->count);
    bool in_order = true;
    for (size_t i = 0; i < set->count; i++) {
        items[i] = &set->items[i];
        if (i && resource_compare(items[i - 1], items[i]) > 0)
            in_order = false;
    }
    if (!in_order)
        qsort(items, set->count, sizeof(const struct resource *), compare_pointers);
    return items;
}

static bool is_container(const struct resource *resource) {
    return resource->kind->lifecycle == LIFECYCLE_CONTAINER;
}

/* --- objects ------------------------------------------------------------------------------------
 */

struct object *planner_object(const struct planner *planner, const char *key) {
    struct object *object;
    HASH_FIND_STR(planner->objects_by_key, key, object);
    return object;
}

static struct object *object_new(struct planner *planner, const char *key) {
    struct object *object = arena_alloc(planner->arena, sizeof *object);
    object->key = key;
    object->ready = object->gone = NODE_NONE;
    object->change = CHANGE_VOID;
    if (planner->last_object)
        planner->last_object->next = object;
    else
        planner->objects = object;
    planner->last_object = object;
    return object;
}

static struct object *object_for(struct planner *planner, const char *key) {
    struct object *object = planner_object(planner, key);
    if (!object) {
        object = object_new(planner, key);
        HASH_ADD_KEYPTR(hh, planner->objects_by_key, key, strlen(key), object);
    }
    return object;
}

bool is_named(const struct resource *observed, const struct resource *desired) {
    return desired && strcmp(observed->engine_name, desired->engine_name) == 0;
}

bool is_rather(const struct resource *one, const struct resource *other,
               const struct resource *desired) {
    if (is_named(one, desired) != is_named(other, desired))
        return is_named(one, desired);
    int order = one->created && other->created ? strcmp(one->created, other->created) : 0;
    return order ? order < 0 : resource_compare(one, other) < 0;
}

static void observe_object(struct planner *planner, const struct resource *observed) {
    struct object *object = object_for(planner, observed->key);
    if (observed->foreign) {
        object->foreign = observed;
        return;
    }
    const struct resource *surplus = NULL;
    if (!object->observed) {
        object->observed = observed;
    } else if (is_rather(observed, object->observed, object->desired)) {
        surplus = object->observed;
        object->observed = observed;
    } else {
        surplus = observed;
    }
    if (surplus) {
        struct object *second = object_new(planner, surplus->key);
        second->observed = surplus;
        second->remove = true;
    }
}

static void index_object(struct planner *planner, const struct resource *desired) {
    object_for(planner, desired->key)->desired = desired;
}

/* --- networks by what attachments call them -----------------------------------------------------
 */

bool is_network(const struct resource *resource) {
    return resource->kind->lifecycle == LIFECYCLE_OBJECT &&
           strcmp(resource->kind->name, "network") == 0;
}

struct object *planner_network(const struct planner *planner, const char *name) {
    struct network_name *entry;
    HASH_FIND_STR(planner->network_names, name, entry);
    return entry ? entry->network : NULL;
}

static void name_network(struct planner *planner, const char *name, struct object *network) {
    if (!name || planner_network(planner, name))
        return;
    struct network_name *entry = arena_alloc(planner->arena, sizeof *entry);
    *entry = (struct network_name){.name = name, .network = network};
    HASH_ADD_KEYPTR(hh, planner->network_names, entry->name, strlen(entry->name), entry);
}

/* Names in the environment count before names on the engine. */
static void index_networks(struct planner *planner) {
    for (struct object *object = planner->objects; object; object = object->next) {
        const struct resource *one = object->desired ? object->desired : object->observed;
        if (one && is_network(one) && !object->remove)
            name_network(planner, one->name, object);
    }
    for (struct object *object = planner->objects; object; object = object->next) {
        if (object->observed && is_network(object->observed))
            name_network(planner, object->observed->engine_name, object);
        if (object->desired && is_network(object->desired))
            name_network(planner, object->desired->engine_name, object);
    }
}

/* --- containers ---------------------------------------------------------------------------------
 */

struct group *planner_group(const struct planner *planner, const char *key) {
    struct group *group;
    HASH_FIND_STR(planner->groups, key, group);
    return group;
}

static void join_group(struct planner *planner, struct instance *instance) {
    const struct resource *desired = instance->desired;
    size_t length = strlen(desired->kind->name) + 1 + strlen(desired->name);
    struct group *group;
    HASH_FIND(hh, planner->groups, desired->key, length, group);
    if (!group) {
        group = arena_alloc(planner->arena, sizeof *group);
        group->first = instance;
        HASH_ADD_KEYPTR(hh, planner->groups, desired->key, length, group);
    } else {
        group->last->sibling = instance;
    }
    group->last = instance;
}

static struct instance *instance_for(struct planner *planner, const char *key) {
    struct instance *instance;
    HASH_FIND_STR(planner->instances_by_key, key, instance);
    if (instance)
        return instance;
    instance = arena_alloc(planner->arena, sizeof *instance);
    *instance = (struct instance){
        .key = key,
        .change = CHANGE_VOID,
        .starts = NODE_NONE,
        .gated = NODE_NONE,
        .gated_early = NODE_NONE,
        .retire = NODE_NONE,
        .refused = NODE_NONE,
        .gate = DEPENDS_HEALTHY,
        .awaits = {NODE_NONE, NODE_NONE, NODE_NONE},
    };
    HASH_ADD_KEYPTR(hh, planner->instances_by_key, key, strlen(key), instance);
    if (planner->last_instance)
        planner->last_instance->next = instance;
    else
        planner->instances = instance;
    planner->last_instance = instance;
    return instance;
}

static void index_container(struct planner *planner, const struct resource *desired) {
    struct instance *instance = instance_for(planner, desired->key);
    instance->desired = desired;
    join_group(planner, instance);
}

/* "networks.NAME" or "networks.NAME.FIELD": the name of a field holds no dot, that of a network
 * may, but then there is a field. */
const char *attachment_name(struct arena *arena, const char *path) {
    static const char prefix[] = "networks.";
    if (!path_begins(path, prefix))
        return NULL;
    const char *name = path + sizeof prefix - 1, *dot = strrchr(name, '.');
    return dot ? arena_copy_n(arena, name, (size_t)(dot - name)) : name;
}

static bool is_known(const struct holder *holder, const char *name) {
    for (size_t i = 0; i < holder->attachment_count; i++)
        if (strcmp(holder->attachments[i].name, name) == 0)
            return true;
    return false;
}

static size_t count_attachments(const struct field_list *fields) {
    size_t count = 0;
    for (size_t i = 0; i < fields->count; i++)
        count += path_begins(fields->items[i].path, "networks.");
    return count;
}

static void index_attachments(struct planner *planner, struct holder *holder) {
    const struct field_list *fields = &holder->resource->fields;
    size_t most = count_attachments(fields);
    if (!most)
        return;
    holder->attachments = arena_array(planner->arena, struct attachment_state, most);
    for (size_t i = 0; i < fields->count; i++) {
        const char *name = attachment_name(planner->arena, fields->items[i].path);
        if (!name || is_known(holder, name))
            continue;
        holder->attachments[holder->attachment_count++] = (struct attachment_state){
            .name = name, .network = planner_network(planner, name), .detach = NODE_NONE};
    }
}

static void observe_container(struct planner *planner, const struct resource *observed) {
    struct instance *instance = instance_for(planner, observed->key);
    if (observed->foreign) {
        instance->foreign = observed;
        return;
    }
    struct holder *holder = arena_alloc(planner->arena, sizeof *holder);
    *holder = (struct holder){.resource = observed,
                              .instance = instance,
                              .gone = NODE_NONE,
                              .stopped = NODE_NONE,
                              .renamed = NODE_NONE};
    struct holder **last = &instance->holders;
    while (*last)
        last = &(*last)->next;
    *last = holder;
    index_attachments(planner, holder);
}

/* --- all of it ----------------------------------------------------------------------------------
 */

void planner_index(struct planner *planner, const struct resource_set *desired,
                   const struct resource_set *observed) {
    planner->desired = sorted(planner, desired);
    planner->desired_count = desired->count;
    planner->observed = sorted(planner, observed);
    planner->observed_count = observed->count;
    for (size_t i = 0; i < desired->count; i++) {
        if (is_container(planner->desired[i]))
            index_container(planner, planner->desired[i]);
        else
            index_object(planner, planner->desired[i]);
    }
    for (size_t i = 0; i < observed->count; i++)
        if (!is_container(planner->observed[i]))
            observe_object(planner, planner->observed[i]);
    index_networks(planner);
    for (size_t i = 0; i < observed->count; i++)
        if (is_container(planner->observed[i]))
            observe_container(planner, planner->observed[i]);
}

void planner_release(struct planner *planner) {
    graph_release(planner);
    HASH_CLEAR(hh, planner->objects_by_key);
    HASH_CLEAR(hh, planner->network_names);
    HASH_CLEAR(hh, planner->instances_by_key);
    HASH_CLEAR(hh_name, planner->instances_by_name);
    HASH_CLEAR(hh, planner->holders_by_name);
    HASH_CLEAR(hh, planner->groups);
}
