/*
 * Passes: observe, plan, execute, until the engine is as desired. Every pass starts from what the
 * engine really holds, so that nothing needs to be remembered between passes but why the last one
 * failed and what has turned out to be of no use (recall.h).
 */
#include "control/converge.h"

#include "base/memory.h"
#include "control/recall.h"
#include "spec/quantity.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_BACKOFF_MS 250L
#define LAST_BACKOFF_MS  5000L
/* An engine that is away is waited for this long when there is no overall limit. */
#define ABSENCE_LIMIT_MS 30000LL
/* Passes that fail in the same way at the same point, and passes that succeed although the next
 * plan is not empty, before it is given up. */
#define SAME_FAILURE_LIMIT 5
#define UNSTABLE_LIMIT     8

struct convergence {
    struct engine *engine;
    const struct environment *environment;
    bool destroy;
    const struct converge_options *options;
    struct converge_result *result;
    long long deadline_ms; /* 0: none */
    long backoff_ms;
    long long absent_since_ms; /* of the engine; 0: it answered last time */
    char *failure;             /* of the last pass: its error and its plan */
    int same_failures;
    int unstable; /* passes that succeeded and changed something, in a row */
    struct recall recall;
};

enum step_result { AGAIN, CONVERGED, STOP };

/* What one pass works on; everything lives in the arena. */
struct view {
    struct arena *arena;
    struct resource_set desired, observed;
    struct plan *plan;
};

static int look(struct engine *engine, const struct environment *environment, bool destroy,
                bool remove_volumes, const struct recall *recall, struct view *view,
                struct error *error) {
    struct plan_options options = engine->capabilities;
    options.remove_volumes = remove_volumes;
    struct arena *arena = view->arena;
    if (engine->operations->compile(engine, arena, destroy ? NULL : environment, &view->desired,
                                    error))
        return -1;
    recall_spare_pulls(recall, &view->desired);
    if (engine->operations->observe(engine, arena, environment->project, environment->name,
                                    &view->desired, &view->observed, error))
        return -1;
    return plan_make(arena, &view->desired, &view->observed, &options, &view->plan, error);
}

int converge_plan(struct engine *engine, const struct environment *environment, bool destroy,
                  bool remove_volumes, struct arena *arena, struct resource_set *desired,
                  struct resource_set *observed, struct plan **plan, struct error *error) {
    static const struct recall nothing;
    struct view view = {.arena = arena};
    int result = look(engine, environment, destroy, remove_volumes, &nothing, &view, error);
    *desired = view.desired;
    *observed = view.observed;
    *plan = view.plan;
    return result;
}

/* --- counting what was changed -----------------------------------------------------------------*/

/* Stands between the executor and the caller's observer. */
struct tally {
    const struct executor_observer *observer;
    bool *touched, *failed; /* by change */
    struct recall *recall;
};

static void tally_action(void *context, const struct plan *plan, size_t index,
                         enum action_state state, const struct error *error) {
    struct tally *tally = context;
    const struct action *action = &plan->actions[index];
    if (state == ACTION_DONE && action->verb != VERB_AWAIT && action->undoes == ACTION_NONE)
        tally->touched[action->change] = true;
    if (state == ACTION_DONE)
        recall_pull(tally->recall, action);
    if (state == ACTION_FAILED)
        tally->failed[action->change] = true;
    if (tally->observer->action)
        tally->observer->action(tally->observer->context, plan, index, state, error);
}

static void tally_progress(void *context, const struct plan *plan, size_t index, const char *text,
                           long long current, long long total) {
    struct tally *tally = context;
    if (tally->observer->progress)
        tally->observer->progress(tally->observer->context, plan, index, text, current, total);
}

static void tally_tick(void *context) {
    struct tally *tally = context;
    if (tally->observer->tick)
        tally->observer->tick(tally->observer->context);
}

