/*
 * The engine's answers as resources. The data was recorded from Docker Engine 20.10 by
 * test_docker_roundtrip_live.c; how later engines differ is from the Engine API's version history,
 * worked into it here.
 */
#include "docker_sample.h"

#include "base/error.h"
#include "engines/docker/transport.h"
#include "plan/plan.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct arena *arena;
static struct environment *environment;
static struct resource_set desired;
static struct docker_view view;
static json_t *container, *image;

static void begin(void) {
    arena = arena_new();
    environment = docker_sample_environment(arena, NULL);
    desired = docker_sample_compile(arena, environment);
    container = docker_sample_data("full-running.json");
    image = docker_sample_data("image.json");
}

static void end(void) {
    docker_view_free(&view);
    json_decref(container);
    json_decref(image);
    arena_free(arena);
}

TestSuite(docker_inspect, .init = begin, .fini = end);

static void inspect_list(const char *file, const char *member,
                         int (*inspect)(struct docker_view *, const json_t *)) {
    json_auto_t *document = docker_sample_data(file);
    size_t i;
    json_t *item;
    json_array_foreach(member ? json_object_get(document, member) : document, i, item)
        cr_assert(inspect(&view, item) == 0);
}

/* Everything but containers. */
static void look_around(void) {
    docker_view_free(&view);
    docker_view_begin(&view, arena, "tse-sample", "test", &desired);
    inspect_list("volumes.json", "Volumes", docker_inspect_volume);
    inspect_list("networks.json", NULL, docker_inspect_network);
    const char *id = json_string_value(json_object_get(image, "Id"));
    docker_view_ask_image(&view, "tse-sample:1");
    docker_view_ask_image(&view, id);
    cr_assert(docker_inspect_image(&view, docker_view_image(&view, "tse-sample:1"), image) == 0);
    cr_assert(docker_inspect_image(&view, docker_view_image(&view, id), image) == 0);
}

/* Looks at files and finds them as declared. */
static struct resource *look_at_container(void) {
    cr_assert(docker_inspect_container(&view, container) == 0);
    size_t index = view.resource_count - 1;
    const struct resource *wanted = docker_view_desired(&view, view.resources[index].key);
    for (struct docker_file_check *check = view.checks; check; check = check->next)
        if (wanted && !check->value)
            check->value = field_value(&wanted->fields, check->path);
    struct resource_set observed;
    const char *key = view.resources[index].key;
    docker_view_finish(&view, &observed);
    for (size_t i = 0; i < observed.count; i++)
        if (strcmp(observed.items[i].key, key) == 0)
            return &observed.items[i];
    return NULL;
}

static char *difference(const char *key) {
    look_around();
    struct resource *observed = look_at_container();
    cr_assert(eq(str, (char *)observed->key, (char *)key));
    return docker_sample_diff(arena, docker_sample_resource(&desired, key), observed);
}

static void expect_difference(const char *key, const char *expected) {
    cr_assert(eq(str, difference(key), (char *)expected));
}

static void load(const char *file) {
    json_decref(container);
    container = docker_sample_data(file);
}

static json_t *part(const char *outer, const char *inner) {
    json_t *object = json_object_get(container, outer);
    return inner ? json_object_get(object, inner) : object;
}

/* Replaces container[outer][key]; `value` is JSON. */
static void set(const char *outer, const char *key, const char *value) {
    json_t *parsed = json_loads(value, JSON_DECODE_ANY, NULL);
    cr_assert(parsed != NULL, "%s", value);
    json_object_set_new(json_object_get(container, outer), key, parsed);
}

Test(docker_inspect, recorded_answers_equal_what_was_declared) {
    expect_difference("service/full", "");
    load("full-created.json");
    expect_difference("service/full", "");
    load("locked-running.json");
    expect_difference("service/locked", "");
    load("plain-running.json");
    expect_difference("service/plain", "");
}

Test(docker_inspect, recorded_networks_and_volumes_equal_what_was_declared) {
    look_around();
    struct resource_set observed;
    docker_view_finish(&view, &observed);
    static const char *const keys[] = {"network/back", "network/internal", "volume/data"};
    for (size_t i = 0; i < 3; i++)
        cr_assert(eq(str,
                     docker_sample_diff(arena, docker_sample_resource(&desired, keys[i]),
                                        docker_sample_resource(&observed, keys[i])),
                     ""));
}

