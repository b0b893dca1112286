/*
 * Replacing a container, with a way back to the old one, and finishing a replacement that was
 * interrupted. Each step leaves a state on the engine that tells the next plan how far it got:
 *
 *   recreate     create NAME.next, stop the old one, rename it to NAME.previous, rename the new one
 *                to NAME, start it, await it, remove NAME.previous
 *   startFirst   create NAME.next, start it, await it, rename the old one to NAME.previous, rename
 *                the new one to NAME, stop the old one, remove it
 *
 * What comes after the new container has proved itself is in a change of its own: that the old one
 * cannot be removed is no reason to go back to it.
 *
 * The new one waits for its dependencies before it is created, if it can, so that a dependency
 * that never gets ready leaves the old one running.
 */
#include "plan/planner.h"

#include "base/memory.h"

#include <string.h>

/* In the way of a new container beside the old one: an address or host port that both would have.
 */
static bool holds_fixed(const struct field_list *fields) {
    static const char address[] = ".ipv4Address";
    for (size_t i = 0; i < fields->count; i++) {
        const char *path = fields->items[i].path;
        size_t length = strlen(path);
        if (path_begins(path, "ports."))
            return true;
        if (path_begins(path, "networks.") && length > sizeof address &&
            strcmp(path + length - (sizeof address - 1), address) == 0)
            return true;
    }
    return false;
}

static bool starts_first(struct planner *planner, const struct instance *instance) {
    const struct service *service = instance->desired->service;
    if (!service || service->update_strategy != UPDATE_START_FIRST || instance->failed)
        return false;
    if (!holds_fixed(&instance->desired->fields) &&
        !holds_fixed(&instance->current->resource->fields))
        return true;
    change_note(planner, instance->change,
                "the old one stops first, because of a fixed address or host port");
    return false;
}

static bool should_run(const struct instance *instance, const struct resource *old) {
    return !has_completed(instance->desired, old);
}

/* The change in which the old one goes. */
static void retire(struct planner *planner, struct instance *instance, struct holder *old,
                   bool stop) {
    const struct resource *resource = old->resource;
    const char *target = target_of(resource);
    size_t change = change_new(planner, CHANGE_NONE, instance->desired, resource);
    size_t stopped = NODE_NONE;
    if (stop)
        stopped = old->stopped =
            node_new(planner, change, VERB_STOP, instance->desired, resource, target, NULL);
    old->gone = node_new(planner, change, VERB_REMOVE, instance->desired, resource, target, NULL);
    node_needs(planner, old->gone, stopped, NEED_HARD);
    instance->retire = stop ? stopped : old->gone;
    for (const struct edge *edge = instance->waits; edge; edge = edge->next)
        node_needs(planner, instance->retire, edge->node, NEED_HARD);
}

struct names {
    const char *name, *next, *previous;
};

static const char *with_suffix(struct arena *arena, const char *name, const char *suffix) {
    size_t length = strlen(name), size = strlen(suffix) + 1;
    char *result = arena_alloc(arena, length + size);
    memcpy(mempcpy(result, name, length), suffix, size);
    return result;
}

static struct names names_of(struct planner *planner, const struct instance *instance) {
    const char *name = instance->desired->engine_name;
    return (struct names){name, with_suffix(planner->arena, name, ".next"),
                          with_suffix(planner->arena, name, ".previous")};
}

static void stop_running(struct planner *planner, struct instance *instance,
                         struct holder *holder) {
    const struct resource *resource = holder->resource;
    if (is_running(resource))
        holder->stopped =
            chain_add(planner, instance, VERB_STOP, resource, target_of(resource), NULL);
}

/* Takes the container that has the name out of the way: the failed attempt goes, the old one stays
 * as previous. */
static size_t make_way(struct planner *planner, struct instance *instance, const char *previous) {
    struct holder *old = instance->current, *failed = instance->failed;
    if (failed) {
        failed->gone = failed->renamed = chain_add(planner, instance, VERB_REMOVE, failed->resource,
                                                   target_of(failed->resource), NULL);
        return failed->gone;
    }
    size_t renamed = chain_add(planner, instance, VERB_RENAME, old->resource,
                               target_of(old->resource), previous);
    if (old->renamed == NODE_NONE)
        old->renamed = renamed;
    return renamed;
}

