/*
 * The real engine: what the request bodies say is what observe reads back, field by field, and what
 * somebody changes by hand is seen, by name, and nothing else. Skipped where no engine answers.
 * With TSE_RECORD=DIRECTORY the engine's answers are written there: they are the data of
 * test_docker_inspect.c.
 */
#include "docker_live.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

static struct live live;
static struct arena *arena;
static struct environment *environment;
static struct resource_set desired;

static void begin(void) {
    live_begin(&live);
    arena = arena_new();
    struct docker_sample_options options = live_options(&live);
    environment = docker_sample_environment(arena, &options);
    desired = docker_sample_compile(arena, environment);
}

static void end(void) {
    live_end(&live);
    arena_free(arena);
}

TestSuite(docker_live, .init = begin, .fini = end, .timeout = 120);

static struct resource_set observe(void) {
    return live_observe(&live, arena, environment, &desired);
}

static void act(enum verb verb, const struct resource *resource, const struct resource *observed,
                const char *argument) {
    live_act(&live, environment,
             (struct action){
                 .verb = verb, .desired = resource, .observed = observed, .argument = argument});
}

static const struct resource *want(const char *key) {
    return docker_sample_resource(&desired, key);
}

static void make_objects(void) {
    act(VERB_CREATE, want("network/internal"), NULL, NULL);
    act(VERB_CREATE, want("network/back"), NULL, NULL);
    act(VERB_CREATE, want("volume/data"), NULL, NULL);
}

/* As the planner orders it. `start` false leaves it created. */
static void make(const char *key, bool start) {
    const struct resource *resource = want(key);
    const struct service *service = resource->service;
    act(VERB_CREATE, resource, NULL, NULL);
    bool all = live.engine->capabilities.create_with_all_networks;
    for (size_t i = 1; i < service->network_count && !all; i++)
        act(VERB_CONNECT, resource, NULL,
            docker_name(arena, environment->project, service->networks[i].network, 0));
    if (service->file_count)
        act(VERB_UPLOAD, resource, NULL, NULL);
    if (start)
        act(VERB_START, resource, NULL, NULL);
}

/* Networks of others are observed too, for their subnets. */
static size_t ours(const struct resource_set *observed) {
    size_t count = 0;
    for (size_t i = 0; i < observed->count; i++)
        count += !observed->items[i].foreign;
    return count;
}

static void expect_no_difference(const char *when) {
    struct resource_set observed = observe();
    for (size_t i = 0; i < desired.count; i++) {
        const struct resource *seen = resource_find(&observed, desired.items[i].key);
        cr_assert(seen != NULL, "%s: %s is not observed", when, desired.items[i].key);
        char *difference = docker_sample_diff(arena, &desired.items[i], seen);
        cr_assert(difference[0] == '\0', "%s: %s\n%s", when, desired.items[i].key, difference);
    }
    cr_assert(ours(&observed) == desired.count, "%s: %zu resources observed, %zu desired", when,
              ours(&observed), desired.count);
}

static char *difference_of(const char *key) {
    struct resource_set observed = observe();
    return docker_sample_diff(arena, want(key), docker_sample_resource(&observed, key));
}

static void call(const char *method, const char *path, const char *body) {
    json_decref(live_json(&live, method, path, body));
}

/* At once, without the grace period a stop has. */
static void halt(const char *service) {
    cleanup_free char *path = format_text("/containers/%s-%s/stop?t=0", live.project, service);
    call("POST", path, NULL);
}

static void record(const char *name, const char *path) {
    const char *folder = getenv("TSE_RECORD");
    if (!folder)
        return;
    json_auto_t *answer = live_json(&live, "GET", path, NULL);
    cleanup_free char *file = format_text("%s/%s", folder, name);
    cr_assert(json_dump_file(answer, file, JSON_INDENT(1)) == 0, "%s", file);
}

static void make_all(void) {
    make_objects();
    make("service/full", true);
    make("service/locked", true);
    make("service/plain", true);
}

Test(docker_live, every_field_comes_back) {
    make_objects();
    make("service/full", false);
    make("service/locked", false);
    make("service/plain", false);
    expect_no_difference("created");
    record("full-created.json", "/containers/tse-sample-full/json");
    act(VERB_START, want("service/full"), NULL, NULL);
    act(VERB_START, want("service/locked"), NULL, NULL);
    act(VERB_START, want("service/plain"), NULL, NULL);
    expect_no_difference("running");
    record("full-running.json", "/containers/tse-sample-full/json");
    record("locked-running.json", "/containers/tse-sample-locked/json");
    record("plain-running.json", "/containers/tse-sample-plain/json");
    record("image.json", "/images/tse-sample:1/json");
    record("networks.json", "/networks");
    record("volumes.json", "/volumes");
    record("containers.json", "/containers/json?all=1");
    halt("full");
    expect_no_difference("stopped");
}

