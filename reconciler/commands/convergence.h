/*
 * What apply and destroy have in common: converging with a view of it, and saying how it went.
 */
#ifndef TSE_COMMANDS_CONVERGENCE_H
#define TSE_COMMANDS_CONVERGENCE_H

#include "commands/common.h"

struct convergence_options {
    const char *file;
    struct output_options output;
    struct engine_options engine;
    long timeout_ms; /* 0: none */
    int parallel;
    bool verbose;
    bool dry_run;
    bool destroy;
    bool remove_volumes;
    bool plan_shown; /* the plan was printed before a question: not again */
};

#define CONVERGENCE_PARALLEL 16

/* --timeout, --parallel, -v; input: struct convergence_options. */
extern const struct argp convergence_argp;

/* Converges and reports. Returns an exit code. */
int convergence_run(struct connection *connection, const struct environment *environment,
                    const struct convergence_options *options);

/* Observes and plans only, and shows it. Returns EXIT_DONE or EXIT_CHANGES, or reports a failure;
 * *changes, if not NULL, is their number. */
int convergence_plan(struct connection *connection, const struct environment *environment,
                     const struct convergence_options *options, size_t *changes);

#endif
