/*
 * What is to be shown of an environment: each instance of each service as it really is now, whether
 * that is well, and where to reach it; and two conditions over all of it:
 *
 *   Ready    every service is healthy (runs, where there is no check; completed, where that is its
 * job) Synced   a plan made now would change nothing
 *
 * Made from what one pass observed. The engine's word on health can be old (a check every 10 s) or
 * missing (checks the reconciler runs itself), so status_probe() looks again.
 */
#ifndef TSE_STATUS_STATUS_H
#define TSE_STATUS_STATUS_H

#include "engines/engine.h"
#include "status/table.h"

#include <jansson.h>
#include <time.h>

enum service_health {
    SERVICE_HEALTHY,
    SERVICE_RUNNING, /* no check is declared: all that can be said */
    SERVICE_COMPLETED,
    SERVICE_STARTING,
    SERVICE_UNHEALTHY, /* or stopped, paused, exited: not there to be used */
    SERVICE_MISSING
};

struct service_status {
    const char *name; /* "redis" */
    int instance;
    const struct resource *desired;  /* NULL: no longer declared */
    const struct resource *observed; /* NULL: missing */
    const struct change *change;     /* what a plan would do with it, or NULL */
    enum service_health health;
    const char *detail; /* what was seen, when it is not well: "connection refused"; or NULL */
};

struct condition {
    const char *type;   /* "Ready", "Synced" */
    bool status;        /* holds */
    const char *reason; /* one CamelCase word, for programs */
    const char *message;
};

#define STATUS_CONDITIONS 2

struct status {
    struct arena *arena; /* not owned; everything lives in it */
    const struct environment *environment;
    const char *engine; /* for people */
    time_t now;
    struct service_status *services; /* in the order of resource_compare(), those that are no longer
                                        declared last */
    size_t count;
    size_t changes; /* a plan would make */
    struct condition conditions[STATUS_CONDITIONS];
};

/* Everything must outlive the status: it points into the sets and the plan, and allocates from
 * `arena`. Pure. */
struct status *status_make(struct arena *arena, const struct environment *environment,
                           const struct resource_set *desired, const struct resource_set *observed,
                           const struct plan *plan, const char *engine, time_t now);

/* Runs once the checks of the services whose health the engine does not know for certain, all at
 * the same time, and judges anew. */
void status_probe(struct status *status, struct engine *engine);

/* Ready and Synced. */
bool status_is_good(const struct status *status);

const char *service_health_name(enum service_health health); /* "healthy" */
/* "running", "paused", "exited (1)", "missing" */
const char *service_state_name(const struct service_status *service, struct arena *arena);

/* The document behind -o json and -o yaml; the caller frees it with json_decref(). */
json_t *status_json(const struct status *status);

/* For people: all of it, and only where to reach the services that publish a port. */
void status_write(const struct status *status, const struct table_look *look, FILE *out);
void status_write_reach(const struct status *status, const struct table_look *look, FILE *out);

#endif
