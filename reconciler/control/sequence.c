/*
 * The order of an execution: an action is ready when all it needs is done, is skipped when
 * something it needs is not going to be, and an undo action runs when its change has broken after
 * the action it undoes. Counts and lists are made once, so that a plan of n actions costs O(n).
 */
#include "control/execution.h"

#include "base/memory.h"

#include <stdlib.h>

static void notify(struct step *step, const struct error *error) {
    const struct executor_observer *observer = &step->execution->options->observer;
    if (observer->action)
        observer->action(observer->context, step->execution->plan, step->index, step->state, error);
}

static void list_dependents(struct execution *execution) {
    const struct plan *plan = execution->plan;
    size_t *at = memory_alloc((plan->action_count + 2) * sizeof *at);
    /* Counting sort: sizes two places up, then sums, so that filling leaves starts in place. */
    for (size_t i = 0; i < plan->action_count; i++)
        for (size_t n = 0; n < plan->actions[i].need_count; n++)
            at[plan->actions[i].needs[n] + 2]++;
    for (size_t i = 2; i < plan->action_count + 2; i++)
        at[i] += at[i - 1];
    execution->dependents = memory_alloc(at[plan->action_count + 1] * sizeof *at);
    for (size_t i = 0; i < plan->action_count; i++)
        for (size_t n = 0; n < plan->actions[i].need_count; n++)
            execution->dependents[at[plan->actions[i].needs[n] + 1]++] = i;
    execution->dependents_at = at;
}

static bool has_call(const struct action *action) {
    return action->verb != VERB_AWAIT && action->verb != VERB_REFUSE;
}

static void make_ready(struct step *step) {
    struct execution *execution = step->execution;
    struct ready_queue *queue =
        has_call(step_action(step)) ? &execution->ready_calls : &execution->ready_others;
    if (step->queued)
        return;
    step->queued = true;
    queue->items[queue->tail++] = step->index;
}

static struct step *take(struct execution *execution, struct ready_queue *queue) {
    return queue->head < queue->tail ? &execution->steps[queue->items[queue->head++]] : NULL;
}

struct step *sequence_next(struct execution *execution, bool place) {
    struct step *step = take(execution, &execution->ready_others);
    return step || !place ? step : take(execution, &execution->ready_calls);
}

static void enter_action(struct execution *execution, size_t index) {
    const struct action *action = &execution->plan->actions[index];
    struct change_state *change = &execution->changes[action->change];
    struct step *step = &execution->steps[index];
    step->execution = execution;
    step->index = index;
    step->missing = action->need_count;
    if (!is_undo(action)) {
        change->open++;
        if (step->missing == 0)
            make_ready(step);
        return;
    }
    step->next_undo = ACTION_NONE;
    size_t *link = &change->undo;
    while (*link != ACTION_NONE)
        link = &execution->steps[*link].next_undo;
    *link = index;
}

void sequence_build(struct execution *execution) {
    const struct plan *plan = execution->plan;
    size_t count = plan->action_count;
    execution->steps = memory_alloc(count * sizeof *execution->steps);
    execution->changes = memory_alloc(plan->change_count * sizeof *execution->changes);
    execution->ready_calls.items = memory_alloc(count * sizeof(size_t));
    execution->ready_others.items = memory_alloc(count * sizeof(size_t));
    execution->doomed = memory_alloc(count * sizeof(size_t));
    execution->unsettled = count;
    list_dependents(execution);
    for (size_t i = 0; i < plan->change_count; i++)
        execution->changes[i] = (struct change_state){.broken = ACTION_NONE, .undo = ACTION_NONE};
    for (size_t i = 0; i < count; i++)
        enter_action(execution, i);
}

void sequence_free(struct execution *execution) {
    for (size_t i = 0; i < execution->plan->action_count; i++) {
        error_clear(&execution->steps[i].error);
        free(execution->steps[i].detail);
    }
    free(execution->steps);
    free(execution->changes);
    free(execution->dependents);
    free(execution->dependents_at);
    free(execution->ready_calls.items);
    free(execution->ready_others.items);
    free(execution->doomed);
}

