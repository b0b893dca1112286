/*
 * Configuration. PostgreSQL has the history and decides: a write adds the next version of a key in
 * one statement, on condition where the client says so. Then the version is published to Redis by a
 * script that only ever raises it, from where every registry learns of it. What was written but not
 * published (a crash, Redis away or unwilling, an answer that was not waited for) is published by
 * comparing both: when either comes back, after each failure until a comparison succeeds, and now
 * and then in any case.
 */
#include "base/memory.h"
#include "registry/handlers.h"
#include "registry/log.h"
#include "registry/scripts.h"
#include "registry/sync.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ATTEMPTS  20
#define RESTORE_PAGE  "500"
#define HISTORY_LIMIT "100"
#define HISTORY_BYTES "1048576" /* of values, in an answer; the latest one is always there */

#define COMPARE_MS        60000
#define RETRY_LEAST_MS    250
#define RETRY_MOST_MS     15000
#define UNCERTAIN_MS      10000 /* a statement we gave up may yet be stored */
#define UNCERTAIN_STEP_MS 1000
#define AT                "to_char(changed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"

static const char create_sql[] =
    "DO $$ BEGIN"
    " IF to_regclass('registry.config_history') IS NULL THEN"
    "  CREATE TABLE IF NOT EXISTS registry.config_history ("
    "   service text NOT NULL, key text NOT NULL, version bigint NOT NULL, value jsonb,"
    "   deleted boolean NOT NULL DEFAULT false, changed_by text NOT NULL,"
    "   changed_at timestamptz NOT NULL DEFAULT clock_timestamp(),"
    "   PRIMARY KEY (service, key, version));"
    " END IF; END $$";

/* $1 service, $2 key, $3 value, $4 deleted, $5 by, $6 wanted version (-1 any, NULL none or any),
 * $7 only where there is no value. No row: a condition does not hold. */
static const char write_sql[] =
    "WITH latest AS (SELECT version, deleted FROM registry.config_history"
    "  WHERE service = $1 AND key = $2 ORDER BY version DESC LIMIT 1),"
    " live AS (SELECT version FROM latest WHERE NOT deleted)"
    " INSERT INTO registry.config_history (service, key, version, value, deleted, changed_by)"
    " SELECT $1, $2, coalesce((SELECT version FROM latest), 0) + 1, $3::jsonb, $4::boolean, $5"
    " WHERE ($6::bigint IS NULL OR EXISTS (SELECT FROM live WHERE version = $6::bigint OR "
    "$6::bigint = -1))"
    " AND (NOT $7::boolean OR NOT EXISTS (SELECT FROM live))"
    " AND (NOT $4::boolean OR EXISTS (SELECT FROM live))"
    " RETURNING service, key, version, value::text, deleted, changed_by, " AT
    ", NOT EXISTS (SELECT FROM live)";

#define ROW "service, key, version, value::text, deleted, changed_by, " AT

static const char version_sql[] = "SELECT " ROW " FROM registry.config_history"
                                  " WHERE service = $1 AND key = $2 AND version = $3::bigint";

static const char history_sql[] =
    "SELECT * FROM (SELECT " ROW ", sum(octet_length(value::text)) OVER (ORDER BY version DESC"
    "  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before"
    "  FROM (SELECT * FROM registry.config_history WHERE service = $1 AND key = $2"
    "   ORDER BY version DESC LIMIT " HISTORY_LIMIT ") AS latest) AS sized"
    " WHERE coalesce(before, 0) < " HISTORY_BYTES " ORDER BY version DESC";

/* A page of the latest versions, after the key ($1, $2). */
static const char latest_sql[] = "SELECT DISTINCT ON (service, key) " ROW
                                 " FROM registry.config_history WHERE (service, key) > ($1, $2)"
                                 " ORDER BY service, key, version DESC LIMIT " RESTORE_PAGE;

enum column { SERVICE, KEY, VERSION, VALUE, DELETED, BY, CHANGED, FRESH };

struct config {
    bool restoring;     /* a comparison is under way */
    bool again;         /* and another is due */
    bool failed;        /* something could not be read or published */
    struct timer timer; /* to the next comparison */
    int64_t retry_ms;   /* after a failure; 0: the last one succeeded */
    int64_t certain_ms; /* until then, what is not in PostgreSQL may yet come */
    int publishing;
    int rows, refused; /* of this page */
    bool last_page;
    char service[NAME_SIZE]; /* where the next page begins */
    char key[NAME_SIZE];
};

