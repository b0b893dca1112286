/* Declared services, networks and volumes as resources with canonical fields. */
#include "docker_sample.h"

#include "base/error.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <criterion/parameterized.h>
#include <string.h>

static struct arena *arena;
static struct environment *environment;

static void begin(void) {
    arena = arena_new();
    environment = docker_sample_environment(arena, NULL);
}

static void end(void) {
    arena_free(arena);
}

TestSuite(docker_compile, .init = begin, .fini = end);

static const struct field_list *fields_of(const char *key) {
    struct resource_set set = docker_sample_compile(arena, environment);
    return &docker_sample_resource(&set, key)->fields;
}

static void expect(const struct field_list *fields, const char *path, const char *value) {
    const char *found = field_value(fields, path);
    cr_assert(found != NULL, "no %s", path);
    cr_assert(strcmp(found, value) == 0, "%s is %s, not %s", path, found, value);
}

static void expect_none(const struct field_list *fields, const char *path) {
    const char *found = field_value(fields, path);
    cr_assert(found == NULL, "%s is %s", path, found ? found : "");
}

Test(docker_compile, nothing_is_desired_without_an_environment) {
    struct resource_set set = {NULL, 7};
    cr_assert(docker_compile(NULL, arena, NULL, &set, NULL) == 0);
    cr_assert(eq(sz, set.count, 0));
}

Test(docker_compile, resources_and_needs) {
    struct resource_set set = docker_sample_compile(arena, environment);
    cr_assert(eq(sz, set.count, 7)); /* 2 networks, a volume, an image, 3 services */
    const struct resource *full = docker_sample_resource(&set, "service/full");
    cr_assert(eq(str, (char *)full->engine_name, "tse-sample-full"));
    cr_assert(eq(int, full->instance, 1));
    static const char *const expected[] = {"image/tse-sample:1", "network/back", "network/internal",
                                           "volume/data"};
    cr_assert(eq(sz, full->need_count, 4));
    for (size_t i = 0; i < 4; i++)
        cr_assert(eq(str, (char *)full->needs[i].key, (char *)expected[i]));
    const struct resource *locked = docker_sample_resource(&set, "service/locked");
    cr_assert(eq(str, (char *)locked->needs[2].key, "service/full"));
    cr_assert(eq(int, locked->needs[2].condition, DEPENDS_HEALTHY));
}

Test(docker_compile, replicas_are_instances) {
    docker_sample_service(environment, "plain")->replicas = 3;
    struct resource_set set = docker_sample_compile(arena, environment);
    const struct resource *third = docker_sample_resource(&set, "service/plain[3]");
    cr_assert(eq(str, (char *)third->engine_name, "tse-sample-plain-3"));
    cr_assert(eq(int, third->instance, 3));
    docker_sample_service(environment, "plain")->replicas = 0;
    set = docker_sample_compile(arena, environment);
    cr_assert(resource_find(&set, "service/plain") == NULL);
}

Test(docker_compile, the_most_eager_pull_policy_counts) {
    struct resource_set set = docker_sample_compile(arena, environment);
    cr_assert(eq(int, docker_sample_resource(&set, "image/tse-sample:1")->pull_policy, PULL_NEVER));
    docker_sample_service(environment, "plain")->pull_policy = PULL_IF_NOT_PRESENT;
    set = docker_sample_compile(arena, environment);
    cr_assert(eq(int, docker_sample_resource(&set, "image/tse-sample:1")->pull_policy,
                 PULL_IF_NOT_PRESENT));
    docker_sample_service(environment, "locked")->pull_policy = PULL_ALWAYS;
    set = docker_sample_compile(arena, environment);
    cr_assert(
        eq(int, docker_sample_resource(&set, "image/tse-sample:1")->pull_policy, PULL_ALWAYS));
}

