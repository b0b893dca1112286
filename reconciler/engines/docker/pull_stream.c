/*
 * The progress stream of a pull: JSON objects, one a line, about one layer each or about the whole,
 * and errors that come after the status 200 was sent (moby, pkg/jsonmessage). Lines may be cut
 * anywhere between pieces. What is kept is bounded whatever arrives. Pure.
 */
#include "engines/docker/transport.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define LINE_LIMIT  65536
#define LAYER_LIMIT 1024
#define ID_LIMIT    80
#define SIZE_LIMIT  (1LL << 50)

struct docker_pull_layer {
    char id[ID_LIMIT + 1];
    long long current, total;
    UT_hash_handle hh;
};

static struct docker_pull_layer *find_layer(struct docker_pull_stream *stream, const char *id) {
    size_t length = strlen(id);
    if (length == 0 || length > ID_LIMIT)
        return NULL;
    struct docker_pull_layer *layer = NULL;
    HASH_FIND(hh, stream->layers, id, length, layer);
    if (layer || stream->layer_count >= LAYER_LIMIT)
        return layer;
    layer = memory_alloc(sizeof *layer);
    memcpy(layer->id, id, length);
    HASH_ADD_KEYPTR(hh, stream->layers, layer->id, length, layer);
    stream->layer_count++;
    return layer;
}

static long long bytes(const json_t *detail, const char *name) {
    long long value = json_integer_value(json_object_get(detail, name));
    return value < 0 ? 0 : value > SIZE_LIMIT ? SIZE_LIMIT : value;
}

static void set_layer(struct docker_pull_stream *stream, struct docker_pull_layer *layer,
                      long long current, long long total) {
    if (current > total)
        current = total;
    stream->current += current - layer->current;
    stream->total += total - layer->total;
    layer->current = current;
    layer->total = total;
}

/* Bytes downloaded are what the user waits for; unpacking counts as done. */
static void take_layer(struct docker_pull_stream *stream, const char *id, const char *status,
                       const json_t *detail) {
    struct docker_pull_layer *layer = find_layer(stream, id);
    if (!layer)
        return;
    if (strcmp(status, "Downloading") == 0)
        set_layer(stream, layer, bytes(detail, "current"), bytes(detail, "total"));
    else if (strcmp(status, "Download complete") == 0 || strcmp(status, "Pull complete") == 0)
        set_layer(stream, layer, layer->total, layer->total);
}

static void take_failure(struct docker_pull_stream *stream, const json_t *message) {
    const json_t *detail = json_object_get(json_object_get(message, "errorDetail"), "message");
    if (!json_is_string(detail))
        detail = json_object_get(message, "error");
    bool failed = json_object_get(message, "errorDetail") || json_object_get(message, "error");
    if (!failed || stream->failure)
        return;
    stream->failure = json_is_string(detail) ? docker_clean(json_string_value(detail),
                                                            json_string_length(detail), 1000)
                                             : copy_text("an error without an explanation");
}

static void take_line(struct docker_pull_stream *stream) {
    json_auto_t *message = json_loadb(stream->line, stream->length, 0, NULL);
    if (!json_is_object(message))
        return;
    take_failure(stream, message);
    const char *status = json_string_value(json_object_get(message, "status"));
    const char *id = json_string_value(json_object_get(message, "id"));
    if (status && id)
        take_layer(stream, id, status, json_object_get(message, "progressDetail"));
}

static void end_line(struct docker_pull_stream *stream) {
    if (stream->length && !stream->skipping)
        take_line(stream);
    stream->length = 0;
    stream->skipping = false;
}

static void append(struct docker_pull_stream *stream, const char *data, size_t size) {
    if (stream->skipping || size == 0)
        return;
    if (stream->length + size > LINE_LIMIT) {
        stream->skipping = true;
        return;
    }
    if (stream->length + size > stream->capacity) {
        stream->capacity = 2 * (stream->length + size);
        stream->line = memory_resize(stream->line, stream->capacity);
    }
    memcpy(stream->line + stream->length, data, size);
    stream->length += size;
}

void docker_pull_feed(struct docker_pull_stream *stream, const char *data, size_t size) {
    while (size) {
        const char *newline = memchr(data, '\n', size);
        size_t piece = newline ? (size_t)(newline - data) : size;
        append(stream, data, piece);
        if (!newline)
            return;
        end_line(stream);
        data += piece + 1;
        size -= piece + 1;
    }
}

void docker_pull_finish(struct docker_pull_stream *stream) {
    end_line(stream);
}

void docker_pull_clear(struct docker_pull_stream *stream) {
    struct docker_pull_layer *layer = stream->layers;
    HASH_CLEAR(hh, stream->layers);
    while (layer) {
        struct docker_pull_layer *following =
            layer->hh.next; /* the table is gone, the list is not */
        free(layer);
        layer = following;
    }
    free(stream->line);
    free(stream->failure);
    *stream = (struct docker_pull_stream){0};
}
