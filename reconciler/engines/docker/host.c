/*
 * Where the Docker engine is. The docker client's rules are followed to the letter (--context,
 * --host, DOCKER_HOST, DOCKER_CONTEXT, the configured context, the default socket, in this order),
 * because talking to another engine than `docker ps` does would change the wrong machine.
 */
#include "engines/docker/transport.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_SOCKET "/var/run/docker.sock"

/* A variable that is set to something. */
static const char *variable(const char *name) {
    const char *value = getenv(name);
    return value && *value ? value : NULL;
}

static char *find_config_dir(void) {
    const char *configured = variable("DOCKER_CONFIG");
    if (configured)
        return copy_text(configured);
    const char *home = variable("HOME");
    if (!home) {
        const struct passwd *user = getpwuid(geteuid());
        home = user ? user->pw_dir : NULL;
    }
    return home ? format_text("%s/.docker", home) : NULL;
}

static int load_config(struct docker_engine *engine, struct error *error) {
    engine->config_dir = find_config_dir();
    if (!engine->config_dir)
        return 0;
    cleanup_free char *path = format_text("%s/config.json", engine->config_dir);
    if (docker_read_json(path, &engine->config, error) < 0)
        return error_wrap(error, "the docker client's configuration");
    return 0;
}

static int use_unix(struct docker_engine *engine, const char *path, const char *origin,
                    struct error *error) {
    /* The length of sockaddr_un's path, which curl would only report as a failed connection. */
    if (strlen(path) > 107)
        return error_set(error, ERROR_USAGE,
                         "%s: the socket path \"%s\" is longer than the 107 bytes a unix socket's "
                         "may have: use a shorter one",
                         origin, path);
    engine->unix_socket = copy_text(*path ? path : DEFAULT_SOCKET);
    engine->url = copy_text("http://localhost");
    engine->local = true;
    return 0;
}

/* The end of the host name in "host:port" or "[v6]:port". */
static const char *host_end(const char *authority) {
    if (*authority == '[') {
        const char *bracket = strchr(authority, ']');
        return bracket ? bracket + 1 : authority;
    }
    return authority + strcspn(authority, ":/");
}

/* The port after a host name, 0 when there is none, -1 when it is not a port; `rest` is moved
 * behind it. */
static long read_port(const char **rest) {
    if (**rest != ':')
        return 0;
    const char *digits = *rest + 1;
    char *stop = NULL;
    long port = strtol(digits, &stop, 10);
    *rest = stop;
    return *digits < '0' || *digits > '9' || port < 1 || port > 65535 ? -1 : port;
}

static int use_tcp(struct docker_engine *engine, const char *host, const char *authority,
                   const char *origin, bool tls, struct error *error) {
    const char *end = host_end(authority);
    const char *rest = end;
    long port = read_port(&rest);
    if (end == authority || port < 0 || (*rest && *rest != '/') || strpbrk(authority, " \t\r\n@?#"))
        return error_set(error, ERROR_USAGE,
                         "%s: \"%s\" is not an engine's address: write tcp://HOST:PORT or "
                         "unix:///PATH",
                         origin, host);
    size_t path_size = strlen(rest);
    while (path_size && rest[path_size - 1] == '/')
        path_size--;
    engine->host = format_text("%.*s", (int)(end - authority), authority);
    if (!port)
        port = tls ? 2376 : 2375;
    engine->url = format_text("%s://%s:%ld%.*s", tls ? "https" : "http", engine->host, port,
                              (int)path_size, rest);
    return 0;
}

static int refuse_scheme(const char *host, const char *origin, struct error *error) {
    if (strncmp(host, "ssh://", 6) == 0)
        return error_set(
            error, ERROR_USAGE,
            "%s: \"%s\": engines behind ssh:// are not supported: forward the socket (ssh -nNT -L "
            "/tmp/docker.sock:/var/run/docker.sock %s) and use unix:///tmp/docker.sock",
            origin, host, host + 6);
    if (*host == '/')
        return error_set(error, ERROR_USAGE,
                         "%s: \"%s\" is not an engine's address: did you mean unix://%s?", origin,
                         host, host);
    return error_set(error, ERROR_USAGE,
                     "%s: \"%s\" is not an engine's address that is supported: use unix:///PATH or "
                     "tcp://HOST:PORT",
                     origin, host);
}

