/* What the server as a whole knows of its dependencies: they are checked every second. */
#include "registry/server.h"

#include "registry/sync.h"

#define CHECK_MS 1000

bool server_is_fresh(const struct server *server) {
    return server->redis_vitals.ok && sync_is_live(server);
}

static void asked(struct vitals *vitals) {
    vitals->asked = true;
    vitals->asked_us = lws_now_usecs();
}

static void answered(struct vitals *vitals, bool ok) {
    vitals->asked = false;
    vitals->ok = ok;
    vitals->latency_ms = (double)(lws_now_usecs() - vitals->asked_us) / 1e3;
}

static void redis_answered(void *data, redisReply *reply) {
    answered(data, reply && reply->type != REDIS_REPLY_ERROR);
}

static void postgres_answered(void *data, PGresult *result) {
    answered(data, result && PQresultStatus(result) == PGRES_TUPLES_OK);
}

/* A check that is still unanswered when the next is due is not repeated: its deadline decides. */
static void check(void *data) {
    struct server *server = data;
    timer_set(&server->loop, &server->checks, CHECK_MS);
    if (!server->redis_vitals.asked) {
        asked(&server->redis_vitals);
        redis_command(&server->commands, redis_answered, &server->redis_vitals, "PING");
    }
    if (!server->postgres_vitals.asked) {
        asked(&server->postgres_vitals);
        postgres_query_first(&server->postgres, postgres_answered, &server->postgres_vitals,
                             "SELECT 1");
    }
}

void server_start_checks(struct server *server) {
    server->checks.fire = check;
    server->checks.data = server;
    check(server);
}
