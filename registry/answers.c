/*
 * Reads, answered from the cache. While Redis is away, or the cache is not yet as its stream says,
 * answers carry the header "Warning: 110" and the member "stale": true.
 */
#include "base/memory.h"
#include "registry/handlers.h"
#include "registry/sync.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STALE_HEADER  "Warning: 110 tse-registry \"the answer is stale: redis does not answer\"\r\n"
#define STALE_MEMBER  ", \"stale\": true"
#define DEFAULT_LIMIT 100

/* The text of registry/openapi.json, built into the program. */
__asm__(".section .rodata\n"
        "openapi_begin:\n"
        ".incbin \"registry/openapi.json\"\n"
        "openapi_end:\n"
        ".balign 8\n"
        "openapi_size: .quad openapi_end - openapi_begin\n"
        ".previous\n");
extern const char openapi_begin[];
extern const uint64_t openapi_size;

/* An answer as it is written: a growing text. */
struct text {
    FILE *out;
    char *bytes;
    size_t size;
};

static void text_open(struct text *text) {
    text->bytes = NULL;
    text->out = open_memstream(&text->bytes, &text->size);
    if (!text->out)
        abort();
}

/* Ends the object that was written, marked when it is stale, and answers with it. */
static void text_answer(struct text *text, struct request *request, const char *headers) {
    char all[256];
    bool stale = !server_is_fresh(request->server);
    fputs(stale ? STALE_MEMBER "}" : "}", text->out);
    fclose(text->out);
    snprintf(all, sizeof all, "%s%s", headers, stale ? STALE_HEADER : "");
    request_answer(request, 200, JSON_TYPE, all, text->bytes, text->size);
    free(text->bytes);
}

static void answer_absent(struct request *request, const char *what) {
    struct problem problem;
    if (!sync_was_live(request->server)) {
        request_unavailable(request, "redis", "nothing is known yet");
        return;
    }
    problem_set(&problem, 404, "not_found", NULL, "there is no such %s", what);
    request_problem(request, &problem);
}

/* --- Services -----------------------------------------------------------------------------------
 */

static void write_tags(FILE *out, const struct cache_service *service) {
    const struct cache_entry *entry;
    const char *comma = "";
    const char *seen[64];
    size_t count = 0;
    for (entry = service->entries; entry; entry = entry->next) {
        for (const char *tag = entry->tags; *tag; tag += strlen(tag) + 1) {
            size_t i = 0;
            while (i < count && strcmp(seen[i], tag) != 0)
                i++;
            if (i < count || count == sizeof seen / sizeof *seen || !tag_is_valid(tag, strlen(tag)))
                continue; /* not every writer of Redis checks its tags */
            seen[count++] = tag;
            fprintf(out, "%s\"%s\"", comma, tag);
            comma = ", ";
        }
    }
}

/* Writes one service of the list when any of its instances matches; whether one does. */
static bool write_service(FILE *out, struct cache_service *service, const struct query *query,
                          const char *comma) {
    const struct cache_entry *entry;
    unsigned matching = 0;
    unsigned healthy = 0;
    for (entry = service->entries; entry; entry = entry->next) {
        if (!cache_entry_matches(entry, query->tag, query->health))
            continue;
        matching++;
        healthy += entry->health == HEALTH_HEALTHY;
    }
    if (matching == 0)
        return false;
    fprintf(out, "%s{\"name\": \"%s\", \"instances\": %u, \"healthy\": %u, \"tags\": [", comma,
            service->name, matching, healthy);
    write_tags(out, service);
    fputs("]}", out);
    return true;
}

void answer_services(struct request *request) {
    const struct query *query = &request->query;
    int64_t left = query->limit ? query->limit : DEFAULT_LIMIT;
    const char *last = "";
    bool more = false;
    struct text text;
    if (!sync_was_live(request->server)) {
        answer_absent(request, "service");
        return;
    }
    text_open(&text);
    fputs("{\"services\": [", text.out);
    struct cache_service *service = cache_sorted(&request->server->cache.instances);
    for (; service && !more; service = service->hh.next) {
        if (strcmp(service->name, query->after) <= 0)
            continue;
        if (left == 0)
            more = true;
        else if (write_service(text.out, service, query, *last ? ", " : "")) {
            last = service->name;
            left--;
        }
    }
    fprintf(text.out, more ? "], \"next\": \"%s\"" : "], \"next\": null", last);
    text_answer(&text, request, "");
}

static void write_entries(FILE *out, struct cache_service *service, const struct query *query) {
    const struct cache_entry *entry;
    const char *comma = "";
    for (entry = cache_sorted_entries(service); entry; entry = entry->next) {
        if (!cache_entry_matches(entry, query->tag, query->health))
            continue;
        fputs(comma, out);
        fwrite(entry->json, 1, entry->json_size, out);
        comma = ", ";
    }
}

