/*
 * The docker client's configuration (config.json): which credentials belong to the registry an
 * image comes from. Follows docker/cli's cli/config/configfile and distribution/reference.
 */
#include "engines/docker/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_LIMIT        (1 << 20)
#define HUB               "docker.io"
#define HUB_SERVER        "https://index.docker.io/v1/" /* what the Hub is called in config.json */
#define HELPER_TIMEOUT_MS 10000

int docker_read_json(const char *path, json_t **result, struct error *error) {
    *result = NULL;
    /* Not to hang on a FIFO put in its place. */
    int descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (descriptor < 0 && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    cleanup_file FILE *file = descriptor < 0 ? NULL : fdopen(descriptor, "r");
    struct stat status;
    if (!file || fstat(descriptor, &status) < 0)
        return error_set(error, ERROR_INPUT, "cannot read %s: %s: correct its permissions", path,
                         strerror(errno));
    if (!S_ISREG(status.st_mode) || status.st_size > FILE_LIMIT)
        return error_set(error, ERROR_INPUT, "%s is not a file of at most 1 MiB: correct it", path);
    json_error_t problem;
    json_t *document = json_loadf(file, 0, &problem);
    if (!document || !json_is_object(document)) {
        json_decref(document);
        /* Not jansson's whole text, which quotes what may be a password. */
        return error_set(error, ERROR_INPUT, "%s:%d:%d: error: not valid JSON: correct it", path,
                         document ? 1 : problem.line, document ? 1 : problem.column);
    }
    *result = document;
    return 0;
}

/* --- references ----------------------------------------------------------------------------------
 */

/* Whether the first part of "PART/rest" names a registry rather than a user of the Hub. */
static bool is_registry(const char *part, size_t length) {
    if (length == strlen("localhost") && strncmp(part, "localhost", length) == 0)
        return true;
    for (size_t i = 0; i < length; i++)
        if (part[i] == '.' || part[i] == ':' || (part[i] >= 'A' && part[i] <= 'Z'))
            return true;
    return false;
}

struct docker_image docker_image_parse(struct arena *arena, const char *reference) {
    struct docker_image image = {.registry = HUB};
    const char *slash = strchr(reference, '/');
    const char *path = reference;
    if (slash && is_registry(reference, (size_t)(slash - reference))) {
        image.registry = arena_copy_n(arena, reference, (size_t)(slash - reference));
        path = slash + 1;
    }
    if (strcmp(image.registry, "index.docker.io") == 0)
        image.registry = HUB;
    const char *end = path + strcspn(path, ":@");
    const char *digest = strchr(path, '@');
    image.repository = arena_copy_n(arena, reference, (size_t)(end - reference));
    image.tag = arena_copy(arena, digest ? digest + 1 : *end ? end + 1 : "latest");
    return image;
}

/* --- credentials ---------------------------------------------------------------------------------
 */

/* The host of a key of `auths`, which may be a host or a URL: "https://host/v1/" → "host". */
static size_t key_host(const char *key, const char **host) {
    const char *separator = strstr(key, "://");
    *host = separator ? separator + 3 : key;
    return strcspn(*host, "/");
}

/* Looks `registry` up in a map whose keys are hosts or URLs: exactly first, then by host. */
static json_t *look_up(json_t *map, const char *server, const char *registry) {
    json_t *exact = json_object_get(map, server);
    if (exact)
        return exact;
    const char *key;
    json_t *value;
    json_object_foreach(map, key, value) {
        const char *host;
        size_t length = key_host(key, &host);
        bool hub = strcmp(registry, HUB) == 0 && length == strlen("index.docker.io") &&
                   strncasecmp(host, "index.docker.io", length) == 0;
        if (hub || (length == strlen(registry) && strncasecmp(host, registry, length) == 0))
            return value;
    }
    return NULL;
}

static void decode_user(json_t *auth, const char *encoded) {
    size_t size = strlen(encoded);
    if (size % 4 != 0 || size > 65536)
        return;
    cleanup_free unsigned char *plain = memory_alloc(size + 1);
    int length = EVP_DecodeBlock(plain, (const unsigned char *)encoded, (int)size);
    if (length < 0)
        return;
    /* EVP_DecodeBlock counts the padding as NUL bytes. */
    plain[length] = '\0';
    char *colon = strchr((char *)plain, ':');
    if (colon) {
        *colon = '\0';
        json_object_set_new(auth, "username", json_string((char *)plain));
        json_object_set_new(auth, "password", json_string(colon + 1));
    }
    OPENSSL_cleanse(plain, size + 1);
}

static void copy_member(json_t *to, const json_t *from, const char *name) {
    json_t *value = json_object_get(from, name);
    if (json_is_string(value) && json_string_length(value))
        json_object_set(to, name, value);
}

/* From `auths`: user and password together in base64, or apart, or a token. */
static json_t *from_file(const struct docker_engine *engine, const char *server,
                         const char *registry) {
    json_t *entry = look_up(json_object_get(engine->config, "auths"), server, registry);
    if (!json_is_object(entry))
        return NULL;
    json_t *auth = json_object();
    copy_member(auth, entry, "username");
    copy_member(auth, entry, "password");
    const char *encoded = json_string_value(json_object_get(entry, "auth"));
    if (encoded)
        decode_user(auth, encoded);
    copy_member(auth, entry, "identitytoken");
    copy_member(auth, entry, "registrytoken");
    if (json_object_size(auth))
        return auth;
    json_decref(auth);
    return NULL;
}

static json_t *from_helper(const char *helper, const char *server) {
    json_auto_t *answer = docker_credential_get(helper, server, HELPER_TIMEOUT_MS);
    const char *user = json_string_value(json_object_get(answer, "Username"));
    json_t *secret = json_object_get(answer, "Secret");
    if (!user || !json_is_string(secret))
        return NULL;
    json_t *auth = json_object();
    if (strcmp(user, "<token>") == 0) {
        json_object_set(auth, "identitytoken", secret);
    } else {
        json_object_set_new(auth, "username", json_string(user));
        json_object_set(auth, "password", secret);
    }
    return auth;
}

static json_t *find_credentials(const struct docker_engine *engine, const char *registry) {
    const char *server = strcmp(registry, HUB) == 0 ? HUB_SERVER : registry;
    const char *helper = json_string_value(
        look_up(json_object_get(engine->config, "credHelpers"), server, registry));
    if (!helper)
        helper = json_string_value(json_object_get(engine->config, "credsStore"));
    json_t *auth = helper && *helper ? from_helper(helper, server) : NULL;
    if (!auth)
        auth = from_file(engine, server, registry);
    if (auth)
        json_object_set_new(auth, "serveraddress", json_string(server));
    return auth;
}

/* base64url with padding, RFC 4648 section 5, as the engine decodes it. */
static char *encode_header(const char *text) {
    size_t size = strlen(text);
    char *encoded = memory_alloc(4 * ((size + 2) / 3) + 1);
    EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)text, (int)size);
    for (char *at = encoded; *at; at++) {
        if (*at == '+')
            *at = '-';
        else if (*at == '/')
            *at = '_';
    }
    return encoded;
}

/* Belongs to the engine; JSON null when there are none. */
static const json_t *known_credentials(struct docker_engine *engine, const char *registry) {
    if (!engine->credentials)
        engine->credentials = json_object();
    const json_t *known = json_object_get(engine->credentials, registry);
    if (known)
        return known;
    json_t *found = find_credentials(engine, registry);
    json_object_set_new(engine->credentials, registry, found ? found : json_null());
    return json_object_get(engine->credentials, registry);
}

void docker_registry_forget(struct docker_engine *engine, const char *image) {
    cleanup_arena struct arena *arena = arena_new();
    json_object_del(engine->credentials, docker_image_parse(arena, image).registry);
}

char *docker_registry_auth(struct docker_engine *engine, const char *image) {
    cleanup_arena struct arena *arena = arena_new();
    struct docker_image parsed = docker_image_parse(arena, image);
    const json_t *auth = known_credentials(engine, parsed.registry);
    if (!json_is_object(auth))
        return NULL;
    cleanup_free char *text = json_dumps(auth, JSON_COMPACT);
    return text ? encode_header(text) : NULL;
}
