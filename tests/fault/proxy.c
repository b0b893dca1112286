/*
 * A proxy between the program and the engine that disturbs chosen requests, so that tests can sweep
 * a failure over every request of an apply. Forwards connections from one unix socket to another
 * and reads just enough HTTP/1.1 to tell requests apart and number them; answers pass through
 * untouched, streams included. One thread for each connection.
 *
 *   proxy --listen PATH --upstream PATH [--log FILE]
 *         [--fault KIND --at N [--count K] [--match "METHOD PATH-PREFIX"] [--delay MS]]
 *
 * The fault meets the N-th request (of those that match), counted from 1, and K - 1 after it:
 *
 *   refuse   the connection is closed, the engine never sees the request
 *   drop     there is never an answer, and the engine never sees the request
 *   500      an error is answered, the engine never sees the request
 *   garbage  something that is not HTTP is answered, the engine never sees the request
 *   cut      the engine has performed the request, but the connection is closed instead of an
 * answer hold     the engine has performed the request, but there is never an answer half     the
 * answer breaks off in the middle delay    the request is forwarded --delay milliseconds later
 * (default 1000)
 *
 * The log has a line for each request when it is seen ("hold": when the engine has performed it):
 * its number and its request line.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define HEAD_LIMIT 65536

enum fault { NONE, REFUSE, DROP, ERROR_500, GARBAGE, CUT, HOLD, HALF, DELAY };
static const char *const fault_names[] = {"none", "refuse", "drop", "500",  "garbage",
                                          "cut",  "hold",   "half", "delay"};

static struct {
    const char *listen, *upstream, *match;
    enum fault fault;
    long at, count, delay_ms;
    FILE *log;
} options = {.count = 1, .delay_ms = 1000};

static struct {
    pthread_mutex_t lock;
    long requests, matching;
} state = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* --- bytes ---------------------------------------------------------------------------------------
 */

static bool write_all(int fd, const char *data, size_t size) {
    while (size > 0) {
        ssize_t written = send(fd, data, size, MSG_NOSIGNAL);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        data += written;
        size -= (size_t)written;
    }
    return true;
}

