/* tse-reconcile plan: shows what apply (or destroy) would change. */
#include "commands/convergence.h"

enum { KEY_DESTROY = 768, KEY_VOLUMES };

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct convergence_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->output;
        state->child_inputs[1] = &options->engine;
        return 0;
    case KEY_DESTROY:
        options->destroy = true;
        return 0;
    case KEY_VOLUMES:
        options->remove_volumes = true;
        return 0;
    case ARGP_KEY_ARG:
        return parse_file(key, argument, state, &options->file);
    case ARGP_KEY_END:
        if (options->remove_volumes && !options->destroy)
            argp_error(state, "--volumes needs --destroy: only destroy removes volumes");
        return parse_file(key, argument, state, &options->file);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option list[] = {
    {"destroy", KEY_DESTROY, NULL, 0, "Show what destroy would remove", 0},
    {"volumes", KEY_VOLUMES, NULL, 0, "With --destroy: its volumes, too", 0},
    {0},
};

static const struct argp_child children[] = {
    {&output_argp, 0, NULL, 0}, {&engine_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    list,
    parse,
    "FILE",
    "Shows what apply would change, field by field, and whether the file or something outside "
    "changed it. Changes nothing.\v"
    "Exit codes: 0 nothing to do, 2 there are changes, 1 failure, 3 FILE is wrong.",
    children,
    NULL,
    NULL};

int command_plan(int argc, char **argv) {
    struct convergence_options options = {.output.forms = "table, json or yaml"};
    cleanup_error struct error error = ERROR_INIT;
    parse_options(&argp, argc, argv, &options);
    int code = EXIT_DONE;
    cleanup_environment struct environment *environment =
        read_environment(options.file, options.destroy, &options.output, &code);
    if (!environment)
        return code;
    cleanup_connection struct connection connection = {0};
    if (connection_open(&connection, &options.engine, &error) != 0)
        return report_error(&error, &options.output);
    return convergence_plan(&connection, environment, &options, NULL);
}