static const char *cell(const PGresult *result, int row, enum column column) {
    return PQgetvalue(result, row, (int)column);
}

static bool has_rows(const PGresult *result) {
    return result && PQresultStatus(result) == PGRES_TUPLES_OK;
}

/* A version as JSON (docs/redis-keys.md); the caller frees it. */
static char *version_text(const PGresult *result, int row, bool tell_deleted) {
    bool deleted = *cell(result, row, DELETED) == 't';
    return format_text("{\"service\": \"%s\", \"key\": \"%s\", \"version\": %s, \"value\": %s, "
                       "%s\"updatedAt\": \"%s\", \"updatedBy\": \"%s\"}",
                       cell(result, row, SERVICE), cell(result, row, KEY),
                       cell(result, row, VERSION), deleted ? "null" : cell(result, row, VALUE),
                       !tell_deleted ? ""
                       : deleted     ? "\"deleted\": true, "
                                     : "\"deleted\": false, ",
                       cell(result, row, CHANGED), cell(result, row, BY));
}

static void publish(struct server *server, const PGresult *result, int row, const char *document,
                    redis_done *done, void *data) {
    cleanup_free char *key = format_text("registry:config:%s", cell(result, row, SERVICE));
    const char *arguments[] = {cell(result, row, SERVICE), cell(result, row, KEY),
                               cell(result, row, VERSION), document,
                               *cell(result, row, DELETED) == 't' ? "1" : "0"};
    script_run(&server->commands, SCRIPT_PUBLISH, done, data, key, 5, arguments);
}

static void compare_after_failure(struct server *server);

/* Whether something was stored is not known. */
static void is_uncertain(struct server *server) {
    server->config->certain_ms = loop_now_ms() + UNCERTAIN_MS;
    compare_after_failure(server);
}

/* --- Writing ------------------------------------------------------------------------------------
 */

struct write {
    struct request *request;
    char *value;    /* NULL: remove it */
    char *document; /* as it was stored */
    int attempts;
    bool created;
    int64_t version;
};

static void free_write(struct write *write) {
    free(write->value);
    free(write->document);
    free(write);
}

static void send_write(struct write *write);

static void published(void *data, redisReply *reply) {
    struct write *write = data;
    struct request *request = write->request;
    const redisReply *document = reply_at(reply, 1);
    char etag[64];
    if (!document) {
        compare_after_failure(request->server);
        request_unavailable(request, "redis",
                            "the value is stored and will be published when redis is back");
    } else {
        sync_apply_own(request->server, reply_text(reply_at(reply, 0)), request->route.service,
                       request->route.name, reply_text(document), (size_t)document->len,
                       reply_text(reply_at(reply, 2)));
        snprintf(etag, sizeof etag, "ETag: \"%" PRId64 "\"\r\n", write->version);
        request_answer(request, write->created ? 201 : 200, JSON_TYPE, etag, write->document,
                       strlen(write->document));
    }
    free_write(write);
}

static void refuse(struct write *write, int status, const char *code, const char *message) {
    struct problem problem;
    problem_set(&problem, status, code, NULL, "%s", message);
    request_problem(write->request, &problem);
    free_write(write);
}

/* No version was added: which condition did not hold? */
static void condition_failed(struct write *write) {
    if (!write->value && !write->request->if_match)
        refuse(write, 404, "not_found", "there is no such value: GET /config/SERVICE lists them");
    else
        refuse(write, 412, "precondition_failed",
               "the value has another version by now: GET it, decide again, send its new ETag");
}

/* Whether this is PostgreSQL's word that it did not do it: an end of the connection is not. */
static bool is_refusal(const char *state) {
    return strncmp(state, "08", 2) != 0 && strncmp(state, "57P", 3) != 0;
}

static void write_failed(struct write *write, const PGresult *result) {
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    struct server *server = write->request->server;
    if (state && strcmp(state, "23505") == 0 && ++write->attempts < MAX_ATTEMPTS) {
        send_write(write); /* another registry added that version at the same time */
        return;
    }
    if (state && strncmp(state, "22", 2) == 0) {
        refuse(write, 400, "invalid_field", "the value is no JSON that PostgreSQL can store");
        return;
    }
    if (state)
        log_line(LOG_ERROR, "config-write", "sqlstate=%s", state);
    if (state ? is_refusal(state) : server->postgres.unsent) {
        refuse(write, 503, "unavailable", "the value was not stored, try again");
        return;
    }
    is_uncertain(server);
    request_unavailable(write->request, "postgres",
                        "whether the value was stored is not known, GET it");
    free_write(write);
}