/* What a service answers without a filter is kept until it changes. */
static void keep_answer(struct cache_service *service) {
    static const struct query all;
    struct text text;
    text_open(&text);
    fprintf(text.out, "{\"service\": \"%s\", \"instances\": [", service->name);
    write_entries(text.out, service, &all);
    fputs("]}", text.out);
    fclose(text.out);
    service->answer = text.bytes;
    service->answer_size = text.size;
}

void answer_service(struct request *request) {
    const struct query *query = &request->query;
    struct cache_service *service =
        cache_service(&request->server->cache.instances, request->route.service);
    if (!service) {
        answer_absent(request, "service: GET /services lists what there is");
        return;
    }
    if (!*query->tag && !*query->health && server_is_fresh(request->server)) {
        if (!service->answer)
            keep_answer(service);
        request_answer(request, 200, JSON_TYPE, "", service->answer, service->answer_size);
        return;
    }
    struct text text;
    text_open(&text);
    fprintf(text.out, "{\"service\": \"%s\", \"instances\": [", service->name);
    write_entries(text.out, service, query);
    fputs("]", text.out);
    text_answer(&text, request, "");
}

/* Answers with one entry's JSON, to which "stale" may be added. */
static void answer_entry(struct request *request, const struct cache_entry *entry,
                         const char *headers) {
    struct text text;
    text_open(&text);
    fwrite(entry->json, 1, entry->json_size - 1, text.out);
    text_answer(&text, request, headers);
}

void answer_instance(struct request *request) {
    const struct cache_entry *entry =
        cache_find(&request->server->cache.instances, request->route.service, request->route.name);
    if (entry)
        answer_entry(request, entry, "");
    else
        answer_absent(request, "instance: GET /services/SERVICE lists those of a service");
}

/* --- Configuration ------------------------------------------------------------------------------
 */

void answer_config(struct request *request) {
    static const struct query all;
    struct cache_service *service =
        cache_service(&request->server->cache.config, request->route.service);
    struct text text;
    if (!sync_was_live(request->server)) {
        answer_absent(request, "configuration");
        return;
    }
    text_open(&text);
    fprintf(text.out, "{\"service\": \"%s\", \"values\": [", request->route.service);
    if (service)
        write_entries(text.out, service, &all);
    fputs("]", text.out);
    text_answer(&text, request, "");
}

void answer_value(struct request *request) {
    char etag[64];
    if (request->query.version) {
        answer_version(request);
        return;
    }
    const struct cache_entry *entry =
        cache_find(&request->server->cache.config, request->route.service, request->route.name);
    if (!entry) {
        answer_absent(request, "value: GET /config/SERVICE lists those of a service");
        return;
    }
    snprintf(etag, sizeof etag, "ETag: \"%" PRId64 "\"\r\n", entry->version);
    answer_entry(request, entry, etag);
}

/* --- About the server ---------------------------------------------------------------------------
 */

void answer_openapi(struct request *request) {
    request_answer(request, 200, JSON_TYPE, "", openapi_begin, (size_t)openapi_size);
}

void answer_live(struct request *request) {
    static const char body[] = "{\"status\": \"ok\"}";
    request_answer(request, 200, JSON_TYPE, "", body, sizeof body - 1);
}

static void write_vitals(FILE *out, const char *name, const struct vitals *vitals) {
    fprintf(out, ", \"%s\": {\"status\": \"%s\", \"latencyMs\": ", name,
            vitals->ok ? "up" : "down");
    if (vitals->ok)
        fprintf(out, "%.3f}", vitals->latency_ms);
    else
        fputs("null}", out);
}

void answer_health(struct request *request) {
    const struct server *server = request->server;
    bool redis = server->redis_vitals.ok && sync_is_live(server);
    bool good = redis && server->postgres_vitals.ok;
    struct vitals redis_vitals = server->redis_vitals;
    struct text text;
    redis_vitals.ok = redis;
    text_open(&text);
    fprintf(text.out, "{\"status\": \"%s\"", good ? "ok" : "unavailable");
    write_vitals(text.out, "redis", &redis_vitals);
    write_vitals(text.out, "postgres", &server->postgres_vitals);
    fputs("}", text.out);
    fclose(text.out);
    request_answer(request, good ? 200 : 503, JSON_TYPE, good ? "" : "Retry-After: 1\r\n",
                   text.bytes, text.size);
    free(text.bytes);
}

void answer_metrics(struct request *request) {
    size_t size = 0;
    cleanup_free char *text = metrics_text(request->server, &size);
    request_answer(request, 200, "text/plain; version=0.0.4; charset=utf-8", "", text ? text : "",
                   text ? size : 0);
}

void answer_watch(struct request *request) {
    struct problem problem;
    problem_set(&problem, 426, "upgrade_required", NULL, "/watch is for WebSocket clients");
    request_problem(request, &problem);
}
