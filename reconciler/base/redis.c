/*
 * One connection to Redis: connecting, AUTH, the queue of what is waited for, and its end. hiredis'
 * contexts are used in their non-blocking form, without its callbacks: these cannot be told about
 * deadlines in version 0.14, and call into a connection that is being freed. Output is sent from
 * here, because hiredis would raise SIGPIPE.
 */
#include "base/redis.h"

#include "base/error.h"
#include "base/http.h"
#include "base/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <utlist.h>
#include <utstring.h>

#define DEFAULT_MS 2000L
/* An answer that is longer is not one to anything we ask. */
#define ANSWER_LIMIT ((size_t)64 << 20)
#define WORDS_LIMIT  200

struct waiting { /* a command whose answer is to come */
    redis_answered *answered;
    void *context;
    void (*discard)(void *context); /* frees the context when there will be none; or NULL */
    struct waiting *prev, *next;
};

enum redis_state { REDIS_LOOKING_UP, REDIS_CONNECTING, REDIS_OPEN, REDIS_BROKEN };

struct redis {
    struct http_client *client;
    char **addresses, *user, *password;
    size_t address_count, at; /* the one that is tried */
    long connect_ms, answer_ms;
    redis_opened *opened;
    void *context;
    enum redis_state state;
    redisContext *connection;
    struct http_watch *watch;
    struct http_timer *timer;       /* the end of patience, or the next step */
    struct http_transfer *transfer; /* looks up a name */
    struct http_endpoint endpoint;
    char *url;
    UT_string output;
    size_t received; /* of the answer that is arriving */
    struct waiting *waiting;
    struct error failure; /* why it is broken */
    int depth;            /* callbacks that run */
    bool closed;
};

static void on_ready(void *context);
static void try_address(struct redis *redis);
static void fail_waiting(struct redis *redis);

/* --- time --------------------------------------------------------------------------------------*/

static void set_timer(struct redis *redis, long delay_ms, http_timer_fire *fire) {
    if (redis->timer)
        http_timer_cancel(redis->client, redis->timer);
    redis->timer = fire ? http_after(redis->client, delay_ms, fire, redis) : NULL;
}

/* --- the end -----------------------------------------------------------------------------------*/

static void disconnect(struct redis *redis) {
    set_timer(redis, 0, NULL);
    if (redis->transfer)
        http_cancel(redis->client, redis->transfer);
    redis->transfer = NULL;
    if (redis->watch)
        http_unwatch(redis->client, redis->watch);
    redis->watch = NULL;
    if (redis->connection)
        redisFree(redis->connection);
    redis->connection = NULL;
    utstring_clear(&redis->output);
    redis->received = 0;
}

static void release(struct redis *redis) {
    for (size_t i = 0; i < redis->address_count; i++)
        free(redis->addresses[i]);
    free(redis->addresses);
    free(redis->user);
    if (redis->password)
        explicit_bzero(redis->password, strlen(redis->password));
    free(redis->password);
    free(redis->url);
    utstring_done(&redis->output);
    error_clear(&redis->failure);
    free(redis);
}

static void discard_waiting(struct redis *redis) {
    while (redis->waiting) {
        struct waiting *waiting = redis->waiting;
        DL_DELETE(redis->waiting, waiting);
        if (waiting->discard)
            waiting->discard(waiting->context);
        free(waiting);
    }
}

void redis_close(struct redis *redis) {
    if (!redis || redis->closed)
        return;
    disconnect(redis);
    discard_waiting(redis);
    redis->closed = true;
    if (redis->depth == 0)
        release(redis);
}

/* Around callbacks, which may close the connection. Returns whether it is still there. */
static void enter(struct redis *redis) {
    redis->depth++;
}

static bool leave(struct redis *redis) {
    redis->depth--;
    if (!redis->closed)
        return true;
    if (redis->depth == 0)
        release(redis);
    return false;
}

const char *redis_address(const struct redis *redis) {
    return redis->address_count ? redis->addresses[redis->at] : "no address";
}

