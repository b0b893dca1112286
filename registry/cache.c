/* What the registry knows, in memory; see cache.h. */
#include "registry/cache.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#define KEY_SIZE (2 * NAME_SIZE)

/* Something that is newer in the cache than in the stream. */
struct cache_ahead {
    UT_hash_handle hh;
    struct event_id id;
    char key[KEY_SIZE + 2];
};

void cache_init(struct cache *cache) {
    memset(cache, 0, sizeof *cache);
    cache->config.is_config = true;
}

static void make_key(char key[KEY_SIZE], const char *service, const char *name) {
    snprintf(key, KEY_SIZE, "%s:%s", service, name);
}

static void changed(struct cache_service *service) {
    free(service->answer);
    service->answer = NULL;
}

static struct cache_service *service_for(struct cache_half *half, const char *name) {
    struct cache_service *service = cache_service(half, name);
    if (service)
        return service;
    service = memory_alloc(sizeof *service);
    snprintf(service->name, sizeof service->name, "%s", name);
    HASH_ADD_STR(half->services, name, service);
    half->sorted = false;
    return service;
}

static void remove_entry(struct cache_half *half, struct cache_entry *entry) {
    struct cache_service *service = entry->service;
    HASH_DEL(half->entries, entry);
    DL_DELETE(service->entries, entry);
    service->count--;
    changed(service);
    if (service->count == 0) {
        HASH_DEL(half->services, service);
        free(service);
    }
    free(entry);
}

static struct cache_entry *new_entry(const char *service, const char *name, const char *json,
                                     size_t size, const struct instance_facts *facts) {
    size_t service_size = strlen(service);
    size_t key_size = service_size + strlen(name) + 2;
    struct cache_entry *entry =
        memory_alloc(sizeof *entry + key_size + size + 1 + facts->tags_size);
    char *text = entry->key;
    snprintf(text, key_size, "%s:%s", service, name);
    entry->name = text + service_size + 1;
    entry->json = memcpy(text + key_size, json, size);
    entry->json_size = (uint32_t)size;
    entry->tags = memcpy(text + key_size + size + 1, facts->tags, facts->tags_size);
    entry->health = facts->health;
    return entry;
}

static void add_entry(struct cache_half *half, struct cache_entry *entry, const char *service) {
    entry->service = service_for(half, service);
    HASH_ADD_STR(half->entries, key, entry);
    DL_APPEND(entry->service->entries, entry);
    entry->service->count++;
    entry->service->sorted = false;
    changed(entry->service);
}

/* What has to be known of the JSON, by the half it belongs to. */
static int read_facts(const struct cache_half *half, const char *service, const char *name,
                      const char *json, size_t size, struct instance_facts *facts,
                      int64_t *version) {
    if (!half->is_config)
        return instance_facts(json, size, service, name, facts);
    *version = value_version(json, size);
    facts->tags = memory_alloc(1);
    facts->tags_size = 1;
    return *version > 0 ? 0 : -1;
}

int cache_put(struct cache *cache, struct cache_half *half, const char *service, const char *name,
              const char *json, size_t size) {
    struct instance_facts facts = {HEALTH_UNKNOWN, NULL, 0};
    int64_t version = 0;
    struct cache_entry *old = cache_find(half, service, name);
    if (old && old->json_size == size && memcmp(old->json, json, size) == 0) {
        old->generation = cache->generation;
        return 0;
    }
    int status = read_facts(half, service, name, json, size, &facts, &version);
    if (status == 0) {
        struct cache_entry *entry = new_entry(service, name, json, size, &facts);
        entry->version = version;
        entry->generation = cache->generation;
        add_entry(half, entry, service);
        if (old)
            remove_entry(half, old);
    }
    free(facts.tags);
    return status == 0 ? 1 : -1;
}

bool cache_remove(struct cache_half *half, const char *service, const char *name) {
    struct cache_entry *entry = cache_find(half, service, name);
    if (entry)
        remove_entry(half, entry);
    return entry != NULL;
}

