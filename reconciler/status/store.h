/*
 * The Redis of an environment (`redis` in its spec): where it is, and a connection to it. One that
 * the environment deploys itself is looked for on the engine, as the container that is named.
 */
#ifndef TSE_STATUS_STORE_H
#define TSE_STATUS_STORE_H

#include "base/redis.h"
#include "engines/engine.h"

struct store;

/* `container` (name or id) is that of the service; not looked at where the environment names an
 * address. `limit_ms` is for finding it and for connecting, each. `opened` is called from the loop,
 * never from inside this call. Engine and environment must outlive the store. */
struct store *store_open(struct engine *engine, const struct environment *environment,
                         const char *container, long limit_ms, redis_opened *opened, void *context);

/* Ends it without calling back. NULL is allowed. */
void store_close(struct store *store);

/* The connection, once it was opened. */
struct redis *store_redis(const struct store *store);

#endif
