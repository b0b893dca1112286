/* Reading the desired state, connecting, and reporting results and failures; see common.h. */
#include "commands/common.h"

#include "base/http.h"
#include "base/memory.h"
#include "engines/docker/docker.h"
#include "status/document.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the desired state and the engine -----------------------------------------------------------
 */

void print_diagnostics(const struct diagnostics *diagnostics) {
    struct terminal terminal;
    terminal_open(&terminal, stderr);
    diagnostics_print(diagnostics, stderr, terminal.colour);
}

static void cleanup_diagnostics_pointer(struct diagnostics **diagnostics) {
    diagnostics_free(*diagnostics);
}

struct environment *read_environment(const char *file, bool allow_missing_secrets,
                                     const struct output_options *output, int *exit_code) {
    struct spec_options options = {.process_environment = (const char *const *)environ,
                                   .allow_missing_secrets = allow_missing_secrets};
    __attribute__((cleanup(cleanup_diagnostics_pointer))) struct diagnostics *diagnostics =
        diagnostics_new();
    struct environment *environment = spec_read(file, &options, diagnostics);
    if (!environment)
        *exit_code = report_diagnostics(diagnostics, file, output);
    else
        print_diagnostics(diagnostics);
    return environment;
}

void cleanup_environment_pointer(struct environment **environment) {
    if (*environment)
        environment_free(*environment);
}

int connection_open(struct connection *connection, const struct engine_options *options,
                    struct error *error) {
    struct docker_options docker = {.host = options->host,
                                    .context = options->context,
                                    .request_timeout_ms = options->request_timeout_ms};
    connection->client = http_client_new(error);
    if (!connection->client)
        return -1;
    connection->engine = docker_engine_new(connection->client, &docker, error);
    return connection->engine ? 0 : -1;
}

void connection_close(struct connection *connection) {
    if (connection->engine)
        connection->engine->operations->free(connection->engine);
    if (connection->client)
        http_client_free(connection->client);
    *connection = (struct connection){0};
}

/* --- results ------------------------------------------------------------------------------------
 */

void output_document(json_t *document, enum output_format format) {
    document_write(document, format == OUTPUT_YAML, stdout);
    json_decref(document);
}

static const char *error_code_name(enum error_code code) {
    static const char *const names[] = {
        [ERROR_NONE] = "none",
        [ERROR_FAILED] = "failed",
        [ERROR_INPUT] = "input",
        [ERROR_USAGE] = "usage",
        [ERROR_UNREACHABLE] = "unreachable",
        [ERROR_TRANSIENT] = "transient",
        [ERROR_CONFLICT] = "conflict",
        [ERROR_TIMEOUT] = "timeout",
        [ERROR_INTERRUPTED] = "interrupted",
    };
    return names[code];
}

int error_exit_code(enum error_code code) {
    switch (code) {
    case ERROR_INPUT:
        return EXIT_SPEC;
    case ERROR_USAGE:
        return EXIT_MISUSE;
    case ERROR_INTERRUPTED:
        return EXIT_INTERRUPTED;
    default:
        return EXIT_FAILED;
    }
}

json_t *error_json(const struct error *error) {
    json_t *object = json_object();
    document_text(object, "code", error_code_name(error->code));
    document_text(object, "message", error_text(error));
    return object;
}

/* Line by line: a message may quote what a container printed, escape sequences and all. */
static void print_error(const char *message) {
    cleanup_free char *copy = copy_text(message);
    const char *prefix = "tse-reconcile: ";
    char *rest = copy;
    for (char *line; (line = strsep(&rest, "\n")) != NULL; prefix = "  ") {
        cleanup_free char *clean = text_fit(line, SIZE_MAX, true);
        if (*clean)
            fprintf(stderr, "%s%s\n", prefix, clean);
    }
}

int report_error(const struct error *error, const struct output_options *output) {
    print_error(error_text(error));
    if (output->format != OUTPUT_TABLE)
        output_document(json_pack("{s:o}", "error", error_json(error)), output->format);
    return error_exit_code(error->code);
}

int report_diagnostics(const struct diagnostics *diagnostics, const char *file,
                       const struct output_options *output) {
    print_diagnostics(diagnostics);
    if (output->format == OUTPUT_TABLE)
        return EXIT_SPEC;
    size_t errors = diagnostics_errors(diagnostics);
    cleanup_free char *message =
        format_text("%s has %zu %s", file, errors, errors == 1 ? "error" : "errors");
    json_t *document = diagnostics_json(diagnostics);
    json_t *error = json_object();
    document_text(error, "code", error_code_name(ERROR_INPUT));
    document_text(error, "message", message);
    json_object_set(error, "diagnostics", json_object_get(document, "diagnostics"));
    json_decref(document);
    output_document(json_pack("{s:o}", "error", error), output->format);
    return EXIT_SPEC;
}

struct table_look output_look(void) {
    struct terminal terminal;
    terminal_open(&terminal, stdout);
    return (struct table_look){.width = terminal.live ? terminal.columns : 0,
                               .colour = terminal.colour,
                               .utf8 = terminal.utf8 || !terminal.live};
}

/* --- the end ------------------------------------------------------------------------------------
 */

/* Whether the other end of the pipe on stdout has gone away: `tse-reconcile … | head`. */
static bool reader_is_gone(void) {
    struct pollfd output = {.fd = STDOUT_FILENO, .events = POLLOUT};
    return poll(&output, 1, 0) > 0 && (output.revents & POLLERR) != 0;
}

void output_close(void) {
    errno = 0;
    bool failed = fflush(stdout) != 0 || ferror(stdout);
    if (!failed || errno == EPIPE || reader_is_gone())
        return;
    fprintf(stderr, "tse-reconcile: the result cannot be written: %s\n",
            errno ? strerror(errno) : "see where the output goes");
    _exit(EXIT_FAILED);
}
