/* tse-reconcile status: shows the services as they are now. */
#include "commands/common.h"

#include "base/memory.h"

#include <time.h>

struct status_options {
    const char *file;
    struct output_options output;
    struct engine_options engine;
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct status_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->output;
        state->child_inputs[1] = &options->engine;
        return 0;
    case ARGP_KEY_ARG:
    case ARGP_KEY_END:
        return parse_file(key, argument, state, &options->file);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
    {&output_argp, 0, NULL, 0}, {&engine_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    NULL,
    parse,
    "FILE",
    "Shows every service of the environment as it is now: its state and health (checks that the "
    "engine has no answer for are run once), where to reach it, its addresses, and what differs "
    "from FILE.\v"
    "Exit codes: 0 everything is healthy and as declared, 1 something is not (the conditions Ready "
    "and Synced say what), or failure, 3 FILE is wrong.",
    children,
    NULL,
    NULL};

int command_status(int argc, char **argv) {
    struct status_options options = {.output.forms = "table, json or yaml"};
    cleanup_error struct error error = ERROR_INIT;
    parse_options(&argp, argc, argv, &options);
    int code = EXIT_DONE;
    cleanup_environment struct environment *environment =
        read_environment(options.file, false, &options.output, &code);
    if (!environment)
        return code;
    cleanup_connection struct connection connection = {0};
    cleanup_arena struct arena *arena = arena_new();
    struct resource_set desired = {0}, observed = {0};
    struct plan *plan = NULL;
    if (connection_open(&connection, &options.engine, &error) != 0 ||
        converge_plan(connection.engine, environment, false, false, arena, &desired, &observed,
                      &plan, &error) != 0)
        return report_error(&error, &options.output);
    struct status *status = status_make(arena, environment, &desired, &observed, plan,
                                        connection.engine->description, time(NULL));
    status_probe(status, connection.engine);
    struct table_look look = output_look();
    if (options.output.format == OUTPUT_TABLE)
        status_write(status, &look, stdout);
    else
        output_document(status_json(status), options.output.format);
    return status_is_good(status) ? EXIT_DONE : EXIT_FAILED;
}
