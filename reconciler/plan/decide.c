/*
 * What is wrong with each resource, and which way it is repaired: the decisions, before any action
 * is planned. For containers this starts with finding out what an interrupted replacement has left,
 * from the places (slots) in which containers of one key are found:
 *
 *   current              it is the container; what differs is changed in place, or it is replaced
 *   current, previous    a replacement got as far as the new container having the name. If that is
 *                        as desired, it is made to run and the previous one let go, with a way
 * back; if not, it was a failed attempt, and the previous one is the way back of another one
 *   previous             it is the container, under a wrong name
 *   next, with any       it never took over: removed
 *
 * Dead containers, and second ones in the same place, are removed.
 */
#include "plan/planner.h"

#include "base/memory.h"

#include <string.h>

/* Puts a change that is not of a field of the engine's among the others, in order. */
static void insert_field(struct planner *planner, struct field_change **fields, size_t *count,
                         struct field_change field) {
    struct field_change *longer = arena_array(planner->arena, struct field_change, *count + 1);
    size_t at = 0;
    while (at < *count && strcmp((*fields)[at].path, field.path) < 0)
        at++;
    if (at < *count && strcmp((*fields)[at].path, field.path) == 0)
        return;
    if (at)
        memcpy(longer, *fields, at * sizeof *longer);
    longer[at] = field;
    if (*count > at)
        memcpy(longer + at + 1, *fields + at, (*count - at) * sizeof *longer);
    *fields = longer;
    ++*count;
}

/* --- objects ------------------------------------------------------------------------------------
 */

static void decide_object(struct planner *planner, struct object *object) {
    const struct resource *desired = object->desired, *observed = object->observed;
    if (!desired) {
        object->remove = observed != NULL;
        return;
    }
    if (desired->kind->lifecycle == LIFECYCLE_IMAGE)
        return;
    /* Data under another name is other data: it is left alone. */
    bool named = observed && is_named(observed, desired);
    if (observed && !named && desired->kind->lifecycle == LIFECYCLE_DATA)
        observed = object->observed = NULL;
    if (!observed) {
        object->create = true;
        return;
    }
    object->field_count = diff_fields(planner->arena, desired->kind, &desired->fields,
                                      &observed->fields, &observed->applied, &object->fields);
    if (!named)
        insert_field(planner, &object->fields, &object->field_count,
                     (struct field_change){.path = "name",
                                           .from = observed->engine_name,
                                           .to = desired->engine_name,
                                           .cause = CAUSE_UNKNOWN,
                                           .change_by = CHANGE_BY_REPLACE});
    object->replace = object->field_count > 0;
}

void decide_objects(struct planner *planner) {
    for (struct object *object = planner->objects; object; object = object->next)
        decide_object(planner, object);
}

/* --- which container is which -------------------------------------------------------------------
 */

bool is_running(const struct resource *container) {
    return container->state == RUN_RUNNING || container->state == RUN_PAUSED ||
           container->state == RUN_RESTARTING;
}

bool has_completed(const struct resource *desired, const struct resource *observed) {
    return desired->service && desired->service->completes && observed->state == RUN_EXITED &&
           observed->exit_code == 0;
}

bool is_settled(const struct resource *desired, const struct resource *observed) {
    if (has_completed(desired, observed))
        return true;
    return observed->state == RUN_RUNNING &&
           (observed->health == HEALTH_NONE || observed->health == HEALTH_HEALTHY);
}

static struct holder *choose(const struct instance *instance, enum slot slot) {
    struct holder *best = NULL;
    for (struct holder *holder = instance->holders; holder; holder = holder->next) {
        const struct resource *resource = holder->resource;
        if (resource->slot == slot && resource->state != RUN_DEAD &&
            (!best || is_rather(resource, best->resource, instance->desired)))
            best = holder;
    }
    return best;
}

/* When there is no container to replace, its anonymous volumes are found at what is left of it. */
static struct holder *remains(const struct instance *instance) {
    struct holder *best = NULL;
    for (struct holder *holder = instance->holders; holder; holder = holder->next)
        if (!best || (holder->resource->slot == SLOT_PREVIOUS && best->resource->slot == SLOT_NEXT))
            best = holder;
    return best;
}

static void identify(struct instance *instance) {
    instance->current = choose(instance, SLOT_CURRENT);
    instance->previous = choose(instance, SLOT_PREVIOUS);
    if (!instance->current) {
        instance->current = instance->previous;
        instance->previous = NULL;
    }
    for (struct holder *holder = instance->holders; holder; holder = holder->next)
        holder->surplus = holder != instance->current && holder != instance->previous;
    instance->carried = instance->current ? instance->current : remains(instance);
}

/* --- what is wrong with it ----------------------------------------------------------------------
 */

bool change_by(const struct instance *instance, enum field_change_by change_by) {
    for (size_t i = 0; i < instance->field_count; i++)
        if (instance->fields[i].change_by == change_by)
            return true;
    return false;
}

static void compare_name(struct planner *planner, struct instance *instance) {
    const struct resource *desired = instance->desired, *observed = instance->current->resource;
    if (is_named(observed, desired))
        return;
    bool interrupted = observed->slot != SLOT_CURRENT;
    insert_field(planner, &instance->fields, &instance->field_count,
                 (struct field_change){
                     .path = "name",
                     .from = observed->engine_name,
                     .to = desired->engine_name,
                     .cause = interrupted ? CAUSE_UNKNOWN : CAUSE_DRIFT,
                     .change_by = CHANGE_BY_RENAME,
                 });
}

