/* Keeping the cache as Redis is; see sync.h. */
#include "registry/sync.h"

#include "base/memory.h"
#include "registry/log.h"
#include "registry/scripts.h"
#include "registry/server.h"
#include "registry/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INSTANCE_PREFIX "registry:services:"
#define CONFIG_PREFIX   "registry:config:"
#define BLOCK_MS        1000

enum phase { PHASE_DOWN, PHASE_SCANNING, PHASE_LIVE };

struct sync {
    enum phase phase;
    bool was_live;
    bool covered;    /* the stream has everything since `position` */
    bool has_last;   /* the stream still has the event at `position` */
    unsigned hashes; /* configuration hashes yet to be answered */
    bool config_scanned;
    struct event_id position; /* the last event that watchers know */
    struct event_id scanned;  /* events up to here are in the cache by the scan */
    struct event_id now;      /* Redis' clock, as the id of an event that never was */
};

/* --- Events -------------------------------------------------------------------------------------
 */

static const struct {
    const char *type;
    bool is_config;
    bool removes;
} event_types[] = {{"registered", false, false},  {"updated", false, false},
                   {"deregistered", false, true}, {"expired", false, true},
                   {"config-set", true, false},   {"config-deleted", true, true}};

static bool find_type(struct stream_event *event) {
    for (size_t i = 0; i < sizeof event_types / sizeof *event_types; i++)
        if (strcmp(event->type, event_types[i].type) == 0) {
            event->is_config = event_types[i].is_config;
            event->removes = event_types[i].removes;
            return true;
        }
    return false;
}

int stream_event_read(const struct redisReply *entry, struct stream_event *event) {
    const redisReply *fields = reply_at(entry, 1);
    *event = (struct stream_event){.type = "", .service = "", .name = "", .data = ""};
    if (!event_id_parse(reply_text(reply_at(entry, 0)), &event->id))
        return -1;
    for (size_t i = 0; reply_at(fields, i + 1); i += 2) {
        const char *name = reply_text(reply_at(fields, i));
        const redisReply *value = reply_at(fields, i + 1);
        if (strcmp(name, "type") == 0)
            event->type = reply_text(value);
        else if (strcmp(name, "service") == 0)
            event->service = reply_text(value);
        else if (strcmp(name, "name") == 0)
            event->name = reply_text(value);
        else if (strcmp(name, "data") == 0) {
            event->data = reply_text(value);
            event->data_size = value->type == REDIS_REPLY_STRING ? (size_t)value->len : 0;
        }
    }
    bool named = name_is_valid(event->service, strlen(event->service)) &&
                 name_is_valid(event->name, strlen(event->name));
    bool whole = event->data_size > 0 && event->data[0] == '{';
    return named && whole && find_type(event) ? 0 : -1;
}

static void malformed(struct server *server, const char *what) {
    server->metrics.malformed++;
    log_line(LOG_WARNING, "malformed", "what=\"%.120s\"", what);
}

static void apply(struct server *server, const struct stream_event *event) {
    struct cache *cache = &server->cache;
    struct cache_half *half = event->is_config ? &cache->config : &cache->instances;
    if (event->removes)
        cache_remove(half, event->service, event->name);
    else if (cache_put(cache, half, event->service, event->name, event->data, event->data_size) < 0)
        malformed(server, event->name);
}

static void take_event(struct server *server, const redisReply *entry) {
    struct sync *sync = server->sync;
    struct stream_event event;
    int status = stream_event_read(entry, &event);
    if (event.id.ms)
        sync->position = event.id;
    if (status != 0) {
        malformed(server, "an entry of the stream");
        return;
    }
    const struct cache_half *half =
        event.is_config ? &server->cache.config : &server->cache.instances;
    server->metrics.events++;
    if (!cache_is_ahead(&server->cache, half, event.service, event.name, event.id) &&
        event_id_compare(event.id, sync->scanned) > 0)
        apply(server, &event);
    ring_add(&server->ring, message_new(event.id, event.is_config, event.type, event.service,
                                        event.name, event.data, event.data_size, false));
}

