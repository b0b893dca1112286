/*
 * A Redis client in the event loop of base/http.h: one connection, commands with callbacks,
 * transactions. hiredis formats and parses; nothing here blocks. A connection that failed stays
 * failed: whoever wants another opens one. Knows nothing of what is stored.
 *
 * Callbacks run from http_run(), never from inside the call that asked for them. Error texts name
 * the address and never hold the password, whatever the server answers.
 */
#ifndef TSE_BASE_REDIS_H
#define TSE_BASE_REDIS_H

#include <hiredis/hiredis.h>
#include <stddef.h>

struct error;
struct http_client;
struct redis;

/* Where to connect and as whom; everything is copied. */
struct redis_options {
    const char *const *addresses; /* "host:port", tried in this order; NULL-terminated */
    const char *user;             /* or NULL: the default user */
    const char *password;         /* or NULL: no AUTH */
    long connect_ms;              /* for all addresses together, with AUTH; 0: 2 s */
    long answer_ms;               /* of silence, while an answer is waited for; 0: 2 s */
};

/* The connection is there and authenticated (`error` NULL), or cannot be had: ERROR_UNREACHABLE,
 * ERROR_TIMEOUT, ERROR_FAILED for a refused user, ERROR_TRANSIENT for one that is not ready. */
typedef void redis_opened(void *context, const struct error *error);

/* An answer, valid during the callback; or NULL and the error: what the server says is wrong, or
 * that the connection has ended. An error inside of an array stays there. */
typedef void redis_answered(void *context, const redisReply *reply, const struct error *error);

struct redis *redis_open(struct http_client *client, const struct redis_options *options,
                         redis_opened *opened, void *context);

/* Ends the connection; what is outstanding is never called back. NULL is allowed. To be called
 * before the client is freed. */
void redis_close(struct redis *redis);

/* Sends a command, behind those that are under way. Only once it is open; after the connection has
 * failed the callback tells so. `arguments` is NULL-terminated and copied. */
void redis_send(struct redis *redis, const char *const *arguments, redis_answered *answered,
                void *context);

/* MULTI, the commands, EXEC, in one go. The answer is EXEC's: an array, or nil when a watched key
 * was changed; an error when any of the commands has one. `commands` is NULL-terminated. */
void redis_transaction(struct redis *redis, const char *const *const *commands,
                       redis_answered *answered, void *context);

/* "172.20.0.10:6379": the one it is connected to, or tried last. */
const char *redis_address(const struct redis *redis);

#endif
