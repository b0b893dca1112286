/*
 * The docker client's context store: CONFIG_DIR/contexts/meta/ID/meta.json names an endpoint,
 * CONFIG_DIR/contexts/tls/ID/docker/ holds its TLS files; ID is the SHA-256 of the context's name
 * (docker/cli, cli/context/store). Written by `docker context create`, only read here.
 */
#include "engines/docker/transport.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void context_id(const char *name, char id[2 * SHA256_DIGEST_LENGTH + 1]) {
    unsigned char digest[SHA256_DIGEST_LENGTH];
    SHA256((const unsigned char *)name, strlen(name), digest);
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(id + 2 * i, 3, "%02x", digest[i]);
}

/* CONFIG_DIR/contexts/tls/ID/docker/NAME, if it is there. */
static char *tls_file(const struct docker_engine *engine, const char *id, const char *name) {
    char *path = format_text("%s/contexts/tls/%s/docker/%s", engine->config_dir, id, name);
    if (access(path, F_OK) == 0)
        return path;
    free(path);
    return NULL;
}

static int missing(const char *name, struct error *error) {
    return error_set(error, ERROR_USAGE,
                     "context \"%s\" is not known to the docker client: `docker context ls` lists "
                     "those that are, `docker context use default` goes back to the local engine",
                     name);
}

int docker_use_context(struct docker_engine *engine, const char *name, struct error *error) {
    if (!engine->config_dir)
        return missing(name, error);
    char id[2 * SHA256_DIGEST_LENGTH + 1];
    context_id(name, id);
    cleanup_free char *path = format_text("%s/contexts/meta/%s/meta.json", engine->config_dir, id);
    json_t *meta = NULL;
    if (docker_read_json(path, &meta, error) < 0)
        return error_wrap(error, "context \"%s\"", name);
    if (!meta)
        return missing(name, error);
    json_auto_t *document = meta;
    const json_t *docker = json_object_get(json_object_get(document, "Endpoints"), "docker");
    const char *host = json_string_value(json_object_get(docker, "Host"));
    if (!host || !*host)
        return error_set(error, ERROR_USAGE,
                         "context \"%s\" has no docker endpoint: see `docker context inspect %s`",
                         name, name);
    engine->ca_file = tls_file(engine, id, "ca.pem");
    engine->cert_file = tls_file(engine, id, "cert.pem");
    engine->key_file = tls_file(engine, id, "key.pem");
    engine->endpoint.skip_verify = json_is_true(json_object_get(docker, "SkipTLSVerify"));
    bool tls = engine->ca_file || engine->cert_file || engine->endpoint.skip_verify;
    cleanup_free char *origin = format_text("context \"%s\"", name);
    return docker_set_host(engine, host, origin, tls, error);
}
