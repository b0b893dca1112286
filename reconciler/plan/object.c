/*
 * Networks, volumes, images and volumes of files: what is missing is made, what is no longer
 * desired is removed once nothing uses it. A volume holds data, so that it is never made anew and
 * only removed on demand. How containers get off a network that is made anew is in network.c.
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
    object->refused = true;
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

bool is_name_taken(const struct object *object) {
    return object->foreign && (object->create || !is_named(object->observed, object->desired));
}

static void refuse_obstacle(struct planner *planner, struct object *object) {
    set_change(planner, object, CHANGE_REFUSE);
    take_fields(planner, object);
    refuse(planner, object, object->obstacle);
    object->create = object->replace = false;
}

static void refuse_change(struct planner *planner, struct object *object) {
    const char *kind = object->desired->kind->name;
    set_change(planner, object, CHANGE_REFUSE);
    take_fields(planner, object);
    refuse(planner, object,
           arena_format(planner->arena,
                        "\"%s\" of a %s is fixed when the %s is made; \"%s\" stays in use as it "
                        "is: declare what it has, or a %s of another name, which begins empty",
                        object->fields[0].path, kind, kind, object->desired->engine_name, kind));
    object->replace = false;
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

/* The address it is to have there, if any, must be of the network as it is. */
static bool fits(struct planner *planner, const struct resource *container,
                 const struct object *object) {
    if (!is_network(object->desired))
        return true;
    const char *path =
        arena_format(planner->arena, "networks.%s.ipv4Address", object->desired->name);
    const char *address = field_value(&container->fields, path);
    return !address || subnet_holds(object->observed, address);
}

/* What cannot change but is there stays in use, by all that fits it. */
size_t object_ready(struct planner *planner, const struct object *object,
                    const struct resource *container) {
    bool stays = object->refused && object->observed && is_named(object->observed, object->desired);
    return stays && fits(planner, container, object) ? NODE_NONE : object->ready;
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
    node_needs(planner, node, object_ready(planner, object, planner->nodes[node].action.desired),
               NEED_HARD);
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
    if (is_name_taken(object)) {
        refuse_foreign(planner, object);
        object->create = object->replace = false;
    } else if (object->obstacle) {
        refuse_obstacle(planner, object);
    } else if (object->create) {
        set_change(planner, object, CHANGE_CREATE);
        create(planner, object);
    } else if (object->replace && is_data) {
        refuse_change(planner, object);
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
    plan_networks(planner);
}

/* --- removals wait for the containers that use what is removed ----------------------------------
 */

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
            plan_leaving(planner, holder);
            if (planner->options->remove_volumes)
                wait_for_unmounting(planner, holder);
        }
}
