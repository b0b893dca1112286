/*
 * Registering: a queue of instances that are brought to what they should be, one at a time, over
 * one connection. Each is read under WATCH and written in one transaction with its event and its
 * place in the environment's set, so that nobody's change in between is lost. Sync and withdraw
 * first compare everything at once (one SMEMBERS, one MGET) and queue only what differs.
 */
#include "status/registration.h"

#include "base/memory.h"
#include "status/instance.h"
#include "status/store.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uthash.h>
#include <utlist.h>

#define CONNECT_MS 2000L
/* All of a sync or a withdrawal. */
#define SYNC_MS 5000LL
/* Of a transaction whose key was changed by somebody else meanwhile. */
#define RACE_LIMIT 5
/* A Redis that says that it is loading, or that ended the connection, is asked once more. */
#define RETRY_MS 250L

enum listed { LISTED_UNKNOWN, LISTED, UNLISTED }; /* in the environment's set */

struct item { /* an instance and what it is to be */
    struct registration_run *run;
    char *service, *id, *member, *key;
    json_t *document; /* or NULL: gone */
    bool only_update;
    enum listed listed;
    int races;
    bool unwatched; /* Redis refused to watch it */
    bool removes;   /* what the transaction under way does */
    struct item *prev, *next;
    UT_hash_handle hh; /* in `wanted`, by member */
};

struct lookup { /* a container that has become healthy, until the engine says where it is */
    struct registration_run *run;
    const struct service *service;
    char *name; /* of the container */
};

struct registration_run {
    struct engine *engine;
    const struct environment *environment;
    const volatile int *interrupted;
    char *set;       /* key of the environment's set */
    char *container; /* of the service that is Redis, while it is known to run; or NULL */
    struct store *store;
    bool open;        /* the store is */
    bool unreachable; /* it could not be reached: wait for it to become healthy, or for the end */
    struct item *queue;
    struct item *current; /* its answer is waited for */
    /* sync: what is to be there, and what the set holds beside it, in a hash by member */
    struct item *wanted;
    bool syncing, asked, compared; /* compared: all that differs is queued */
    int lookups;                   /* the engine has our callback */
    unsigned long long mark;
    struct registration_result result;
};

static void pump(struct registration_run *run);

/* --- items --------------------------------------------------------------------------------------
 */

/* Takes over the document. */
static struct item *item_new(struct registration_run *run, const char *service, const char *id,
                             json_t *document) {
    struct item *item = memory_alloc(sizeof *item);
    item->run = run;
    item->service = copy_text(service);
    item->id = copy_text(id);
    item->member = format_text("%s:%s", service, id);
    item->key = instance_key(service, id);
    item->document = document;
    return item;
}

static void item_free(struct item *item) {
    if (!item)
        return;
    free(item->service);
    free(item->id);
    free(item->member);
    free(item->key);
    json_decref(item->document);
    free(item);
}

static void free_queue(struct registration_run *run) {
    struct item *item, *next;
    DL_FOREACH_SAFE(run->queue, item, next) {
        DL_DELETE(run->queue, item);
        item_free(item);
    }
}

/* Empties the hash; its items stay linked by hh.next, in the order in which they were added. */
static struct item *take_wanted(struct registration_run *run) {
    struct item *first = run->wanted;
    HASH_CLEAR(hh, run->wanted);
    return first;
}

static void free_wanted(struct registration_run *run) {
    struct item *item = take_wanted(run);
    while (item) {
        struct item *next = item->hh.next;
        item_free(item);
        item = next;
    }
}

/* The item of a member of the set; one that is no SERVICE:INSTANCE has a key that nobody uses. */
static struct item *item_of_member(struct registration_run *run, const char *member) {
    const char *colon = strchr(member, ':');
    size_t length = colon ? (size_t)(colon - member) : strlen(member);
    cleanup_free char *service = strndup(member, length);
    struct item *item = item_new(run, service, colon ? colon + 1 : "", NULL);
    free(item->member);
    item->member = copy_text(member);
    return item;
}

/* --- the connection -----------------------------------------------------------------------------
 */

static void disconnect(struct registration_run *run) {
    store_close(run->store);
    run->store = NULL;
    run->open = false;
    item_free(run->current);
    run->current = NULL;
}

/* What was queued is left to the sync at the end, which looks at everything anyway. */
static void give_up(struct registration_run *run, const struct error *error) {
    error_clear(&run->result.error);
    error_set(&run->result.error, error->code, "%s", error_text(error));
    run->unreachable = true;
    disconnect(run);
    free_queue(run);
}

