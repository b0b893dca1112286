/* Convergence in passes: the real planner over networks of a scripted engine. */
#include "base/memory.h"
#include "control/converge.h"
#include "unit/fake_engine.h"

#include <criterion/criterion.h>
#include <string.h>

static struct fake_engine *fake;
static struct converge_options options;
static struct converge_result result;
static struct environment environment = {.project = "test", .name = "dev"};
static volatile int interrupted;
static int planned, retries;
static size_t planned_changes;
static long delays[32];
static char last_retry[256];

static void on_planned(void *context, const struct plan *plan, int pass) {
    (void)context;
    cr_expect_eq(pass, ++planned);
    planned_changes = plan_change_count(plan);
}

static void on_retrying(void *context, const struct error *error, long delay_ms) {
    (void)context;
    delays[retries++] = delay_ms;
    snprintf(last_retry, sizeof last_retry, "%s", error_text(error));
}

static void start(void) {
    fake = fake_engine_new();
    options =
        (struct converge_options){.executor = {.interrupted = &interrupted},
                                  .observer = {.planned = on_planned, .retrying = on_retrying}};
}

static void finish(void) {
    error_clear(&result.error);
    fake_engine_free(fake);
}

TestSuite(converge, .init = start, .fini = finish, .timeout = 120);

static int run(void) {
    int code = converge(&fake->engine, &environment, false, &options, &result);
    cr_expect_eq(code == 0, result.error.code == ERROR_NONE, "%s", error_text(&result.error));
    cr_expect_eq(fake->in_flight, 0);
    cr_expect_not(http_busy(fake->engine.client));
    return code;
}

static void want(const char *first, const char *second) {
    fake->wanted[0] = first;
    fake->wanted[1] = second;
}

/* --- when all goes well ------------------------------------------------------------------------*/

Test(converge, nothing_to_do_takes_one_observation) {
    want("a", "b");
    fake->present[0] = "b";
    fake->present[1] = "a";
    cr_expect_eq(run(), 0);
    cr_expect_eq(result.changes, 0);
    cr_expect_eq(result.passes, 1);
    cr_expect_eq(fake->observations, 1);
    cr_expect_str_eq(fake->log, "");
}

Test(converge, what_is_missing_is_made_and_verified) {
    want("a", "b");
    fake->present[0] = "surplus";
    cr_expect_eq(run(), 0, "%s", error_text(&result.error));
    cr_expect_eq(result.changes, 3);
    cr_expect_eq(result.passes, 2);
    cr_expect_eq(fake->observations, 2);
    cr_expect_eq(planned_changes, 0, "the last plan is empty");
}

Test(converge, destroy_wants_nothing) {
    want("a", "b");
    fake->present[0] = "a";
    cr_expect_eq(converge(&fake->engine, &environment, true, &options, &result), 0);
    cr_expect_eq(result.changes, 1);
    cr_expect_null(fake->present[0]);
}

Test(converge, plan_only_changes_nothing) {
    cleanup_arena struct arena *arena = arena_new();
    struct resource_set desired = {0}, observed = {0};
    struct plan *plan = NULL;
    cleanup_error struct error error = ERROR_INIT;
    want("a", NULL);
    fake->present[0] = "b";
    cr_expect_eq(converge_plan(&fake->engine, &environment, false, false, arena, &desired,
                               &observed, &plan, &error),
                 0);
    cr_expect_eq(plan_change_count(plan), 2);
    cr_expect_eq(desired.count, 1);
    cr_expect_eq(observed.count, 1);
    cr_expect_str_eq(fake->log, "");
}

/* --- what may pass -----------------------------------------------------------------------------*/

Test(converge, an_engine_that_is_away_for_a_while_is_waited_for) {
    want("a", NULL);
    fake->observe_script = "uto.u.";
    fake_script(fake, "a", "t."); /* a CREATE is not repeated within a pass */
    cr_expect_eq(run(), 0, "%s", error_text(&result.error));
    cr_expect_eq(result.changes, 1);
    cr_expect_eq(result.passes, 3);
    cr_expect_eq(retries, 5);
    cr_expect_eq(fake_calls(fake, "a"), 2);
}