static void tell_opened(struct redis *redis, const struct error *error) {
    redis_opened *opened = redis->opened;
    redis->opened = NULL;
    if (opened)
        opened(redis->context, error);
}

/* Called with redis->failure set. */
static void break_off(struct redis *redis) {
    error_wrap(&redis->failure, "Redis at %s", redis_address(redis));
    redis->state = REDIS_BROKEN;
    disconnect(redis);
    enter(redis);
    tell_opened(redis, &redis->failure);
    if (!redis->closed)
        fail_waiting(redis);
    leave(redis);
}

static void fail_waiting(struct redis *redis) {
    while (!redis->closed && redis->waiting) {
        struct waiting *waiting = redis->waiting;
        DL_DELETE(redis->waiting, waiting);
        waiting->answered(waiting->context, NULL, &redis->failure);
        free(waiting);
    }
}

static void fail_later(void *context) {
    struct redis *redis = context;
    redis->timer = NULL;
    enter(redis);
    fail_waiting(redis);
    leave(redis);
}

/* --- what the server says is wrong -------------------------------------------------------------*/

static bool starts(const char *text, const char *word) {
    size_t length = strlen(word);
    return strncmp(text, word, length) == 0 && (!text[length] || text[length] == ' ');
}

static enum error_code code_of(const char *text) {
    static const char *const passing[] = {"LOADING",  "BUSY",        "MASTERDOWN", "TRYAGAIN",
                                          "READONLY", "CLUSTERDOWN", "NOREPLICAS"};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++)
        if (starts(text, passing[i]))
            return ERROR_TRANSIENT;
    return ERROR_FAILED;
}

/* The server's words, fit for a message. One that does not know a command repeats its arguments:
 * where the password is among them only the first word is left. */
static char *words_of(const struct redis *redis, const char *text) {
    bool secret = redis->password && *redis->password && strstr(text, redis->password);
    size_t length = secret ? strcspn(text, " ") : strlen(text);
    char *words = strndup(text, length < WORDS_LIMIT ? length : WORDS_LIMIT);
    if (secret && words && strstr(words, redis->password))
        words[0] = '\0';
    for (char *c = words; c && *c; c++)
        if ((unsigned char)*c < ' ' || *c == 127)
            *c = ' ';
    return words;
}

static void set_answer_error(struct redis *redis, struct error *error, const char *text) {
    cleanup_free char *words = words_of(redis, text);
    error_set(error, code_of(text), "%s", words && *words ? words : "it refuses the command");
}

/* --- answers -----------------------------------------------------------------------------------*/

static void on_silence(void *context) {
    struct redis *redis = context;
    redis->timer = NULL;
    error_set(&redis->failure, ERROR_TIMEOUT, "no answer within %ld ms", redis->answer_ms);
    break_off(redis);
}

/* While it is being opened the deadline for that counts. */
static void watch_silence(struct redis *redis) {
    if (!redis->opened)
        set_timer(redis, redis->answer_ms, redis->waiting ? on_silence : NULL);
}

static void deliver(struct redis *redis, const redisReply *reply) {
    struct waiting *waiting = redis->waiting;
    cleanup_error struct error error = ERROR_INIT;
    DL_DELETE(redis->waiting, waiting);
    if (reply->type == REDIS_REPLY_ERROR) {
        set_answer_error(redis, &error, reply->str);
        if (!redis->opened) /* else it will be, with the rest of what went wrong */
            error_wrap(&error, "Redis at %s", redis_address(redis));
        waiting->answered(waiting->context, NULL, &error);
    } else {
        waiting->answered(waiting->context, reply, NULL);
    }
    free(waiting);
}

/* Delivers all answers that are complete. Returns false when the connection has ended. */
static bool take_answers(struct redis *redis) {
    for (;;) {
        void *reply = NULL;
        if (redisGetReplyFromReader(redis->connection, &reply) != REDIS_OK) {
            error_set(&redis->failure, ERROR_FAILED, "what it answers is not Redis' protocol");
            break_off(redis);
            return false;
        }
        if (!reply)
            return true;
        if (!redis->waiting) {
            freeReplyObject(reply);
            error_set(&redis->failure, ERROR_FAILED, "it answers what nobody asked");
            break_off(redis);
            return false;
        }
        redis->received = 0;
        enter(redis);
        deliver(redis, reply);
        freeReplyObject(reply);
        if (!leave(redis) || redis->state == REDIS_BROKEN)
            return false;
        watch_silence(redis);
    }
}

