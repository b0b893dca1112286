/* The HTTP client and event loop, against a server that misbehaves on demand. */
#include "base/error.h"
#include "base/http.h"
#include "base/memory.h"
#include "unit/http_server.h"

#include <criterion/criterion.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static struct http_server *server;
static struct http_client *client;
static struct http_endpoint local, network;

static void start(void) {
    server = http_server_start();
    client = http_client_new(NULL);
    local = (struct http_endpoint){.url = "http://localhost", .unix_socket = server->path};
    network = (struct http_endpoint){.url = server->url};
}

static void finish(void) {
    http_client_free(client);
}

TestSuite(http, .init = start, .fini = finish, .timeout = 60);

/* What one transfer came to. */
struct answer {
    int calls;
    enum http_outcome outcome;
    long status;
    char body[256];
    size_t size;
    char explanation[256];
    char kind[32]; /* header X-Kind */
};

static void answered(void *context, const struct http_response *response) {
    struct answer *answer = context;
    const char *kind = http_header(response, "x-kind");
    answer->calls++;
    answer->outcome = response->outcome;
    answer->status = response->status;
    answer->size = response->body_size;
    snprintf(answer->body, sizeof answer->body, "%s", response->body);
    snprintf(answer->explanation, sizeof answer->explanation, "%s", response->explanation);
    snprintf(answer->kind, sizeof answer->kind, "%s", kind ? kind : "(none)");
}

static void run(void) {
    while (http_busy(client))
        http_run(client, 1000);
}

static struct answer get(const struct http_endpoint *endpoint, const char *path) {
    struct answer answer = {0};
    struct http_request request = {.endpoint = endpoint, .method = "GET", .path = path};
    http_send(client, &request, answered, &answer);
    cr_expect_eq(answer.calls, 0, "called back from inside http_send");
    run();
    cr_expect_eq(answer.calls, 1, "%s: called back %d times", path, answer.calls);
    return answer;
}

/* --- complete answers --------------------------------------------------------------------------*/

Test(http, complete_answers_over_a_unix_socket_and_tcp) {
    const struct http_endpoint *endpoints[] = {&local, &network};
    for (int i = 0; i < 2; i++) {
        struct answer answer = get(endpoints[i], "/chunked");
        cr_expect_eq(answer.outcome, HTTP_OK, "%s", answer.explanation);
        cr_expect_eq(answer.status, 200);
        cr_expect_str_eq(answer.body, "hello world");
        cr_expect_eq(answer.size, 11);
    }
}

Test(http, statuses_are_answers_whatever_they_are) {
    struct answer answer = get(&local, "/500");
    cr_expect_eq(answer.outcome, HTTP_OK);
    cr_expect_eq(answer.status, 500);
    cr_expect_str_eq(answer.body, "oops");
    answer = get(&local, "/204");
    cr_expect_eq(answer.outcome, HTTP_OK);
    cr_expect_eq(answer.status, 204);
    cr_expect_str_eq(answer.body, "");
    answer = get(&local, "/304"); /* announces a body that does not follow */
    cr_expect_eq(answer.outcome, HTTP_OK);
    cr_expect_eq(answer.status, 304);
    answer = get(&local, "/100");
    cr_expect_eq(answer.status, 200);
    cr_expect_str_eq(answer.body, "after");
    answer = get(&local, "/until-close");
    cr_expect_eq(answer.outcome, HTTP_OK);
    cr_expect_str_eq(answer.body, "all of it");
}

Test(http, head_has_no_body) {
    struct answer answer = {0};
    struct http_request request = {
        .endpoint = &local, .method = "HEAD", .path = "/x", .head_only = true, .timeout_ms = 20000};
    http_send(client, &request, answered, &answer);
    run();
    cr_expect_eq(answer.outcome, HTTP_OK, "%s", answer.explanation);
    cr_expect_eq(answer.status, 200);
    cr_expect_eq(answer.size, 0);
}

