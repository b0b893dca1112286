/* Removing what is overdue; see expiry.h. */
#include "registry/expiry.h"

#include "base/memory.h"
#include "registry/log.h"
#include "registry/scripts.h"
#include "registry/server.h"

#include <stdio.h>
#include <stdlib.h>

#define AT_LEAST_MS 1000
#define AT_MOST_MS  20 /* between two runs */

struct expiry {
    struct timer timer;
    int64_t redis_ahead_ms; /* Redis' clock minus ours */
    bool running;
    bool granted; /* since Redis is up */
};

static void run(struct server *server);

static void fire(void *data) {
    run(data);
}

static void set(struct server *server, int64_t ms) {
    if (ms < AT_MOST_MS)
        ms = AT_MOST_MS;
    if (ms > AT_LEAST_MS)
        ms = AT_LEAST_MS;
    timer_set(&server->loop, &server->expiry->timer, ms);
}

/* What both scripts answer: the time, the next deadline, a number. Returns the number. */
static long long take_answer(struct server *server, const redisReply *reply) {
    struct expiry *expiry = server->expiry;
    int64_t now = 0;
    int64_t next = 0;
    const redisReply *number = reply_at(reply, 2);
    expiry->running = false;
    if (!number || !number_parse(reply_text(reply_at(reply, 0)), 0, INT64_MAX, &now)) {
        set(server, AT_LEAST_MS);
        return 0;
    }
    expiry->redis_ahead_ms = now - loop_now_ms();
    if (number_parse(reply_text(reply_at(reply, 1)), 0, INT64_MAX, &next))
        set(server, next - now + 1);
    else
        set(server, AT_LEAST_MS);
    return number->integer;
}

static void granted(void *data, redisReply *reply) {
    struct server *server = data;
    long long number = take_answer(server, reply);
    if (!reply)
        return;
    server->expiry->granted = true;
    if (number > 0)
        log_line(LOG_INFO, "granted", "instances=%lld", number);
}

static void expired(void *data, redisReply *reply) {
    struct server *server = data;
    long long number = take_answer(server, reply);
    if (number > 0)
        log_line(LOG_INFO, "expired", "instances=%lld", number);
    if (number < 0) { /* Redis stood still meanwhile */
        server->expiry->granted = false;
        run(server);
    }
}

static void run(struct server *server) {
    struct expiry *expiry = server->expiry;
    char now[24];
    const char *arguments[] = {now};
    if (expiry->running)
        return;
    if (server->commands.link.state != LINK_UP)
        return; /* expiry_redis_up() comes */
    expiry->running = true;
    snprintf(now, sizeof now, "%lld", (long long)loop_now_ms() + (long long)expiry->redis_ahead_ms);
    if (expiry->granted)
        script_run(&server->commands, SCRIPT_EXPIRE, expired, server, "registry:services", 1,
                   arguments);
    else
        script_run(&server->commands, SCRIPT_GRANT, granted, server, "registry:services", 0, NULL);
}

void expiry_start(struct server *server) {
    server->expiry = memory_alloc(sizeof *server->expiry);
    server->expiry->timer.fire = fire;
    server->expiry->timer.data = server;
}

void expiry_stop(struct server *server) {
    timer_cancel(&server->expiry->timer);
    free(server->expiry);
    server->expiry = NULL;
}

void expiry_redis_up(struct server *server) {
    server->expiry->granted = false;
    run(server);
}
