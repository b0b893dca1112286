#include "docker_server.h"

#include "base/memory.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static const struct docker_answer_rule ping = {
    "/_ping", 200, "OK", "Api-Version: 1.41\r\nServer: Docker/test\r\n", NULL};

static const struct docker_answer_rule *find(const struct docker_server *server, const char *method,
                                             const char *path) {
    static const struct docker_answer_rule missing = {"", 404, "{\"message\":\"no such\"}", NULL,
                                                      NULL};
    const char *rest = strncmp(path, "/v1.", 4) == 0 ? strchr(path + 1, '/') : path;
    for (const struct docker_answer_rule *rule = server->rules; rest && rule && rule->path; rule++)
        if (strncmp(rest, rule->path, strlen(rule->path)) == 0 &&
            (!rule->method || strcmp(rule->method, method) == 0))
            return rule;
    return !rest || strncmp(rest, "/_ping", 6) == 0 ? &ping : &missing;
}

/* A client that gave up meanwhile must not end the test's process by SIGPIPE. */
static bool say(int connection, const char *method, const struct docker_answer_rule *rule) {
    if (rule->status < 0)
        return false;
    size_t length = strlen(rule->body);
    cleanup_free char *head =
        format_text("HTTP/1.1 %d Said\r\nContent-Length: %zu\r\n%sConnection: close\r\n\r\n",
                    rule->status ? rule->status : 200, rule->status ? length : length + 100,
                    rule->header ? rule->header : "");
    if (send(connection, head, strlen(head), MSG_NOSIGNAL) > 0 && strcmp(method, "HEAD") != 0)
        send(connection, rule->body, length, MSG_NOSIGNAL);
    return true;
}

/* Whether that was all. */
static bool answer(struct docker_server *server, int connection) {
    char request[16384], method[8], path[4096];
    size_t size = 0;
    while (size < sizeof request - 1) {
        ssize_t count = read(connection, request + size, sizeof request - 1 - size);
        if (count <= 0)
            return true;
        size += (size_t)count;
        request[size] = '\0';
        if (strstr(request, "\r\n\r\n"))
            break;
    }
    if (sscanf(request, "%7s %4095s", method, path) != 2)
        return true;
    server->requests++;
    pthread_mutex_lock(&server->lock);
    bool over = say(connection, method, find(server, method, path));
    pthread_mutex_unlock(&server->lock);
    return over;
}

void docker_server_say(struct docker_server *server, const struct docker_answer_rule *rules) {
    pthread_mutex_lock(&server->lock);
    server->rules = rules;
    pthread_mutex_unlock(&server->lock);
}

struct started {
    struct docker_server *server;
    int listener;
};

static void *serve(void *context) {
    struct started *started = context;
    for (;;) {
        int connection = accept(started->listener, NULL, NULL);
        if (connection < 0)
            return NULL;
        if (answer(started->server, connection))
            close(connection);
    }
}

struct docker_server *docker_server_start(void) {
    static struct docker_server server;
    static struct started started;
    pthread_mutex_init(&server.lock, NULL);
    strcpy(server.folder, "/tmp/tse-docker-XXXXXX");
    cr_assert(mkdtemp(server.folder) != NULL);
    snprintf(server.path, sizeof server.path, "%s/s", server.folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, server.path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    cr_assert(listen(listener, 64) == 0);
    cleanup_free char *host = format_text("unix://%s", server.path);
    setenv("DOCKER_HOST", host, 1);
    unsetenv("DOCKER_CONTEXT");
    started = (struct started){&server, listener};
    pthread_t thread;
    cr_assert(pthread_create(&thread, NULL, serve, &started) == 0);
    return &server;
}
