/*
 * What the commands share: options, reading the desired state, connecting to the engine, results
 * and errors in the form that was asked for.
 *
 * stdout carries the result and nothing else; with -o json or yaml it is exactly one document, also
 * on failure: {"error": {"code": …, "message": …}} ("diagnostics" beside them when files are
 * wrong). Progress, diagnostics and errors for people go to stderr.
 */
#ifndef TSE_COMMANDS_COMMON_H
#define TSE_COMMANDS_COMMON_H

#include "commands/commands.h"
#include "commands/terminal.h"
#include "control/converge.h"
#include "spec/diagnostics.h"
#include "spec/spec.h"
#include "status/status.h"

#include <argp.h>
#include <jansson.h>

enum output_format { OUTPUT_TABLE, OUTPUT_JSON, OUTPUT_YAML };

struct output_options {
    enum output_format format;
    const char *forms; /* the -o values the command knows: "table, json or yaml" */
};

struct engine_options {
    const char *host, *context; /* --host, --context; or NULL */
    long request_timeout_ms;    /* --request-timeout; 0: each request's own */
};

/* argp children; their inputs are the structs above. output_argp also brings -h. */
extern const struct argp output_argp; /* -o FORMAT */
extern const struct argp engine_argp; /* --host, --context */

/* Parses with `argp`; ends the program on a wrong command line (64) and on --help (0). */
void parse_options(const struct argp *argp, int argc, char **argv, void *options);

/* For commands with one FILE argument: to be called from their parser for ARGP_KEY_ARG and
 * ARGP_KEY_END. */
error_t parse_file(int key, char *argument, struct argp_state *state, const char **file);

/* "5m" → milliseconds; a wrong one ends the program with what would be right. */
long parse_milliseconds(const char *argument, struct argp_state *state, const char *option);

/* --- the desired state and the engine --- */

/* Reads an Environment and prints its diagnostics. NULL: an error was reported, *exit_code is set.
 */
struct environment *read_environment(const char *file, bool allow_missing_secrets,
                                     const struct output_options *output, int *exit_code);
void cleanup_environment_pointer(struct environment **environment);
#define cleanup_environment __attribute__((cleanup(cleanup_environment_pointer)))

struct connection {
    struct http_client *client;
    struct engine *engine;
};
int connection_open(struct connection *connection, const struct engine_options *options,
                    struct error *error);
void connection_close(struct connection *connection);
#define cleanup_connection __attribute__((cleanup(connection_close)))

/* --- results --- */

/* Writes a document to stdout, as JSON or YAML, and frees it. */
void output_document(json_t *document, enum output_format format);

/* {"code": "unreachable", "message": …} */
json_t *error_json(const struct error *error);

/* Tells of a failure on stderr, and on stdout when a document was asked for. Returns the exit code
 * for it. */
int report_error(const struct error *error, const struct output_options *output);
int error_exit_code(enum error_code code);

/* Tells of wrong files: diagnostics on stderr, and a document if asked for. Returns EXIT_SPEC. */
int report_diagnostics(const struct diagnostics *diagnostics, const char *file,
                       const struct output_options *output);
void print_diagnostics(const struct diagnostics *diagnostics); /* on stderr */

/* How tables look on stdout. */
struct table_look output_look(void);

/* At exit: says when the result could not be written (a full disk; a closed pipe is no failure),
 * and then ends the program with EXIT_FAILED. */
void output_close(void);

void help_overview(FILE *out);

#endif
