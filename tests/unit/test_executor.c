/* The executor, with plans made by hand and a scripted engine. */
#include "base/memory.h"
#include "control/executor.h"
#include "unit/fake_engine.h"

#include <criterion/criterion.h>
#include <string.h>

#define LIMIT 40

static struct fake_engine *fake;
static struct change changes[LIMIT];
static struct action actions[LIMIT];
static size_t needs[LIMIT][4];
static struct plan plan = {.changes = changes, .actions = actions};
static struct service service = {
    .name = "redis", .restart = RESTART_NO, .healthcheck.kind = CHECK_TCP};
static struct resource container = {.key = "service/redis", .name = "redis", .service = &service};
static enum action_state states[LIMIT];
static char messages[LIMIT][512];
static char progress[512];
static volatile int interrupted;
static struct execution_result result;
static struct executor_options options;

static void on_action(void *context, const struct plan *the_plan, size_t action,
                      enum action_state state, const struct error *error) {
    (void)context, (void)the_plan;
    cr_expect(states[action] <= ACTION_RUNNING, "action %zu ends twice", action);
    cr_expect_neq(states[action], state, "action %zu: told twice", action);
    cr_expect_eq(state == ACTION_FAILED, error != NULL);
    states[action] = state;
    if (error)
        snprintf(messages[action], sizeof messages[action], "%s", error_text(error));
}

static void on_progress(void *context, const struct plan *the_plan, size_t action, const char *text,
                        long long current, long long total) {
    (void)context, (void)the_plan, (void)action, (void)current, (void)total;
    snprintf(progress, sizeof progress, "%s", text);
}

static void start(void) {
    fake = fake_engine_new();
    options = (struct executor_options){.interrupted = &interrupted,
                                        .observer = {.action = on_action, .progress = on_progress}};
}

static void finish(void) {
    error_clear(&result.first);
    fake_engine_free(fake);
}

TestSuite(executor, .init = start, .fini = finish, .timeout = 60);

/* Adds an action; its target is how the script and the log know it. `needed`: a string of digits
 * and letters: '0'-'9' for actions 0 to 9, 'a' for 10 and so on. */
static size_t add(size_t change, enum verb verb, const char *target, const char *needed) {
    size_t index = plan.action_count++;
    struct action *action = &actions[index];
    *action = (struct action){.verb = verb,
                              .change = change,
                              .target = target,
                              .needs = needs[index],
                              .undoes = ACTION_NONE,
                              .desired = &container,
                              .condition = DEPENDS_HEALTHY};
    for (; needed && *needed; needed++)
        needs[index][action->need_count++] =
            (size_t)(*needed <= '9' ? *needed - '0' : *needed - 'a' + 10);
    if (change >= plan.change_count) {
        plan.change_count = change + 1;
        changes[change] = (struct change){.kind = CHANGE_CREATE, .key = "service/redis"};
    }
    return index;
}

static size_t add_undo(size_t change, enum verb verb, const char *target, size_t undoes) {
    size_t index = add(change, verb, target, NULL);
    actions[index].undoes = undoes;
    return index;
}

static int run(void) {
    int code = executor_run(&fake->engine, NULL, &plan, &options, &result);
    cr_expect_eq(fake->in_flight, 0, "callbacks are left behind");
    for (size_t i = 0; i < plan.action_count; i++)
        cr_expect_gt(states[i], ACTION_RUNNING, "action %zu has not ended", i);
    return code;
}

#define expect_states(...)                                                                         \
    do {                                                                                           \
        enum action_state wanted[] = {__VA_ARGS__};                                                \
        cr_assert_eq(sizeof wanted / sizeof *wanted, plan.action_count);                           \
        for (size_t at = 0; at < plan.action_count; at++)                                          \
            cr_expect_eq(states[at], wanted[at], "action %zu: %d, not %d", at, states[at],         \
                         wanted[at]);                                                              \
    } while (0)

#define DONE      ACTION_DONE
#define FAILED    ACTION_FAILED
#define SKIPPED   ACTION_SKIPPED
#define CANCELLED ACTION_CANCELLED

/* --- order -------------------------------------------------------------------------------------*/

Test(executor, an_empty_plan_is_done) {
    cr_expect_eq(run(), 0);
}