static int execute(struct convergence *convergence, const struct plan *plan,
                   struct execution_result *result) {
    const struct executor_options *given = &convergence->options->executor;
    cleanup_free bool *touched = memory_alloc(plan->change_count * sizeof *touched);
    cleanup_free bool *failed = memory_alloc(plan->change_count * sizeof *failed);
    struct tally tally = {&given->observer, touched, failed, &convergence->recall};
    struct executor_options options = *given;
    if (convergence->deadline_ms &&
        (!options.deadline_ms || convergence->deadline_ms < options.deadline_ms))
        options.deadline_ms = convergence->deadline_ms;
    options.last_attempt = convergence->same_failures + 1 >= SAME_FAILURE_LIMIT;
    options.observer = (struct executor_observer){tally_action, tally_progress, tally_tick, &tally};
    int code = executor_run(convergence->engine, convergence->environment, plan, &options, result);
    for (size_t i = 0; i < plan->change_count; i++)
        convergence->result->changes +=
            plan->changes[i].kind != CHANGE_NONE && touched[i] && !failed[i];
    return code;
}

/* --- time --------------------------------------------------------------------------------------*/

static bool is_interrupted(const struct convergence *convergence) {
    const volatile int *flag = convergence->options->executor.interrupted;
    return flag && *flag;
}

static void rung(void *context) {
    *(bool *)context = true;
}

/* Waits, with the loop running for whoever else uses the client. */
static void sleep_ms(struct convergence *convergence, long delay_ms) {
    struct http_client *client = convergence->engine->client;
    const struct executor_observer *observer = &convergence->options->executor.observer;
    bool done = false;
    struct http_timer *timer = http_after(client, delay_ms, rung, &done);
    while (!done && !is_interrupted(convergence)) {
        http_run(client, 100);
        if (observer->tick)
            observer->tick(observer->context);
    }
    if (!done)
        http_timer_cancel(client, timer);
}

static enum step_result stop_with(struct convergence *convergence, struct error *error) {
    error_move(&convergence->result->error, error);
    return STOP;
}

static enum step_result out_of_time(struct convergence *convergence, struct error *error) {
    char buffer[32];
    format_duration(buffer, sizeof buffer, (int64_t)convergence->options->timeout_ms * 1000000);
    if (error->code == ERROR_NONE)
        error_set(error, ERROR_TIMEOUT, "allow more with --timeout");
    error_wrap(error, "not converged within %s", buffer);
    error->code = ERROR_TIMEOUT;
    return stop_with(convergence, error);
}

static enum step_result interrupted(struct convergence *convergence) {
    error_set(&convergence->result->error, ERROR_INTERRUPTED,
              "interrupted; run the command again to go on");
    return STOP;
}

/* --- after a pass that failed ------------------------------------------------------------------*/

/* What sort of failure a pass ended with, and at which plan: two passes with the same text got
 * equally far. Error texts and targets are left out: the ids in them are others for each container
 * that a pass makes. */
static char *fingerprint(const struct error *error, const struct plan *plan) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (!stream)
        return copy_text("");
    fprintf(stream, "%d\n", (int)error->code);
    for (size_t i = 0; plan && i < plan->action_count; i++) {
        const struct action *action = &plan->actions[i];
        fprintf(stream, "%s %s\n", verb_name(action->verb), plan->changes[action->change].key);
    }
    fclose(stream);
    return text;
}

static bool is_absent_too_long(struct convergence *convergence, const struct error *error) {
    long long now = http_now_ms();
    if (error->code != ERROR_UNREACHABLE && error->code != ERROR_TIMEOUT) {
        convergence->absent_since_ms = 0;
        return false;
    }
    if (!convergence->absent_since_ms)
        convergence->absent_since_ms = now;
    return !convergence->deadline_ms && now - convergence->absent_since_ms >= ABSENCE_LIMIT_MS;
}