Test(converge, the_backoff_doubles) {
    want("a", NULL);
    fake->observe_script = "uuuu.";
    fake->present[0] = "a";
    cr_expect_eq(run(), 0);
    cr_expect_eq(retries, 4);
    for (int i = 0; i < 4; i++)
        cr_expect_eq(delays[i], 250L << i, "%ld", delays[i]);
}

Test(converge, the_same_failure_five_times_is_enough) {
    want("a", NULL);
    fake_script(fake, "a", "t");
    cr_expect_eq(run(), -1);
    cr_expect_eq(result.passes, 5);
    cr_expect_eq(result.error.code, ERROR_TRANSIENT);
    cr_expect(strstr(error_text(&result.error), "scripted t") != NULL);
    cr_expect_eq(result.changes, 0);
}

Test(converge, progress_starts_the_count_anew) {
    want("a", "b");
    fake_script(fake, "a", "ttt."); /* the plan shrinks after the fourth pass */
    fake_script(fake, "b", "tttttt.");
    cr_expect_eq(run(), 0, "%s", error_text(&result.error));
    cr_expect_eq(result.changes, 2);
    cr_expect_eq(result.passes, 8);
}

/* --- what cannot pass --------------------------------------------------------------------------*/

Test(converge, permanent_failures_end_it_but_the_rest_is_made) {
    want("a", "b");
    fake_script(fake, "a", "f");
    cr_expect_eq(run(), -1);
    cr_expect_eq(result.passes, 1);
    cr_expect_eq(result.changes, 1);
    cr_expect_eq(retries, 0);
    cr_expect_eq(result.error.code, ERROR_FAILED);
    cr_expect_str_eq(fake->present[0], "b");
}

Test(converge, a_change_that_failed_half_way_is_not_counted) {
    want("a", NULL);
    fake->present[0] = "a";
    fake->misnamed = true;
    fake_script(fake, "a", ".f"); /* removed, but not made anew */
    cr_expect_eq(run(), -1);
    cr_expect_str_eq(fake->log, "a a ");
    cr_expect_eq(result.changes, 0);
}

Test(converge, permanent_failures_do_not_keep_what_may_pass_from_passing) {
    want("a", "b");
    fake_script(fake, "a", "f");
    fake_script(fake, "b", "t.");
    cr_expect_eq(run(), -1);
    cr_expect_eq(result.passes, 2);
    cr_expect_eq(result.changes, 1);
    cr_expect_str_eq(fake->present[0], "b");
}

Test(converge, an_observation_that_cannot_pass_ends_it) {
    fake->observe_script = "f";
    cr_expect_eq(run(), -1);
    cr_expect_eq(fake->observations, 1);
    cr_expect_eq(result.passes, 0);
    cr_expect_str_eq(error_text(&result.error), "observe: scripted f");
}

Test(converge, what_keeps_changing_is_named) {
    want("a", NULL);
    fake_script(fake, "a", "l"); /* says it is made, but it is not */
    cr_expect_eq(run(), -1);
    cr_expect_eq(result.passes, 8);
    cr_expect_eq(result.error.code, ERROR_FAILED);
    cr_expect(strstr(error_text(&result.error), "network/a (create)") != NULL, "%s",
              error_text(&result.error));
}

/* The engine says that it is made as declared, and then reports the same as before. */
Test(converge, what_a_replacement_did_not_change_is_not_replaced_again) {
    want("a", NULL);
    fake->present[0] = "a";
    fake->misnamed = true;
    cr_expect_eq(run(), -1);
    cr_expect_eq(result.passes, 2);
    cr_expect_str_eq(fake->log, "a a ", "replaced once");
    cr_expect_eq(result.error.code, ERROR_FAILED);
    cr_expect(strstr(error_text(&result.error), "network/a name: a.old → a") != NULL, "%s",
              error_text(&result.error));
}

