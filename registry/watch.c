/* WS /watch; see watch.h. */
#include "registry/watch.h"

#include "base/memory.h"
#include "registry/scripts.h"
#include "registry/server.h"
#include "registry/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define CLOSE_TRY_AGAIN  1013  /* RFC 6455 has it from its registry */
#define PAGE             "201" /* events fetched at once, with the last known one */
#define BURST            32    /* messages written before others have their turn */
#define SNAPSHOTS        4     /* of different positions, in memory at once */
#define SNAPSHOT_SECONDS 60    /* to take one */
#define ENDING_SECONDS   30    /* to take what says why it ends */

_Static_assert(RING_PRE >= LWS_PRE, "a message has room for the frame's header");

enum watch_mode {
    WATCH_LIVE,   /* follows the ring */
    WATCH_QUEUE,  /* first sends its queue: a page of the stream or a snapshot */
    WATCH_ASKING, /* waits for Redis */
    WATCH_ENDING
};

/* Messages of a snapshot, shared by those who start over at the same position, or of one page. */
struct batch {
    struct server *server; /* of a snapshot, else NULL */
    struct event_id position;
    unsigned references;
    size_t count;
    struct message **messages;
};

struct watcher {
    struct watcher *prev, *next;
    struct server *server;
    struct lws *wsi; /* NULL: the client has gone */
    struct query query;
    enum watch_mode mode;
    bool greeted;
    bool snapshot; /* the queue is one */
    bool say_reset;
    bool outdated;   /* the token it came with was */
    unsigned asking; /* answers of Redis yet to come */
    int close_code;
    struct event_id begin; /* the token it came with, or got */
    struct event_id last;  /* what the client knows */
    uint64_t place;        /* in the ring */
    struct batch *queue;
    size_t sent; /* of the queue */
};

static void batch_release(struct batch *batch) {
    if (!batch || --batch->references > 0)
        return;
    for (size_t i = 0; i < batch->count; i++)
        message_release(batch->messages[i]);
    if (batch->server) {
        batch->server->snapshot_count--;
        if (batch->server->snapshot == batch)
            batch->server->snapshot = NULL;
    }
    free(batch->messages);
    free(batch);
}

static struct batch *batch_new(size_t room) {
    struct batch *batch = memory_alloc(sizeof *batch);
    batch->references = 1;
    batch->messages = memory_alloc((room + 1) * sizeof(struct message *));
    return batch;
}

static void set_queue(struct watcher *watcher, struct batch *batch, bool snapshot) {
    batch_release(watcher->queue);
    watcher->queue = batch;
    watcher->sent = 0;
    watcher->snapshot = snapshot;
    watcher->mode = WATCH_QUEUE;
    if (snapshot)
        lws_set_timeout(watcher->wsi, PENDING_TIMEOUT_USER_OK, SNAPSHOT_SECONDS);
    lws_callback_on_writable(watcher->wsi);
}

static void end_with(struct watcher *watcher, int code) {
    watcher->mode = WATCH_ENDING;
    watcher->close_code = code;
    batch_release(watcher->queue);
    watcher->queue = NULL;
    lws_set_timeout(watcher->wsi, PENDING_TIMEOUT_USER_OK, ENDING_SECONDS);
    lws_callback_on_writable(watcher->wsi);
}

/* It cannot be kept up to date: it comes back with its token. */
static void send_away(struct watcher *watcher) {
    watcher->server->metrics.lagged++;
    end_with(watcher, CLOSE_TRY_AGAIN);
}

/* --- Snapshots ----------------------------------------------------------------------------------
 */

static void add_half(struct batch *batch, struct cache_half *half, struct event_id id) {
    const char *type = half->is_config ? "config-set" : "registered";
    for (struct cache_service *service = cache_sorted(half); service; service = service->hh.next) {
        const struct cache_entry *entry;
        for (entry = cache_sorted_entries(service); entry; entry = entry->next) {
            batch->messages[batch->count++] =
                message_new(id, half->is_config, type, service->name, entry->name, entry->json,
                            entry->json_size, true);
        }
    }
}

/* The present state, and a reference to it; NULL when too many are being sent. */
static struct batch *take_snapshot(struct server *server) {
    struct cache *cache = &server->cache;
    struct event_id position = sync_position(server);
    if (server->snapshot && event_id_compare(server->snapshot->position, position) == 0) {
        server->snapshot->references++;
        return server->snapshot;
    }
    if (server->snapshot_count >= SNAPSHOTS)
        return NULL;
    struct batch *batch =
        batch_new(HASH_COUNT(cache->instances.entries) + HASH_COUNT(cache->config.entries));
    batch->server = server;
    batch->position = position;
    server->snapshot = batch;
    server->snapshot_count++;
    add_half(batch, &cache->instances, position);
    add_half(batch, &cache->config, position);
    return batch;
}