Test(executor, needs_come_first_and_the_rest_runs_together) {
    add(0, VERB_CREATE, "a", "");
    add(1, VERB_CREATE, "b", "");
    add(2, VERB_CREATE, "c", "01");
    add(3, VERB_CREATE, "d", "0");
    add(4, VERB_CREATE, "e", "23");
    cr_expect_eq(run(), 0);
    cr_expect_str_eq(fake->log, "a b d c e ");
    cr_expect_eq(result.done, 5);
    cr_expect_eq(fake->most_in_flight, 2);
}

Test(executor, no_more_than_parallel_are_in_flight) {
    options.parallel = 3;
    for (int i = 0; i < 20; i++)
        add(0, VERB_CREATE, "a", "");
    cr_expect_eq(run(), 0);
    cr_expect_eq(fake->most_in_flight, 3);
    cr_expect_eq(fake_calls(fake, "a"), 20);
}

Test(executor, sixteen_is_the_default_limit) {
    for (int i = 0; i < 30; i++)
        add(0, VERB_CREATE, "a", "");
    cr_expect_eq(run(), 0);
    cr_expect_eq(fake->most_in_flight, 16);
}

Test(executor, an_await_takes_no_place) {
    options.parallel = 1;
    for (int i = 0; i < 3; i++)
        add(0, VERB_AWAIT, "W", "");
    add(1, VERB_CREATE, "a", "");
    fake_script(fake, "W", "wwwwww.");
    cr_expect_eq(run(), 0);
    cr_expect(strncmp(fake->log, "W W W a ", 8) == 0, "%s", fake->log);
}

/* --- failures ----------------------------------------------------------------------------------*/

Test(executor, a_failure_skips_its_dependents_only) {
    add(0, VERB_CREATE, "a", "");
    add(1, VERB_CREATE, "b", "");
    add(2, VERB_CREATE, "c", "0");
    add(3, VERB_CREATE, "d", "2");
    add(4, VERB_CREATE, "e", "1");
    add(5, VERB_CREATE, "g", "13");
    fake_script(fake, "a", "f");
    cr_expect_eq(run(), -1);
    expect_states(FAILED, DONE, SKIPPED, SKIPPED, DONE, SKIPPED);
    cr_expect_eq(result.done, 2);
    cr_expect_eq(result.failed, 1);
    cr_expect_eq(result.skipped, 3);
    cr_expect_not(result.retryable);
    cr_expect_str_eq(error_text(&result.first), "a: scripted f");
}

Test(executor, the_first_failure_is_reported) {
    add(0, VERB_CREATE, "a", "");
    add(1, VERB_CREATE, "b", "0");
    add(2, VERB_CREATE, "c", "");
    fake_script(fake, "b", "f");
    fake_script(fake, "c", "f");
    cr_expect_eq(run(), -1);
    cr_expect_str_eq(error_text(&result.first), "c: scripted f");
}

Test(executor, refusals_need_no_call) {
    size_t refusal = add(0, VERB_REFUSE, "r", "");
    static struct resource foreign = {.foreign = true};
    actions[refusal].argument = "the name \"x\" is taken; remove it";
    changes[0].observed = &foreign;
    add(1, VERB_CREATE, "a", "0");
    add(2, VERB_CREATE, "b", "");
    cr_expect_eq(run(), -1);
    expect_states(FAILED, SKIPPED, DONE);
    cr_expect_str_eq(fake->log, "b ");
    cr_expect_eq(result.first.code, ERROR_CONFLICT);
    cr_expect_str_eq(error_text(&result.first),
                     "service redis: the name \"x\" is taken; remove it");
}

/* --- retries -----------------------------------------------------------------------------------*/

Test(executor, what_can_pass_is_tried_again_in_place) {
    add(0, VERB_START, "a", "");
    add(1, VERB_STOP, "b", "");
    fake_script(fake, "a", "tu.");
    fake_script(fake, "b", "ttut.");
    cr_expect_eq(run(), 0);
    cr_expect_eq(fake_calls(fake, "a"), 3);
    cr_expect_eq(fake_calls(fake, "b"), 5);
    cr_expect_eq(result.first.code, ERROR_NONE);
    cr_expect_not(result.retryable);
}

Test(executor, five_tries_are_enough) {
    add(0, VERB_START, "a", "");
    fake_script(fake, "a", "t");
    cr_expect_eq(run(), -1);
    cr_expect_eq(fake_calls(fake, "a"), 5);
    cr_expect(result.retryable);
    cr_expect_str_eq(progress, "a: scripted t");
}

