/*
 * Networks, volumes, images and volumes of files: what is missing is made, what is no longer
 * desired is removed once nothing uses it. Two are special. A volume holds data, so that it is
 * never made anew and only removed on demand. And a network cannot be changed while containers are
 * on it: they are taken off, stopped ones too (a container remembers the network's id and would not
 * start again), and put back on the new one; they keep running meanwhile.
 */
#include "plan/planner.h"

#include "base/memory.h"

#include <string.h>

const char *target_of(const struct resource *observed) {
    return observed->id ? observed->id : observed->engine_name;
}

static void set_change(struct planner *planner, struct object *object, enum change_kind kind) {
    object->change = change_new(planner, kind, object->desired, object->observed);
}

static void refuse(struct planner *planner, struct object *object, const char *message) {
    if (object->change == CHANGE_VOID)
        set_change(planner, object, CHANGE_REFUSE);
    object->ready = node_new(planner, object->change, VERB_REFUSE, object->desired,
                             change_at(planner, object->change)->observed,
                             object->desired->engine_name, message);
    change_note(planner, object->change, message);
}

static void refuse_foreign(struct planner *planner, struct object *object) {
    const struct resource *foreign = object->foreign;
    object->change = change_new(planner, CHANGE_REFUSE, object->desired, foreign);
    refuse(planner, object,
           arena_format(planner->arena,
                        "the name \"%s\" is taken by a %s that is not of this environment (%s): "
                        "remove that one, or change the project's or the %s's name",
                        object->desired->engine_name, object->desired->kind->name,
                        foreign->owner ? foreign->owner : "owner unknown",
                        object->desired->kind->name));
}

static void take_fields(struct planner *planner, struct object *object) {
    struct change *change = change_at(planner, object->change);
    change->fields = object->fields;
    change->field_count = object->field_count;
    for (size_t i = 0; i < object->field_count; i++)
        if (object->fields[i].cause == CAUSE_DRIFT)
            change->cause = CAUSE_DRIFT;
}

static void refuse_data(struct planner *planner, struct object *object) {
    set_change(planner, object, CHANGE_REFUSE);
    take_fields(planner, object);
    refuse(planner, object,
           arena_format(planner->arena,
                        "\"%s\" of %s \"%s\" cannot change without losing its data: save the data, "
                        "remove the %s yourself, then apply again; or declare a new one under "
                        "another name",
                        object->fields[0].path, object->desired->kind->name,
                        object->desired->engine_name, object->desired->kind->name));
}

static void create(struct planner *planner, struct object *object) {
    object->ready = node_new(planner, object->change, VERB_CREATE, object->desired,
                             object->observed, object->desired->engine_name, NULL);
    node_needs(planner, object->ready, object->gone, NEED_HARD);
}

static void remove_observed(struct planner *planner, struct object *object) {
    object->gone = node_new(planner, object->change, VERB_REMOVE, NULL, object->observed,
                            target_of(object->observed), NULL);
}

/* --- images -------------------------------------------------------------------------------------
 */

static void plan_image(struct planner *planner, struct object *image) {
    const struct resource *desired = image->desired;
    if (image->ready != NODE_NONE || (image->observed && !image->observed->outdated))
        return;
    if (desired->pull_policy == PULL_NEVER && !image->observed) {
        refuse(planner, image,
               arena_format(planner->arena,
                            "image \"%s\" is not on this machine and its pullPolicy is never: make "
                            "it with `make images`, or pull it",
                            desired->engine_name));
        return;
    }
    set_change(planner, image, CHANGE_PULL);
    if (image->observed)
        change_note(planner, image->change, "the registry has a newer one");
    image->ready = node_new(planner, image->change, VERB_PULL, desired, image->observed,
                            desired->engine_name, NULL);
}

/* Only a pull, even where containers run from it: that the registry names another digest than the
 * one that is here need not mean that a pull brings another image (a mirror may be behind). Once it
 * is here, containers that are not of it differ in their field "image". */
static void plan_outdated(struct planner *planner, struct object *image) {
    if (image->observed && image->observed->outdated)
        plan_image(planner, image);
}

void object_needed(struct planner *planner, size_t node, const char *key) {
    struct object *object = planner_object(planner, key);
    if (!object || !object->desired)
        return;
    if (object->desired->kind->lifecycle == LIFECYCLE_IMAGE)
        plan_image(planner, object);
    node_needs(planner, node, object->ready, NEED_HARD);
}

/* --- networks and the containers on them --------------------------------------------------------
 */

bool is_wanted(const struct instance *instance, const struct object *network) {
    const struct service *service = instance->desired ? instance->desired->service : NULL;
    for (size_t i = 0; service && i < service->network_count; i++)
        if (strcmp(service->networks[i].network, network->desired->name) == 0)
            return true;
    return false;
}

/* Whether the container's own change connects it again. */
static bool reconnects(const struct planner *planner, const struct holder *holder,
                       const struct attachment_state *attachment) {
    const struct instance *instance = holder->instance;
    if (holder != instance->current ||
        (instance->route != ROUTE_KEEP && instance->route != ROUTE_FINISH))
        return false;
    for (size_t i = 0; i < instance->field_count; i++) {
        const char *name = attachment_name(planner->arena, instance->fields[i].path);
        if (name && strcmp(name, attachment->name) == 0)
            return true;
    }
    return false;
}

