/* The progress view, against a plan made by hand and a clock that the test moves. */
#include "base/memory.h"
#include "base/text.h"
#include "commands/progress.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

static long long now_ms;

static long long test_clock(void) {
    return now_ms;
}

/*
 * network/internal   create                                  action 0
 * image/redis:7      pull                                    action 1
 * service/redis      create, start, await healthy; undo      actions 2 3 4 5
 * service/app        create, start, await running            actions 6 7 8, needs 4
 */
enum { NETWORK, PULL, REDIS, REDIS_START, REDIS_AWAIT, REDIS_UNDO, APP, APP_START, APP_AWAIT };

static const struct service redis = {.name = "redis", .healthcheck.kind = CHECK_TCP};
static const struct resource redis_desired = {.name = "redis", .service = &redis};
static struct change changes[] = {
    {.kind = CHANGE_CREATE, .key = "network/internal"},
    {.kind = CHANGE_PULL, .key = "image/redis:7"},
    {.kind = CHANGE_CREATE, .key = "service/redis", .desired = &redis_desired},
    {.kind = CHANGE_CREATE, .key = "service/app"},
};
static size_t needs_redis[] = {NETWORK, PULL}, needs_2[] = {REDIS}, needs_3[] = {REDIS_START},
              needs_app[] = {NETWORK, REDIS_AWAIT}, needs_6[] = {APP}, needs_7[] = {APP_START};
static struct action actions[] = {
    {.verb = VERB_CREATE, .change = 0, .undoes = ACTION_NONE},
    {.verb = VERB_PULL, .change = 1, .undoes = ACTION_NONE},
    {.verb = VERB_CREATE,
     .change = 2,
     .needs = needs_redis,
     .need_count = 2,
     .undoes = ACTION_NONE},
    {.verb = VERB_START, .change = 2, .needs = needs_2, .need_count = 1, .undoes = ACTION_NONE},
    {.verb = VERB_AWAIT,
     .change = 2,
     .condition = DEPENDS_HEALTHY,
     .needs = needs_3,
     .need_count = 1,
     .undoes = ACTION_NONE},
    {.verb = VERB_RENAME, .change = 2, .argument = "old", .undoes = REDIS},
    {.verb = VERB_CREATE, .change = 3, .needs = needs_app, .need_count = 2, .undoes = ACTION_NONE},
    {.verb = VERB_START, .change = 3, .needs = needs_6, .need_count = 1, .undoes = ACTION_NONE},
    {.verb = VERB_AWAIT,
     .change = 3,
     .condition = DEPENDS_STARTED,
     .needs = needs_7,
     .need_count = 1,
     .undoes = ACTION_NONE},
};
static const struct plan plan = {changes, 4, actions, 9};

/* A view whose output can be read piece by piece. */
static struct {
    struct progress progress;
    struct executor_observer observer;
    FILE *out;
    char *text;
    size_t size, read;
} view;

static void begin(struct terminal terminal) {
    now_ms = 100000;
    view.out = open_memstream(&view.text, &view.size);
    view.read = 0;
    terminal.out = view.out;
    progress_begin(&view.progress, &terminal, "dev", test_clock);
    view.observer = progress_observer(&view.progress);
    progress_plan(&view.progress, &plan);
}

static void end(void) {
    progress_end(&view.progress); /* once more does no harm */
    fclose(view.out);
    free(view.text);
}

static void happens(size_t action, enum action_state state) {
    view.observer.action(view.observer.context, &plan, action, state, NULL);
}

static void fails(size_t action, const char *message) {
    struct error error = {ERROR_FAILED, (char *)message};
    view.observer.action(view.observer.context, &plan, action, ACTION_FAILED, &error);
}

static void says(size_t action, const char *text, long long current, long long total) {
    view.observer.progress(view.observer.context, &plan, action, text, current, total);
}

/* What was written since the last call. */
static const char *news(void) {
    fflush(view.out);
    const char *news = view.text + view.read;
    view.read = view.size;
    return news;
}

static void does(size_t first, size_t last) {
    for (size_t i = first; i <= last; i++) {
        happens(i, ACTION_RUNNING);
        happens(i, ACTION_DONE);
    }
}

