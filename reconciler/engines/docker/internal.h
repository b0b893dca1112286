/*
 * What the files of the Docker engine share. Not for inclusion outside engines/docker/.
 */
#ifndef TSE_ENGINES_DOCKER_INTERNAL_H
#define TSE_ENGINES_DOCKER_INTERNAL_H

#include "engines/docker/docker.h"

#include "base/memory.h"

#include <jansson.h>

struct docker_engine {
    struct engine base; /* first, so that a struct engine * of ours can be cast */
    struct http_endpoint endpoint;
    char *api_prefix; /* "/v1.41": negotiated */
    long
        request_timeout_ms; /* --request-timeout: instead of each request's own limit; 0: not set */
    int api_minor;          /* 41 */
    bool local;             /* on a unix socket: container addresses can be reached from here */
    char *host;             /* host name of a tcp:// engine, where published ports are; else NULL */
    char *config_dir;       /* DOCKER_CONFIG or ~/.docker */
    json_t *config;         /* its config.json, or NULL */
    json_t *credentials;    /* config.c: what was found for each registry, null for none; or NULL */
    /* strings behind `endpoint` */
    char *url, *unix_socket, *ca_file, *cert_file, *key_file;
    struct docker_call *calls;     /* transport.h: what waits for an answer */
    struct docker_hung_test *hung; /* exec.c: tests that outlived their timeout */
};

static inline struct docker_engine *docker_of(struct engine *engine) {
    return (struct docker_engine *)engine;
}

/* --- kinds.c: the kinds and their field rules ------------------------------------------------- */
extern const struct resource_kind docker_kind_network;
extern const struct resource_kind docker_kind_volume;
extern const struct resource_kind docker_kind_files; /* see body.c: content of read-only services */
extern const struct resource_kind docker_kind_image;
extern const struct resource_kind docker_kind_service;

/* --- names.c: labels and names ------------------------------------------------------------------
 */
#define LABEL_PROJECT      "tse.io/project"
#define LABEL_ENVIRONMENT  "tse.io/environment"
#define LABEL_NAME         "tse.io/name"
#define LABEL_INSTANCE     "tse.io/instance"
#define LABEL_REVISION     "tse.io/revision"
#define LABEL_LAST_APPLIED "tse.io/last-applied"
#define LABEL_ROLE         "tse.io/role"         /* "files" on volumes that hold uploaded files */
#define LABEL_FILES_IMAGE  "tse.io/files-image"  /* … of the image of the service they are for, */
#define LABEL_FILES_TARGET "tse.io/files-target" /* … mounted there */
#define LABEL_STAND_IN     "tse.io/stand-in"     /* on images that only imitate the named program */
#define SUFFIX_NEXT        ".next"
#define SUFFIX_PREVIOUS    ".previous"

/* "PROJECT-NAME", from the second instance on "PROJECT-NAME-N"; instance 0 or 1: no number. */
char *docker_name(struct arena *arena, const char *project, const char *name, int instance);

/* --- compile.c, observe.c ------------------------------------------------------------------------
 */
int docker_compile(struct engine *engine, struct arena *arena,
                   const struct environment *environment, struct resource_set *desired,
                   struct error *error);
int docker_observe(struct engine *engine, struct arena *arena, const char *project,
                   const char *environment, const struct resource_set *desired,
                   struct resource_set *observed, struct error *error);

/* What observe leaves in resource.engine_data of a container. */
struct docker_anonymous_volume {
    const char *name, *target;
};
struct docker_container_data {
    struct docker_anonymous_volume *anonymous; /* without the ones with role "files" */
    size_t anonymous_count;
};

/* --- body.c: request bodies; malloc'd JSON the caller frees, or NULL and the error ---------------
 */
char *docker_container_body(struct docker_engine *engine, const struct environment *environment,
                            const struct action *action, struct error *error);
char *docker_network_body(const struct environment *environment, const struct action *action);
char *docker_volume_body(const struct environment *environment, const struct action *action);
char *docker_update_body(const struct action *action);  /* POST /containers/{id}/update */
char *docker_connect_body(const struct action *action); /* POST /networks/{id}/connect */

/* Modification time uploaded files carry, in seconds since 1970: derived from content, mode and
 * owner, so that looking at a file's size, mode and time tells whether it is still ours without
 * reading it. The same for all secret files, which observe compares by reading them back. Another
 * one for a staged file (VERB_STAGE), so that it is seen that its signal may not have been sent. */
long long docker_file_mtime(const struct file *file, bool staged);

/* --- transport.c: requests to the engine ---------------------------------------------------------
 */
/* Turns a response that is not the expected success into an error that says what to do next, with
 * the engine's own message. Codes as in base/error.h: 5xx and 409 are ERROR_TRANSIENT, no
 * connection is ERROR_UNREACHABLE, other 4xx are ERROR_FAILED. Returns -1. */
int docker_error(const struct docker_engine *engine, const struct http_response *response,
                 const char *what, struct error *error);
/* The limit of one request in milliseconds, given the one it has by itself. */
static inline long docker_request_ms(const struct docker_engine *engine, long own_ms) {
    return engine->request_timeout_ms ? engine->request_timeout_ms : own_ms;
}
/* Percent-encodes for a path segment or a query value; malloc'd. */
char *docker_encode(const char *text);

/* --- config.c: the docker client's configuration -------------------------------------------------
 */
/* X-Registry-Auth value (base64url JSON) for the registry an image comes from, from auths,
 * credHelpers and credsStore; malloc'd, or NULL when there are no credentials. Each registry's are
 * looked for once, because a helper may take seconds and everything else waits for it. */
char *docker_registry_auth(struct docker_engine *engine, const char *image);
/* The registry has refused them: the next time they are looked for anew (tokens expire). */
void docker_registry_forget(struct docker_engine *engine, const char *image);

/* --- act.c, pull.c, archive.c, probe.c -----------------------------------------------------------
 */
void docker_act(struct engine *engine, const struct environment *environment,
                const struct action *action, long timeout_ms, engine_progress *progress,
                engine_done *done, void *context);
void docker_pull(struct docker_engine *engine, const struct action *action, long timeout_ms,
                 engine_progress *progress, engine_done *done, void *context);
void docker_probe(struct engine *engine, const struct service *service, const char *target,
                  enum depends_condition condition, probe_done *done, void *context);
void docker_locate(struct engine *engine, const struct environment *environment, const char *target,
                   uint16_t port, engine_located *done, void *context);
char *docker_last_logs(struct engine *engine, const char *target, int lines);

#endif