static bool is_made(const struct object *object) {
    return object->create || object->replace;
}

/* The node that makes the network give way to the new one. */
static size_t first_node(const struct object *network) {
    return network->gone != NODE_NONE ? network->gone : network->ready;
}

static void detach(struct planner *planner, struct holder *holder,
                   struct attachment_state *attachment) {
    const struct object *network = attachment->network;
    const struct resource *real = network->observed ? network->observed : network->desired;
    attachment->detach =
        node_new(planner, network->change, VERB_DISCONNECT, holder->instance->desired,
                 holder->resource, target_of(holder->resource), real->engine_name);
    node_needs(planner, first_node(network), attachment->detach, NEED_HARD);
    chain_wait(planner, holder->instance, attachment->detach);
}

static void move_container(struct planner *planner, struct holder *holder,
                           struct attachment_state *attachment) {
    const struct object *network = attachment->network;
    struct instance *instance = holder->instance;
    detach(planner, holder, attachment);
    if (!is_wanted(instance, network) || reconnects(planner, holder, attachment))
        return;
    size_t attach =
        node_new(planner, network->change, VERB_CONNECT, instance->desired, holder->resource,
                 target_of(holder->resource), network->desired->engine_name);
    node_needs(planner, attach, network->ready, NEED_HARD);
    chain_wait(planner, instance, attach);
    instance->reattached = true;
}

/* Containers that go anyway are waited for instead. */
static void move_containers(struct planner *planner, struct holder *holder) {
    for (size_t i = 0; i < holder->attachment_count && !holder->surplus; i++) {
        const struct object *network = holder->attachments[i].network;
        if (network && is_made(network))
            move_container(planner, holder, &holder->attachments[i]);
        else if (network && network->evacuate)
            detach(planner, holder, &holder->attachments[i]);
    }
}

/* --- all of them --------------------------------------------------------------------------------
 */

static void plan_object(struct planner *planner, struct object *object) {
    const struct resource *desired = object->desired;
    bool is_data = desired && desired->kind->lifecycle == LIFECYCLE_DATA;
    if (!desired)
        return;
    if (desired->kind->lifecycle == LIFECYCLE_IMAGE) {
        plan_outdated(planner, object);
        return;
    }
    if (object->foreign && (object->create || !is_named(object->observed, desired))) {
        refuse_foreign(planner, object);
        object->create = object->replace = false;
    } else if (object->create) {
        set_change(planner, object, CHANGE_CREATE);
        create(planner, object);
    } else if (object->replace && is_data) {
        refuse_data(planner, object);
    } else if (object->replace) {
        set_change(planner, object, CHANGE_REPLACE);
        take_fields(planner, object);
        remove_observed(planner, object);
        create(planner, object);
    }
}

static bool is_to_go(const struct planner *planner, const struct object *object) {
    if (!object->remove)
        return false;
    switch (object->observed->kind->lifecycle) {
    case LIFECYCLE_OBJECT:
        return true;
    case LIFECYCLE_DATA:
        return planner->options->remove_volumes;
    default:
        return false;
    }
}

void plan_objects(struct planner *planner) {
    for (struct object *object = planner->objects; object; object = object->next) {
        plan_object(planner, object);
        if (is_to_go(planner, object)) {
            set_change(planner, object, CHANGE_REMOVE);
            remove_observed(planner, object);
        }
    }
    plan_subnets(planner);
    for (struct instance *instance = planner->instances; instance; instance = instance->next)
        for (struct holder *holder = instance->holders; holder; holder = holder->next)
            move_containers(planner, holder);
}

/* --- removals wait for the containers that use what is removed ----------------------------------
 */

static void wait_for_detaching(struct planner *planner, const struct holder *holder) {
    for (size_t i = 0; i < holder->attachment_count; i++) {
        const struct attachment_state *attachment = &holder->attachments[i];
        struct object *network = attachment->network;
        if (!network)
            continue;
        size_t left = attachment->detach != NODE_NONE ? attachment->detach : holder->gone;
        if (left == NODE_NONE)
            left = holder->instance->refused;
        if (network->remove)
            node_needs(planner, network->gone, left, NEED_HARD);
        else if (is_made(network) && holder->surplus)
            node_needs(planner, first_node(network), left, NEED_HARD);
    }
}

/* "volume NAME rw" */
static void wait_for_unmounting(struct planner *planner, const struct holder *holder) {
    const struct field_list *fields = &holder->resource->fields;
    for (size_t i = 0; i < fields->count; i++) {
        static const char value[] = "volume ";
        if (!path_begins(fields->items[i].path, "mounts.") ||
            strncmp(fields->items[i].value, value, sizeof value - 1) != 0)
            continue;
        const char *name = fields->items[i].value + sizeof value - 1;
        const char *key =
            arena_format(planner->arena, "volume/%.*s", (int)strcspn(name, " "), name);
        const struct object *volume = planner_object(planner, key);
        if (volume)
            node_needs(planner, volume->gone, holder->gone, NEED_HARD);
    }
}

void plan_removals(struct planner *planner) {
    for (struct instance *instance = planner->instances; instance; instance = instance->next)
        for (struct holder *holder = instance->holders; holder; holder = holder->next) {
            wait_for_detaching(planner, holder);
            if (planner->options->remove_volumes)
                wait_for_unmounting(planner, holder);
        }
}
