/* Observing an engine that answers what a real one cannot be made to. */
#include "docker_sample.h"
#include "docker_server.h"

#include "base/error.h"

#include <criterion/criterion.h>
#include <criterion/new/assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct arena *arena;
static struct docker_server *server;
static struct http_client *client;
static struct engine *engine;
static struct environment *environment;
static struct resource_set desired, observed;
static struct error problem;
static char *containers, *container, *image;

static char *dump(const char *file) {
    json_auto_t *document = docker_sample_data(file);
    return json_dumps(document, JSON_COMPACT);
}

/* The list entry of a recorded container, as often as asked for. */
static char *list_entries(int count) {
    json_auto_t *full = docker_sample_data("full-running.json");
    json_auto_t *list = json_array();
    json_t *labels = json_object_get(json_object_get(full, "Config"), "Labels");
    for (int i = 0; i < count; i++)
        json_array_append_new(list,
                              json_pack("{s:O,s:O,s:O,s:s,s:[]}", "Id", json_object_get(full, "Id"),
                                        "ImageID", json_object_get(full, "Image"), "Labels", labels,
                                        "Status", "Up", "Mounts"));
    return json_dumps(list, 0);
}

static void begin(void) {
    arena = arena_new();
    server = docker_server_start();
    client = http_client_new(&problem);
    engine = docker_engine_new(client, &(struct docker_options){0}, &problem);
    cr_assert(engine != NULL, "%s", error_text(&problem));
    environment = docker_sample_environment(arena, NULL);
    desired = docker_sample_compile(arena, environment);
    containers = list_entries(1);
    container = dump("full-running.json");
    image = dump("image.json");
}

static void end(void) {
    engine->operations->free(engine);
    http_client_free(client);
    error_clear(&problem);
    arena_free(arena);
    unlink(server->path);
    rmdir(server->folder);
    free(containers);
    free(container);
    free(image);
}

TestSuite(docker_observe, .init = begin, .fini = end, .timeout = 60);

static int observe(const struct docker_answer_rule *rules) {
    docker_server_say(server, rules);
    error_clear(&problem);
    int result = docker_observe(engine, arena, "tse-sample", "test", &desired, &observed, &problem);
    docker_server_say(server, NULL);
    return result;
}

#define NOTHING                                                                                    \
    {"/volumes", 200, "{\"Volumes\":null}", NULL, NULL}, {                                         \
        "/networks", 200, "[]", NULL, NULL                                                         \
    }

static void expect_error(enum error_code code, const char *part) {
    cr_assert(eq(int, problem.code, code));
    cr_assert(strstr(error_text(&problem), part) != NULL, "%s", error_text(&problem));
    cr_assert(eq(sz, observed.count, 0));
}

Test(docker_observe, nothing_is_there) {
    const struct docker_answer_rule rules[] = {
        NOTHING, {"/containers/json", 200, "[]", NULL, NULL}, {0}};
    cr_assert(observe(rules) == 0, "%s", error_text(&problem));
    cr_assert(eq(sz, observed.count, 0));
}

/* Listed, removed, then asked for. */
Test(docker_observe, a_container_that_vanishes_is_not_there) {
    const struct docker_answer_rule rules[] = {
        NOTHING, {"/containers/json", 200, containers, NULL, NULL}, {0}};
    cr_assert(observe(rules) == 0, "%s", error_text(&problem));
    cr_assert(eq(sz, observed.count, 0));
}

Test(docker_observe, files_that_cannot_be_looked_at_are_not_there) {
    const struct docker_answer_rule rules[] = {NOTHING,
                                               {"/containers/json", 200, containers, NULL, NULL},
                                               {"/images/", 200, image, NULL, NULL},
                                               {"/containers/", 404, "{}", NULL, "HEAD"},
                                               {"/containers/", 200, container, NULL, NULL},
                                               {0}};
    /* The secret file is asked for with GET, and finds no archive but JSON. */
    cr_assert(observe(rules) == 0, "%s", error_text(&problem));
    const struct resource *full = docker_sample_resource(&observed, "service/full");
    cr_assert(field_value(&full->fields, "files./etc/full/app.conf") == NULL);
    cr_assert(eq(str, (char *)field_value(&full->fields, "files./etc/full/secret"),
                 "not a regular file"));
}

Test(docker_observe, a_head_that_fails_is_explained_by_a_get) {
    struct docker_answer_rule rules[] = {
        NOTHING,
        {"/containers/json", 200, containers, NULL, NULL},
        {"/images/", 200, image, NULL, NULL},
        {"/containers/", 500, "", NULL, "HEAD"},
        {"", 500, "{\"message\":\"lstat /etc/full: not a directory\"}", NULL, NULL},
        {"/containers/", 200, container, NULL, NULL},
        {0}};
    const char *id = strstr(containers, "\"Id\": \"") + 7;
    cleanup_free char *archive = format_text("/containers/%.64s/archive", id);
    rules[5].path = archive;
    cr_assert(observe(rules) == 0, "%s", error_text(&problem));
    const struct resource *full = docker_sample_resource(&observed, "service/full");
    cr_assert(eq(str, (char *)field_value(&full->fields, "files./etc/full/app.conf"),
                 "modified outside"));
    rules[5].body = "{\"message\":\"something else\"}";
    cr_assert(observe(rules) == -1);
    expect_error(ERROR_TRANSIENT, "cannot look at an uploaded file");
}

