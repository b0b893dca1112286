/* Planning, from beginning to end; see planner.h for the steps. */
#include "plan/planner.h"

#include "base/memory.h"

int plan_make(struct arena *arena, const struct resource_set *desired,
              const struct resource_set *observed, const struct plan_options *options,
              struct plan **plan, struct error *error) {
    struct planner planner = {.arena = arena, .options = options};
    *plan = arena_alloc(arena, sizeof **plan);
    planner_index(&planner, desired, observed);
    decide_objects(&planner);
    decide_subnets(&planner);
    decide_containers(&planner);
    plan_objects(&planner);
    plan_containers(&planner);
    plan_removals(&planner);
    plan_gates(&planner);
    plan_handover(&planner);
    int result = graph_finish(&planner, *plan, error);
    planner_release(&planner);
    return result;
}

size_t plan_change_count(const struct plan *plan) {
    size_t count = 0;
    for (size_t i = 0; i < plan->change_count; i++)
        count += plan->changes[i].kind != CHANGE_NONE;
    return count;
}

const char *verb_name(enum verb verb) {
    static const char *const names[] = {
        [VERB_PULL] = "pull",     [VERB_CREATE] = "create",   [VERB_REMOVE] = "remove",
        [VERB_UPDATE] = "update", [VERB_CONNECT] = "connect", [VERB_DISCONNECT] = "disconnect",
        [VERB_UPLOAD] = "upload", [VERB_SIGNAL] = "signal",   [VERB_RENAME] = "rename",
        [VERB_START] = "start",   [VERB_STOP] = "stop",       [VERB_UNPAUSE] = "unpause",
        [VERB_AWAIT] = "await",   [VERB_REFUSE] = "refuse",   [VERB_STAGE] = "stage",
    };
    return (size_t)verb < sizeof names / sizeof *names ? names[verb] : "?";
}

const char *change_kind_name(enum change_kind kind) {
    static const char *const names[] = {
        [CHANGE_NONE] = "none",
        [CHANGE_CREATE] = "create",
        [CHANGE_UPDATE] = "update in place",
        [CHANGE_REPLACE] = "replace",
        [CHANGE_START] = "start",
        [CHANGE_UNPAUSE] = "unpause",
        [CHANGE_RENAME] = "rename",
        [CHANGE_RESTART] = "restart",
        [CHANGE_PULL] = "pull",
        [CHANGE_REMOVE] = "remove",
        [CHANGE_FINISH] = "finish an interrupted replacement",
        [CHANGE_REFUSE] = "cannot be done",
    };
    return (size_t)kind < sizeof names / sizeof *names ? names[kind] : "?";
}