static ssize_t read_some(int fd, char *data, size_t size) {
    ssize_t got;
    do
        got = recv(fd, data, size, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

/* Waits until the peer closes, and throws away what it sends. */
static void outlast(int fd) {
    char buffer[4096];
    while (read_some(fd, buffer, sizeof buffer) > 0)
        ;
}

static int connect_upstream(void) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", options.upstream);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&address, sizeof address) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* --- messages ------------------------------------------------------------------------------------
 */

/* Where the bytes of a message body end. */
struct body {
    enum { BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_CLOSE } kind;
    unsigned long long left; /* of the body, or of the current chunk and its line end */
    bool trailer;            /* chunked: after the last chunk */
    char line[64];           /* chunked: the size line so far */
    size_t line_length;
    bool done;
};

/* The value of a header in a NUL-terminated head, or NULL. */
static const char *header(const char *head, const char *name) {
    size_t length = strlen(name);
    for (const char *line = strstr(head, "\r\n"); line; line = strstr(line, "\r\n")) {
        line += 2;
        if (strncasecmp(line, name, length) == 0 && line[length] == ':')
            return line + length + 1 + strspn(line + length + 1, " \t");
    }
    return NULL;
}

static struct body body_of(const char *head, bool response) {
    const char *length = header(head, "Content-Length");
    const char *coding = header(head, "Transfer-Encoding");
    struct body body = {.kind = BODY_LENGTH};
    if (coding && strncasecmp(coding, "chunked", 7) == 0)
        body.kind = BODY_CHUNKED;
    else if (length)
        body.left = strtoull(length, NULL, 10);
    else if (response)
        body.kind = BODY_UNTIL_CLOSE;
    body.done = body.kind == BODY_LENGTH && body.left == 0;
    return body;
}

/* One byte of a chunk's size line, or of the trailer (RFC 9112, 7.1). */
static void body_line_byte(struct body *body, char byte) {
    if (byte == '\r')
        return;
    if (byte != '\n') {
        if (body->line_length + 1 < sizeof body->line)
            body->line[body->line_length++] = byte;
        return;
    }
    body->line[body->line_length] = '\0';
    size_t length = body->line_length;
    body->line_length = 0;
    if (body->trailer) {
        body->done = length == 0;
        return;
    }
    unsigned long long size = strtoull(body->line, NULL, 16);
    body->trailer = size == 0;
    body->left = size == 0 ? 0 : size + 2;
}

/* How many of the bytes belong to the body. */
static size_t body_take(struct body *body, const char *data, size_t size) {
    size_t taken = 0;
    while (taken < size && !body->done) {
        size_t rest = size - taken;
        if (body->kind == BODY_UNTIL_CLOSE)
            return size;
        if (body->left > 0) {
            size_t part = body->left < rest ? (size_t)body->left : rest;
            taken += part;
            body->left -= part;
            body->done = body->kind == BODY_LENGTH && body->left == 0;
        } else {
            body_line_byte(body, data[taken++]);
        }
    }
    return taken;
}

/* --- a connection --------------------------------------------------------------------------------
 */

struct connection {
    int client, upstream;
    char head[HEAD_LIMIT]; /* of the request that is arriving */
    size_t head_length;
    bool in_body, raw; /* raw: upgraded, no more requests */
    struct body body;
    enum fault fault; /* of the current request */
    long number;
};

static void log_request(const struct connection *connection) {
    if (!options.log)
        return;
    pthread_mutex_lock(&state.lock);
    fprintf(options.log, "%ld %.*s\n", connection->number, (int)strcspn(connection->head, "\r\n"),
            connection->head);
    fflush(options.log);
    pthread_mutex_unlock(&state.lock);
}

/* Whether the request line starts as --match wants, whatever API version it names. */
static bool matches(const char *head) {
    if (!options.match)
        return true;
    size_t method = strcspn(options.match, " ");
    if (strncmp(head, options.match, method) != 0 || head[method] != ' ')
        return false;
    const char *wanted = options.match + method;
    wanted += *wanted == ' ';
    const char *path = head + method + 1;
    if (path[0] == '/' && path[1] == 'v' && path[2] >= '0' && path[2] <= '9')
        path = path + 1 + strcspn(path + 1, "/ ");
    return strncmp(path, wanted, strlen(wanted)) == 0;
}

static void number_request(struct connection *connection) {
    pthread_mutex_lock(&state.lock);
    connection->number = ++state.requests;
    long match = matches(connection->head) ? ++state.matching : 0;
    pthread_mutex_unlock(&state.lock);
    bool meant = match >= options.at && match < options.at + options.count && options.at > 0;
    connection->fault = meant ? options.fault : NONE;
}

/* The fault is of a kind whose request the engine never sees. */
static bool is_kept_back(enum fault fault) {
    return fault == DROP || fault == ERROR_500 || fault == GARBAGE;
}

/* The whole request is here. Returns whether the connection goes on. */
static bool request_complete(struct connection *connection) {
    static const char error[] = "HTTP/1.1 500 Internal Server Error\r\n"
                                "Content-Type: application/json\r\nContent-Length: 30\r\n\r\n"
                                "{\"message\":\"injected failure\"}";
    static const char garbage[] = "\x16\x03\x01 !! this is not HTTP !!\r\n\r\n\x80\xff";
    enum fault fault = connection->fault;
    if (fault == ERROR_500)
        return write_all(connection->client, error, sizeof error - 1);
    if (fault == GARBAGE)
        write_all(connection->client, garbage, sizeof garbage - 1);
    if (fault == DROP)
        outlast(connection->client);
    return fault != GARBAGE && fault != DROP;
}

static bool forward(struct connection *connection, const char *data, size_t size) {
    return is_kept_back(connection->fault) || write_all(connection->upstream, data, size);
}

static bool request_head(struct connection *connection) {
    number_request(connection);
    if (connection->fault != HOLD)
        log_request(connection);
    if (connection->fault == REFUSE)
        return false;
    if (connection->fault == DELAY)
        poll(NULL, 0, (int)options.delay_ms);
    connection->body = body_of(connection->head, false);
    connection->raw = header(connection->head, "Upgrade") != NULL;
    return forward(connection, connection->head, connection->head_length);
}

/* The next piece of a head. Returns how many bytes were taken, or 0 on failure. */
static size_t take_head(struct connection *connection, const char *data, size_t size) {
    for (size_t i = 0; i < size; i++) {
        if (connection->head_length + 1 >= sizeof connection->head)
            return 0;
        connection->head[connection->head_length++] = data[i];
        connection->head[connection->head_length] = '\0';
        size_t length = connection->head_length;
        if (length < 4 || memcmp(connection->head + length - 4, "\r\n\r\n", 4) != 0)
            continue;
        connection->in_body = true;
        return request_head(connection) ? i + 1 : 0;
    }
    return size;
}

/* Bytes from the client. Returns whether the connection goes on. */
static bool from_client(struct connection *connection, const char *data, size_t size) {
    while (size > 0) {
        if (connection->raw && connection->in_body)
            return write_all(connection->upstream, data, size);
        size_t taken;
        if (connection->in_body) {
            taken = body_take(&connection->body, data, size);
            if (!forward(connection, data, taken))
                return false;
        } else {
            taken = take_head(connection, data, size);
            if (taken == 0)
                return false;
        }
        data += taken;
        size -= taken;
        if (!connection->in_body || connection->raw || !connection->body.done)
            continue;
        if (!request_complete(connection))
            return false;
        connection->in_body = false;
        /* The log and the faults of the answer still want the head; the next one starts anew. */
        connection->head_length = 0;
    }
    return true;
}

/* Passes the first half of an answer on. `data` is its beginning. */
static void pass_half(struct connection *connection, char *data, size_t size) {
    char answer[HEAD_LIMIT];
    size_t length = size < sizeof answer - 1 ? size : sizeof answer - 1;
    memcpy(answer, data, length);
    const char *end;
    for (;;) { /* the head */
        answer[length] = '\0';
        end = strstr(answer, "\r\n\r\n");
        if (end || length + 1 >= sizeof answer)
            break;
        ssize_t got = read_some(connection->upstream, answer + length, sizeof answer - 1 - length);
        if (got <= 0)
            break;
        length += (size_t)got;
    }
    size_t head = end ? (size_t)(end + 4 - answer) : length;
    struct body body = body_of(answer, true);
    if (!end || body.done || strstr(answer, " 204 ") == answer + 8) {
        write_all(connection->client, answer, head / 2);
        return;
    }
    if (length == head) { /* the body comes by itself */
        ssize_t got = read_some(connection->upstream, answer + length, sizeof answer - 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    write_all(connection->client, answer, head + (length - head) / 2);
}

/* Bytes from the engine. Returns whether the connection goes on. */
static bool from_upstream(struct connection *connection, char *data, size_t size) {
    switch (connection->fault) {
    case CUT:
        return false;
    case HALF:
        pass_half(connection, data, size);
        return false;
    case HOLD:
        log_request(connection);
        outlast(connection->client);
        return false;
    default:
        return write_all(connection->client, data, size);
    }
}

static void pump(struct connection *connection) {
    char buffer[16384];
    bool goes_on = true;
    while (goes_on) {
        struct pollfd fds[] = {{.fd = connection->client, .events = POLLIN},
                               {.fd = connection->upstream, .events = POLLIN}};
        if (poll(fds, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return;
        }
        if (fds[1].revents) {
            ssize_t got = read_some(connection->upstream, buffer, sizeof buffer);
            goes_on = got > 0 && from_upstream(connection, buffer, (size_t)got);
        } else if (fds[0].revents) {
            ssize_t got = read_some(connection->client, buffer, sizeof buffer);
            goes_on = got > 0 && from_client(connection, buffer, (size_t)got);
        }
    }
}

static void *converse(void *context) {
    struct connection *connection = context;
    connection->upstream = connect_upstream();
    if (connection->upstream >= 0) {
        pump(connection);
        close(connection->upstream);
    }
    close(connection->client);
    free(connection);
    return NULL;
}

/* --- the program ---------------------------------------------------------------------------------
 */

static void usage(const char *problem, const char *what) {
    fprintf(stderr,
            "proxy: %s%s; usage: proxy --listen PATH --upstream PATH [--log FILE] "
            "[--fault KIND --at N [--count K] [--match \"METHOD PATH\"] [--delay MS]]\n",
            problem, what);
    exit(64);
}

static long number(const char *text) {
    char *end;
    long value = strtol(text, &end, 10);
    if (!*text || *end || value < 0)
        usage("not a number: ", text);
    return value;
}

static enum fault fault_named(const char *name) {
    for (size_t i = 0; i < sizeof fault_names / sizeof *fault_names; i++)
        if (strcmp(fault_names[i], name) == 0)
            return (enum fault)i;
    usage("unknown fault: ", name);
    return NONE;
}

static void parse(int argc, char **argv) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "--listen") == 0)
            options.listen = value;
        else if (strcmp(argv[i], "--upstream") == 0)
            options.upstream = value;
        else if (strcmp(argv[i], "--match") == 0)
            options.match = value;
        else if (strcmp(argv[i], "--fault") == 0)
            options.fault = fault_named(value);
        else if (strcmp(argv[i], "--at") == 0)
            options.at = number(value);
        else if (strcmp(argv[i], "--count") == 0)
            options.count = number(value);
        else if (strcmp(argv[i], "--delay") == 0)
            options.delay_ms = number(value);
        else if (strcmp(argv[i], "--log") == 0)
            options.log = fopen(value, "ae");
        else
            usage("unknown option: ", argv[i]);
        if (strcmp(argv[i], "--log") == 0 && !options.log)
            usage("cannot write ", value);
    }
    if (argc % 2 == 0)
        usage("no value for ", argv[argc - 1]);
    if (!options.listen || !options.upstream)
        usage("--listen and --upstream are needed", "");
    if (options.fault != NONE && options.at == 0)
        usage("--fault needs --at", "");
}

static void on_end(int signal_number) {
    (void)signal_number;
    unlink(options.listen);
    _exit(0);
}

/* The socket appears under its name only when it can be connected to. */
static int listen_on(const char *path) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int length = snprintf(address.sun_path, sizeof address.sun_path, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof address.sun_path)
        usage("path too long: ", path);
    unlink(address.sun_path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(fd, 512) != 0 || rename(address.sun_path, path) != 0) {
        fprintf(stderr, "proxy: cannot listen on %s: %s\n", path, strerror(errno));
        exit(1);
    }
    return fd;
}

int main(int argc, char **argv) {
    parse(argc, argv);
    signal(SIGTERM, on_end);
    signal(SIGINT, on_end);
    int listener = listen_on(options.listen);
    for (;;) {
        int client = accept(listener, NULL, NULL);
        if (client < 0)
            continue;
        struct connection *connection = calloc(1, sizeof *connection);
        pthread_t thread;
        if (!connection) {
            close(client);
            continue;
        }
        connection->client = client;
        if (pthread_create(&thread, NULL, converse, connection) != 0) {
            close(client);
            free(connection);
            continue;
        }
        pthread_detach(thread);
    }
}