/* Redis refuses something of the one item; the others may be well. The first is told. */
static void note_error(struct registration_run *run, enum error_code code, const char *text) {
    if (run->result.error.code == ERROR_NONE)
        error_set(&run->result.error, code, "%s", text);
}

static void on_opened(void *context, const struct error *error) {
    struct registration_run *run = context;
    if (error) {
        struct item *held = run->queue; /* until it is there */
        run->queue = NULL;
        give_up(run, error);
        run->queue = held;
        return;
    }
    run->open = true;
    pump(run);
}

static bool is_findable(const struct registration_run *run) {
    return run->environment->redis.address || run->container;
}

static void connect(struct registration_run *run) {
    if (!run->store && is_findable(run))
        run->store =
            store_open(run->engine, run->environment, run->container, CONNECT_MS, on_opened, run);
}

static void send(struct registration_run *run, const char *const *command, redis_answered *answered,
                 void *context) {
    redis_send(store_redis(run->store), command, answered, context);
}

/* --- one instance after the other ---------------------------------------------------------------
 */

static char *now_text(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return instance_time((long long)now.tv_sec * 1000 + now.tv_nsec / 1000000);
}

static void finish_item(struct registration_run *run) {
    item_free(run->current);
    run->current = NULL;
    pump(run);
}

/* Redis' word on this item, or the end of the connection: then of all. */
static void item_failed(struct item *item, const struct error *error) {
    struct registration_run *run = item->run;
    if (error->code != ERROR_FAILED) {
        give_up(run, error);
        return;
    }
    note_error(run, error->code, error_text(error));
    finish_item(run);
}

static void on_written(void *context, const redisReply *reply, const struct error *error) {
    struct item *item = context;
    struct registration_run *run = item->run;
    if (error) {
        item_failed(item, error);
        return;
    }
    if (reply->type == REDIS_REPLY_NIL && ++item->races < RACE_LIMIT) {
        run->current = NULL;
        DL_PREPEND(run->queue, item);
        pump(run);
        return;
    }
    if (reply->type == REDIS_REPLY_NIL) {
        cleanup_free char *text = format_text(
            "Redis at %s: %s was changed by somebody else each time it was to be written",
            redis_address(store_redis(run->store)), item->member);
        note_error(run, ERROR_FAILED, text);
    } else if (reply->type == REDIS_REPLY_ARRAY) {
        run->result.removed += item->removes;
        run->result.written += !item->removes;
    }
    finish_item(run);
}

static void on_listed(void *context, const redisReply *reply, const struct error *error) {
    struct item *item = context;
    (void)reply;
    if (error)
        item_failed(item, error);
    else
        finish_item(item->run);
}

/* The document, its event and its place in the set, together. */
static void change(struct item *item, const struct instance_decision *decision) {
    struct registration_run *run = item->run;
    bool removes = decision->step == INSTANCE_REMOVE;
    cleanup_free char *text = json_dumps(decision->document, JSON_COMPACT);
    const char *set[] = {"SET", item->key, text, NULL}, *del[] = {"DEL", item->key, NULL};
    const char *list[] = {removes ? "SREM" : "SADD", run->set, item->member, NULL};
    const char *event[] = {
        "XADD",    "registry:events", "MAXLEN", "~",      "10000", "*",  "type", decision->event,
        "service", item->service,     "name",   item->id, "data",  text, NULL};
    const char *const *commands[] = {removes ? del : set, list, event, NULL};
    item->removes = removes;
    redis_transaction(store_redis(run->store), commands, on_written, item);
}

/* Only the place in the set, or nothing. */
static void change_list(struct item *item, enum instance_step step) {
    static const char *const unwatch[] = {"UNWATCH", NULL};
    struct registration_run *run = item->run;
    bool adds = step == INSTANCE_LIST;
    const char *command[] = {adds ? "SADD" : "SREM", run->set, item->member, NULL};
    if (adds || (step == INSTANCE_UNLIST && item->listed == LISTED))
        send(run, command, on_listed, item);
    else
        send(run, unwatch, on_listed, item); /* the next WATCH adds to this one */
}

static struct instance_decision decide(const struct item *item, const redisReply *value) {
    cleanup_free char *now = now_text();
    struct instance_wish wish = {.document = item->document,
                                 .project = item->run->environment->project,
                                 .only_update = item->only_update,
                                 .unlisted = item->listed == UNLISTED};
    return instance_decide(&wish, value->type == REDIS_REPLY_STRING ? value->str : NULL, now);
}

