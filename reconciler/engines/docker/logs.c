/* The last lines a container printed, for the message that says why it failed. */
#include "engines/docker/transport.h"

#include <stdlib.h>
#include <string.h>
#include <utstring.h>

#define LOGS_TIMEOUT_MS 10000
#define LAST_WORDS_MS   2000 /* when time is up: what failed is worth a moment more */
#define LOGS_LIMIT      (1 << 20)

struct reading {
    UT_string text;
    struct docker_frames frames;
    bool finished, ok;
};

/* Keeps lines and tabs; other control characters would let a container's output act on the
 * terminal it is shown on. */
static void append(void *context, const char *data, size_t size) {
    struct reading *reading = context;
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)data[i];
        bool shown = (byte >= ' ' && byte != 127) || byte == '\n' || byte == '\t';
        if (shown)
            utstring_bincpy(&reading->text, data + i, 1);
    }
}

static bool feed(void *context, const char *data, size_t size) {
    struct reading *reading = context;
    docker_frames_feed(&reading->frames, data, size);
    return utstring_len(&reading->text) < LOGS_LIMIT;
}

static void done(void *context, const struct http_response *response) {
    struct reading *reading = context;
    docker_frames_finish(&reading->frames);
    reading->finished = true;
    /* What came before a cut or the limit is worth showing too. */
    reading->ok = response->status == 200;
}

char *docker_last_logs(struct engine *base, const char *target, int lines) {
    struct reading reading = {.frames = {.sink = append, .context = &reading}};
    utstring_init(&reading.text);
    cleanup_free char *id = docker_encode(target);
    cleanup_free char *path =
        format_text("/containers/%s/logs?stdout=1&stderr=1&tail=%d", id, lines > 0 ? lines : 1);
    struct http_request request = {.method = "GET",
                                   .path = path,
                                   .sink = feed,
                                   .sink_context = &reading,
                                   .timeout_ms =
                                       engine_is_over(base) ? LAST_WORDS_MS : LOGS_TIMEOUT_MS};
    struct http_transfer *transfer = docker_send_request(docker_of(base), &request, done, &reading);
    while (!reading.finished && !engine_is_interrupted(base))
        http_run(base->client, ENGINE_WAIT_MS);
    if (!reading.finished)
        http_cancel(base->client, transfer);
    char *text = reading.ok ? copy_text(utstring_body(&reading.text)) : NULL;
    utstring_done(&reading.text);
    return text;
}