static bool fails_the_same_again(struct convergence *convergence, const struct error *error,
                                 const struct plan *plan) {
    char *failure = fingerprint(error, plan);
    bool same = convergence->failure && strcmp(failure, convergence->failure) == 0;
    free(convergence->failure);
    convergence->failure = failure;
    convergence->same_failures = same ? convergence->same_failures + 1 : 1;
    if (!same)
        convergence->backoff_ms = FIRST_BACKOFF_MS;
    /* Whether an engine that is away comes back is a matter of time, not of attempts. */
    return error->code != ERROR_UNREACHABLE && convergence->same_failures >= SAME_FAILURE_LIMIT;
}

/* Waits before the next pass, unless there is no point in one. */
static enum step_result retry(struct convergence *convergence, struct error *error,
                              const struct plan *plan) {
    bool hopeless = is_absent_too_long(convergence, error);
    hopeless |= fails_the_same_again(convergence, error, plan);
    if (hopeless)
        return stop_with(convergence, error);
    long delay = convergence->backoff_ms;
    long long left = convergence->deadline_ms - http_now_ms();
    if (convergence->deadline_ms && left <= delay)
        return out_of_time(convergence, error);
    const struct converge_observer *observer = &convergence->options->observer;
    if (observer->retrying)
        observer->retrying(observer->context, error, delay);
    error_clear(error);
    sleep_ms(convergence, delay);
    convergence->backoff_ms *= 2;
    if (convergence->backoff_ms > LAST_BACKOFF_MS)
        convergence->backoff_ms = LAST_BACKOFF_MS;
    return AGAIN;
}

/* --- a pass ------------------------------------------------------------------------------------*/

static void describe_unstable(FILE *out, const struct plan *plan) {
    const char *separator = "";
    for (size_t i = 0; i < plan->change_count; i++) {
        const struct change *change = &plan->changes[i];
        if (change->kind == CHANGE_NONE)
            continue;
        fprintf(out, "%s%s (", separator, change->key);
        separator = ", ";
        if (!change->field_count) {
            fprintf(out, "%s)", change_kind_name(change->kind));
            continue;
        }
        const struct field_change *field = &change->fields[0];
        fprintf(out, "%s: %s → %s)", field->path, field->from ? field->from : "(none)",
                field->to ? field->to : "(none)");
    }
}

static enum step_result unstable(struct convergence *convergence, const struct plan *plan) {
    char *text = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&text, &size);
    if (stream) {
        describe_unstable(stream, plan);
        fclose(stream);
    }
    cleanup_free char *changing = text;
    error_set(&convergence->result->error, ERROR_FAILED,
              "after %d passes that succeeded there is still something to change: %s; see whether "
              "another program changes it back (docker events), else report this as a defect",
              UNSTABLE_LIMIT, changing ? changing : "");
    return STOP;
}

/* Whether performing the plan could change nothing. Changes that are entries of no interest to
 * people may still hold work, so the actions are looked at. */
static bool is_idle(const struct plan *plan) {
    for (size_t i = 0; i < plan->action_count; i++)
        if (plan->actions[i].verb != VERB_AWAIT)
            return false;
    return plan_change_count(plan) == 0;
}

static enum step_result after_success(struct convergence *convergence, const struct plan *plan) {
    free(convergence->failure);
    convergence->failure = NULL;
    convergence->same_failures = 0;
    convergence->backoff_ms = FIRST_BACKOFF_MS;
    convergence->absent_since_ms = 0;
    recall_pass(&convergence->recall, plan);
    /* Only observing again tells whether the engine did as it was told. */
    if (is_idle(plan))
        return CONVERGED;
    return ++convergence->unstable >= UNSTABLE_LIMIT ? unstable(convergence, plan) : AGAIN;
}

static enum step_result after_failure(struct convergence *convergence,
                                      struct execution_result *outcome, const struct plan *plan) {
    convergence->unstable = 0;
    recall_pass(&convergence->recall, NULL);
    if (outcome->first.code == ERROR_INTERRUPTED || is_interrupted(convergence))
        return interrupted(convergence);
    if (convergence->deadline_ms && http_now_ms() >= convergence->deadline_ms)
        return out_of_time(convergence, &outcome->first);
    if (!outcome->retryable)
        return stop_with(convergence, &outcome->first);
    return retry(convergence, &outcome->first, plan);
}