static void on_read(void *context, const redisReply *reply, const struct error *error) {
    struct item *item = context;
    if (error) {
        item_failed(item, error);
        return;
    }
    if (item->unwatched) {
        finish_item(item->run);
        return;
    }
    bool one = reply->type == REDIS_REPLY_ARRAY && reply->elements == 1;
    struct instance_decision decision = decide(item, one ? reply->element[0] : reply);
    if (decision.step == INSTANCE_WRITE || decision.step == INSTANCE_REMOVE)
        change(item, &decision);
    else
        change_list(item, decision.step);
    json_decref(decision.document);
}

/* What cannot be watched is not to be written; its document is on its way. */
static void on_watched(void *context, const redisReply *reply, const struct error *error) {
    struct item *item = context;
    (void)reply;
    if (error && error->code != ERROR_FAILED)
        give_up(item->run, error);
    else if (error) {
        note_error(item->run, error->code, error_text(error));
        item->unwatched = true;
    }
}

static void start_next(struct registration_run *run) {
    struct item *item = run->current = run->queue;
    DL_DELETE(run->queue, item);
    const char *watch[] = {"WATCH", item->key, NULL}, *get[] = {"MGET", item->key, NULL};
    send(run, watch, on_watched, item);
    send(run, get, on_read, item);
}

/* --- everything at once -------------------------------------------------------------------------
 */

static bool differs(const struct item *item, const redisReply *value) {
    struct instance_decision decision = decide(item, value);
    json_decref(decision.document);
    return decision.step == INSTANCE_UNLIST ? item->listed == LISTED
                                            : decision.step != INSTANCE_KEEP;
}

static void unexpected(struct registration_run *run) {
    cleanup_error struct error error = ERROR_INIT;
    error_set(&error, ERROR_FAILED, "Redis at %s: it does not answer as Redis does",
              redis_address(store_redis(run->store)));
    give_up(run, &error);
}

/* Queues what differs. The answers come in the order of the hash, which is that of adding. */
static void on_documents(void *context, const redisReply *reply, const struct error *error) {
    struct registration_run *run = context;
    size_t index = 0;
    if (error) {
        give_up(run, error);
        return;
    }
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != HASH_COUNT(run->wanted)) {
        unexpected(run);
        return;
    }
    struct item *item = take_wanted(run);
    while (item) {
        struct item *next = item->hh.next;
        if (differs(item, reply->element[index++]))
            DL_APPEND(run->queue, item);
        else
            item_free(item);
        item = next;
    }
    run->compared = true;
    pump(run);
}

static void ask_documents(struct registration_run *run) {
    size_t count = 1;
    struct item *item, *next;
    cleanup_free const char **command =
        memory_alloc((HASH_COUNT(run->wanted) + 2) * sizeof *command);
    command[0] = "MGET";
    HASH_ITER(hh, run->wanted, item, next) {
        command[count++] = item->key;
    }
    run->compared = count == 1;
    if (count > 1)
        send(run, command, on_documents, run);
}

static void on_members(void *context, const redisReply *reply, const struct error *error) {
    struct registration_run *run = context;
    if (error) {
        give_up(run, error);
        return;
    }
    if (reply->type != REDIS_REPLY_ARRAY) {
        unexpected(run);
        return;
    }
    for (size_t i = 0; i < reply->elements; i++) {
        const char *member = reply->element[i]->str;
        struct item *item = NULL;
        if (!member)
            continue;
        HASH_FIND_STR(run->wanted, member, item);
        if (!item) {
            item = item_of_member(run, member);
            HASH_ADD_KEYPTR(hh, run->wanted, item->member, strlen(item->member), item);
        }
        item->listed = LISTED;
    }
    ask_documents(run);
}

/* Goes on with what is to be done next, if the connection is there. */
static void pump(struct registration_run *run) {
    bool compares = run->syncing && !run->asked;
    if (run->current || (!run->queue && !compares))
        return;
    if (!run->open) {
        if (!run->unreachable)
            connect(run);
        return;
    }
    const char *members[] = {"SMEMBERS", run->set, NULL};
    run->asked |= compares;
    if (compares)
        send(run, members, on_members, run);
    else
        start_next(run);
}

static bool is_done(const struct registration_run *run) {
    return (run->compared && !run->queue && !run->current) || run->unreachable;
}

static void stop_late(struct registration_run *run) {
    cleanup_error struct error error = ERROR_INIT;
    bool interrupted = run->interrupted && *run->interrupted;
    error_set(&error, interrupted ? ERROR_INTERRUPTED : ERROR_TIMEOUT, "Redis: %s",
              interrupted ? "interrupted" : "not everything was written in time");
    give_up(run, &error);
}

