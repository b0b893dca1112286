/* The Redis client against a server that does as a script says: refused, cut, slow, garbage. */
#include "unit/redis_server.h"

#include "base/error.h"
#include "base/http.h"
#include "base/memory.h"
#include "base/redis.h"

#include <criterion/criterion.h>
#include <string.h>

static struct http_client *client;
static struct redis *redis;

static struct outcome { /* of opening, or of the last answer */
    int calls;
    enum error_code code;
    char text[512];   /* of the error */
    char answer[512]; /* a text, or "nil", or "array N" */
} opened, answered;

static void note_error(struct outcome *outcome, const struct error *error) {
    outcome->calls++;
    outcome->code = error ? error->code : ERROR_NONE;
    snprintf(outcome->text, sizeof outcome->text, "%s", error ? error_text(error) : "");
}

static void on_opened(void *context, const struct error *error) {
    (void)context;
    note_error(&opened, error);
}

static void on_answered(void *context, const redisReply *reply, const struct error *error) {
    (void)context;
    note_error(&answered, error);
    if (!reply)
        snprintf(answered.answer, sizeof answered.answer, "none");
    else if (reply->type == REDIS_REPLY_ARRAY)
        snprintf(answered.answer, sizeof answered.answer, "array %zu", reply->elements);
    else if (reply->type == REDIS_REPLY_NIL)
        snprintf(answered.answer, sizeof answered.answer, "nil");
    else
        snprintf(answered.answer, sizeof answered.answer, "%s", reply->str ? reply->str : "");
}

static void run_until(const int *calls, int wanted) {
    long long end = http_now_ms() + 60000;
    while (*calls < wanted && http_now_ms() < end)
        http_run(client, 1000);
    cr_assert_eq(*calls, wanted);
}

static void open_with(const char *const *addresses, const char *user, const char *password,
                      long limit_ms) {
    cleanup_error struct error error = ERROR_INIT;
    if (!client)
        client = http_client_new(&error);
    struct redis_options options = {.addresses = addresses,
                                    .user = user,
                                    .password = password,
                                    .connect_ms = limit_ms,
                                    .answer_ms = limit_ms};
    opened = answered = (struct outcome){0};
    redis = redis_open(client, &options, on_opened, NULL);
    cr_expect_eq(opened.calls, 0);
    run_until(&opened.calls, 1);
}

static void open_at(const char *address) {
    const char *addresses[] = {address, NULL};
    open_with(addresses, "reconciler", "pass-word", 30000);
}

static void ask(const char *first, const char *second) {
    const char *command[] = {first, second, NULL};
    redis_send(redis, command, on_answered, NULL);
    run_until(&answered.calls, answered.calls + 1);
}

static void end(void) {
    redis_close(redis);
    http_client_free(client);
}

TestSuite(redis, .fini = end, .timeout = 120);

