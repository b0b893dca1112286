/*
 * The progress of a convergence; see progress.h. A frame is put together in memory and written at
 * once, each line overwriting the one before it and erasing only its rest, so that nothing
 * flickers.
 */
#include "commands/progress.h"

#include "base/memory.h"
#include "base/text.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define HIDE_CURSOR "\x1b[?25l"
#define SHOW_CURSOR "\x1b[?25h"
#define ERASE_REST  "\x1b[K" /* of the line */
#define ERASE_BELOW "\x1b[J"

#define ELAPSED_COLUMNS 6
#define MAX_KEY_COLUMNS 36
#define NARROW          50 /* below, what is done matters more than for how long */

/* --- one line -----------------------------------------------------------------------------------
 */

struct line {
    FILE *out;
    const struct terminal *terminal;
    size_t room; /* columns that are left */
    size_t used;
};

static void put(struct line *line, enum style style, const char *text) {
    cleanup_free char *fit = text_fit(text, line->room, line->terminal->utf8);
    bool colour = line->terminal->colour;
    if (*fit)
        fprintf(line->out, "%s%s%s", style_begin(style, colour), fit, style_end(style, colour));
    size_t columns = text_columns(fit);
    line->used += columns;
    line->room -= columns < line->room ? columns : line->room;
}

static void pad(struct line *line, size_t columns) {
    for (; columns > 0 && line->room > 0; columns--, line->room--, line->used++)
        fputc(' ', line->out);
}

/* Cut or padded to exactly `columns`. */
static void put_column(struct line *line, enum style style, const char *text, size_t columns) {
    cleanup_free char *fit = text_fit(text, columns, line->terminal->utf8);
    size_t used = text_columns(fit);
    put(line, style, fit);
    pad(line, columns > used ? columns - used : 0);
}

static void put_elapsed(struct line *line, const char *text) {
    size_t used = text_columns(text);
    pad(line, ELAPSED_COLUMNS > used ? ELAPSED_COLUMNS - used : 0);
    put(line, STYLE_DIM, text);
}

/* --- rows ---------------------------------------------------------------------------------------
 */

static const char *spinner(const struct progress *progress) {
    static const char *const dots[] = {"⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"};
    static const char *const bars[] = {"|", "/", "-", "\\"};
    size_t frame = (size_t)((progress->now() - progress->since_ms) / 100);
    return progress->terminal.utf8 ? dots[frame % 10] : bars[frame % 4];
}

struct mark {
    const char *utf8, *ascii;
    enum style style;
};

static struct mark mark_of(enum row_state state) {
    static const struct mark marks[] = {
        [ROW_WAITING] = {" ", " ", STYLE_DIM},    [ROW_RUNNING] = {" ", " ", STYLE_CYAN},
        [ROW_DONE] = {"✓", "+", STYLE_GREEN},     [ROW_FAILED] = {"✗", "x", STYLE_RED},
        [ROW_SKIPPED] = {"-", "-", STYLE_YELLOW}, [ROW_CANCELLED] = {"!", "!", STYLE_YELLOW},
    };
    return marks[state];
}

static size_t key_columns(const struct progress *progress) {
    size_t widest = text_columns(progress->title) + sizeof(": 100 of 100 changes") - 1;
    for (size_t i = 0; i < progress->rows.count; i++) {
        size_t columns = text_columns(progress->rows.items[i].key);
        widest = columns > widest ? columns : widest;
    }
    size_t half = progress->terminal.columns / 2;
    widest = widest < MAX_KEY_COLUMNS ? widest : MAX_KEY_COLUMNS;
    return widest < half ? widest : half;
}

static void row_line(const struct progress *progress, struct line *line, const struct row *row) {
    struct mark mark = mark_of(row->state);
    cleanup_free char *text = row_text(&progress->rows, row);
    char elapsed[32] = "";
    long long until = row_is_open(row) ? progress->now() : row->until_ms;
    if (row->started)
        text_elapsed(elapsed, sizeof(elapsed), until - row->since_ms);
    const char *sign = row->state == ROW_RUNNING ? spinner(progress)
                       : progress->terminal.utf8 ? mark.utf8
                                                 : mark.ascii;
    put(line, mark.style, sign);
    pad(line, 1);
    put_column(line, row->state == ROW_WAITING ? STYLE_DIM : STYLE_PLAIN, row->key,
               key_columns(progress));
    if (progress->terminal.columns >= NARROW) {
        pad(line, 1);
        put_elapsed(line, elapsed);
    }
    pad(line, 2);
    bool quiet = row->state == ROW_WAITING || row->state == ROW_DONE;
    text[strcspn(text, "\n")] = '\0';
    put(line, quiet ? STYLE_DIM : mark.style == STYLE_CYAN ? STYLE_PLAIN : mark.style, text);
}