Test(executor, what_cannot_pass_is_not_tried_again) {
    add(0, VERB_START, "a", "");
    add(1, VERB_CREATE, "b", "");
    add(2, VERB_START, "c", "");
    fake_script(fake, "a", "f");
    fake_script(fake, "b", "t"); /* only observing tells what a first try has made */
    fake_script(fake, "c", "o");
    cr_expect_eq(run(), -1);
    cr_expect_str_eq(fake->log, "a b c ");
    cr_expect(result.retryable);
    cr_expect_eq(result.failed, 3);
}

/* --- undo --------------------------------------------------------------------------------------*/

/* stop the old, rename it, create, start, await the new; and the way back. */
static void replacement(void) {
    add(0, VERB_STOP, "stop", "");          /* 0 */
    add(0, VERB_RENAME, "rename", "0");     /* 1 */
    add(0, VERB_CREATE, "create", "1");     /* 2 */
    add(0, VERB_START, "start", "2");       /* 3 */
    add(0, VERB_AWAIT, "AWAIT", "3");       /* 4 */
    add(0, VERB_REMOVE, "remove", "4");     /* 5 */
    add_undo(0, VERB_REMOVE, "-create", 2); /* 6 */
    add_undo(0, VERB_RENAME, "-rename", 1); /* 7 */
    add_undo(0, VERB_START, "-stop", 0);    /* 8 */
    add(1, VERB_CREATE, "other", "");       /* 9 */
    add(2, VERB_START, "after", "4");       /* 10 */
}

Test(executor, nothing_is_undone_when_all_went_well) {
    replacement();
    cr_expect_eq(run(), 0);
    expect_states(DONE, DONE, DONE, DONE, DONE, DONE, SKIPPED, SKIPPED, SKIPPED, DONE, DONE);
    cr_expect_eq(result.skipped, 0);
    cr_expect_null(strstr(fake->log, "-"));
}

Test(executor, a_failed_await_is_undone_in_order) {
    replacement();
    fake_script(fake, "AWAIT", "wf");
    cr_expect_eq(run(), -1);
    expect_states(DONE, DONE, DONE, DONE, FAILED, SKIPPED, DONE, DONE, DONE, DONE, SKIPPED);
    cr_expect_not_null(strstr(fake->log, "AWAIT AWAIT -create -rename -stop "), "%s", fake->log);
}

Test(executor, only_what_was_done_is_undone) {
    replacement();
    fake_script(fake, "create", "f");
    cr_expect_eq(run(), -1);
    expect_states(DONE, DONE, FAILED, SKIPPED, SKIPPED, SKIPPED, SKIPPED, DONE, DONE, DONE,
                  SKIPPED);
    cr_expect_eq(result.skipped, 4, "an undo that is not needed does not count");
}

Test(executor, a_failure_at_the_first_action_undoes_nothing) {
    replacement();
    fake_script(fake, "stop", "f");
    cr_expect_eq(run(), -1);
    cr_expect_null(strstr(fake->log, "-"), "%s", fake->log);
}

Test(executor, a_failing_undo_does_not_keep_the_next_from_being_tried) {
    replacement();
    fake_script(fake, "start", "f");
    fake_script(fake, "-create", "f");
    fake_script(fake, "-rename", "t");
    cr_expect_eq(run(), -1);
    expect_states(DONE, DONE, DONE, FAILED, SKIPPED, SKIPPED, FAILED, FAILED, DONE, DONE, SKIPPED);
    cr_expect_str_eq(error_text(&result.first), "start: scripted f");
    cr_expect_str_eq(messages[6], "-create: scripted f");
}

Test(executor, what_may_pass_is_not_undone) {
    const char *scripts[] = {"u", "t", "o"};
    for (int i = 0; i < 3; i++) {
        plan.action_count = plan.change_count = 0;
        memset(states, 0, sizeof states);
        error_clear(&result.first);
        replacement();
        fake_script(fake, "start", scripts[i]);
        cr_expect_eq(run(), -1);
        expect_states(DONE, DONE, DONE, FAILED, SKIPPED, SKIPPED, SKIPPED, SKIPPED, SKIPPED, DONE,
                      SKIPPED);
        cr_expect(result.retryable);
    }
}

Test(executor, a_change_that_is_skipped_for_good_is_undone) {
    add(0, VERB_CREATE, "dependency", "");
    add(1, VERB_STOP, "stop", "");
    add(1, VERB_START, "start", "01");
    add_undo(1, VERB_START, "-stop", 1);
    fake_script(fake, "dependency", "f");
    cr_expect_eq(run(), -1);
    expect_states(FAILED, DONE, SKIPPED, DONE);
}