/* Brings Redis to what is wanted, once. */
static void attempt(struct registration_run *run, long long deadline_ms) {
    free_queue(run);
    error_clear(&run->result.error);
    run->unreachable = run->asked = run->compared = false;
    run->syncing = true;
    pump(run);
    while (!is_done(run) && http_now_ms() < deadline_ms && !(run->interrupted && *run->interrupted))
        http_run(run->engine->client, 100);
    if (!is_done(run))
        stop_late(run);
    run->syncing = false;
    free_wanted(run);
}

/* --- what is wanted -----------------------------------------------------------------------------
 */

static void want(struct registration_run *run, const struct resource *container, json_t *document,
                 bool only_update) {
    cleanup_free char *id = instance_id(container->engine_name);
    struct item *item = item_new(run, container->service->name, id, document), *other = NULL;
    item->only_update = only_update;
    item->listed = UNLISTED;
    HASH_FIND_STR(run->wanted, item->member, other);
    if (other)
        item_free(item);
    else
        HASH_ADD_KEYPTR(hh, run->wanted, item->member, strlen(item->member), item);
}

/* NULL: it is not to be registered, nor to stay so. `converged`: it was seen healthy since. */
static const char *health_of(const struct service_status *service, bool converged) {
    switch (service->health) {
    case SERVICE_HEALTHY:
        return "healthy";
    case SERVICE_RUNNING:
        return "unknown"; /* nothing checks it */
    case SERVICE_STARTING:
        return converged ? "healthy" : "starting";
    case SERVICE_UNHEALTHY: /* perhaps by a word of the engine's that is out of date */
        return converged && service->observed->state == RUN_RUNNING ? "healthy" : "unhealthy";
    case SERVICE_COMPLETED:
    case SERVICE_MISSING:
        break;
    }
    return NULL;
}

static void want_all(struct registration_run *run, const struct status *status, bool converged) {
    static const struct pair_list nowhere;
    for (size_t i = 0; i < status->count; i++) {
        const struct service_status *service = &status->services[i];
        const char *health = health_of(service, converged);
        if (!health || !service->desired || !service->observed || !service->desired->service ||
            service->desired->service->registration.off)
            continue;
        const struct container_facts *facts = service->observed->facts;
        const char *host =
            instance_host(service->desired->service, facts ? &facts->addresses : &nowhere);
        bool well = service->health == SERVICE_RUNNING || strcmp(health, "healthy") == 0;
        want(run, service->desired,
             instance_document(run->environment, service->desired, host, health), !well);
    }
}

static void set_container(struct registration_run *run, const char *container) {
    free(run->container);
    run->container = copy_text(container);
}

static bool is_redis(const struct registration_run *run, const struct resource *resource) {
    const char *service = run->environment->redis.service;
    return service && resource->kind->lifecycle == LIFECYCLE_CONTAINER && !resource->foreign &&
           resource->instance <= 1 && strcmp(resource->name, service) == 0;
}

static const struct resource *find_redis(const struct registration_run *run,
                                         const struct resource_set *observed) {
    for (size_t i = 0; i < observed->count; i++) {
        const struct resource *resource = &observed->items[i];
        if (is_redis(run, resource) && resource->slot == SLOT_CURRENT &&
            resource->state == RUN_RUNNING)
            return resource;
    }
    return NULL;
}

static void find_container(struct registration_run *run, const struct status *status) {
    for (size_t i = 0; i < status->count; i++) {
        const struct resource *observed = status->services[i].observed;
        if (observed && is_redis(run, observed) && observed->state == RUN_RUNNING) {
            set_container(run, observed->id);
            return;
        }
    }
    set_container(run, NULL);
}

static void wait_ms(struct registration_run *run, long delay_ms) {
    long long end = http_now_ms() + delay_ms;
    struct timespec pause = {0, 10000000};
    while (http_now_ms() < end && !(run->interrupted && *run->interrupted))
        nanosleep(&pause, NULL);
}

void registration_sync(struct registration_run *run, const struct status *status, bool converged) {
    if (!run)
        return;
    long long deadline_ms = http_now_ms() + SYNC_MS;
    find_container(run, status);
    if (!is_findable(run)) {
        disconnect(run);
        error_set(&run->result.error, ERROR_UNREACHABLE, "the service %s does not run",
                  run->environment->redis.service);
        return;
    }
    want_all(run, status, converged);
    attempt(run, deadline_ms);
    if (run->result.error.code != ERROR_TRANSIENT)
        return;
    wait_ms(run, RETRY_MS);
    want_all(run, status, converged);
    attempt(run, deadline_ms);
}

