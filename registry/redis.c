/* A connection to Redis on the loop; see redis.h. */
#include "registry/redis.h"

#include "base/memory.h"
#include "registry/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <utlist.h>

struct redis_pending {
    struct redis_pending *prev, *next;
    struct redis *redis;
    redis_done *done;
    void *data;
    int64_t due_ms;
};

const char *reply_text(const redisReply *reply) {
    bool text = reply && (reply->type == REDIS_REPLY_STRING || reply->type == REDIS_REPLY_STATUS);
    return text ? reply->str : "";
}

const redisReply *reply_at(const redisReply *reply, size_t index) {
    bool has = reply && reply->type == REDIS_REPLY_ARRAY && index < reply->elements;
    return has ? reply->element[index] : NULL;
}

/* --- hiredis' event hooks -----------------------------------------------------------------------
 */

static void set_events(struct redis *redis, uint32_t add, uint32_t remove) {
    struct source *source = &redis->link.source;
    uint32_t events = ((source->watched ? source->events : 0) | add) & ~remove;
    loop_watch(redis->link.loop, source, redis->connection->c.fd, events);
}

static void add_read(void *data) {
    set_events(data, EPOLLIN, 0);
}

static void del_read(void *data) {
    set_events(data, 0, EPOLLIN);
}

static void add_write(void *data) {
    set_events(data, EPOLLOUT, 0);
}

static void del_write(void *data) {
    set_events(data, 0, EPOLLOUT);
}

static void clean_up(void *data) {
    struct redis *redis = data;
    loop_unwatch(redis->link.loop, &redis->link.source);
}

static void ready(void *data, uint32_t events) {
    struct redis *redis = data;
    if (redis->connection && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        redisAsyncHandleRead(redis->connection);
    if (redis->connection && (events & EPOLLOUT))
        redisAsyncHandleWrite(redis->connection);
}

/* --- Up and down --------------------------------------------------------------------------------
 */

static void closed(struct redis *redis, const char *reason) {
    bool was_up = redis->link.state == LINK_UP;
    redis->connection = NULL;
    link_down(&redis->link, *redis->reason ? redis->reason : reason);
    if (was_up)
        redis->down(redis->data);
}

static void on_disconnect(const redisAsyncContext *connection, int status) {
    struct redis *redis = connection->data;
    if (redis->connection == connection)
        closed(redis, status == REDIS_OK ? "closed" : connection->errstr);
}

static void on_connect(const redisAsyncContext *connection, int status) {
    struct redis *redis = connection->data;
    /* hiredis frees a connection that failed, after this, without calling on_disconnect. */
    if (status != REDIS_OK && redis->connection == connection)
        closed(redis, connection->errstr);
}

void redis_reset(struct redis *redis, const char *reason) {
    redisAsyncContext *connection = redis->connection;
    if (!connection)
        return;
    snprintf(redis->reason, sizeof redis->reason, "%s", reason);
    closed(redis, reason);
    redisAsyncFree(connection); /* answers what is pending with NULL */
}

static void authenticated(void *data, redisReply *reply) {
    struct redis *redis = data;
    if (!reply)
        return;
    if (reply->type == REDIS_REPLY_ERROR) {
        /* Its first word, such as WRONGPASS: the rest may repeat what was sent. */
        char word[32];
        snprintf(word, sizeof word, "%.*s", (int)strcspn(reply->str, " \r\n"), reply->str);
        redis_reset(redis, word);
        return;
    }
    link_up(&redis->link);
    redis->up(redis->data);
}

static void greet(struct redis *redis) {
    const struct options *options = redis->options;
    if (*options->redis_user)
        redis_command(redis, authenticated, redis, "AUTH", options->redis_user,
                      options->redis_password);
    else if (*options->redis_password)
        redis_command(redis, authenticated, redis, "AUTH", options->redis_password);
    else
        redis_command(redis, authenticated, redis, "PING");
}

static void connect_now(void *data) {
    struct redis *redis = data;
    redis->reason[0] = '\0';
    link_connecting(&redis->link);
    redisAsyncContext *connection =
        redisAsyncConnect(redis->options->redis_host, redis->options->redis_port);
    if (!connection || connection->err) {
        link_down(&redis->link, connection ? connection->errstr : "out of memory");
        if (connection)
            redisAsyncFree(connection);
        return;
    }
    redis->connection = connection;
    connection->data = redis;
    connection->ev.data = redis;
    connection->ev.addRead = add_read;
    connection->ev.delRead = del_read;
    connection->ev.addWrite = add_write;
    connection->ev.delWrite = del_write;
    connection->ev.cleanup = clean_up;
    redisAsyncSetDisconnectCallback(connection, on_disconnect);
    redisAsyncSetConnectCallback(connection, on_connect);
    greet(redis);
}

static void too_slow(void *data) {
    redis_reset(data, "no answer in time");
}

void redis_start(struct redis *redis, struct loop *loop, const struct options *options,
                 const char *name, void (*up)(void *), void (*down)(void *), void *data) {
    memset(redis, 0, sizeof *redis);
    redis->options = options;
    redis->up = up;
    redis->down = down;
    redis->data = data;
    link_init(&redis->link, loop, name, connect_now, too_slow, redis);
    redis->link.source.ready = ready;
    redis->link.source.data = redis;
    connect_now(redis);
}

void redis_stop(struct redis *redis) {
    redisAsyncContext *connection = redis->connection;
    redis->connection = NULL;
    link_stop(&redis->link);
    if (connection)
        redisAsyncFree(connection);
}

/* --- Commands -----------------------------------------------------------------------------------
 */

static void answered(redisAsyncContext *connection, void *answer, void *data) {
    struct redis_pending *pending = data;
    struct redis *redis = pending->redis;
    DL_DELETE(redis->pending, pending);
    if (redis->connection == connection) {
        if (redis->pending)
            link_await(&redis->link, redis->pending->due_ms - loop_now_ms());
        else
            link_idle(&redis->link);
    }
    pending->done(pending->data, answer);
    free(pending);
}

void redis_send(struct redis *redis, int64_t patience_ms, redis_done *done, void *data, int count,
                const char **arguments, const size_t *sizes) {
    if (!redis->connection) {
        done(data, NULL);
        return;
    }
    struct redis_pending *pending = memory_alloc(sizeof *pending);
    *pending = (struct redis_pending){
        .redis = redis,
        .done = done,
        .data = data,
        .due_ms = loop_now_ms() + LINK_DEADLINE_MS + patience_ms,
    };
    DL_APPEND(redis->pending, pending);
    if (redis->pending == pending)
        link_await(&redis->link, LINK_DEADLINE_MS + patience_ms);
    if (redisAsyncCommandArgv(redis->connection, answered, pending, count, arguments, sizes) !=
        REDIS_OK)
        answered(redis->connection, NULL, pending);
}

void redis_send_texts(struct redis *redis, int64_t patience_ms, redis_done *done, void *data,
                      int count, const char **arguments) {
    redis_send(redis, patience_ms, done, data, count, arguments, NULL);
}
