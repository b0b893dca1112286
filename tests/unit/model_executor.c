/* Performing plans on the engine in memory; see model_executor.h. */
#include "model_executor.h"

#include <stdlib.h>
#include <string.h>

enum step { STEP_WAITING, STEP_DONE, STEP_FAILED, STEP_SKIPPED };

struct execution {
    struct model *model;
    const struct plan *plan;
    const struct model_run_options *options;
    enum step *steps;
    bool *blameless; /* failed or skipped by something that may pass: no undo */
    size_t *broken;  /* by change: the last action that calls for an undo, or ACTION_NONE */
    bool *open;      /* by change: some action has not ended */
    size_t *ready;
    size_t ready_count;
    struct model_run run;
};

static bool is_undo(const struct action *action) {
    return action->undoes != ACTION_NONE;
}

/* Whether all it needs is done; skips it if something is not going to be. */
static bool is_ready(struct execution *execution, size_t index) {
    const struct action *action = &execution->plan->actions[index];
    bool ready = true;
    for (size_t n = 0; n < action->need_count; n++) {
        enum step need = execution->steps[action->needs[n]];
        if (need == STEP_FAILED || need == STEP_SKIPPED) {
            execution->steps[index] = STEP_SKIPPED;
            execution->blameless[index] = execution->blameless[action->needs[n]];
            return false;
        }
        ready = ready && need == STEP_DONE;
    }
    return ready;
}

static void look_at_actions(struct execution *execution) {
    const struct plan *plan = execution->plan;
    for (size_t c = 0; c < plan->change_count; c++) {
        execution->open[c] = false;
        execution->broken[c] = ACTION_NONE;
    }
    execution->ready_count = 0;
    for (size_t i = 0; i < plan->action_count; i++) {
        const struct action *action = &plan->actions[i];
        if (is_undo(action))
            continue;
        if (execution->steps[i] == STEP_WAITING && is_ready(execution, i))
            execution->ready[execution->ready_count++] = i;
        if (execution->steps[i] == STEP_WAITING)
            execution->open[action->change] = true;
        else if (execution->steps[i] != STEP_DONE && !execution->blameless[i])
            execution->broken[action->change] = i;
    }
}

/* The next undo action of each change that has ended. */
static void look_at_undos(struct execution *execution) {
    const struct plan *plan = execution->plan;
    for (size_t i = 0; i < plan->action_count; i++) {
        const struct action *action = &plan->actions[i];
        if (!is_undo(action) || execution->steps[i] != STEP_WAITING ||
            execution->open[action->change])
            continue;
        size_t broken = execution->broken[action->change];
        if (broken != ACTION_NONE && broken > action->undoes &&
            execution->steps[action->undoes] == STEP_DONE) {
            execution->ready[execution->ready_count++] = i;
            execution->open[action->change] = true; /* one at a time */
        } else {
            execution->steps[i] = STEP_SKIPPED;
        }
    }
}

/* Whether the key is that service's, or one of its instances'. */
static bool is_of(const char *key, const char *service) {
    size_t length = strlen(service);
    return strncmp(key, service, length) == 0 && (key[length] == '\0' || key[length] == '[');
}

/* Every start and await of the dependency that matters is done. */
static bool plan_is_ready(const struct execution *execution, const struct need *need) {
    for (size_t i = 0; i < execution->plan->action_count; i++) {
        const struct action *action = &execution->plan->actions[i];
        bool counts = action->verb == VERB_START ||
                      (action->verb == VERB_AWAIT && need->condition != DEPENDS_STARTED &&
                       action->condition == need->condition);
        if (counts && !is_undo(action) && is_of(action->desired->key, need->key) &&
            execution->steps[i] != STEP_DONE)
            return false;
    }
    return true;
}

static bool is_as_far(const struct model_container *container, enum depends_condition condition) {
    bool completed = container->state == RUN_EXITED && container->exit_code == 0;
    if (condition == DEPENDS_COMPLETED || completed)
        return completed;
    if (condition == DEPENDS_HEALTHY && container->health != HEALTH_NONE)
        return container->state == RUN_RUNNING && container->probed;
    return model_is_running(container);
}

/* Some container of each instance is as far as the dependency says. */
static bool engine_is_ready(const struct model *model, const struct need *need) {
    for (size_t i = 0; i < model->container_count; i++) {
        const struct model_container *one = &model->containers[i];
        bool found = false;
        if (one->gone || !one->key || !is_of(one->key, need->key))
            continue;
        for (size_t j = 0; j < model->container_count && !found; j++)
            found = !model->containers[j].gone && model->containers[j].key &&
                    strcmp(model->containers[j].key, one->key) == 0 &&
                    is_as_far(&model->containers[j], need->condition);
        if (!found && resource_find(model->desired, one->key))
            return false;
    }
    return true;
}

static void check_dependencies(struct execution *execution, size_t index) {
    const struct action *action = &execution->plan->actions[index];
    if (action->verb != VERB_START || is_undo(action))
        return;
    for (size_t i = 0; i < action->desired->need_count; i++) {
        const struct need *need = &action->desired->needs[i];
        if (strncmp(need->key, "service/", 8) != 0)
            continue;
        if (!plan_is_ready(execution, need))
            execution->run.too_early = index;
        if (!engine_is_ready(execution->model, need))
            execution->run.unready = index;
    }
}

static void fail(struct execution *execution, size_t index, const char *why) {
    execution->steps[index] = STEP_FAILED;
    execution->run.failed_action = index;
    execution->run.why = why;
}

static void perform(struct execution *execution, size_t index) {
    struct model *model = execution->model;
    const struct model_run_options *options = execution->options;
    const struct action *action = &execution->plan->actions[index];
    bool inject =
        execution->run.injected < options->most_failures &&
        model_chance(model, is_undo(action) ? options->undo_fail_percent : options->fail_percent);
    check_dependencies(execution, index);
    if (inject && action->verb != VERB_REFUSE) {
        bool unknown = options->ambiguous && model_chance(model, 30);
        if (unknown && model_chance(model, 50))
            model_act(model, action);
        execution->run.injected++;
        execution->blameless[index] = unknown;
        fail(execution, index, "injected");
    } else if (model_act(model, action)) {
        execution->steps[index] = STEP_DONE;
        execution->run.done++;
    } else {
        fail(execution, index, model->why);
        execution->run.refused++;
    }
}

struct model_run model_execute(struct model *model, const struct plan *plan,
                               const struct model_run_options *options) {
    struct execution execution = {
        .model = model,
        .plan = plan,
        .options = options,
        .steps = arena_array(model->arena, enum step, plan->action_count),
        .blameless = arena_array(model->arena, bool, plan->action_count),
        .broken = arena_array(model->arena, size_t, plan->change_count),
        .open = arena_array(model->arena, bool, plan->change_count),
        .ready = arena_array(model->arena, size_t, plan->action_count),
        .run = {.failed_action = ACTION_NONE, .too_early = ACTION_NONE, .unready = ACTION_NONE},
    };
    for (size_t performed = 0;; performed++) {
        look_at_actions(&execution);
        look_at_undos(&execution);
        if (execution.ready_count == 0)
            return execution.run;
        if (performed == options->stop_after)
            return execution.run;
        size_t chosen = model_random(model, (unsigned)execution.ready_count);
        perform(&execution, execution.ready[chosen]);
    }
}