static void recreate(struct planner *planner, struct instance *instance) {
    struct holder *old = instance->current;
    const char *old_target = target_of(old->resource);
    struct names names = names_of(planner, instance);
    size_t create = chain_create(planner, instance, instance->carried->resource, names.next);
    size_t made = instance->waits->node; /* CREATE, CONNECT or UPLOAD: the last of them */
    instance->gated_early = create;
    if (instance->failed)
        stop_running(planner, instance, instance->failed);
    stop_running(planner, instance, old);
    size_t away = make_way(planner, instance, names.previous);
    size_t named = chain_add(planner, instance, VERB_RENAME, NULL, names.next, names.name);
    chain_start(planner, instance, NULL, names.name);
    chain_await(planner, instance, NULL, names.name);
    plan_undo(planner, instance, named, VERB_STOP, NULL, names.name, NULL);
    plan_undo(planner, instance, named, VERB_REMOVE, NULL, names.name, REMOVE_OWN_VOLUMES);
    plan_undo(planner, instance, create, VERB_REMOVE, NULL, names.next, REMOVE_OWN_VOLUMES);
    plan_undo(planner, instance, away, VERB_RENAME, old->resource, old_target, names.name);
    if (should_run(instance, old->resource))
        plan_undo(planner, instance, instance->failed ? away : made, VERB_START, old->resource,
                  old_target, NULL);
    retire(planner, instance, old, false);
}

static void start_first(struct planner *planner, struct instance *instance) {
    struct holder *old = instance->current;
    const char *old_target = target_of(old->resource);
    struct names names = names_of(planner, instance);
    size_t create = chain_create(planner, instance, instance->carried->resource, names.next);
    size_t made = instance->waits->node; /* CREATE, CONNECT or UPLOAD: the last of them */
    instance->gated_early = create;
    chain_start(planner, instance, NULL, names.next);
    chain_await(planner, instance, NULL, names.next);
    instance->up = NULL; /* other conditions are probed once it has its name */
    size_t away = make_way(planner, instance, names.previous);
    chain_add(planner, instance, VERB_RENAME, NULL, names.next, names.name);
    plan_undo(planner, instance, made, VERB_STOP, NULL, names.next, NULL);
    plan_undo(planner, instance, create, VERB_REMOVE, NULL, names.next, REMOVE_OWN_VOLUMES);
    plan_undo(planner, instance, away, VERB_RENAME, old->resource, old_target, names.name);
    retire(planner, instance, old, is_running(old->resource));
}

void plan_replacement(struct planner *planner, struct instance *instance) {
    if (!instance->failed)
        chain_rename(planner, instance);
    if (starts_first(planner, instance))
        start_first(planner, instance);
    else
        recreate(planner, instance);
}

/* The previous one is stopped first, running or not: once that has succeeded, there is something
 * that can be undone. */
void plan_finish(struct planner *planner, struct instance *instance) {
    struct holder *current = instance->current, *previous = instance->previous;
    const char *target = target_of(current->resource);
    const char *previous_target = target_of(previous->resource);
    size_t begun =
        chain_add(planner, instance, VERB_STOP, previous->resource, previous_target, NULL);
    previous->stopped = begun;
    chain_in_place(planner, instance);
    instance->gated_early = begun;
    chain_await(planner, instance, current->resource, target);
    plan_undo(planner, instance, begun, VERB_STOP, current->resource, target, NULL);
    plan_undo(planner, instance, begun, VERB_REMOVE, current->resource, target, NULL);
    plan_undo(planner, instance, begun, VERB_RENAME, previous->resource, previous_target,
              instance->desired->engine_name);
    if (should_run(instance, previous->resource))
        plan_undo(planner, instance, begun, VERB_START, previous->resource, previous_target, NULL);
    retire(planner, instance, previous, false);
}
