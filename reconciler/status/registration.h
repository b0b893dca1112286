/*
 * Registering in Redis what an environment runs (docs/redis-keys.md), while it is being converged:
 * an instance as soon as it is healthy, and all of it compared and repaired at the end. What Redis
 * holds is the only memory, so a reconciler that was killed anywhere is made good by the next one.
 * Redis being away is never a reason not to converge: the result says so.
 *
 * Nothing here is done for an environment without `redis`: registration_new() gives NULL, which
 * all functions allow.
 */
#ifndef TSE_STATUS_REGISTRATION_H
#define TSE_STATUS_REGISTRATION_H

#include "control/converge.h"
#include "status/status.h"

struct registration_run;

struct registration_result {
    size_t written, removed;
    struct error error; /* why not all is as it should be; owned by the run */
};

/* Engine, environment and flag must outlive it. `interrupted` becomes non-zero when the user wants
 * to stop; or NULL. */
struct registration_run *registration_new(struct engine *engine,
                                          const struct environment *environment,
                                          const volatile int *interrupted);
void registration_free(struct registration_run *run);

/* A pass found this: tells whether Redis is there already. */
void registration_observed(struct registration_run *run, const struct resource_set *observed,
                           const struct plan *plan);

/* An action has ended well: for executor_observer.action. Never blocks: what it leads to is done by
 * the loop, from its callbacks. */
void registration_action(struct registration_run *run, const struct plan *plan, size_t action);

/* Compares all of the environment with what Redis holds, and repairs that; runs the loop, some
 * seconds at most. `converged`: what is still starting is known to have become healthy. */
void registration_sync(struct registration_run *run, const struct status *status, bool converged);

/* Takes everything of the environment out; runs the loop, some seconds at most. `observed` tells
 * where Redis is: of one of its own that does not run, nothing can be taken. */
void registration_withdraw(struct registration_run *run, const struct resource_set *observed);

const struct registration_result *registration_result(const struct registration_run *run);

#endif
