#include "redis_server.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <hiredis/hiredis.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void write_line(const redisReply *command, char *line, size_t size) {
    size_t used = 0;
    line[0] = '\0';
    for (size_t i = 0; i < command->elements && used < size; i++)
        used += (size_t)snprintf(line + used, size - used, "%s%s", i ? " " : "",
                                 command->element[i]->str);
}

static const char *find_answer(struct redis_server *server, const char *line) {
    for (struct redis_rule *rule = server->rules; rule && rule->answer; rule++) {
        if (rule->times < 0 || strncmp(line, rule->command, strlen(rule->command)) != 0)
            continue;
        if (rule->times > 0 && --rule->times == 0)
            rule->times = -1;
        return rule->answer;
    }
    return "-ERR no rule fits\r\n";
}

/* Returns whether the connection goes on. */
static int answer(struct redis_server *server, int connection, const redisReply *command) {
    char line[4096];
    write_line(command, line, sizeof line);
    pthread_mutex_lock(&server->lock);
    const char *said = find_answer(server, line);
    size_t used = strlen(server->log);
    snprintf(server->log + used, sizeof server->log - used, "%s\n", line);
    pthread_mutex_unlock(&server->lock);
    if (strcmp(said, REDIS_CUT) == 0)
        return 0;
    if (strcmp(said, REDIS_SILENT) != 0)
        send(connection, said, strlen(said), MSG_NOSIGNAL);
    return 1;
}

struct started {
    struct redis_server *server;
    int socket;
};

static void *serve_one(void *context) {
    struct started *started = context;
    redisReader *reader = redisReaderCreate();
    char buffer[4096];
    ssize_t count;
    int going = 1;
    while (going && (count = read(started->socket, buffer, sizeof buffer)) > 0) {
        void *command = NULL;
        redisReaderFeed(reader, buffer, (size_t)count);
        while (going && redisReaderGetReply(reader, &command) == REDIS_OK && command) {
            going = answer(started->server, started->socket, command);
            freeReplyObject(command);
        }
    }
    redisReaderFree(reader);
    close(started->socket);
    free(started);
    return NULL;
}

static void *serve(void *context) {
    struct started *listening = context;
    for (;;) {
        int connection = accept(listening->socket, NULL, NULL);
        if (connection < 0)
            return NULL;
        listening->server->connections++;
        struct started *one = malloc(sizeof *one);
        *one = (struct started){listening->server, connection};
        pthread_t thread;
        pthread_create(&thread, NULL, serve_one, one);
        pthread_detach(thread);
    }
}

static int listen_somewhere(char *text, size_t size) {
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(listener, (struct sockaddr *)&address, sizeof address) == 0);
    cr_assert(getsockname(listener, (struct sockaddr *)&address, &length) == 0);
    snprintf(text, size, "127.0.0.1:%d", ntohs(address.sin_port));
    return listener;
}

struct redis_server *redis_server_start(struct redis_rule *rules) {
    static struct redis_server server;
    static struct started started;
    pthread_mutex_init(&server.lock, NULL);
    server.rules = rules;
    int listener = listen_somewhere(server.address, sizeof server.address);
    cr_assert(listen(listener, 16) == 0);
    listen_somewhere(server.refusing, sizeof server.refusing); /* bound, not listening */
    started = (struct started){&server, listener};
    pthread_t thread;
    cr_assert(pthread_create(&thread, NULL, serve, &started) == 0);
    return &server;
}

const char *redis_server_log(struct redis_server *server) {
    static char copy[sizeof server->log];
    pthread_mutex_lock(&server->lock);
    strcpy(copy, server->log);
    pthread_mutex_unlock(&server->lock);
    return copy;
}
