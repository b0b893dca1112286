/* Request bodies. That the engine takes them is tested in test_docker_roundtrip_live.c. */
#include "docker_sample.h"

#include "base/error.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

static struct arena *arena;
static struct environment *environment;
static struct resource_set desired;
static struct docker_engine engine;

static void begin(void) {
    arena = arena_new();
    environment = docker_sample_environment(arena, NULL);
    desired = docker_sample_compile(arena, environment);
}

static void end(void) {
    arena_free(arena);
}

TestSuite(docker_body, .init = begin, .fini = end);

static const struct resource *want(const char *key) {
    desired = docker_sample_compile(arena, environment);
    return docker_sample_resource(&desired, key);
}

static json_t *parse(char *text) {
    cr_assert(text != NULL);
    json_t *document = json_loads(text, 0, NULL);
    cr_assert(document != NULL, "%s", text);
    free(text);
    return document;
}

static json_t *container(const char *key, const struct resource *observed) {
    struct action action = {.verb = VERB_CREATE, .desired = want(key), .observed = observed};
    cleanup_error struct error error = ERROR_INIT;
    char *text = docker_container_body(&engine, environment, &action, &error);
    cr_assert(text != NULL, "%s", error_text(&error));
    return parse(text);
}

static void expect_json(const json_t *value, const char *expected) {
    cleanup_free char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS);
    cr_assert(text != NULL, "nothing instead of %s", expected);
    cr_assert(eq(str, text, (char *)expected));
}

static const json_t *at(const json_t *object, const char *outer, const char *inner) {
    return json_object_get(json_object_get(object, outer), inner);
}

