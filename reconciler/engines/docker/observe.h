/*
 * What the files that ask the engine share: a queue of requests of which at most 16 are under way,
 * so that a large environment is observed fast and in little memory. One failure stops all.
 */
#ifndef TSE_ENGINES_DOCKER_OBSERVE_H
#define TSE_ENGINES_DOCKER_OBSERVE_H

#include "base/error.h"
#include "engines/docker/inspect.h"
#include "engines/docker/transport.h"

struct docker_observation;
struct docker_query;

/* The answer, whatever it is. Returns 0, or -1 with the error, which ends the observation. */
typedef int docker_answer(struct docker_observation *observation, struct docker_query *query,
                          const struct http_response *response, struct error *error);

struct docker_query {
    struct docker_observation *observation;
    docker_answer *answer;
    char *path;                         /* owned */
    const char *const *headers;         /* or NULL */
    char *header;                       /* owned: what headers point to */
    bool head;                          /* HEAD instead of GET */
    size_t max_body;                    /* 0: the client's default */
    long timeout_ms;                    /* 0: QUERY_TIMEOUT_MS */
    char *name;                         /* owned: for the answer: an id or a reference */
    struct docker_file_check *check;    /* of a file */
    size_t resource;                    /* of an image at a registry: index in view.resources */
    struct docker_array_reader *reader; /* owned: of a list, fed as it arrives */
    struct http_transfer *transfer;     /* while it is under way */
    struct docker_query *prev, *next;
};

struct docker_observation {
    struct docker_engine *engine;
    struct docker_view view;
    struct docker_query *waiting, *running;
    int running_count;
    bool failed;
    struct error *error;
    struct container_entry *containers; /* of ours, as the list told of them */
};

/* --- observe_queue.c -----------------------------------------------------------------------------
 */
#define QUERY_TIMEOUT_MS 30000
/* Queues GET `path` (malloc'd, owned); the caller sets what else it needs before the next run. */
struct docker_query *docker_ask(struct docker_observation *observation, char *path,
                                docker_answer *answer);
/* Sends and answers until nothing is left. Returns 0, or -1 with observation->error set. */
int docker_ask_all(struct docker_observation *observation);
/* Reads a 200 answer as JSON. A new reference, or NULL and the error. */
json_t *docker_answer_json(struct docker_observation *observation,
                           const struct http_response *response, const char *what,
                           struct error *error);

/* --- observe_files.c -----------------------------------------------------------------------------
 */
/* Queues the requests of all checks made so far that have no answer yet. */
void docker_ask_files(struct docker_observation *observation, struct docker_file_check *until);

#endif
