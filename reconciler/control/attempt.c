/*
 * One action as requests to the engine. A failure that may pass is tried again in place, after a
 * delay that doubles; what still fails then ends the action, and the next pass observes anew. A
 * CREATE is never repeated here: only observing tells whether the first one made something.
 */
#include "control/execution.h"

#include "base/memory.h"

#include <stdlib.h>

#define TRIES          5
#define FIRST_DELAY_MS 100L

/* What is left of the overall time, in milliseconds; 0: no limit but the engine's own for the verb.
 */
static long limit_ms(const struct step *step) {
    long long deadline = step->execution->options->deadline_ms;
    if (!deadline)
        return 0;
    long long left = deadline - http_now_ms();
    return left < 1 ? 1 : (long)left;
}

static void on_progress(void *context, const char *text, long long current, long long total) {
    struct step *step = context;
    const struct executor_observer *observer = &step->execution->options->observer;
    if (observer->progress && step->state == ACTION_RUNNING)
        observer->progress(observer->context, step->execution->plan, step->index, text, current,
                           total);
}

static void finish(struct step *step, enum action_state state, const struct error *error) {
    step->execution->occupied--;
    sequence_settle(step, state, error);
}

/* The engine's words may quote what it was sent. */
static void redact(const struct step *step, const struct error *error, struct error *redacted) {
    cleanup_free char *text = redact_secrets(step->execution->environment, error_text(error));
    error_set(redacted, error->code, "%s", text);
}

static void fail(struct step *step, const struct error *cause) {
    struct execution *execution = step->execution;
    if (execution->aborting) { /* it did not fail, it was given up */
        finish(step, ACTION_CANCELLED, NULL);
        return;
    }
    cleanup_error struct error redacted = ERROR_INIT;
    redact(step, cause, &redacted);
    const struct error *error = &redacted;
    /* Out of time means that nobody knows what happened: to be observed, not undone. */
    step->blameless = error_is_retryable(error->code) || error->code == ERROR_TIMEOUT;
    execution->result->retryable |= step->blameless;
    if (execution->options->last_attempt && error->code == ERROR_TRANSIENT)
        step->blameless = false;
    if (execution->result->first.code == ERROR_NONE)
        error_set(&execution->result->first, error->code, "%s", error_text(error));
    finish(step, ACTION_FAILED, error);
}

static void call(void *context);

static void on_done(void *context, bool ok, const struct error *error) {
    struct step *step = context;
    step->calling = false;
    step->execution->calls--;
    if (ok) {
        finish(step, ACTION_DONE, NULL);
        return;
    }
    bool again = error_is_retryable(error->code) && step_action(step)->verb != VERB_CREATE &&
                 step->tries < TRIES && !step->execution->stopping;
    if (!again) {
        fail(step, error);
        return;
    }
    long delay = FIRST_DELAY_MS << (step->tries - 1);
    step->timer = http_after(step->execution->engine->client, delay, call, step);
    cleanup_error struct error redacted = ERROR_INIT;
    redact(step, error, &redacted);
    on_progress(step, error_text(&redacted), 0, 0);
}

static void call(void *context) {
    struct step *step = context;
    struct execution *execution = step->execution;
    step->timer = NULL;
    step->tries++;
    step->calling = true;
    execution->calls++;
    execution->engine->operations->act(execution->engine, execution->environment, step_action(step),
                                       limit_ms(step), on_progress, on_done, step);
}

static void refuse(struct step *step) {
    const struct action *action = step_action(step);
    const struct change *change = &step->execution->plan->changes[action->change];
    bool foreign = change->observed && change->observed->foreign;
    cleanup_error struct error error = ERROR_INIT;
    cleanup_free char *words = words_for_change(change);
    error_set(&error, foreign ? ERROR_CONFLICT : ERROR_FAILED, "%s: %s", words, action->argument);
    fail(step, &error);
}

void attempt_start(struct step *step) {
    step->execution->occupied++;
    if (step_action(step)->verb == VERB_REFUSE)
        refuse(step);
    else
        call(step);
}

void attempt_cancel(struct step *step) {
    if (!step->timer)
        return;
    http_timer_cancel(step->execution->engine->client, step->timer);
    step->timer = NULL;
    finish(step, ACTION_CANCELLED, NULL);
}
