#include "docker_live.h"
#include "fetch.h"

#include "base/error.h"
#include "engines/docker/transport.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct docker_engine *docker(const struct live *live) {
    return docker_of(live->engine);
}

long live_call(struct live *live, const char *method, const char *path, const char *type,
               const char *body, size_t size, char **answer) {
    cleanup_free char *full = format_text("%s%s", docker(live)->api_prefix, path);
    cleanup_free char *header = format_text("Content-Type: %s", type ? type : "application/json");
    const char *const headers[] = {header, NULL};
    struct http_request request = {.endpoint = &docker(live)->endpoint,
                                   .method = method,
                                   .path = full,
                                   .headers = headers,
                                   .timeout_ms = 60000};
    if (body) {
        request.body = memory_alloc(size + 1);
        memcpy(request.body, body, size);
        request.body_size = size;
    }
    char *text = NULL;
    long status = fetch(live->client, &request, &text);
    cr_assert(status > 0, "%s %s: no answer", method, path);
    if (answer)
        *answer = text;
    else
        free(text);
    return status;
}

json_t *live_json(struct live *live, const char *method, const char *path, const char *body) {
    cleanup_free char *answer = NULL;
    long status = live_call(live, method, path, NULL, body, body ? strlen(body) : 0, &answer);
    cr_assert(status >= 200 && status < 300, "%s %s: %ld %s", method, path, status,
              answer ? answer : "");
    return answer && *answer ? json_loads(answer, 0, NULL) : NULL;
}

static void call(struct live *live, const char *method, const char *path, const char *body) {
    json_decref(live_json(live, method, path, body));
}

/* --- the image ----------------------------------------------------------------------------------
 */

static char *read_busybox(size_t *size) {
    FILE *in = fopen("build/tests/busybox", "rb"); /* tests/e2e/busybox-image puts it there */
    cr_assert_not_null(in, "no build/tests/busybox: run tests/engine run tests/e2e/run");
    fseek(in, 0, SEEK_END);
    *size = (size_t)ftell(in);
    rewind(in);
    char *data = memory_alloc(*size + 1);
    cr_assert(fread(data, 1, *size, in) == *size);
    fclose(in);
    return data;
}

static const char image_config[] =
    "{\"Env\":[\"PATH=/bin\",\"IMAGE_A=1\",\"IMAGE_B=2\"],\"Cmd\":[\"sleep\",\"600\"],"
    "\"Entrypoint\":[\"/bin/busybox\"],\"User\":\"5:6\",\"WorkingDir\":\"/var\","
    "\"Labels\":{\"imagelabel\":\"image\",\"org.opencontainers.image.title\":\"x\","
    "\"tse.io/stand-in\":\"sample\"},\"StopSignal\":\"SIGQUIT\","
    "\"Healthcheck\":{\"Test\":[\"CMD\",\"/bin/busybox\",\"true\"],\"Interval\":7000000000,"
    "\"Retries\":9},\"Volumes\":{\"/var/lib/data\":{}},\"ExposedPorts\":{\"99/tcp\":{}}}";

static void make_image(struct live *live) {
    size_t size;
    char *busybox = read_busybox(&size);
    struct file file = {.target = "/bin/busybox", .data = busybox, .size = size, .mode = 0755};
    struct service service = {.name = "base", .files = &file, .file_count = 1};
    cleanup_free char *archive = docker_archive_at(&service, NULL, "/", &size);
    free(busybox);
    cleanup_free char *import =
        format_text("/images/create?fromSrc=-&repo=%s&tag=base", live->project);
    cr_assert(live_call(live, "POST", import, "application/x-tar", archive, size, NULL) == 200);
    cleanup_free char *create = format_text("/containers/create?name=%s-base", live->project);
    cleanup_free char *body = format_text(
        "{\"Image\":\"%s:base\",\"Cmd\":[\"/bin/busybox\"],\"Labels\":{\"tse.io/project\":\"%s\"}}",
        live->project, live->project);
    call(live, "POST", create, body);
    cleanup_free char *commit =
        format_text("/commit?container=%s-base&repo=%s&tag=1", live->project, live->project);
    json_auto_t *made = live_json(live, "POST", commit, image_config);
    snprintf(live->image_id, sizeof live->image_id, "%s",
             json_string_value(json_object_get(made, "Id")));
    cleanup_free char *remove = format_text("/containers/%s-base", live->project);
    call(live, "DELETE", remove, NULL);
}