Test(docker_compile, every_field) {
    static const char *const expected[][2] = {
        {"capAdd", "[\"NET_ADMIN\",\"SYS_NICE\"]"},
        {"capDrop", "[\"ALL\"]"},
        {"command", "[\"sleep\",\"1000\"]"},
        {"dns", "[\"9.9.9.9\",\"1.1.1.1\"]"},
        {"effective.ports", "bound"},
        {"entrypoint", "[\"/bin/busybox\"]"},
        {"environment.EMPTY", ""},
        {"environment.IMAGE_A", "mine"},
        {"environment.LOG.LEVEL", "debug = \"x\""},
        {"environment.PGPASSWORD", "hunter2"},
        {"extraHosts.six", "fd00::1"},
        {"extraHosts.ten", "10.0.0.10"},
        {"files./etc/full/app.conf", "sha256:e9024f1a07d29d52 0640 5:6"},
        {"files./etc/full/secret", "sha256:a3a0e876399dfa96 0400 0:0"},
        {"healthcheck.interval", "2s"},
        {"healthcheck.retries", "4"},
        {"healthcheck.startPeriod", "500ms"},
        {"healthcheck.test", "[\"CMD\",\"true\"]"},
        {"healthcheck.timeout", "1.5s"},
        {"hostname", "full-host"},
        {"image", "tse-sample:1"},
        {"init", "false"},
        {"labels.com.example.team", "infra"},
        {"labels.imagelabel", "mine"},
        {"logging.driver", "json-file"},
        {"logging.options.max-file", "2"},
        {"logging.options.max-size", "1m"},
        {"mounts./data", "volume data rw"},
        {"mounts./host-etc", "bind /etc ro"},
        {"networks.back", "connected"},
        {"networks.back.aliases", "[\"full\"]"},
        {"networks.internal", "connected"},
        {"networks.internal.aliases", "[\"alpha\",\"full\",\"zeta\"]"},
        {"networks.internal.ipv4Address", "10.231.77.10"},
        {"noNewPrivileges", "true"},
        {"ports.53/udp", "0.0.0.0:28731"},
        {"ports.80/tcp", "127.0.0.1:0,127.0.0.1:28731"},
        {"reloadable./etc/full/reload.conf", "sha256:c2ebdfe5ab276a52 0644 0:0"},
        {"resources.limits.cpu", "500m"},
        {"resources.limits.memory", "64Mi"},
        {"resources.limits.pids", "100"},
        {"resources.requests.cpu", "100m"},
        {"resources.requests.memory", "32Mi"},
        {"restart", "on-failure:3"},
        {"shmSize", "32Mi"},
        {"stopGracePeriod", "2s"},
        {"stopSignal", "SIGINT"},
        {"sysctls.net.core.somaxconn", "512"},
        {"tmpfs./run", "rw,size=1m"},
        {"tmpfs./scratch", ""},
        {"ulimits.nofile", "1024:2048"},
        {"ulimits.nproc", "512"},
        {"user", "0:0"},
        {"workingDir", "/tmp"},
    };
    const struct field_list *fields = fields_of("service/full");
    size_t count = sizeof expected / sizeof *expected;
    for (size_t i = 0; i < count && i < fields->count; i++) {
        cr_assert(eq(str, (char *)fields->items[i].path, (char *)expected[i][0]));
        cr_assert(eq(str, (char *)fields->items[i].value, (char *)expected[i][1]));
        bool secret = strstr(expected[i][0], "PGPASSWORD") || strstr(expected[i][0], "/secret");
        cr_assert(fields->items[i].secret == secret, "%s", expected[i][0]);
    }
    cr_assert(eq(sz, fields->count, count));
}

Test(docker_compile, defaults_are_no_fields) {
    const struct field_list *fields = fields_of("service/plain");
    static const char *const paths[] = {"image", "networks.back", "networks.back.aliases",
                                        "restart"};
    cr_assert(eq(sz, fields->count, 4));
    for (size_t i = 0; i < 4; i++)
        cr_assert(eq(str, (char *)fields->items[i].path, (char *)paths[i]));
    expect(fields, "restart", "unless-stopped");
}

Test(docker_compile, read_only_services_have_volumes_for_files) {
    const struct field_list *fields = fields_of("service/locked");
    expect(fields, "filesVolume./etc/locked", "writable");
    expect_none(fields, "filesVolume./etc/locked/sub");
    expect(fields, "healthcheck.test", "[\"NONE\"]");
    expect(fields, "privileged", "true");
    docker_sample_service(environment, "locked")->read_only = false;
    expect_none(fields_of("service/locked"), "filesVolume./etc/locked");
}

Test(docker_compile, files_below_a_mount_need_no_volume) {
    struct service *locked = docker_sample_service(environment, "locked");
    struct mount mount = {MOUNT_VOLUME, "data", NULL, "/etc/locked/sub/", false, {0}};
    locked->mounts = &mount;
    locked->mount_count = 1;
    const struct field_list *fields = fields_of("service/locked");
    expect(fields, "filesVolume./etc/locked", "writable");
    expect(fields, "mounts./etc/locked/sub", "volume data rw");
    mount.target = "/etc//locked";
    fields = fields_of("service/locked");
    expect_none(fields, "filesVolume./etc/locked");
    expect_none(fields, "filesVolume./etc/locked/sub");
}

Test(docker_compile, ports_on_internal_networks_have_no_effect) {
    struct service *full = docker_sample_service(environment, "full");
    full->network_count = 1; /* back, which is internal */
    expect_none(fields_of("service/full"), "effective.ports");
}

Test(docker_compile, hostnames_are_no_aliases) {
    struct service *plain = docker_sample_service(environment, "plain");
    plain->hostname = "plain";
    expect_none(fields_of("service/plain"), "networks.back.aliases");
}

