/*
 * Opens the Docker engine: finds it, asks it which API versions it speaks, and fills the table of
 * operations. Versions are negotiated by GET /_ping as the docker client does, never hard-coded:
 * engines refuse clients that are too new (all) or too old (29 and later).
 */
#include "engines/docker/transport.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PING_TIMEOUT_MS 10000

struct ping {
    const struct docker_engine *engine;
    bool finished;
    int result;
    char *version; /* header Api-Version */
    char *server;  /* header Server: "Docker/20.10.24+dfsg1 (linux)" */
    bool podman;
    struct error *error;
};

static void ping_done(void *context, const struct http_response *response) {
    struct ping *ping = context;
    ping->finished = true;
    if (response->outcome != HTTP_OK || response->status != 200) {
        ping->result = docker_error(ping->engine, response, "GET /_ping", ping->error);
        return;
    }
    ping->version = copy_text(http_header(response, "Api-Version"));
    ping->server = copy_text(http_header(response, "Server"));
    ping->podman = http_header(response, "Libpod-API-Version") ||
                   (ping->server && strncasecmp(ping->server, "Libpod/", 7) == 0);
}

/* Asks once; whoever wants to wait for an engine that starts calls again. */
static int ask(const struct docker_engine *engine, struct ping *ping) {
    struct http_request request = {.endpoint = &engine->endpoint,
                                   .method = "GET",
                                   .path = "/_ping",
                                   .timeout_ms = docker_request_ms(engine, PING_TIMEOUT_MS),
                                   .max_body = 65536};
    ping->engine = engine;
    http_send(engine->base.client, &request, ping_done, ping);
    while (!ping->finished)
        http_run(engine->base.client, PING_TIMEOUT_MS);
    return ping->result;
}

/* "1.41" → 41; -1 when it is nothing of the kind. */
static int parse_minor(const char *version) {
    if (!version || strncmp(version, "1.", 2) != 0 || version[2] < '0' || version[2] > '9')
        return -1;
    char *end = NULL;
    long minor = strtol(version + 2, &end, 10);
    return *end || minor > INT_MAX ? -1 : (int)minor;
}

static int negotiate_wanted(const char *offered, const char *wanted, struct error *error) {
    int minor = parse_minor(wanted);
    if (minor < 0)
        return error_set(error, ERROR_USAGE,
                         "DOCKER_API_VERSION is \"%s\", which is not a version such as 1.%d: "
                         "correct or unset it",
                         wanted, DOCKER_OLDEST_MINOR);
    if (minor < DOCKER_OLDEST_MINOR || minor > DOCKER_NEWEST_MINOR)
        return error_set(error, ERROR_USAGE,
                         "DOCKER_API_VERSION is %s, and this program speaks 1.%d to 1.%d: unset it",
                         wanted, DOCKER_OLDEST_MINOR, DOCKER_NEWEST_MINOR);
    if (minor > parse_minor(offered))
        return error_set(error, ERROR_USAGE,
                         "DOCKER_API_VERSION is %s, newer than the engine's %s: unset it", wanted,
                         offered);
    return minor;
}

int docker_negotiate(const char *offered, const char *wanted, struct error *error) {
    int minor = parse_minor(offered);
    if (minor < 0) {
        cleanup_free char *seen = offered ? docker_clean(offered, strlen(offered), 40) : NULL;
        return error_set(error, ERROR_FAILED,
                         "what answers is not a Docker engine (its API version is %s%s%s): check "
                         "--host and DOCKER_HOST",
                         seen ? "\"" : "", seen ? seen : "missing", seen ? "\"" : "");
    }
    if (minor < DOCKER_OLDEST_MINOR)
        return error_set(error, ERROR_FAILED,
                         "the engine's newest API version is %s, and 1.%d is needed: upgrade it to "
                         "Docker Engine 20.10 or later",
                         offered, DOCKER_OLDEST_MINOR);
    if (wanted && *wanted)
        return negotiate_wanted(offered, wanted, error);
    return minor < DOCKER_NEWEST_MINOR ? minor : DOCKER_NEWEST_MINOR;
}

/* "Docker Engine 20.10.24 (API 1.41) at unix:///…" */
static char *describe(const struct docker_engine *engine, const char *server) {
    cleanup_free char *address = docker_address(engine);
    if (!server || strncmp(server, "Docker/", 7) != 0)
        return format_text("Docker-compatible engine%s%s (API 1.%d) at %s", server ? " " : "",
                           server ? server : "", engine->api_minor, address);
    return format_text("Docker Engine %.*s (API 1.%d) at %s", (int)strcspn(server + 7, " "),
                       server + 7, engine->api_minor, address);
}

/* Podman takes Docker's requests, but tells of other values than it was given (a stop signal by its
 * number, a grace period nobody declared): every container would differ for ever. */
static int refuse_podman(const struct docker_engine *engine, struct error *error) {
    cleanup_free char *address = docker_address(engine);
    return error_set(error, ERROR_FAILED,
                     "what answers at %s is Podman, whose Docker-compatible API does not report "
                     "containers as they were declared: use a Docker engine (DOCKER_HOST or "
                     "--host say which)",
                     address);
}

static int handshake(struct docker_engine *engine, struct error *error) {
    struct ping ping = {.error = error};
    int result = ask(engine, &ping);
    cleanup_free char *version = ping.version;
    cleanup_free char *server = ping.server;
    if (result < 0)
        return -1;
    if (ping.podman)
        return refuse_podman(engine, error);
    engine->api_minor = docker_negotiate(version, getenv("DOCKER_API_VERSION"), error);
    if (engine->api_minor < 0) {
        cleanup_free char *address = docker_address(engine);
        return error_wrap(error, "the engine at %s", address);
    }
    engine->api_prefix = format_text("/v1.%d", engine->api_minor);
    engine->base.capabilities.create_with_all_networks = engine->api_minor >= 44;
    engine->base.description = describe(engine, server);
    return 0;
}

static void docker_free(struct engine *base) {
    if (!base)
        return;
    struct docker_engine *engine = docker_of(base);
    while (engine->calls)
        docker_call_free(engine->calls);
    docker_exec_forget(engine);
    json_decref(engine->config);
    json_decref(engine->credentials);
    char *owned[] = {engine->api_prefix, engine->host,        engine->config_dir,
                     engine->url,        engine->unix_socket, engine->ca_file,
                     engine->cert_file,  engine->key_file,    engine->base.description};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++)
        free(owned[i]);
    free(engine);
}

static const struct engine_operations operations = {
    .name = "docker",
    .compile = docker_compile,
    .observe = docker_observe,
    .act = docker_act,
    .probe = docker_probe,
    .locate = docker_locate,
    .last_logs = docker_last_logs,
    .free = docker_free,
};

struct engine *docker_engine_new(struct http_client *client, const struct docker_options *options,
                                 struct error *error) {
    struct docker_engine *engine = memory_alloc(sizeof *engine);
    engine->base.operations = &operations;
    engine->base.client = client;
    engine->request_timeout_ms = options ? options->request_timeout_ms : 0;
    if (docker_find_host(engine, options, error) < 0 || handshake(engine, error) < 0) {
        docker_free(&engine->base);
        return NULL;
    }
    return &engine->base;
}