/* Sends a watcher the present state, or away when there is no room for it. */
static void start_over(struct watcher *watcher) {
    struct batch *snapshot = take_snapshot(watcher->server);
    watcher->outdated = !watcher->greeted;
    if (!snapshot) {
        send_away(watcher);
        return;
    }
    watcher->last = snapshot->position;
    watcher->place = watcher->server->ring.next;
    watcher->say_reset = true;
    set_queue(watcher, snapshot, true);
}

void watch_reset(struct server *server) {
    struct watcher *watcher;
    server->snapshot = NULL; /* what it says may be lost */
    for (watcher = server->watchers; watcher; watcher = watcher->next) {
        batch_release(watcher->queue); /* makes room */
        watcher->queue = NULL;
    }
    for (watcher = server->watchers; watcher; watcher = watcher->next)
        if (watcher->mode != WATCH_ENDING && watcher->mode != WATCH_ASKING)
            start_over(watcher);
}

/* --- Replays ------------------------------------------------------------------------------------
 */

static void free_watcher(struct watcher *watcher) {
    batch_release(watcher->queue);
    free(watcher);
}

/* One answer less to wait for; whether the watcher can go on with it. */
static bool still_here(struct watcher *watcher, const redisReply *reply) {
    watcher->asking--;
    if (!watcher->wsi) {
        if (watcher->asking == 0)
            free_watcher(watcher);
        return false;
    }
    if (watcher->mode != WATCH_ASKING)
        return false;
    if (!reply || reply->type != REDIS_REPLY_ARRAY) {
        end_with(watcher, LWS_CLOSE_STATUS_UNEXPECTED_CONDITION); /* 1011: Redis is away */
        return false;
    }
    return true;
}

static struct event_id id_of(const redisReply *entry) {
    struct event_id id = {0, 0};
    event_id_parse(reply_text(reply_at(entry, 0)), &id);
    return id;
}

/* The messages of a page but for its first entry, which the watcher knows. */
static struct batch *batch_of(const redisReply *entries, struct event_id *last) {
    struct batch *batch = batch_new(entries->elements);
    for (size_t i = 1; reply_at(entries, i); i++) {
        struct stream_event event;
        int status = stream_event_read(reply_at(entries, i), &event);
        if (event.id.ms)
            *last = event.id;
        if (status == 0)
            batch->messages[batch->count++] =
                message_new(event.id, event.is_config, event.type, event.service, event.name,
                            event.data, event.data_size, false);
    }
    return batch;
}

/* The stream holds everything after an event exactly as long as it holds the event itself. */
static void page_answered(void *data, redisReply *reply) {
    struct watcher *watcher = data;
    if (!still_here(watcher, reply))
        return;
    if (event_id_compare(id_of(reply_at(reply, 0)), watcher->last) != 0) {
        start_over(watcher);
        return;
    }
    struct batch *batch = batch_of(reply, &watcher->last);
    set_queue(watcher, batch, false);
}

static void ask_page(struct watcher *watcher) {
    char from[EVENT_ID_SIZE];
    event_id_format(from, watcher->last);
    watcher->mode = WATCH_ASKING;
    watcher->asking++;
    redis_command(&watcher->server->commands, page_answered, watcher, "XRANGE", REDIS_EVENTS_KEY,
                  from, "+", "COUNT", PAGE);
}

/* The queue is sent: what comes next. */
static void queue_done(struct watcher *watcher) {
    const struct ring *ring = &watcher->server->ring;
    batch_release(watcher->queue);
    watcher->queue = NULL;
    if (watcher->snapshot) {
        lws_set_timeout(watcher->wsi, NO_PENDING_TIMEOUT, 0);
        watcher->mode = WATCH_LIVE;
        if (watcher->place < ring->first)
            send_away(watcher);
    } else if (ring_seek(ring, watcher->last, &watcher->place))
        watcher->mode = WATCH_LIVE;
    else
        ask_page(watcher);
}

/* --- Beginning and ending -----------------------------------------------------------------------
 */

struct watcher *watch_new(struct server *server, const struct query *query) {
    struct watcher *watcher = memory_alloc(sizeof *watcher);
    watcher->server = server;
    watcher->query = *query;
    return watcher;
}

void watch_begin(struct watcher *watcher, struct lws *wsi) {
    struct server *server = watcher->server;
    struct event_id position = sync_position(server);
    bool resumes = watcher->query.has_since;
    watcher->wsi = wsi;
    watcher->last = resumes ? watcher->query.since : position;
    watcher->begin = watcher->last;
    DL_APPEND(server->watchers, watcher);
    server->watcher_count++;
    if (event_id_compare(watcher->last, position) > 0 ||
        !(resumes ? ring_resume : ring_seek)(&server->ring, watcher->last, &watcher->place))
        ask_page(watcher);
    lws_callback_on_writable(wsi);
}

