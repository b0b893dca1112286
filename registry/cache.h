/*
 * What the registry knows, in memory: every instance and configuration value as its JSON text, with
 * what filtering needs beside it. All reads are answered from here; Redis stays the truth and tells
 * of changes by its stream (sync.c). Text is kept rather than parsed JSON because it is several
 * times smaller and is what answers consist of. A service's whole answer is kept until it changes.
 */
#ifndef REGISTRY_CACHE_H
#define REGISTRY_CACHE_H

#include "registry/instance.h"
#include "registry/names.h"

#include <stdbool.h>
#include <uthash.h>

struct cache_service;

/* An instance or a configuration value. */
struct cache_entry {
    UT_hash_handle hh; /* by `key` */
    struct cache_entry *prev, *next;
    struct cache_service *service;
    const char *name; /* in `key`: the instance's id or the configuration's key */
    const char *json;
    const char *tags; /* each with its NUL, then one more NUL; "" for configuration */
    int64_t version;  /* of a configuration value */
    uint32_t json_size;
    uint32_t generation; /* of the scan that saw it last */
    enum health health;
    char key[]; /* "SERVICE:NAME", then json, then tags */
};

/* A service with its instances, or with its configuration. */
struct cache_service {
    UT_hash_handle hh; /* by `name` */
    struct cache_entry *entries;
    char *answer; /* what GET answers without a filter, or NULL */
    size_t answer_size;
    unsigned count;
    bool sorted;
    char name[NAME_SIZE];
};

/* Instances, or configuration values: the two halves are alike. */
struct cache_half {
    struct cache_service *services;
    struct cache_entry *entries;
    bool sorted;
    bool is_config;
};

struct cache {
    struct cache_half instances;
    struct cache_half config;
    struct cache_ahead *ahead;
    uint32_t generation;
};

void cache_init(struct cache *cache);
void cache_clear(struct cache *cache);

/* Puts an entry in or replaces it. Returns 1 when something changed, 0 when it was the same, -1
 * when the JSON is not what docs/redis-keys.md describes (nothing is changed then). */
int cache_put(struct cache *cache, struct cache_half *half, const char *service, const char *name,
              const char *json, size_t size);

/* Removes an entry; whether there was one. */
bool cache_remove(struct cache_half *half, const char *service, const char *name);

/* NULL when there is none. Valid until the cache is changed. */
struct cache_entry *cache_find(const struct cache_half *half, const char *service,
                               const char *name);
struct cache_service *cache_service(const struct cache_half *half, const char *service);

/* The services, or a service's entries, ordered by name. */
struct cache_service *cache_sorted(struct cache_half *half);
struct cache_entry *cache_sorted_entries(struct cache_service *service);

/* Around a full reading of Redis: what no cache_put() since the begin has seen is removed. */
void cache_scan_begin(struct cache *cache);
void cache_scan_end(struct cache *cache);

/*
 * A change of our own is in the cache as soon as its script answers, before the stream tells of it.
 * Until the stream has come that far, older events about the same thing must not undo it.
 */

/* Notes that the cache has this thing as of event `id`. */
void cache_set_ahead(struct cache *cache, const struct cache_half *half, const char *service,
                     const char *name, struct event_id id);

/* Whether the event `id` about this thing is already in the cache. */
bool cache_is_ahead(struct cache *cache, const struct cache_half *half, const char *service,
                    const char *name, struct event_id id);

/* Forgets all such notes: the events may never come. */
void cache_forget_ahead(struct cache *cache);

/* Whether an entry has the tag ("" is any) and the health ("" is any). */
bool cache_entry_matches(const struct cache_entry *entry, const char *tag, const char *health);

#endif