Test(docker_live, what_status_shows) {
    make_all();
    struct resource_set observed = observe();
    const struct resource *full = docker_sample_resource(&observed, "service/full");
    cr_assert(full->state == RUN_RUNNING && full->slot == SLOT_CURRENT && !full->foreign);
    cr_assert(full->health == HEALTH_STARTING);
    cr_assert(docker_sample_resource(&observed, "service/locked")->health == HEALTH_UNKNOWN);
    cr_assert(eq(str, (char *)full->facts->stand_in, "sample"));
    cr_assert(full->facts->started != NULL && full->created != NULL);
    cr_assert(eq(sz, full->facts->addresses.count, 2));
    cr_assert(eq(str, (char *)full->facts->addresses.items[0].key, "back"));
    cr_assert(eq(str, (char *)full->facts->addresses.items[1].value, live.address));
    cr_assert(full->facts->port_count >= 3);
    const struct docker_container_data *data = full->engine_data;
    cr_assert(eq(sz, data->anonymous_count, 1));
    cr_assert(eq(str, (char *)data->anonymous[0].target, "/var/lib/data"));
}

Test(docker_live, limits_change_in_place) {
    make_all();
    struct service *full = docker_sample_service(environment, "full");
    static const int64_t memory[] = {256 << 20, 48 << 20, 96 << 20};
    for (size_t i = 0; i < sizeof memory / sizeof *memory; i++) {
        full->limits.memory = memory[i];
        full->limits.pids = i == 1 ? 0 : 50 + (int64_t)i;
        full->limits.nano_cpus = 250000000 + (int64_t)i * 10000000;
        full->requests.nano_cpus = 2000000 << i;
        full->restart = i == 1 ? RESTART_NO : RESTART_UNLESS_STOPPED;
        desired = docker_sample_compile(arena, environment);
        struct resource_set observed = observe();
        const struct resource *seen = docker_sample_resource(&observed, "service/full");
        cr_assert(docker_sample_diff(arena, want("service/full"), seen)[0] != '\0');
        act(VERB_UPDATE, want("service/full"), seen, NULL);
        expect_no_difference("updated");
    }
}

static void expect_difference(const char *key, const char *expected) {
    char *difference = difference_of(key);
    cr_assert(eq(str, difference, (char *)expected));
}

Test(docker_live, drift_of_values_is_named) {
    make_all();
    cleanup_free char *update = format_text("/containers/%s-full/update", live.project);
    call("POST", update, "{\"Memory\":134217728,\"MemorySwap\":268435456}");
    expect_difference("service/full", "resources.limits.memory: 128Mi -> 64Mi\n");
    struct resource_set observed = observe();
    act(VERB_UPDATE, want("service/full"), docker_sample_resource(&observed, "service/full"), NULL);
    cleanup_free char *exec = format_text("/containers/%s-plain/update", live.project);
    call("POST", exec, "{\"PidsLimit\":77,\"RestartPolicy\":{\"Name\":\"always\"}}");
    expect_difference("service/plain",
                      "resources.limits.pids: 77 -> (none)\nrestart: always -> unless-stopped\n");
    observed = observe();
    act(VERB_UPDATE, want("service/plain"), docker_sample_resource(&observed, "service/plain"),
        NULL);
    expect_no_difference("repaired");
}

Test(docker_live, drift_of_networks_is_named) {
    make_all();
    cleanup_free char *name = format_text("%s-internal", live.project);
    cleanup_free char *disconnect = format_text("/networks/%s/disconnect", name);
    cleanup_free char *container = format_text("{\"Container\":\"%s-full\"}", live.project);
    call("POST", disconnect, container);
    cleanup_free char *gone =
        format_text("networks.internal: (none) -> connected\n"
                    "networks.internal.aliases: (none) -> [\"alpha\",\"full\",\"zeta\"]\n"
                    "networks.internal.ipv4Address: (none) -> %s\n",
                    live.address);
    char *difference = difference_of("service/full");
    cr_assert(strstr(difference, gone) != NULL, "%s", difference);
    act(VERB_CONNECT, want("service/full"), NULL, name);
    expect_no_difference("connected again");
    cleanup_free char *connect = format_text("/networks/%s/connect", name);
    cleanup_free char *plain = format_text("{\"Container\":\"%s-plain\"}", live.project);
    call("POST", connect, plain);
    expect_difference("service/plain", "networks.internal: connected -> (none)\n");
}