Test(executor, a_change_that_is_skipped_for_now_is_not_undone) {
    add(0, VERB_CREATE, "dependency", "");
    add(1, VERB_STOP, "stop", "");
    add(1, VERB_START, "start", "01");
    add_undo(1, VERB_START, "-stop", 1);
    fake_script(fake, "dependency", "u");
    cr_expect_eq(run(), -1);
    expect_states(FAILED, DONE, SKIPPED, SKIPPED);
}

Test(executor, an_undo_waits_for_all_of_its_change) {
    add(0, VERB_STOP, "a", "");
    add(0, VERB_CONNECT, "b", "0");
    add(0, VERB_CONNECT, "slow", "0");
    add_undo(0, VERB_START, "-a", 0);
    fake_script(fake, "b", "f");
    fake_script(fake, "slow", "tt.");
    cr_expect_eq(run(), -1);
    cr_expect_str_eq(fake->log, "a b slow slow slow -a ");
}

Test(executor, only_what_came_before_the_failure_is_undone) {
    add(0, VERB_STOP, "a", "");
    add(0, VERB_CONNECT, "b", "0");
    add(0, VERB_CONNECT, "c", "0");
    add_undo(0, VERB_DISCONNECT, "-c", 2);
    add_undo(0, VERB_START, "-a", 0);
    fake_script(fake, "b", "f");
    cr_expect_eq(run(), -1);
    expect_states(DONE, FAILED, DONE, SKIPPED, DONE);
}

Test(executor, undos_of_an_undone_change_take_places_too) {
    options.parallel = 1;
    for (size_t i = 0; i < 3; i++) {
        char digit[] = {(char)('0' + 3 * i), '\0'};
        add(i, VERB_STOP, "stop", "");
        add(i, VERB_CREATE, "create", digit);
        add_undo(i, VERB_START, "-stop", 3 * i);
    }
    fake_script(fake, "create", "f");
    cr_expect_eq(run(), -1);
    cr_expect_eq(fake_calls(fake, "-stop"), 3);
    cr_expect_eq(fake->most_in_flight, 1);
}

/* --- await -------------------------------------------------------------------------------------*/

Test(executor, probes_follow_until_it_is_healthy) {
    add(0, VERB_AWAIT, "W", "");
    fake_script(fake, "W", "wwww.");
    long long before = http_now_ms();
    cr_expect_eq(run(), 0);
    cr_expect_eq(fake_calls(fake, "W"), 5);
    cr_expect_geq(http_now_ms() - before, 50 + 100 + 200 + 400);
    cr_expect_str_eq(progress, "connection refused");
}

Test(executor, an_await_has_a_limit_and_shows_the_last_lines) {
    add(0, VERB_AWAIT, "dev-redis", "");
    add(1, VERB_START, "a", "0");
    fake_script(fake, "dev-redis", "w");
    fake->logs = "one\ntwo\r\n\n  three\n";
    options.await_ms = 1000;
    cr_expect_eq(run(), -1);
    expect_states(FAILED, SKIPPED);
    cr_expect_str_eq(messages[0],
                     "service redis did not become healthy within 1s: connection refused; its "
                     "last lines (all: docker logs dev-redis):\n    one\n    two\n      three");
    cr_expect_str_eq(error_text(&result.first), messages[0]);
    cr_expect_not(result.retryable);
}

Test(executor, what_containers_say_is_shown_without_secrets) {
    struct secret secrets[] = {{.name = "a", .value = "hunter22"},
                               {.name = "b", .value = "hunter22-and-more"},
                               {.name = "c", .value = "-- key --\nQUJDRA==\n"},
                               {.name = "d", .value = "the"},
                               {.name = "e", .value = "refused"},
                               {.name = "f"}};
    struct environment environment = {.secrets = secrets, .secret_count = 6};
    add(0, VERB_AWAIT, "W", "");
    fake_script(fake, "W", "w");
    fake->logs = "the hunter22, hunter22-and-more\n-- key --\nQUJDRA==\nthe hunter22-and";
    options.await_ms = 1000;
    executor_run(&fake->engine, &environment, &plan, &options, &result);
    cr_expect_str_eq(messages[0],
                     "service redis did not become healthy within 1s: connection (secret); its "
                     "last lines (all: docker logs W):\n    the (secret), (secret)\n    (secret)\n"
                     "    (secret)\n    the (secret)");
    cr_expect_str_eq(progress, "connection (secret)");
}

