/*
 * The building blocks of what is done to one container: actions one after the other, each needing
 * the one before, and the undo actions beside them.
 */
#include "plan/planner.h"

#include "base/memory.h"

#include <string.h>

void chain_wait(struct planner *planner, struct instance *instance, size_t node) {
    if (node == NODE_NONE)
        return;
    struct edge *edge = arena_alloc(planner->arena, sizeof *edge);
    *edge = (struct edge){.node = node, .next = instance->waits};
    instance->waits = edge;
}

size_t chain_add(struct planner *planner, struct instance *instance, enum verb verb,
                 const struct resource *observed, const char *target, const char *argument) {
    size_t node =
        node_new(planner, instance->change, verb, instance->desired, observed, target, argument);
    planner->nodes[node].edges = instance->waits; /* it has none of its own yet */
    instance->waits = NULL;
    chain_wait(planner, instance, node);
    return node;
}

/* The first network is part of the request, unless the engine takes them all at once. */
static void connect_others(struct planner *planner, struct instance *instance, const char *name) {
    const struct service *service = instance->desired->service;
    if (!service || planner->options->create_with_all_networks)
        return;
    for (size_t i = 1; i < service->network_count; i++) {
        const struct object *network = planner_network(planner, service->networks[i].network);
        const char *engine_name = network && network->desired ? network->desired->engine_name
                                                              : service->networks[i].network;
        chain_add(planner, instance, VERB_CONNECT, NULL, name, engine_name);
    }
}

size_t chain_create(struct planner *planner, struct instance *instance,
                    const struct resource *observed, const char *name) {
    const struct resource *desired = instance->desired;
    size_t create = chain_add(planner, instance, VERB_CREATE, observed, name, NULL);
    for (size_t i = 0; i < desired->need_count; i++)
        object_needed(planner, create, desired->needs[i].key);
    connect_others(planner, instance, name);
    if (desired->service && desired->service->file_count)
        chain_add(planner, instance, VERB_UPLOAD, NULL, name, NULL);
    return create;
}

size_t chain_start(struct planner *planner, struct instance *instance,
                   const struct resource *observed, const char *target) {
    instance->starts = instance->gated =
        chain_add(planner, instance, VERB_START, observed, target, NULL);
    return instance->starts;
}

size_t chain_await(struct planner *planner, struct instance *instance,
                   const struct resource *observed, const char *target) {
    instance->up = instance->waits;
    size_t node = chain_add(planner, instance, VERB_AWAIT, observed, target, NULL);
    planner->nodes[node].action.condition = instance->gate;
    instance->awaits[instance->gate] = node;
    return node;
}

size_t instance_await(struct planner *planner, struct instance *instance,
                      enum depends_condition condition) {
    if (instance->refused != NODE_NONE)
        return instance->refused;
    if (instance->awaits[condition] != NODE_NONE)
        return instance->awaits[condition];
    const struct resource *observed = instance->stays ? instance->current->resource : NULL;
    if (instance->change == CHANGE_VOID)
        instance->change = change_new(planner, CHANGE_NONE, instance->desired, observed);
    size_t node = node_new(planner, instance->change, VERB_AWAIT, instance->desired, observed,
                           observed ? target_of(observed) : instance->desired->engine_name, NULL);
    const struct edge *up = instance->up ? instance->up : instance->waits;
    for (const struct edge *edge = up; edge; edge = edge->next)
        node_needs(planner, node, edge->node, NEED_HARD);
    planner->nodes[node].action.condition = condition;
    instance->awaits[condition] = node;
    return node;
}

/* Which anonymous volumes go with a container. None where it may be the only one to have its data:
 * one that never ran has written nothing, if the data it was made for is still somewhere else. */
static const char *volumes_to_remove(const struct planner *planner, const struct instance *instance,
                                     const struct holder *holder) {
    const struct resource *resource = holder->resource;
    if (!instance->desired)
        return planner->options->remove_volumes ? REMOVE_VOLUMES : NULL;
    bool never_took_over = resource->slot == SLOT_NEXT && resource->state == RUN_CREATED;
    return never_took_over && holder != instance->carried ? REMOVE_OWN_VOLUMES : NULL;
}

void plan_removal(struct planner *planner, struct instance *instance, struct holder *holder) {
    const struct resource *resource = holder->resource;
    const char *target = target_of(resource);
    size_t stop = NODE_NONE;
    if (is_running(resource))
        stop = node_new(planner, instance->change, VERB_STOP, NULL, resource, target, NULL);
    size_t gone = node_new(planner, instance->change, VERB_REMOVE, NULL, resource, target,
                           volumes_to_remove(planner, instance, holder));
    node_needs(planner, gone, stop, NEED_HARD);
    holder->gone = holder->renamed = gone;
    holder->stopped = stop;
}

void plan_undo(struct planner *planner, const struct instance *instance, size_t undone,
               enum verb verb, const struct resource *observed, const char *target,
               const char *argument) {
    size_t node =
        node_new(planner, instance->change, verb, instance->desired, observed, target, argument);
    planner->nodes[node].action.undoes = undone;
}