static const struct terminal piped = {.utf8 = true, .columns = 80, .rows = 24};
static const struct terminal screen = {.live = true, .utf8 = true, .columns = 80, .rows = 24};

/* --- piped --------------------------------------------------------------------------------------
 */

Test(progress, piped_one_line_for_each_change_that_ended) {
    begin(piped);
    happens(NETWORK, ACTION_RUNNING);
    cr_assert_str_eq(news(), "");
    now_ms += 200;
    happens(NETWORK, ACTION_DONE);
    cr_assert_str_eq(news(), "network/internal: created (0.2s)\n");
    happens(PULL, ACTION_RUNNING);
    says(PULL, "pulling redis:7", 12300000, 40100000);
    view.observer.tick(view.observer.context);
    cr_assert_str_eq(news(), "", "piped output is quiet while something runs");
    now_ms += 3000;
    happens(PULL, ACTION_DONE);
    cr_assert_str_eq(news(), "image/redis:7: pulled, 40.1 MB (3.0s)\n");
    does(REDIS, REDIS_START);
    cr_assert_str_eq(news(), "");
    does(REDIS_AWAIT, REDIS_AWAIT);
    cr_assert_str_eq(news(), "service/redis: created, healthy (0.0s)\n");
    does(APP, APP_AWAIT);
    cr_assert_str_eq(news(), "service/app: created, running (0.0s)\n");
    progress_end(&view.progress);
    cr_assert_str_eq(news(), "");
    end();
}

Test(progress, piped_failure_after_its_rollback_and_what_it_held_up) {
    begin(piped);
    does(NETWORK, REDIS_START);
    news();
    happens(REDIS_AWAIT, ACTION_RUNNING);
    fails(REDIS_AWAIT, "exited with code 1\nlast words \x1b[2J");
    cr_assert_str_eq(news(), "", "the rollback is still to come");
    for (size_t i = APP; i <= APP_AWAIT; i++)
        happens(i, ACTION_SKIPPED);
    cr_assert_str_eq(news(), "service/app: skipped: needs service/redis\n");
    now_ms += 1500;
    does(REDIS_UNDO, REDIS_UNDO);
    cr_assert_str_eq(news(), "service/redis: failed, rolled back: exited with code 1 (1.5s)\n"
                             "    last words  [2J\n");
    progress_end(&view.progress);
    cr_assert_str_eq(news(), "");
    end();
}

Test(progress, piped_interrupted_tells_what_was_under_way) {
    begin(piped);
    does(NETWORK, NETWORK);
    happens(PULL, ACTION_RUNNING);
    news();
    for (size_t i = PULL; i <= APP_AWAIT; i++)
        happens(i, ACTION_CANCELLED);
    progress_end(&view.progress);
    cr_assert_str_eq(news(), "image/redis:7: not finished (0.0s)\n");
    end();
}

Test(progress, piped_notes_and_a_second_pass) {
    begin(piped);
    happens(NETWORK, ACTION_RUNNING);
    progress_note(&view.progress, "trying again in 0.25 s: the engine is restarting");
    cr_assert_str_eq(news(), "network/internal: not finished (0.0s)\n"
                             "trying again in 0.25 s: the engine is restarting\n");
    progress_plan(&view.progress, &plan);
    cr_assert_str_eq(news(), "");
    does(NETWORK, NETWORK);
    cr_assert_str_eq(news(), "network/internal: created (0.0s)\n");
    progress_end(&view.progress);
    end();
}

/* --- live ---------------------------------------------------------------------------------------
 */

Test(progress, live_view_shows_what_runs_and_what_waits_for_what) {
    begin(screen);
    happens(NETWORK, ACTION_RUNNING);
    happens(PULL, ACTION_RUNNING);
    says(PULL, "pulling redis:7", 12300000, 40100000);
    now_ms += 1200;
    view.observer.tick(view.observer.context);
    cr_assert_str_eq(news(),
                     "\x1b[?25l\r"
                     "⠹ dev: 0 of 4 changes       1.2s\x1b[K\n"
                     "⠹ network/internal          1.2s  creating\x1b[K\n"
                     "⠹ image/redis:7             1.2s  pulling 12.3 MB of 40.1 MB\x1b[K\n"
                     "  service/redis                   waits for network/internal, image/redis:7"
                     "\x1b[K\n"
                     "  service/app                     waits for network/internal, service/redis"
                     "\x1b[K\n"
                     "\x1b[J");
    end();
}

