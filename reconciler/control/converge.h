/*
 * One convergence: observe, plan, execute, and again until the plan is empty or nothing more can be
 * done. `apply` calls it once; the controller's loop calls it whenever something changed.
 */
#ifndef TSE_CONTROL_CONVERGE_H
#define TSE_CONTROL_CONVERGE_H

#include "control/executor.h"

struct converge_observer {
    /* What a pass found, before `planned`; may run the loop. */
    void (*observed)(void *context, const struct resource_set *desired,
                     const struct resource_set *observed, const struct plan *plan);
    /* The same at the end of a pass after which nothing is left to do: all that the plan awaits has
     * become healthy. May run the loop. */
    void (*converged)(void *context, const struct resource_set *desired,
                      const struct resource_set *observed, const struct plan *plan);
    void (*planned)(void *context, const struct plan *plan, int pass); /* before it is executed */
    void (*retrying)(void *context, const struct error *error, long delay_ms);
    void *context;
};

struct converge_options {
    struct executor_options executor;
    struct converge_observer observer;
    long timeout_ms;     /* --timeout: all of it; 0: none */
    bool remove_volumes; /* destroy --volumes */
};

struct converge_result {
    size_t changes; /* made, over all passes */
    int passes;
    struct error error; /* why it did not converge; clear it */
};

/*
 * Brings the engine to the desired state of `environment`; with `destroy` to nothing (the
 * environment still says whose resources they are). Observes, plans and executes in passes: a pass
 * that failed in a way that may pass (engine restarting, 5xx, 409 races) is followed by another
 * after a backoff (0.25 s doubling to 5 s), until the plan is empty and everything is healthy, only
 * permanent failures remain, or time is up. Returns 0 when converged, else -1 and result->error.
 */
int converge(struct engine *engine, const struct environment *environment, bool destroy,
             const struct converge_options *options, struct converge_result *result);

/* Observe and plan only. Everything lives in `arena`. */
int converge_plan(struct engine *engine, const struct environment *environment, bool destroy,
                  bool remove_volumes, struct arena *arena, struct resource_set *desired,
                  struct resource_set *observed, struct plan **plan, struct error *error);

#endif
