/*
 * Starts wait until the dependencies are as far as `dependsOn` says. A dependency that this plan
 * does not touch and that is as far already is not waited for; one that is not gets an AWAIT, but
 * only if something starts because of it.
 */
#include "plan/planner.h"

#include "base/memory.h"

/* After which node the dependency is as far as the condition says; NODE_NONE: it is already. */
static size_t ready_node(struct planner *planner, struct instance *instance,
                         enum depends_condition condition) {
    if (instance->refused != NODE_NONE)
        return instance->refused;
    if (condition == DEPENDS_STARTED)
        return instance->starts;
    if (instance->starts == NODE_NONE && instance->stays) {
        const struct resource *desired = instance->desired;
        const struct resource *observed = instance->current->resource;
        bool completed = has_completed(desired, observed);
        bool healthy = condition == DEPENDS_HEALTHY && is_settled(desired, observed);
        if ((completed || healthy) && instance->awaits[condition] == NODE_NONE)
            return NODE_NONE;
    }
    return instance_await(planner, instance, condition);
}

static void gate(struct planner *planner, struct instance *instance) {
    const struct resource *desired = instance->desired;
    for (size_t i = 0; i < desired->need_count; i++) {
        const struct need *need = &desired->needs[i];
        struct group *group = planner_group(planner, need->key);
        for (struct instance *one = group ? group->first : NULL; one; one = one->sibling) {
            size_t ready = ready_node(planner, one, need->condition);
            node_needs(planner, instance->gated, ready, NEED_HARD);
            node_needs(planner, instance->gated_early, ready, NEED_EARLY);
        }
    }
}

/* The old container goes when the new one is all that somebody waits for. */
static void hold_back(struct planner *planner, const struct instance *instance) {
    for (size_t i = 0; i < sizeof instance->awaits / sizeof *instance->awaits; i++)
        node_needs(planner, instance->retire, instance->awaits[i], NEED_HARD);
}

void plan_gates(struct planner *planner) {
    for (struct instance *instance = planner->instances; instance; instance = instance->next)
        if (instance->desired && instance->gated != NODE_NONE)
            gate(planner, instance);
    for (struct instance *instance = planner->instances; instance; instance = instance->next)
        hold_back(planner, instance);
}