static void written(void *data, PGresult *result) {
    struct write *write = data;
    if (!has_rows(result)) {
        write_failed(write, result);
        return;
    }
    if (PQntuples(result) == 0) {
        condition_failed(write);
        return;
    }
    write->document = version_text(result, 0, false);
    write->version = strtoll(cell(result, 0, VERSION), NULL, 10);
    write->created = *cell(result, 0, FRESH) == 't';
    publish(write->request->server, result, 0, write->document, published, write);
}

static const char *role_text(enum role role) {
    return role == ROLE_ADMIN ? "admin" : "register";
}

static void send_write(struct write *write) {
    const struct request *request = write->request;
    char wanted[24];
    snprintf(wanted, sizeof wanted, "%" PRId64, request->if_match);
    const char *parameters[] = {request->route.service,
                                request->route.name,
                                write->value,
                                write->value ? "false" : "true",
                                role_text(request->role),
                                request->if_match ? wanted : NULL,
                                request->if_none_match ? "true" : "false"};
    postgres_query(&request->server->postgres, written, write, write_sql, 7, parameters);
}

static void begin_write(struct request *request, char *value) {
    const struct server *server = request->server;
    if (server->commands.link.state != LINK_UP || !server->redis_vitals.ok) {
        free(value);
        request_unavailable(request, "redis", "nothing was changed, try again");
        return;
    }
    if (server->postgres.link.state != LINK_UP || !server->postgres_vitals.ok) {
        free(value);
        request_unavailable(request, "postgres", "nothing was changed, try again");
        return;
    }
    struct write *write = memory_alloc(sizeof *write);
    write->request = request;
    write->value = value;
    request_wait(request);
    send_write(write);
}

void write_value(struct request *request) {
    struct problem problem;
    char *value = value_read(request->body ? request->body : "", request->body_size, &problem);
    if (value)
        begin_write(request, value);
    else
        request_problem(request, &problem);
}

void remove_value(struct request *request) {
    begin_write(request, NULL);
}

/* --- Reading the history ------------------------------------------------------------------------
 */

static void not_found(struct request *request, const char *what) {
    struct problem problem;
    problem_set(&problem, 404, "not_found", NULL, "there is no such %s", what);
    request_problem(request, &problem);
}

static void version_read(void *data, PGresult *result) {
    struct request *request = data;
    char etag[64];
    if (!has_rows(result)) {
        request_unavailable(request, "postgres", "it has the history, try again");
        return;
    }
    if (PQntuples(result) == 0) {
        not_found(request, "version: …/history lists them");
        return;
    }
    cleanup_free char *text = version_text(result, 0, true);
    snprintf(etag, sizeof etag, "ETag: \"%s\"\r\n", cell(result, 0, VERSION));
    request_answer(request, 200, JSON_TYPE, etag, text, strlen(text));
}

void answer_version(struct request *request) {
    char version[24];
    snprintf(version, sizeof version, "%" PRId64, request->query.version);
    const char *parameters[] = {request->route.service, request->route.name, version};
    request_wait(request);
    postgres_query(&request->server->postgres, version_read, request, version_sql, 3, parameters);
}

static void history_read(void *data, PGresult *result) {
    struct request *request = data;
    char *text = NULL;
    size_t size = 0;
    if (!has_rows(result)) {
        request_unavailable(request, "postgres", "it has the history, try again");
        return;
    }
    if (PQntuples(result) == 0) {
        not_found(request, "value, nor was there one");
        return;
    }
    FILE *out = open_memstream(&text, &size);
    if (!out)
        abort();
    fprintf(out, "{\"service\": \"%s\", \"key\": \"%s\", \"versions\": [", request->route.service,
            request->route.name);
    for (int row = 0; row < PQntuples(result); row++) {
        cleanup_free char *version = version_text(result, row, true);
        fprintf(out, "%s%s", row ? ", " : "", version);
    }
    fputs("]}", out);
    fclose(out);
    request_answer(request, 200, JSON_TYPE, "", text, size);
    free(text);
}

