/* Finding the environment's Redis and connecting to it; see store.h. */
#include "status/store.h"

#include "base/memory.h"

#include <stdlib.h>

struct store {
    struct engine *engine;
    const struct environment *environment;
    long limit_ms;
    redis_opened *opened;
    void *context;
    struct redis *redis;
    struct http_timer *timer;
    bool locating; /* the engine has our callback: the store outlives its closing */
    bool closed;
};

static void stop_timer(struct store *store) {
    if (store->timer)
        http_timer_cancel(store->engine->client, store->timer);
    store->timer = NULL;
}

static void release(struct store *store) {
    redis_close(store->redis);
    free(store);
}

void store_close(struct store *store) {
    if (!store)
        return;
    stop_timer(store);
    store->closed = true;
    if (!store->locating)
        release(store);
}

struct redis *store_redis(const struct store *store) {
    return store->redis;
}

static void tell(struct store *store, const struct error *error) {
    store->opened(store->context, error); /* may close it */
}

static void on_opened(void *context, const struct error *error) {
    tell(context, error);
}

static void connect(struct store *store, const char *const *addresses) {
    const struct redis_settings *settings = &store->environment->redis;
    struct redis_options options = {.addresses = addresses,
                                    .user = settings->user,
                                    .password = settings->password,
                                    .connect_ms = store->limit_ms,
                                    .answer_ms = store->limit_ms};
    store->redis = redis_open(store->engine->client, &options, on_opened, store);
}

static void fail(struct store *store, enum error_code code, const char *why) {
    cleanup_error struct error error = ERROR_INIT;
    error_set(&error, code, "the service %s: %s", store->environment->redis.service, why);
    tell(store, &error);
}

static void on_limit(void *context) {
    struct store *store = context;
    store->timer = NULL;
    fail(store, ERROR_TIMEOUT, "the engine does not say in time where it is");
}

static void located(void *context, const struct engine_location *location,
                    const struct error *error) {
    struct store *store = context;
    store->locating = false;
    if (store->closed) {
        release(store);
        return;
    }
    if (!store->timer)
        return; /* too late: it was told so */
    stop_timer(store);
    if (error)
        fail(store, error->code, error_text(error));
    else if (!location->reachable[0])
        fail(store, ERROR_FAILED,
             "its port cannot be reached from here; publish it, or name the Redis by its address");
    else
        connect(store, location->reachable);
}

static void begin(void *context) {
    struct store *store = context;
    const struct redis_settings *settings = &store->environment->redis;
    store->timer = NULL;
    const char *const addresses[] = {settings->address, NULL};
    connect(store, addresses);
}

struct store *store_open(struct engine *engine, const struct environment *environment,
                         const char *container, long limit_ms, redis_opened *opened,
                         void *context) {
    struct store *store = memory_alloc(sizeof *store);
    *store = (struct store){.engine = engine,
                            .environment = environment,
                            .limit_ms = limit_ms,
                            .opened = opened,
                            .context = context};
    if (environment->redis.address) {
        store->timer = http_after(engine->client, 0, begin, store);
        return store;
    }
    store->locating = true;
    store->timer = http_after(engine->client, limit_ms, on_limit, store);
    engine->operations->locate(engine, environment, container, environment->redis.port, located,
                               store);
    return store;
}
