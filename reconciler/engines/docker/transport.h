/*
 * What the transport side of the Docker engine shares among its own files: finding the engine,
 * requests with other bodies than JSON, bookkeeping of requests under way, running a command in a
 * container, and the two stream formats of the Engine API. The rest of the engine needs internal.h
 * only.
 */
#ifndef TSE_ENGINES_DOCKER_TRANSPORT_H
#define TSE_ENGINES_DOCKER_TRANSPORT_H

#include "engines/docker/internal.h"

/* 1.54, of Docker Engine 29: the newest API this program knows. What changed from 1.52 on leaves
 * its requests as they are: images and containers leave out fields that are not set, and of
 * NetworkSettings those that are not of a network; neither is read. */
#define DOCKER_NEWEST_MINOR 54
#define DOCKER_OLDEST_MINOR 41 /* 1.41, Docker Engine 20.10 */

/* --- host.c: where the engine is ---------------------------------------------------------------
 */
/* Fills endpoint, local, host, config_dir and config of a zeroed engine from the options, the
 * process environment and the docker client's files. */
int docker_find_host(struct docker_engine *engine, const struct docker_options *options,
                     struct error *error);
/* "unix:///var/run/docker.sock", "tcp://10.0.0.5:2376": malloc'd. */
char *docker_address(const struct docker_engine *engine);
/* Points the endpoint at `host` ("unix://…", "tcp://…", "http://…", "https://…"); `origin` says in
 * errors where it was declared. */
int docker_set_host(struct docker_engine *engine, const char *host, const char *origin, bool tls,
                    struct error *error);

/* --- context.c: the docker client's context store ------------------------------------------------
 */
/* Fills the endpoint from context `name` in CONFIG_DIR/contexts. */
int docker_use_context(struct docker_engine *engine, const char *name, struct error *error);

/* --- connect.c -----------------------------------------------------------------------------------
 */
/* Chooses the API version from the engine's newest ("1.41", header Api-Version) and `wanted`
 * (DOCKER_API_VERSION, or NULL). Returns the minor version, or -1 and the error. */
int docker_negotiate(const char *offered, const char *wanted, struct error *error);

/* --- config.c ------------------------------------------------------------------------------------
 */
/* Reads a JSON file of at most 1 MiB. 0 with *result NULL when there is no such file. */
int docker_read_json(const char *path, json_t **result, struct error *error);

/* An image's parts. `repository` still names the registry; `tag` is a tag or a digest, "latest"
 * when the reference names neither. */
struct docker_image {
    const char *registry; /* "docker.io", "ghcr.io", "localhost:5000" */
    const char *repository;
    const char *tag;
};
struct docker_image docker_image_parse(struct arena *arena, const char *reference);

/* --- credential_helper.c -------------------------------------------------------------------------
 */
/* Asks `docker-credential-HELPER get` for the credentials of `server`, at most `timeout_ms` long.
 * A new reference to its JSON object ({"Username", "Secret", …}), or NULL when it has none or
 * fails. */
json_t *docker_credential_get(const char *helper, const char *server, long timeout_ms);

/* --- transport.c ---------------------------------------------------------------------------------
 */
/* Queues a request; endpoint and prefix are filled in, `path` is without it. The error a response
 * stands for is made by docker_error(). */
struct http_transfer *docker_send_request(struct docker_engine *engine,
                                          const struct http_request *request, http_done *done,
                                          void *context);
/* The engine's own message in a response that is not 2xx, one line, bounded; malloc'd, maybe empty.
 */
char *docker_message(const struct http_response *response);
/* Makes untrusted text fit for a message: control characters become spaces, runs of spaces one, at
 * most `limit` bytes are kept. malloc'd. */
char *docker_clean(const char *text, size_t size, size_t limit);
/* Whether `text` contains `part`, case ignored. */
bool docker_says(const char *text, const char *part);

/*
 * A request under way, the first member of the struct that remembers what it is for. The engine
 * knows all of them: a client that is freed while requests are under way never calls back, and
 * what they hold is freed with the engine.
 */