void answer_history(struct request *request) {
    const char *parameters[] = {request->route.service, request->route.name};
    request_wait(request);
    postgres_query(&request->server->postgres, history_read, request, history_sql, 2, parameters);
}

/* --- Bringing Redis up to date ------------------------------------------------------------------
 */

static void read_page(struct server *server);

static bool both_up(const struct server *server) {
    return server->commands.link.state == LINK_UP && server->postgres.link.state == LINK_UP;
}

static void restore(struct server *server) {
    struct config *config = server->config;
    if (!both_up(server))
        return; /* whichever comes later calls again */
    config->again = config->restoring;
    if (config->restoring)
        return;
    timer_cancel(&config->timer);
    config->restoring = true;
    config->failed = false;
    config->service[0] = '\0';
    config->key[0] = '\0';
    read_page(server);
}

static void compare(void *data) {
    restore(data);
}

/* Redis may lack something: compares before long, and until that succeeds. */
static void compare_after_failure(struct server *server) {
    struct config *config = server->config;
    config->failed = true; /* one under way may have passed that key */
    if (config->restoring || config->retry_ms)
        return;
    config->retry_ms = RETRY_LEAST_MS;
    timer_set(&server->loop, &config->timer, config->retry_ms);
}

static void end_restore(struct server *server) {
    struct config *config = server->config;
    int64_t wait_ms = loop_now_ms() < config->certain_ms ? UNCERTAIN_STEP_MS : COMPARE_MS;
    config->restoring = false;
    if (config->again) {
        restore(server);
        return;
    }
    if (config->failed) {
        wait_ms = config->retry_ms ? config->retry_ms * 2 : RETRY_LEAST_MS;
        if (wait_ms > RETRY_MOST_MS)
            wait_ms = RETRY_MOST_MS;
    }
    config->retry_ms = config->failed ? wait_ms : 0;
    timer_set(&server->loop, &config->timer, wait_ms);
}

static void page_published(struct server *server) {
    struct config *config = server->config;
    if (config->publishing > 0)
        return;
    if (config->last_page || config->refused == config->rows || !both_up(server))
        end_restore(server);
    else
        read_page(server);
}

static void row_published(void *data, redisReply *reply) {
    struct server *server = data;
    server->config->publishing--;
    if (!reply) {
        server->config->refused++;
        server->config->failed = true;
    }
    page_published(server);
}

/* Publishes a page. One that Redis refuses holds the others not up; where it refuses all, it is
 * asked for no more of them. */
static void page_read(void *data, PGresult *result) {
    struct server *server = data;
    struct config *config = server->config;
    int rows = has_rows(result) ? PQntuples(result) : 0;
    config->failed |= !has_rows(result);
    config->last_page = rows < atoi(RESTORE_PAGE);
    config->refused = 0;
    config->publishing = 1; /* this function, until it has sent all */
    for (int row = 0; row < rows; row++) {
        cleanup_free char *document = version_text(result, row, false);
        config->publishing++;
        publish(server, result, row, document, row_published, server);
    }
    if (rows > 0) {
        snprintf(config->service, NAME_SIZE, "%s", cell(result, rows - 1, SERVICE));
        snprintf(config->key, NAME_SIZE, "%s", cell(result, rows - 1, KEY));
    }
    config->rows = rows;
    config->publishing--;
    page_published(server);
}

static void read_page(struct server *server) {
    const char *parameters[] = {server->config->service, server->config->key};
    postgres_query(&server->postgres, page_read, server, latest_sql, 2, parameters);
}

static void created(void *data, PGresult *result) {
    if (result && PQresultStatus(result) != PGRES_COMMAND_OK)
        log_line(LOG_ERROR, "schema", "reason=\"%s\"", PQresultErrorMessage(result));
    if (result)
        restore(data);
}

void config_postgres_up(struct server *server) {
    postgres_query(&server->postgres, created, server, create_sql, 0, NULL);
}

void config_redis_up(struct server *server) {
    restore(server);
}

void config_start(struct server *server) {
    server->config = memory_alloc(sizeof *server->config);
    server->config->timer.fire = compare;
    server->config->timer.data = server;
}

void config_stop(struct server *server) {
    timer_cancel(&server->config->timer);
    free(server->config);
    server->config = NULL;
}
