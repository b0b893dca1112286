/* tse-reconcile version: the versions of the program, its libraries and the engine. */
#include "commands/common.h"

#include "base/memory.h"
#include "status/document.h"

#include <curl/curl.h>
#include <openssl/crypto.h>
#include <yaml.h>

#ifndef TSE_VERSION /* the Makefile passes what git describes */
#define TSE_VERSION "unknown"
#endif

struct version_options {
    struct output_options output;
    struct engine_options engine;
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    struct version_options *options = state->input;
    if (key == ARGP_KEY_INIT) {
        state->child_inputs[0] = &options->output;
        state->child_inputs[1] = &options->engine;
        return 0;
    }
    if (key == ARGP_KEY_ARG)
        argp_error(state, "\"%s\" is one argument too many: version takes none", argument);
    return ARGP_ERR_UNKNOWN;
}

static const struct argp_child children[] = {
    {&output_argp, 0, NULL, 0}, {&engine_argp, 0, NULL, 0}, {0}};

static const struct argp argp = {
    NULL,
    parse,
    NULL,
    "Shows the versions of the program, of its libraries as they run, and of the engine. An engine "
    "that does not answer is no failure.",
    children,
    NULL,
    NULL};

static json_t *libraries(void) {
    json_t *object = json_object();
    document_text(object, "libcurl", curl_version_info(CURLVERSION_NOW)->version);
    document_text(object, "libyaml", yaml_get_version_string());
    document_text(object, "jansson", jansson_version_str());
    document_text(object, "libcrypto", OpenSSL_version(OPENSSL_VERSION_STRING));
    return object;
}

static void print(const json_t *document, const struct error *error) {
    const char *name;
    json_t *value;
    printf("tse-reconcile %s\n", TSE_VERSION);
    json_object_foreach(json_object_get(document, "libraries"), name, value) {
        printf("%s %s\n", name, json_string_value(value));
    }
    const char *engine = json_string_value(json_object_get(document, "engine"));
    if (engine)
        printf("engine: %s\n", engine);
    else
        printf("engine: none answers: %s\n", error_text(error));
}

int command_version(int argc, char **argv) {
    struct version_options options = {.output.forms = "table, json or yaml"};
    cleanup_error struct error error = ERROR_INIT;
    parse_options(&argp, argc, argv, &options);
    cleanup_connection struct connection connection = {0};
    int failed = connection_open(&connection, &options.engine, &error);
    json_t *document = json_object();
    document_text(document, "version", TSE_VERSION);
    json_object_set_new(document, "libraries", libraries());
    document_text(document, "engine", failed ? NULL : connection.engine->description);
    if (failed)
        json_object_set_new(document, "engineError", error_json(&error));
    if (options.output.format != OUTPUT_TABLE) {
        output_document(document, options.output.format);
        return EXIT_DONE;
    }
    print(document, &error);
    json_decref(document);
    return EXIT_DONE;
}