Test(docker_live, a_network_made_anew_is_another_one) {
    make_all();
    halt("full");
    halt("locked");
    struct resource_set observed = observe();
    act(VERB_REMOVE, NULL, docker_sample_resource(&observed, "network/internal"), NULL);
    act(VERB_CREATE, want("network/internal"), NULL, NULL);
    char *difference = difference_of("service/full");
    cr_assert(strstr(difference, "networks.internal: (none) -> connected\n") == difference, "%s",
              difference);
    cleanup_free char *name = format_text("%s-internal", live.project);
    act(VERB_CONNECT, want("service/full"), NULL, name);
    act(VERB_CONNECT, want("service/locked"), NULL, name);
    act(VERB_START, want("service/full"), NULL, NULL);
    act(VERB_START, want("service/locked"), NULL, NULL);
    expect_no_difference("moved over");
}

static void run_in(const char *container, const char *command) {
    cleanup_free char *path = format_text("/containers/%s-%s/exec", live.project, container);
    cleanup_free char *body = format_text(
        "{\"AttachStdout\":true,\"User\":\"0\",\"Cmd\":[\"/bin/busybox\",\"sh\",\"-c\",\"%s\"]}",
        command);
    json_auto_t *made = live_json(&live, "POST", path, body);
    cleanup_free char *start =
        format_text("/exec/%s/start", json_string_value(json_object_get(made, "Id")));
    live_call(&live, "POST", start, NULL, "{}", 2, NULL);
}

Test(docker_live, drift_of_files_is_named) {
    make_all();
    /* Its root has no capabilities: it may not write into files of others, but replace them. */
    run_in("full", "cd /etc/full; rm app.conf reload.conf; echo changed > app.conf; "
                   "rm secret; umask 277; echo top-SECRET > secret");
    run_in("locked", "chmod 644 /etc/locked/a.conf");
    char *difference = difference_of("service/full");
    cr_assert(strncmp(difference, "files./etc/full/app.conf: modified outside -> sha256:", 53) == 0,
              "%s", difference);
    cr_assert(strstr(difference, "files./etc/full/secret: (secret) -> (secret)\n") != NULL, "%s",
              difference);
    cr_assert(strstr(difference, "reloadable./etc/full/reload.conf: (none) -> sha256:") != NULL,
              "%s", difference);
    cr_assert(strstr(difference_of("service/locked"),
                     "files./etc/locked/a.conf: modified outside -> sha256:") != NULL);
    act(VERB_UPLOAD, want("service/full"), NULL, "/etc/full/reload.conf");
    cr_assert(strstr(difference_of("service/full"), "reloadable") == NULL);
}

Test(docker_live, a_directory_of_files_that_became_a_file) {
    make_all();
    run_in("full", "rm -r /etc/full; echo x > /etc/full");
    char *difference = difference_of("service/full");
    cr_assert(strstr(difference, "files./etc/full/app.conf: modified outside -> ") != NULL, "%s",
              difference);
}

/* A reload file changed twice while its label is of the first: still the declared state's doing. */
Test(docker_live, reloaded_files_have_a_label_of_before) {
    make_all();
    struct service *full = docker_sample_service(environment, "full");
    static const char *const contents[] = {"second\n", "third!\n"};
    for (int i = 0; i < 2; i++) {
        full->files[1].data = contents[i];
        full->files[1].size = 7;
        desired = docker_sample_compile(arena, environment);
        struct resource_set observed = observe();
        const struct resource *seen = docker_sample_resource(&observed, "service/full");
        struct field_change *changes;
        cr_assert(eq(sz,
                     diff_fields(arena, seen->kind, &want("service/full")->fields, &seen->fields,
                                 &seen->applied, &changes),
                     1));
        cr_assert(eq(int, changes[0].change_by, CHANGE_BY_UPLOAD));
        cr_assert(eq(int, changes[0].cause, CAUSE_SPEC));
        act(VERB_STAGE, want("service/full"), NULL, "/etc/full/reload.conf");
        cr_assert(strstr(difference_of("service/full"), "uploaded, not reloaded yet -> ") != NULL);
        act(VERB_UPLOAD, want("service/full"), NULL, "/etc/full/reload.conf");
        expect_no_difference("uploaded");
    }
}

Test(docker_live, a_moved_tag_is_named) {
    make_all();
    cleanup_free char *tag =
        format_text("/images/%s:base/tag?repo=%s&tag=1", live.project, live.project);
    call("POST", tag, NULL);
    cleanup_free char *start = format_text("image: %s (sha256:", live.image);
    char *difference = difference_of("service/plain");
    cr_assert(strncmp(difference, start, strlen(start)) == 0, "%s", difference);
}