/* The target stands in for whatever of its request an engine quotes. */
Test(executor, what_the_engine_says_is_shown_without_secrets) {
    struct secret secret = {.name = "a", .value = "hunter22"};
    struct environment environment = {.secrets = &secret, .secret_count = 1};
    add(0, VERB_START, "invalid hunter22", "");
    fake_script(fake, "invalid hunter22", "tf");
    executor_run(&fake->engine, &environment, &plan, &options, &result);
    cr_expect_str_eq(messages[0], "invalid (secret): scripted f");
    cr_expect_str_eq(error_text(&result.first), "invalid (secret): scripted f");
    cr_expect_str_eq(progress, "invalid (secret): scripted t");
}

Test(executor, a_probe_without_an_answer_does_not_outlive_the_limit) {
    add(0, VERB_AWAIT, "W", "");
    fake_script(fake, "W", "h");
    options.await_ms = 50;
    cr_expect_eq(run(), -1);
    cr_expect_str_eq(messages[0], "service redis did not become healthy within 50ms: no answer to "
                                  "its check; see docker logs W");
}

Test(executor, what_cannot_become_healthy_fails_at_once) {
    add(0, VERB_AWAIT, "W", "");
    fake_script(fake, "W", "wf");
    cr_expect_eq(run(), -1);
    cr_expect_eq(fake_calls(fake, "W"), 2);
    cr_expect_str_eq(messages[0],
                     "service redis did not become healthy: exited with code 1; see docker logs W");
}

Test(executor, what_the_engine_restarts_gets_its_time) {
    const enum restart_policy policies[] = {RESTART_ALWAYS, RESTART_UNLESS_STOPPED,
                                            RESTART_ON_FAILURE};
    for (size_t i = 0; i < 3; i++) {
        service.restart = policies[i];
        plan.action_count = 0;
        states[0] = ACTION_WAITING;
        add(0, VERB_AWAIT, i == 0 ? "A" : i == 1 ? "B" : "C", "");
        fake_script(fake, actions[0].target, "ff.");
        cr_expect_eq(run(), 0);
        cr_expect_eq(fake_calls(fake, actions[0].target), 3);
    }
}

/* Without a check, running is all that can be seen, and what exits at once is seen running too. */
Test(executor, what_exits_at_once_is_not_ready) {
    service.healthcheck.kind = CHECK_DISABLED;
    changes[0].kind = CHANGE_CREATE;
    add(0, VERB_AWAIT, "W", "");
    fake_script(fake, "W", ".f");
    cr_expect_eq(run(), -1);
    cr_expect_eq(fake_calls(fake, "W"), 2);
}

Test(executor, what_stays_is_ready) {
    service.healthcheck.kind = CHECK_DISABLED;
    changes[0].kind = CHANGE_CREATE;
    add(0, VERB_AWAIT, "W", "");
    fake_script(fake, "W", "w.");
    cr_expect_eq(run(), 0);
    cr_expect_eq(fake_calls(fake, "W"), 3);
}

/* No restart policy brings back what is gone. */
Test(executor, what_is_gone_fails_at_once) {
    container.service = &(struct service){.name = "redis", .restart = RESTART_ALWAYS};
    add(0, VERB_AWAIT, "await", "");
    fake_script(fake, "await", "wg");
    long long start_ms = http_now_ms();
    cr_expect_eq(run(), -1);
    cr_expect_lt(http_now_ms() - start_ms, 30000, "the limit is 60 s");
    expect_states(FAILED);
    cr_expect_eq(fake_calls(fake, "await"), 2);
    cr_expect(strstr(error_text(&result.first), "the container is gone"), "%s",
              error_text(&result.first));
}

Test(executor, an_exit_with_0_counts_where_it_is_wanted) {
    static const struct {
        enum depends_condition condition;
        enum restart_policy restart;
        bool completes;
        const char *script;
        int code;
    } cases[] = {
        {DEPENDS_COMPLETED, RESTART_NO, true, "w.c", 0},
        {DEPENDS_COMPLETED, RESTART_NO, true, "wf", -1},
        {DEPENDS_HEALTHY, RESTART_NO, false, "wc", -1},
        {DEPENDS_HEALTHY, RESTART_ON_FAILURE, true, "wc", 0},
        {DEPENDS_HEALTHY, RESTART_ALWAYS, false, "c.", 0},
        {DEPENDS_STARTED, RESTART_NO, false, "wc", 0},
        {DEPENDS_STARTED, RESTART_NO, false, ".", 0},
    };
    const char *targets[] = {"A", "B", "C", "D", "E", "F", "G"};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        plan.action_count = 0;
        states[0] = ACTION_WAITING;
        error_clear(&result.first);
        add(0, VERB_AWAIT, targets[i], "");
        actions[0].condition = cases[i].condition;
        service.restart = cases[i].restart;
        service.completes = cases[i].completes;
        fake_script(fake, targets[i], cases[i].script);
        cr_expect_eq(run(), cases[i].code, "case %zu: %s", i, error_text(&result.first));
        cr_expect_eq(fake_calls(fake, targets[i]), (int)strlen(cases[i].script), "case %zu", i);
    }
}

