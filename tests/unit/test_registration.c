/* Registering, against a Redis that answers by a script and an engine that only knows addresses. */
#include "unit/redis_server.h"

#include "base/http.h"
#include "base/memory.h"
#include "status/registration.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct resource_kind kind_service = {.name = "service",
                                                  .lifecycle = LIFECYCLE_CONTAINER};
static struct service services[] = {
    {.name = "redis", .image = "redis:7", .registration = {.port = 6379, .protocol = "redis"}},
    {.name = "web", .image = "web:1", .registration = {.port = 80, .protocol = "http"}}};
static struct pair addresses[] = {{.key = "internal", .value = "172.20.0.10"}};
static const struct container_facts facts = {.addresses = {addresses, 1}};
static struct resource desired[] = {{.kind = &kind_service,
                                     .key = "service/redis",
                                     .name = "redis",
                                     .instance = 1,
                                     .engine_name = "tse-redis",
                                     .service = &services[0]},
                                    {.kind = &kind_service,
                                     .key = "service/web",
                                     .name = "web",
                                     .instance = 1,
                                     .engine_name = "tse-web",
                                     .service = &services[1]}};
static struct resource observed[] = {{.kind = &kind_service,
                                      .key = "service/redis",
                                      .name = "redis",
                                      .instance = 1,
                                      .id = "id-redis",
                                      .engine_name = "tse-redis",
                                      .state = RUN_RUNNING,
                                      .health = HEALTH_HEALTHY,
                                      .facts = &facts},
                                     {.kind = &kind_service,
                                      .key = "service/web",
                                      .name = "web",
                                      .instance = 1,
                                      .id = "id-web",
                                      .engine_name = "tse-web",
                                      .state = RUN_RUNNING,
                                      .health = HEALTH_HEALTHY,
                                      .facts = &facts}};
static struct environment environment = {
    .name = "dev", .project = "tse", .services = services, .service_count = 2};

static struct engine engine;
static struct redis_server *server;
static struct registration_run *run;
static const char *place; /* where the engine says Redis is; NULL: nowhere */
static char located[256]; /* the targets that were looked for */

/* --- an engine ----------------------------------------------------------------------------------
 */

struct pending {
    engine_located *done;
    void *context;
    uint16_t port;
};

static void answer(void *context) {
    struct pending *pending = context;
    const char *reachable[] = {pending->port ? place : NULL, NULL};
    struct engine_location location = {
        .addresses = {addresses, 1}, .reachable = reachable, .checked = true};
    pending->done(pending->context, &location, NULL);
    free(pending);
}

static void locate(struct engine *self, const struct environment *of, const char *target,
                   uint16_t port, engine_located *done, void *context) {
    (void)of;
    size_t used = strlen(located);
    snprintf(located + used, sizeof located - used, "%s:%u ", target, (unsigned)port);
    struct pending *pending = memory_alloc(sizeof *pending);
    *pending = (struct pending){done, context, port};
    http_after(self->client, 0, answer, pending);
}

static const struct engine_operations operations = {.name = "fake", .locate = locate};

static void begin(struct redis_rule *rules) {
    server = redis_server_start(rules);
    engine = (struct engine){.operations = &operations, .client = http_client_new(NULL)};
    environment.redis = (struct redis_settings){.declared = true,
                                                .service = "redis",
                                                .port = 6379,
                                                .user = "reconciler",
                                                .password = "pass-word"};
    place = server->address;
    run = registration_new(&engine, &environment, NULL);
}

static void end(void) {
    registration_free(run);
    if (engine.client)
        http_client_free(engine.client);
}

TestSuite(registration, .fini = end, .timeout = 120);

static const struct registration_result *sync_with(size_t count) {
    cleanup_arena struct arena *arena = arena_new();
    const struct resource_set wanted = {desired, 2}, found = {observed, count};
    static const struct plan nothing;
    struct status *status = status_make(arena, &environment, &wanted, &found, &nothing, "fake", 0);
    registration_sync(run, status, true);
    return registration_result(run);
}

static void expect_error(enum error_code code, const char *text) {
    const struct error *error = &registration_result(run)->error;
    cr_expect_eq(error->code, code, "%d: %s", (int)error->code, error_text(error));
    cr_expect(strstr(error_text(error), text), "%s", error_text(error));
}