struct cache_entry *cache_find(const struct cache_half *half, const char *service,
                               const char *name) {
    char key[KEY_SIZE];
    struct cache_entry *entry = NULL;
    make_key(key, service, name);
    HASH_FIND_STR(half->entries, key, entry);
    return entry;
}

struct cache_service *cache_service(const struct cache_half *half, const char *service) {
    struct cache_service *found = NULL;
    HASH_FIND_STR(half->services, service, found);
    return found;
}

static int by_service_name(const struct cache_service *a, const struct cache_service *b) {
    return strcmp(a->name, b->name);
}

static int by_entry_name(const struct cache_entry *a, const struct cache_entry *b) {
    return strcmp(a->name, b->name);
}

struct cache_service *cache_sorted(struct cache_half *half) {
    if (!half->sorted)
        HASH_SORT(half->services, by_service_name);
    half->sorted = true;
    return half->services;
}

struct cache_entry *cache_sorted_entries(struct cache_service *service) {
    if (!service->sorted)
        DL_SORT(service->entries, by_entry_name);
    service->sorted = true;
    return service->entries;
}

void cache_scan_begin(struct cache *cache) {
    cache->generation++;
}

static void sweep(struct cache_half *half, uint32_t generation) {
    struct cache_entry *entry = half->entries;
    while (entry) {
        struct cache_entry *next = entry->hh.next;
        if (entry->generation != generation)
            remove_entry(half, entry);
        entry = next;
    }
}

void cache_forget_ahead(struct cache *cache) {
    struct cache_ahead *ahead = cache->ahead;
    HASH_CLEAR(hh, cache->ahead);
    while (ahead) {
        struct cache_ahead *next = ahead->hh.next;
        free(ahead);
        ahead = next;
    }
}

void cache_scan_end(struct cache *cache) {
    sweep(&cache->instances, cache->generation);
    sweep(&cache->config, cache->generation);
}

void cache_clear(struct cache *cache) {
    cache->generation++;
    cache_scan_end(cache);
    cache_forget_ahead(cache);
}

static struct cache_ahead *find_ahead(struct cache *cache, const struct cache_half *half,
                                      const char *service, const char *name, char *key) {
    struct cache_ahead *ahead = NULL;
    snprintf(key, KEY_SIZE + 2, "%c:%s:%s", half->is_config ? 'c' : 's', service, name);
    HASH_FIND_STR(cache->ahead, key, ahead);
    return ahead;
}

void cache_set_ahead(struct cache *cache, const struct cache_half *half, const char *service,
                     const char *name, struct event_id id) {
    char key[KEY_SIZE + 2];
    struct cache_ahead *ahead = find_ahead(cache, half, service, name, key);
    if (!ahead) {
        ahead = memory_alloc(sizeof *ahead);
        memcpy(ahead->key, key, sizeof ahead->key);
        HASH_ADD_STR(cache->ahead, key, ahead);
    }
    if (event_id_compare(id, ahead->id) > 0)
        ahead->id = id;
}

bool cache_is_ahead(struct cache *cache, const struct cache_half *half, const char *service,
                    const char *name, struct event_id id) {
    char key[KEY_SIZE + 2];
    struct cache_ahead *ahead = find_ahead(cache, half, service, name, key);
    if (!ahead)
        return false;
    int order = event_id_compare(id, ahead->id);
    if (order >= 0) {
        HASH_DEL(cache->ahead, ahead);
        free(ahead);
    }
    return order <= 0;
}

static bool has_tag(const struct cache_entry *entry, const char *tag) {
    for (const char *have = entry->tags; *have; have += strlen(have) + 1)
        if (strcmp(have, tag) == 0)
            return true;
    return false;
}

bool cache_entry_matches(const struct cache_entry *entry, const char *tag, const char *health) {
    return (!*tag || has_tag(entry, tag)) &&
           (!*health || strcmp(health, health_name(entry->health)) == 0);
}
