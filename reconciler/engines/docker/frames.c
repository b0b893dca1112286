/*
 * The multiplexed output of containers (logs, exec): takes the frames apart as they arrive, cut at
 * any byte. A container with a terminal sends no frames; its first bytes are then no frame header
 * and all of it is passed on as it is. Pure.
 */
#include "engines/docker/transport.h"

#include <string.h>

/* {stream type 0 to 2 (3: the engine's own errors), 0, 0, 0, size}. Output of a terminal that
 * starts with three NUL bytes does not occur. */
static bool is_header(const unsigned char *header) {
    return header[0] <= 3 && header[1] == 0 && header[2] == 0 && header[3] == 0;
}

static void take_header(struct docker_frames *frames) {
    const unsigned char *header = frames->header;
    frames->header_size = 0;
    if (!frames->started && !is_header(header)) {
        frames->raw = true;
        frames->sink(frames->context, (const char *)header, sizeof frames->header);
    } else {
        frames->remaining = (size_t)header[4] << 24 | (size_t)header[5] << 16 |
                            (size_t)header[6] << 8 | (size_t)header[7];
    }
    frames->started = true;
}

void docker_frames_feed(struct docker_frames *frames, const char *data, size_t size) {
    while (size) {
        size_t piece = size;
        if (!frames->raw && !frames->remaining) {
            size_t missing = sizeof frames->header - frames->header_size;
            piece = size < missing ? size : missing;
            memcpy(frames->header + frames->header_size, data, piece);
            frames->header_size += piece;
            if (frames->header_size == sizeof frames->header)
                take_header(frames);
        } else {
            if (!frames->raw && piece > frames->remaining)
                piece = frames->remaining;
            frames->sink(frames->context, data, piece);
            if (!frames->raw)
                frames->remaining -= piece;
        }
        data += piece;
        size -= piece;
    }
}

void docker_frames_finish(struct docker_frames *frames) {
    /* Less than a header in all: a terminal that printed a few bytes. */
    if (!frames->started && frames->header_size)
        frames->sink(frames->context, (const char *)frames->header, frames->header_size);
    frames->header_size = 0;
}

static void end_line(struct docker_last_line *state) {
    if (!state->length)
        return;
    cleanup_free char *clean = docker_clean(state->line, state->length, DOCKER_LINE_LIMIT);
    if (*clean)
        memcpy(state->last, clean, strlen(clean) + 1);
    state->length = 0;
}

void docker_last_line_feed(struct docker_last_line *state, const char *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (data[i] == '\n' || data[i] == '\r')
            end_line(state);
        else if (state->length < DOCKER_LINE_LIMIT)
            state->line[state->length++] = data[i];
    }
}

const char *docker_last_line_text(struct docker_last_line *state) {
    end_line(state);
    return state->last;
}
