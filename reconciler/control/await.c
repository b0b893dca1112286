/*
 * One AWAIT as probes in quick succession: at once, then after 50 ms, doubling to 1 s, whatever the
 * interval of the service's own check (design, promise 9), so that a dependent starts moments after
 * its dependency is ready.
 */
#include "control/execution.h"

#include "base/memory.h"
#include "spec/quantity.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_DELAY_MS      50L
#define LAST_DELAY_MS       1000L
#define LEAST_LIMIT_MS      60000LL
#define COMPLETION_LIMIT_MS 600000LL
#define MOST_LIMIT_MS       (24 * 3600 * 1000LL)
#define LOG_LINES           5
#define NS_PER_MS           1000000LL
/* A container without a check counts as ready when it still runs this long after it was seen
 * running: one that exits at once is seen running too. */
#define STAYS_MS 300
/* What Docker takes for a check that declares nothing else. */
#define DEFAULT_INTERVAL_NS (30000 * NS_PER_MS)
#define DEFAULT_TIMEOUT_NS  (30000 * NS_PER_MS)
#define DEFAULT_RETRIES     3

static long long milliseconds(int64_t nanoseconds, int64_t fallback) {
    long long value = (nanoseconds ? nanoseconds : fallback) / NS_PER_MS;
    return value < MOST_LIMIT_MS ? value : MOST_LIMIT_MS;
}

static bool is_checked(const struct service *service) {
    return service->healthcheck.kind != CHECK_DEFAULT &&
           service->healthcheck.kind != CHECK_DISABLED;
}

long await_limit_ms(const struct executor_options *options, const struct action *action) {
    const struct service *service = action->desired ? action->desired->service : NULL;
    if (options->await_ms > 0)
        return options->await_ms;
    if (action->condition == DEPENDS_COMPLETED)
        return COMPLETION_LIMIT_MS;
    if (!service || action->condition == DEPENDS_STARTED || !is_checked(service))
        return LEAST_LIMIT_MS;
    const struct healthcheck *check = &service->healthcheck;
    long long retries = check->retries ? check->retries : DEFAULT_RETRIES;
    long long round = milliseconds(check->interval_ns, DEFAULT_INTERVAL_NS) +
                      milliseconds(check->timeout_ns, DEFAULT_TIMEOUT_NS);
    if (retries > MOST_LIMIT_MS / (round + 1))
        return MOST_LIMIT_MS;
    long long limit = milliseconds(check->start_period_ns, 0) + round * retries;
    limit = limit < MOST_LIMIT_MS ? limit : MOST_LIMIT_MS;
    return limit > LEAST_LIMIT_MS ? limit : LEAST_LIMIT_MS;
}

/* --- the ends of an AWAIT ----------------------------------------------------------------------*/

static void stop_timers(struct step *step) {
    struct http_client *client = step->execution->engine->client;
    if (step->timer)
        http_timer_cancel(client, step->timer);
    if (step->limit)
        http_timer_cancel(client, step->limit);
    step->timer = step->limit = NULL;
}

void await_cancel(struct step *step) {
    stop_timers(step);
    sequence_settle(step, ACTION_CANCELLED, NULL);
}

static const char *state_awaited(enum depends_condition condition) {
    switch (condition) {
    case DEPENDS_STARTED:
        return "start";
    case DEPENDS_COMPLETED:
        return "complete";
    default:
        return "become healthy";
    }
}

/* Fails the step, but leaves reading the logs to the loop: that runs the loop itself, which is not
 * allowed from a callback. */
static void give_up(struct step *step, const char *how_long) {
    cleanup_free char *words =
        words_for_change(&step->execution->plan->changes[step_action(step)->change]);
    error_set(&step->error, ERROR_FAILED, "%s did not %s%s: %s", words,
              state_awaited(step_action(step)->condition), how_long,
              step->detail ? step->detail : "no answer to its check");
    stop_timers(step);
    step->given_up = true;
    step->execution->given_up++;
}

static void limit_passed(void *context) {
    struct step *step = context;
    char buffer[32];
    step->limit = NULL;
    long limit = await_limit_ms(step->execution->options, step_action(step));
    cleanup_free char *how_long =
        format_text(" within %s", format_duration(buffer, sizeof buffer, limit * NS_PER_MS));
    give_up(step, how_long);
}

/* Every line of a text on a line of its own, indented. */
static char *indent(const char *text) {
    cleanup_free char *lines = copy_text(text);
    char *result = copy_text(""), *rest = NULL;
    for (char *line = strtok_r(lines, "\r\n", &rest); line; line = strtok_r(NULL, "\r\n", &rest)) {
        char *longer = format_text("%s\n    %s", result, line);
        free(result);
        result = longer;
    }
    return result;
}

