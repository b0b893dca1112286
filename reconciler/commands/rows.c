/* The model behind the progress view; see rows.h. */
#include "commands/rows.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

static bool is_undo(const struct action *action) {
    return action->undoes != ACTION_NONE;
}

static bool is_final(enum action_state state) {
    return state != ACTION_WAITING && state != ACTION_RUNNING;
}

bool row_is_open(const struct row *row) {
    return row->state == ROW_WAITING || row->state == ROW_RUNNING;
}

void rows_free(struct rows *rows) {
    for (size_t i = 0; i < rows->count; i++) {
        free(rows->items[i].key);
        free(rows->items[i].ending);
        free(rows->items[i].detail);
        free(rows->items[i].problem);
    }
    free(rows->items);
    free(rows->states);
    *rows = (struct rows){0};
}

/* --- how a change ends well --------------------------------------------------------------------
 */

static const char *past(enum change_kind kind) {
    switch (kind) {
    case CHANGE_NONE:
        return "unchanged";
    case CHANGE_CREATE:
        return "created";
    case CHANGE_UPDATE:
        return "updated";
    case CHANGE_REPLACE:
        return "replaced";
    case CHANGE_START:
        return "started";
    case CHANGE_UNPAUSE:
        return "unpaused";
    case CHANGE_RENAME:
        return "renamed";
    case CHANGE_RESTART:
        return "restarted";
    case CHANGE_PULL:
        return "pulled";
    case CHANGE_REMOVE:
        return "removed";
    case CHANGE_FINISH:
        return "interrupted replacement settled";
    case CHANGE_REFUSE:
        break;
    }
    return "refused";
}

/* "healthy" is said only where a check is declared: without one, it may just run. */
static const char *awaited(const struct action *action, const struct change *change) {
    const struct service *service = change->desired ? change->desired->service : NULL;
    switch (action->condition) {
    case DEPENDS_STARTED:
        return "running";
    case DEPENDS_COMPLETED:
        return "completed";
    case DEPENDS_HEALTHY:
        break;
    }
    bool checked = service && service->healthcheck.kind != CHECK_DEFAULT &&
                   service->healthcheck.kind != CHECK_DISABLED;
    return checked ? "healthy" : "ready";
}

static void count_action(struct row *row, const struct plan *plan, size_t index) {
    const struct action *action = &plan->actions[index];
    if (row->open + row->open_undos == 0)
        row->first = index;
    if (is_undo(action)) {
        row->open_undos++;
        return;
    }
    row->open++;
    if (action->verb != VERB_AWAIT)
        return;
    const char *reached = awaited(action, &plan->changes[action->change]);
    char *ending =
        row->quiet ? copy_text(reached) : format_text("%s, %s", past(row->kind), reached);
    free(row->ending);
    row->ending = ending;
}

void rows_begin(struct rows *rows, const struct plan *plan) {
    rows_free(rows);
    rows->plan = plan;
    rows->count = plan->change_count;
    rows->items = memory_alloc(sizeof(struct row) * plan->change_count);
    rows->states = memory_alloc(sizeof(enum action_state) * plan->action_count);
    for (size_t i = 0; i < rows->count; i++) {
        struct row *row = &rows->items[i];
        row->key = copy_text(plan->changes[i].key);
        row->change = i;
        row->kind = plan->changes[i].kind;
        row->ending = copy_text(past(row->kind));
        row->quiet = row->kind == CHANGE_NONE;
    }
    for (size_t i = 0; i < plan->action_count; i++)
        count_action(&rows->items[plan->actions[i].change], plan, i);
    for (size_t i = 0; i < rows->count; i++)
        if (rows->items[i].open == 0)
            rows->items[i].state = ROW_DONE;
}

/* --- what happens -------------------------------------------------------------------------------
 */