Test(progress, live_view_lets_what_ended_scroll_by) {
    begin(screen);
    happens(NETWORK, ACTION_RUNNING);
    now_ms += 100;
    view.observer.tick(view.observer.context);
    news();
    happens(NETWORK, ACTION_DONE);
    does(PULL, REDIS_START);
    happens(REDIS_AWAIT, ACTION_RUNNING);
    says(REDIS_AWAIT, "connection refused", 0, 0);
    now_ms += 1000;
    view.observer.tick(view.observer.context);
    cr_assert_str_eq(news(), "\x1b[?25l\r\x1b[5A"
                             "✓ network/internal          0.1s  created\x1b[K\n"
                             "✓ image/redis:7             0.0s  pulled\x1b[K\n"
                             "⠙ dev: 2 of 4 changes       1.1s\x1b[K\n"
                             "⠙ service/redis             1.0s  waiting until healthy: connection "
                             "refused\x1b[K\n"
                             "  service/app                     waits for service/redis\x1b[K\n"
                             "\x1b[J");
    does(REDIS_AWAIT, REDIS_AWAIT);
    does(APP, APP_AWAIT);
    progress_end(&view.progress);
    cr_assert_str_eq(news(), "\x1b[?25l\r\x1b[3A"
                             "✓ service/redis             1.0s  created, healthy\x1b[K\n"
                             "✓ service/app               0.0s  created, running\x1b[K\n"
                             "\x1b[J\x1b[?25h");
    end();
}

Test(progress, live_failure_with_last_words) {
    begin(screen);
    happens(NETWORK, ACTION_RUNNING);
    fails(NETWORK, "exited with code 1; its last lines:\n  one\n\n  two");
    view.observer.tick(view.observer.context);
    cr_assert_not_null(strstr(news(), "failed: exited with code 1; its last lines:\x1b[K\n"
                                      "      one\x1b[K\n"
                                      "      two\x1b[K\n"));
    end();
}

Test(progress, live_failure_is_never_cut) {
    struct terminal narrow = screen;
    narrow.columns = 40;
    begin(narrow);
    happens(NETWORK, ACTION_RUNNING);
    fails(NETWORK, "the subnet 172.20.0.0/24 is taken by network \"other\": choose another");
    view.observer.tick(view.observer.context);
    cr_assert_not_null(strstr(news(), "✗ network/internal      failed: the subnet 172.20.0.0/24 is "
                                      "taken by network \"other\": choose another\x1b[K\n"));
    end();
}

/* No line of the view may fill the last column, whatever the width. */
Test(progress, live_view_fits_any_width) {
    for (unsigned columns = 1; columns < 100; columns++) {
        struct terminal narrow = screen;
        narrow.columns = columns;
        begin(narrow);
        happens(NETWORK, ACTION_RUNNING);
        view.observer.tick(view.observer.context);
        char *frame = copy_text(news() + strlen("\x1b[?25l\r"));
        char *rest = frame;
        size_t lines = 0;
        for (char *line; (line = strsep(&rest, "\n")) && strstr(line, "\x1b[K"); lines++) {
            *strstr(line, "\x1b[K") = '\0';
            cr_assert_leq(text_columns(line), columns > 1 ? columns - 1 : 1, "%u: %s", columns,
                          line);
        }
        cr_assert(eq(sz, lines, 5));
        free(frame);
        end();
    }
}

Test(progress, narrow_again_literally) {
    struct terminal narrow = screen;
    narrow.columns = 30;
    begin(narrow);
    happens(NETWORK, ACTION_RUNNING);
    view.observer.tick(view.observer.context);
    cr_assert_str_eq(news(), "\x1b[?25l\r"
                             "⠋ dev: 0 of 4 ch…   0.0s\x1b[K\n"
                             "⠋ network/intern…  creating\x1b[K\n"
                             "  image/redis:7    queued\x1b[K\n"
                             "  service/redis    waits for…\x1b[K\n"
                             "  service/app      waits for…\x1b[K\n"
                             "\x1b[J");
    end();
}