/* What Redis holds when all is well. */
#define STORED(service, port, protocol, version)                                                   \
    "{\"service\":\"" service "\",\"id\":\"tse-" service                                           \
    "\",\"host\":\"172.20.0.10\",\"port\":" port ",\"protocol\":\"" protocol                       \
    "\",\"version\":\"" version "\",\"health\":\"healthy\",\"tags\":[],"                           \
    "\"metadata\":{\"environment\":\"dev\",\"project\":\"tse\",\"container\":\"tse-" service       \
    "\"},"                                                                                         \
    "\"ttl\":null,\"registeredAt\":\"a\",\"updatedAt\":\"b\",\"source\":\"reconciler\"}"

static char both_stored[2048];

static void store_both(void) {
    static const char redis[] = STORED("redis", "6379", "redis", "7");
    static const char web[] = STORED("web", "80", "http", "1");
    snprintf(both_stored, sizeof both_stored, "*2\r\n$%zu\r\n%s\r\n$%zu\r\n%s\r\n", strlen(redis),
             redis, strlen(web), web);
}

/* --- everything at once -------------------------------------------------------------------------
 */

Test(registration, an_environment_without_redis_costs_nothing) {
    static const struct environment without = {.name = "dev"};
    cr_expect_null(registration_new(&engine, &without, NULL));
    registration_sync(NULL, NULL, true);
    registration_action(NULL, NULL, 0);
    registration_free(NULL);
}

Test(registration, nothing_to_do_is_one_connection_and_two_questions) {
    static struct redis_rule rules[] = {
        {"AUTH", "+OK\r\n", 0},
        {"SMEMBERS", "*2\r\n$11\r\nweb:tse-web\r\n$15\r\nredis:tse-redis\r\n", 0},
        {"MGET", both_stored, 0},
        {0}};
    store_both();
    begin(rules);
    const struct registration_result *result = sync_with(2);
    expect_error(ERROR_NONE, "");
    cr_expect_eq(result->written + result->removed, 0);
    cr_expect_eq(server->connections, 1);
    cr_expect_str_eq(redis_server_log(server),
                     "AUTH reconciler pass-word\nSMEMBERS registry:environments:dev\n"
                     "MGET registry:services:redis:tse-redis registry:services:web:tse-web\n");
    cr_expect_str_eq(located, "id-redis:6379 ");
}

static struct redis_rule empty_redis[] = {
    {"AUTH", "+OK\r\n", 0},
    {"SMEMBERS", "*0\r\n", 0},
    {"MGET registry:services:redis:tse-redis registry", "*2\r\n$-1\r\n$-1\r\n", 0},
    {"MGET", "*1\r\n$-1\r\n", 0},
    {"EXEC", "*3\r\n+OK\r\n:1\r\n$3\r\n1-1\r\n", 0},
    {"", "+OK\r\n", 0},
    {0}};

Test(registration, each_is_written_in_one_transaction_with_its_event) {
    begin(empty_redis);
    cr_expect_eq(sync_with(2)->written, 2);
    expect_error(ERROR_NONE, "");
    const char *log = redis_server_log(server);
    const char *watch = strstr(
        log,
        "WATCH registry:services:web:tse-web\nMGET registry:services:web:tse-web\nMULTI\nSET ");
    cr_assert(watch, "%s", log);
    const char *list =
        strstr(watch, "\nSADD registry:environments:dev web:tse-web\n"
                      "XADD registry:events MAXLEN ~ 10000 * type registered service web "
                      "name tse-web data {\"service\":\"web\"");
    cr_expect(list && strstr(list, "\nEXEC\n"), "%s", log);
}

Test(registration, what_somebody_else_changes_meanwhile_is_read_again) {
    static struct redis_rule rules[] = {{"AUTH", "+OK\r\n", 0},
                                        {"SMEMBERS", "*0\r\n", 0},
                                        {"MGET", "*1\r\n$-1\r\n", 0},
                                        {"EXEC", "*-1\r\n", 2},
                                        {"EXEC", "*3\r\n+OK\r\n:1\r\n$3\r\n1-1\r\n", 0},
                                        {"", "+OK\r\n", 0},
                                        {0}};
    begin(rules);
    cr_expect_eq(sync_with(1)->written, 1);
    expect_error(ERROR_NONE, "");
}