/* The change whose failure made this action be skipped. */
static const char *skipped_because(const struct rows *rows, const struct action *action) {
    for (size_t i = 0; i < action->need_count; i++) {
        enum action_state state = rows->states[action->needs[i]];
        if (state == ACTION_FAILED || state == ACTION_SKIPPED || state == ACTION_CANCELLED)
            return rows->items[rows->plan->actions[action->needs[i]].change].key;
    }
    return NULL;
}

static void start(struct row *row, const struct action *action, long long now_ms) {
    if (!row->started)
        row->since_ms = now_ms;
    row->started = true;
    row->running++;
    row->state = ROW_RUNNING;
    row->action = action;
    row->undone = row->undone || is_undo(action);
    free(row->detail);
    row->detail = NULL;
}

static void finish(const struct rows *rows, struct row *row, const struct action *action,
                   enum action_state state, const struct error *error) {
    if (row->action == action)
        row->action = NULL;
    if (is_undo(action)) {
        row->open_undos--;
        return;
    }
    row->open--;
    row->failed = row->failed || state == ACTION_FAILED;
    row->skipped = row->skipped || state == ACTION_SKIPPED;
    row->cancelled = row->cancelled || state == ACTION_CANCELLED;
    if (state == ACTION_FAILED && !row->problem)
        row->problem = copy_text(error_text(error));
    const char *key = state == ACTION_SKIPPED ? skipped_because(rows, action) : NULL;
    if (key && !row->problem && strcmp(key, row->key) != 0)
        row->problem = format_text("needs %s", key);
}

/* A change that failed, or was given up half-way, has ended when its rollback has, too. */
static void conclude(struct row *row) {
    bool may_undo = row->failed || row->skipped;
    if (!row_is_open(row) || row->open > 0 || (may_undo && row->open_undos > 0))
        return;
    row->state = row->failed      ? ROW_FAILED
                 : row->cancelled ? ROW_CANCELLED
                 : row->skipped   ? ROW_SKIPPED
                                  : ROW_DONE;
}

struct row *rows_action(struct rows *rows, size_t index, enum action_state state,
                        const struct error *error, long long now_ms) {
    const struct action *action = &rows->plan->actions[index];
    struct row *row = &rows->items[action->change];
    enum action_state before = rows->states[index];
    rows->states[index] = state;
    if (state == ACTION_RUNNING && before != ACTION_RUNNING)
        start(row, action, now_ms);
    if (before == ACTION_RUNNING && state != ACTION_RUNNING && --row->running == 0 &&
        row_is_open(row))
        row->state = ROW_WAITING; /* until its next action starts */
    if (is_final(state) && !is_final(before))
        finish(rows, row, action, state, error);
    conclude(row);
    row->until_ms = now_ms;
    return row;
}

struct row *rows_progress(struct rows *rows, size_t index, const char *text, long long current,
                          long long total) {
    const struct action *action = &rows->plan->actions[index];
    struct row *row = &rows->items[action->change];
    if (row->action != action)
        return row; /* another action of the change is shown */
    free(row->detail);
    row->detail = copy_text(text);
    if (action->verb == VERB_PULL && current > 0) {
        row->current = current;
        row->total = total;
    }
    return row;
}

void rows_settle(struct rows *rows, long long now_ms) {
    for (size_t i = 0; i < rows->count; i++) {
        struct row *row = &rows->items[i];
        row->action = NULL;
        if (!row_is_open(row))
            continue;
        row->state = row->failed ? ROW_FAILED : ROW_CANCELLED;
        row->until_ms = now_ms;
    }
    rows->plan = NULL;
}

/* --- words --------------------------------------------------------------------------------------
 */

static const char *present(enum verb verb) {
    static const char *const words[] = {
        [VERB_PULL] = "pulling",           [VERB_CREATE] = "creating",
        [VERB_REMOVE] = "removing",        [VERB_UPDATE] = "updating",
        [VERB_CONNECT] = "connecting to",  [VERB_DISCONNECT] = "disconnecting from",
        [VERB_UPLOAD] = "uploading files", [VERB_SIGNAL] = "sending signal",
        [VERB_RENAME] = "renaming to",     [VERB_START] = "starting",
        [VERB_STOP] = "stopping",          [VERB_UNPAUSE] = "unpausing",
        [VERB_AWAIT] = "waiting until",    [VERB_REFUSE] = "refusing",
        [VERB_STAGE] = "uploading files"};
    return words[verb];
}

