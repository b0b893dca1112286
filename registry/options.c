/* How the server is to run; see options.h. */
#include "registry/options.h"

#include "base/memory.h"
#include "registry/names.h"

#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOKEN_LEAST 8
#define TOKEN_MOST  512

static const char summary[] =
    "The service registry: services find each other and their configuration here."
    "\v"
    "Environment: REGISTRY_LISTEN, REGISTRY_MAX_CONNECTIONS, REGISTRY_OPEN_READS (true: reading "
    "needs "
    "no token), REGISTRY_READ_TOKEN, REGISTRY_REGISTER_TOKEN, REGISTRY_ADMIN_TOKEN, REDIS_HOST, "
    "REDIS_PORT, REDIS_USER, REDIS_PASSWORD, and PGHOST, PGPORT, PGDATABASE, PGUSER, PGPASSWORD as "
    "libpq reads them. REDIS_PASSWORD_FILE and REGISTRY_…_TOKEN_FILE name a file that holds the "
    "secret. Use addresses for hosts: a name is looked up at every connect.";

static const struct argp_option arguments[] = {
    {"listen", 'l', "HOST:PORT", 0, "where to listen (0.0.0.0:8080)", 0},
    {"max-connections", 'c', "N", 0, "connections at once, of which others are refused (4096)", 0},
    {"verbose", 'v', NULL, 0, "log more", 0},
    {0}};

/* What argp reads before the environment fills in the rest. */
struct given {
    const char *listen;
    const char *max_connections;
    bool verbose;
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct given *given = state->input;
    switch (key) {
    case 'l':
        given->listen = argument;
        return 0;
    case 'c':
        given->max_connections = argument;
        return 0;
    case 'v':
        given->verbose = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const char *variable(const char *given, const char *name, const char *otherwise) {
    const char *value = given ? given : getenv(name);
    return value && *value ? value : otherwise;
}

static int take_number(const char *text, const char *name, int least, int most, int *number,
                       struct error *error) {
    int64_t value = 0;
    if (!number_parse(text, least, most, &value))
        return error_set(error, ERROR_USAGE, "%s: \"%s\" is not a number from %d to %d", name, text,
                         least, most);
    *number = (int)value;
    return 0;
}

static int take_text(const char *text, const char *name, char *buffer, size_t size,
                     struct error *error) {
    if (strlen(text) >= size)
        return error_set(error, ERROR_USAGE, "%s is longer than %zu bytes", name, size - 1);
    memcpy(buffer, text, strlen(text) + 1);
    return 0;
}

static int take_listen(const char *text, struct options *options, struct error *error) {
    cleanup_free char *host = copy_text(text);
    char *colon = strrchr(host, ':');
    if (!colon)
        return error_set(error, ERROR_USAGE, "REGISTRY_LISTEN: \"%s\" is not HOST:PORT", text);
    *colon = '\0';
    if (take_text(host, "REGISTRY_LISTEN", options->listen_host, sizeof options->listen_host,
                  error) != 0)
        return -1;
    return take_number(colon + 1, "REGISTRY_LISTEN", 0, 65535, &options->listen_port, error);
}

/* The first line of a file. */
static int read_secret(const char *name, const char *path, char **secret, struct error *error) {
    FILE *file = fopen(path, "re");
    char line[TOKEN_MOST + 2];
    bool read = file && fgets(line, sizeof line, file);
    int status = 0;
    if (!read)
        status = error_set(error, ERROR_USAGE, "%s: %s cannot be read or is empty", name, path);
    else {
        line[strcspn(line, "\r\n")] = '\0';
        *secret = copy_text(line);
        explicit_bzero(line, sizeof line);
    }
    if (file)
        fclose(file);
    return status;
}

/* The variable NAME or what is in the file that NAME_FILE names; *secret stays NULL without. */
static int take_secret(const char *name, char **secret, struct error *error) {
    cleanup_free char *file_variable = format_text("%s_FILE", name);
    const char *value = variable(NULL, name, NULL);
    const char *path = variable(NULL, file_variable, NULL);
    if (value && path)
        return error_set(error, ERROR_USAGE, "say %s or %s, not both", name, file_variable);
    if (path)
        return read_secret(file_variable, path, secret, error);
    *secret = copy_text(value);
    return 0;
}

static int take_token(const char *name, char **token, struct error *error) {
    if (take_secret(name, token, error) != 0)
        return -1;
    if (*token && (strlen(*token) < TOKEN_LEAST || strlen(*token) > TOKEN_MOST))
        return error_set(error, ERROR_USAGE, "%s must have %d to %d characters", name, TOKEN_LEAST,
                         TOKEN_MOST);
    return 0;
}

static int take_tokens(struct options *options, struct error *error) {
    if (take_token("REGISTRY_READ_TOKEN", &options->read_token, error) != 0 ||
        take_token("REGISTRY_REGISTER_TOKEN", &options->register_token, error) != 0 ||
        take_token("REGISTRY_ADMIN_TOKEN", &options->admin_token, error) != 0)
        return -1;
    const char *open = variable(NULL, "REGISTRY_OPEN_READS", "false");
    options->open_reads = strcmp(open, "true") == 0;
    if (!options->open_reads && strcmp(open, "false") != 0)
        return error_set(error, ERROR_USAGE, "REGISTRY_OPEN_READS: say true or false");
    return 0;
}

static int take_redis(struct options *options, struct error *error) {
    if (take_text(variable(NULL, "REDIS_HOST", "127.0.0.1"), "REDIS_HOST", options->redis_host,
                  sizeof options->redis_host, error) != 0 ||
        take_text(variable(NULL, "REDIS_USER", ""), "REDIS_USER", options->redis_user,
                  sizeof options->redis_user, error) != 0 ||
        take_number(variable(NULL, "REDIS_PORT", "6379"), "REDIS_PORT", 1, 65535,
                    &options->redis_port, error) != 0 ||
        take_secret("REDIS_PASSWORD", &options->redis_password, error) != 0)
        return -1;
    if (!options->redis_password)
        options->redis_password = copy_text("");
    return 0;
}

int options_read(struct options *options, int argc, char **argv, struct error *error) {
    static const struct argp argp = {arguments, parse, NULL, summary, NULL, NULL, NULL};
    struct given given = {NULL, NULL, false};
    memset(options, 0, sizeof *options);
    argp_err_exit_status = 64;
    argp_parse(&argp, argc, argv, 0, NULL, &given);
    options->verbose = given.verbose;
    if (take_listen(variable(given.listen, "REGISTRY_LISTEN", "0.0.0.0:8080"), options, error) !=
            0 ||
        take_number(variable(given.max_connections, "REGISTRY_MAX_CONNECTIONS", "4096"),
                    "REGISTRY_MAX_CONNECTIONS", 16, 65536, &options->max_connections, error) != 0 ||
        take_redis(options, error) != 0)
        return -1;
    return take_tokens(options, error);
}

/* Secrets are overwritten before their memory is given back. */
static void clear_secret(char **secret) {
    if (*secret)
        explicit_bzero(*secret, strlen(*secret));
    free(*secret);
    *secret = NULL;
}

void options_clear(struct options *options) {
    clear_secret(&options->redis_password);
    clear_secret(&options->read_token);
    clear_secret(&options->register_token);
    clear_secret(&options->admin_token);
}