Test(registration, somebody_who_never_stops_changing_it_is_no_endless_loop) {
    static struct redis_rule rules[] = {{"AUTH", "+OK\r\n", 0},       {"SMEMBERS", "*0\r\n", 0},
                                        {"MGET", "*1\r\n$-1\r\n", 0}, {"EXEC", "*-1\r\n", 0},
                                        {"", "+OK\r\n", 0},           {0}};
    begin(rules);
    cr_expect_eq(sync_with(1)->written, 0);
    expect_error(ERROR_FAILED, "changed by somebody else");
}

Test(registration, what_is_refused_of_one_holds_no_other_up) {
    static struct redis_rule rules[] = {
        {"AUTH", "+OK\r\n", 0},
        {"SMEMBERS", "*0\r\n", 0},
        {"MGET registry:services:redis:tse-redis registry", "*2\r\n$-1\r\n$-1\r\n", 0},
        {"MGET", "*1\r\n$-1\r\n", 0},
        {"EXEC", "-EXECABORT Transaction discarded\r\n", 1},
        {"EXEC", "*3\r\n+OK\r\n:1\r\n$3\r\n1-1\r\n", 0},
        {"", "+OK\r\n", 0},
        {0}};
    begin(rules);
    cr_expect_eq(sync_with(2)->written, 1);
    expect_error(ERROR_FAILED, "EXECABORT");
}

Test(registration, withdrawing_takes_out_what_the_set_holds) {
    static struct redis_rule rules[] = {
        {"AUTH", "+OK\r\n", 0},
        {"SMEMBERS", "*3\r\n$7\r\nold:old\r\n$4\r\ngone\r\n$3\r\na:b\r\n", 0},
        {"MGET registry:services:old:old registry",
         "*3\r\n$2\r\n{}\r\n$-1\r\n$16\r\n{\"source\":\"api\"}\r\n", 0},
        {"MGET registry:services:old:old", "*1\r\n$2\r\n{}\r\n", 0},
        {"MGET registry:services:a:b", "*1\r\n$16\r\n{\"source\":\"api\"}\r\n", 0},
        {"MGET", "*1\r\n$-1\r\n", 0},
        {"EXEC", "*3\r\n:1\r\n:1\r\n$3\r\n1-1\r\n", 0},
        {"", "+OK\r\n", 0},
        {0}};
    const struct resource_set found = {observed, 2};
    begin(rules);
    registration_withdraw(run, &found);
    expect_error(ERROR_NONE, "");
    cr_expect_eq(registration_result(run)->removed, 1);
    const char *log = redis_server_log(server);
    cr_expect(
        strstr(log, "DEL registry:services:old:old\nSREM registry:environments:dev old:old\nXADD"),
        "%s", log);
    cr_expect(strstr(log, "SREM registry:environments:dev gone\n"), "%s", log);
    cr_expect(strstr(log, "SREM registry:environments:dev a:b\n"), "%s", log);
    cr_expect_null(strstr(log, "DEL registry:services:a:b"), "%s", log);
}

Test(registration, withdrawing_from_one_of_its_own_that_is_down_is_nothing) {
    const struct resource_set none = {0};
    begin(NULL);
    registration_withdraw(run, &none);
    expect_error(ERROR_NONE, "");
    cr_expect_eq(server->connections, 0);
}

/* --- what goes wrong ----------------------------------------------------------------------------
 */

Test(registration, refused) {
    begin(NULL);
    place = server->refusing;
    sync_with(2);
    expect_error(ERROR_UNREACHABLE, server->refusing);
}

Test(registration, out_of_reach) {
    begin(NULL);
    place = NULL;
    sync_with(2);
    expect_error(ERROR_FAILED, "the service redis: its port cannot be reached from here");
}

Test(registration, its_service_does_not_run) {
    begin(NULL);
    sync_with(0);
    expect_error(ERROR_UNREACHABLE, "the service redis does not run");
}

Test(registration, cut_once_is_tried_again) {
    static struct redis_rule rules[] = {
        {"SMEMBERS", REDIS_CUT, 1},
        {"AUTH", "+OK\r\n", 0},
        {"SMEMBERS", "*0\r\n", 0},
        {"MGET registry:services:redis:tse-redis registry", "*2\r\n$-1\r\n$-1\r\n", 0},
        {"MGET", "*1\r\n$-1\r\n", 0},
        {"EXEC", "*3\r\n+OK\r\n:1\r\n$3\r\n1-1\r\n", 0},
        {"", "+OK\r\n", 0},
        {0}};
    begin(rules);
    cr_expect_eq(sync_with(2)->written, 2);
    expect_error(ERROR_NONE, "");
    cr_expect_eq(server->connections, 2);
}