Test(docker_live, names_states_and_slots) {
    make_all();
    cleanup_free char *rename =
        format_text("/containers/%s-full/rename?name=%s-full.previous", live.project, live.project);
    call("POST", rename, NULL);
    cleanup_free char *pause = format_text("/containers/%s-plain/pause", live.project);
    call("POST", pause, NULL);
    cleanup_free char *foreign_name = format_text("/containers/create?name=%s-full", live.project);
    cleanup_free char *foreign = format_text(
        "{\"Image\":\"%s\",\"Labels\":{\"tse.io/project\":\"%s\",\"tse.io/environment\":\"prod\"}}",
        live.image, live.project);
    call("POST", foreign_name, foreign);
    struct resource_set observed = observe();
    cr_assert(resource_find(&observed, "service/full") == NULL);
    size_t previous = 0, others = 0;
    for (size_t i = 0; i < observed.count; i++) {
        const struct resource *one = &observed.items[i];
        if (strcmp(one->key, "service/full") != 0)
            continue;
        previous += one->slot == SLOT_PREVIOUS && !one->foreign;
        if (one->foreign) {
            others++;
            cleanup_free char *owner = format_text("environment prod of project %s", live.project);
            cr_assert(eq(str, (char *)one->owner, owner));
        }
    }
    cr_assert(previous == 1 && others == 1);
    cr_assert(docker_sample_resource(&observed, "service/plain")->state == RUN_PAUSED);
}

/* What the image's VOLUME held is carried over; volumes for files are not, and are reported. */
Test(docker_live, replacing_keeps_anonymous_volumes) {
    make_all();
    run_in("full", "echo kept > /var/lib/data/row");
    struct resource_set before = observe();
    const struct resource *full = docker_sample_resource(&before, "service/full");
    const struct resource *locked = docker_sample_resource(&before, "service/locked");
    static const char *const keys[] = {"service/full", "service/locked"};
    const struct resource *old[] = {full, locked};
    for (int i = 0; i < 2; i++) {
        halt(old[i]->name);
        cleanup_free char *aside = format_text("%s.previous", old[i]->engine_name);
        act(VERB_RENAME, NULL, old[i], aside);
        act(VERB_CREATE, want(keys[i]), NULL, NULL);
        cleanup_free char *path = format_text("/containers/%s", want(keys[i])->engine_name);
        call("DELETE", path, NULL);
        live_act(&live, environment,
                 (struct action){.verb = VERB_CREATE,
                                 .desired = want(keys[i]),
                                 .observed = old[i],
                                 .target = want(keys[i])->engine_name});
        if (i == 0)
            act(VERB_CONNECT, want(keys[i]), NULL,
                docker_name(arena, environment->project, "internal", 0));
        act(VERB_UPLOAD, want(keys[i]), NULL, NULL);
        act(VERB_REMOVE, NULL, old[i], NULL);
        act(VERB_START, want(keys[i]), NULL, NULL);
    }
    struct resource_set after = observe();
    const struct docker_container_data *was = full->engine_data;
    const struct docker_container_data *is =
        docker_sample_resource(&after, "service/full")->engine_data;
    cr_assert(eq(sz, is->anonymous_count, 1));
    cr_assert(eq(str, (char *)is->anonymous[0].name, (char *)was->anonymous[0].name));
    size_t unused = 0;
    for (size_t i = 0; i < after.count; i++)
        unused += after.items[i].kind == &docker_kind_files;
    cr_assert(eq(sz, unused, 2)); /* of the old one, and of the one made and removed */
    for (size_t i = 0; i < after.count; i++)
        if (after.items[i].kind == &docker_kind_files)
            act(VERB_REMOVE, NULL, &after.items[i], NULL);
    expect_no_difference("replaced");
    /* It counts as named now: removing the container leaves it. */
    act(VERB_REMOVE, NULL, docker_sample_resource(&after, "service/full"), NULL);
    cleanup_free char *path = format_text("/volumes/%s", is->anonymous[0].name);
    call("DELETE", path, NULL);
}

/* Values cannot be told from the image's any more, and are not drift. */
Test(docker_live, a_deleted_image_changes_nothing_else) {
    make_all();
    halt("plain");
    struct resource_set before = observe();
    act(VERB_REMOVE, NULL, docker_sample_resource(&before, "service/full"), NULL);
    act(VERB_REMOVE, NULL, docker_sample_resource(&before, "service/locked"), NULL);
    cleanup_free char *untag = format_text("/images/%s?force=1", live.image);
    call("DELETE", untag, NULL);
    cleanup_free char *inspect = format_text("/images/%s/json", live.image);
    cr_assert(eq(long, live_call(&live, "GET", inspect, NULL, NULL, 0, NULL), 404));
    struct resource_set observed = observe();
    cleanup_free char *key = format_text("image/%s", live.image);
    cr_assert(resource_find(&observed, key) == NULL);
    expect_difference("service/plain", "");
}

Test(docker_live, nothing_there) {
    struct resource_set observed = observe();
    cr_assert(eq(sz, ours(&observed), 1)); /* the image */
    struct resource_set none = {0};
    observed = live_observe(&live, arena, environment, &none);
    cr_assert(eq(sz, ours(&observed), 0));
}
