/*
 * The progress of a convergence, for people. On a terminal, finished changes scroll by above a
 * small live view of what is running and what waits for what, redrawn in place:
 *
 *   ✓ network/internal      0.2s  created
 *   ⠹ dev: 1 of 9 changes   3.4s
 *   ⠹ service/postgres      3.1s  waiting until healthy: connection refused
 *     service/registry            waits for service/postgres
 *
 * Anywhere else, one plain line for each change that ended: "network/internal: created (0.2s)".
 */
#ifndef TSE_COMMANDS_PROGRESS_H
#define TSE_COMMANDS_PROGRESS_H

#include "commands/rows.h"
#include "commands/terminal.h"

struct progress {
    struct terminal terminal;
    const char *title; /* the environment's name; not owned */
    long long (*now)(void);
    long long since_ms;
    struct rows rows;
    size_t *drawn; /* columns of each line of the live view that is on the screen */
    size_t drawn_count;
};

/* `now` gives monotonic milliseconds: http_now_ms. */
void progress_begin(struct progress *progress, const struct terminal *terminal, const char *title,
                    long long (*now)(void));

/* A plan is about to be executed; ends the view of the one before. The plan must live until the
 * executor has returned, no longer. */
void progress_plan(struct progress *progress, const struct plan *plan);

/* A line between two passes; ends the view of the one before. */
void progress_note(struct progress *progress, const char *text);

/* Shows how the last changes ended, takes the live view away and gives the cursor back. */
void progress_end(struct progress *progress);

/* To be passed to the executor. */
struct executor_observer progress_observer(struct progress *progress);

#endif
