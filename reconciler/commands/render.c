/* tse-reconcile render: writes the flattened environment. */
#include "commands/common.h"

#include "base/memory.h"

#include <stdlib.h>
#include <unistd.h>

struct render_options {
    const char *file;
    struct output_options output;
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct render_options *options = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &options->output;
        return 0;
    case ARGP_KEY_ARG:
    case ARGP_KEY_END:
        return parse_file(key, argument, state, &options->file);
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {{&output_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    NULL,
    parse,
    "FILE",
    "Writes the environment as one file: includes, overlays, variables and features applied. "
    "Secrets stay references: no value is asked for or shown. A default stays as a file declares "
    "it, and variables in it are not replaced.",
    children,
    NULL,
    NULL};

int command_render(int argc, char **argv) {
    struct render_options options = {.output.forms = "yaml or json"}; /* yaml, if none is named */
    parse_options(&argp, argc, argv, &options);
    struct spec_options how = {.process_environment = (const char *const *)environ,
                               .allow_missing_secrets = true};
    struct diagnostics *diagnostics = diagnostics_new();
    char *text = NULL;
    size_t size = 0;
    FILE *rendered = open_memstream(&text, &size); /* nothing half-written on stdout */
    int failed = !rendered || spec_render(options.file, &how, options.output.format == OUTPUT_JSON,
                                          rendered, diagnostics) != 0;
    if (rendered)
        fclose(rendered);
    int code = EXIT_DONE;
    if (failed) {
        code = report_diagnostics(diagnostics, options.file, &options.output);
    } else {
        print_diagnostics(diagnostics);
        fwrite(text, 1, size, stdout);
    }
    free(text);
    diagnostics_free(diagnostics);
    return code;
}
