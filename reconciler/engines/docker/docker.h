/*
 * The Docker engine (Engine API 1.41 and later), as seen by the commands that choose it.
 */
#ifndef TSE_ENGINES_DOCKER_DOCKER_H
#define TSE_ENGINES_DOCKER_DOCKER_H

#include "engines/engine.h"

struct docker_options {
    const char *host;    /* --host: overrides DOCKER_HOST and contexts; or NULL */
    const char *context; /* --context: overrides DOCKER_CONTEXT and the current context; or NULL */
    long request_timeout_ms; /* --request-timeout: limit of one request; 0: each request's own */
};

/*
 * Finds the engine the way the docker client does (--host, DOCKER_HOST with DOCKER_TLS_VERIFY and
 * DOCKER_CERT_PATH, --context, DOCKER_CONTEXT, the config file's current context, then
 * unix:///var/run/docker.sock), and negotiates the API version with GET /_ping. Returns the engine
 * (free with operations->free), or NULL and an error that says what to do.
 */
struct engine *docker_engine_new(struct http_client *client, const struct docker_options *options,
                                 struct error *error);

#endif