void sync_apply_own(struct server *server, const char *type, const char *service, const char *name,
                    const char *data, size_t size, const char *id) {
    struct stream_event event = {
        .type = type, .service = service, .name = name, .data = data, .data_size = size};
    /* A scan may have read what was before this change and answer later: then the stream alone
     * brings the change, after the scan. */
    if (server->sync->phase == PHASE_SCANNING)
        return;
    if (!event_id_parse(id, &event.id) || !find_type(&event) ||
        event_id_compare(event.id, server->sync->position) <= 0)
        return;
    apply(server, &event);
    cache_set_ahead(&server->cache,
                    event.is_config ? &server->cache.config : &server->cache.instances, service,
                    name, event.id);
}

/* --- Following the stream -----------------------------------------------------------------------
 */

static void read_stream(struct server *server);

static void stream_answered(void *data, redisReply *reply) {
    struct server *server = data;
    if (!reply)
        return;
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_reset(&server->stream, reply->str);
        return;
    }
    const redisReply *entries = reply_at(reply_at(reply, 0), 1);
    for (size_t i = 0; reply_at(entries, i); i++)
        take_event(server, reply_at(entries, i));
    if (reply_at(entries, 0))
        watch_wake(server);
    read_stream(server);
}

static void read_stream(struct server *server) {
    char id[EVENT_ID_SIZE];
    const char *words[] = {
        "XREAD", "BLOCK",   "1000",           "COUNT",
        "500",   "STREAMS", REDIS_EVENTS_KEY, event_id_format(id, server->sync->position)};
    redis_send_texts(&server->stream, BLOCK_MS, stream_answered, server,
                     (int)(sizeof words / sizeof *words), words);
}

static void scan_done(struct server *server) {
    struct sync *sync = server->sync;
    bool again = sync->was_live;
    cache_scan_end(&server->cache);
    sync->phase = PHASE_LIVE;
    sync->was_live = true;
    log_line(LOG_INFO, "synced", "instances=%u values=%u covered=%d",
             HASH_COUNT(server->cache.instances.entries), HASH_COUNT(server->cache.config.entries),
             sync->covered);
    if (!sync->covered) {
        cache_forget_ahead(&server->cache); /* those events may never come */
        sync->position = sync->scanned;
        ring_reset(&server->ring, sync->position);
        if (again)
            watch_reset(server);
    }
    read_stream(server);
}

/* --- Reading everything -------------------------------------------------------------------------
 */

/* A page of keys, kept until their values are there. */
struct page {
    struct server *server;
    size_t count;
    char **names;
    char cursor[32];
};

static void free_page(struct page *page) {
    for (size_t i = 0; i < page->count; i++)
        free(page->names[i]);
    free(page->names);
    free(page);
}

/* Splits "SERVICE:NAME"; false when one of them is no name. Changes the text. */
static bool split(char *text, char **name) {
    char *colon = strchr(text, ':');
    if (!colon)
        return false;
    *colon = '\0';
    *name = colon + 1;
    return name_is_valid(text, strlen(text)) && name_is_valid(*name, strlen(*name));
}

static void take_instance(struct server *server, char *key, const redisReply *value) {
    char *name = NULL;
    struct cache *cache = &server->cache;
    if (value->type != REDIS_REPLY_STRING)
        return; /* gone since the scan named it, or no string */
    char *member = key + strlen(INSTANCE_PREFIX);
    if (!split(member, &name) ||
        cache_put(cache, &cache->instances, member, name, value->str, (size_t)value->len) < 0)
        malformed(server, key);
}

static void scan_instances(struct server *server, const char *cursor);
static void scan_config(struct server *server, const char *cursor);

