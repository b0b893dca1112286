/* What the server counts; see metrics.h. */
#include "registry/metrics.h"

#include "base/memory.h"
#include "registry/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct metrics_count {
    UT_hash_handle hh;
    int key; /* route, method and status in one number */
    unsigned long count;
};

static const double bounds[METRICS_BUCKETS] = {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
                                               0.01,   0.025,   0.05,   0.1,   0.5,    2};

void metrics_count(struct metrics *metrics, enum route_kind route, enum method method, int status,
                   double seconds) {
    int key = ((int)route * 64 + (int)method) * 1000 + status;
    struct metrics_count *count = NULL;
    HASH_FIND_INT(metrics->requests, &key, count);
    if (!count) {
        count = memory_alloc(sizeof *count);
        count->key = key;
        HASH_ADD_INT(metrics->requests, key, count);
    }
    count->count++;
    int bucket = 0;
    while (bucket < METRICS_BUCKETS && seconds > bounds[bucket])
        bucket++;
    metrics->buckets[route][bucket]++;
    metrics->seconds[route] += seconds;
}

void metrics_clear(struct metrics *metrics) {
    struct metrics_count *count = metrics->requests;
    HASH_CLEAR(hh, metrics->requests);
    while (count) {
        struct metrics_count *next = count->hh.next;
        free(count);
        count = next;
    }
}

static const char *route_label(int route) {
    return route == ROUTE_UNKNOWN ? "unknown" : route_describe((enum route_kind)route)->path;
}

static void write_requests(FILE *out, const struct metrics *metrics) {
    fputs("# HELP registry_requests_total Requests answered.\n"
          "# TYPE registry_requests_total counter\n",
          out);
    for (const struct metrics_count *c = metrics->requests; c; c = c->hh.next)
        fprintf(out, "registry_requests_total{route=\"%s\",method=\"%s\",code=\"%d\"} %lu\n",
                route_label(c->key / 64000), method_name((enum method)(c->key / 1000 % 64)),
                c->key % 1000, c->count);
}

static void write_histogram(FILE *out, const struct metrics *metrics, int route) {
    unsigned long sum = 0;
    const char *label = route_label(route);
    for (int i = 0; i < METRICS_BUCKETS; i++) {
        sum += metrics->buckets[route][i];
        fprintf(out, "registry_request_duration_seconds_bucket{route=\"%s\",le=\"%g\"} %lu\n",
                label, bounds[i], sum);
    }
    sum += metrics->buckets[route][METRICS_BUCKETS];
    if (sum == 0)
        return;
    fprintf(out,
            "registry_request_duration_seconds_bucket{route=\"%s\",le=\"+Inf\"} %lu\n"
            "registry_request_duration_seconds_sum{route=\"%s\"} %.6f\n"
            "registry_request_duration_seconds_count{route=\"%s\"} %lu\n",
            label, sum, label, metrics->seconds[route], label, sum);
}

static bool was_asked(const struct metrics *metrics, int route) {
    for (int i = 0; i <= METRICS_BUCKETS; i++)
        if (metrics->buckets[route][i])
            return true;
    return false;
}

static void write_value(FILE *out, const char *name, const char *type, const char *help,
                        double value) {
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.15g\n", name, help, name, type, name, value);
}

static void write_links(FILE *out, const struct server *server) {
    write_value(out, "registry_redis_up", "gauge", "Whether Redis answers.",
                server->redis_vitals.ok);
    write_value(out, "registry_postgres_up", "gauge", "Whether PostgreSQL answers.",
                server->postgres_vitals.ok);
    fprintf(out,
            "# HELP registry_connects_total Times a dependency's connection came up.\n"
            "# TYPE registry_connects_total counter\n"
            "registry_connects_total{dependency=\"redis\"} %lu\n"
            "registry_connects_total{dependency=\"redis-stream\"} %lu\n"
            "registry_connects_total{dependency=\"postgres\"} %lu\n",
            server->commands.link.reconnects, server->stream.link.reconnects,
            server->postgres.link.reconnects);
}

static double resident_bytes(void) {
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    if (!file || fscanf(file, "%*u %lu", &pages) != 1)
        pages = 0;
    if (file)
        fclose(file);
    return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static void write_state(FILE *out, const struct server *server) {
    const struct cache *cache = &server->cache;
    write_value(out, "registry_instances", "gauge", "Instances registered.",
                HASH_COUNT(cache->instances.entries));
    write_value(out, "registry_services", "gauge", "Services with an instance.",
                HASH_COUNT(cache->instances.services));
    write_value(out, "registry_config_values", "gauge", "Configuration values.",
                HASH_COUNT(cache->config.entries));
    write_value(out, "registry_watchers", "gauge", "Clients on /watch.", server->watcher_count);
    write_value(out, "registry_connections", "gauge", "Open connections.", server->connections);
    write_value(out, "registry_events_total", "counter", "Events read from Redis.",
                (double)server->metrics.events);
    write_value(out, "registry_malformed_total", "counter", "Entries in Redis that were ignored.",
                (double)server->metrics.malformed);
    write_value(out, "registry_connections_refused_total", "counter",
                "Connections beyond the limit.", (double)server->metrics.refused);
    write_value(out, "registry_watchers_lagged_total", "counter", "Watchers that fell behind.",
                (double)server->metrics.lagged);
    write_value(out, "process_resident_memory_bytes", "gauge", "Resident memory.",
                resident_bytes());
}

char *metrics_text(const struct server *server, size_t *size) {
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out)
        return NULL;
    write_requests(out, &server->metrics);
    fputs("# HELP registry_request_duration_seconds Time from headers to answer.\n"
          "# TYPE registry_request_duration_seconds histogram\n",
          out);
    for (int route = 0; route < ROUTE_COUNT; route++)
        if (was_asked(&server->metrics, route))
            write_histogram(out, &server->metrics, route);
    write_state(out, server);
    write_links(out, server);
    fclose(out);
    return text;
}
