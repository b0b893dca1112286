/*
 * Stands in for a program that cannot be had on this machine: listens on that program's ports and
 * answers its health endpoint, so that an environment can be brought up and its wiring tried.
 * Everything else is refused with 501 and a text that says what answered. It never pretends more.
 *
 * The name it is started under chooses what it stands in for, since images/make puts it in the
 * very place of the real program, whose arguments it is given and does not look at.
 *
 * One process, one poll loop. SIGTERM and SIGINT end it; SIGHUP, at which some of the real
 * programs read their configuration again, changes nothing.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_PORTS       4
#define MAX_CONNECTIONS 128
#define MAX_REQUEST     8192
#define PATIENCE_MS     3000 /* for a whole request, and for the client to close afterwards */

/* A port of the program. Only one has a health endpoint; the others have no path. */
struct port {
    uint16_t number;
    const char *path, *type, *body;
};

static const struct stand_in {
    const char *file; /* the name of the real program's file */
    const char *name;
    struct port ports[MAX_PORTS]; /* up to the first with number 0 */
} stand_ins[] = {
    {"run.sh",
     "Grafana",
     {{3000, "/api/health", "application/json",
       "{\"commit\": \"none\", \"database\": \"ok\", \"version\": \"stand-in, not Grafana\"}\n"}}},
    {"all-in-one-linux",
     "Jaeger",
     {{16686, "/", "text/html; charset=utf-8",
       "<!doctype html><title>Jaeger stand-in</title><p>A stand-in for Jaeger: it answers this "
       "page "
       "only.\n"},
      {.number = 4317},
      {.number = 4318}}},
    {"otelcol-contrib",
     "the OpenTelemetry collector",
     {{13133, "/", "application/json", "{\"status\": \"Server available\", \"standIn\": true}\n"},
      {.number = 4317},
      {.number = 4318}}},
};

struct connection {
    const struct port *port;
    int64_t deadline; /* monotonic, milliseconds */
    size_t length;    /* of the request so far */
    bool answered;    /* only waiting for the client to close */
    char request[MAX_REQUEST];
};

/* The poll set: the signals, then the listening ports, then the connections. */
struct server {
    const struct stand_in *what;
    size_t port_count, connection_count;
    struct pollfd polled[1 + MAX_PORTS + MAX_CONNECTIONS];
    struct connection connections[MAX_CONNECTIONS];
};

static struct pollfd *polled_connection(struct server *server, size_t index) {
    return &server->polled[1 + server->port_count + index];
}

