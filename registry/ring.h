/*
 * The latest events, as the messages that watchers receive. All watchers share them: each has a
 * place in the ring, and one that falls so far behind that its next message is gone is sent away
 * (it comes back with its token). Messages are counted references, so that a snapshot or a replay
 * can hold some beyond the ring.
 */
#ifndef REGISTRY_RING_H
#define REGISTRY_RING_H

#include "registry/names.h"

#define RING_SLOTS 2048
#define RING_BYTES (1024 * 1024) /* of messages held, at most (but always the latest one) */
#define RING_PRE   32            /* room before the text, for the WebSocket frame's header */

struct message {
    struct event_id id;
    unsigned references;
    unsigned size;
    bool is_config;
    char service[NAME_SIZE];
    char text[]; /* RING_PRE bytes of room, then the text */
};

struct ring {
    struct message *slots[RING_SLOTS];
    uint64_t first; /* place of the oldest event held */
    uint64_t next;  /* place of the event to come */
    size_t bytes;
    struct event_id floor; /* every event after this one is held */
};

/* Builds a message about a service: {"token": …, "type": …, "service": …, "name": …, "data": …}
 * (without token when it is a snapshot's). The caller holds the reference. */
struct message *message_new(struct event_id id, bool is_config, const char *type,
                            const char *service, const char *name, const char *data,
                            size_t data_size, bool snapshot);

/* One more reference; one less, and freed with the last. NULL is allowed. */
struct message *message_hold(struct message *message);
void message_release(struct message *message);

/* Empties the ring: events after `floor` will be held. */
void ring_reset(struct ring *ring, struct event_id floor);

/* Adds the newest event (takes the reference), dropping the oldest where there is no room. */
void ring_add(struct ring *ring, struct message *message);

/* The message at a place, or NULL when it is gone or yet to come. */
struct message *ring_at(const struct ring *ring, uint64_t place);

/* The place of the first event after `id`; false when events after it are held no more. */
bool ring_seek(const struct ring *ring, struct event_id id, uint64_t *place);

/* Like ring_seek(), but also false when `id` itself is unknown here: who has such a token may know
 * of events that Redis has lost. */
bool ring_resume(const struct ring *ring, struct event_id id, uint64_t *place);

#endif
