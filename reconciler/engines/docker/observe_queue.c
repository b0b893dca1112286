/* The queue of requests of one observation; see observe.h. */
#include "engines/docker/observe.h"

#include <stdlib.h>
#include <utlist.h>

#define IN_FLIGHT 16

struct docker_query *docker_ask(struct docker_observation *observation, char *path,
                                docker_answer *answer) {
    struct docker_query *query = memory_alloc(sizeof *query);
    query->observation = observation;
    query->path = path;
    query->answer = answer;
    DL_APPEND(observation->waiting, query);
    return query;
}

static void query_free(struct docker_query *query) {
    if (query->reader)
        docker_array_clear(query->reader);
    free(query->reader);
    free(query->path);
    free(query->header);
    free(query->name);
    free(query);
}

static void on_answer(void *context, const struct http_response *response) {
    struct docker_query *query = context;
    struct docker_observation *observation = query->observation;
    DL_DELETE(observation->running, query);
    observation->running_count--;
    if (!observation->failed &&
        query->answer(observation, query, response, observation->error) != 0)
        observation->failed = true;
    query_free(query);
}

static void send(struct docker_observation *observation, struct docker_query *query) {
    struct http_request request = {
        .method = query->head ? "HEAD" : "GET",
        .path = query->path,
        .headers = query->headers,
        .head_only = query->head,
        .timeout_ms = docker_request_ms(observation->engine,
                                        query->timeout_ms ? query->timeout_ms : QUERY_TIMEOUT_MS),
        .max_body = query->max_body,
        .sink = query->reader ? docker_array_feed : NULL,
        .sink_context = query->reader};
    query->transfer = docker_send_request(observation->engine, &request, on_answer, query);
}

static void send_waiting(struct docker_observation *observation) {
    while (observation->waiting && observation->running_count < IN_FLIGHT) {
        struct docker_query *query = observation->waiting;
        DL_DELETE(observation->waiting, query);
        DL_APPEND(observation->running, query);
        observation->running_count++;
        send(observation, query);
    }
}

static void drop_all(struct docker_observation *observation) {
    struct docker_query *query, *next;
    DL_FOREACH_SAFE(observation->waiting, query, next) {
        DL_DELETE(observation->waiting, query);
        query_free(query);
    }
    DL_FOREACH_SAFE(observation->running, query, next) {
        DL_DELETE(observation->running, query);
        http_cancel(observation->engine->base.client, query->transfer);
        query_free(query);
    }
    observation->running_count = 0;
}

int docker_ask_all(struct docker_observation *observation) {
    while (!observation->failed && (observation->waiting || observation->running)) {
        send_waiting(observation);
        http_run(observation->engine->base.client, 1000);
    }
    drop_all(observation);
    return observation->failed ? -1 : 0;
}

json_t *docker_answer_json(struct docker_observation *observation,
                           const struct http_response *response, const char *what,
                           struct error *error) {
    json_t *document = NULL;
    if (response->outcome == HTTP_OK && response->status == 200)
        document = json_loadb(response->body, response->body_size, 0, NULL);
    if (!document)
        docker_error(observation->engine, response, what, error);
    return document;
}
