/* The connection to PostgreSQL on the loop; see postgres.h. */
#include "registry/postgres.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <utlist.h>

#define MAX_PARAMETERS 8
#define QUEUE_MS       2000 /* a statement waits for its turn */

/* PostgreSQL itself ends a statement before we give up on it: nothing is stored behind our back. */
#define SESSION                                                                                    \
    "application_name=tse-registry client_encoding=UTF8 options='-c statement_timeout=1500'"

struct postgres_statement {
    struct postgres_statement *prev, *next;
    postgres_done *done;
    void *data;
    int64_t due_ms; /* to be sent */
    int count;
    const char *sql;                  /* the caller's, static */
    char *parameters[MAX_PARAMETERS]; /* owned */
};

static void finish(struct postgres_statement *statement, PGresult *result) {
    statement->done(statement->data, result);
    for (int i = 0; i < statement->count; i++)
        free(statement->parameters[i]);
    free(statement);
}

/* Tells one that PostgreSQL never saw its statement. */
static void finish_unsent(struct postgres *postgres, struct postgres_statement *statement) {
    postgres->unsent = true;
    finish(statement, NULL);
    postgres->unsent = false;
}

/* Closes the connection and tells everybody who waits. */
static void lose(struct postgres *postgres, const char *reason) {
    bool was_up = postgres->link.state == LINK_UP;
    bool sent = postgres->running; /* the first */
    struct postgres_statement *queue = postgres->queue;
    char text[200];
    snprintf(text, sizeof text, "%s", reason); /* the reason may be the connection's own text */
    text[strcspn(text, "\n")] = '\0';
    postgres->queue = NULL;
    postgres->running = false;
    link_down(&postgres->link, text);
    PQfinish(postgres->connection);
    postgres->connection = NULL;
    PQclear(postgres->result);
    postgres->result = NULL;
    while (queue) {
        struct postgres_statement *first = queue;
        DL_DELETE(queue, first);
        if (sent)
            finish(first, NULL);
        else
            finish_unsent(postgres, first);
        sent = false;
    }
    if (was_up)
        postgres->down(postgres->data);
}

static void watch(struct postgres *postgres, uint32_t events) {
    loop_watch(postgres->link.loop, &postgres->link.source, PQsocket(postgres->connection), events);
}

/* --- Statements ---------------------------------------------------------------------------------
 */

static void flush(struct postgres *postgres) {
    int left = PQflush(postgres->connection);
    if (left < 0)
        lose(postgres, PQerrorMessage(postgres->connection));
    else
        watch(postgres, EPOLLIN | (left > 0 ? (uint32_t)EPOLLOUT : 0));
}

/* Those that have waited too long. `running` keeps what they lead to in the queue. */
static void drop_late(struct postgres *postgres) {
    int64_t now = loop_now_ms();
    postgres->running = true;
    while (postgres->queue && postgres->queue->due_ms <= now) {
        struct postgres_statement *late = postgres->queue;
        DL_DELETE(postgres->queue, late);
        finish_unsent(postgres, late);
    }
    postgres->running = false;
}

static void send_next(struct postgres *postgres) {
    drop_late(postgres);
    const struct postgres_statement *next = postgres->queue;
    if (!next) {
        link_idle(&postgres->link);
        return;
    }
    link_await(&postgres->link, LINK_DEADLINE_MS);
    postgres->running = true;
    if (!PQsendQueryParams(postgres->connection, next->sql, next->count, NULL,
                           (const char *const *)next->parameters, NULL, NULL, 0))
        lose(postgres, PQerrorMessage(postgres->connection));
    else
        flush(postgres);
}

/* The running statement has its result: the next one's turn. */
static void statement_done(struct postgres *postgres) {
    struct postgres_statement *statement = postgres->queue;
    PGresult *result = postgres->result;
    if (PQstatus(postgres->connection) == CONNECTION_BAD) {
        lose(postgres, PQerrorMessage(postgres->connection));
        return;
    }
    DL_DELETE(postgres->queue, statement);
    postgres->running = false;
    postgres->result = NULL;
    finish(statement, result);
    PQclear(result);
    if (postgres->connection && !postgres->running)
        send_next(postgres);
}