static int64_t now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* A listening socket for IPv6 and IPv4, or, where there is no IPv6, for IPv4. -1 with errno. */
static int listen_on(uint16_t number) {
    struct sockaddr_in6 any6 = {.sin6_family = AF_INET6, .sin6_port = htons(number)};
    struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(number)};
    struct sockaddr *address = (struct sockaddr *)&any6;
    socklen_t size = sizeof any6;
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd >= 0) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
    } else {
        address = (struct sockaddr *)&any4;
        size = sizeof any4;
        fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    }
    if (fd < 0) {
        return -1;
    }
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int));
    if (bind(fd, address, size) < 0 || listen(fd, SOMAXCONN) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* A descriptor that becomes readable at SIGTERM, SIGINT and SIGHUP. -1 with errno. */
static int watch_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* The last connection takes the place of the closed one. */
static void close_connection(struct server *server, size_t index) {
    size_t last = --server->connection_count;
    close(polled_connection(server, index)->fd);
    if (index != last) {
        *polled_connection(server, index) = *polled_connection(server, last);
        server->connections[index] = server->connections[last];
    }
}

static void accept_connections(struct server *server, size_t port) {
    while (server->connection_count < MAX_CONNECTIONS) {
        int fd = accept4(server->polled[1 + port].fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        size_t index = server->connection_count++;
        struct connection *connection = &server->connections[index];
        connection->port = &server->what->ports[port];
        connection->deadline = now_ms() + PATIENCE_MS;
        connection->length = 0;
        connection->answered = false;
        *polled_connection(server, index) = (struct pollfd){.fd = fd, .events = POLLIN};
    }
}

/* Is it METHOD PATH HTTP/1.x, with or without a query? */
static bool asks_for(const char *request, const char *method, const char *path) {
    size_t length = strlen(method);
    if (strncmp(request, method, length) != 0 || request[length] != ' ') {
        return false;
    }
    request += length + 1;
    length = strlen(path);
    return strncmp(request, path, length) == 0 &&
           (request[length] == ' ' || request[length] == '?');
}

static void answer(struct server *server, struct connection *connection, int fd) {
    const struct port *port = connection->port;
    const char *request = connection->request;
    bool head = strncmp(request, "HEAD ", 5) == 0;
    bool healthy = port->path != NULL &&
                   (asks_for(request, "GET", port->path) || asks_for(request, "HEAD", port->path));
    char refusal[256], response[1024];
    const char *body = port->body;
    if (!healthy) {
        snprintf(refusal, sizeof refusal,
                 "This is a stand-in for %s, made by images/make: it answers the health endpoint "
                 "only.\nFor the real one, pull the official image.\n",
                 server->what->name);
        body = refusal;
    }
    int length = snprintf(response, sizeof response,
                          "HTTP/1.1 %s\r\n"
                          "Content-Type: %s\r\n"
                          "Content-Length: %zu\r\n"
                          "Connection: close\r\n"
                          "\r\n%s",
                          healthy ? "200 OK" : "501 Not Implemented",
                          healthy ? port->type : "text/plain; charset=utf-8", strlen(body),
                          head ? "" : body);
    /* It fits into any new socket's buffer, so it is sent whole or the client is gone. */
    send(fd, response, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT);
    /* Closing with unread data would reset the connection and might lose the answer: wait for the
     * client to close first. */
    shutdown(fd, SHUT_WR);
    connection->answered = true;
    connection->length = 0;
    connection->deadline = now_ms() + PATIENCE_MS;
}

/* Returns false when the connection is over. */
static bool read_request(struct server *server, size_t index) {
    struct connection *connection = &server->connections[index];
    int fd = polled_connection(server, index)->fd;
    ssize_t got = recv(fd, connection->request + connection->length,
                       sizeof connection->request - 1 - connection->length, 0);
    if (got <= 0) {
        return got < 0 && (errno == EAGAIN || errno == EINTR);
    }
    if (connection->answered) {
        return true;
    }
    connection->length += (size_t)got;
    connection->request[connection->length] = '\0';
    if (strstr(connection->request, "\r\n\r\n") != NULL ||
        connection->length == sizeof connection->request - 1) {
        answer(server, connection, fd);
    }
    return true;
}

static void serve_connections(struct server *server) {
    int64_t now = now_ms();
    for (size_t i = server->connection_count;
         i-- > 0;) { /* backwards: closing moves the last one */
        bool ready = polled_connection(server, i)->revents != 0;
        if (server->connections[i].deadline <= now || (ready && !read_request(server, i))) {
            close_connection(server, i);
        }
    }
}

/* Milliseconds until the first deadline; -1: none. */
static int next_timeout(const struct server *server) {
    int64_t first = INT64_MAX, now = now_ms();
    for (size_t i = 0; i < server->connection_count; i++) {
        if (server->connections[i].deadline < first) {
            first = server->connections[i].deadline;
        }
    }
    return first == INT64_MAX ? -1 : first <= now ? 0 : (int)(first - now);
}

/* Returns false when the program shall end. */
static bool handle_signals(const struct server *server) {
    struct signalfd_siginfo info;
    while (read(server->polled[0].fd, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo != SIGHUP) {
            return false;
        }
        printf("SIGHUP: a stand-in has no configuration to read again\n");
    }
    return true;
}

static void serve(struct server *server) {
    for (;;) {
        /* While there is no room, new connections wait in the kernel's queue. */
        bool room = server->connection_count < MAX_CONNECTIONS;
        for (size_t i = 0; i < server->port_count; i++) {
            server->polled[1 + i].events = room ? POLLIN : 0;
        }
        nfds_t count = 1 + server->port_count + server->connection_count;
        if (poll(server->polled, count, next_timeout(server)) < 0 && errno != EINTR) {
            perror("poll");
            exit(EXIT_FAILURE);
        }
        if (server->polled[0].revents != 0 && !handle_signals(server)) {
            return;
        }
        serve_connections(server);
        for (size_t i = 0; i < server->port_count; i++) {
            if (server->polled[1 + i].revents != 0) {
                accept_connections(server, i);
            }
        }
    }
}

static const struct stand_in *stand_in_for(const char *file) {
    const char *slash = strrchr(file, '/');
    const char *name = slash != NULL ? slash + 1 : file;
    for (size_t i = 0; i < sizeof stand_ins / sizeof stand_ins[0]; i++) {
        if (strcmp(name, stand_ins[i].file) == 0) {
            return &stand_ins[i];
        }
    }
    return NULL;
}

static int open_ports(struct server *server) {
    server->polled[0] = (struct pollfd){.fd = watch_signals(), .events = POLLIN};
    for (size_t i = 0; i < MAX_PORTS && server->what->ports[i].number != 0; i++) {
        const struct port *port = &server->what->ports[i];
        int fd = listen_on(port->number);
        if (fd < 0) {
            fprintf(stderr, "stand-in: port %u: %s\n", port->number, strerror(errno));
            return -1;
        }
        server->polled[1 + i] = (struct pollfd){.fd = fd, .events = POLLIN};
        server->port_count++;
        if (port->path != NULL) {
            printf("stand-in for %s: answers GET %s on port %u and nothing else\n",
                   server->what->name, port->path, port->number);
        }
    }
    return 0;
}

int main(int argc, char **argv) {
    static struct server server;
    setvbuf(stdout, NULL, _IOLBF, 0);
    server.what = argc > 0 ? stand_in_for(argv[0]) : NULL;
    if (server.what == NULL) {
        fprintf(stderr, "stand-in: start it under the name of the program to stand in for:\n");
        for (size_t i = 0; i < sizeof stand_ins / sizeof stand_ins[0]; i++) {
            fprintf(stderr, "  %-18s %s\n", stand_ins[i].file, stand_ins[i].name);
        }
        return EXIT_FAILURE;
    }
    if (open_ports(&server) < 0) {
        return EXIT_FAILURE;
    }
    serve(&server);
    return EXIT_SUCCESS;
}