/* --- sending and receiving ---------------------------------------------------------------------*/

static void set_cut(struct redis *redis, const char *why) {
    error_set(&redis->failure, redis->opened ? ERROR_UNREACHABLE : ERROR_TRANSIENT, "%s", why);
}

static int send_output(struct redis *redis) {
    while (utstring_len(&redis->output) > 0) {
        ssize_t sent = send(redis->connection->fd, utstring_body(&redis->output),
                            utstring_len(&redis->output), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        if (sent <= 0)
            return -1;
        size_t left = utstring_len(&redis->output) - (size_t)sent;
        memmove(utstring_body(&redis->output), utstring_body(&redis->output) + sent, left + 1);
        redis->output.i = left;
    }
    return 0;
}

static int receive(struct redis *redis) {
    redisReader *reader = redis->connection->reader;
    size_t before = reader->len;
    if (redisBufferRead(redis->connection) != REDIS_OK) {
        set_cut(redis, redis->connection->err == REDIS_ERR_EOF ? "it closed the connection"
                                                               : redis->connection->errstr);
        return -1;
    }
    redis->received += reader->len > before ? reader->len - before : 0;
    if (redis->received <= ANSWER_LIMIT)
        return 0;
    error_set(&redis->failure, ERROR_FAILED, "its answer does not end");
    return -1;
}

static void exchange(struct redis *redis) {
    if (send_output(redis) != 0) {
        set_cut(redis, strerror(errno));
        break_off(redis);
        return;
    }
    if (receive(redis) != 0) {
        /* What came before the end counts: an answer that says why. */
        struct error failure = redis->failure;
        redis->failure = (struct error)ERROR_INIT;
        enter(redis);
        if (take_answers(redis) && !redis->closed) {
            error_move(&redis->failure, &failure);
            break_off(redis);
        }
        error_clear(&failure);
        leave(redis);
        return;
    }
    if (take_answers(redis) && redis->watch)
        http_watch_for(redis->watch,
                       HTTP_READABLE | (utstring_len(&redis->output) > 0 ? HTTP_WRITABLE : 0u));
}

static void format(struct redis *redis, const char *const *arguments) {
    int count = 0;
    char *text = NULL;
    while (arguments[count])
        count++;
    cleanup_free size_t *lengths = memory_alloc((size_t)count * sizeof *lengths);
    cleanup_free const char **copy = memory_alloc((size_t)count * sizeof *copy);
    for (int i = 0; i < count; i++) {
        copy[i] = arguments[i];
        lengths[i] = strlen(arguments[i]);
    }
    /* int in version 0.14, long long in later ones */
    long long size = redisFormatCommandArgv(&text, count, copy, lengths);
    if (size < 0 || !text)
        abort(); /* only when memory ran out */
    utstring_bincpy(&redis->output, text, (size_t)size);
    redisFreeCommand(text);
}

static void enqueue(struct redis *redis, const char *const *arguments, redis_answered *answered,
                    void *context) {
    struct waiting *waiting = memory_alloc(sizeof *waiting);
    *waiting = (struct waiting){.answered = answered, .context = context};
    bool first = !redis->waiting;
    DL_APPEND(redis->waiting, waiting);
    if (redis->state == REDIS_BROKEN) {
        set_timer(redis, 0, fail_later);
        return;
    }
    format(redis, arguments);
    http_watch_for(redis->watch, HTTP_READABLE | HTTP_WRITABLE);
    if (first)
        watch_silence(redis);
}

void redis_send(struct redis *redis, const char *const *arguments, redis_answered *answered,
                void *context) {
    if (!redis->closed)
        enqueue(redis, arguments, answered, context);
}

/* --- connecting --------------------------------------------------------------------------------*/

/* Goes on with the next address; after the last one the connection has failed. */
static void try_next(struct redis *redis) {
    if (redis->at + 1 == redis->address_count) {
        break_off(redis);
        return;
    }
    error_clear(&redis->failure);
    disconnect(redis);
    discard_waiting(redis); /* no more than AUTH */
    redis->at++;
    try_address(redis);
}

static void on_connect_limit(void *context) {
    struct redis *redis = context;
    redis->timer = NULL;
    error_set(&redis->failure, ERROR_TIMEOUT, "no connection within %ld ms", redis->connect_ms);
    try_next(redis);
}

static void on_authenticated(void *context, const redisReply *reply, const struct error *error) {
    struct redis *redis = context;
    (void)reply;
    if (redis->state == REDIS_BROKEN)
        return; /* it was told already */
    if (!error) {
        set_timer(redis, 0, NULL);
        tell_opened(redis, NULL);
        return;
    }
    if (starts(error_text(error), "WRONGPASS"))
        error_set(&redis->failure, ERROR_FAILED, "it refuses the user \"%s\" with this password",
                  redis->user ? redis->user : "default");
    else
        error_set(&redis->failure, error->code, "%s", error_text(error));
    break_off(redis);
}

static void connected(struct redis *redis) {
    redis->state = REDIS_OPEN;
    if (!redis->password) {
        set_timer(redis, 0, NULL);
        enter(redis);
        tell_opened(redis, NULL);
        leave(redis);
        return;
    }
    const char *command[] = {"AUTH", redis->user ? redis->user : redis->password,
                             redis->user ? redis->password : NULL, NULL};
    enqueue(redis, command, on_authenticated, redis);
}

static void on_ready(void *context) {
    struct redis *redis = context;
    if (redis->state != REDIS_CONNECTING) {
        exchange(redis);
        return;
    }
    int problem = 0;
    socklen_t size = sizeof problem;
    if (getsockopt(redis->connection->fd, SOL_SOCKET, SO_ERROR, &problem, &size) != 0)
        problem = errno;
    if (problem == 0) {
        http_watch_for(redis->watch, HTTP_READABLE);
        connected(redis);
        return;
    }
    error_set(&redis->failure, ERROR_UNREACHABLE, "%s", strerror(problem));
    try_next(redis);
}

/* `host` is an IP address: hiredis would wait for a name's. */
static void connect_to(struct redis *redis, const char *host, int port) {
    redis->state = REDIS_CONNECTING;
    redis->connection = redisConnectNonBlock(host, port);
    if (!redis->connection || redis->connection->err) {
        error_set(&redis->failure, ERROR_UNREACHABLE, "%s",
                  redis->connection ? redis->connection->errstr : "no memory");
        try_next(redis);
        return;
    }
    redis->watch = http_watch(redis->client, redis->connection->fd, HTTP_WRITABLE, on_ready, redis);
}

static int port_of(const char *address) {
    const char *colon = strrchr(address, ':');
    return colon ? atoi(colon + 1) : 0;
}

static void looked_up(void *context, const struct http_response *response) {
    struct redis *redis = context;
    redis->transfer = NULL;
    if (response->outcome == HTTP_OK && response->peer && *response->peer) {
        cleanup_free char *host = copy_text(response->peer);
        connect_to(redis, host, port_of(redis_address(redis)));
        return;
    }
    error_set(&redis->failure, ERROR_UNREACHABLE, "%s", response->explanation);
    try_next(redis);
}

/* Names are looked up by curl, which does not block; what it connects to is the right address. */
static void look_up(struct redis *redis) {
    redis->state = REDIS_LOOKING_UP;
    free(redis->url);
    redis->url = format_text("http://%s", redis_address(redis));
    redis->endpoint = (struct http_endpoint){.url = redis->url};
    struct http_request request = {.endpoint = &redis->endpoint,
                                   .method = "GET",
                                   .path = "/",
                                   .connect_only = true,
                                   .timeout_ms = redis->connect_ms};
    redis->transfer = http_send(redis->client, &request, looked_up, redis);
}

static bool is_ip(const char *host) {
    return strchr(host, ':') || !host[strspn(host, "0123456789.")];
}

static void try_address(struct redis *redis) {
    const char *address = redis_address(redis);
    const char *colon = strrchr(address, ':');
    size_t skip = *address == '[' ? 1 : 0;
    size_t length = colon ? (size_t)(colon - address) - 2 * skip : strlen(address);
    cleanup_free char *host = format_text("%.*s", (int)length, address + skip);
    set_timer(redis, redis->connect_ms / (long)redis->address_count, on_connect_limit);
    if (is_ip(host))
        connect_to(redis, host, port_of(address));
    else
        look_up(redis);
}

static void begin(void *context) {
    struct redis *redis = context;
    redis->timer = NULL;
    if (redis->address_count > 0) {
        try_address(redis);
        return;
    }
    redis->state = REDIS_BROKEN;
    error_set(&redis->failure, ERROR_UNREACHABLE, "Redis has no address that can be reached");
    enter(redis);
    tell_opened(redis, &redis->failure);
    leave(redis);
}

struct redis *redis_open(struct http_client *client, const struct redis_options *options,
                         redis_opened *opened, void *context) {
    struct redis *redis = memory_alloc(sizeof *redis);
    redis->client = client;
    redis->user = copy_text(options->user);
    redis->password = copy_text(options->password);
    redis->connect_ms = options->connect_ms > 0 ? options->connect_ms : DEFAULT_MS;
    redis->answer_ms = options->answer_ms > 0 ? options->answer_ms : DEFAULT_MS;
    redis->opened = opened;
    redis->context = context;
    utstring_init(&redis->output);
    while (options->addresses[redis->address_count])
        redis->address_count++;
    redis->addresses = memory_alloc((redis->address_count + 1) * sizeof *redis->addresses);
    for (size_t i = 0; i < redis->address_count; i++)
        redis->addresses[i] = copy_text(options->addresses[i]);
    set_timer(redis, 0, begin);
    return redis;
}

/* --- transactions ------------------------------------------------------------------------------*/

struct transaction {
    redis_answered *answered;
    void *context;
    struct error first; /* of MULTI and the commands */
};

static void discard_transaction(void *context) {
    struct transaction *transaction = context;
    error_clear(&transaction->first);
    free(transaction);
}

static void on_queued(void *context, const redisReply *reply, const struct error *error) {
    struct transaction *transaction = context;
    (void)reply;
    if (error && transaction->first.code == ERROR_NONE)
        error_set(&transaction->first, error->code, "%s", error_text(error));
}

/* One of the commands may fail when they are performed, although all were accepted. */
static const redisReply *failed_inside(const redisReply *reply) {
    for (size_t i = 0; reply && reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++)
        if (reply->element[i]->type == REDIS_REPLY_ERROR)
            return reply->element[i];
    return NULL;
}

static void on_executed(void *context, const redisReply *reply, const struct error *error) {
    struct transaction *transaction = context;
    const redisReply *inside = failed_inside(reply);
    if (transaction->first.code == ERROR_NONE && inside)
        error_set(&transaction->first, code_of(inside->str), "Redis: %.*s", WORDS_LIMIT,
                  inside->str);
    const struct error *first = transaction->first.code != ERROR_NONE ? &transaction->first : error;
    transaction->answered(transaction->context, first ? NULL : reply, first);
    discard_transaction(transaction);
}

void redis_transaction(struct redis *redis, const char *const *const *commands,
                       redis_answered *answered, void *context) {
    static const char *const multi[] = {"MULTI", NULL}, *const exec[] = {"EXEC", NULL};
    if (redis->closed)
        return;
    struct transaction *transaction = memory_alloc(sizeof *transaction);
    *transaction = (struct transaction){answered, context, ERROR_INIT};
    redis_send(redis, multi, on_queued, transaction);
    for (size_t i = 0; commands[i]; i++)
        redis_send(redis, commands[i], on_queued, transaction);
    redis_send(redis, exec, on_executed, transaction);
    redis->waiting->prev->discard = discard_transaction; /* the last of the list */
}
