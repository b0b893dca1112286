/*
 * Any bytes as an Environment: reading ends with an environment or with errors, never with neither;
 * an environment keeps the promises of environment.h; its rendering reads to the same environment
 * and renders to itself. Input that does not start with apiVersion is taken for what is under
 * `spec`. Files it can include or upload are in a folder that is made for it.
 */
#include "base/memory.h"
#include "spec/diagnostics.h"
#include "spec/reading.h"
#include "spec/spec.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_INPUT (32u << 10)

static const char header[] =
    "apiVersion: tse.io/v1alpha1\nkind: Environment\nmetadata: {name: dev}\nspec:\n";
static const char stack[] =
    "apiVersion: tse.io/v1alpha1\nkind: Stack\nmetadata: {name: s}\n"
    "spec:\n  networks: {n: {subnet: 10.0.0.0/24}}\n  secrets: {s: {env: S, default: d}}\n"
    "  services: {y: {image: y, files: [{source: conf, target: /c}]}}\n";
static const char *const variables[] = {"A=1", "S=hunter2", NULL};
static char folder[64] = "/tmp/tse-fuzz-spec-XXXXXX";

static void write_file(const char *name, const char *text, size_t size) {
    cleanup_free char *path = format_text("%s/%s", folder, name);
    FILE *out = fopen(path, "w");
    assert(out);
    fwrite(text, 1, size, out);
    fclose(out);
}

static void remove_folder(void) {
    cleanup_free char *command = format_text("rm -rf %s", folder);
    if (system(command) != 0)
        fprintf(stderr, "%s was left behind\n", folder);
}

static void make_folder(void) {
    if (!mkdtemp(folder))
        abort();
    atexit(remove_folder);
    cleanup_free char *inner = format_text("%s/conf", folder);
    mkdir(inner, 0755);
    write_file("conf/a", "${A} ${secret:s}", 16);
    write_file("a", "${A} ${secret:s}", 16);
    write_file("s.yaml", stack, strlen(stack));
    write_file("a.env", "B=2\n", 4);
}

/* --- promises of environment.h ---------------------------------------------------------------- */

static void check_service(const struct environment *environment, const struct service *service) {
    assert(service->name && service->image && service->network_count > 0);
    assert(environment_service(environment, service->name) == service);
    for (size_t i = 0; i < service->network_count; i++)
        assert(environment_network(environment, service->networks[i].network));
    for (size_t i = 0; i < service->environment_count; i++)
        assert(service->environment[i].name && service->environment[i].value);
    for (size_t i = 0; i < service->file_count; i++)
        assert(service->files[i].data && *service->files[i].target == '/' &&
               (i == 0 || strcmp(service->files[i - 1].target, service->files[i].target) < 0));
    for (size_t i = 0; i < service->mount_count; i++)
        assert(service->mounts[i].target &&
               (service->mounts[i].kind == MOUNT_BIND
                    ? service->mounts[i].source != NULL
                    : environment_volume(environment, service->mounts[i].volume) != NULL));
    for (size_t i = 0; i < service->port_count; i++)
        assert(service->ports[i].host_ip && service->ports[i].target > 0);
    for (size_t i = 0; i < service->depends_on_count; i++)
        assert(environment_service(environment, service->depends_on[i].service));
}

static void check_environment(const struct environment *environment) {
    assert(environment->name && environment->project && strlen(environment->revision) == 16);
    for (size_t i = 0; i < environment->service_count; i++)
        check_service(environment, &environment->services[i]);
    for (size_t i = 1; i < environment->network_count; i++)
        assert(strcmp(environment->networks[i - 1].name, environment->networks[i].name) < 0);
    for (size_t i = 0; i < environment->secret_count; i++)
        assert(environment->secrets[i].value);
}

/* --- reading and rendering -------------------------------------------------------------------- */

static struct environment *read_text(const char *file, const char *text, size_t size,
                                     bool must_read) {
    struct spec_options options = {.process_environment = variables};
    struct diagnostics *diagnostics = diagnostics_new();
    struct environment *environment = spec_read_text(file, text, size, &options, diagnostics);
    assert((environment != NULL) == (diagnostics_errors(diagnostics) == 0));
    if (must_read && !environment) {
        fprintf(stderr, "%.*s", (int)size, text);
        diagnostics_print(diagnostics, stderr, false);
        abort();
    }
    FILE *nowhere = fopen("/dev/null", "w");
    diagnostics_print(diagnostics, nowhere, false);
    fclose(nowhere);
    diagnostics_free(diagnostics);
    return environment;
}

static char *render(const char *file, bool json, size_t *size) {
    struct spec_options options = {.process_environment = variables};
    struct diagnostics *diagnostics = diagnostics_new();
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    int result = spec_render(file, &options, json, out, diagnostics);
    fclose(out);
    assert(result == 0);
    diagnostics_free(diagnostics);
    return text;
}

static void check_rendering(const char *file, const struct environment *environment, bool json) {
    size_t size, again_size;
    cleanup_free char *text = render(file, json, &size);
    struct environment *back = read_text(file, text, size, true);
    if (strcmp(back->revision, environment->revision) != 0) {
        fprintf(stderr, "%s", text);
        abort();
    }
    assert(back->service_count == environment->service_count);
    environment_free(back);
    write_file("dev.yaml", text, size);
    cleanup_free char *again = render(file, json, &again_size);
    assert(size == again_size && memcmp(text, again, size) == 0);
}

/* Paths to what changes by itself would make two readings differ. */
static bool leaves_the_folder(const char *text) {
    static const char *const places[] = {"proc", "/sys", "/dev", "/run", "/var", "/tmp", "..//"};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        if (strstr(text, places[i]))
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *data, size_t size) {
    static bool made;
    if (!made)
        make_folder();
    made = true;
    if (size > MAX_INPUT)
        return 0;
    bool whole = size > 10 && memcmp(data, "apiVersion", 10) == 0;
    cleanup_free char *text =
        format_text("%s%.*s", whole ? "" : header, (int)size, (const char *)data);
    if (leaves_the_folder(text))
        return 0;
    cleanup_free char *file = format_text("%s/dev.yaml", folder);
    size_t length = strlen(text);
    struct environment *environment = read_text(file, text, length, false);
    if (!environment)
        return 0;
    check_environment(environment);
    write_file("dev.yaml", text, length);
    check_rendering(file, environment, false);
    write_file("dev.yaml", text, length);
    check_rendering(file, environment, true);
    environment_free(environment);
    return 0;
}