Test(http, sends_method_headers_and_body) {
    const char *headers[] = {"X-One: 1", "Content-Type: application/json", NULL};
    struct answer answer = {0};
    struct http_request request = {
        .endpoint = &local, .method = "DELETE", .path = "/head?a=b%20c", .headers = headers};
    request.path = "/head";
    http_send(client, &request, answered, &answer);
    run();
    cr_expect(strncmp(answer.body, "DELETE /head HTTP/1.1\r\n", 23) == 0, "%s", answer.body);
    cr_expect(strstr(answer.body, "X-One: 1\r\n") != NULL);
    cr_expect(strstr(answer.body, "Content-Type: application/json\r\n") != NULL);
    const char *methods[] = {"POST", "PUT"};
    for (int i = 0; i < 2; i++) {
        request = (struct http_request){.endpoint = &local,
                                        .method = methods[i],
                                        .path = "/echo",
                                        .body = copy_text("a\nbody"),
                                        .body_size = 6};
        http_send(client, &request, answered, &answer);
        run();
        cr_expect_str_eq(answer.body, "a\nbody", "%s", methods[i]);
        cr_expect_str_eq(answer.kind, "Plain");
    }
    request = (struct http_request){.endpoint = &local, .method = "POST", .path = "/head"};
    http_send(client, &request, answered, &answer);
    run();
    cr_expect(strstr(answer.body, "Content-Length: 0\r\n") != NULL, "%s", answer.body);
    cr_expect_null(strstr(answer.body, "urlencoded"));
}

Test(http, large_bodies_go_both_ways) {
    const char *methods[] = {"POST", "PUT"};
    for (int i = 0; i < 2; i++) {
        size_t size = 3 << 20;
        struct answer answer = {0};
        struct http_request request = {.endpoint = &local,
                                       .method = methods[i],
                                       .path = "/echo",
                                       .body = memory_alloc(size),
                                       .body_size = size};
        memset(request.body, 'y', size);
        http_send(client, &request, answered, &answer);
        run();
        cr_expect_eq(answer.outcome, HTTP_OK, "%s", answer.explanation);
        cr_expect_eq(answer.size, size);
        cr_expect_eq(answer.body[100], 'y');
    }
}

/* --- no complete answer ------------------------------------------------------------------------*/

Test(http, nobody_there_is_unreachable) {
    struct http_endpoint endpoint = {.url = server->refusing_url};
    struct answer answer = get(&endpoint, "/");
    cr_expect_eq(answer.outcome, HTTP_UNREACHABLE);
    cr_expect_eq(answer.status, 0);
    cr_expect_str_eq(answer.explanation, "connection refused");
    endpoint = (struct http_endpoint){.url = "http://localhost", .unix_socket = "/nowhere/socket"};
    answer = get(&endpoint, "/");
    cr_expect_eq(answer.outcome, HTTP_UNREACHABLE);
    cr_expect_str_eq(answer.explanation, "no such file or directory");
    endpoint = (struct http_endpoint){.url = "http://host.invalid"};
    cr_expect_eq(get(&endpoint, "/").outcome, HTTP_UNREACHABLE);
    cr_assert(strncmp(server->url, "http://", 7) == 0);
    char url[80];
    snprintf(url, sizeof url, "https://%s", server->url + 7);
    endpoint = (struct http_endpoint){.url = url}; /* TLS to a plain port */
    cr_expect_eq(get(&endpoint, "/").outcome, HTTP_UNREACHABLE);
}

Test(http, an_answer_that_breaks_off_is_cut) {
    const char *paths[] = {"/cut/nothing", "/cut/status", "/cut/head",  "/cut/lines",
                           "/cut/body",    "/cut/chunk",  "/cut/chunks"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct answer answer = get(&local, paths[i]);
        cr_expect_eq(answer.outcome, HTTP_CUT, "%s: %d %s", paths[i], answer.outcome,
                     answer.explanation);
        cr_expect_neq(answer.explanation[0], '\0', "%s", paths[i]);
    }
}

Test(http, what_is_not_http_is_garbage) {
    const char *paths[] = {"/garbage/text", "/garbage/bytes", "/garbage/version"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        struct answer answer = get(&local, paths[i]);
        cr_expect_eq(answer.outcome, HTTP_GARBAGE, "%s: %d %s", paths[i], answer.outcome,
                     answer.explanation);
    }
}

Test(http, a_silent_or_stalling_server_times_out) {
    struct answer answers[4] = {0};
    struct http_request requests[] = {
        {.endpoint = &local, .method = "GET", .path = "/silent", .timeout_ms = 30},
        {.endpoint = &local, .method = "GET", .path = "/stall", .timeout_ms = 30},
        {.endpoint = &local, .method = "GET", .path = "/silent", .stall_ms = 30},
        {.endpoint = &local, .method = "GET", .path = "/stall", .stall_ms = 1500},
    };
    for (int i = 0; i < 4; i++)
        http_send(client, &requests[i], answered, &answers[i]);
    run();
    for (int i = 0; i < 4; i++) {
        cr_expect_eq(answers[i].outcome, HTTP_TIMED_OUT, "%d: %d %s", i, answers[i].outcome,
                     answers[i].explanation);
        cr_expect_eq(answers[i].calls, 1);
    }
    cr_expect_eq(answers[3].status, 200);
    cr_expect_str_eq(answers[3].body, "half");
}