static void instances_answered(void *data, redisReply *reply) {
    struct page *page = data;
    struct server *server = page->server;
    bool good = reply && reply->type == REDIS_REPLY_ARRAY && reply->elements == page->count;
    char cursor[32];
    memcpy(cursor, page->cursor, sizeof cursor);
    for (size_t i = 0; good && i < page->count; i++)
        take_instance(server, page->names[i], reply->element[i]);
    free_page(page);
    if (!reply)
        return;
    if (!good)
        redis_reset(&server->stream, "instances cannot be read");
    else if (strcmp(cursor, "0") != 0)
        scan_instances(server, cursor);
    else
        scan_config(server, "0");
}

/* Copies the keys of a SCAN's answer. */
static struct page *new_page(struct server *server, const redisReply *reply) {
    const redisReply *keys = reply_at(reply, 1);
    struct page *page = memory_alloc(sizeof *page);
    page->server = server;
    snprintf(page->cursor, sizeof page->cursor, "%s", reply_text(reply_at(reply, 0)));
    page->count = keys && keys->type == REDIS_REPLY_ARRAY ? keys->elements : 0;
    page->names = memory_alloc((page->count + 1) * sizeof *page->names);
    for (size_t i = 0; i < page->count; i++)
        page->names[i] = copy_text(reply_text(reply_at(keys, i)));
    return page;
}

static void get_instances(struct server *server, struct page *page) {
    const char **words = memory_alloc((page->count + 1) * sizeof *words);
    words[0] = "MGET";
    for (size_t i = 0; i < page->count; i++)
        words[i + 1] = page->names[i];
    redis_send_texts(&server->stream, 0, instances_answered, page, (int)page->count + 1, words);
    free(words);
}

static bool scan_failed(struct server *server, const redisReply *reply) {
    if (reply && reply->type == REDIS_REPLY_ERROR)
        redis_reset(&server->stream, reply->str);
    return !reply || reply->type != REDIS_REPLY_ARRAY;
}

static void instance_keys_answered(void *data, redisReply *reply) {
    struct server *server = data;
    if (scan_failed(server, reply))
        return;
    struct page *page = new_page(server, reply);
    if (page->count > 0) {
        get_instances(server, page);
        return;
    }
    char cursor[32];
    memcpy(cursor, page->cursor, sizeof cursor);
    free_page(page);
    if (strcmp(cursor, "0") != 0)
        scan_instances(server, cursor);
    else
        scan_config(server, "0");
}

static void scan_instances(struct server *server, const char *cursor) {
    static const char pattern[] = INSTANCE_PREFIX "*";
    redis_command(&server->stream, instance_keys_answered, server, "SCAN", cursor, "MATCH", pattern,
                  "COUNT", "500", "TYPE", "string");
}

/* One configuration hash's owner. */
struct hash {
    struct server *server;
    char service[NAME_SIZE];
};

static void take_hash(struct server *server, const char *service, const redisReply *reply) {
    struct cache *cache = &server->cache;
    for (size_t i = 0; reply_at(reply, i + 1); i += 2) {
        const char *key = reply_text(reply_at(reply, i));
        const redisReply *value = reply_at(reply, i + 1);
        if (value->type != REDIS_REPLY_STRING || !name_is_valid(key, strlen(key)) ||
            cache_put(cache, &cache->config, service, key, value->str, (size_t)value->len) < 0)
            malformed(server, key);
    }
}

static void check_config_done(struct server *server) {
    if (server->sync->config_scanned && server->sync->hashes == 0)
        scan_done(server);
}

static void hash_answered(void *data, redisReply *reply) {
    struct hash *hash = data;
    struct server *server = hash->server;
    if (reply)
        take_hash(server, hash->service, reply);
    free(hash);
    if (!reply)
        return;
    server->sync->hashes--;
    check_config_done(server);
}

