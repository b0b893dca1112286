/* What the server counts, and how Prometheus reads it (text format 0.0.4). */
#ifndef REGISTRY_METRICS_H
#define REGISTRY_METRICS_H

#include "registry/routes.h"

#define METRICS_BUCKETS 12

struct server;

struct metrics {
    struct metrics_count *requests; /* by route, method and status */
    unsigned long buckets[ROUTE_COUNT][METRICS_BUCKETS + 1];
    double seconds[ROUTE_COUNT];
    unsigned long events;
    unsigned long malformed; /* entries in Redis that are not as docs/redis-keys.md says */
    unsigned long refused;   /* connections */
    unsigned long lagged;    /* watchers sent away */
};

/* Counts an answered request. */
void metrics_count(struct metrics *metrics, enum route_kind route, enum method method, int status,
                   double seconds);

/* All as text; the caller frees it. */
char *metrics_text(const struct server *server, size_t *size);

void metrics_clear(struct metrics *metrics);

#endif