void live_begin(struct live *live) {
    const char *record = getenv("TSE_RECORD"); /* fixed names, for recorded data */
    int number = record ? 0 : (int)getpid();
    memset(live, 0, sizeof *live);
    struct error error = ERROR_INIT;
    live->client = http_client_new(&error);
    live->engine = docker_engine_new(live->client, &(struct docker_options){0}, &error);
    if (!live->engine)
        cr_skip_test("NOT TESTED: no Docker engine answers: %s", error_text(&error));
    snprintf(live->project, sizeof live->project, record ? "tse-sample" : "tse-live-%d", number);
    snprintf(live->image, sizeof live->image, "%s:1", live->project);
    int net = record ? 77 : 1 + number % 250;
    snprintf(live->subnet, sizeof live->subnet, "10.231.%d.0/24", net);
    snprintf(live->address, sizeof live->address, "10.231.%d.10", net);
    live->port = record ? 28731 : (uint16_t)(20000 + number % 12000);
    make_image(live);
}

struct docker_sample_options live_options(const struct live *live) {
    return (struct docker_sample_options){.project = live->project,
                                          .image = live->image,
                                          .subnet = live->subnet,
                                          .address = live->address,
                                          .port = live->port};
}

/* --- removal ------------------------------------------------------------------------------------
 */

static bool is_of(const struct live *live, const json_t *object) {
    const char *project =
        json_string_value(json_object_get(json_object_get(object, "Labels"), "tse.io/project"));
    return project && strcmp(project, live->project) == 0;
}

static void remove_listed(struct live *live, const char *list, const char *member, const char *id,
                          const char *pattern) {
    cleanup_free char *answer = NULL;
    live_call(live, "GET", list, NULL, NULL, 0, &answer);
    json_auto_t *document = json_loads(answer, 0, NULL);
    const json_t *items = member ? json_object_get(document, member) : document;
    size_t i;
    json_t *item;
    json_array_foreach(items, i, item) {
        if (!is_of(live, item))
            continue;
        cleanup_free char *path =
            format_text("%s/%s%s", pattern, json_string_value(json_object_get(item, id)),
                        member ? "" : "?v=1&force=1");
        live_call(live, "DELETE", path, NULL, NULL, 0, NULL);
    }
}

void live_end(struct live *live) {
    if (live->engine) {
        remove_listed(live, "/containers/json?all=1", NULL, "Id", "/containers");
        remove_listed(live, "/volumes", "Volumes", "Name", "/volumes");
        remove_listed(live, "/networks", NULL, "Id", "/networks");
        cleanup_free char *by_id = format_text("/images/%s?force=1", live->image_id);
        live_call(live, "DELETE", by_id, NULL, NULL, 0, NULL);
        for (int i = 0; i < 2; i++) {
            static const char *const tags[] = {"1", "base"};
            cleanup_free char *path = format_text("/images/%s:%s?force=1", live->project, tags[i]);
            live_call(live, "DELETE", path, NULL, NULL, 0, NULL);
        }
        live->engine->operations->free(live->engine);
    }
    http_client_free(live->client);
    memset(live, 0, sizeof *live);
}

/* --- actions ------------------------------------------------------------------------------------
 */

struct outcome {
    bool done, ok;
    char text[512];
};

static void on_done(void *context, bool ok, const struct error *error) {
    struct outcome *outcome = context;
    outcome->done = true;
    outcome->ok = ok;
    snprintf(outcome->text, sizeof outcome->text, "%s", ok ? "" : error_text(error));
}

void live_act(struct live *live, const struct environment *environment, struct action action) {
    struct outcome outcome = {0};
    if (!action.target)
        action.target = action.observed  ? action.observed->id
                        : action.desired ? action.desired->engine_name
                                         : "";
    live->engine->operations->act(live->engine, environment, &action, 0, NULL, on_done, &outcome);
    while (!outcome.done)
        http_run(live->client, 1000);
    cr_assert(outcome.ok, "%s %s: %s", verb_name(action.verb), action.target, outcome.text);
}

struct resource_set live_observe(struct live *live, struct arena *arena,
                                 const struct environment *environment,
                                 const struct resource_set *desired) {
    struct resource_set observed;
    struct error error = ERROR_INIT;
    int result = docker_observe(live->engine, arena, environment->project, environment->name,
                                desired, &observed, &error);
    cr_assert(result == 0, "%s", error_text(&error));
    return observed;
}