/* Whether the end of a row is worth a line. */
static bool is_news(const struct row *row) {
    switch (row->state) {
    case ROW_DONE:
        return !row->quiet && row->started;
    case ROW_FAILED:
        return true;
    case ROW_SKIPPED:
        return !row->quiet;
    case ROW_CANCELLED:
        return row->started;
    case ROW_WAITING:
    case ROW_RUNNING:
        break;
    }
    return false;
}

/* What follows the first line of a text: the last words of a container. */
static void further_lines(const struct progress *progress, const char *text, FILE *out,
                          const char *line_end) {
    cleanup_free char *copy = copy_text(text);
    char *rest = copy;
    strsep(&rest, "\n");
    for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
        cleanup_free char *fit = text_fit(line, SIZE_MAX, progress->terminal.utf8);
        if (*fit)
            fprintf(out, "    %s%s", fit, line_end);
    }
}

static void plain_line(const struct progress *progress, const struct row *row) {
    cleanup_free char *text = row_text(&progress->rows, row);
    cleanup_free char *first = format_text("%.*s", (int)strcspn(text, "\n"), text);
    cleanup_free char *fit = text_fit(first, SIZE_MAX, progress->terminal.utf8);
    char elapsed[32];
    FILE *out = progress->terminal.out;
    if (row->started)
        fprintf(out, "%s: %s (%s)\n", row->key, fit,
                text_elapsed(elapsed, sizeof(elapsed), row->until_ms - row->since_ms));
    else
        fprintf(out, "%s: %s\n", row->key, fit);
    further_lines(progress, text, out, "\n");
    fflush(out);
}

/* --- the live view ------------------------------------------------------------------------------
 */

/* Lines the view takes on the screen now: a terminal that became narrower has wrapped them. */
static size_t lines_on_screen(const struct progress *progress) {
    size_t lines = 0, width = progress->terminal.columns;
    for (size_t i = 0; i < progress->drawn_count; i++)
        lines += progress->drawn[i] > width ? (progress->drawn[i] + width - 1) / width : 1;
    return lines;
}

static void go_to_start(struct progress *progress, FILE *frame) {
    size_t up = lines_on_screen(progress);
    fputc('\r', frame);
    if (up > 0)
        fprintf(frame, "\x1b[%zuA", up);
    progress->drawn_count = 0;
}

static struct line begin_line(const struct progress *progress, FILE *frame, bool cut) {
    /* The last column stays free: writing into it makes some terminals wrap. */
    size_t room = progress->terminal.columns > 1 ? progress->terminal.columns - 1 : 1;
    return (struct line){frame, &progress->terminal, cut ? room : SIZE_MAX, 0};
}

static void end_line(struct progress *progress, struct line *line) {
    fputs(ERASE_REST "\n", line->out);
    progress->drawn = memory_resize(progress->drawn, sizeof(size_t) * (progress->drawn_count + 1));
    progress->drawn[progress->drawn_count++] = line->used;
}

/* What has ended since the last frame scrolls by; failures are never cut. */
static void tell_news(struct progress *progress, FILE *frame) {
    for (size_t i = 0; i < progress->rows.count; i++) {
        struct row *row = &progress->rows.items[i];
        if (row_is_open(row) || row->told)
            continue;
        row->told = true;
        if (!is_news(row))
            continue;
        struct line line = begin_line(progress, frame, row->state == ROW_DONE);
        row_line(progress, &line, row);
        fputs(ERASE_REST "\n", frame);
        cleanup_free char *text = row_text(&progress->rows, row);
        further_lines(progress, text, frame, ERASE_REST "\n");
    }
}

static void title_line(struct progress *progress, FILE *frame) {
    size_t total = 0, ended = 0;
    for (size_t i = 0; i < progress->rows.count; i++) {
        const struct row *row = &progress->rows.items[i];
        total += !row->quiet;
        ended += !row->quiet && !row_is_open(row);
    }
    struct line line = begin_line(progress, frame, true);
    cleanup_free char *text =
        total > 0 ? format_text("%s: %zu of %zu changes", progress->title, ended, total)
                  : format_text("%s: checking health", progress->title);
    char elapsed[32];
    put(&line, STYLE_CYAN, spinner(progress));
    pad(&line, 1);
    put_column(&line, STYLE_BOLD, text, key_columns(progress));
    pad(&line, 1);
    put_elapsed(&line,
                text_elapsed(elapsed, sizeof(elapsed), progress->now() - progress->since_ms));
    end_line(progress, &line);
}

/* What only waits to have its health looked at is no news: often it is waited for under its own
 * name, in the change that comes before. */
static bool is_in_view(const struct row *row) {
    return row->state == ROW_RUNNING || (row->state == ROW_WAITING && !row->quiet);
}

