/*
 * The two stream formats of the Engine API, fed in pieces whose sizes the input chooses too: what
 * an engine (or something in its place) sends must neither crash nor grow without bound, and where
 * the pieces are cut must not matter.
 */
#include "base/memory.h"
#include "engines/docker/transport.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static void check(int holds) {
    if (!holds)
        abort();
}

/* The size of the piece at `offset`; `cuts` 0: all at once. */
static size_t piece(size_t offset, size_t size, unsigned cuts) {
    size_t length = cuts ? 1 + (offset * 7 + cuts) % cuts : size;
    return length < size - offset ? length : size - offset;
}

static void pull(struct docker_pull_stream *stream, const char *data, size_t size, unsigned cuts) {
    for (size_t at = 0; at < size; at += piece(at, size, cuts))
        docker_pull_feed(stream, data + at, piece(at, size, cuts));
    docker_pull_finish(stream);
    check(stream->current >= 0 && stream->current <= stream->total);
    check(stream->capacity <= 4 * 65536);
    check(!stream->failure || strlen(stream->failure) <= 1000);
}

struct collected {
    char *data;
    size_t size;
    struct docker_last_line last;
};

static void collect(void *context, const char *data, size_t size) {
    struct collected *collected = context;
    collected->data = memory_resize(collected->data, collected->size + size + 1);
    memcpy(collected->data + collected->size, data, size);
    collected->size += size;
    docker_last_line_feed(&collected->last, data, size);
}

static void frames(struct collected *collected, const char *data, size_t size, unsigned cuts) {
    struct docker_frames state = {.sink = collect, .context = collected};
    for (size_t at = 0; at < size; at += piece(at, size, cuts))
        docker_frames_feed(&state, data + at, piece(at, size, cuts));
    docker_frames_finish(&state);
    check(collected->size <= size);
}

int LLVMFuzzerTestOneInput(const uint8_t *input, size_t size) {
    if (size < 1)
        return 0;
    unsigned cuts = input[0];
    const char *data = (const char *)input + 1;
    size--;
    struct docker_pull_stream whole = {0}, pieces = {0};
    pull(&whole, data, size, 0);
    pull(&pieces, data, size, cuts);
    check(whole.current == pieces.current && whole.total == pieces.total);
    check(!whole.failure == !pieces.failure);
    check(!whole.failure || strcmp(whole.failure, pieces.failure) == 0);
    docker_pull_clear(&whole);
    docker_pull_clear(&pieces);
    struct collected at_once = {0}, in_pieces = {0};
    frames(&at_once, data, size, 0);
    frames(&in_pieces, data, size, cuts);
    check(at_once.size == in_pieces.size);
    check(!at_once.size || memcmp(at_once.data, in_pieces.data, at_once.size) == 0);
    check(strcmp(docker_last_line_text(&at_once.last), docker_last_line_text(&in_pieces.last)) ==
          0);
    free(at_once.data);
    free(in_pieces.data);
    return 0;
}
