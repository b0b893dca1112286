/*
 * Any bytes as answers of the Docker engine. The first byte says which: a container (inspected in
 * the view of an environment that knows it), a list of networks or volumes in pieces, a path's
 * state, an archive, a last-applied label. Reading ends with resources whose fields are sorted and
 * named once, or with a refusal.
 */
#include "engines/docker/inspect.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static struct service services[] = {{.name = "full",
                                     .image = "tse-sample:1",
                                     .replicas = 1,
                                     .stop_grace_period_ns = -1,
                                     .init = UNSET}};
static struct attachment attachment = {.network = "internal"};
static struct port port = {.host_ip = "127.0.0.1", .published = 1, .target = 80};
static struct file files[] = {
    {.target = "/etc/full/app.conf", .data = "x", .size = 1},
    {.target = "/etc/full/secret", .data = "y", .size = 1, .secret = true}};
static struct network networks[] = {{.name = "internal", .driver = "bridge"}};

static void desire(struct arena *arena, struct resource_set *desired) {
    static struct environment environment = {.name = "test",
                                             .project = "tse-sample",
                                             .services = services,
                                             .service_count = 1,
                                             .networks = networks,
                                             .network_count = 1};
    services[0].networks = &attachment;
    services[0].network_count = 1;
    services[0].ports = &port;
    services[0].port_count = 1;
    services[0].files = files;
    services[0].file_count = 2;
    int result = docker_compile(NULL, arena, &environment, desired, NULL);
    assert(result == 0);
}

static void check_fields(const struct field_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        assert(list->items[i].path && list->items[i].value);
        assert(i == 0 || strcmp(list->items[i - 1].path, list->items[i].path) < 0);
    }
}

static void check_resources(struct docker_view *view) {
    struct resource_set observed;
    docker_view_finish(view, &observed);
    for (size_t i = 0; i < observed.count; i++) {
        const struct resource *resource = &observed.items[i];
        assert(resource->kind && resource->key && resource->name && resource->engine_name);
        check_fields(&resource->fields);
        check_fields(&resource->applied);
    }
}

static void fuzz_container(struct docker_view *view, const char *data, size_t size) {
    json_auto_t *document = json_loadb(data, size, 0, NULL);
    json_auto_t *image = json_pack("{s:s,s:{s:[s]}}", "Id", "sha256:1", "Config", "Env", "A=1");
    docker_view_ask_image(view, "sha256:1");
    docker_inspect_image(view, docker_view_image(view, "sha256:1"), image);
    if (document)
        docker_inspect_container(view, document);
}

static int element_network(void *context, const json_t *element) {
    return docker_inspect_network(context, element);
}

static int element_volume(void *context, const json_t *element) {
    return docker_inspect_volume(context, element);
}

/* In pieces, as the second byte says. */
static void fuzz_list(struct docker_view *view, const char *data, size_t size, bool volumes) {
    struct docker_array_reader reader = {.depth = volumes ? 2 : 1,
                                         .element = volumes ? element_volume : element_network,
                                         .context = view};
    size_t step = size ? 1 + (unsigned char)data[0] : 1;
    bool fine = true;
    for (size_t i = 1; i < size && fine; i += step)
        fine = docker_array_feed(&reader, data + i, size - i < step ? size - i : step);
    docker_array_complete(&reader);
    docker_array_clear(&reader);
}

static void fuzz_image(struct docker_view *view, const char *data, size_t size) {
    json_auto_t *document = json_loadb(data, size, 0, NULL);
    docker_view_ask_image(view, "x");
    if (document)
        docker_inspect_image(view, docker_view_image(view, "x"), document);
}

static void fuzz_stat(const char *data, size_t size) {
    cleanup_free char *header = memory_alloc(size + 1);
    memcpy(header, data, size);
    struct docker_path_stat stat;
    bool earlier;
    if (docker_path_stat_read(header, &stat) == 0)
        assert(docker_file_observed(&files[0], "sha256:0", header, &stat, &earlier) != NULL);
}

static void fuzz_archive(const char *data, size_t size) {
    struct docker_archived file;
    if (docker_archive_read(data, size, &file) == 0)
        assert(file.data >= data && file.data + file.size <= data + size);
}

static void fuzz_applied(struct docker_view *view, const char *data, size_t size) {
    cleanup_free char *text = memory_alloc(size + 1);
    memcpy(text, data, size);
    json_auto_t *labels = json_object();
    json_object_set_new(labels, LABEL_LAST_APPLIED, json_string(text));
    struct field_list applied = docker_applied_decode(view->strings, view->arena, labels);
    check_fields(&applied);
}

int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size);
int LLVMFuzzerTestOneInput(const unsigned char *bytes, size_t size) {
    if (!size)
        return 0;
    const char *data = (const char *)bytes + 1;
    cleanup_arena struct arena *arena = arena_new();
    struct resource_set desired;
    desire(arena, &desired);
    struct docker_view view;
    docker_view_begin(&view, arena, "tse-sample", "test", &desired);
    switch (bytes[0] % 7) {
    case 0:
        fuzz_container(&view, data, size - 1);
        break;
    case 1:
    case 2:
        fuzz_list(&view, data, size - 1, bytes[0] % 7 == 2);
        break;
    case 3:
        fuzz_image(&view, data, size - 1);
        break;
    case 4:
        fuzz_stat(data, size - 1);
        break;
    case 5:
        fuzz_archive(data, size - 1);
        break;
    default:
        fuzz_applied(&view, data, size - 1);
    }
    check_resources(&view);
    docker_view_free(&view);
    return 0;
}