/* --- answers that make no sense -----------------------------------------------------------------
 */

Test(docker_observe, lists_that_make_no_sense) {
    static const char *const bodies[] = {"",   "{\"message\":\"x\"}", "<html>", "[{\"Name\":1}]",
                                         "[{", "[{\"Id\":\"x\"}",     "null",   "[{}] [",
                                         "[1", "[{\"Labels\":[}]"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct docker_answer_rule networks[] = {
            {"/volumes", 200, "{\"Volumes\":null}", NULL, NULL},
            {"/networks", 200, bodies[i], NULL, NULL},
            {"/containers/json", 200, "[]", NULL, NULL},
            {0}};
        cr_assert(observe(networks) == -1, "%s", bodies[i]);
        expect_error(ERROR_TRANSIENT, "cannot list networks");
        const struct docker_answer_rule list[] = {
            NOTHING, {"/containers/json", 200, bodies[i], NULL, NULL}, {0}};
        cr_assert(observe(list) == -1, "%s", bodies[i]);
        expect_error(ERROR_TRANSIENT, "cannot list containers");
    }
}

Test(docker_observe, containers_that_make_no_sense) {
    static const char *const bodies[] = {"", "{}", "[]", "{\"Id\":", "<html>", "{\"Id\":\"x\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        const struct docker_answer_rule rules[] = {
            NOTHING,
            {"/containers/json", 200, containers, NULL, NULL},
            {"/containers/", 200, bodies[i], NULL, NULL},
            {0}};
        cr_assert(observe(rules) == -1, "%s", bodies[i]);
        expect_error(ERROR_TRANSIENT, "cannot inspect a container");
    }
}

Test(docker_observe, images_that_make_no_sense) {
    const struct docker_answer_rule rules[] = {NOTHING,
                                               {"/containers/json", 200, "[]", NULL, NULL},
                                               {"/images/", 200, "{}", NULL, NULL},
                                               {0}};
    cr_assert(observe(rules) == -1);
    expect_error(ERROR_TRANSIENT, "cannot inspect image \"tse-sample:1\"");
}

/* The connection ends in the middle, anywhere. */
Test(docker_observe, answers_that_are_cut_off) {
    static const char *const paths[] = {"/volumes", "/networks", "/containers/json", "/images/",
                                        "/containers/"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
        const struct docker_answer_rule rules[] = {
            {paths[i], 0, "[", NULL, NULL},
            NOTHING,
            {"/containers/json", 200, containers, NULL, NULL},
            {"/images/", 200, image, NULL, NULL},
            {"/containers/", 200, container, NULL, NULL},
            {0}};
        cr_assert(observe(rules) == -1, "%s", paths[i]);
        expect_error(ERROR_UNREACHABLE, "ended the connection before its answer was complete");
    }
}

Test(docker_observe, refusals) {
    const struct docker_answer_rule rules[] = {
        {"/volumes", 500, "{\"message\":\"disk on fire\"}", NULL, NULL}, NOTHING, {0}};
    cr_assert(observe(rules) == -1);
    expect_error(ERROR_TRANSIENT, "disk on fire");
}

/* What waits and what is under way is dropped; the client is as good as new. */
Test(docker_observe, one_failure_ends_all) {
    cleanup_free char *many = list_entries(100);
    const struct docker_answer_rule rules[] = {
        NOTHING,
        {"/containers/json", 200, many, NULL, NULL},
        {"/images/", 200, image, NULL, NULL},
        {"/containers/", 500, "{\"message\":\"no\"}", NULL, NULL},
        {0}};
    cr_assert(observe(rules) == -1);
    expect_error(ERROR_TRANSIENT, "cannot inspect a container");
    cr_assert(http_busy(client) == false);
    cr_assert(server->requests < 60);
    const struct docker_answer_rule fine[] = {
        NOTHING, {"/containers/json", 200, "[]", NULL, NULL}, {0}};
    cr_assert(observe(fine) == 0, "%s", error_text(&problem));
}

/* --- images that are always pulled --------------------------------------------------------------
 */

static bool is_outdated(int status, const char *distribution) {
    const struct docker_answer_rule rules[] = {NOTHING,
                                               {"/containers/json", 200, "[]", NULL, NULL},
                                               {"/images/", 200, image, NULL, NULL},
                                               {"/distribution/", status, distribution, NULL, NULL},
                                               {0}};
    cr_assert(observe(rules) == 0, "%s", error_text(&problem));
    return docker_sample_resource(&observed, desired.items[3].key)->outdated;
}

