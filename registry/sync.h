/*
 * Keeping the cache as Redis is. On each connection: the stream's ends, then everything that is
 * registered, then the stream from there on. What the stream tells goes into the cache and to the
 * watchers; where the stream no longer holds all since we last read it, watchers start over.
 */
#ifndef REGISTRY_SYNC_H
#define REGISTRY_SYNC_H

#include "registry/names.h"

#include <stdbool.h>
#include <stddef.h>

struct server;
struct sync;

void sync_start(struct server *server);
void sync_stop(struct server *server);

/* Whether the cache is complete and follows the stream. */
bool sync_is_live(const struct server *server);

/* Whether it ever was. */
bool sync_was_live(const struct server *server);

/* The last event that watchers know. */
struct event_id sync_position(const struct server *server);

/* Applies a change of our own, of which the stream will tell later, to the cache. */
void sync_apply_own(struct server *server, const char *type, const char *service, const char *name,
                    const char *data, size_t size, const char *event);

/* Reads the fields of a stream's entry ([id, [name, value, …]]); -1 when it is no event of ours. */
struct redisReply;
struct stream_event {
    struct event_id id;
    const char *type;
    const char *service;
    const char *name;
    const char *data;
    size_t data_size;
    bool is_config;
    bool removes;
};
int stream_event_read(const struct redisReply *entry, struct stream_event *event);

#endif