/* Marks an action as ended, without consequences. */
static void end(struct step *step, enum action_state state, const struct error *error) {
    struct execution *execution = step->execution;
    const struct action *action = step_action(step);
    step->state = state;
    execution->unsettled--;
    if (!is_undo(action)) {
        struct change_state *change = &execution->changes[action->change];
        change->open--;
        bool breaks = (state == ACTION_FAILED || state == ACTION_SKIPPED) && !step->blameless;
        if (breaks && (change->broken == ACTION_NONE || step->index > change->broken))
            change->broken = step->index;
    }
    notify(step, error);
}

/* Once all other actions of a change have ended: runs or skips its undo actions, in order. One runs
 * at a time; a failing one does not keep the next from being tried. */
static void undo_next(struct execution *execution, size_t change_index) {
    struct change_state *change = &execution->changes[change_index];
    for (; change->open == 0 && change->undo != ACTION_NONE;) {
        struct step *step = &execution->steps[change->undo];
        size_t undoes = step_action(step)->undoes;
        bool called_for = change->broken != ACTION_NONE && change->broken > undoes &&
                          execution->steps[undoes].state == ACTION_DONE;
        if (step->state == ACTION_RUNNING)
            return;
        if (step->state == ACTION_WAITING && called_for && !execution->stopping) {
            make_ready(step);
            return;
        }
        change->undo = step->next_undo;
        if (step->state != ACTION_WAITING)
            continue;
        step->not_needed = !called_for;
        end(step, called_for ? ACTION_CANCELLED : ACTION_SKIPPED, NULL);
    }
}

static void release_dependents(struct step *step) {
    struct execution *execution = step->execution;
    for (size_t d = execution->dependents_at[step->index];
         d < execution->dependents_at[step->index + 1]; d++) {
        struct step *dependent = &execution->steps[execution->dependents[d]];
        if (--dependent->missing == 0 && dependent->state == ACTION_WAITING &&
            !is_undo(step_action(dependent)))
            make_ready(dependent);
    }
}

/* Skips everything that needs the step, directly or not. Returns how many, listed in doomed. */
static size_t skip_dependents(struct step *step) {
    struct execution *execution = step->execution;
    size_t count = 0, next = 0;
    for (const struct step *cause = step;; cause = &execution->steps[execution->doomed[next++]]) {
        for (size_t d = execution->dependents_at[cause->index];
             d < execution->dependents_at[cause->index + 1]; d++) {
            struct step *dependent = &execution->steps[execution->dependents[d]];
            if (dependent->state != ACTION_WAITING || is_undo(step_action(dependent)))
                continue;
            dependent->blameless = cause->blameless;
            end(dependent, execution->stopping ? ACTION_CANCELLED : ACTION_SKIPPED, NULL);
            execution->doomed[count++] = dependent->index;
        }
        if (next == count)
            return count;
    }
}

void sequence_settle(struct step *step, enum action_state state, const struct error *error) {
    struct execution *execution = step->execution;
    size_t skipped = 0;
    end(step, state, error);
    if (state == ACTION_DONE)
        release_dependents(step);
    else
        skipped = skip_dependents(step);
    undo_next(execution, step_action(step)->change);
    for (size_t i = 0; i < skipped; i++)
        undo_next(execution, execution->plan->actions[execution->doomed[i]].change);
}

void sequence_cancel_waiting(struct execution *execution) {
    execution->ready_calls.head = execution->ready_calls.tail;
    execution->ready_others.head = execution->ready_others.tail;
    for (size_t i = 0; i < execution->plan->action_count; i++)
        if (execution->steps[i].state == ACTION_WAITING && !is_undo(&execution->plan->actions[i]))
            end(&execution->steps[i], ACTION_CANCELLED, NULL);
    for (size_t i = 0; i < execution->plan->change_count; i++)
        undo_next(execution, i);
}