Test(registration, loading) {
    static struct redis_rule rules[] = {
        {"AUTH", "+OK\r\n", 0},
        {"", "-LOADING Redis is loading the dataset in memory\r\n", 0},
        {0}};
    begin(rules);
    sync_with(2);
    expect_error(ERROR_TRANSIENT, "LOADING");
}

Test(registration, silent) {
    static struct redis_rule rules[] = {{"AUTH", "+OK\r\n", 0}, {"", REDIS_SILENT, 0}, {0}};
    begin(rules);
    sync_with(2);
    expect_error(ERROR_TIMEOUT, server->address);
}

Test(registration, not_allowed) {
    static struct redis_rule rules[] = {
        {"AUTH", "+OK\r\n", 0}, {"", "-NOPERM this user has no permissions\r\n", 0}, {0}};
    begin(rules);
    sync_with(2);
    expect_error(ERROR_FAILED, "NOPERM");
}

Test(registration, watching_is_not_allowed) {
    static struct redis_rule rules[] = {
        {"WATCH", "-NOPERM this user has no permissions\r\n", 0},
        {"AUTH", "+OK\r\n", 0},
        {"SMEMBERS", "*0\r\n", 0},
        {"MGET registry:services:redis:tse-redis registry", "*2\r\n$-1\r\n$-1\r\n", 0},
        {"", "+OK\r\n", 0},
        {0}};
    begin(rules);
    sync_with(2);
    expect_error(ERROR_FAILED, "NOPERM");
    cr_expect_null(strstr(redis_server_log(server), "SET"));
}

Test(registration, another_servers_answers) {
    static struct redis_rule rules[] = {{"AUTH", "+OK\r\n", 0}, {"", "+OK\r\n", 0}, {0}};
    begin(rules);
    sync_with(2);
    expect_error(ERROR_FAILED, "does not answer as Redis does");
}

/* --- as soon as it is healthy -------------------------------------------------------------------
 */

static struct change created[] = {{.kind = CHANGE_CREATE, .key = "service/redis"},
                                  {.kind = CHANGE_CREATE, .key = "service/web"}};
static struct action awaited[] = {{.verb = VERB_AWAIT,
                                   .change = 0,
                                   .desired = &desired[0],
                                   .target = "tse-redis",
                                   .condition = DEPENDS_HEALTHY},
                                  {.verb = VERB_AWAIT,
                                   .change = 1,
                                   .desired = &desired[1],
                                   .target = "tse-web",
                                   .condition = DEPENDS_HEALTHY}};
static const struct plan plan = {created, 2, awaited, 2};

static void run_while_busy(void) {
    for (int round = 0; round < 1000 && http_busy(engine.client); round++)
        http_run(engine.client, 1000);
    cr_assert_not(http_busy(engine.client));
}

Test(registration, held_back_until_redis_is_there_and_written_then) {
    begin(empty_redis);
    registration_action(run, &plan, 1);
    run_while_busy();
    cr_expect_eq(server->connections, 0);
    registration_action(run, &plan, 0);
    run_while_busy();
    const char *log = redis_server_log(server);
    cr_expect(strstr(log, "SET registry:services:web:tse-web"), "%s", log);
    cr_expect(strstr(log, "SET registry:services:redis:tse-redis"), "%s", log);
    cr_expect_null(strstr(log, "SMEMBERS"), "%s", log);
    cr_expect_eq(registration_result(run)->written, 2);
    cr_expect_eq(server->connections, 1);
}

Test(registration, what_could_not_be_written_early_is_left_to_the_end) {
    begin(empty_redis);
    place = server->refusing;
    registration_action(run, &plan, 0);
    registration_action(run, &plan, 1);
    run_while_busy();
    cr_expect_eq(registration_result(run)->written, 0);
    place = server->address;
    cr_expect_eq(sync_with(2)->written, 2);
    expect_error(ERROR_NONE, "");
}

Test(registration, what_ran_before_is_left_to_the_end) {
    struct change kept[] = {
        {.kind = CHANGE_NONE, .key = "service/redis", .observed = &observed[0]}};
    const struct plan idle = {kept, 1, awaited, 1};
    begin(empty_redis);
    registration_action(run, &idle, 0);
    cr_expect_not(http_busy(engine.client));
}

Test(registration, it_may_end_while_something_is_looked_up) {
    begin(empty_redis);
    registration_action(run, &plan, 0);
    registration_action(run, &plan, 1);
}