static void config_keys_answered(void *data, redisReply *reply) {
    struct server *server = data;
    if (scan_failed(server, reply))
        return;
    struct page *page = new_page(server, reply);
    for (size_t i = 0; i < page->count; i++) {
        const char *service = page->names[i] + strlen(CONFIG_PREFIX);
        if (!name_is_valid(service, strlen(service)))
            continue;
        struct hash *hash = memory_alloc(sizeof *hash);
        hash->server = server;
        snprintf(hash->service, sizeof hash->service, "%s", service);
        server->sync->hashes++;
        redis_command(&server->stream, hash_answered, hash, "HGETALL", page->names[i]);
    }
    if (strcmp(page->cursor, "0") != 0)
        scan_config(server, page->cursor);
    else
        server->sync->config_scanned = true;
    free_page(page);
    check_config_done(server);
}

static void scan_config(struct server *server, const char *cursor) {
    static const char pattern[] = CONFIG_PREFIX "*";
    redis_command(&server->stream, config_keys_answered, server, "SCAN", cursor, "MATCH", pattern,
                  "COUNT", "100", "TYPE", "hash");
}

/* --- Beginning ----------------------------------------------------------------------------------
 */

static struct event_id id_of_first(const redisReply *entries) {
    struct event_id id = {0, 0};
    event_id_parse(reply_text(reply_at(reply_at(entries, 0), 0)), &id);
    return id;
}

static void time_answered(void *data, redisReply *reply) {
    struct server *server = data;
    int64_t seconds = 0;
    int64_t micros = 0;
    if (scan_failed(server, reply))
        return;
    if (!number_parse(reply_text(reply_at(reply, 0)), 1, INT64_MAX / 1000 - 1, &seconds) ||
        !number_parse(reply_text(reply_at(reply, 1)), 0, 999999, &micros)) {
        redis_reset(&server->stream, "TIME makes no sense");
        return;
    }
    /* Before every event that is yet to come, after every one that was. */
    server->sync->now = (struct event_id){(uint64_t)(seconds * 1000 + micros / 1000 - 1), 0};
}

static void last_answered(void *data, redisReply *reply) {
    struct server *server = data;
    if (!scan_failed(server, reply))
        server->sync->has_last = reply_at(reply, 0) != NULL;
}

static void newest_answered(void *data, redisReply *reply) {
    struct server *server = data;
    struct sync *sync = server->sync;
    if (scan_failed(server, reply))
        return;
    /* An empty stream says nothing of what it held before: its events begin now. */
    sync->scanned = reply_at(reply, 0) ? id_of_first(reply) : sync->now;
    sync->covered = sync->was_live && sync->has_last;
    sync->phase = PHASE_SCANNING;
    sync->hashes = 0;
    sync->config_scanned = false;
    cache_scan_begin(&server->cache);
    scan_instances(server, "0");
}

static void up(void *data) {
    struct server *server = data;
    char last[EVENT_ID_SIZE];
    event_id_format(last, server->sync->position);
    redis_command(&server->stream, time_answered, server, "TIME");
    redis_command(&server->stream, last_answered, server, "XRANGE", REDIS_EVENTS_KEY, last, last);
    redis_command(&server->stream, newest_answered, server, "XREVRANGE", REDIS_EVENTS_KEY, "+", "-",
                  "COUNT", "1");
}

static void down(void *data) {
    struct server *server = data;
    server->sync->phase = PHASE_DOWN;
}

void sync_start(struct server *server) {
    server->sync = memory_alloc(sizeof *server->sync);
    redis_start(&server->stream, &server->loop, &server->options, "redis-stream", up, down, server);
}

void sync_stop(struct server *server) {
    redis_stop(&server->stream);
    free(server->sync);
    server->sync = NULL;
}

bool sync_is_live(const struct server *server) {
    return server->sync->phase == PHASE_LIVE;
}

bool sync_was_live(const struct server *server) {
    return server->sync->was_live;
}

struct event_id sync_position(const struct server *server) {
    return server->sync->position;
}
