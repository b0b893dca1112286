/* tse-reconcile destroy: removes what a file declares, after asking. */
#include "commands/convergence.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { KEY_VOLUMES = 768 };

struct destroy_options {
    struct convergence_options convergence; /* first: its options are parsed by a child */
    bool yes;
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct destroy_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->convergence;
        state->child_inputs[1] = &options->convergence.output;
        state->child_inputs[2] = &options->convergence.engine;
        return 0;
    case 'y':
        options->yes = true;
        return 0;
    case KEY_VOLUMES:
        options->convergence.remove_volumes = true;
        return 0;
    case ARGP_KEY_ARG:
    case ARGP_KEY_END:
        return parse_file(key, argument, state, &options->convergence.file);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option list[] = {
    {"yes", 'y', NULL, 0, "Do not ask", 0},
    {"volumes", KEY_VOLUMES, NULL, 0, "Remove the volumes, too: their data is lost", 0},
    {0},
};

static const struct argp_child children[] = {
    {&convergence_argp, 0, NULL, 0}, {&output_argp, 0, NULL, 0}, {&engine_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    list,
    parse,
    "FILE",
    "Removes the containers and networks of the environment that FILE declares, after showing them "
    "and asking. Volumes stay, with their data, unless --volumes is given.",
    children,
    NULL,
    NULL};

static bool answered_yes(const char *name, bool volumes) {
    cleanup_free char *line = NULL;
    size_t size = 0;
    if (volumes)
        fputs("The data in the volumes will be lost.\n", stderr);
    fprintf(stderr, "Remove all of this from %s? [y/N] ", name);
    fflush(stderr);
    ssize_t length = getline(&line, &size, stdin);
    if (length < 0)
        fputc('\n', stderr); /* Ctrl-D leaves the cursor behind the question */
    if (length <= 0)
        return false;
    line[strcspn(line, "\r\n")] = '\0';
    return strcasecmp(line, "y") == 0 || strcasecmp(line, "yes") == 0;
}

/* Shows what goes and asks. Returns EXIT_CHANGES when it may go on, else what to end with. */
static int ask(struct connection *connection, const struct environment *environment,
               struct convergence_options *options) {
    size_t changes = 0;
    int code = convergence_plan(connection, environment, options, &changes);
    if (code != EXIT_CHANGES)
        return code;
    options->plan_shown = true;
    if (answered_yes(environment->name, options->remove_volumes))
        return EXIT_CHANGES;
    fputs("Nothing was removed.\n", stderr);
    return EXIT_FAILED;
}

/* Without a person to ask, only --yes will do; a document on stdout leaves no place for the list.
 */
static int refuse(const struct destroy_options *options) {
    cleanup_error struct error error = ERROR_INIT;
    error_set(&error, ERROR_USAGE,
              "destroy asks before it removes anything, and %s: give --yes to remove without "
              "asking; \"tse-reconcile plan --destroy %s\" shows what would go",
              isatty(STDIN_FILENO) ? "cannot with this output format"
                                   : "there is no terminal to ask on",
              options->convergence.file);
    return report_error(&error, &options->convergence.output);
}

int command_destroy(int argc, char **argv) {
    struct destroy_options options = {.convergence = {.parallel = CONVERGENCE_PARALLEL,
                                                      .destroy = true,
                                                      .output.forms = "table, json or yaml"}};
    cleanup_error struct error error = ERROR_INIT;
    parse_options(&argp, argc, argv, &options);
    if (!options.yes &&
        (!isatty(STDIN_FILENO) || options.convergence.output.format != OUTPUT_TABLE))
        return refuse(&options);
    int code = EXIT_DONE;
    cleanup_environment struct environment *environment =
        read_environment(options.convergence.file, true, &options.convergence.output, &code);
    if (!environment)
        return code;
    cleanup_connection struct connection connection = {0};
    if (connection_open(&connection, &options.convergence.engine, &error) != 0)
        return report_error(&error, &options.convergence.output);
    if (!options.yes) {
        code = ask(&connection, environment, &options.convergence);
        if (code != EXIT_CHANGES)
            return code;
    }
    return convergence_run(&connection, environment, &options.convergence);
}