Test(http, silence_on_a_kept_connection_times_out) {
    struct answer answer = get(&local, "/ok");
    struct http_request request = {
        .endpoint = &local, .method = "GET", .path = "/silent", .timeout_ms = 10001};
    http_send(client, &request, answered, &answer);
    run();
    cr_expect_eq(answer.outcome, HTTP_TIMED_OUT, "%d %s", answer.outcome, answer.explanation);
    cr_expect_eq(server->connections, 1);
}

Test(http, a_body_that_is_too_long_is_refused) {
    struct answer answer = {0};
    struct http_request request = {
        .endpoint = &local, .method = "GET", .path = "/flood", .max_body = 100000};
    http_send(client, &request, answered, &answer);
    run();
    cr_expect_eq(answer.outcome, HTTP_TOO_LARGE);
    cr_expect_leq(answer.size, 100000);
    request =
        (struct http_request){.endpoint = &local, .method = "GET", .path = "/500", .max_body = 4};
    http_send(client, &request, answered, &answer);
    run();
    cr_expect_eq(answer.outcome, HTTP_OK, "a body of exactly the limit is fine");
}

/* --- POST is never repeated behind our back ----------------------------------------------------*/

Test(http, a_post_is_not_repeated_when_its_connection_ends) {
    struct answer answer = get(&local, "/ok"); /* leaves a connection that the next ones use */
    struct http_request request = {.endpoint = &local,
                                   .method = "POST",
                                   .path = "/once",
                                   .body = copy_text("make it"),
                                   .body_size = 7};
    int before = server->requests;
    http_send(client, &request, answered, &answer);
    run();
    cr_expect_eq(answer.outcome, HTTP_CUT, "%d %s", answer.outcome, answer.explanation);
    cr_expect_eq(server->requests - before, 1);
}

/* --- sinks -------------------------------------------------------------------------------------*/

struct sink {
    char text[64];
    size_t size, limit;
    struct http_transfer *cancel;
};

static bool swallow(void *context, const char *data, size_t size) {
    struct sink *sink = context;
    if (sink->size + size < sizeof sink->text)
        memcpy(sink->text + sink->size, data, size);
    sink->size += size;
    if (sink->cancel)
        http_cancel(client, sink->cancel);
    sink->cancel = NULL;
    return sink->size < sink->limit;
}

Test(http, a_sink_gets_the_body_of_2xx_only) {
    struct answer answer = {0};
    struct sink sink = {.limit = SIZE_MAX};
    struct http_request request = {.endpoint = &local,
                                   .method = "GET",
                                   .path = "/chunked",
                                   .sink = swallow,
                                   .sink_context = &sink};
    http_send(client, &request, answered, &answer);
    run();
    cr_expect_eq(answer.outcome, HTTP_OK);
    cr_expect_str_eq(sink.text, "hello world");
    cr_expect_str_eq(answer.body, "");
    request.path = "/500";
    http_send(client, &request, answered, &answer);
    run();
    cr_expect_eq(sink.size, 11);
    cr_expect_str_eq(answer.body, "oops");
}

Test(http, a_sink_can_abort) {
    struct answer answer = {0};
    struct sink sink = {.limit = 20000};
    struct http_request request = {.endpoint = &local,
                                   .method = "GET",
                                   .path = "/flood",
                                   .sink = swallow,
                                   .sink_context = &sink};
    http_send(client, &request, answered, &answer);
    run();
    cr_expect_eq(answer.outcome, HTTP_ABORTED);
    cr_expect_eq(answer.calls, 1);
}

Test(http, a_sink_can_cancel_its_own_and_another_transfer) {
    struct answer answers[2] = {0};
    struct sink sink = {.limit = SIZE_MAX};
    struct http_request request = {.endpoint = &local, .method = "GET", .path = "/silent"};
    struct http_transfer *other = http_send(client, &request, answered, &answers[0]);
    http_run(client, 0);
    request = (struct http_request){.endpoint = &local,
                                    .method = "GET",
                                    .path = "/flood",
                                    .sink = swallow,
                                    .sink_context = &sink};
    struct http_transfer *flood = http_send(client, &request, answered, &answers[1]);
    sink.cancel = other;
    while (sink.size == 0)
        http_run(client, 1000);
    sink.cancel = flood;
    run();
    cr_expect_eq(answers[0].calls + answers[1].calls, 0);
}

