/* The status of an environment: judged from made-up observations, written as text and documents. */
#include "base/memory.h"
#include "status/document.h"
#include "status/status.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>

static const struct resource_kind kind_service = {
    .name = "service", .lifecycle = LIFECYCLE_CONTAINER, .order = 1};
static const struct resource_kind kind_network = {
    .name = "network", .lifecycle = LIFECYCLE_OBJECT, .order = 0};

static struct pair internal_address[] = {{.key = "internal", .value = "172.20.0.10"}};
static struct port redis_port[] = {{.host_ip = "127.0.0.1", .published = 6379, .target = 6379}};
static struct port grafana_ports[] = {
    {.host_ip = "0.0.0.0", .published = 3000, .target = 3000},
    {.host_ip = "127.0.0.1", .published = 53, .target = 53, .udp = true}};
static const struct container_facts redis_facts = {.image_id = "sha256:1111",
                                                   .started = "2026-01-01T10:00:00.123456789Z",
                                                   .restarts = 2,
                                                   .addresses = {internal_address, 1},
                                                   .ports = redis_port,
                                                   .port_count = 1};
static const struct container_facts grafana_facts = {.stand_in = "answers /api/health only",
                                                     .started = "2026-01-01T11:59:30Z",
                                                     .ports = grafana_ports,
                                                     .port_count = 2};

static const struct service redis = {.name = "redis", .image = "redis:7"};
static const struct service grafana = {
    .name = "grafana",
    .image = "grafana/grafana:10",
    .healthcheck = {.kind = CHECK_HTTP, .port = 3000, .path = "/api/health"}};
static const struct service migrate = {.name = "migrate", .image = "migrate:1", .completes = true};

static struct environment dev = {.name = "dev", .project = "tse", .revision = "0123456789abcdef"};

