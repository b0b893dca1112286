/*
 * The Lua scripts by which Redis is changed: each change and its event are one atomic step
 * (docs/redis-keys.md). The scripts' texts and what they answer stand in scripts.c.
 */
#ifndef REGISTRY_SCRIPTS_H
#define REGISTRY_SCRIPTS_H

#include "registry/redis.h"

enum script {
    SCRIPT_REGISTER,
    SCRIPT_DEREGISTER,
    SCRIPT_HEARTBEAT,
    SCRIPT_EXPIRE,
    SCRIPT_GRANT,
    SCRIPT_PUBLISH,
    SCRIPT_COUNT
};

/* Sends all scripts to a connection that just came up. */
void scripts_load(struct redis *redis);

/* Runs one, about a key of two texts ("registry:services:A:B"; NULL: none), with its arguments. */
void script_run(struct redis *redis, enum script script, redis_done *done, void *data,
                const char *key, int count, const char **arguments);

#define REDIS_EVENTS_KEY "registry:events"

#endif
