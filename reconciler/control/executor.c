/*
 * The executor's loop: starts what is ready while there are places, runs the event loop, and stops
 * when all has ended, the deadline has passed or the user wants it. See execution.h for the parts.
 */
#include "control/executor.h"

#include "base/memory.h"
#include "control/execution.h"

#include <stdlib.h>

#define DEFAULT_PARALLEL 16
#define TICK_MS          100L
/* How long actions in flight may go on after an interrupt. */
#define GRACE_MS 3000LL

static void start(struct step *step) {
    struct execution *execution = step->execution;
    const struct executor_observer *observer = &execution->options->observer;
    step->state = ACTION_RUNNING;
    if (observer->action)
        observer->action(observer->context, execution->plan, step->index, ACTION_RUNNING, NULL);
    if (step_action(step)->verb == VERB_AWAIT)
        await_start(step);
    else
        attempt_start(step);
}

static void start_ready(struct execution *execution) {
    int parallel = execution->options->parallel;
    if (parallel <= 0)
        parallel = DEFAULT_PARALLEL;
    struct step *step;
    while (!execution->stopping &&
           (step = sequence_next(execution, execution->occupied < parallel)))
        start(step);
}

static void fail_given_up(struct execution *execution) {
    for (size_t i = 0; execution->given_up && i < execution->plan->action_count; i++)
        if (execution->steps[i].given_up)
            await_fail(&execution->steps[i]);
}

/* --- stopping early ----------------------------------------------------------------------------*/

/* What is still under way, for the message: the first AWAIT, or the first action. */
static const struct step *outstanding(const struct execution *execution) {
    const struct step *found = NULL;
    for (size_t i = 0; i < execution->plan->action_count; i++) {
        const struct step *step = &execution->steps[i];
        if (step->state != ACTION_RUNNING)
            continue;
        if (step_action(step)->verb == VERB_AWAIT)
            return step;
        found = found ? found : step;
    }
    return found;
}

static void explain_deadline(struct execution *execution) {
    struct error *error = &execution->result->first;
    const struct step *step = outstanding(execution);
    if (error->code != ERROR_NONE)
        return;
    if (!step) {
        error_set(error, ERROR_TIMEOUT, "out of time; allow more with --timeout");
        return;
    }
    const struct action *action = step_action(step);
    cleanup_free char *words = words_for_change(&execution->plan->changes[action->change]);
    if (action->verb == VERB_AWAIT)
        error_set(error, ERROR_TIMEOUT,
                  "out of time while waiting for %s: %s; see docker logs %s, or allow more with "
                  "--timeout",
                  words, step->detail ? step->detail : "no answer to its check yet",
                  words_for_target(action));
    else
        error_set(error, ERROR_TIMEOUT, "out of time during %s of %s; allow more with --timeout",
                  verb_name(action->verb), words);
}

static void stop(struct execution *execution) {
    execution->stopping = true;
    sequence_cancel_waiting(execution);
    for (size_t i = 0; i < execution->plan->action_count; i++) {
        struct step *step = &execution->steps[i];
        if (step->state != ACTION_RUNNING || step->given_up)
            continue;
        if (step_action(step)->verb == VERB_AWAIT)
            await_cancel(step);
        else
            attempt_cancel(step);
    }
}

static void abort_calls(struct execution *execution) {
    execution->aborting = true;
    http_abort_since(execution->engine->client, execution->mark);
}

static bool is_late(const struct execution *execution) {
    long long deadline = execution->options->deadline_ms;
    return deadline && http_now_ms() >= deadline;
}

static bool is_interrupted(const struct execution *execution) {
    return execution->options->interrupted && *execution->options->interrupted;
}

/* Stops when the user or the deadline says so; `*until_ms` is then the end of the grace. */
static void check_stop(struct execution *execution, long long *until_ms) {
    if (!execution->stopping && is_interrupted(execution)) {
        *until_ms = http_now_ms() + GRACE_MS;
        error_clear(&execution->result->first);
        error_set(&execution->result->first, ERROR_INTERRUPTED,
                  "interrupted; run the command again to go on");
        stop(execution);
    } else if (!execution->stopping && is_late(execution)) {
        *until_ms = 0;
        explain_deadline(execution);
        stop(execution);
    }
    if (execution->stopping && execution->occupied > 0 && http_now_ms() >= *until_ms)
        abort_calls(execution);
}

/* --- the loop ----------------------------------------------------------------------------------*/

static void tick(struct execution *execution) {
    const struct executor_observer *observer = &execution->options->observer;
    long long now = http_now_ms();
    if (!observer->tick || now - execution->last_tick_ms < TICK_MS)
        return;
    execution->last_tick_ms = now;
    observer->tick(observer->context);
}

/* Neither the client nor the graph has anything left that could ever end an action. That would be
 * a defect in a plan or an engine; it must not become an endless wait. */
static bool is_stuck(const struct execution *execution) {
    return !http_busy(execution->engine->client) && !execution->given_up &&
           execution->ready_calls.head == execution->ready_calls.tail &&
           execution->ready_others.head == execution->ready_others.tail;
}

static void give_up_stuck(struct execution *execution) {
    error_set(&execution->result->first, ERROR_FAILED,
              "%zu actions can never end: this is a defect of tse-reconcile; please report it with "
              "the output of `tse-reconcile plan`",
              execution->unsettled);
    for (size_t i = 0; i < execution->plan->action_count; i++) {
        enum action_state *state = &execution->steps[i].state;
        if (*state == ACTION_WAITING || *state == ACTION_RUNNING)
            *state = ACTION_CANCELLED;
    }
    execution->unsettled = 0;
}

static void execute(struct execution *execution) {
    struct http_client *client = execution->engine->client;
    long long grace_until_ms = 0;
    while (execution->unsettled > 0) {
        check_stop(execution, &grace_until_ms);
        start_ready(execution);
        if (execution->unsettled > 0 && is_stuck(execution))
            give_up_stuck(execution);
        if (execution->unsettled > 0)
            http_run(client, TICK_MS);
        fail_given_up(execution);
        tick(execution);
    }
    /* Probes whose AWAIT has ended without them: nothing waits for their answers, but they hold
     * pointers to the steps. */
    while (execution->calls > 0 && http_busy(client)) {
        abort_calls(execution);
        http_run(client, TICK_MS);
    }
}

static void count(const struct execution *execution) {
    struct execution_result *result = execution->result;
    for (size_t i = 0; i < execution->plan->action_count; i++) {
        const struct step *step = &execution->steps[i];
        result->done += step->state == ACTION_DONE;
        result->failed += step->state == ACTION_FAILED;
        result->skipped += step->state == ACTION_SKIPPED && !step->not_needed;
        result->cancelled += step->state == ACTION_CANCELLED;
    }
}

int executor_run(struct engine *engine, const struct environment *environment,
                 const struct plan *plan, const struct executor_options *options,
                 struct execution_result *result) {
    *result = (struct execution_result){0};
    struct execution execution = {.engine = engine,
                                  .environment = environment,
                                  .plan = plan,
                                  .options = options,
                                  .result = result,
                                  .mark = http_mark(engine->client)};
    sequence_build(&execution);
    execute(&execution);
    count(&execution);
    sequence_free(&execution);
    return result->failed || result->skipped || result->cancelled ? -1 : 0;
}