Test(progress, low_screens_show_what_runs_first) {
    struct terminal low = screen;
    low.rows = 5;
    begin(low);
    does(NETWORK, PULL);
    happens(REDIS, ACTION_RUNNING);
    view.observer.tick(view.observer.context);
    news();
    progress_plan(&view.progress, &plan);
    news();
    happens(PULL, ACTION_RUNNING);
    view.observer.tick(view.observer.context);
    cr_assert_str_eq(news(), "\x1b[?25l\r"
                             "⠋ dev: 0 of 4 changes       0.0s\x1b[K\n"
                             "⠋ image/redis:7             0.0s  pulling\x1b[K\n"
                             "  network/internal                queued\x1b[K\n"
                             "  and 2 more\x1b[K\n"
                             "\x1b[J");
    end();
}

/* Between two passes the plan may be gone, and the loop still ticks. */
Test(progress, live_note_between_passes) {
    begin(screen);
    happens(NETWORK, ACTION_RUNNING);
    view.observer.tick(view.observer.context);
    news();
    progress_note(&view.progress, "trying again in 0.25 s");
    cr_assert_str_eq(news(), "\x1b[?25l\r\x1b[5A"
                             "! network/internal          0.0s  not finished\x1b[K\n"
                             "trying again in 0.25 s\x1b[K\n"
                             "\x1b[J\x1b[?25h");
    view.observer.tick(view.observer.context);
    cr_assert_str_eq(news(), "");
    end();
}

/* A terminal that became narrower has wrapped what was drawn: the next frame starts further up. */
Test(progress, resize_goes_back_over_wrapped_lines) {
    begin(screen);
    happens(NETWORK, ACTION_RUNNING);
    view.observer.tick(view.observer.context);
    news();
    view.progress.terminal.columns = 40; /* two lines fit, three wrap */
    view.observer.tick(view.observer.context);
    cr_assert_not_null(strstr(news(), "\x1b[?25l\r\x1b[8A"));
    end();
}

Test(progress, colours_and_ascii) {
    struct terminal plain = screen;
    plain.utf8 = false;
    plain.colour = true;
    begin(plain);
    happens(NETWORK, ACTION_RUNNING);
    happens(NETWORK, ACTION_DONE);
    happens(PULL, ACTION_RUNNING);
    view.observer.tick(view.observer.context);
    const char *text = news();
    cr_assert_not_null(strstr(text, "\x1b[32m+\x1b[0m network/internal "));
    cr_assert_not_null(strstr(text, "\x1b[36m|\x1b[0m image/redis:7 "));
    for (; *text; text++)
        cr_assert_geq(*text, 0, "not ASCII: %s", text);
    end();
}

Test(progress, awaiting_what_did_not_change_is_quiet) {
    static struct change unchanged[] = {{.kind = CHANGE_NONE, .key = "service/redis"}};
    static struct action await[] = {
        {.verb = VERB_AWAIT, .change = 0, .condition = DEPENDS_HEALTHY, .undoes = ACTION_NONE}};
    static const struct plan quiet = {unchanged, 1, await, 1};
    begin(screen);
    progress_plan(&view.progress, &quiet);
    news();
    view.observer.tick(view.observer.context);
    cr_assert_str_eq(news(), "\x1b[?25l\r\x1b[J", "nothing is looked at yet");
    happens(0, ACTION_RUNNING);
    view.observer.tick(view.observer.context);
    cr_assert_str_eq(news(), "\x1b[?25l\r"
                             "⠋ dev: checking health      0.0s\x1b[K\n"
                             "⠋ service/redis             0.0s  waiting until ready\x1b[K\n"
                             "\x1b[J");
    happens(0, ACTION_DONE);
    progress_end(&view.progress);
    cr_assert_str_eq(news(), "\x1b[?25l\r\x1b[2A\x1b[J\x1b[?25h");
    end();
}