int docker_set_host(struct docker_engine *engine, const char *host, const char *origin, bool tls,
                    struct error *error) {
    const char *separator = strstr(host, "://");
    if (!separator && *host != '/')
        return use_tcp(engine, host, host, origin, tls, error);
    size_t scheme = separator ? (size_t)(separator - host) : 0;
    const char *rest = separator ? separator + 3 : host;
    if (scheme == 4 && strncmp(host, "unix", 4) == 0)
        return use_unix(engine, rest, origin, error);
    if (scheme == 3 && strncmp(host, "tcp", 3) == 0)
        return use_tcp(engine, host, rest, origin, tls, error);
    if (scheme == 4 && strncmp(host, "http", 4) == 0)
        return use_tcp(engine, host, rest, origin, false, error);
    if (scheme == 5 && strncmp(host, "https", 5) == 0)
        return use_tcp(engine, host, rest, origin, true, error);
    return refuse_scheme(host, origin, error);
}

/* A TLS file of DOCKER_CERT_PATH, if it is there. */
static char *certificate(const char *directory, const char *name) {
    char *path = directory ? format_text("%s/%s", directory, name) : NULL;
    if (path && access(path, F_OK) == 0)
        return path;
    free(path);
    return NULL;
}

/* TLS as the variables say: DOCKER_TLS_VERIFY checks the engine's certificate, DOCKER_TLS alone
 * only encrypts. */
static int use_variables(struct docker_engine *engine, const char *host, const char *origin,
                         struct error *error) {
    bool verify = variable("DOCKER_TLS_VERIFY") != NULL;
    bool tls = verify || variable("DOCKER_TLS");
    if (docker_set_host(engine, host, origin, tls, error) < 0)
        return -1;
    if (!engine->host || !tls)
        return 0;
    const char *directory = variable("DOCKER_CERT_PATH");
    if (!directory)
        directory = engine->config_dir;
    engine->ca_file = certificate(directory, "ca.pem");
    engine->cert_file = certificate(directory, "cert.pem");
    engine->key_file = certificate(directory, "key.pem");
    if (!engine->cert_file != !engine->key_file)
        return error_set(error, ERROR_USAGE,
                         "%s has only one of cert.pem and key.pem: a client certificate needs both "
                         "(DOCKER_CERT_PATH says where they are)",
                         directory);
    engine->endpoint.skip_verify = !verify;
    return 0;
}

static const char *configured_context(const struct docker_engine *engine) {
    const char *context = variable("DOCKER_CONTEXT");
    return context ? context : json_string_value(json_object_get(engine->config, "currentContext"));
}

static int choose(struct docker_engine *engine, const struct docker_options *options,
                  struct error *error) {
    const char *host = options ? options->host : NULL;
    const char *context = options ? options->context : NULL;
    if (host && context)
        return error_set(error, ERROR_USAGE,
                         "--host and --context both say which engine to use: give one of them");
    if (!context && host)
        return use_variables(engine, host, "--host", error);
    const char *from_variable = variable("DOCKER_HOST");
    if (!context && !from_variable)
        context = configured_context(engine);
    if (context && *context && strcmp(context, "default") != 0)
        return docker_use_context(engine, context, error);
    if (from_variable)
        return use_variables(engine, from_variable, "DOCKER_HOST", error);
    return docker_set_host(engine, "unix://" DEFAULT_SOCKET, "the default", false, error);
}

int docker_find_host(struct docker_engine *engine, const struct docker_options *options,
                     struct error *error) {
    if (load_config(engine, error) < 0 || choose(engine, options, error) < 0)
        return -1;
    engine->endpoint.url = engine->url;
    engine->endpoint.unix_socket = engine->unix_socket;
    engine->endpoint.ca_file = engine->ca_file;
    engine->endpoint.cert_file = engine->cert_file;
    engine->endpoint.key_file = engine->key_file;
    return 0;
}

char *docker_address(const struct docker_engine *engine) {
    if (engine->unix_socket)
        return format_text("unix://%s", engine->unix_socket);
    const char *authority = engine->url ? strstr(engine->url, "://") : NULL;
    return authority ? format_text("tcp%s", authority) : copy_text("an unknown address");
}