void watch_end(struct watcher *watcher) {
    if (!watcher)
        return;
    if (watcher->wsi) {
        DL_DELETE(watcher->server->watchers, watcher);
        watcher->server->watcher_count--;
    }
    watcher->wsi = NULL;
    if (watcher->asking == 0)
        free_watcher(watcher);
}

void watch_wake(struct server *server) {
    struct watcher *watcher;
    for (watcher = server->watchers; watcher; watcher = watcher->next) {
        if (watcher->mode != WATCH_LIVE)
            continue;
        if (watcher->place < server->ring.first)
            send_away(watcher);
        else
            lws_callback_on_writable(watcher->wsi);
    }
}

void watch_stop(struct server *server) {
    struct watcher *watcher;
    for (watcher = server->watchers; watcher; watcher = watcher->next) {
        end_with(watcher, LWS_CLOSE_STATUS_GOINGAWAY);
    }
}

/* --- Sending ------------------------------------------------------------------------------------
 */

static bool wants(const struct watcher *watcher, const struct message *message) {
    const struct query *query = &watcher->query;
    if (*query->service && strcmp(query->service, message->service) != 0)
        return false;
    return !*query->kind || (strcmp(query->kind, "config") == 0) == message->is_config;
}

static int send_text(struct watcher *watcher, char *text, size_t size) {
    return lws_write(watcher->wsi, (unsigned char *)text, size, LWS_WRITE_TEXT) < (int)size ? -1
                                                                                            : 0;
}

/* A message about the connection itself; without a token when `id` is NULL. */
static int send_note(struct watcher *watcher, const char *type, const struct event_id *id) {
    char token[EVENT_ID_SIZE];
    char buffer[RING_PRE + 128];
    int size = snprintf(buffer + RING_PRE, sizeof buffer - RING_PRE, "{\"type\": \"%s\"%s%s%s}",
                        type, id ? ", \"token\": \"" : "", id ? event_id_format(token, *id) : "",
                        id ? "\"" : "");
    return send_text(watcher, buffer + RING_PRE, (size_t)size);
}

/* Sends the next message of the queue, or goes on to what comes after it. */
static int send_queued(struct watcher *watcher) {
    while (watcher->sent < watcher->queue->count) {
        struct message *message = watcher->queue->messages[watcher->sent++];
        if (wants(watcher, message))
            return send_text(watcher, message->text + RING_PRE, message->size);
    }
    bool snapshot = watcher->snapshot;
    queue_done(watcher);
    return snapshot ? send_note(watcher, "snapshot-complete", &watcher->last) : 0;
}

/* Sends the next message of the ring; 1: there is none yet. */
static int send_live(struct watcher *watcher) {
    const struct ring *ring = &watcher->server->ring;
    for (;;) {
        struct message *message = ring_at(ring, watcher->place);
        if (!message)
            return 1;
        watcher->place++;
        if (event_id_compare(message->id, watcher->last) <= 0)
            continue;
        watcher->last = message->id;
        if (wants(watcher, message))
            return send_text(watcher, message->text + RING_PRE, message->size);
    }
}

/* Sends one message; 1: there is none to send now, -1: the connection is broken. */
static int send_one(struct watcher *watcher) {
    if (!watcher->greeted) {
        if (watcher->mode == WATCH_ASKING)
            return 1; /* whether its token is good */
        watcher->greeted = true;
        return send_note(watcher, "hello", watcher->outdated ? NULL : &watcher->begin);
    }
    if (watcher->say_reset && watcher->mode == WATCH_QUEUE) {
        watcher->say_reset = false;
        return send_note(watcher, "reset", NULL);
    }
    switch (watcher->mode) {
    case WATCH_QUEUE:
        return send_queued(watcher);
    case WATCH_LIVE:
        return send_live(watcher);
    default:
        return 1;
    }
}

int watch_writable(struct watcher *watcher) {
    int status = 0;
    for (int i = 0; i < BURST && status == 0; i++) {
        if (watcher->mode == WATCH_ENDING) {
            lws_close_reason(watcher->wsi, (enum lws_close_status)watcher->close_code, NULL, 0);
            return -1;
        }
        if (lws_send_pipe_choked(watcher->wsi)) {
            lws_callback_on_writable(watcher->wsi);
            return 0;
        }
        status = send_one(watcher);
    }
    if (status == 0)
        lws_callback_on_writable(watcher->wsi);
    return status < 0 ? -1 : 0;
}
