/* A server that misbehaves on demand; see http_server.h. */
#include "unit/http_server.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct connection {
    struct http_server *server;
    int fd;
};

struct request {
    char method[16], path[256];
    char head[4096];
    char *body;
    size_t size;
};

static void say(int fd, const char *text) {
    if (send(fd, text, strlen(text), MSG_NOSIGNAL) < 0)
        return;
}

/* Waits until the client goes away. */
static void outlast(int fd) {
    char byte;
    while (recv(fd, &byte, 1, 0) > 0)
        ;
}

static bool read_request(int fd, struct request *request) {
    size_t length = 0;
    memset(request, 0, sizeof *request);
    while (!strstr(request->head, "\r\n\r\n"))
        if (length + 1 >= sizeof request->head || recv(fd, request->head + length, 1, 0) <= 0)
            return false;
        else
            length++;
    sscanf(request->head, "%15s %255s", request->method, request->path);
    const char *announced = strcasestr(request->head, "\r\nContent-Length:");
    if (announced)
        request->size = strtoul(announced + 17, NULL, 10);
    request->body = calloc(1, request->size + 1);
    for (size_t at = 0; at < request->size;) {
        ssize_t got = recv(fd, request->body + at, request->size - at, 0);
        if (got <= 0)
            return false;
        at += (size_t)got;
    }
    return true;
}

static void answer(int fd, const char *body, size_t size) {
    char head[128];
    snprintf(head, sizeof head, "HTTP/1.1 200 OK\r\nX-Kind: Plain\r\nContent-Length: %zu\r\n\r\n",
             size);
    say(fd, head);
    if (size && send(fd, body, size, MSG_NOSIGNAL) < 0)
        return;
}

static void flood(int fd) {
    char block[8192];
    memset(block, 'x', sizeof block);
    say(fd, "HTTP/1.1 200 OK\r\n\r\n");
    while (send(fd, block, sizeof block, MSG_NOSIGNAL) > 0)
        ;
}

/* What stays the same for each path: sent, then the connection is closed. */
static const struct {
    const char *path, *bytes;
} broken[] = {
    {"/cut/nothing", ""},
    {"/cut/status", "HTTP/1.1 200 O"},
    {"/cut/head", "HTTP/1.1 200 OK\r\nContent-Type: text/pl"},
    {"/cut/lines", "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"},
    {"/cut/body", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"},
    {"/cut/chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5\r\nwo"},
    {"/cut/chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
    {"/garbage/text", "this is not HTTP at all\r\n\r\n"},
    {"/garbage/bytes", "\x01\x02\x7f\xff\xfe garbage \r\n\r\n"},
    {"/garbage/version", "HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n"},
    {"/until-close", "HTTP/1.1 200 OK\r\n\r\nall of it"},
};

/* Returns whether the connection stays. */
static bool serve(int fd, const struct request *request) {
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        if (strcmp(request->path, broken[i].path) == 0) {
            say(fd, broken[i].bytes);
            return false;
        }
    if (strcmp(request->path, "/stall") == 0) {
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
        outlast(fd);
    } else if (strcmp(request->path, "/silent") == 0) {
        outlast(fd);
    } else if (strcmp(request->path, "/flood") == 0) {
        flood(fd);
    } else if (strcmp(request->path, "/204") == 0) {
        say(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    } else if (strcmp(request->path, "/304") == 0) {
        say(fd, "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\n\r\n");
    } else if (strcmp(request->path, "/500") == 0) {
        say(fd, "HTTP/1.1 500 Oh\r\nContent-Length: 4\r\n\r\noops");
    } else if (strcmp(request->path, "/100") == 0) {
        say(fd, "HTTP/1.1 100 Continue\r\n\r\n");
        answer(fd, "after", 5);
    } else if (strcmp(request->path, "/chunked") == 0) {
        say(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n "
                "world\r\n0\r\n\r\n");
    } else if (strcmp(request->path, "/head") == 0) {
        answer(fd, request->head, strlen(request->head));
    } else if (strcmp(request->method, "HEAD") == 0) {
        say(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
    } else {
        answer(fd, request->body, request->size);
    }
    return true;
}

static void *converse(void *context) {
    struct connection connection = *(struct connection *)context;
    free(context);
    struct request request;
    bool stays = true;
    while (stays && read_request(connection.fd, &request)) {
        connection.server->requests++;
        /* One answer, then the end of the connection as soon as the next request is there. */
        stays = strcmp(request.path, "/once") != 0;
        stays = stays && serve(connection.fd, &request);
        free(request.body);
    }
    close(connection.fd);
    return NULL;
}

struct listener {
    struct http_server *server;
    int fd;
    bool closes;
};

static void *listen_on(void *context) {
    struct listener *listener = context;
    for (;;) {
        int fd = accept(listener->fd, NULL, NULL);
        if (fd < 0)
            continue;
        listener->server->connections++;
        if (listener->closes) {
            close(fd);
            continue;
        }
        struct connection *connection = calloc(1, sizeof *connection);
        *connection = (struct connection){listener->server, fd};
        pthread_t thread;
        pthread_create(&thread, NULL, converse, connection);
        pthread_detach(thread);
    }
    return NULL;
}

static void start_listener(struct http_server *server, int fd, bool closes) {
    struct listener *listener = calloc(1, sizeof *listener);
    *listener = (struct listener){server, fd, closes};
    pthread_t thread;
    pthread_create(&thread, NULL, listen_on, listener);
    pthread_detach(thread);
}

static int bind_port(char *url, size_t size) {
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    bind(fd, (struct sockaddr *)&address, length);
    getsockname(fd, (struct sockaddr *)&address, &length);
    snprintf(url, size, "http://127.0.0.1:%d", ntohs(address.sin_port));
    return fd;
}

static struct http_server the_server; /* static: its threads never end */

static void remove_socket(void) {
    unlink(the_server.path);
    rmdir(the_server.folder);
}

struct http_server *http_server_start(void) {
    struct http_server *server = &the_server;
    strcpy(server->folder, "/tmp/test_http.XXXXXX");
    if (!mkdtemp(server->folder))
        abort();
    snprintf(server->path, sizeof server->path, "%s/socket", server->folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, server->path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(fd, (struct sockaddr *)&address, sizeof address);
    listen(fd, 256);
    atexit(remove_socket);
    start_listener(server, fd, false);
    fd = bind_port(server->url, sizeof server->url);
    listen(fd, 256);
    start_listener(server, fd, false);
    fd = bind_port(server->closing_url, sizeof server->closing_url);
    listen(fd, 256);
    start_listener(server, fd, true);
    bind_port(server->refusing_url,
              sizeof server->refusing_url); /* bound, so that nobody else is */
    return server;
}