void await_fail(struct step *step) {
    struct execution *execution = step->execution;
    struct engine *engine = execution->engine;
    const struct action *action = step_action(step);
    const char *name = words_for_target(action);
    cleanup_free char *logs =
        execution->aborting ? NULL
                            : engine->operations->last_logs(engine, action->target, LOG_LINES);
    cleanup_free char *shown = redact_secrets(execution->environment, logs ? logs : "");
    cleanup_free char *lines = indent(shown);
    cleanup_error struct error error = ERROR_INIT;
    if (*lines)
        error_set(&error, step->error.code, "%s; its last lines (all: docker logs %s):%s",
                  error_text(&step->error), name, lines);
    else
        error_set(&error, step->error.code, "%s; see docker logs %s", error_text(&step->error),
                  name);
    step->given_up = false;
    execution->given_up--;
    if (execution->result->first.code == ERROR_NONE)
        error_set(&execution->result->first, error.code, "%s", error_text(&error));
    sequence_settle(step, ACTION_FAILED, &error);
}

/* --- probing -----------------------------------------------------------------------------------*/

/* Whether the engine starts the container again when it exits. */
static bool is_restarted(const struct service *service, bool failed) {
    switch (service->restart) {
    case RESTART_NO:
        return false;
    case RESTART_ON_FAILURE:
        return failed;
    default:
        return true;
    }
}

enum verdict { VERDICT_REACHED, VERDICT_WAIT, VERDICT_HOPELESS };

static enum verdict judge(const struct action *action, enum probe_result result) {
    const struct service *service = action->desired->service;
    switch (result) {
    case PROBE_HEALTHY:
        return action->condition == DEPENDS_COMPLETED ? VERDICT_WAIT : VERDICT_REACHED;
    case PROBE_COMPLETED:
        if (action->condition != DEPENDS_HEALTHY || service->completes)
            return VERDICT_REACHED;
        return is_restarted(service, false) ? VERDICT_WAIT : VERDICT_HOPELESS;
    case PROBE_FAILED:
        return is_restarted(service, true) ? VERDICT_WAIT : VERDICT_HOPELESS;
    case PROBE_HOPELESS:
        return VERDICT_HOPELESS;
    default:
        return VERDICT_WAIT;
    }
}

static void probe(void *context);

/* Whether "running" has to be seen twice: of what this plan starts. */
static bool must_stay(const struct step *step, enum probe_result result) {
    const struct action *action = step_action(step);
    enum change_kind kind = step->execution->plan->changes[action->change].kind;
    return result == PROBE_HEALTHY && !step->seen_running && action->condition == DEPENDS_HEALTHY &&
           !is_checked(action->desired->service) &&
           (kind == CHANGE_CREATE || kind == CHANGE_REPLACE || kind == CHANGE_FINISH ||
            kind == CHANGE_START || kind == CHANGE_RESTART);
}

static void probe_after(struct step *step, long delay_ms) {
    step->timer = http_after(step->execution->engine->client, delay_ms, probe, step);
}

static void show(const struct step *step) {
    const struct executor_observer *observer = &step->execution->options->observer;
    if (observer->progress && step->detail)
        observer->progress(observer->context, step->execution->plan, step->index, step->detail, 0,
                           0);
}

static void on_probe(void *context, enum probe_result result, const char *detail) {
    struct step *step = context;
    step->calling = false;
    step->execution->calls--;
    if (step->state != ACTION_RUNNING || step->given_up)
        return; /* it came too late */
    free(step->detail);
    step->detail = detail && *detail ? redact_secrets(step->execution->environment, detail) : NULL;
    switch (judge(step_action(step), result)) {
    case VERDICT_REACHED:
        if (must_stay(step, result)) {
            step->seen_running = true;
            probe_after(step, STAYS_MS);
            return;
        }
        stop_timers(step);
        sequence_settle(step, ACTION_DONE, NULL);
        return;
    case VERDICT_HOPELESS:
        give_up(step, "");
        return;
    case VERDICT_WAIT:
        show(step);
        step->seen_running = false;
        probe_after(step, step->probe_delay_ms);
        step->probe_delay_ms *= 2;
        if (step->probe_delay_ms > LAST_DELAY_MS)
            step->probe_delay_ms = LAST_DELAY_MS;
    }
}

static void probe(void *context) {
    struct step *step = context;
    struct execution *execution = step->execution;
    const struct action *action = step_action(step);
    step->timer = NULL;
    step->calling = true;
    step->tries++;
    execution->calls++;
    execution->engine->operations->probe(execution->engine, action->desired->service,
                                         action->target, action->condition, on_probe, step);
}

void await_start(struct step *step) {
    struct execution *execution = step->execution;
    step->probe_delay_ms = FIRST_DELAY_MS;
    step->limit =
        http_after(execution->engine->client, await_limit_ms(execution->options, step_action(step)),
                   limit_passed, step);
    probe(step);
}