/* What is not in effect matters only while it runs. */
static void drop_restarts(struct instance *instance) {
    size_t count = 0;
    for (size_t i = 0; i < instance->field_count; i++)
        if (instance->fields[i].change_by != CHANGE_BY_RESTART)
            instance->fields[count++] = instance->fields[i];
    instance->field_count = count;
}

static void compare(struct planner *planner, struct instance *instance) {
    const struct resource *desired = instance->desired, *observed = instance->current->resource;
    instance->field_count = diff_fields(planner->arena, desired->kind, &desired->fields,
                                        &observed->fields, &observed->applied, &instance->fields);
    if (has_completed(desired, observed))
        drop_restarts(instance);
}

/* --- which way ----------------------------------------------------------------------------------
 */

static void refuse_foreign(struct planner *planner, struct instance *instance) {
    const struct resource *foreign = instance->foreign;
    instance->route = ROUTE_REFUSE;
    instance->refusal = arena_format(
        planner->arena,
        "the name \"%s\" is taken by a container that is not of this environment (%s): remove or "
        "rename that one, or change the project's or the service's name",
        instance->desired->engine_name, foreign->owner ? foreign->owner : "owner unknown");
}

static void refuse_fields(struct planner *planner, struct instance *instance) {
    const char *path = "";
    for (size_t i = 0; i < instance->field_count; i++)
        if (instance->fields[i].change_by == CHANGE_BY_NOTHING)
            path = instance->fields[i].path;
    instance->route = ROUTE_REFUSE;
    instance->refusal = arena_format(planner->arena,
                                     "\"%s\" cannot be changed without losing data: save the data, "
                                     "remove the container \"%s\", then apply again",
                                     path, instance->current->resource->engine_name);
}

/* Made anew, without a way back: everything under its key goes first. */
static void start_over(struct instance *instance) {
    instance->route = ROUTE_CREATE;
    for (struct holder *holder = instance->holders; holder; holder = holder->next)
        holder->surplus = true;
    instance->current = instance->previous = NULL;
}

static void decide_replacement(struct planner *planner, struct instance *instance) {
    if (instance->previous) {
        instance->failed = instance->current;
        instance->current = instance->carried = instance->previous;
        instance->previous = NULL;
    } else if (instance->current->resource->state == RUN_CREATED) {
        start_over(instance); /* it never ran: there is nothing to go back to */
        return;
    } else {
        compare_name(planner, instance);
    }
    instance->route = ROUTE_REPLACE;
}

/* A failed attempt with a container to go back to. It is only kept until there is a better one:
 * not if the one to go back to is as desired, nor if it lacks even the name. */
static void compare_previous(struct planner *planner, struct instance *instance) {
    struct holder *attempt = instance->current;
    struct field_change *fields = instance->fields;
    size_t field_count = instance->field_count;
    instance->current = instance->previous;
    compare(planner, instance);
    if (!is_named(attempt->resource, instance->desired) ||
        !change_by(instance, CHANGE_BY_REPLACE)) {
        attempt->surplus = true;
        instance->carried = instance->previous;
        instance->previous = NULL;
        return;
    }
    instance->current = attempt;
    instance->fields = fields;
    instance->field_count = field_count;
}

static void decide_container(struct planner *planner, struct instance *instance) {
    identify(instance);
    if (instance->foreign) {
        refuse_foreign(planner, instance);
        return;
    }
    if (!instance->current) {
        instance->route = ROUTE_CREATE;
        return;
    }
    compare(planner, instance);
    if (change_by(instance, CHANGE_BY_REPLACE) && instance->previous)
        compare_previous(planner, instance);
    if (change_by(instance, CHANGE_BY_NOTHING)) {
        refuse_fields(planner, instance);
    } else if (change_by(instance, CHANGE_BY_REPLACE)) {
        decide_replacement(planner, instance);
    } else {
        compare_name(planner, instance);
        instance->route = instance->previous ? ROUTE_FINISH : ROUTE_KEEP;
    }
}

/* A service that another waits for until it has completed is up when it has. */
static void decide_gates(struct planner *planner) {
    for (struct instance *instance = planner->instances; instance; instance = instance->next) {
        const struct resource *desired = instance->desired;
        for (size_t i = 0; desired && i < desired->need_count; i++) {
            if (desired->needs[i].condition != DEPENDS_COMPLETED)
                continue;
            struct group *group = planner_group(planner, desired->needs[i].key);
            for (struct instance *one = group ? group->first : NULL; one; one = one->sibling)
                one->gate = DEPENDS_COMPLETED;
        }
    }
}

void decide_containers(struct planner *planner) {
    decide_gates(planner);
    for (struct instance *instance = planner->instances; instance; instance = instance->next) {
        if (instance->desired) {
            decide_container(planner, instance);
            continue;
        }
        instance->route = ROUTE_REMOVE;
        for (struct holder *holder = instance->holders; holder; holder = holder->next)
            holder->surplus = true;
    }
}
