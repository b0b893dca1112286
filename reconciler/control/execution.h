/*
 * What the files of the executor share: one execution of one plan. Not for inclusion outside
 * control/.
 *
 * executor.c  the loop, starting and stopping
 * sequence.c     which action may run next, what a failure skips, which undo actions it calls for
 * attempt.c   one action as requests to the engine, with retries
 * await.c     one AWAIT as probes in quick succession
 * redact.c    keeping secrets out of what containers say
 */
#ifndef TSE_CONTROL_EXECUTION_H
#define TSE_CONTROL_EXECUTION_H

#include "control/executor.h"

#include <stddef.h>

struct execution;

struct step { /* one action */
    struct execution *execution;
    size_t index; /* in the plan */
    enum action_state state;
    size_t missing;    /* needs that are not done yet */
    bool blameless;    /* skipped or failed by what may pass on another attempt: no undo */
    bool not_needed;   /* an undo action that nothing called for */
    bool queued;       /* is, or was, in a ready queue */
    size_t next_undo;  /* undo actions: the change's next one, or ACTION_NONE */
    bool given_up;     /* AWAIT: failed, `error` says why, but the logs are still to be read */
    int tries;         /* requests sent for it */
    bool calling;      /* the engine has one of our callbacks */
    bool seen_running; /* AWAIT: of a container without a check; once more is to be looked */
    struct http_timer *timer; /* the next try, or the next probe */
    struct http_timer *limit; /* AWAIT: the end of patience */
    long probe_delay_ms;
    char *detail; /* AWAIT: what the last probe saw */
    struct error error;
};

struct change_state {
    size_t open;   /* actions that are not settled, undo actions not counted */
    size_t broken; /* the last action that calls for an undo, or ACTION_NONE */
    size_t undo;   /* the first undo action that is not settled, or ACTION_NONE */
};

struct ready_queue { /* each action enters at most once, so an array of all has room */
    size_t *items, head, tail;
};

struct execution {
    struct engine *engine;
    const struct environment *environment;
    const struct plan *plan;
    const struct executor_options *options;
    struct execution_result *result;
    struct step *steps;
    struct change_state *changes;
    /* dependents of action i: dependents[dependents_at[i]] … dependents[dependents_at[i + 1] - 1]
     */
    size_t *dependents, *dependents_at;
    struct ready_queue ready_calls, ready_others; /* with a call to the engine, and without */
    size_t *doomed;   /* room for settling the dependents of a failure */
    size_t unsettled; /* actions that have not ended */
    int occupied;     /* places in flight; an AWAIT takes none */
    int calls;        /* callbacks the engine still has */
    int given_up;     /* steps with given_up set */
    bool stopping;    /* nothing new starts */
    bool aborting;    /* what is in flight was given up */
    unsigned long long mark;
    long long last_tick_ms;
};

static inline const struct action *step_action(const struct step *step) {
    return &step->execution->plan->actions[step->index];
}

static inline bool is_undo(const struct action *action) {
    return action->undoes != ACTION_NONE;
}

/* --- sequence.c
 * ------------------------------------------------------------------------------------
 */
/* Allocates the graph of the plan and fills the ready queue. */
void sequence_build(struct execution *execution);
void sequence_free(struct execution *execution);
/* Takes the next action that may start, or returns NULL. Actions without a call of their own
 * (AWAIT, REFUSE) come first; those with one only if there is a `place` for them. */
struct step *sequence_next(struct execution *execution, bool place);
/* An action has ended: tells the observer, then makes ready, skips or undoes what follows. `error`
 * only with ACTION_FAILED. */
void sequence_settle(struct step *step, enum action_state state, const struct error *error);
/* Ends everything that has not started, as cancelled. */
void sequence_cancel_waiting(struct execution *execution);

/* --- attempt.c ----------------------------------------------------------------------------------
 */
void attempt_start(struct step *step);
void attempt_cancel(struct step *step); /* a step between two tries */

/* --- await.c ------------------------------------------------------------------------------------
 */
void await_start(struct step *step);
void await_cancel(struct step *step);
/* The failure of a step that is given_up, with the container's last lines. Runs the loop. */
void await_fail(struct step *step);
/* How long an AWAIT may take, in milliseconds, see executor_options.await_ms. */
long await_limit_ms(const struct executor_options *options, const struct action *action);

/* --- redact.c -----------------------------------------------------------------------------------
 */
/* The text with every value of the environment's secrets as "(secret)"; malloc'd. Values are looked
 * for line by line, those of fewer than 4 characters not at all. */
char *redact_secrets(const struct environment *environment, const char *text);

/* --- words.c ------------------------------------------------------------------------------------
 */
/* "service redis" for the change an action belongs to, "service/redis"; malloc'd. */
char *words_for_change(const struct change *change);
/* The name of the container an action is about, for people: its target may be an id. */
const char *words_for_target(const struct action *action);

#endif