static size_t open_lines(struct progress *progress, FILE *frame, enum row_state state,
                         size_t room) {
    size_t shown = 0;
    for (size_t i = 0; i < progress->rows.count && shown < room; i++) {
        const struct row *row = &progress->rows.items[i];
        if (row->state != state || !is_in_view(row))
            continue;
        struct line line = begin_line(progress, frame, true);
        row_line(progress, &line, row);
        end_line(progress, &line);
        shown++;
    }
    return shown;
}

static size_t count_open(const struct progress *progress) {
    size_t open = 0;
    for (size_t i = 0; i < progress->rows.count; i++)
        open += is_in_view(&progress->rows.items[i]);
    return open;
}

/* What runs first, then what waits, as far as the screen reaches. */
static void view(struct progress *progress, FILE *frame) {
    size_t open = count_open(progress);
    if (open == 0 || progress->terminal.rows < 3)
        return;
    size_t room = progress->terminal.rows - 2; /* the title, and the line the cursor is on */
    title_line(progress, frame);
    if (open > room)
        room--; /* for the line that says so */
    size_t shown = open_lines(progress, frame, ROW_RUNNING, room);
    shown += open_lines(progress, frame, ROW_WAITING, room - shown);
    if (shown == open)
        return;
    struct line line = begin_line(progress, frame, true);
    cleanup_free char *text = format_text("  and %zu more", open - shown);
    put(&line, STYLE_DIM, text);
    end_line(progress, &line);
}

/* Writes what `compose` adds over the old view. */
static void draw(struct progress *progress, const char *note, bool with_view) {
    char *text = NULL;
    size_t size = 0;
    FILE *frame = open_memstream(&text, &size);
    if (!frame)
        return;
    terminal_measure(&progress->terminal);
    fputs(HIDE_CURSOR, frame);
    go_to_start(progress, frame);
    tell_news(progress, frame);
    if (note)
        fprintf(frame, "%s" ERASE_REST "\n", note);
    if (with_view)
        view(progress, frame);
    fputs(ERASE_BELOW, frame);
    if (!with_view)
        fputs(SHOW_CURSOR, frame);
    fclose(frame);
    fwrite(text, 1, size, progress->terminal.out);
    fflush(progress->terminal.out);
    free(text);
}

/* --- what is told -------------------------------------------------------------------------------
 */

static void on_action(void *context, const struct plan *plan, size_t action,
                      enum action_state state, const struct error *error) {
    struct progress *progress = context;
    (void)plan;
    struct row *row = rows_action(&progress->rows, action, state, error, progress->now());
    if (progress->terminal.live || row->told || row_is_open(row))
        return;
    row->told = true;
    if (is_news(row))
        plain_line(progress, row);
}

static void on_progress(void *context, const struct plan *plan, size_t action, const char *text,
                        long long current, long long total) {
    struct progress *progress = context;
    (void)plan;
    rows_progress(&progress->rows, action, text, current, total);
}

static void on_tick(void *context) {
    struct progress *progress = context;
    if (progress->terminal.live && progress->rows.plan)
        draw(progress, NULL, true);
}

struct executor_observer progress_observer(struct progress *progress) {
    return (struct executor_observer){
        .action = on_action, .progress = on_progress, .tick = on_tick, .context = progress};
}

void progress_begin(struct progress *progress, const struct terminal *terminal, const char *title,
                    long long (*now)(void)) {
    *progress = (struct progress){.terminal = *terminal, .title = title, .now = now};
    progress->since_ms = now();
}

/* The last lines of a pass: after it, its plan may be gone. */
static void settle(struct progress *progress) {
    rows_settle(&progress->rows, progress->now());
    for (size_t i = 0; !progress->terminal.live && i < progress->rows.count; i++) {
        struct row *row = &progress->rows.items[i];
        if (!row->told && is_news(row))
            plain_line(progress, row);
        row->told = true;
    }
}

void progress_plan(struct progress *progress, const struct plan *plan) {
    settle(progress);
    if (progress->terminal.live && progress->rows.count > 0)
        draw(progress, NULL, false);
    rows_begin(&progress->rows, plan);
}

void progress_note(struct progress *progress, const char *text) {
    cleanup_free char *fit = text_fit(text, SIZE_MAX, progress->terminal.utf8);
    settle(progress);
    if (progress->terminal.live) {
        draw(progress, fit, false);
        return;
    }
    fprintf(progress->terminal.out, "%s\n", fit);
    fflush(progress->terminal.out);
}

void progress_end(struct progress *progress) {
    settle(progress);
    if (progress->terminal.live)
        draw(progress, NULL, false);
    rows_free(&progress->rows);
    free(progress->drawn);
    progress->drawn = NULL;
}
