/*
 * Requests to the engine, and what their failures mean. Every failure becomes an error with a code
 * that says whether trying again may pass, the engine's own words, and what to do next.
 */
#include "engines/docker/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utlist.h>

#define MESSAGE_LIMIT 1000

struct http_transfer *docker_send_request(struct docker_engine *engine,
                                          const struct http_request *request, http_done *done,
                                          void *context) {
    cleanup_free char *path = format_text("%s%s", engine->api_prefix, request->path);
    struct http_request filled = *request;
    filled.endpoint = &engine->endpoint;
    filled.path = path;
    return http_send(engine->base.client, &filled, done, context);
}

char *docker_encode(const char *text) {
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    static const char digits[] = "0123456789ABCDEF";
    char *encoded = memory_alloc(3 * strlen(text) + 1);
    char *out = encoded;
    for (const char *in = text; *in; in++) {
        unsigned char byte = (unsigned char)*in;
        if (strchr(plain, *in)) {
            *out++ = *in;
            continue;
        }
        *out++ = '%';
        *out++ = digits[byte >> 4];
        *out++ = digits[byte & 15];
    }
    return encoded;
}

/* `length` without a UTF-8 character at the end that is not complete. */
static size_t whole_characters(const char *text, size_t length) {
    size_t start = length;
    while (start && length - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (!start)
        return length;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return length - (start - 1) < needed ? start - 1 : length;
}

char *docker_clean(const char *text, size_t size, size_t limit) {
    char *clean = memory_alloc(limit + 1);
    size_t length = 0;
    for (size_t i = 0; i < size && length < limit; i++) {
        unsigned char byte = (unsigned char)text[i];
        bool blank = byte <= ' ' || byte == 127;
        if (blank && (length == 0 || clean[length - 1] == ' '))
            continue;
        clean[length++] = blank ? ' ' : text[i];
    }
    while (length && clean[length - 1] == ' ')
        length--;
    clean[whole_characters(clean, length)] = '\0';
    return clean;
}

bool docker_says(const char *text, const char *part) {
    return strcasestr(text, part) != NULL;
}

char *docker_message(const struct http_response *response) {
    if (!response->body || !response->body_size)
        return copy_text("");
    json_auto_t *document = json_loadb(response->body, response->body_size, 0, NULL);
    const json_t *message = json_object_get(document, "message");
    if (json_is_string(message))
        return docker_clean(json_string_value(message), json_string_length(message), MESSAGE_LIMIT);
    /* Old endpoints and proxies in front of the engine answer in plain text. */
    return docker_clean(response->body, response->body_size, 200);
}

static const char *start_hint(const struct docker_engine *engine) {
    return engine->local ? "start it (sudo systemctl start docker, or sudo make up) or set "
                           "DOCKER_HOST"
                         : "check that it runs there and that DOCKER_HOST or the context is right";
}

/* Why a unix socket cannot be connected to: the file system knows more than the client. */
static int unreachable_socket(const struct docker_engine *engine, const char *address,
                              struct error *error) {
    struct stat status;
    if (stat(engine->unix_socket, &status) == 0 && access(engine->unix_socket, W_OK) < 0 &&
        errno == EACCES)
        return error_set(error, ERROR_UNREACHABLE,
                         "cannot reach the Docker engine at %s: permission denied: join the group "
                         "docker (sudo usermod -aG docker $USER, then log in again) or use sudo",
                         address);
    bool is_socket = stat(engine->unix_socket, &status) == 0 && S_ISSOCK(status.st_mode);
    return error_set(error, ERROR_UNREACHABLE, "cannot reach the Docker engine at %s: %s: %s",
                     address,
                     is_socket ? "nobody answers on this socket" : "there is no such socket",
                     start_hint(engine));
}

static int unreachable(const struct docker_engine *engine, const char *address,
                       const struct http_response *response, struct error *error) {
    if (engine->unix_socket)
        return unreachable_socket(engine, address, error);
    bool tls = engine->url && strncmp(engine->url, "https:", 6) == 0;
    return error_set(error, ERROR_UNREACHABLE, "cannot reach the Docker engine at %s: %s: %s%s",
                     address, response->explanation, start_hint(engine),
                     tls ? ", and that DOCKER_CERT_PATH has its certificates" : "");
}

/* No complete answer. */
static int broken(const struct docker_engine *engine, const struct http_response *response,
                  struct error *error) {
    cleanup_free char *address = docker_address(engine);
    switch (response->outcome) {
    case HTTP_UNREACHABLE:
        return unreachable(engine, address, response, error);
    case HTTP_CUT:
        return error_set(error, ERROR_UNREACHABLE,
                         "the Docker engine at %s ended the connection before its answer was "
                         "complete (%s): it may be restarting; if it stays so, see its log "
                         "(journalctl -u docker)",
                         address, response->explanation);
    case HTTP_TIMED_OUT:
        return error_set(error, ERROR_TIMEOUT,
                         "the Docker engine at %s did not answer in time (%s): see whether `docker "
                         "ps` answers, and the engine's log (journalctl -u docker)",
                         address, response->explanation);
    case HTTP_GARBAGE:
        return error_set(
            error, ERROR_TRANSIENT,
            "what answers at %s does not speak HTTP (%s): check that DOCKER_HOST names "
            "a Docker engine",
            address, response->explanation);
    case HTTP_TOO_LARGE:
        return error_set(error, ERROR_FAILED,
                         "the answer of the Docker engine at %s is larger than any it should give: "
                         "check that DOCKER_HOST names a Docker engine",
                         address);
    default:
        return error_set(error, ERROR_INTERRUPTED,
                         "the request was given up before the Docker engine at %s had answered: "
                         "run the command again",
                         address);
    }
}

/* Messages of 5xx answers that name what only a person can change. The engine uses 500 for much
 * that is the request's fault. */
static bool is_permanent(const char *message) {
    static const char *const parts[] = {"OCI runtime",
                                        "runc create failed",
                                        "marked read-only",
                                        "no space left on device",
                                        "cannot overwrite directory",
                                        "not a directory",
                                        "executable file not found"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        if (docker_says(message, parts[i]))
            return true;
    return false;
}

static int refused(long status, const char *message, struct error *error) {
    if (docker_says(message, "HTTP request to an HTTPS server"))
        return error_set(error, ERROR_FAILED,
                         "the engine wants TLS: set DOCKER_TLS_VERIFY=1 and DOCKER_CERT_PATH");
    if (docker_says(message, "no space left on device"))
        return error_set(error, ERROR_FAILED,
                         "%s: free some on the engine's machine (docker system df shows what is "
                         "used)",
                         message);
    if (status == 401 || status == 403)
        return error_set(error, ERROR_FAILED, "the engine refuses (HTTP %ld): %s", status,
                         *message ? message
                                  : "it may have an authorization plugin: ask who runs it");
    if (status >= 500 && is_permanent(message))
        return error_set(error, ERROR_FAILED, "the engine answers: %s", message);
    if (status >= 500)
        return error_set(error, ERROR_TRANSIENT,
                         "the engine answers HTTP %ld: %s: trying again may pass; if it stays so, "
                         "see its log (journalctl -u docker)",
                         status, *message ? message : "no explanation");
    if (status == 409 || status == 429)
        return error_set(error, ERROR_TRANSIENT, "the engine answers: %s: trying again may pass",
                         *message ? message : "conflict");
    if (*message)
        return error_set(error, ERROR_FAILED, "the engine answers: %s", message);
    return error_set(error, ERROR_FAILED,
                     "the engine answers HTTP %ld without an explanation: see its log (journalctl "
                     "-u docker)",
                     status);
}

int docker_error(const struct docker_engine *engine, const struct http_response *response,
                 const char *what, struct error *error) {
    struct error cause = ERROR_INIT;
    if (response->outcome != HTTP_OK) {
        broken(engine, response, &cause);
    } else if (response->status >= 200 && response->status < 300) {
        error_set(&cause, ERROR_TRANSIENT,
                  "the engine's answer is not what its API promises (HTTP %ld): trying again may "
                  "pass; check that DOCKER_HOST names a Docker engine",
                  response->status);
    } else {
        cleanup_free char *message = docker_message(response);
        refused(response->status, message, &cause);
    }
    if (what)
        error_wrap(&cause, "%s", what);
    if (error)
        error_move(error, &cause);
    error_clear(&cause);
    return -1;
}

void *docker_call_new(struct docker_engine *engine, size_t size,
                      void (*release)(struct docker_call *call)) {
    struct docker_call *call = memory_alloc(size);
    call->engine = engine;
    call->release = release;
    DL_APPEND(engine->calls, call);
    return call;
}

void docker_call_free(struct docker_call *call) {
    DL_DELETE(call->engine->calls, call);
    if (call->release)
        call->release(call);
    free(call);
}