/* --- cancelling and giving up ------------------------------------------------------------------*/

struct chain {
    struct http_transfer *transfers[3];
    int calls;
};

static void cancel_all(void *context, const struct http_response *response) {
    struct chain *chain = context;
    cr_expect_eq(response->outcome, HTTP_OK);
    chain->calls++;
    for (int i = 0; i < 3; i++)
        http_cancel(client, chain->transfers[i]);
    cr_expect_str_eq(response->body, "oops", "the answer stays whole: %s", response->body);
}

Test(http, a_callback_can_cancel_itself_and_others) {
    struct chain chain = {0};
    struct http_request request = {.endpoint = &local, .method = "GET", .path = "/silent"};
    chain.transfers[0] = http_send(client, &request, cancel_all, &chain);
    chain.transfers[1] = http_send(client, &request, cancel_all, &chain);
    request.path = "/500";
    chain.transfers[2] = http_send(client, &request, cancel_all, &chain);
    run();
    cr_expect_eq(chain.calls, 1);
}

static void send_again(void *context, const struct http_response *response) {
    struct answer *answer = context;
    struct http_request request = {.endpoint = &local, .method = "GET", .path = "/500"};
    cr_expect_eq(response->outcome, HTTP_OK);
    if (++answer->status < 5)
        http_send(client, &request, send_again, answer);
}

Test(http, a_callback_can_send) {
    struct answer answer = {0};
    struct http_request request = {.endpoint = &local, .method = "GET", .path = "/500"};
    http_send(client, &request, send_again, &answer);
    run();
    cr_expect_eq(answer.status, 5);
}

Test(http, giving_up_ends_what_came_after_the_mark) {
    struct answer answers[80] = {0};
    struct http_request request = {
        .endpoint = &local, .method = "GET", .path = "/silent", .timeout_ms = 50000};
    struct http_transfer *old = http_send(client, &request, answered, &answers[0]);
    unsigned long long mark = http_mark(client);
    for (int i = 1; i < 80; i++) /* more than run at once, so that some are still queued */
        http_send(client, &request, answered, &answers[i]);
    http_run(client, 0);
    http_abort_since(client, mark);
    http_abort_since(client, mark);
    for (int i = 1; i < 80; i++)
        cr_expect_eq(answers[i].calls, 0, "called back from inside http_abort_since");
    http_run(client, 0);
    for (int i = 1; i < 80; i++) {
        cr_expect_eq(answers[i].calls, 1);
        cr_expect_eq(answers[i].outcome, HTTP_ABORTED);
    }
    cr_expect_eq(answers[0].calls, 0);
    http_cancel(client, old);
    cr_expect_not(http_busy(client));
}

Test(http, freeing_drops_everything_without_calling_back) {
    struct answer answer = {0};
    struct http_request request = {
        .endpoint = &local, .method = "GET", .path = "/silent", .stall_ms = 1000000};
    for (int i = 0; i < 100; i++)
        http_send(client, &request, answered, &answer);
    http_run(client, 0);
    http_after(client, 0, NULL, NULL);
    http_client_free(client);
    client = NULL;
    cr_expect_eq(answer.calls, 0);
}

/* --- many at once ------------------------------------------------------------------------------*/

static void count_ok(void *context, const struct http_response *response) {
    *(int *)context += response->outcome == HTTP_OK && response->status == 200;
}

Test(http, many_at_once_share_connections) {
    int done = 0;
    struct http_request request = {
        .endpoint = &local, .method = "GET", .path = "/ok", .timeout_ms = 50000};
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 200; i++)
            http_send(client, &request, count_ok, &done);
        run();
    }
    cr_expect_eq(done, 1000);
    cr_expect_leq(server->connections, 64, "%d connections", server->connections);
}

Test(http, streams_do_not_keep_others_waiting) {
    struct answer streams = {0};
    int done = 0;
    struct http_request request = {.endpoint = &local, .method = "GET", .path = "/silent"};
    for (int i = 0; i < 100; i++)
        http_send(client, &request, answered, &streams);
    request = (struct http_request){
        .endpoint = &local, .method = "GET", .path = "/ok", .timeout_ms = 50000};
    http_send(client, &request, count_ok, &done);
    while (!done)
        http_run(client, 1000);
    cr_expect_eq(streams.calls, 0);
}