/* Takes what has arrived. A statement is done when libpq has no more results for it. */
static void receive(struct postgres *postgres) {
    if (!PQconsumeInput(postgres->connection)) {
        lose(postgres, PQerrorMessage(postgres->connection));
        return;
    }
    while (postgres->running && !PQisBusy(postgres->connection)) {
        PGresult *result = PQgetResult(postgres->connection);
        if (result) {
            PQclear(postgres->result);
            postgres->result = result;
        } else {
            statement_done(postgres);
        }
    }
}

static struct postgres_statement *new_statement(postgres_done *done, void *data, const char *sql,
                                                int count, const char *const *parameters) {
    struct postgres_statement *statement = memory_alloc(sizeof *statement);
    *statement = (struct postgres_statement){
        .done = done,
        .data = data,
        .due_ms = loop_now_ms() + QUEUE_MS,
        .count = count,
        .sql = sql,
    };
    for (int i = 0; i < count; i++)
        statement->parameters[i] = copy_text(parameters[i]);
    return statement;
}

static bool is_up(struct postgres *postgres, postgres_done *done, void *data) {
    if (postgres->link.state == LINK_UP)
        return true;
    bool before = postgres->unsent;
    postgres->unsent = true;
    done(data, NULL);
    postgres->unsent = before;
    return false;
}

void postgres_query(struct postgres *postgres, postgres_done *done, void *data, const char *sql,
                    int count, const char *const *parameters) {
    if (!is_up(postgres, done, data))
        return;
    struct postgres_statement *statement = new_statement(done, data, sql, count, parameters);
    DL_APPEND(postgres->queue, statement);
    if (!postgres->running)
        send_next(postgres);
}

void postgres_query_first(struct postgres *postgres, postgres_done *done, void *data,
                          const char *sql) {
    if (!is_up(postgres, done, data))
        return;
    struct postgres_statement *statement = new_statement(done, data, sql, 0, NULL);
    if (postgres->running && postgres->queue)
        DL_APPEND_ELEM(postgres->queue, postgres->queue, statement);
    else
        DL_PREPEND(postgres->queue, statement);
    if (!postgres->running)
        send_next(postgres);
}

/* --- Up and down --------------------------------------------------------------------------------
 */

static void connecting(struct postgres *postgres) {
    switch (PQconnectPoll(postgres->connection)) {
    case PGRES_POLLING_READING:
        /* libpq may have opened another socket: watch it anew. */
        loop_unwatch(postgres->link.loop, &postgres->link.source);
        watch(postgres, EPOLLIN);
        break;
    case PGRES_POLLING_WRITING:
        loop_unwatch(postgres->link.loop, &postgres->link.source);
        watch(postgres, EPOLLOUT);
        break;
    case PGRES_POLLING_OK:
        PQsetnonblocking(postgres->connection, 1);
        watch(postgres, EPOLLIN);
        link_up(&postgres->link);
        postgres->up(postgres->data);
        break;
    default:
        lose(postgres, PQerrorMessage(postgres->connection));
    }
}

static void ready(void *data, uint32_t events) {
    struct postgres *postgres = data;
    if (postgres->link.state == LINK_CONNECTING) {
        connecting(postgres);
        return;
    }
    if (events & EPOLLOUT)
        flush(postgres);
    if (postgres->connection && (events & (EPOLLIN | EPOLLERR | EPOLLHUP)))
        receive(postgres);
}

static void ignore_notice(void *data, const char *message) {
    (void)data;
    (void)message;
}

static void connect_now(void *data) {
    struct postgres *postgres = data;
    link_connecting(&postgres->link);
    postgres->connection = PQconnectStart(SESSION);
    if (!postgres->connection || PQstatus(postgres->connection) == CONNECTION_BAD) {
        lose(postgres, postgres->connection ? PQerrorMessage(postgres->connection) : "no memory");
        return;
    }
    PQsetNoticeProcessor(postgres->connection, ignore_notice, NULL);
    watch(postgres, EPOLLOUT);
}

static void too_slow(void *data) {
    lose(data, "no answer in time");
}

void postgres_start(struct postgres *postgres, struct loop *loop, void (*up)(void *),
                    void (*down)(void *), void *data) {
    memset(postgres, 0, sizeof *postgres);
    postgres->up = up;
    postgres->down = down;
    postgres->data = data;
    link_init(&postgres->link, loop, "postgres", connect_now, too_slow, postgres);
    postgres->link.source.ready = ready;
    postgres->link.source.data = postgres;
    connect_now(postgres);
}

void postgres_stop(struct postgres *postgres) {
    link_stop(&postgres->link);
    if (postgres->connection)
        lose(postgres, "stopping");
}