/* Aliases are as they were sent, capabilities have their prefix, empty lists are left out. */
Test(docker_inspect, later_engines_answer_differently) {
    set("HostConfig", "CapAdd", "[\"CAP_NET_ADMIN\", \"CAP_SYS_NICE\"]");
    json_t *networks = part("NetworkSettings", "Networks");
    json_object_set_new(json_object_get(networks, "tse-sample-back"), "Aliases",
                        json_pack("[s]", "full"));
    json_t *internal = json_object_get(networks, "tse-sample-internal");
    json_object_set_new(internal, "Aliases", json_pack("[sss]", "full", "zeta", "alpha"));
    json_object_set_new(internal, "DNSNames", json_pack("[ss]", "full", "x"));
    json_object_del(part("Config", NULL), "OnBuild");
    json_object_del(part("HostConfig", NULL), "Binds");
    json_object_del(part("HostConfig", NULL), "KernelMemory");
    json_object_del(part("NetworkSettings", NULL), "Bridge");
    expect_difference("service/full", "");
    load("plain-running.json");
    json_object_set_new(json_object_get(part("NetworkSettings", "Networks"), "tse-sample-back"),
                        "Aliases", json_pack("[s]", "plain"));
    set("HostConfig", "PortBindings", "{}");
    set("HostConfig", "CapAdd", "[]");
    expect_difference("service/plain", "");
}

/* --- drift --------------------------------------------------------------------------------------
 */