Test(docker_compile, empty_lists_that_are_declared) {
    struct service *plain = docker_sample_service(environment, "plain");
    plain->entrypoint.declared = true;
    expect(fields_of("service/plain"), "entrypoint", "[]");
}

Test(docker_compile, networks_and_volumes) {
    const struct field_list *internal = fields_of("network/internal");
    expect(internal, "driver", "bridge");
    expect(internal, "subnet", "10.231.77.0/24");
    expect(internal, "labels.com.example.net", "yes");
    cr_assert(eq(sz, internal->count, 3));
    expect(fields_of("network/back"), "internal", "true");
    expect(fields_of("volume/data"), "labels.com.example.vol", "yes");
}

/* --- what this engine cannot do -----------------------------------------------------------------
 */

static void expect_refusal(const char *part) {
    struct resource_set set;
    cleanup_error struct error error = ERROR_INIT;
    cr_assert(docker_compile(NULL, arena, environment, &set, &error) == -1);
    cr_assert(eq(int, error.code, ERROR_INPUT));
    cr_assert(strstr(error.message, part) != NULL, "%s", error.message);
}

Test(docker_compile, an_empty_command_alone_is_refused) {
    docker_sample_service(environment, "plain")->command.declared = true;
    expect_refusal("services.plain.command: the engine runs the image's command");
}

Test(docker_compile, a_file_in_a_read_only_root_is_refused) {
    docker_sample_service(environment, "locked")->files[0].target = "/top.conf";
    expect_refusal("services.locked: file \"/top.conf\" lies in the root directory");
}

Test(docker_compile, a_file_in_a_tmpfs_is_refused) {
    docker_sample_service(environment, "full")->files[0].target = "/run/app.conf";
    expect_refusal("services.full: file \"/run/app.conf\" lies in the tmpfs \"/run\"");
    docker_sample_service(environment, "full")->files[0].target = "/runner/app.conf";
    struct resource_set set;
    cr_assert(docker_compile(NULL, arena, environment, &set, NULL) == 0);
}

/* --- canonical texts ----------------------------------------------------------------------------
 */

/* Every number of shares has a text of its own, and CPU amounts come back as kubelet rounds them.
 */
Test(docker_compile, cpu_shares) {
    cr_assert(eq(str, docker_text_shares(arena, docker_cpu_shares(500000000)), "500m"));
    cr_assert(eq(str, docker_text_shares(arena, docker_cpu_shares(1)), "2m"));
    cr_assert(eq(str, docker_text_shares(arena, 1024), "1"));
    cr_assert(docker_text_shares(arena, 0) == NULL);
    cr_assert(eq(i64, docker_cpu_shares(0), 0));
    char *before = docker_text_shares(arena, 2);
    for (int64_t shares = 3; shares <= 5000; shares++) {
        char *text = docker_text_shares(arena, shares);
        cr_assert(strcmp(text, before) != 0, "%s twice", text);
        before = text;
    }
    cr_assert(docker_text_shares(arena, INT64_MAX) != NULL);
}

struct text_case {
    char from[32], to[32];
};

ParameterizedTestParameters(docker_compile, paths) {
    static struct text_case cases[] = {{"/", "/"},         {"//", "/"},      {"/a/", "/a"},
                                       {"/a//b/", "/a/b"}, {"/a/b", "/a/b"}, {"", ""}};
    return cr_make_param_array(struct text_case, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest(struct text_case *one, docker_compile, paths) {
    cr_assert(eq(str, docker_clean_path(arena, one->from), one->to));
}

ParameterizedTestParameters(docker_compile, signals) {
    static struct text_case cases[] = {
        {"TERM", "SIGTERM"}, {"sigint", "SIGINT"}, {"SIGQUIT", "SIGQUIT"}, {"9", "9"}};
    return cr_make_param_array(struct text_case, cases, sizeof cases / sizeof *cases);
}

ParameterizedTest(struct text_case *one, docker_compile, signals) {
    cr_assert(eq(str, docker_text_signal(arena, one->from), one->to));
}

Test(docker_compile, bytes_that_are_not_utf8_do_no_harm) {
    struct service *plain = docker_sample_service(environment, "plain");
    const char *command[] = {"\xff\xfe"};
    plain->command = (struct text_list){command, 1, true};
    expect(fields_of("service/plain"), "command", "[\"(not UTF-8)\"]");
}

Test(docker_compile, is_the_same_every_time) {
    struct resource_set one = docker_sample_compile(arena, environment);
    struct resource_set two = docker_sample_compile(arena, environment);
    for (size_t i = 0; i < one.count; i++) {
        cr_assert(eq(str, (char *)one.items[i].key, (char *)two.items[i].key));
        cleanup_free char *left = docker_applied_encode(&one.items[i]);
        cleanup_free char *right = docker_applied_encode(&two.items[i]);
        cr_assert(eq(str, left, right));
    }
}