Test(executor, a_container_known_by_id_is_named) {
    static struct resource observed = {.id = "4f5e", .engine_name = "dev-redis"};
    add(0, VERB_AWAIT, "4f5e", "");
    actions[0].observed = &observed;
    fake_script(fake, "4f5e", "f");
    cr_expect_eq(run(), -1);
    cr_expect_not_null(strstr(messages[0], "docker logs dev-redis"), "%s", messages[0]);
}

/* --- stopping early ----------------------------------------------------------------------------*/

static void interrupt_at_b(const char *target) {
    if (strcmp(target, "b") == 0)
        interrupted = 1;
}

Test(executor, an_interrupt_lets_what_is_in_flight_end) {
    add(0, VERB_CREATE, "a", "");
    add(1, VERB_CREATE, "b", "0");
    add(2, VERB_CREATE, "c", "1");
    add(3, VERB_AWAIT, "W", "");
    add(4, VERB_START, "retried", "");
    fake->on_call = interrupt_at_b;
    fake_script(fake, "W", "w");
    fake_script(fake, "retried", "t");
    cr_expect_eq(run(), -1);
    expect_states(DONE, DONE, CANCELLED, CANCELLED, CANCELLED);
    cr_expect_eq(result.cancelled, 3);
    cr_expect_eq(result.first.code, ERROR_INTERRUPTED);
    cr_expect_eq(fake_calls(fake, "c"), 0);
}

Test(executor, an_interrupt_undoes_nothing) {
    replacement();
    fake->on_call = interrupt_at_b;
    actions[3].target = "b";
    fake_script(fake, "b", "f");
    cr_expect_eq(run(), -1);
    cr_expect_null(strstr(fake->log, "-"), "%s", fake->log);
    cr_expect_eq(states[6], CANCELLED);
}

Test(executor, an_interrupt_does_not_wait_for_ever) {
    add(0, VERB_CREATE, "b", "");
    add(1, VERB_AWAIT, "W", "");
    fake->on_call = interrupt_at_b;
    fake_script(fake, "b", "h");
    fake_script(fake, "W", "h");
    cr_expect_eq(run(), -1);
    expect_states(CANCELLED, CANCELLED);
    cr_expect_eq(result.first.code, ERROR_INTERRUPTED);
}

Test(executor, a_deadline_ends_everything) {
    add(0, VERB_CREATE, "a", "");
    add(1, VERB_CREATE, "b", "0");
    add(2, VERB_AWAIT, "W", "");
    add(3, VERB_CREATE, "c", "2");
    fake_script(fake, "b", "h");
    fake_script(fake, "W", "w");
    options.deadline_ms = http_now_ms() + 1500;
    cr_expect_eq(run(), -1);
    expect_states(DONE, CANCELLED, CANCELLED, CANCELLED);
    cr_expect_eq(result.first.code, ERROR_TIMEOUT);
    cr_expect_str_eq(error_text(&result.first),
                     "out of time while waiting for service redis: connection refused; see docker "
                     "logs W, or allow more with --timeout");
}

Test(executor, a_deadline_names_the_action_it_cut) {
    add(0, VERB_CREATE, "a", "");
    fake_script(fake, "a", "h");
    options.deadline_ms = http_now_ms() + 50;
    cr_expect_eq(run(), -1);
    cr_expect_str_eq(error_text(&result.first),
                     "out of time during create of service redis; allow more with --timeout");
}

Test(executor, a_plan_that_cannot_end_ends) {
    add(0, VERB_CREATE, "a", "");
    add(1, VERB_CREATE, "b", "1"); /* needs itself */
    cr_expect_eq(executor_run(&fake->engine, NULL, &plan, &options, &result), -1);
    cr_expect_eq(result.done, 1);
    cr_expect_eq(result.cancelled, 1);
    cr_expect_not_null(strstr(error_text(&result.first), "defect"), "%s",
                       error_text(&result.first));
}