/* A registry that names one digest, and a mirror that gives another. */
Test(converge, an_image_is_pulled_once) {
    fake->outdated = true;
    cr_expect_eq(run(), 0, "%s", error_text(&result.error));
    cr_expect_str_eq(fake->log, "image ");
    cr_expect_eq(result.passes, 2);
    planned = 0;
    cr_expect_eq(run(), 0);
    cr_expect_str_eq(fake->log, "image image ", "and once the next time");
}

/* What has failed is no pull. */
Test(converge, a_pull_that_failed_is_tried_again) {
    fake->outdated = true;
    fake_script(fake, "image", "tttttt.");
    cr_expect_eq(run(), 0, "%s", error_text(&result.error));
    cr_expect_eq(fake_calls(fake, "image"), 7);
}

Test(converge, what_exits_after_it_was_ready_is_awaited_again) {
    want("a", NULL);
    fake->container_script = "rx";
    fake_script(fake, "redis", "f");
    cr_expect_eq(run(), -1);
    cr_expect_eq(result.passes, 2);
    cr_expect_eq(fake_calls(fake, "redis"), 1);
    cr_expect(strstr(error_text(&result.error), "service redis did not become healthy") != NULL,
              "%s", error_text(&result.error));
}

Test(converge, what_keeps_running_is_not) {
    want("a", NULL);
    fake->container_script = "r";
    fake_script(fake, "redis", "f");
    cr_expect_eq(run(), 0, "%s", error_text(&result.error));
    cr_expect_eq(result.passes, 2);
    cr_expect_eq(fake_calls(fake, "redis"), 0);
}

/* --- time and interrupts -----------------------------------------------------------------------*/

Test(converge, the_timeout_bounds_waiting_for_the_engine) {
    options.timeout_ms = 1000;
    fake->observe_script = "u";
    cr_expect_eq(run(), -1);
    cr_expect_eq(result.error.code, ERROR_TIMEOUT);
    cr_expect_str_eq(error_text(&result.error), "not converged within 1s: observe: scripted u");
}

Test(converge, the_timeout_bounds_actions) {
    options.timeout_ms = 1500;
    want("a", "b");
    fake_script(fake, "a", "h");
    cr_expect_eq(run(), -1);
    cr_expect_eq(result.error.code, ERROR_TIMEOUT);
    cr_expect_str_eq(error_text(&result.error),
                     "not converged within 1.5s: out of time during create of network a; allow "
                     "more with --timeout");
    cr_expect_eq(result.changes, 1);
}

static void interrupt(const char *target) {
    (void)target;
    interrupted = 1;
}

Test(converge, an_interrupt_ends_it) {
    want("a", "b");
    fake->on_call = interrupt;
    cr_expect_eq(run(), -1);
    cr_expect_eq(result.error.code, ERROR_INTERRUPTED);
    cr_expect_eq(fake->observations, 1);
}

Test(converge, an_interrupt_before_anything_ends_it) {
    interrupted = 1;
    cr_expect_eq(run(), -1);
    cr_expect_eq(result.error.code, ERROR_INTERRUPTED);
    cr_expect_eq(fake->observations, 0);
}

static void interrupt_when_retrying(void *context, const struct error *error, long delay_ms) {
    on_retrying(context, error, delay_ms);
    interrupted = 1;
}

Test(converge, an_interrupt_ends_the_wait_for_another_pass) {
    options.observer.retrying = interrupt_when_retrying;
    fake->observe_script = "u";
    cr_expect_eq(run(), -1);
    cr_expect_eq(result.error.code, ERROR_INTERRUPTED);
    cr_expect_eq(fake->observations, 1);
}

static int ticks, ended;

static void on_tick(void *context) {
    (void)context;
    ticks++;
}

static void on_action(void *context, const struct plan *plan, size_t action,
                      enum action_state state, const struct error *error) {
    (void)context, (void)plan, (void)action, (void)error;
    ended += state == ACTION_DONE;
}

Test(converge, the_callers_observer_sees_everything) {
    options.executor.observer = (struct executor_observer){.action = on_action, .tick = on_tick};
    want("a", "b");
    fake->observe_script = "u.";
    cr_expect_eq(run(), 0);
    cr_expect_eq(ended, 2);
    cr_expect_gt(ticks, 0);
}