struct docker_call {
    struct docker_engine *engine;
    void (*release)(struct docker_call *call); /* frees what the call owns, not the call itself */
    struct docker_call *prev, *next;
};
/* A zeroed call of `size` bytes, entered into the engine's list. */
void *docker_call_new(struct docker_engine *engine, size_t size,
                      void (*release)(struct docker_call *call));
void docker_call_free(struct docker_call *call); /* takes it off the list, releases and frees it */

/* --- archive.c -----------------------------------------------------------------------------------
 */
/* The directories below which a service's files (or the one with that target) are uploaded, each by
 * a request of its own: "/", or for a read-only service the volumes they are in. In `arena`. */
size_t docker_upload_places(struct arena *arena, const struct service *service, const char *target,
                            const char ***places);
/* A tar (POSIX ustar with pax headers where needed) of a service's files that go below `place`, or
 * of the one with that target, with names relative to it; malloc'd. */
char *docker_archive_at(const struct service *service, const char *target, const char *place,
                        size_t *size);

/* --- exec.c: a command in a running container ----------------------------------------------------
 */
enum docker_exec_outcome {
    EXEC_EXITED,
    EXEC_TIMED_OUT,     /* it goes on running in the container: the API has no way to end it */
    EXEC_STILL_RUNNING, /* one that timed out before still runs; no second was started */
    EXEC_FAILED         /* the engine refused; `output` says why */
};
/* `output`: the last line it printed that is not blank, cleaned and bounded; never NULL. */
typedef void docker_exec_done(void *context, enum docker_exec_outcome outcome, int exit_code,
                              const char *output);
/* Runs `arguments` (array of strings, reference is kept) in container `id`. */
void docker_exec(struct docker_engine *engine, const char *id, json_t *arguments, long timeout_ms,
                 docker_exec_done *done, void *context);
void docker_exec_forget(struct docker_engine *engine); /* frees what exec.c keeps in the engine */

/* --- frames.c: the multiplexed output of containers ----------------------------------------------
 * https://docs.docker.com/reference/api/engine/ "Stream format": frames of an 8-byte header
 * {stream, 0, 0, 0, big-endian size} and that many bytes.
 */
typedef void docker_frame_sink(void *context, const char *data, size_t size);
struct docker_frames {
    docker_frame_sink *sink;
    void *context;
    unsigned char header[8];
    size_t header_size;
    size_t remaining; /* bytes of the current frame still to come */
    bool raw;         /* the first bytes were not a header: not multiplexed (a terminal's output) */
    bool started;
};
/* Feeds the next piece, cut anywhere; what frames hold goes to the sink. */
void docker_frames_feed(struct docker_frames *frames, const char *data, size_t size);
/* At the end of the stream: hands over what waited for the rest of a header that never came. */
void docker_frames_finish(struct docker_frames *frames);

/* The last line that is not blank of a text arriving in pieces. */
#define DOCKER_LINE_LIMIT 256
struct docker_last_line {
    char line[DOCKER_LINE_LIMIT + 1], last[DOCKER_LINE_LIMIT + 1];
    size_t length;
};
void docker_last_line_feed(struct docker_last_line *state, const char *data, size_t size);
const char *docker_last_line_text(struct docker_last_line *state);

/* --- pull_stream.c: the progress stream of POST /images/create -----------------------------------
 */
struct docker_pull_layer;
struct docker_pull_stream {
    char *line; /* what has arrived of the current line */
    size_t length, capacity;
    bool skipping; /* the current line is longer than any the engine sends: ignored */
    struct docker_pull_layer *layers;
    size_t layer_count;
    long long current, total; /* bytes, over all layers known so far */
    char *failure;            /* errorDetail.message of the first error, or NULL */
};
/* Feeds the next piece, cut anywhere. */
void docker_pull_feed(struct docker_pull_stream *stream, const char *data, size_t size);
void docker_pull_finish(struct docker_pull_stream *stream); /* a last line without a newline */
void docker_pull_clear(struct docker_pull_stream *stream);

/* pull.c: the error a failed pull's message stands for; status is the HTTP status or 200. */
int docker_pull_error(const char *image, long status, const char *message, struct error *error);

#endif