/* Whether all that the plan awaits was seen running. What was ready for a moment and then exited is
 * to be awaited again: it may be failing over and over. */
static bool is_all_running(const struct plan *plan) {
    for (size_t i = 0; i < plan->action_count; i++) {
        const struct action *action = &plan->actions[i];
        const struct resource *observed =
            action->observed ? action->observed : plan->changes[action->change].observed;
        if (action->verb == VERB_AWAIT && observed && observed->state != RUN_RUNNING)
            return false;
    }
    return true;
}

/* Observing ran into something that may pass. An answer that does not come in time counts: the
 * engine may be busy or hanging. */
static bool may_pass(const struct error *error) {
    return error_is_retryable(error->code) || error->code == ERROR_TIMEOUT;
}

/* Performs a plan. */
static enum step_result perform(struct convergence *convergence, const struct plan *plan) {
    /* The plan after a pass that succeeded holds no more than AWAITs that this pass has just seen
     * end well, of containers whose own first check is yet to come. */
    if (plan->action_count == 0 ||
        (convergence->unstable > 0 && is_idle(plan) && is_all_running(plan)))
        return CONVERGED;
    struct execution_result outcome;
    int code = execute(convergence, plan, &outcome);
    enum step_result next =
        code == 0 ? after_success(convergence, plan) : after_failure(convergence, &outcome, plan);
    error_clear(&outcome.first);
    return next;
}

static enum step_result pass(struct convergence *convergence) {
    cleanup_arena struct arena *arena = arena_new();
    cleanup_error struct error error = ERROR_INIT;
    const struct converge_observer *observer = &convergence->options->observer;
    struct view view = {.arena = arena};
    if (look(convergence->engine, convergence->environment, convergence->destroy,
             convergence->options->remove_volumes, &convergence->recall, &view, &error)) {
        if (is_interrupted(convergence))
            return interrupted(convergence);
        return may_pass(&error) ? retry(convergence, &error, NULL) : stop_with(convergence, &error);
    }
    const struct plan *plan = view.plan;
    convergence->result->passes++;
    if (observer->observed)
        observer->observed(observer->context, &view.desired, &view.observed, plan);
    if (observer->planned)
        observer->planned(observer->context, plan, convergence->result->passes);
    if (plan->action_count > 0 && recall_check(&convergence->recall, plan, &error))
        return stop_with(convergence, &error);
    enum step_result next = perform(convergence, plan);
    if (next == CONVERGED && observer->converged)
        observer->converged(observer->context, &view.desired, &view.observed, plan);
    return next;
}

int converge(struct engine *engine, const struct environment *environment, bool destroy,
             const struct converge_options *options, struct converge_result *result) {
    *result = (struct converge_result){0};
    struct convergence convergence = {.engine = engine,
                                      .environment = environment,
                                      .destroy = destroy,
                                      .options = options,
                                      .result = result,
                                      .backoff_ms = FIRST_BACKOFF_MS};
    if (options->timeout_ms > 0)
        convergence.deadline_ms = http_now_ms() + options->timeout_ms;
    engine->limits = (struct engine_limits){convergence.deadline_ms, options->executor.interrupted};
    enum step_result next = AGAIN;
    while (next == AGAIN) {
        cleanup_error struct error none = ERROR_INIT;
        if (is_interrupted(&convergence))
            next = interrupted(&convergence);
        else if (convergence.deadline_ms && http_now_ms() >= convergence.deadline_ms)
            next = out_of_time(&convergence, &none);
        else
            next = pass(&convergence);
    }
    engine->limits = (struct engine_limits){0};
    free(convergence.failure);
    recall_free(&convergence.recall);
    return next == CONVERGED ? 0 : -1;
}