#define DESIRED(of)                                                                                \
    { &kind_service, "service/" #of, #of, 1, .service = &of }
#define OBSERVED(service, ...)                                                                     \
    {                                                                                              \
        &kind_service, "service/" #service, #service, 1, "tse-" #service, .id = "id-" #service,    \
                                                                          __VA_ARGS__              \
    }

static struct resource desired_items[] = {
    {.kind = &kind_network, .key = "network/internal", .name = "internal"},
    DESIRED(grafana),
    DESIRED(migrate),
    DESIRED(redis)};
static struct resource_set desired = {desired_items, 4};

/* 2026-01-01T12:00:00Z */
#define NOON 1767268800

static struct arena *arena;
static char *written;

static void setup(void) {
    arena = arena_new();
}

static void teardown(void) {
    arena_free(arena);
    free(written);
}

TestSuite(status, .init = setup, .fini = teardown);

static struct status *look(struct resource *items, size_t count, const struct plan *plan) {
    static const struct plan nothing;
    struct resource_set *observed = arena_alloc(arena, sizeof(*observed));
    *observed = (struct resource_set){items, count};
    resource_set_sort(observed);
    return status_make(arena, &dev, &desired, observed, plan ? plan : &nothing, "the engine", NOON);
}

static const char *as_text(const struct status *status, struct table_look how) {
    size_t size;
    free(written);
    FILE *out = open_memstream(&written, &size);
    status_write(status, &how, out);
    fclose(out);
    return written;
}

Test(status, everything_is_well) {
    struct resource items[] = {
        OBSERVED(redis, .state = RUN_RUNNING, .health = HEALTH_HEALTHY, .facts = &redis_facts),
        OBSERVED(grafana, .state = RUN_RUNNING, .health = HEALTH_HEALTHY, .facts = &grafana_facts),
        OBSERVED(migrate, .state = RUN_EXITED)};
    struct status *status = look(items, 3, NULL);
    cr_assert(status_is_good(status));
    cr_assert_str_eq(as_text(status, (struct table_look){.utf8 = true}),
                     "dev on the engine\n"
                     "\n"
                     "SERVICE   STATE        HEALTH      REACH AT                                  "
                     "ADDRESS                UP      RESTARTS   IMAGE                NOTE\n"
                     "grafana   running      healthy     http://127.0.0.1:3000, 127.0.0.1:53/udp   "
                     "                       30s                grafana/grafana:10   "
                     "stand-in\n"
                     "migrate   exited (0)   completed                                             "
                     "                                          migrate:1\n"
                     "redis     running      healthy     127.0.0.1:6379                            "
                     "internal 172.20.0.10   2h00m   2          redis:7\n"
                     "\n"
                     "Ready    yes  3 of 3 services are ready\n"
                     "Synced   yes  everything is as declared\n"
                     "\n"
                     "stand-in: an image made here that answers the health check only, in place "
                     "of the real program (images/README.md)\n");
}

Test(status, where_to_reach_names_only_what_is_reached) {
    static const struct container_facts hidden = {.stand_in = "has no ports"};
    struct resource items[] = {
        OBSERVED(redis, .state = RUN_RUNNING, .health = HEALTH_HEALTHY, .facts = &redis_facts),
        OBSERVED(grafana, .state = RUN_RUNNING, .health = HEALTH_HEALTHY, .facts = &hidden)};
    size_t size;
    free(written);
    FILE *out = open_memstream(&written, &size);
    status_write_reach(look(items, 2, NULL), &(struct table_look){.utf8 = true}, out);
    fclose(out);
    cr_assert_str_eq(written, "SERVICE   REACH AT\n"
                              "redis     127.0.0.1:6379\n");
}

Test(status, a_narrow_screen_keeps_what_matters) {
    struct resource items[] = {
        OBSERVED(redis, .state = RUN_RUNNING, .health = HEALTH_HEALTHY, .facts = &redis_facts),
        OBSERVED(grafana, .state = RUN_RUNNING, .health = HEALTH_HEALTHY, .facts = &grafana_facts),
        OBSERVED(migrate, .state = RUN_EXITED)};
    cr_assert_str_eq(as_text(look(items, 3, NULL), (struct table_look){.width = 40, .utf8 = true}),
                     "dev on the engine\n"
                     "\n"
                     "SERVICE   HEALTH      NOTE\n"
                     "grafana   healthy     stand-in\n"
                     "migrate   completed\n"
                     "redis     healthy\n"
                     "\n"
                     "Ready    yes  3 of 3 services are ready\n"
                     "Synced   yes  everything is as declared\n"
                     "\n"
                     "stand-in: an image made here that answers the health check only, in place "
                     "of the real program (images/README.md)\n");
}

/* What is seldom wanted goes first, then the widest texts are cut. */
Test(status, a_screen_of_usual_width_shows_where_to_reach) {
    struct resource items[] = {
        OBSERVED(redis, .state = RUN_RUNNING, .health = HEALTH_HEALTHY, .facts = &redis_facts),
        OBSERVED(grafana, .state = RUN_RUNNING, .health = HEALTH_HEALTHY, .facts = &grafana_facts)};
    const char *text =
        as_text(look(items, 2, NULL), (struct table_look){.width = 60, .utf8 = true});
    const char *table = "SERVICE   HEALTH    REACH AT                        NOTE\n"
                        "grafana   healthy   http://127.0.0.1:3000, 127.0…   stand-in\n"
                        "migrate   missing\n"
                        "redis     healthy   127.0.0.1:6379\n";
    cr_assert(strstr(text, table) != NULL, "%s", text);
}

Test(status, what_is_wrong_is_said) {
    struct resource items[] = {
        OBSERVED(redis, .state = RUN_PAUSED, .health = HEALTH_HEALTHY),
        OBSERVED(migrate, .state = RUN_EXITED, .exit_code = 137),
        {&kind_service, "service/old", "old", 1, "tse-old", .state = RUN_RUNNING},
    };
    struct change changes[] = {{.kind = CHANGE_UNPAUSE, .key = "service/redis"},
                               {.kind = CHANGE_CREATE, .key = "service/grafana"},
                               {.kind = CHANGE_REMOVE, .key = "service/old"}};
    struct plan plan = {.changes = changes, .change_count = 3};
    struct status *status = look(items, 3, &plan);
    cr_assert_not(status_is_good(status));
    cr_assert_str_eq(
        as_text(status, (struct table_look){.utf8 = true}),
        "dev on the engine\n"
        "\n"
        "SERVICE   STATE          HEALTH      IMAGE                NOTE\n"
        "grafana   missing        missing     grafana/grafana:10   to do: create\n"
        "migrate   exited (137)   unhealthy   migrate:1            exited (137)\n"
        "redis     paused         unhealthy   redis:7              paused, to do: unpause\n"
        "old       running        running                          no longer declared\n"
        "\n"
        "Ready    no   0 of 3 services are ready; grafana is missing\n"
        "Synced   no   3 changes to make; \"tse-reconcile plan\" shows them\n");
}

Test(status, colours_are_only_around_words) {
    struct resource items[] = {OBSERVED(redis, .state = RUN_RUNNING, .health = HEALTH_UNHEALTHY)};
    const char *text = as_text(look(items, 1, NULL), (struct table_look){.colour = true});
    cr_assert_not_null(strstr(text, "\x1b[31munhealthy\x1b[0m"));
    cr_assert_not_null(strstr(text, "Ready    \x1b[31mno\x1b[0m   0 of 3"));
    cr_assert_not_null(strstr(text, "Synced   \x1b[32myes\x1b[0m  everything"));
}

/* --- probing ------------------------------------------------------------------------------------
 */

static struct {
    enum probe_result result;
    const char *detail;
    int calls;
} answer;

/* The real loop, because status_probe() waits in it: answers come from a timer. */
struct pending_probe {
    probe_done *done;
    void *context;
};

static void answer_probe(void *context) {
    struct pending_probe *probe = context;
    probe->done(probe->context, answer.result, answer.detail);
    free(probe);
}

static void fake_probe(struct engine *engine, const struct service *service, const char *target,
                       enum depends_condition condition, probe_done *done, void *context) {
    (void)service;
    cr_assert_str_eq(target, "id-redis");
    cr_assert_eq(condition, DEPENDS_HEALTHY);
    answer.calls++;
    struct pending_probe *probe = memory_alloc(sizeof(*probe));
    *probe = (struct pending_probe){done, context};
    http_after(engine->client, 0, answer_probe, probe);
}

static struct service_status probed(enum health before, enum probe_result result,
                                    const char *detail) {
    static const struct engine_operations operations = {.name = "fake", .probe = fake_probe};
    struct error error = ERROR_INIT;
    struct engine engine = {.operations = &operations, .client = http_client_new(&error)};
    struct resource items[] = {OBSERVED(redis, .state = RUN_RUNNING, .health = before)};
    answer.result = result;
    answer.detail = detail;
    answer.calls = 0;
    struct status *status = look(items, 1, NULL);
    status_probe(status, &engine);
    http_client_free(engine.client);
    return status->services[2];
}

Test(status, the_word_of_the_engine_is_enough_when_it_is_certain) {
    cr_assert_eq(probed(HEALTH_HEALTHY, PROBE_FAILED, "").health, SERVICE_HEALTHY);
    cr_assert_eq(answer.calls, 0);
    cr_assert_eq(probed(HEALTH_NONE, PROBE_FAILED, "").health, SERVICE_RUNNING);
    cr_assert_eq(answer.calls, 0);
}

Test(status, what_is_not_certain_is_looked_at_again) {
    cr_assert_eq(probed(HEALTH_STARTING, PROBE_HEALTHY, "").health, SERVICE_HEALTHY);
    cr_assert_eq(answer.calls, 1);
    cr_assert_eq(probed(HEALTH_UNKNOWN, PROBE_HEALTHY, "").health, SERVICE_HEALTHY);
    cr_assert_eq(probed(HEALTH_UNHEALTHY, PROBE_HEALTHY, "").health, SERVICE_HEALTHY);
    cr_assert_eq(probed(HEALTH_STARTING, PROBE_WAITING, "").health, SERVICE_STARTING);
    struct service_status service = probed(HEALTH_UNKNOWN, PROBE_WAITING, "connection refused");
    cr_assert_eq(service.health, SERVICE_UNHEALTHY);
    cr_assert_str_eq(service.detail, "connection refused");
}

/* --- documents ----------------------------------------------------------------------------------
 */

Test(status, document_for_scripts) {
    struct resource items[] = {
        OBSERVED(redis, .state = RUN_RUNNING, .health = HEALTH_HEALTHY, .facts = &redis_facts)};
    struct change changes[] = {{.kind = CHANGE_UPDATE, .key = "service/redis"}};
    struct plan plan = {.changes = changes, .change_count = 1};
    json_t *document = status_json(look(items, 1, &plan));
    json_t *service = json_array_get(json_object_get(document, "services"), 2);
    char *text = json_dumps(service, JSON_COMPACT);
    cr_assert_str_eq(
        text,
        "{\"name\":\"redis\",\"instance\":1,\"container\":\"tse-redis\",\"id\":\"id-redis\","
        "\"declared\":true,\"state\":\"running\",\"health\":\"healthy\",\"detail\":null,"
        "\"image\":\"redis:7\",\"imageId\":\"sha256:1111\",\"standIn\":null,"
        "\"addresses\":{\"internal\":\"172.20.0.10\"},"
        "\"ports\":[{\"hostIp\":\"127.0.0.1\",\"published\":6379,\"target\":6379,"
        "\"protocol\":\"tcp\",\"reach\":\"127.0.0.1:6379\"}],"
        "\"started\":\"2026-01-01T10:00:00.123456789Z\",\"uptimeSeconds\":7200,\"restarts\":2,"
        "\"pendingChange\":\"update in place\"}");
    free(text);
    text = json_dumps(json_object_get(document, "conditions"), JSON_COMPACT);
    cr_assert_str_eq(text,
                     "[{\"type\":\"Ready\",\"status\":\"False\",\"reason\":\"ServicesNotReady\","
                     "\"message\":\"1 of 3 services are ready; grafana is missing\"},"
                     "{\"type\":\"Synced\",\"status\":\"False\",\"reason\":\"ChangesToMake\","
                     "\"message\":\"1 change to make; \\\"tse-reconcile plan\\\" shows it\"}]");
    free(text);
    json_decref(document);
}

Test(status, yaml_keeps_types) {
    json_t *document = json_pack("{s:s, s:s, s:s, s:i, s:b, s:n, s:[], s:{}, s:[s,{s:s}]}", "word",
                                 "healthy", "number", "5", "truth", "yes", "five", 5, "true", 1,
                                 "none", "list", "map", "items", "172.20.0.1", "a", "b");
    size_t size;
    FILE *out = open_memstream(&written, &size);
    document_write(document, true, out);
    fclose(out);
    cr_assert_str_eq(written, "word: healthy\n"
                              "number: \"5\"\n"
                              "truth: \"yes\"\n"
                              "five: 5\n"
                              "\"true\": true\n"
                              "none: null\n"
                              "list: []\n"
                              "map: {}\n"
                              "items:\n"
                              "- \"172.20.0.1\"\n"
                              "- a: b\n");
    json_decref(document);
}

Test(status, text_that_is_not_utf8_becomes_so) {
    json_t *object = json_object();
    document_text(object, "detail", "caf\xe9");
    document_text(object, "none", NULL);
    cr_assert_str_eq(json_string_value(json_object_get(object, "detail")), "caf?");
    cr_assert_eq(json_typeof(json_object_get(object, "none")), JSON_NULL);
    json_decref(object);
}