void registration_withdraw(struct registration_run *run, const struct resource_set *observed) {
    if (!run)
        return;
    const struct resource *redis = find_redis(run, observed);
    set_container(run, redis ? redis->id : NULL);
    if (is_findable(run))
        attempt(run, http_now_ms() + SYNC_MS);
    disconnect(run);
}

/* --- as soon as it is healthy -------------------------------------------------------------------
 */

void registration_observed(struct registration_run *run, const struct resource_set *observed,
                           const struct plan *plan) {
    if (!run || run->environment->redis.address)
        return;
    const struct resource *redis = find_redis(run, observed);
    bool ready = redis && redis->health != HEALTH_STARTING && redis->health != HEALTH_UNHEALTHY;
    for (size_t i = 0; ready && i < plan->change_count; i++)
        if (plan->changes[i].kind != CHANGE_NONE && strcmp(plan->changes[i].key, redis->key) == 0)
            ready = false; /* it is to be waited for */
    set_container(run, ready ? redis->id : NULL);
}

static void located(void *context, const struct engine_location *location,
                    const struct error *error) {
    struct lookup *lookup = context;
    struct registration_run *run = lookup->run;
    run->lookups--;
    if (!error) {
        const enum check_kind kind = lookup->service->healthcheck.kind;
        bool checked = location->checked || kind == CHECK_HTTP || kind == CHECK_TCP;
        const struct resource container = {.service = lookup->service, .engine_name = lookup->name};
        const char *host = instance_host(lookup->service, &location->addresses);
        cleanup_free char *id = instance_id(lookup->name);
        json_t *document =
            instance_document(run->environment, &container, host, checked ? "healthy" : "unknown");
        struct item *item = item_new(run, lookup->service->name, id, document);
        DL_APPEND(run->queue, item);
        pump(run);
    }
    free(lookup->name);
    free(lookup);
}

/* A connection to what it was before is of no use. */
static void redis_is_ready(struct registration_run *run, const struct action *action) {
    struct item *current = run->current;
    run->current = NULL;
    disconnect(run);
    if (current)
        DL_PREPEND(run->queue, current);
    set_container(run, action->target);
    run->unreachable = false;
    pump(run);
}

/* Not those that were running before: they are left to the sync, which needs no request for them.
 */
static bool has_become_healthy(const struct plan *plan, const struct action *action) {
    const struct resource *observed = plan->changes[action->change].observed;
    return action->verb == VERB_AWAIT && action->condition == DEPENDS_HEALTHY && action->desired &&
           action->desired->service &&
           (plan->changes[action->change].kind != CHANGE_NONE ||
            (observed && observed->health == HEALTH_STARTING));
}

void registration_action(struct registration_run *run, const struct plan *plan, size_t index) {
    const struct action *action = run ? &plan->actions[index] : NULL;
    if (!action || !has_become_healthy(plan, action))
        return;
    if (is_redis(run, action->desired))
        redis_is_ready(run, action);
    if (action->desired->service->registration.off)
        return;
    struct lookup *lookup = memory_alloc(sizeof *lookup);
    *lookup =
        (struct lookup){run, action->desired->service, copy_text(action->desired->engine_name)};
    run->lookups++;
    run->engine->operations->locate(run->engine, run->environment, action->target, 0, located,
                                    lookup);
}

/* --- the run ------------------------------------------------------------------------------------
 */

struct registration_run *registration_new(struct engine *engine,
                                          const struct environment *environment,
                                          const volatile int *interrupted) {
    if (!environment->redis.declared)
        return NULL;
    struct registration_run *run = memory_alloc(sizeof *run);
    run->engine = engine;
    run->environment = environment;
    run->interrupted = interrupted;
    run->set = format_text("registry:environments:%s", environment->name);
    run->mark = http_mark(engine->client);
    return run;
}

void registration_free(struct registration_run *run) {
    if (!run)
        return;
    run->unreachable = true; /* what is still looked up leads to nothing */
    disconnect(run);
    /* Only after a failure is anything under way: what waits for the engine's word on a container.
     */
    http_abort_since(run->engine->client, run->mark);
    for (int round = 0; round < 10 && http_busy(run->engine->client); round++)
        http_run(run->engine->client, 0);
    free_queue(run);
    free_wanted(run);
    free(run->set);
    free(run->container);
    error_clear(&run->result.error);
    free(run);
}

const struct registration_result *registration_result(const struct registration_run *run) {
    return &run->result;
}