Test(docker_body, config_of_a_container) {
    json_auto_t *body = container("service/full", NULL);
    static const char *const expected[][2] = {
        {"Cmd", "[\"sleep\",\"1000\"]"},
        {"Entrypoint", "[\"/bin/busybox\"]"},
        {"Env", "[\"EMPTY=\",\"IMAGE_A=mine\",\"LOG.LEVEL=debug = \\\"x\\\"\",\"PGPASSWORD="
                "hunter2\"]"},
        {"ExposedPorts", "{\"53/udp\":{},\"80/tcp\":{}}"},
        {"Healthcheck", "{\"Interval\":2000000000,\"Retries\":4,\"StartPeriod\":500000000,\"Test\":"
                        "[\"CMD\",\"true\"],\"Timeout\":1500000000}"},
        {"StopTimeout", "2"},
        {"User", "\"0:0\""}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        expect_json(json_object_get(body, expected[i][0]), expected[i][1]);
}

Test(docker_body, host_config_of_a_container) {
    json_auto_t *body = container("service/full", NULL);
    const json_t *host = json_object_get(body, "HostConfig");
    static const char *const expected[][2] = {
        {"CpuShares", "102"},
        {"ExtraHosts", "[\"six:fd00::1\",\"ten:10.0.0.10\"]"},
        {"Init", "false"},
        {"LogConfig",
         "{\"Config\":{\"max-file\":\"2\",\"max-size\":\"1m\"},\"Type\":\"json-file\"}"},
        {"Memory", "67108864"},
        {"Mounts", "[{\"Source\":\"tse-sample-data\",\"Target\":\"/data\",\"Type\":\"volume\"},{"
                   "\"ReadOnly\":true,\"Source\":\"/etc\",\"Target\":\"/host-etc\",\"Type\":"
                   "\"bind\"}]"},
        {"NanoCpus", "500000000"},
        {"NetworkMode", "\"tse-sample-back\""},
        {"PidsLimit", "100"},
        {"PortBindings", "{\"53/udp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"28731\"}],\"80/tcp\":"
                         "[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"0\"},{\"HostIp\":\"127.0.0.1\","
                         "\"HostPort\":\"28731\"}]}"},
        {"RestartPolicy", "{\"MaximumRetryCount\":3,\"Name\":\"on-failure\"}"},
        {"SecurityOpt", "[\"no-new-privileges:true\"]"},
        {"Tmpfs", "{\"/run\":\"rw,size=1m\",\"/scratch\":\"\"}"},
        {"Ulimits", "[{\"Hard\":2048,\"Name\":\"nofile\",\"Soft\":1024},{\"Hard\":512,\"Name\":"
                    "\"nproc\",\"Soft\":512}]"}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        expect_json(json_object_get(host, expected[i][0]), expected[i][1]);
    cr_assert(json_object_get(host, "ReadonlyRootfs") == NULL);
}

Test(docker_body, one_network_at_create_before_api_1_44) {
    json_auto_t *body = container("service/full", NULL);
    expect_json(at(body, "NetworkingConfig", "EndpointsConfig"),
                "{\"tse-sample-back\":{\"Aliases\":[\"full\"]}}");
    engine.base.capabilities.create_with_all_networks = true;
    json_auto_t *all = container("service/full", NULL);
    expect_json(at(all, "NetworkingConfig", "EndpointsConfig"),
                "{\"tse-sample-back\":{\"Aliases\":[\"full\"]},\"tse-sample-internal\":{\"Aliases\""
                ":[\"full\",\"zeta\",\"alpha\"],\"IPAMConfig\":{\"IPv4Address\":\"10.231.77.10\"}}"
                "}");
}

Test(docker_body, what_is_not_declared_is_not_sent) {
    json_auto_t *body = container("service/plain", NULL);
    static const char *const absent[] = {"Cmd",      "Entrypoint",  "User",       "WorkingDir",
                                         "Hostname", "Healthcheck", "StopSignal", "StopTimeout"};
    for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
        cr_assert(json_object_get(body, absent[i]) == NULL, "%s", absent[i]);
    expect_json(at(body, "HostConfig", "Mounts"), "[]");
    cr_assert(at(body, "HostConfig", "LogConfig") == NULL);
}

Test(docker_body, checks_that_are_not_the_engines_switch_off_the_images) {
    json_auto_t *body = container("service/locked", NULL);
    expect_json(json_object_get(body, "Healthcheck"), "{\"Test\":[\"NONE\"]}");
}

Test(docker_body, an_empty_entrypoint) {
    docker_sample_service(environment, "plain")->entrypoint.declared = true;
    json_auto_t *body = container("service/plain", NULL);
    expect_json(json_object_get(body, "Entrypoint"), "[\"\"]");
}

Test(docker_body, volumes_for_files_of_read_only_services) {
    json_auto_t *body = container("service/locked", NULL);
    expect_json(at(body, "HostConfig", "Mounts"),
                "[{\"Target\":\"/etc/locked\",\"Type\":\"volume\",\"VolumeOptions\":{\"Labels\":{"
                "\"tse.io/environment\":\"test\",\"tse.io/name\":\"locked\",\"tse.io/project\":"
                "\"tse-sample\",\"tse.io/role\":\"files\"}}}]");
}

Test(docker_body, anonymous_volumes_are_carried_over) {
    struct docker_anonymous_volume volumes[] = {
        {"aaa", "/var/lib/data"}, {"bbb", "/data"}, {"ccc", "/run"}};
    struct docker_container_data data = {.anonymous = volumes, .anonymous_count = 3};
    struct resource observed = {.engine_data = &data};
    json_auto_t *body = container("service/full", &observed);
    const json_t *mounts = at(body, "HostConfig", "Mounts");
    cr_assert(eq(sz, json_array_size(mounts), 3)); /* not where something is declared */
    expect_json(json_array_get(mounts, 2),
                "{\"Source\":\"aaa\",\"Target\":\"/var/lib/data\",\"Type\":\"volume\"}");
}

Test(docker_body, bytes_that_are_not_utf8_are_refused) {
    static struct variable broken = {"PASSWORD", "secret\xff", NULL, {0}};
    struct service *plain = docker_sample_service(environment, "plain");
    plain->environment = &broken;
    plain->environment_count = 1;
    struct action action = {.verb = VERB_CREATE, .desired = want("service/plain")};
    cleanup_error struct error error = ERROR_INIT;
    cr_assert(docker_container_body(&engine, environment, &action, &error) == NULL);
    cr_assert(eq(int, error.code, ERROR_INPUT));
    cr_assert(strstr(error.message, "PASSWORD holds bytes that are not UTF-8") != NULL);
    cr_assert(strstr(error.message, "secret") == NULL);
}

Test(docker_body, of_networks) {
    struct action action = {.verb = VERB_CREATE, .desired = want("network/internal")};
    json_auto_t *body = parse(docker_network_body(environment, &action));
    json_object_del(body, "Labels");
    expect_json(body, "{\"CheckDuplicate\":true,\"Driver\":\"bridge\",\"IPAM\":{\"Config\":[{"
                      "\"Subnet\":\"10.231.77.0/24\"}]},\"Name\":\"tse-sample-internal\"}");
    action.desired = want("network/back");
    json_auto_t *back = parse(docker_network_body(environment, &action));
    json_object_del(back, "Labels");
    expect_json(back, "{\"CheckDuplicate\":true,\"Driver\":\"bridge\",\"Internal\":true,\"Name\":"
                      "\"tse-sample-back\"}");
}

Test(docker_body, of_volumes) {
    struct pair option = {"type", "nfs", {0}};
    environment->volumes[0].driver_options = (struct pair_list){&option, 1};
    struct action action = {.verb = VERB_CREATE, .desired = want("volume/data")};
    json_auto_t *body = parse(docker_volume_body(environment, &action));
    json_object_del(body, "Labels");
    expect_json(body, "{\"Driver\":\"local\",\"DriverOpts\":{\"type\":\"nfs\"},\"Name\":"
                      "\"tse-sample-data\"}");
}

static json_t *update(const char *key, const char *observed_pids) {
    struct field field = {"resources.limits.pids", observed_pids, false};
    struct resource observed = {.fields = {&field, observed_pids ? 1 : 0}};
    struct action action = {.verb = VERB_UPDATE, .desired = want(key), .observed = &observed};
    return parse(docker_update_body(&action));
}

Test(docker_body, of_updates) {
    json_auto_t *full = update("service/full", NULL);
    expect_json(full, "{\"CpuShares\":102,\"Memory\":67108864,\"MemoryReservation\":33554432,"
                      "\"MemorySwap\":134217728,\"NanoCpus\":500000000,\"PidsLimit\":100,"
                      "\"RestartPolicy\":{\"MaximumRetryCount\":3,\"Name\":\"on-failure\"}}");
    static const char restart[] =
        "\"RestartPolicy\":{\"MaximumRetryCount\":0,\"Name\":\"unless-stopped\"}}";
    json_auto_t *plain = update("service/plain", NULL);
    cleanup_free char *alone = format_text("{%s", restart);
    expect_json(plain, alone);
    json_auto_t *lifted = update("service/plain", "77");
    cleanup_free char *with_pids = format_text("{\"PidsLimit\":0,%s", restart);
    expect_json(lifted, with_pids);
    docker_sample_service(environment, "plain")->limits.memory = INT64_MAX - 1;
    json_auto_t *huge = update("service/plain", NULL);
    expect_json(json_object_get(huge, "MemorySwap"), "-1");
}

/* Set by hand, where no limit of CPUs is declared. */
Test(docker_body, a_quota_is_lifted) {
    struct field field = {"resources.cpuQuota", "50000", false};
    struct resource observed = {.fields = {&field, 1}};
    struct action action = {
        .verb = VERB_UPDATE, .desired = want("service/plain"), .observed = &observed};
    json_auto_t *body = parse(docker_update_body(&action));
    expect_json(json_object_get(body, "CpuQuota"), "-1");
}

static json_t *connect(const char *network) {
    struct action action = {.verb = VERB_CONNECT,
                            .desired = want("service/full"),
                            .target = "0123abcd",
                            .argument = network};
    return parse(docker_connect_body(&action));
}

Test(docker_body, of_connecting) {
    json_auto_t *internal = connect("tse-sample-internal");
    expect_json(internal,
                "{\"Container\":\"0123abcd\",\"EndpointConfig\":{\"Aliases\":[\"full\","
                "\"zeta\",\"alpha\"],\"IPAMConfig\":{\"IPv4Address\":\"10.231.77.10\"}}}");
    json_auto_t *other = connect("somebody-internal");
    expect_json(other, "{\"Container\":\"0123abcd\"}");
}

/* "apis" and "production-apis" must not be taken for each other. */
Test(docker_body, networks_whose_names_end_alike) {
    struct service *full = docker_sample_service(environment, "full");
    struct attachment networks[] = {{"apis", "10.0.0.1", {0}, {0}},
                                    {"production-apis", "10.0.0.2", {0}, {0}}};
    full->networks = networks;
    json_auto_t *first = connect("tse-sample-apis");
    expect_json(at(first, "EndpointConfig", "IPAMConfig"), "{\"IPv4Address\":\"10.0.0.1\"}");
    json_auto_t *second = connect("tse-sample-production-apis");
    expect_json(at(second, "EndpointConfig", "IPAMConfig"), "{\"IPv4Address\":\"10.0.0.2\"}");
}
