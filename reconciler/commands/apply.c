/* tse-reconcile apply: makes the engine run what a file declares, and waits until it is healthy. */
#include "commands/convergence.h"

enum { KEY_DRY_RUN = 768 };

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct convergence_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = options;
        state->child_inputs[1] = &options->output;
        state->child_inputs[2] = &options->engine;
        return 0;
    case KEY_DRY_RUN:
        options->dry_run = true;
        return 0;
    case ARGP_KEY_ARG:
    case ARGP_KEY_END:
        return parse_file(key, argument, state, &options->file);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option list[] = {
    {"dry-run", KEY_DRY_RUN, NULL, 0, "Only show what would change (exit code 0)", 0},
    {0},
};

static const struct argp_child children[] = {
    {&convergence_argp, 0, NULL, 0}, {&output_argp, 0, NULL, 0}, {&engine_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    list,
    parse,
    "FILE",
    "Makes the engine run what FILE declares: shows the plan, performs it, waits until every "
    "service is healthy. What is already so is left alone; data is never removed.\v"
    "The first Ctrl-C stops cleanly, the second at once; running it again goes on from there.",
    children,
    NULL,
    NULL};

int command_apply(int argc, char **argv) {
    struct convergence_options options = {.parallel = CONVERGENCE_PARALLEL,
                                          .output.forms = "table, json or yaml"};
    cleanup_error struct error error = ERROR_INIT;
    parse_options(&argp, argc, argv, &options);
    int code = EXIT_DONE;
    cleanup_environment struct environment *environment =
        read_environment(options.file, false, &options.output, &code);
    if (!environment)
        return code;
    cleanup_connection struct connection connection = {0};
    if (connection_open(&connection, &options.engine, &error) != 0)
        return report_error(&error, &options.output);
    if (!options.dry_run)
        return convergence_run(&connection, environment, &options);
    code = convergence_plan(&connection, environment, &options, NULL);
    return code == EXIT_CHANGES ? EXIT_DONE : code;
}