/* Processor time of rounds of the loop while that many requests wait for a place. */
static double seconds_with_waiting(int count) {
    struct answer answers = {0};
    struct http_request request = {
        .endpoint = &local, .method = "GET", .path = "/silent", .timeout_ms = 50000};
    for (int i = 0; i < 64 + count; i++)
        http_send(client, &request, answered, &answers);
    for (int i = 0; i < 10; i++) /* those that have a place are under way */
        http_run(client, 1);
    clock_t begin = clock();
    for (int i = 0; i < 300; i++)
        http_run(client, 0);
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    http_client_free(client);
    client = http_client_new(NULL);
    return seconds;
}

Test(http, those_that_wait_for_a_place_cost_nothing) {
    double few = seconds_with_waiting(10);
    double many = seconds_with_waiting(40000);
    cr_expect(many < 5 * few + 0.02, "%.4f s, %.4f s", few, many);
}

/* --- connect_only ------------------------------------------------------------------------------*/

static struct answer try_connect(const char *url, long timeout_ms) {
    struct answer answer = {0};
    struct http_endpoint endpoint = {.url = url};
    struct http_request request = {
        .endpoint = &endpoint, .connect_only = true, .timeout_ms = timeout_ms};
    http_send(client, &request, answered, &answer);
    run();
    cr_expect_eq(answer.calls, 1);
    return answer;
}

Test(http, connect_only_tells_listeners_from_others) {
    struct answer answer = try_connect(server->url, 10000);
    cr_expect_eq(answer.outcome, HTTP_OK, "%s", answer.explanation);
    answer = try_connect(server->refusing_url, 10000);
    cr_expect_eq(answer.outcome, HTTP_UNREACHABLE);
    cr_expect_str_eq(answer.explanation, "connection refused");
    /* "At once" is a matter of time: on a busy machine the server may be late for it. */
    for (int i = 0; i < 100; i++)
        if ((answer = try_connect(server->closing_url, 10000)).outcome != HTTP_OK)
            break;
    cr_expect_eq(answer.outcome, HTTP_UNREACHABLE);
    cr_expect_neq(answer.explanation[0], '\0');
}

Test(http, connect_only_many_at_once_and_cancelled) {
    struct answer good = {0}, bad = {0}, none = {0};
    struct http_endpoint closing = {.url = server->closing_url};
    struct http_request request = {.endpoint = &network, .connect_only = true, .timeout_ms = 10000};
    struct http_transfer *cancelled[20];
    for (int i = 0; i < 20; i++) {
        request.endpoint = &network;
        http_send(client, &request, answered, &good);
        cancelled[i] = http_send(client, &request, answered, &none);
        request.endpoint = &closing;
        http_send(client, &request, answered, &bad);
    }
    while (bad.calls < 20)
        http_run(client, 1000);
    for (int i = 0; none.calls == 0 && i < 20; i++)
        http_cancel(client, cancelled[i]);
    run();
    cr_expect_eq(good.calls, 20);
    cr_expect_eq(good.outcome, HTTP_OK);
    cr_expect_eq(bad.calls, 20);
}

/* --- timers ------------------------------------------------------------------------------------*/

static char order[16];

static void note(void *context) {
    strcat(order, context);
}

static struct http_timer *victim;

static void cancel_victim(void *context) {
    note(context);
    http_timer_cancel(client, victim);
}

static void rearm(void *context) {
    int *left = context;
    if (--*left > 0)
        http_after(client, 0, rearm, left);
}

Test(http, timers_fire_in_order_of_time_then_of_being_set) {
    http_after(client, 20, note, "d");
    http_after(client, 0, note, "a");
    http_after(client, 10, note, "b");
    http_after(client, 10, note, "c");
    http_after(client, 3600000, note, "x");
    while (strlen(order) < 4)
        http_run(client, 1000);
    cr_expect_str_eq(order, "abcd");
    cr_expect(http_busy(client), "one is left");
}

Test(http, a_timer_can_cancel_the_next) {
    http_after(client, 0, cancel_victim, "a");
    victim = http_after(client, 0, note, "b");
    http_after(client, 0, note, "c");
    run();
    cr_expect_str_eq(order, "ac");
}

Test(http, a_timer_that_rearms_itself_lets_the_loop_go) {
    int left = 3;
    http_after(client, 0, rearm, &left);
    http_run(client, 1000);
    cr_expect_eq(left, 2);
    http_run(client, 1000);
    cr_expect_eq(left, 1);
    run();
    cr_expect_eq(left, 0);
}

Test(http, an_idle_loop_returns_at_once) {
    http_run(client, 1000000000L);
    cr_expect_not(http_busy(client));
}
