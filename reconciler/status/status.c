/* What is to be shown of an environment: gathered and judged here, written by write.c; see
 * status.h. */
#include "status/status.h"

#include "base/http.h"
#include "base/memory.h"

#include <string.h>

/* --- gathering ----------------------------------------------------------------------------------
 */

static bool is_container(const struct resource *resource) {
    return resource->kind->lifecycle == LIFECYCLE_CONTAINER;
}

static const struct change *change_of(const struct plan *plan, const char *key) {
    for (size_t i = 0; i < plan->change_count; i++)
        if (plan->changes[i].kind != CHANGE_NONE && strcmp(plan->changes[i].key, key) == 0)
            return &plan->changes[i];
    return NULL;
}

static void add(struct status *status, const struct plan *plan, const struct resource *desired,
                const struct resource *observed) {
    const struct resource *either = desired ? desired : observed;
    status->services[status->count++] = (struct service_status){
        .name = either->name,
        .instance = either->instance,
        .desired = desired,
        .observed = observed,
        .change = change_of(plan, either->key),
    };
}

static void gather(struct status *status, const struct resource_set *desired,
                   const struct resource_set *observed, const struct plan *plan) {
    status->services =
        arena_array(status->arena, struct service_status, desired->count + observed->count);
    for (size_t i = 0; i < desired->count; i++)
        if (is_container(&desired->items[i]))
            add(status, plan, &desired->items[i], resource_find(observed, desired->items[i].key));
    for (size_t i = 0; i < observed->count; i++) {
        const struct resource *resource = &observed->items[i];
        bool ours = is_container(resource) && !resource->foreign && resource->slot == SLOT_CURRENT;
        if (ours && !resource_find(desired, resource->key))
            add(status, plan, NULL, resource);
    }
}

/* --- judging ------------------------------------------------------------------------------------
 */

static enum service_health running_health(const struct resource *observed) {
    switch (observed->health) {
    case HEALTH_NONE:
        return SERVICE_RUNNING;
    case HEALTH_HEALTHY:
        return SERVICE_HEALTHY;
    case HEALTH_UNHEALTHY:
        return SERVICE_UNHEALTHY;
    case HEALTH_STARTING:
    case HEALTH_UNKNOWN:
        break;
    }
    return SERVICE_STARTING;
}

static enum service_health judge(const struct service_status *service) {
    const struct resource *observed = service->observed;
    if (!observed)
        return SERVICE_MISSING;
    if (observed->state == RUN_RUNNING)
        return running_health(observed);
    bool completes =
        service->desired && service->desired->service && service->desired->service->completes;
    if (observed->state == RUN_EXITED && observed->exit_code == 0 && completes)
        return SERVICE_COMPLETED;
    return SERVICE_UNHEALTHY;
}

static bool is_ready(const struct service_status *service) {
    return service->health <= SERVICE_COMPLETED;
}

/* Whether the services from `*at` on are instances of the same, all ready; moves `*at` behind them.
 */
static bool all_ready(const struct status *status, size_t *at, const struct service_status **bad) {
    const char *name = status->services[*at].name;
    bool ready = true;
    for (; *at < status->count; (*at)++) {
        const struct service_status *service = &status->services[*at];
        if (!service->desired || strcmp(service->name, name) != 0)
            break;
        if (!is_ready(service) && !*bad)
            *bad = service;
        ready = ready && is_ready(service);
    }
    return ready;
}

static struct condition judge_ready(const struct status *status) {
    size_t wanted = 0, ready = 0;
    const struct service_status *bad = NULL;
    /* Those that are no longer declared come last. */
    for (size_t i = 0; i < status->count && status->services[i].desired; wanted++)
        ready += all_ready(status, &i, &bad);
    char *message = arena_format(status->arena, "%zu of %zu services are ready", ready, wanted);
    if (!bad)
        return (struct condition){"Ready", true, "ServicesReady", message};
    message = arena_format(status->arena, "%s; %s is %s%s%s", message, bad->name,
                           service_health_name(bad->health), bad->detail ? ": " : "",
                           bad->detail ? bad->detail : "");
    return (struct condition){"Ready", false, "ServicesNotReady", message};
}

static struct condition judge_synced(const struct status *status) {
    if (status->changes == 0)
        return (struct condition){"Synced", true, "NothingToDo", "everything is as declared"};
    char *message = arena_format(status->arena, "%zu %s to make; \"tse-reconcile plan\" shows %s",
                                 status->changes, status->changes == 1 ? "change" : "changes",
                                 status->changes == 1 ? "it" : "them");
    return (struct condition){"Synced", false, "ChangesToMake", message};
}

static void conclude(struct status *status) {
    status->conditions[0] = judge_ready(status);
    status->conditions[1] = judge_synced(status);
}

struct status *status_make(struct arena *arena, const struct environment *environment,
                           const struct resource_set *desired, const struct resource_set *observed,
                           const struct plan *plan, const char *engine, time_t now) {
    struct status *status = arena_alloc(arena, sizeof(*status));
    status->arena = arena;
    status->environment = environment;
    status->engine = engine;
    status->now = now;
    status->changes = plan_change_count(plan);
    gather(status, desired, observed, plan);
    for (size_t i = 0; i < status->count; i++) {
        struct service_status *service = &status->services[i];
        service->health = judge(service);
        if (service->health == SERVICE_UNHEALTHY && service->observed->state != RUN_RUNNING)
            service->detail = service_state_name(service, arena);
    }
    conclude(status);
    return status;
}

bool status_is_good(const struct status *status) {
    for (size_t i = 0; i < STATUS_CONDITIONS; i++)
        if (!status->conditions[i].status)
            return false;
    return true;
}

/* --- probing ------------------------------------------------------------------------------------
 */

struct probe {
    struct status *status;
    struct service_status *service;
    size_t *pending;
};

static void on_probed(void *context, enum probe_result result, const char *detail) {
    struct probe *probe = context;
    struct service_status *service = probe->service;
    (*probe->pending)--;
    if (result == PROBE_HEALTHY)
        service->health = SERVICE_HEALTHY;
    else if (result == PROBE_COMPLETED)
        service->health = SERVICE_COMPLETED;
    else if (result == PROBE_FAILED || result == PROBE_HOPELESS ||
             service->observed->health == HEALTH_UNKNOWN)
        service->health = SERVICE_UNHEALTHY;
    if (!is_ready(service) && detail && *detail)
        service->detail = arena_copy(probe->status->arena, detail);
}

/* Unhealthy by the engine's word is probed too, for the reason, and because it may have recovered
 * since the last check. */
static bool wants_probe(const struct service_status *service) {
    return service->desired && service->desired->service && service->observed &&
           service->observed->state == RUN_RUNNING && service->observed->health != HEALTH_NONE &&
           service->observed->health != HEALTH_HEALTHY;
}

void status_probe(struct status *status, struct engine *engine) {
    struct probe *probes = arena_array(status->arena, struct probe, status->count);
    size_t pending = 0;
    for (size_t i = 0; i < status->count; i++) {
        struct service_status *service = &status->services[i];
        if (!wants_probe(service))
            continue;
        probes[i] = (struct probe){status, service, &pending};
        pending++;
        engine->operations->probe(engine, service->desired->service, service->observed->id,
                                  DEPENDS_HEALTHY, on_probed, &probes[i]);
    }
    while (pending > 0 && http_busy(engine->client))
        http_run(engine->client, 1000);
    conclude(status);
}
