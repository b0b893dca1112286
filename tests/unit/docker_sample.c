#include "docker_sample.h"

#include "base/error.h"
#include "plan/plan.h"

#include <criterion/criterion.h>
#include <string.h>

#define LIST(...)                                                                                  \
    { (const char *[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), true }

#define COUNT(array) (sizeof(array) / sizeof *(array))

static struct pair_list pairs(struct arena *arena, const struct pair *items, size_t count) {
    struct pair_list list = {arena_array(arena, struct pair, count), count};
    memcpy(list.items, items, count * sizeof *items);
    return list;
}

#define PAIRS(arena, ...)                                                                          \
    pairs(arena, (struct pair[]){__VA_ARGS__},                                                     \
          sizeof((struct pair[]){__VA_ARGS__}) / sizeof(struct pair))

#define COPY(arena, type, ...)                                                                     \
    memcpy(arena_alloc(arena, sizeof((type[]){__VA_ARGS__})), (type[]){__VA_ARGS__},               \
           sizeof((type[]){__VA_ARGS__}))

static struct text_list list(struct arena *arena, const struct text_list *from) {
    struct text_list copy = {arena_array(arena, const char *, from->count), from->count, true};
    memcpy(copy.items, from->items, from->count * sizeof *from->items);
    return copy;
}

#define TEXTS(arena, ...) list(arena, &(struct text_list)LIST(__VA_ARGS__))

static const char config[] = "line one\nline two\n";
static const char reload[] = "reload me\n";
static const char secret[] = "top-secret\n";

static void fill_process(struct arena *arena, struct service *full) {
    full->command = TEXTS(arena, "sleep", "1000");
    full->entrypoint = TEXTS(arena, "/bin/busybox");
    full->environment = COPY(
        arena, struct variable, {"EMPTY", "", NULL, {0}}, {"IMAGE_A", "mine", NULL, {0}},
        {"LOG.LEVEL", "debug = \"x\"", NULL, {0}}, {"PGPASSWORD", "hunter2", "pg-password", {0}});
    full->environment_count = 4;
    full->healthcheck = (struct healthcheck){.kind = CHECK_TEST,
                                             .test = TEXTS(arena, "CMD", "true"),
                                             .interval_ns = 2000000000,
                                             .timeout_ns = 1500000000,
                                             .start_period_ns = 500000000,
                                             .retries = 4};
    full->restart = RESTART_ON_FAILURE;
    full->restart_declared = true;
    full->restart_max_retries = 3;
    full->user = "0:0";
    full->working_dir = "/tmp";
    full->hostname = "full-host";
    full->stop_signal = "SIGINT";
    full->stop_grace_period_ns = 1500000000;
    full->init = NO;
}

static void fill_storage(struct arena *arena, struct service *full,
                         const struct docker_sample_options *options) {
    full->files = COPY(arena, struct file,
                       {.target = "/etc/full/app.conf",
                        .data = config,
                        .size = sizeof config - 1,
                        .mode = 0640,
                        .uid = 5,
                        .gid = 6},
                       {.target = "/etc/full/reload.conf",
                        .data = reload,
                        .size = sizeof reload - 1,
                        .mode = 0644,
                        .reload_signal = "HUP"},
                       {.target = "/etc/full/secret",
                        .data = secret,
                        .size = sizeof secret - 1,
                        .mode = 0400,
                        .secret = true});
    full->file_count = 3;
    full->mounts =
        COPY(arena, struct mount, {MOUNT_VOLUME, "data", NULL, "/data", false, {0}},
             {MOUNT_BIND, NULL, options->bind ? options->bind : "/etc", "/host-etc", true, {0}});
    full->mount_count = 2;
    full->tmpfs = PAIRS(arena, {"/run", "rw,size=1m", {0}}, {"/scratch", "", {0}});
}

static void fill_networks(struct arena *arena, struct service *full,
                          const struct docker_sample_options *options) {
    full->networks =
        COPY(arena, struct attachment, {"back", NULL, {0}, {0}},
             {"internal", options->address ? options->address : "10.231.77.10", {0}, {0}});
    full->networks[1].aliases = TEXTS(arena, "zeta", "alpha");
    full->network_count = 2;
    uint16_t port = options->port ? options->port : 28731;
    full->ports = COPY(arena, struct port, {"127.0.0.1", 0, 80, false, {0}},
                       {"127.0.0.1", port, 80, false, {0}}, {"0.0.0.0", port, 53, true, {0}});
    full->port_count = 3;
    full->extra_hosts = PAIRS(arena, {"six", "fd00::1", {0}}, {"ten", "10.0.0.10", {0}});
    full->dns = TEXTS(arena, "9.9.9.9", "1.1.1.1");
}

static void fill_limits(struct arena *arena, struct service *full) {
    full->limits = (struct amounts){500000000, 64 << 20, 100};
    full->requests = (struct amounts){100000000, 32 << 20, 0};
    full->cap_add = TEXTS(arena, "NET_ADMIN", "SYS_NICE");
    full->cap_drop = TEXTS(arena, "ALL");
    full->no_new_privileges = true;
    full->sysctls = PAIRS(arena, {"net.core.somaxconn", "512", {0}});
    full->ulimits = COPY(arena, struct ulimit, {"nofile", 1024, 2048}, {"nproc", 512, 512});
    full->ulimit_count = 2;
    full->shm_size = 32 << 20;
    full->labels = PAIRS(arena, {"com.example.team", "infra", {0}}, {"imagelabel", "mine", {0}});
    full->logging_driver = "json-file";
    full->logging_options = PAIRS(arena, {"max-file", "2", {0}}, {"max-size", "1m", {0}});
}

static struct service service(const char *name, const struct docker_sample_options *options) {
    return (struct service){.name = name,
                            .image = options->image ? options->image : "tse-sample:1",
                            .pull_policy = PULL_NEVER,
                            .replicas = 1,
                            .stop_grace_period_ns = -1,
                            .init = UNSET};
}

static struct service locked_service(struct arena *arena,
                                     const struct docker_sample_options *options) {
    struct service locked = service("locked", options);
    locked.read_only = true;
    locked.privileged = true;
    locked.restart = RESTART_NO;
    locked.healthcheck.kind = CHECK_HTTP;
    locked.healthcheck.port = 80;
    locked.files = COPY(
        arena, struct file,
        {.target = "/etc/locked/sub/b.conf",
         .data = reload,
         .size = sizeof reload - 1,
         .mode = 0644},
        {.target = "/etc/locked/a.conf", .data = config, .size = sizeof config - 1, .mode = 0600});
    locked.file_count = 2;
    locked.networks = COPY(arena, struct attachment, {"internal", NULL, {0}, {0}});
    locked.network_count = 1;
    locked.depends_on =
        COPY(arena, struct dependency, {"full", DEPENDS_HEALTHY, {0}}, {"plain", 0, {0}});
    locked.depends_on_count = 2;
    return locked;
}

struct environment *docker_sample_environment(struct arena *arena,
                                              const struct docker_sample_options *options) {
    static const struct docker_sample_options defaults = {0};
    if (!options)
        options = &defaults;
    struct environment *environment = arena_alloc(arena, sizeof *environment);
    environment->arena = arena;
    environment->file = "environments/sample.yaml";
    environment->name = "test";
    environment->project = options->project ? options->project : "tse-sample";
    strcpy(environment->revision, "0123456789abcdef");
    struct service full = service("full", options);
    fill_process(arena, &full);
    fill_storage(arena, &full, options);
    fill_networks(arena, &full, options);
    fill_limits(arena, &full);
    struct service plain = service("plain", options);
    plain.networks = COPY(arena, struct attachment, {"back", NULL, {0}, {0}});
    plain.network_count = 1;
    environment->services =
        COPY(arena, struct service, full, locked_service(arena, options), plain);
    environment->service_count = 3;
    environment->networks =
        COPY(arena, struct network, {.name = "back", .driver = "bridge", .internal = true},
             {.name = "internal",
              .driver = "bridge",
              .subnet = options->subnet ? options->subnet : "10.231.77.0/24"});
    environment->networks[1].labels = PAIRS(arena, {"com.example.net", "yes", {0}});
    environment->network_count = 2;
    environment->volumes = COPY(arena, struct volume, {.name = "data", .driver = "local"});
    environment->volumes[0].labels = PAIRS(arena, {"com.example.vol", "yes", {0}});
    environment->volume_count = 1;
    return environment;
}

struct service *docker_sample_service(struct environment *environment, const char *name) {
    for (size_t i = 0; i < environment->service_count; i++)
        if (strcmp(environment->services[i].name, name) == 0)
            return &environment->services[i];
    cr_assert_fail("no service %s", name);
    return NULL;
}

struct resource_set docker_sample_compile(struct arena *arena,
                                          const struct environment *environment) {
    struct resource_set set;
    struct error error = ERROR_INIT;
    cr_assert(docker_compile(NULL, arena, environment, &set, &error) == 0, "%s",
              error_text(&error));
    return set;
}

const struct resource *docker_sample_resource(const struct resource_set *set, const char *key) {
    const struct resource *resource = resource_find(set, key);
    cr_assert(resource != NULL, "no %s", key);
    return resource;
}

json_t *docker_sample_data(const char *name) {
    cleanup_free char *path = format_text("tests/unit/data/docker/%s", name);
    json_error_t problem;
    json_t *document = json_load_file(path, 0, &problem);
    cr_assert(document != NULL, "%s: %s", path, problem.text);
    return document;
}

char *docker_sample_diff(struct arena *arena, const struct resource *desired,
                         const struct resource *observed) {
    struct field_change *changes;
    size_t count = diff_fields(arena, desired->kind, &desired->fields, &observed->fields,
                               &observed->applied, &changes);
    char *text = arena_copy(arena, "");
    for (size_t i = 0; i < count; i++)
        text = arena_format(arena, "%s%s: %s -> %s\n", text, changes[i].path,
                            changes[i].from ? changes[i].from : "(none)",
                            changes[i].to ? changes[i].to : "(none)");
    return text;
}