static char *bytes_text(const struct row *row) {
    char current[32], total[32];
    text_bytes(current, sizeof(current), row->current);
    if (row->total <= 0)
        return format_text(" %s", current);
    return format_text(" %s of %s", current, text_bytes(total, sizeof(total), row->total));
}

static char *running_text(const struct rows *rows, const struct row *row) {
    const struct action *action = row->action;
    cleanup_free char *bytes =
        action->verb == VERB_PULL && row->current > 0 ? bytes_text(row) : copy_text("");
    const char *object = action->verb == VERB_AWAIT
                             ? awaited(action, &rows->plan->changes[row->change])
                         : action->verb == VERB_CONNECT || action->verb == VERB_DISCONNECT ||
                                 action->verb == VERB_SIGNAL || action->verb == VERB_RENAME
                             ? action->argument
                             : NULL;
    bool detailed = action->verb == VERB_AWAIT && row->detail && *row->detail;
    return format_text("%s%s%s%s%s%s%s", is_undo(action) ? "rolling back: " : "",
                       present(action->verb), object ? " " : "", object ? object : "", bytes,
                       detailed ? ": " : "", detailed ? row->detail : "");
}

/* The action of the row that comes next. */
static const struct action *next_action(const struct rows *rows, const struct row *row) {
    for (size_t i = row->first; i < rows->plan->action_count; i++) {
        const struct action *action = &rows->plan->actions[i];
        if (action->change == row->change && !is_undo(action) && !is_final(rows->states[i]))
            return action;
    }
    return NULL;
}

/* Whether an earlier need of the action belongs to the same change, so that it is named once. */
static bool named_before(const struct rows *rows, const struct action *action, size_t need) {
    size_t change = rows->plan->actions[action->needs[need]].change;
    for (size_t i = 0; i < need; i++)
        if (!is_final(rows->states[action->needs[i]]) &&
            rows->plan->actions[action->needs[i]].change == change)
            return true;
    return false;
}

static char *waiting_text(const struct rows *rows, const struct row *row) {
    const struct action *action = rows->plan ? next_action(rows, row) : NULL;
    char *text = NULL;
    for (size_t i = 0; action && i < action->need_count; i++) {
        size_t need = action->needs[i];
        size_t change = rows->plan->actions[need].change;
        if (is_final(rows->states[need]) || change == row->change || named_before(rows, action, i))
            continue;
        char *longer = text ? format_text("%s, %s", text, rows->items[change].key)
                            : format_text("waits for %s", rows->items[change].key);
        free(text);
        text = longer;
    }
    return text ? text : copy_text("queued");
}

static char *done_text(const struct row *row) {
    if (row->current <= 0)
        return copy_text(row->ending);
    char bytes[32];
    long long size = row->total > 0 ? row->total : row->current;
    return format_text("%s, %s", row->ending, text_bytes(bytes, sizeof(bytes), size));
}

char *row_text(const struct rows *rows, const struct row *row) {
    switch (row->state) {
    case ROW_WAITING:
    case ROW_RUNNING:
        return row->action ? running_text(rows, row) : waiting_text(rows, row);
    case ROW_DONE:
        return done_text(row);
    case ROW_FAILED:
        return format_text("failed%s: %s", row->undone ? ", rolled back" : "",
                           row->problem ? row->problem : "for no known reason");
    case ROW_SKIPPED:
        return format_text("skipped%s%s%s", row->undone ? ", rolled back" : "",
                           row->problem ? ": " : "", row->problem ? row->problem : "");
    case ROW_CANCELLED:
        break;
    }
    return copy_text("not finished");
}