Test(docker_inspect, every_changed_value_is_named) {
    static const char *const changes[][4] = {
        {"HostConfig", "Memory", "134217728",
         "resources.limits.memory: 128Mi -> 64Mi\nresources.memorySwap: 128Mi -> (none)\n"},
        {"HostConfig", "NanoCpus", "0", "resources.limits.cpu: (none) -> 500m\n"},
        {"HostConfig", "PidsLimit", "null", "resources.limits.pids: (none) -> 100\n"},
        {"HostConfig", "CpuShares", "512", "resources.requests.cpu: 500m -> 100m\n"},
        {"HostConfig", "MemoryReservation", "-1", "resources.requests.memory: (none) -> 32Mi\n"},
        {"HostConfig", "RestartPolicy", "{\"Name\":\"no\"}", "restart: no -> on-failure:3\n"},
        {"HostConfig", "ReadonlyRootfs", "true", "readOnly: true -> (none)\n"},
        {"HostConfig", "Privileged", "true", "privileged: true -> (none)\n"},
        {"HostConfig", "Init", "null", "init: (none) -> false\n"},
        {"HostConfig", "SecurityOpt", "[\"no-new-privileges:false\"]",
         "noNewPrivileges: (none) -> true\n"},
        {"HostConfig", "ShmSize", "67108864", "shmSize: 64Mi -> 32Mi\n"},
        {"HostConfig", "Dns", "null", "dns: (none) -> [\"9.9.9.9\",\"1.1.1.1\"]\n"},
        {"HostConfig", "CapDrop", "null", "capDrop: (none) -> [\"ALL\"]\n"},
        {"Config", "User", "\"7\"", "user: 7 -> 0:0\n"},
        {"Config", "WorkingDir", "\"/\"", "workingDir: / -> /tmp\n"},
        {"Config", "Hostname", "\"other\"", "hostname: other -> full-host\n"},
        {"Config", "StopSignal", "\"SIGQUIT\"", "stopSignal: SIGQUIT -> SIGINT\n"},
        {"Config", "StopTimeout", "0", "stopGracePeriod: 0s -> 2s\n"},
        {"Config", "Cmd", "null", "command: (none) -> [\"sleep\",\"1000\"]\n"},
        {"Config", "Image", "\"other:1\"", "image: other:1 -> tse-sample:1\n"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        load("full-running.json");
        set(changes[i][0], changes[i][1], changes[i][2]);
        char *found = difference("service/full");
        if (strcmp(changes[i][1], "Hostname") == 0) /* which is among the aliases too */
            cr_assert(strstr(found, changes[i][3]) != NULL, "%s", found);
        else
            cr_assert(strcmp(found, changes[i][3]) == 0, "%s.%s: %s", changes[i][0], changes[i][1],
                      found);
    }
}

Test(docker_inspect, values_of_the_image_are_not_drift) {
    load("plain-running.json");
    set("Config", "Env", "[\"PATH=/bin\",\"IMAGE_A=1\",\"IMAGE_B=2\"]");
    expect_difference("service/plain", "");
    set("Config", "Env", "[\"PATH=/bin\",\"IMAGE_A=changed\",\"MORE=1\"]");
    expect_difference("service/plain",
                      "environment.IMAGE_A: changed -> (none)\nenvironment.MORE: 1 -> (none)\n");
}

/* Declared earlier, no longer: the image's directory is due again. */
Test(docker_inspect, the_root_directory_is_the_containers_own_where_the_image_names_another) {
    load("plain-running.json");
    set("Config", "WorkingDir", "\"/\"");
    expect_difference("service/plain", "workingDir: / -> (none)\n"); /* the image's is /var */
}

Test(docker_inspect, values_applied_earlier_are_reset) {
    load("plain-running.json");
    json_object_set_new(part("Config", "Labels"), "tse.io/last-applied",
                        json_string("{\"shmSize\":\"64Mi\",\"ulimits.nofile\":\"5\"}"));
    set("HostConfig", "Ulimits", "[{\"Name\":\"nofile\",\"Soft\":5,\"Hard\":5}]");
    expect_difference("service/plain", "shmSize: 64Mi -> (none)\nulimits.nofile: 5 -> (none)\n");
}

Test(docker_inspect, what_the_engine_fills_in_is_not_drift) {
    load("plain-running.json");
    set("HostConfig", "Ulimits", "[{\"Name\":\"nofile\",\"Soft\":5,\"Hard\":5}]");
    set("HostConfig", "ShmSize", "1048576");
    set("HostConfig", "LogConfig", "{\"Type\":\"journald\",\"Config\":{\"a\":\"b\"}}");
    set("Config", "WorkingDir", "\"/\"");
    json_object_del(json_object_get(image, "Config"), "WorkingDir");
    expect_difference("service/plain", "");
}

/* What `docker update` sets and no declaration can. */
Test(docker_inspect, limits_that_cannot_be_declared_are_drift) {
    static const char *const changes[][3] = {
        {"CpuPeriod", "50000", "resources.cpuPeriod: 50000 -> (none)\n"},
        {"CpuQuota", "25000", "resources.cpuQuota: 25000 -> (none)\n"},
        {"CpuRealtimePeriod", "7", "resources.cpuRealtimePeriod: 7 -> (none)\n"},
        {"CpuRealtimeRuntime", "7", "resources.cpuRealtimeRuntime: 7 -> (none)\n"},
        {"CpusetCpus", "\"0\"", "resources.cpusetCpus: 0 -> (none)\n"},
        {"CpusetMems", "\"0\"", "resources.cpusetMems: 0 -> (none)\n"},
        {"BlkioWeight", "300", "resources.blkioWeight: 300 -> (none)\n"},
        {"KernelMemory", "8388608", "resources.kernelMemory: 8388608 -> (none)\n"},
        {"CpuShares", "512", "resources.requests.cpu: 500m -> (none)\n"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        load("plain-running.json");
        set("HostConfig", changes[i][0], changes[i][1]);
        expect_difference("service/plain", changes[i][2]);
    }
}

/* Lifted in place it is -1, which would count more than a limit once the container starts again. */
Test(docker_inspect, a_lifted_quota_matters_beside_a_limit) {
    load("plain-running.json");
    set("HostConfig", "CpuQuota", "-1");
    expect_difference("service/plain", "");
    load("full-running.json");
    set("HostConfig", "CpuQuota", "-1");
    expect_difference("service/full", "resources.limits.cpuQuota: -1 -> (none)\n");
}

Test(docker_inspect, swap_follows_memory) {
    static const char *const swaps[][2] = {
        {"0", ""},
        {"-1", ""},
        {"134217728", ""},
        {"67108864", "resources.memorySwap: 64Mi -> (none)\n"},
        {"134217729", "resources.memorySwap: 134217729 -> (none)\n"},
        {"9223372036854775807", "resources.memorySwap: 9223372036854775807 -> (none)\n"}};
    for (size_t i = 0; i < sizeof swaps / sizeof *swaps; i++) {
        set("HostConfig", "MemorySwap", swaps[i][0]); /* of 64Mi */
        expect_difference("service/full", swaps[i][1]);
    }
}

/* Its image is gone from the engine: the id leads nowhere. */
Test(docker_inspect, without_its_image_only_applied_values_count) {
    load("plain-running.json");
    set("Config", "Env", "[\"WHO=KNOWS\",\"WAS=MINE\"]");
    json_object_set_new(container, "Image", json_string("sha256:0123456789abcdef"));
    json_object_set_new(part("Config", "Labels"), "tse.io/last-applied",
                        json_string("{\"environment.WAS\":\"MINE\"}"));
    set("Config", "User", "\"somebody\"");
    expect_difference("service/plain",
                      "environment.WAS: MINE -> (none)\n"
                      "image: tse-sample:1 (sha256:0123456789ab) -> tse-sample:1\n");
}

Test(docker_inspect, secrets_stay_marked) {
    docker_sample_service(environment, "full")->environment_count = 3; /* without PGPASSWORD */
    desired = docker_sample_compile(arena, environment);
    look_around();
    struct resource *observed = look_at_container();
    const struct field *password = docker_field(&observed->fields, "environment.PGPASSWORD");
    cr_assert(password != NULL && password->secret);
    const char *found =
        docker_sample_diff(arena, docker_sample_resource(&desired, "service/full"), observed);
    cr_assert(eq(str, (char *)found, "environment.PGPASSWORD: (secret) -> (none)\n"));
}

/* --- networks and ports -------------------------------------------------------------------------
 */

static json_t *endpoint(const char *name) {
    return json_object_get(part("NetworkSettings", "Networks"), name);
}

static const char internal_is_gone[] =
    "networks.internal: (none) -> connected\n"
    "networks.internal.aliases: (none) -> [\"alpha\",\"full\",\"zeta\"]\n"
    "networks.internal.ipv4Address: (none) -> 10.231.77.10\n";

Test(docker_inspect, attachments_without_effect_are_not_there) {
    json_object_set_new(endpoint("tse-sample-internal"), "EndpointID", json_string(""));
    expect_difference("service/full", internal_is_gone);
    load("full-running.json");
    json_object_set_new(endpoint("tse-sample-internal"), "NetworkID", json_string("0ld"));
    expect_difference("service/full", internal_is_gone);
}

/* One that has, on the engine, the name that ours has in the environment. */
Test(docker_inspect, anothers_network_called_like_ours) {
    json_t *networks = part("NetworkSettings", "Networks");
    json_object_del(networks, "tse-sample-internal");
    json_object_set_new(networks, "internal",
                        json_pack("{s:s,s:s}", "NetworkID", "f1", "EndpointID", "e"));
    look_around();
    json_auto_t *network =
        json_pack("{s:s,s:s,s:s}", "Name", "internal", "Id", "f1", "Driver", "bridge");
    cr_assert(docker_inspect_network(&view, network) == 0);
    struct resource *observed = look_at_container();
    cleanup_free char *expected =
        format_text("networks.[internal]: connected -> (none)\n%s", internal_is_gone);
    cr_assert(eq(
        str, docker_sample_diff(arena, docker_sample_resource(&desired, "service/full"), observed),
        expected));
}

/* Engines before 25 allow it. */
Test(docker_inspect, two_networks_of_one_name) {
    json_object_set_new(endpoint("tse-sample-internal"), "NetworkID", json_string("second"));
    look_around();
    json_auto_t *second = json_pack("{s:s,s:s,s:s}", "Name", "tse-sample-internal", "Id", "second",
                                    "Driver", "bridge");
    cr_assert(docker_inspect_network(&view, second) == 0);
    struct resource *observed = look_at_container();
    const struct field *attached =
        docker_field(&observed->fields, "networks.[tse-sample-internal]");
    cr_assert(attached != NULL); /* to the one that is not ours */
}

Test(docker_inspect, a_network_that_is_gone_keeps_a_container_from_starting) {
    load("full-created.json");
    json_t *gone = json_pack("{s:s,s:s}", "NetworkID", "0ld", "EndpointID", "");
    json_object_set_new(part("NetworkSettings", "Networks"), "lost", gone);
    expect_difference("service/full", "networks.[lost]: of a network that is gone -> (none)\n");
}

Test(docker_inspect, undeclared_attachments_are_named_as_on_the_engine) {
    load("plain-running.json");
    json_t *other =
        json_pack("{s:s,s:s,s:[s]}", "NetworkID", "f1", "EndpointID", "e", "Aliases", "plain");
    json_object_set_new(part("NetworkSettings", "Networks"), "my.net", other);
    look_around();
    json_auto_t *network = json_pack("{s:s,s:s,s:s,s:b}", "Name", "my.net", "Id", "f1", "Driver",
                                     "bridge", "Internal", 0);
    cr_assert(docker_inspect_network(&view, network) == 0);
    struct resource *observed = look_at_container();
    cr_assert(eq(
        str, docker_sample_diff(arena, docker_sample_resource(&desired, "service/plain"), observed),
        "networks.[my.net]: connected -> (none)\n"
        "networks.[my.net].aliases: [\"plain\"] -> (none)\n"));
}

/* A network taken out of the declaration altogether: the label's name is followed, so that the
 * declared state is known to be the cause. */
Test(docker_inspect, a_network_no_longer_declared_is_the_declarations_doing) {
    struct service *full = docker_sample_service(environment, "full");
    full->network_count = 1;
    docker_sample_service(environment, "locked")->network_count = 0;
    environment->network_count = 1;
    desired = docker_sample_compile(arena, environment);
    look_around();
    struct resource *observed = look_at_container();
    struct field_change *changes;
    const struct resource *wanted = docker_sample_resource(&desired, "service/full");
    size_t count = diff_fields(arena, wanted->kind, &wanted->fields, &observed->fields,
                               &observed->applied, &changes);
    size_t networks = 0;
    for (size_t i = 0; i < count; i++) {
        if (strncmp(changes[i].path, "networks.[tse-sample-internal]", 30) != 0)
            continue;
        networks++;
        cr_assert(eq(int, changes[i].cause, CAUSE_SPEC));
    }
    cr_assert(eq(sz, networks, 3));
}

Test(docker_inspect, ports_that_are_not_published) {
    set("NetworkSettings", "Ports", "{}");
    expect_difference("service/full", "effective.ports: unbound -> bound\n");
    load("full-running.json");
    set("NetworkSettings", "Ports", "{\"80/tcp\":[{\"HostPort\":\"1\"}],\"53/udp\":null}");
    expect_difference("service/full", "effective.ports: unbound -> bound\n");
    load("full-created.json"); /* where none are expected */
    expect_difference("service/full", "");
}

Test(docker_inspect, ports_of_a_container_without_a_way_out_are_not_missed) {
    set("NetworkSettings", "Ports", "{}");
    json_object_del(part("NetworkSettings", "Networks"), "tse-sample-internal");
    expect_difference("service/full", internal_is_gone);
}

/* --- state --------------------------------------------------------------------------------------
 */

Test(docker_inspect, states) {
    static const struct {
        const char *status;
        enum run_state state;
    } cases[] = {{"created", RUN_CREATED}, {"running", RUN_RUNNING},       {"paused", RUN_PAUSED},
                 {"exited", RUN_EXITED},   {"restarting", RUN_RESTARTING}, {"dead", RUN_DEAD},
                 {"removing", RUN_DEAD}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        json_object_set_new(part("State", NULL), "Status", json_string(cases[i].status));
        look_around();
        cr_assert(eq(int, look_at_container()->state, cases[i].state));
    }
}

Test(docker_inspect, instances_and_slots) {
    json_object_set_new(part("Config", "Labels"), "tse.io/instance", json_string("2"));
    json_object_set_new(container, "Name", json_string("/tse-sample-full-2.next"));
    look_around();
    struct resource *observed = look_at_container();
    cr_assert(eq(str, (char *)observed->key, "service/full[2]"));
    cr_assert(eq(int, observed->slot, SLOT_NEXT));
    cr_assert(eq(str, (char *)observed->engine_name, "tse-sample-full-2.next"));
}

Test(docker_inspect, anonymous_volumes_and_volumes_of_files) {
    look_around();
    struct resource *full = look_at_container();
    const struct docker_container_data *data = full->engine_data;
    cr_assert(eq(sz, data->anonymous_count, 1));
    cr_assert(eq(str, (char *)data->anonymous[0].target, "/var/lib/data"));
    look_around();
    struct resource_set observed;
    docker_view_finish(&view, &observed);
    size_t unused = 0;
    for (size_t i = 0; i < observed.count; i++)
        unused += observed.items[i].kind == &docker_kind_files;
    cr_assert(eq(sz, unused, 1)); /* no container was looked at */
    load("locked-running.json");
    look_around();
    cr_assert(docker_inspect_container(&view, container) == 0);
    docker_view_finish(&view, &observed);
    for (size_t i = 0; i < observed.count; i++)
        cr_assert(observed.items[i].kind != &docker_kind_files);
}

/* Where the image keeps data, a volume that we made for files is data too: carried over, and never
 * reported as unused. */
Test(docker_inspect, files_where_the_image_keeps_data) {
    json_object_set_new(json_object_get(image, "Config"), "Volumes",
                        json_pack("{s:{}}", "/etc/locked"));
    load("locked-running.json");
    expect_difference("service/locked", "");
    look_around();
    const struct docker_container_data *data = look_at_container()->engine_data;
    bool kept = false;
    for (size_t i = 0; i < data->anonymous_count; i++)
        kept |= strcmp(data->anonymous[i].target, "/etc/locked") == 0;
    cr_assert(kept);
    look_around();
    struct resource_set observed;
    docker_view_finish(&view, &observed); /* no container was looked at */
    for (size_t i = 0; i < observed.count; i++)
        cr_assert(observed.items[i].kind != &docker_kind_files);
}

Test(docker_inspect, foreign_names) {
    docker_view_begin(&view, arena, "tse-sample", "prod", &desired);
    inspect_list("networks.json", NULL, docker_inspect_network);
    inspect_list("volumes.json", "Volumes", docker_inspect_volume);
    struct resource_set observed;
    docker_view_finish(&view, &observed);
    cr_assert(eq(sz, observed.count, 3));
    for (size_t i = 0; i < observed.count; i++) {
        cr_assert(observed.items[i].foreign);
        cr_assert(
            eq(str, (char *)observed.items[i].owner, "environment test of project tse-sample"));
    }
}

/* Of networks that are not ours, subnets matter that the engine keeps others from. */
Test(docker_inspect, foreign_subnets) {
    static const char *const networks[] = {
        "{\"Name\":\"bridge\",\"Id\":\"1\",\"Scope\":\"local\",\"IPAM\":{\"Driver\":\"default\","
        "\"Config\":[{\"Subnet\":\"fd00::/64\"},{\"Subnet\":\"172.17.0.0/16\"}]}}",
        "{\"Name\":\"ingress\",\"Id\":\"2\",\"Scope\":\"swarm\",\"IPAM\":{\"Driver\":\"default\","
        "\"Config\":[{\"Subnet\":\"10.0.0.0/24\"}]}}",
        "{\"Name\":\"plugin\",\"Id\":\"3\",\"IPAM\":{\"Driver\":\"mine\","
        "\"Config\":[{\"Subnet\":\"10.0.1.0/24\"}]}}",
        "{\"Name\":\"host\",\"Id\":\"4\",\"IPAM\":{\"Config\":null}}",
    };
    docker_view_begin(&view, arena, "tse-sample", "test", &desired);
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        json_auto_t *network = json_loads(networks[i], 0, NULL);
        cr_assert(docker_inspect_network(&view, network) == 0);
    }
    struct resource_set observed;
    docker_view_finish(&view, &observed);
    cr_assert(eq(sz, observed.count, 1));
    cr_assert(observed.items[0].foreign);
    cr_assert(eq(str, (char *)observed.items[0].key, "network/[bridge]"));
    cr_assert(eq(str, (char *)field_value(&observed.items[0].fields, "subnet"), "172.17.0.0/16"));
}

/* --- files --------------------------------------------------------------------------------------
 */

static const struct file *file_of(size_t index) {
    return &docker_sample_service(environment, "full")->files[index];
}

static const char *seen(const struct file *file, const char *applied, int64_t size, int64_t mtime,
                        unsigned mode, bool *earlier) {
    struct docker_path_stat stat = {size, mtime, mode, true};
    return docker_file_observed(file, docker_file_value(arena, file), applied, &stat, earlier);
}

Test(docker_inspect, files_are_told_by_size_mode_and_time) {
    const struct file *file = file_of(0);
    char *value = docker_file_value(arena, file);
    int64_t size = (int64_t)file->size, time = docker_file_mtime(file, false);
    bool earlier;
    cr_assert(eq(str, (char *)seen(file, value, size, time, 0640, &earlier), value));
    cr_assert(earlier == false);
    static const char outside[] = "modified outside";
    cr_assert(eq(str, (char *)seen(file, value, size + 1, time, 0640, &earlier), (char *)outside));
    cr_assert(eq(str, (char *)seen(file, value, size, time, 0644, &earlier), (char *)outside));
    cr_assert(
        eq(str, (char *)seen(file, value, size, 1700000000, 0640, &earlier), (char *)outside));
    cr_assert(earlier == false);
}

Test(docker_inspect, what_the_engine_can_never_start_again_is_dead) {
    set("State", "Status", "\"created\"");
    set("State", "Running", "false");
    set("State", "Error", "\"id already in use\"");
    look_around();
    cr_assert(eq(int, look_at_container()->state, RUN_DEAD));
    set("State", "Error", "\"driver failed programming external connectivity\"");
    look_around();
    cr_assert(eq(int, look_at_container()->state, RUN_CREATED));
}

/* A look tells no owner: the time must. */
Test(docker_inspect, files_of_another_owner_are_told_by_time) {
    struct file old = *file_of(0);
    old.uid++;
    char *applied = docker_file_value(arena, &old);
    int64_t time = docker_file_mtime(&old, false);
    bool earlier;
    const char *found = seen(file_of(0), applied, (int64_t)old.size, time, 0640, &earlier);
    cr_assert(eq(str, (char *)found, applied));
}

Test(docker_inspect, files_whose_signal_may_not_have_been_sent) {
    const struct file *file = file_of(0);
    char *value = docker_file_value(arena, file);
    int64_t size = (int64_t)file->size, time = docker_file_mtime(file, true);
    bool earlier;
    cr_assert(
        eq(str, (char *)seen(file, value, size, time, 0640, &earlier), (char *)DOCKER_STAGED));
    cr_assert(earlier);
    struct file secret = {.secret = true};
    cr_assert(docker_is_staged(docker_file_mtime(&secret, true)));
    cr_assert(not(docker_is_staged(docker_file_mtime(&secret, false))));
}

Test(docker_inspect, files_of_an_earlier_declaration) {
    struct file old = *file_of(0), other = *file_of(0);
    old.data = "old\n", old.size = 4;
    other.data = "third\n", other.size = 6;
    char *applied = docker_file_value(arena, &old);
    bool earlier;
    const char *found =
        seen(file_of(0), applied, 4, docker_file_mtime(&old, false), 0640, &earlier);
    cr_assert(eq(str, (char *)found, applied));
    found = seen(file_of(0), applied, 6, docker_file_mtime(&other, false), 0640, &earlier);
    cr_assert(eq(str, (char *)found, "uploaded earlier"));
    cr_assert(earlier);
}

Test(docker_inspect, times_are_before_any_change_by_hand) {
    struct file file = {.data = "", .size = 0};
    char content[16];
    for (int i = 0; i < 1000; i++) {
        snprintf(content, sizeof content, "%d", i);
        file.data = content, file.size = strlen(content);
        long long time = docker_file_mtime(&file, false);
        cr_assert(time >= 946684800 && time < 1577836800, "%lld", time);
    }
    file.secret = true;
    long long time = docker_file_mtime(&file, false);
    file.data = "x";
    cr_assert(eq(llong, docker_file_mtime(&file, false), time));
}

static int read_stat(const char *json, struct docker_path_stat *stat) {
    char header[1024];
    EVP_EncodeBlock((unsigned char *)header, (const unsigned char *)json, (int)strlen(json));
    return docker_path_stat_read(header, stat);
}

/* Processor time to join the files of that many containers. */
static double seconds_to_join(size_t containers) {
    struct resource_set observed;
    docker_view_free(&view);
    docker_view_begin(&view, arena, "p", "e", NULL);
    for (size_t i = 0; i < containers; i++) {
        struct resource *one = docker_view_add(&view);
        one->kind = &docker_kind_service;
        one->key = one->name = one->id = arena_format(arena, "service/%06zu", i);
        for (size_t f = 0; f < 4; f++) {
            struct docker_file_check *check = arena_alloc(arena, sizeof *check);
            *check = (struct docker_file_check){.resource = i,
                                                .path = arena_format(arena, "files./%zu", f),
                                                .value = "found",
                                                .next = view.checks};
            view.checks = check;
        }
    }
    clock_t begin = clock();
    docker_view_finish(&view, &observed);
    double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    for (size_t i = 0; i < containers; i++)
        cr_assert(eq(sz, observed.items[i].fields.count, 4));
    return seconds;
}

Test(docker_inspect, joining_files_takes_linear_time) {
    double few = seconds_to_join(1000);
    double many = seconds_to_join(16000); /* 16 times as many; squared, 256 times */
    cr_expect(many < 64 * few + 0.02, "%.4f s, %.4f s", few, many);
}

Test(docker_inspect, path_stats) {
    struct docker_path_stat stat;
    cr_assert(
        read_stat("{\"name\":\"a\",\"size\":3,\"mode\":420,\"mtime\":\"2001-09-09T01:46:40Z\"}",
                  &stat) == 0);
    cr_assert(eq(i64, stat.size, 3));
    cr_assert(eq(i64, stat.mtime, 1000000000));
    cr_assert(eq(uint, stat.mode, 0644));
    cr_assert(stat.regular);
    cr_assert(read_stat("{\"mode\":8388992,\"mtime\":\"2001-09-09T03:46:40.5+02:00\"}", &stat) ==
              0);
    cr_assert(eq(i64, stat.mtime, 1000000000));
    cr_assert(eq(uint, stat.mode, 04600)); /* set-uid */
    cr_assert(read_stat("{\"mode\":2147484141,\"mtime\":\"2001-09-09T01:46:40Z\"}", &stat) == 0);
    cr_assert(stat.regular == false); /* a directory */
    cr_assert(read_stat("{\"mode\":134218239,\"mtime\":\"2001-09-09T01:46:40Z\"}", &stat) == 0);
    cr_assert(stat.regular == false); /* a link */
    static const char *const wrong[] = {
        "", "{}", "[]", "{\"mode\":1}", "{\"mode\":1,\"mtime\":7}", "{\"mode\":1,\"mtime\":\"x\"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        cr_assert(read_stat(wrong[i], &stat) == -1, "%s", wrong[i]);
    cr_assert(docker_path_stat_read("!!!", &stat) == -1);
    cr_assert(docker_path_stat_read(NULL, &stat) == -1);
}

Test(docker_inspect, archives) {
    struct service service = {.name = "x", .files = (struct file *)file_of(2), .file_count = 1};
    size_t size;
    cleanup_free char *archive = docker_archive_at(&service, NULL, "/", false, &size);
    struct docker_archived file;
    cr_assert(docker_archive_read(archive, size, &file) == 0);
    cr_assert(eq(sz, file.size, file_of(2)->size));
    cr_assert(memcmp(file.data, file_of(2)->data, file.size) == 0);
    cr_assert(eq(uint, file.mode, 0400));
    struct file big = {.target = "/a", .data = "abc", .size = 3, .uid = 3000000, .gid = 9};
    service.files = &big;
    cleanup_free char *large = docker_archive_at(&service, NULL, "/", false, &size);
    cr_assert(docker_archive_read(large, size, &file) == 0);
    cr_assert(eq(uint, file.uid, 3000000));
    cr_assert(eq(uint, file.gid, 9));
    for (size_t cut = 0; cut < size; cut++) {
        cleanup_free char *exact = memory_alloc(cut + 1);
        memcpy(exact, large, cut);
        docker_archive_read(exact, cut, &file);
    }
    cr_assert(docker_archive_read(archive, 0, &file) == -1);
}

/* --- lists --------------------------------------------------------------------------------------
 */

static int count_element(void *context, const json_t *element) {
    cr_assert(eq(int, json_typeof(element), JSON_OBJECT));
    ++*(int *)context;
    return 0;
}

static int read_list(const char *text, size_t step, int depth, bool *complete) {
    int count = 0;
    struct docker_array_reader reader = {
        .depth = depth, .element = count_element, .context = &count};
    size_t length = strlen(text);
    bool fine = true;
    for (size_t i = 0; i < length && fine; i += step)
        fine = docker_array_feed(&reader, text + i, length - i < step ? length - i : step);
    *complete = fine && docker_array_complete(&reader);
    docker_array_clear(&reader);
    return count;
}

Test(docker_inspect, lists_are_cut_anywhere) {
    static const struct {
        const char *text;
        int depth, count;
        bool complete;
    } cases[] = {
        {"[]", 1, 0, true},
        {" [ ] \n", 1, 0, true},
        {"[{}]", 1, 1, true},
        {"[{\"a\":[{\"b\":{}}]},{\"c\":\"]}[{\\\"\"}]\n", 1, 2, true},
        {"{\"Volumes\":[{\"a\":1},{}],\"Warnings\":null}", 2, 2, true},
        {"{\"Volumes\":null,\"Warnings\":[]}", 2, 0, true},
        {"{\"message\":\"no\"}", 1, 0, false},
        {"[{}", 1, 1, false},
        {"[{\"a\":", 1, 0, false},
        {"[{}]]", 1, 1, false},
        {"[[{}]]", 1, 0, false},
        {"[{\"a\" 1}]", 1, 0, false},
        {"<html>", 1, 0, false},
        {"", 1, 0, false},
        {"null", 1, 0, false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        for (size_t step = 1; step < 50; step += 3) {
            bool complete;
            int count = read_list(cases[i].text, step, cases[i].depth, &complete);
            cr_assert(count == cases[i].count && complete == cases[i].complete, "%s by %zu",
                      cases[i].text, step);
        }
}

/* --- answers that make no sense -----------------------------------------------------------------
 */

/* Every value of the recorded answer, replaced by one of another type: no crash, no endless loop.
 */
static void spoil(json_t *value, int *budget) {
    static const char *const others[] = {"null", "7", "\"x\"", "[]", "{}", "[null]", "true", "-1"};
    const char *key;
    json_t *child;
    void *next;
    json_object_foreach_safe(value, next, key, child) {
        json_t *kept = json_incref(child);
        for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
            json_object_set_new(value, key, json_loads(others[i], JSON_DECODE_ANY, NULL));
            look_around();
            if (docker_inspect_container(&view, container) == 0)
                ++*budget;
            struct resource_set observed;
            docker_view_finish(&view, &observed);
        }
        json_object_set_new(value, key, kept);
        if (json_is_object(child))
            spoil(child, budget);
    }
}

Test(docker_inspect, unexpected_types_do_no_harm, .timeout = 120) {
    int accepted = 0;
    json_object_del(part("Config", "Labels"), "tse.io/last-applied");
    spoil(container, &accepted);
    cr_assert(accepted > 100);
}

Test(docker_inspect, what_cannot_be_told_apart_is_refused) {
    look_around();
    json_auto_t *empty = json_object();
    json_auto_t *list = json_array();
    cr_assert(docker_inspect_container(&view, empty) == -1);
    cr_assert(docker_inspect_container(&view, list) == -1);
    cr_assert(docker_inspect_network(&view, empty) == -1);
    cr_assert(docker_inspect_volume(&view, empty) == -1);
    docker_view_ask_image(&view, "x");
    cr_assert(docker_inspect_image(&view, docker_view_image(&view, "x"), empty) == -1);
}