Test(redis, authenticates_and_asks) {
    static struct redis_rule rules[] = {
        {"AUTH reconciler pass-word", "+OK\r\n", 0}, {"GET a", "$3\r\nabc\r\n", 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    open_at(server->address);
    cr_expect_eq(opened.code, ERROR_NONE, "%s", opened.text);
    ask("GET", "a");
    cr_expect_str_eq(answered.answer, "abc");
    cr_expect_str_eq(redis_address(redis), server->address);
    cr_expect_eq(server->connections, 1);
}

Test(redis, without_a_password_nothing_is_said_first) {
    static struct redis_rule rules[] = {{"GET", "$-1\r\n", 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    const char *addresses[] = {server->address, NULL};
    open_with(addresses, NULL, NULL, 30000);
    ask("GET", "a");
    cr_expect_str_eq(answered.answer, "nil");
    cr_expect_str_eq(redis_server_log(server), "GET a\n");
}

Test(redis, a_name_is_looked_up) {
    static struct redis_rule rules[] = {{"", "+OK\r\n", 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    cleanup_free char *address = format_text("localhost%s", strrchr(server->address, ':'));
    open_at(address);
    cr_expect_eq(opened.code, ERROR_NONE, "%s", opened.text);
}

Test(redis, the_next_address_is_tried) {
    static struct redis_rule rules[] = {{"", "+OK\r\n", 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    const char *addresses[] = {server->refusing, server->address, NULL};
    open_with(addresses, "u", "p", 30000);
    cr_expect_eq(opened.code, ERROR_NONE, "%s", opened.text);
    cr_expect_str_eq(redis_address(redis), server->address);
}

Test(redis, refused) {
    struct redis_server *server = redis_server_start(NULL);
    open_at(server->refusing);
    cr_expect_eq(opened.code, ERROR_UNREACHABLE);
    cr_expect(strstr(opened.text, "Connection refused"), "%s", opened.text);
    cr_expect(strstr(opened.text, server->refusing), "%s", opened.text);
    ask("GET", "a"); /* tells the same, later */
    cr_expect_eq(answered.code, ERROR_UNREACHABLE);
}

Test(redis, no_address) {
    const char *addresses[] = {NULL};
    open_with(addresses, NULL, NULL, 1000);
    cr_expect_eq(opened.code, ERROR_UNREACHABLE);
}

Test(redis, wrong_password_is_told_without_it) {
    static struct redis_rule rules[] = {
        {"AUTH", "-WRONGPASS invalid username-password pair reconciler pass-word\r\n", 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    open_at(server->address);
    cr_expect_eq(opened.code, ERROR_FAILED);
    cr_expect(strstr(opened.text, "refuses the user \"reconciler\""), "%s", opened.text);
    cr_expect_null(strstr(opened.text, "pass-word"), "%s", opened.text);
}

Test(redis, a_refusal_of_another_kind_is_told_as_it_is) {
    static struct redis_rule rules[] = {{"AUTH", "-DENIED Redis is in protected mode\r\n", 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    open_at(server->address);
    cr_expect(strstr(opened.text, ": DENIED Redis is in protected mode"), "%s", opened.text);
}

Test(redis, what_the_server_repeats_is_left_out) {
    static struct redis_rule rules[] = {
        {"AUTH", "+OK\r\n", 0}, {"", "-ERR unknown command, pass-word\r\n", 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    open_at(server->address);
    ask("GET", "a");
    cr_expect_eq(answered.code, ERROR_FAILED);
    cr_expect_null(strstr(answered.text, "pass-word"), "%s", answered.text);
    cr_expect(strstr(answered.text, "ERR"), "%s", answered.text);
}

Test(redis, authentication_is_asked_for) {
    static struct redis_rule rules[] = {{"", "-NOAUTH Authentication required.\r\n", 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    const char *addresses[] = {server->address, NULL};
    open_with(addresses, NULL, NULL, 30000);
    ask("GET", "a");
    cr_expect_eq(answered.code, ERROR_FAILED);
    cr_expect(strstr(answered.text, "NOAUTH"), "%s", answered.text);
}

Test(redis, loading_may_pass) {
    static struct redis_rule rules[] = {
        {"AUTH", "+OK\r\n", 0}, {"", "-LOADING Redis is loading the dataset\r\n", 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    open_at(server->address);
    ask("GET", "a");
    cr_expect_eq(answered.code, ERROR_TRANSIENT);
}

Test(redis, cut) {
    static struct redis_rule rules[] = {{"AUTH", "+OK\r\n", 0}, {"", REDIS_CUT, 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    open_at(server->address);
    ask("GET", "a");
    cr_expect_neq(answered.code, ERROR_NONE);
    cr_expect(strstr(answered.text, "closed the connection"), "%s", answered.text);
}

Test(redis, cut_while_authenticating) {
    static struct redis_rule rules[] = {{"", REDIS_CUT, 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    open_at(server->address);
    cr_expect_eq(opened.code, ERROR_UNREACHABLE);
}

Test(redis, silence_ends) {
    static struct redis_rule rules[] = {{"AUTH", "+OK\r\n", 0}, {"", REDIS_SILENT, 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    const char *addresses[] = {server->address, NULL};
    open_with(addresses, "u", "p", 200);
    cr_expect_eq(opened.code, ERROR_NONE, "%s", opened.text);
    ask("GET", "a");
    cr_expect_eq(answered.code, ERROR_TIMEOUT);
}

Test(redis, silence_while_authenticating_ends) {
    static struct redis_rule rules[] = {{"", REDIS_SILENT, 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    const char *addresses[] = {server->address, server->address, NULL};
    open_with(addresses, "u", "p", 200);
    cr_expect_eq(opened.code, ERROR_TIMEOUT);
}

Test(redis, garbage) {
    static struct redis_rule rules[] = {
        {"AUTH", "+OK\r\n", 0}, {"", "HTTP/1.1 400 Bad Request\r\n\r\n", 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    open_at(server->address);
    ask("GET", "a");
    cr_expect_eq(answered.code, ERROR_FAILED);
    cr_expect(strstr(answered.text, "not Redis' protocol"), "%s", answered.text);
}

Test(redis, more_answers_than_questions) {
    static struct redis_rule rules[] = {{"AUTH", "+OK\r\n+OK\r\n", 0}, {"", "+OK\r\n", 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    open_at(server->address);
    cr_expect_eq(opened.calls, 1);
    ask("GET", "a");
}

Test(redis, transaction) {
    static struct redis_rule rules[] = {{"AUTH", "+OK\r\n", 0},
                                        {"MULTI", "+OK\r\n", 0},
                                        {"EXEC", "*2\r\n+OK\r\n:1\r\n", 0},
                                        {"", "+QUEUED\r\n", 0},
                                        {0}};
    struct redis_server *server = redis_server_start(rules);
    const char *set[] = {"SET", "a", "b c", NULL}, *add[] = {"SADD", "s", "a", NULL};
    const char *const *commands[] = {set, add, NULL};
    open_at(server->address);
    redis_transaction(redis, commands, on_answered, NULL);
    run_until(&answered.calls, 1);
    cr_expect_str_eq(answered.answer, "array 2");
    cr_expect_str_eq(redis_server_log(server),
                     "AUTH reconciler pass-word\nMULTI\nSET a b c\nSADD s a\nEXEC\n");
}

static void transaction_ends(struct redis_rule *rules, enum error_code code, const char *text) {
    struct redis_server *server = redis_server_start(rules);
    const char *set[] = {"SET", "a", "b", NULL};
    const char *const *commands[] = {set, NULL};
    open_at(server->address);
    redis_transaction(redis, commands, on_answered, NULL);
    run_until(&answered.calls, 1);
    cr_expect_eq(answered.code, code, "%d", (int)answered.code);
    cr_expect(strstr(answered.text, text), "%s", answered.text);
}

Test(redis, a_command_that_is_refused_is_named) {
    static struct redis_rule rules[] = {{"AUTH", "+OK\r\n", 0},
                                        {"MULTI", "+OK\r\n", 0},
                                        {"SET", "-NOPERM no permissions\r\n", 0},
                                        {"EXEC", "-EXECABORT Transaction discarded\r\n", 0},
                                        {0}};
    transaction_ends(rules, ERROR_FAILED, "NOPERM");
}

Test(redis, a_command_that_fails_when_performed_counts) {
    static struct redis_rule rules[] = {{"AUTH", "+OK\r\n", 0},
                                        {"MULTI", "+OK\r\n", 0},
                                        {"SET", "+QUEUED\r\n", 0},
                                        {"EXEC", "*1\r\n-WRONGTYPE wrong kind of value\r\n", 0},
                                        {0}};
    transaction_ends(rules, ERROR_FAILED, "WRONGTYPE");
}

Test(redis, a_transaction_that_is_cut_off_fails_once) {
    static struct redis_rule rules[] = {
        {"AUTH", "+OK\r\n", 0}, {"MULTI", "+OK\r\n", 0}, {"SET", REDIS_CUT, 0}, {0}};
    transaction_ends(rules, ERROR_TRANSIENT, "closed");
}

Test(redis, closing_forgets_what_is_outstanding) {
    static struct redis_rule rules[] = {{"AUTH", "+OK\r\n", 0}, {"", REDIS_SILENT, 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    const char *get[] = {"GET", "a", NULL};
    const char *const *commands[] = {get, NULL};
    open_at(server->address);
    redis_transaction(redis, commands, on_answered, NULL);
    redis_close(redis);
    redis = NULL;
    cr_expect_not(http_busy(client));
    cr_expect_eq(answered.calls, 0);
}

static void close_it(void *context, const redisReply *reply, const struct error *error) {
    on_answered(context, reply, error);
    redis_close(redis);
    redis = NULL;
}

Test(redis, closing_from_a_callback) {
    static struct redis_rule rules[] = {{"", "+OK\r\n", 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    const char *get[] = {"GET", "a", NULL};
    open_at(server->address);
    redis_send(redis, get, close_it, NULL);
    redis_send(redis, get, on_answered, NULL);
    run_until(&answered.calls, 1);
    cr_expect_not(http_busy(client));
}

Test(redis, an_idle_connection_is_no_work) {
    static struct redis_rule rules[] = {{"", "+OK\r\n", 0}, {0}};
    struct redis_server *server = redis_server_start(rules);
    open_at(server->address);
    ask("GET", "a");
    cr_expect_not(http_busy(client));
}