Test(docker_observe, the_registry_says_whether_an_image_is_outdated) {
    json_auto_t *local = json_loads(image, 0, NULL);
    json_object_set_new(local, "RepoDigests", json_pack("[s,s]", "a@sha256:1", "b@sha256:2"));
    free(image);
    image = json_dumps(local, 0);
    static const char same[] = "{\"Descriptor\":{\"digest\":\"sha256:2\"}}";
    static const char other[] = "{\"Descriptor\":{\"digest\":\"sha256:3\"}}";
    cr_assert(is_outdated(200, other) == false); /* pull policy never: not asked */
    docker_sample_service(environment, "full")->pull_policy = PULL_ALWAYS;
    desired = docker_sample_compile(arena, environment);
    cr_assert(is_outdated(200, same) == false);
    cr_assert(is_outdated(200, other) == true);
    /* An answer that says nothing says nothing against the image that is there. */
    cr_assert(is_outdated(200, "{}") == false);
    cr_assert(is_outdated(200, "<html>") == false);
    cr_assert(is_outdated(500, "{\"message\":\"no route\"}") == false);
    cr_assert(is_outdated(429, "{\"message\":\"toomanyrequests\"}") == false);
    cr_assert(is_outdated(401, "{}") == false);
}

Test(docker_observe, an_image_named_by_digest_is_never_outdated) {
    static const char pinned[] = "redis@sha256:1";
    for (size_t i = 0; i < environment->service_count; i++) {
        environment->services[i].image = pinned;
        environment->services[i].pull_policy = PULL_ALWAYS;
    }
    desired = docker_sample_compile(arena, environment);
    cr_assert(is_outdated(200, "{\"Descriptor\":{\"digest\":\"sha256:3\"}}") == false);
}

/* Only about those that are not as desired the engine is asked who is on them. */
Test(docker_observe, strangers_on_a_network_that_differs) {
    const char *id = strstr(containers, "\"Id\": \"") + 7;
    cleanup_free char *inspected =
        format_text("{\"Containers\":{\"%.64s\":{\"Name\":\"ours\"},\"f1\":{\"Name\":\"theirs\"},"
                    "\"ep-e1\":{\"Name\":\"leaving\"}}}",
                    id);
    cleanup_free char *networks = dump("networks.json");
    const struct docker_answer_rule rules[] = {{"/volumes", 200, "{}", NULL, NULL},
                                               {"/networks/", 200, inspected, NULL, NULL},
                                               {"/networks", 200, networks, NULL, NULL},
                                               {"/containers/json", 200, containers, NULL, NULL},
                                               {0}};
    environment->networks[0].internal = !environment->networks[0].internal;
    desired = docker_sample_compile(arena, environment);
    cr_assert(observe(rules) == 0, "%s", error_text(&problem));
    const struct resource *back = docker_sample_resource(&observed, "network/back");
    cr_assert(eq(str, (char *)back->strangers, "theirs"));
    cr_assert(docker_sample_resource(&observed, "network/internal")->strangers == NULL);
}

Test(docker_observe, foreign_containers_are_known_by_name_only) {
    const struct docker_answer_rule rules[] = {
        NOTHING,
        {"/containers/json", 200,
         "[{\"Id\":\"f1\",\"Names\":[\"/tse-sample-full\"],\"Labels\":{\"com.docker.compose."
         "project\":\"shop\"}},{\"Id\":\"f2\",\"Names\":[\"/unrelated\"],\"Labels\":null},"
         "{\"Id\":\"f3\",\"Names\":[\"/tse-sample-plain\"],\"Labels\":{\"tse.io/project\":"
         "\"tse-sample\",\"tse.io/environment\":\"test\"}},"
         "{\"Id\":\"f4\",\"Names\":[\"/tse-sample-full.next\"],\"Labels\":null},"
         "{\"Id\":\"f5\",\"Names\":[\"/tse-sample-full.previous\"],\"Labels\":null},"
         "{\"Id\":\"f6\",\"Names\":[\"/unrelated.next\"],\"Labels\":null}]",
         NULL, NULL},
        {0}};
    cr_assert(observe(rules) == 0, "%s", error_text(&problem));
    cr_assert(eq(sz, observed.count, 4));
    for (size_t i = 0; i < SLOT_COUNT; i++) {
        cr_assert(eq(str, (char *)observed.items[i].key, "service/full"));
        cr_assert(observed.items[i].slot == (enum slot)i && observed.items[i].foreign);
    }
    cr_assert(eq(str, (char *)observed.items[0].key, "service/full"));
    cr_assert(eq(str, (char *)observed.items[0].owner, "Compose project shop"));
    cr_assert(observed.items[3].foreign);
}
