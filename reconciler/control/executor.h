/*
 * Performs a plan: keeps every ready action in flight up to a limit, gates on health, retries what
 * can pass, stops only the dependents of what failed, and runs the undo actions of a change that
 * failed. It decides nothing: all order and all alternatives are in the plan.
 */
#ifndef TSE_CONTROL_EXECUTOR_H
#define TSE_CONTROL_EXECUTOR_H

#include "engines/engine.h"

enum action_state {
    ACTION_WAITING, /* for other actions, or for a free place */
    ACTION_RUNNING,
    ACTION_DONE,
    ACTION_FAILED,
    ACTION_SKIPPED,  /* something it needs failed, or (undo) was not needed */
    ACTION_CANCELLED /* interrupted or out of time */
};

/* What happens, as it happens; every function may be NULL. Called from the loop. */
struct executor_observer {
    void (*action)(void *context, const struct plan *plan, size_t action, enum action_state state,
                   const struct error *error); /* error: only with ACTION_FAILED */
    void (*progress)(void *context, const struct plan *plan, size_t action, const char *text,
                     long long current, long long total); /* of a pull, or a probe's last answer */
    void (*tick)(void *context); /* about ten times a second, for a live view */
    void *context;
};

struct executor_options {
    int parallel;          /* actions in flight, default 16 */
    long long deadline_ms; /* http_now_ms() at which everything must be done; 0: none */
    long await_ms;     /* limit of one AWAIT; 0: derived from the check (start period + (interval
                          + timeout) × retries, at least 60 s); to complete: 10 minutes */
    bool last_attempt; /* no pass follows one that fails as before: what the engine refuses is then
                          undone even if it might have passed */
    const volatile int *interrupted; /* becomes non-zero when the user wants to stop; or NULL.
                                        Actions in flight then have 3 s to end */
    struct executor_observer observer;
};

struct execution_result {
    size_t done, failed, skipped, cancelled;
    bool retryable; /* something failed that may pass on another attempt: observe and plan again */
    struct error first; /* the first failure; clear it */
};

/*
 * Returns 0 when every action that was needed succeeded, else -1 with the result filled.
 *
 * A change is undone when one of its actions failed for good, or was skipped because something else
 * did: a container that was stopped to be replaced must not stay down because what it depends on
 * does not work. What may pass on another attempt (engine unreachable, 5xx, no answer in time) is
 * not undone, and neither is what was cancelled: the next pass goes on from there. With
 * `last_attempt` there is none, so that what the engine refuses is undone too.
 */
int executor_run(struct engine *engine, const struct environment *environment,
                 const struct plan *plan, const struct executor_options *options,
                 struct execution_result *result);

#endif
