/*
 * The server: what main.c puts together and everything else is handed. One thread, one loop.
 *
 *     Redis stream → sync.c → cache.c, ring.c → watch.c        changes come in
 *     http.c → answers.c → cache.c                             reads
 *     http.c → writes.c → scripts.c → Redis                    registrations
 *     http.c → config.c → PostgreSQL, then scripts.c → Redis   configuration
 *     expiry.c → scripts.c                                     TTLs
 */
#ifndef REGISTRY_SERVER_H
#define REGISTRY_SERVER_H

#include "registry/auth.h"
#include "registry/cache.h"
#include "registry/loop.h"
#include "registry/metrics.h"
#include "registry/options.h"
#include "registry/postgres.h"
#include "registry/redis.h"
#include "registry/ring.h"

/* How a dependency did at its last check. */
struct vitals {
    bool ok;
    bool asked;
    int64_t asked_us;
    double latency_ms;
};

struct server {
    struct options options;
    struct loop loop;
    struct auth auth;
    struct cache cache;
    struct ring ring;
    struct metrics metrics;

    struct redis commands; /* scripts and queries */
    struct redis stream;   /* what blocks on the stream */
    struct postgres postgres;
    struct vitals redis_vitals;
    struct vitals postgres_vitals;
    struct timer checks;

    struct sync *sync;
    struct expiry *expiry;
    struct config *config;
    struct watcher *watchers;
    unsigned watcher_count;
    struct batch *snapshot;  /* the latest that is still being sent, or NULL */
    unsigned snapshot_count; /* how many are */

    int connections;
    int waiting; /* requests that wait for a dependency */
    struct timer signals;
    bool stopping;
};

/* Whether Redis answers and the cache is as its stream says. */
bool server_is_fresh(const struct server *server);

/* Begins to check both dependencies every second. */
void server_start_checks(struct server *server);

#endif
