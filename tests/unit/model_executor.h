/*
 * Performs a plan on the engine in memory, with the executor's rules (plan.h, control/executor.h),
 * but taking ready actions in random order, as if any number of them were in flight; and may fail
 * actions, or stop anywhere.
 */
#ifndef TSE_TESTS_MODEL_EXECUTOR_H
#define TSE_TESTS_MODEL_EXECUTOR_H

#include "model_engine.h"

struct model_run_options {
    size_t stop_after;          /* as many actions, then killed; SIZE_MAX: never */
    unsigned fail_percent;      /* of the actions that fail, undo actions not counted … */
    unsigned undo_fail_percent; /* … and of these */
    size_t most_failures;
    bool ambiguous; /* a failure may be one of which nobody knows whether it had an effect */
};

struct model_run {
    size_t done, refused; /* refused: by the engine or the plan, not injected */
    size_t injected;
    size_t failed_action; /* the injected or refused one that came last */
    const char *why;
    size_t too_early; /* a START before what it depends on was started or awaited, or ACTION_NONE */
    size_t unready;   /* a START when the engine did not have it so (a failure may explain that) */
};

struct model_run model_execute(struct model *model, const struct plan *plan,
                               const struct model_run_options *options);

#endif
