/*
 * A connection to Redis on the loop: connects again by itself, and gives every command a deadline.
 * Redis answers in order, so the oldest unanswered command's deadline is the connection's: when it
 * passes, the connection is given up and every command waiting on it is told so.
 */
#ifndef REGISTRY_REDIS_H
#define REGISTRY_REDIS_H

#include "registry/link.h"
#include "registry/options.h"

#include <hiredis/async.h>

/* An answer; NULL when the connection was lost or too slow. It is freed after the call. */
typedef void redis_done(void *data, redisReply *reply);

struct redis {
    struct link link;
    const struct options *options;
    redisAsyncContext *connection;
    struct redis_pending *pending; /* oldest first */
    void (*up)(void *data);        /* connected and authenticated */
    void (*down)(void *data);      /* was up and is not any more */
    void *data;
    char reason[128]; /* why it is to be closed */
};

/* Prepares a connection and begins to connect. */
void redis_start(struct redis *redis, struct loop *loop, const struct options *options,
                 const char *name, void (*up)(void *), void (*down)(void *), void *data);

/* Sends a command; `done` is called exactly once, also when it cannot be sent (then later, from the
 * loop, or at once when the connection is down). `patience_ms` is added to its deadline. */
void redis_send(struct redis *redis, int64_t patience_ms, redis_done *done, void *data, int count,
                const char **arguments, const size_t *sizes);

/* The same for a few texts. */
#define redis_command(redis, done, data, ...)                                                      \
    redis_send_texts((redis), 0, (done), (data),                                                   \
                     (int)(sizeof((const char *[]){__VA_ARGS__}) / sizeof(const char *)),          \
                     (const char *[]){__VA_ARGS__})
void redis_send_texts(struct redis *redis, int64_t patience_ms, redis_done *done, void *data,
                      int count, const char **arguments);

/* Gives the connection up, to begin anew. */
void redis_reset(struct redis *redis, const char *reason);

void redis_stop(struct redis *redis);

/* Reply helpers that tolerate anything: the text of a string reply ("" otherwise), its element. */
const char *reply_text(const redisReply *reply);
const redisReply *reply_at(const redisReply *reply, size_t index);

#endif
