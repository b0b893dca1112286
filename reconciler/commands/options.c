/* Options that several commands take, through glibc's argp; see common.h. */
#include "base/memory.h"
#include "commands/common.h"
#include "spec/quantity.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* argp shows the names of its keys; keys above a character's range have no short form. */
enum { KEY_HOST = 256, KEY_CONTEXT, KEY_REQUEST_TIMEOUT };

static int format_by_name(const char *name, enum output_format *format) {
    static const char *const names[] = {"table", "json", "yaml"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(name, names[i]) == 0) {
            *format = (enum output_format)i;
            return 0;
        }
    }
    return -1;
}

static error_t parse_output(int key, char *argument, struct argp_state *state) {
    struct output_options *options = state->input;
    if (key == 'h')
        argp_state_help(state, stdout, ARGP_HELP_STD_HELP);
    if (key != 'o')
        return key == 'h' ? 0 : ARGP_ERR_UNKNOWN;
    if (format_by_name(argument, &options->format) != 0 || !strstr(options->forms, argument))
        argp_error(state, "-o \"%s\" is not a format this command writes: use %s", argument,
                   options->forms);
    return 0;
}

static error_t parse_engine(int key, char *argument, struct argp_state *state) {
    struct engine_options *options = state->input;
    if (key == KEY_HOST)
        options->host = argument;
    else if (key == KEY_CONTEXT)
        options->context = argument;
    else if (key == KEY_REQUEST_TIMEOUT)
        options->request_timeout_ms = parse_milliseconds(argument, state, "--request-timeout");
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

static const struct argp_option output_list[] = {
    {"output", 'o', "FORMAT", 0, "How to write the result", 0},
    {NULL, 'h', NULL, OPTION_HIDDEN, NULL, 0},
    {0},
};

static const struct argp_option engine_list[] = {
    {"host", KEY_HOST, "URL", 0,
     "The engine to use, as unix:///path or tcp://host:port (default: DOCKER_HOST, the context)",
     0},
    {"context", KEY_CONTEXT, "NAME", 0, "The docker context to use", 0},
    {"request-timeout", KEY_REQUEST_TIMEOUT, "DURATION", 0,
     "Give up on one request to the engine after this long (default: 30s to look, 60s to 120s to "
     "act; what makes progress, like a pull, may take longer)",
     0},
    {0},
};

/* --help offers what the command writes, and nothing else. */
static char *describe_output(int key, const char *text, void *input) {
    const struct output_options *options = input;
    return key == 'o' && options && options->forms
               ? format_text("How to write the result: %s", options->forms)
               : (char *)text;
}

const struct argp output_argp = {
    .options = output_list, .parser = parse_output, .help_filter = describe_output};
const struct argp engine_argp = {.options = engine_list, .parser = parse_engine};

void parse_options(const struct argp *argp, int argc, char **argv, void *options) {
    /* The note that short options take arguments, too, says nothing anybody wonders about. */
    setenv("ARGP_HELP_FMT", "no-dup-args-note,rmargin=90", 0);
    error_t failed = argp_parse(argp, argc, argv, 0, NULL, options);
    if (failed) {
        fprintf(stderr, "%s: the command line cannot be read: %s\n", argv[0], strerror(failed));
        exit(EXIT_MISUSE);
    }
}

error_t parse_file(int key, char *argument, struct argp_state *state, const char **file) {
    if (key == ARGP_KEY_END && !*file)
        argp_error(state,
                   "FILE is missing: name the environment's file, like environments/dev.yaml");
    if (key == ARGP_KEY_END)
        return 0;
    if (*file)
        argp_error(state, "\"%s\" is one FILE too many after \"%s\"", argument, *file);
    *file = argument;
    return 0;
}

long parse_milliseconds(const char *argument, struct argp_state *state, const char *option) {
    int64_t nanoseconds = 0;
    if (parse_duration(argument, &nanoseconds) != 0)
        argp_error(state, "%s \"%s\" is not a duration: write it like 90s or 5m", option, argument);
    int64_t milliseconds = nanoseconds / 1000000;
    if (nanoseconds > 0 && milliseconds == 0)
        milliseconds = 1; /* 0 would mean: no limit */
    return milliseconds > LONG_MAX / 2 ? LONG_MAX / 2 : (long)milliseconds;
}
