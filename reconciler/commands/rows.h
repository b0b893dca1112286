/*
 * The model behind the progress view: one row for each change of the plan, kept up to date from
 * what the executor reports. Knows nothing of terminals; progress.h draws it.
 */
#ifndef TSE_COMMANDS_ROWS_H
#define TSE_COMMANDS_ROWS_H

#include "control/executor.h"

enum row_state { ROW_WAITING, ROW_RUNNING, ROW_DONE, ROW_FAILED, ROW_SKIPPED, ROW_CANCELLED };

struct row {
    char *key;    /* "service/redis" */
    char *ending; /* what is said when it succeeded: "created, healthy" */
    enum row_state state;
    enum change_kind kind;
    bool quiet;                              /* nothing changes, its health is only awaited */
    size_t change;                           /* index in the plan */
    size_t first;                            /* index of its first action */
    const struct action *action;             /* the one that is running, or NULL */
    char *detail;                            /* the last words of that action's progress, or NULL */
    long long current, total;                /* bytes of a pull; total 0: unknown */
    char *problem;                           /* why it failed or was skipped, or NULL */
    size_t running;                          /* actions that run now */
    size_t open, open_undos;                 /* actions that have not ended */
    bool failed, skipped, cancelled, undone; /* some action of it was; undone: some undo ran */
    bool started;
    bool told;                    /* the viewer's: its last line was shown */
    long long since_ms, until_ms; /* since: when its first action started */
};

struct rows {
    struct row *items;
    size_t count;
    enum action_state *states; /* of the plan's actions */
    const struct plan *plan;   /* valid while it is being executed */
};

/* Starts over with the changes of `plan`. */
void rows_begin(struct rows *rows, const struct plan *plan);
void rows_free(struct rows *rows);

/* What the executor's observer is told; returns the row it concerns. */
struct row *rows_action(struct rows *rows, size_t action, enum action_state state,
                        const struct error *error, long long now_ms);
struct row *rows_progress(struct rows *rows, size_t action, const char *text, long long current,
                          long long total);

/* The executor reports no more: rows that are still open are settled from what is known. Does not
 * look at the plan, which may be gone. */
void rows_settle(struct rows *rows, long long now_ms);

bool row_is_open(const struct row *row); /* waiting or running */

/* What a row is doing, what it waits for, or how it ended: "pulling 12.3 MB of 40.1 MB", "waits for
 * service/postgres", "created, healthy"; of a failure maybe several lines. malloc'd. Only for open
 * rows does it look at the plan. */
char *row_text(const struct rows *rows, const struct row *row);

#endif
