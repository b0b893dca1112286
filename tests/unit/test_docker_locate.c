/* Where a container is, as the engine's answer about it tells. */
#include "docker_server.h"
#include "engines/docker/transport.h"

#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

static struct docker_server *server;
static struct http_client *client;
static struct engine *engine;
static struct error problem;
static char seen[400];
static bool finished;
static struct network networks[] = {{.name = "back"}, {.name = "internal"}};
static const struct environment environment = {
    .name = "dev", .project = "tse", .networks = networks, .network_count = 2};

static void begin(void) {
    server = docker_server_start();
    client = http_client_new(&problem);
    engine = docker_engine_new(client, &(struct docker_options){0}, &problem);
    cr_assert(engine != NULL, "%s", error_text(&problem));
}

static void end(void) {
    engine->operations->free(engine);
    http_client_free(client);
    error_clear(&problem);
    unlink(server->path);
    rmdir(server->folder);
}

TestSuite(docker_locate, .init = begin, .fini = end, .timeout = 60);

static void located(void *context, const struct engine_location *location,
                    const struct error *error) {
    FILE *out = fmemopen(seen, sizeof seen, "w");
    (void)context;
    finished = true;
    if (error)
        fprintf(out, "%s", error_text(error));
    for (size_t i = 0; location && i < location->addresses.count; i++)
        fprintf(out, "%s=%s ", location->addresses.items[i].key,
                location->addresses.items[i].value);
    for (size_t i = 0; location && location->reachable[i]; i++)
        fprintf(out, "%s ", location->reachable[i]);
    if (location)
        fprintf(out, "%s", location->checked ? "checked" : "unchecked");
    fclose(out);
}

static const char *locate(int status, const char *container, uint16_t port) {
    const struct docker_answer_rule rules[] = {
        {"/containers/c1/json", status, container, NULL, NULL}, {0}};
    docker_server_say(server, rules);
    finished = false;
    memset(seen, 0, sizeof seen);
    engine->operations->locate(engine, &environment, "c1", port, located, NULL);
    cr_expect_not(finished);
    while (!finished)
        http_run(client, 1000);
    docker_server_say(server, NULL);
    return seen;
}

static const char container[] =
    "{\"Id\":\"c1\",\"State\":{\"Status\":\"running\",\"Health\":{\"Status\":\"healthy\"}},"
    "\"NetworkSettings\":{\"Networks\":{\"tse-internal\":{\"IPAddress\":\"172.20.0.10\"},"
    "\"other\":{\"IPAddress\":\"10.0.0.2\"},\"tse-back\":{\"IPAddress\":\"\"}},"
    "\"Ports\":{\"6379/tcp\":[{\"HostIp\":\"127.0.0.1\",\"HostPort\":\"16379\"}]}}}";

Test(docker_locate, networks_by_their_names_in_the_environment) {
    cr_expect_str_eq(locate(200, container, 0), "internal=172.20.0.10 other=10.0.0.2 checked");
}

Test(docker_locate, where_a_port_is_reached) {
    cr_expect_str_eq(locate(200, container, 6379),
                     "internal=172.20.0.10 other=10.0.0.2 172.20.0.10:6379 10.0.0.2:6379 "
                     "127.0.0.1:16379 checked");
}

Test(docker_locate, a_container_that_is_on_no_network) {
    cr_expect_str_eq(locate(200, "{\"State\":{\"Health\":{\"Status\":\"none\"}}}", 1), "unchecked");
}

Test(docker_locate, what_goes_wrong_is_told) {
    cr_expect(
        strstr(locate(404, "{\"message\":\"No such container: c1\"}", 1), "No such container"),
        "%s", seen);
    cr_expect(*locate(500, "{}", 1));
    cr_expect(*locate(200, "no JSON", 1));
}
