/* HTTP; see http.h. */
#include "registry/http.h"

#include "base/memory.h"
#include "registry/handlers.h"
#include "registry/sync.h"
#include "registry/watch.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define MAX_WAITING    1024    /* requests waiting for a dependency at once */
#define DRAINED_BODY   1048576 /* of a body that is refused, read before the answer */
#define LINGER_SECONDS 2
#define MAX_URI_PARTS  16
#define MAX_PATH       1024
#define MAX_QUERY      1024
#define UNSAID         (-1)

static const struct {
    int status;
    const char *reason;
} reasons[] = {{200, "OK"},
               {201, "Created"},
               {400, "Bad Request"},
               {401, "Unauthorized"},
               {403, "Forbidden"},
               {404, "Not Found"},
               {405, "Method Not Allowed"},
               {409, "Conflict"},
               {411, "Length Required"},
               {412, "Precondition Failed"},
               {413, "Content Too Large"},
               {414, "URI Too Long"},
               {415, "Unsupported Media Type"},
               {426, "Upgrade Required"},
               {429, "Too Many Requests"},
               {501, "Not Implemented"},
               {503, "Service Unavailable"}};

static const char *reason_of(int status) {
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "";
}

/* --- Answering ----------------------------------------------------------------------------------
 */

static void free_request(struct request *request) {
    if (!request)
        return;
    free(request->body);
    free(request->response);
    free(request);
}

static void format_response(struct request *request, const char *type, const char *headers,
                            const char *body, size_t size) {
    char head[1024];
    int used = snprintf(head, sizeof head,
                        "HTTP/1.1 %d %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n%s%s\r\n",
                        request->status, reason_of(request->status), type, size, headers,
                        request->closes ? "Connection: close\r\n" : "");
    size_t head_size = used < (int)sizeof head ? (size_t)used : sizeof head - 1;
    size_t body_size = request->method == METHOD_HEAD ? 0 : size;
    request->head_size = head_size;
    request->response_size = head_size + body_size;
    request->response = malloc(LWS_PRE + request->response_size + 1);
    if (!request->response)
        abort();
    memcpy(request->response + LWS_PRE, head, head_size);
    memcpy(request->response + LWS_PRE + head_size, body, body_size);
}

void request_answer(struct request *request, int status, const char *type, const char *headers,
                    const char *body, size_t size) {
    struct server *server = request->server;
    double seconds = (double)(lws_now_usecs() - request->started_us) / 1e6;
    request->status = status;
    request->answered = true;
    metrics_count(&server->metrics, request->route.kind, request->method, status, seconds);
    request->closes = request->closes || server->stopping;
    if (!request->waiting) {
        format_response(request, type, headers, body, size);
        return;
    }
    request->waiting = false;
    server->waiting--;
    if (!request->wsi) {
        free_request(request);
        return;
    }
    format_response(request, type, headers, body, size);
    lws_callback_on_writable(request->wsi);
}

/* {"error": {"code": …, "message": …, "field": …}} */
static char *problem_text(const struct problem *problem) {
    json_t *error = json_object();
    json_object_set_new(error, "code", json_string(problem->code));
    json_object_set_new(error, "message", json_string(problem->message));
    if (*problem->field)
        json_object_set_new(error, "field", json_string(problem->field));
    json_t *document = json_pack("{s:o}", "error", error);
    char *text = json_dumps(document, 0);
    json_decref(document);
    return text;
}

static void problem_headers(const struct request *request, int status, char *headers, size_t size) {
    char methods[64];
    headers[0] = '\0';
    if (status == 401)
        snprintf(headers, size, "WWW-Authenticate: Bearer realm=\"tse-registry\"\r\n");
    else if (status == 405)
        snprintf(
            headers, size, "Allow: %s\r\n",
            methods_format(methods, sizeof methods, route_describe(request->route.kind)->methods));
    else if (status == 429 || status == 503)
        snprintf(headers, size, "Retry-After: 1\r\n");
    else if (status == 426)
        snprintf(headers, size, "Upgrade: websocket\r\n");
}

void request_problem(struct request *request, const struct problem *problem) {
    char headers[128];
    cleanup_free char *text = problem_text(problem);
    problem_headers(request, problem->status, headers, sizeof headers);
    request_answer(request, problem->status, JSON_TYPE, headers, text ? text : "{}",
                   text ? strlen(text) : 2);
}

void request_unavailable(struct request *request, const char *dependency, const char *what) {
    struct problem problem;
    problem_set(&problem, 503, "unavailable", NULL, "%s does not answer: %s", dependency, what);
    request_problem(request, &problem);
}

void request_wait(struct request *request) {
    request->waiting = true;
    request->server->waiting++;
}

/* --- Reading requests ---------------------------------------------------------------------------
 */

/* The value of a header in `buffer`; false when there is none; cut short when it is too long. */
static bool header(struct lws *wsi, enum lws_token_indexes token, char *buffer, size_t size) {
    int length = lws_hdr_total_length(wsi, token);
    buffer[0] = '\0';
    if (length <= 0)
        return false;
    if (lws_hdr_copy(wsi, buffer, (int)size, token) < 0)
        snprintf(buffer, size, "(too long)");
    return true;
}

static enum method method_of(struct lws *wsi) {
    static const struct {
        enum lws_token_indexes token;
        enum method method;
    } tokens[] = {{WSI_TOKEN_GET_URI, METHOD_GET},    {WSI_TOKEN_PUT_URI, METHOD_PUT},
                  {WSI_TOKEN_POST_URI, METHOD_POST},  {WSI_TOKEN_DELETE_URI, METHOD_DELETE},
                  {WSI_TOKEN_HEAD_URI, METHOD_HEAD},  {WSI_TOKEN_OPTIONS_URI, METHOD_OTHER},
                  {WSI_TOKEN_PATCH_URI, METHOD_OTHER}};
    for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
        if (lws_hdr_total_length(wsi, tokens[i].token) > 0)
            return tokens[i].method;
    return METHOD_OTHER;
}

static int read_query(struct request *request, struct problem *problem) {
    char argument[MAX_QUERY + 1];
    if (lws_hdr_total_length(request->wsi, WSI_TOKEN_HTTP_URI_ARGS) > MAX_QUERY)
        return problem_set(problem, 400, "invalid_query", NULL, "the query is too long");
    for (int i = 0;; i++) {
        int size = lws_hdr_copy_fragment(request->wsi, argument, sizeof argument,
                                         WSI_TOKEN_HTTP_URI_ARGS, i);
        if (size == -2 || i == MAX_URI_PARTS)
            return problem_set(problem, 400, "invalid_query", NULL, "the query is too long");
        if (size < 0)
            return 0;
        if (size > 0 &&
            query_add(request->route.kind, argument, (size_t)size, &request->query, problem) != 0)
            return -1;
    }
}

/* "N" or *. */
static int read_precondition(const char *text, int64_t *version) {
    size_t size = strlen(text);
    char digits[24];
    if (strcmp(text, "*") == 0) {
        *version = -1;
        return 0;
    }
    if (size < 3 || size > 20 || text[0] != '"' || text[size - 1] != '"')
        return -1;
    memcpy(digits, text + 1, size - 2);
    digits[size - 2] = '\0';
    return number_parse(digits, 1, INT64_MAX, version) ? 0 : -1;
}

static int read_preconditions(struct request *request, struct problem *problem) {
    char text[64];
    if (request->route.kind != ROUTE_VALUE)
        return 0;
    if (header(request->wsi, WSI_TOKEN_HTTP_IF_MATCH, text, sizeof text) &&
        read_precondition(text, &request->if_match) != 0)
        return problem_set(problem, 400, "invalid_header", "If-Match",
                           "give the ETag of a GET, such as \"3\" with its quotes, or *");
    if (header(request->wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, text, sizeof text) &&
        (request->method & (METHOD_PUT | METHOD_DELETE))) {
        if (strcmp(text, "*") != 0)
            return problem_set(problem, 400, "invalid_header", "If-None-Match",
                               "only * is known here: write only where there is no value");
        request->if_none_match = true;
    }
    return 0;
}

static int authorize(struct request *request, struct problem *problem) {
    char text[640];
    bool given = header(request->wsi, WSI_TOKEN_HTTP_AUTHORIZATION, text, sizeof text);
    request->role = auth_role(&request->server->auth, given ? text : NULL);
    explicit_bzero(text, sizeof text);
    return auth_check(&request->server->auth, request->role,
                      route_role(request->route.kind, request->method), problem);
}

static int check_limits(const struct request *request, struct problem *problem) {
    const struct server *server = request->server;
    if (server->connections > server->options.max_connections)
        return problem_set(problem, 429, "too_many_connections", NULL,
                           "the server has as many connections as it takes: try again later");
    if (server->waiting >= MAX_WAITING)
        return problem_set(
            problem, 429, "too_many_requests", NULL,
            "too many requests are waiting for Redis and PostgreSQL: try again later");
    return 0;
}

/* The length that Content-Length says; UNSAID without one, -2 when it is none. */
static int64_t content_length(struct lws *wsi) {
    char text[32];
    int64_t size = 0;
    if (!header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof text))
        return UNSAID;
    return number_parse(text, 0, INT64_MAX, &size) ? size : -2;
}

static int check_body(struct request *request, int64_t size, struct problem *problem) {
    char type[128];
    char encoding[64];
    if (size == -2)
        return problem_set(problem, 400, "invalid_header", "Content-Length", "it is not a number");
    if (header(request->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING, encoding, sizeof encoding) ||
        (size == UNSAID && request->method == METHOD_PUT))
        return problem_set(problem, 411, "length_required", NULL,
                           "send the body with a Content-Length, not in chunks");
    if (size > MAX_BODY)
        return problem_set(problem, 413, "too_large", NULL, "a body is at most %d bytes", MAX_BODY);
    if (size <= 0 || !(request->method & (METHOD_PUT | METHOD_POST)))
        return 0;
    if (header(request->wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, type, sizeof type) &&
        strncasecmp(type, JSON_TYPE, strlen(JSON_TYPE)) != 0)
        return problem_set(problem, 415, "unsupported_type", "Content-Type",
                           "send the body as " JSON_TYPE);
    return 0;
}

/* Reads the head of a request into it; -1 with the problem to answer. */
static int read_head(struct request *request, const char *path, size_t size, int64_t length,
                     struct problem *problem) {
    if (check_limits(request, problem) != 0) {
        request->closes = true;
        return -1;
    }
    if (size > MAX_PATH)
        return problem_set(problem, 414, "path_too_long", NULL, "a path is at most %d bytes",
                           MAX_PATH);
    if (route_parse(path, size, &request->route, problem) != 0)
        return -1;
    if (!(route_describe(request->route.kind)->methods & request->method))
        return problem_set(
            problem, 405, "method_not_allowed", NULL,
            "this path does not know the method: the header Allow says which it knows");
    if (authorize(request, problem) != 0 || read_query(request, problem) != 0 ||
        read_preconditions(request, problem) != 0)
        return -1;
    return check_body(request, length, problem);
}

/* --- Dispatching --------------------------------------------------------------------------------
 */

static handler *handler_of(const struct request *request) {
    static handler *const reading[ROUTE_COUNT] = {
        [ROUTE_SERVICES] = answer_services, [ROUTE_SERVICE] = answer_service,
        [ROUTE_INSTANCE] = answer_instance, [ROUTE_CONFIG] = answer_config,
        [ROUTE_VALUE] = answer_value,       [ROUTE_HISTORY] = answer_history,
        [ROUTE_WATCH] = answer_watch,       [ROUTE_OPENAPI] = answer_openapi,
        [ROUTE_HEALTH] = answer_health,     [ROUTE_LIVE] = answer_live,
        [ROUTE_METRICS] = answer_metrics};
    bool puts = request->method == METHOD_PUT;
    switch (request->method) {
    case METHOD_GET:
    case METHOD_HEAD:
        return reading[request->route.kind];
    case METHOD_POST:
        return write_heartbeat;
    default:
        if (request->route.kind == ROUTE_INSTANCE)
            return puts ? write_instance : remove_instance;
        return puts ? write_value : remove_value;
    }
}

static void dispatch(struct request *request) {
    request->dispatched = true;
    handler_of(request)(request);
}

static void end_request(struct session *session) {
    free_request(session->request);
    session->request = NULL;
}

/* Whether libwebsockets has read bytes (of this connection, or of another: it does not tell) that
 * no request has taken yet. Only when no read is being taken apart, as in a writable callback. */
static bool has_untaken_bytes(struct lws *wsi) {
    return lws_service_adjust_timeout(lws_get_context(wsi), 1, 0) == 0;
}

/* Makes an answer that was already put together say that the connection ends. */
static void say_closes(struct request *request) {
    static const char line[] = "Connection: close\r\n";
    const size_t line_size = sizeof line - 1;
    size_t size = request->response_size + line_size;
    unsigned char *longer = realloc(request->response, LWS_PRE + size + 1);
    if (!longer)
        abort();
    unsigned char *end = longer + LWS_PRE + request->head_size - 2;
    memmove(end + line_size, end, request->response_size - request->head_size + 2);
    memcpy(end, line, line_size);
    request->response = longer;
    request->response_size = size;
    request->head_size += line_size;
    request->closes = true;
}

/* Writes the answer. Non-zero: close the connection. */
static int write_response(struct session *session) {
    struct request *request = session->request;
    struct lws *wsi = request->wsi;
    /* A request with a body that libwebsockets takes out of its own buffer makes it spin: what was
     * sent before this answer (a pipelined request) is dropped, and the client told so. */
    if (!request->closes && has_untaken_bytes(wsi))
        say_closes(request);
    int written =
        lws_write(wsi, request->response + LWS_PRE, request->response_size, LWS_WRITE_HTTP_HEADERS);
    bool closes = request->closes;
    if (written < (int)request->response_size) {
        end_request(session);
        return -1;
    }
    if (request->lingers) {
        free(request->response);
        request->response = NULL;
        shutdown(lws_get_socket_fd(wsi), SHUT_WR);
        lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LINGER_SECONDS);
        return 0;
    }
    end_request(session);
    if (closes)
        return -1;
    return lws_http_transaction_completed(wsi) ? -1 : 0;
}

/* Writes the answer if there is one already. */
static int maybe_write(struct session *session) {
    const struct request *request = session->request;
    /* Only an answer that was waited for frees a request, and then this session has none. */
    // NOLINTNEXTLINE(clang-analyzer-unix.Malloc)
    return request && request->answered && request->response ? write_response(session) : 0;
}

/* Has the answer written if there is one already: at once when the connection then ends, else when
 * libwebsockets is done with what it is reading and it shows whether bytes are left. */
static int soon_write(struct session *session) {
    const struct request *request = session->request;
    // NOLINTNEXTLINE(clang-analyzer-unix.Malloc) as above
    if (!request || !request->answered || !request->response)
        return 0;
    if (request->closes)
        return write_response(session);
    lws_callback_on_writable(request->wsi);
    return 0;
}

static struct request *new_request(struct lws *wsi, struct server *server) {
    struct request *request = memory_alloc(sizeof *request);
    request->server = server;
    request->wsi = wsi;
    request->method = method_of(wsi);
    request->waiting = false;
    request->started_us = lws_now_usecs();
    return request;
}

static int on_request(struct lws *wsi, struct session *session, struct server *server,
                      const char *path, size_t size) {
    struct problem problem;
    struct request *request = new_request(wsi, server);
    int64_t length = content_length(wsi);
    end_request(session);
    session->request = request;
    bool takes_body = request->method & (METHOD_PUT | METHOD_POST) || length > 0;
    if (takes_body && length < 0)
        request->closes = true; /* libwebsockets would wait for a body */
    if (read_head(request, path, size, length, &problem) != 0) {
        request->dispatched = true;
        request->lingers = length > DRAINED_BODY || length < UNSAID;
        request->closes = request->closes || request->lingers;
        request_problem(request, &problem);
        /* A body on its way is read before the answer, else the client might not see it. */
        return length > 0 && !request->lingers ? 0 : soon_write(session);
    }
    if (length > 0) {
        request->body_expected = (size_t)length;
        request->body = memory_alloc(request->body_expected + 1);
        return 0;
    }
    dispatch(request);
    return soon_write(session);
}

static int on_body(struct session *session, const char *data, size_t size) {
    struct request *request = session->request;
    if (!request || request->dispatched)
        return 0;
    if (size > request->body_expected - request->body_size)
        return -1;
    memcpy(request->body + request->body_size, data, size);
    request->body_size += size;
    return 0;
}

static int on_body_complete(struct session *session) {
    struct request *request = session->request;
    if (!request)
        return 0;
    if (!request->dispatched)
        dispatch(request);
    return request->lingers ? 0 : soon_write(session);
}

/* The client has gone. An answer that is still awaited frees the request when it comes. */
static void on_close(struct session *session) {
    struct request *request = session->request;
    session->request = NULL;
    if (request && request->waiting)
        request->wsi = NULL;
    else
        free_request(request);
}

/* --- WebSocket ----------------------------------------------------------------------------------
 */

static int read_watch(struct request *request, const char *upgrade, struct problem *problem) {
    char *path = NULL;
    int size = 0;
    if (lws_http_get_uri_and_method(request->wsi, &path, &size) < 0)
        return problem_set(problem, 400, "invalid_request", NULL, "the request has no path");
    if (read_head(request, path, (size_t)size, UNSAID, problem) != 0)
        return -1;
    if (request->route.kind != ROUTE_WATCH || strcasecmp(upgrade, "websocket") != 0)
        return problem_set(problem, 400, "invalid_upgrade", NULL,
                           "only /watch can be upgraded, and only to websocket");
    if (!sync_was_live(request->server))
        return problem_set(problem, 503, "unavailable", NULL,
                           "redis does not answer: nothing is known yet");
    return 0;
}

/* An upgrade is asked for: 0 lets it pass, 1 has answered it. */
static int on_upgrade(struct lws *wsi, struct server *server, const char *upgrade) {
    struct problem problem;
    struct session session = {new_request(wsi, server), NULL};
    if (read_watch(session.request, upgrade, &problem) == 0) {
        lws_set_opaque_user_data(wsi, watch_new(server, &session.request->query));
        end_request(&session);
        return 0;
    }
    session.request->closes = true;
    request_problem(session.request, &problem);
    // NOLINTNEXTLINE(clang-analyzer-unix.Malloc) as in maybe_write
    int written = lws_write(wsi, session.request->response + LWS_PRE,
                            session.request->response_size, LWS_WRITE_HTTP_HEADERS);
    end_request(&session);
    return written < 0 ? -1 : 1;
}

static int on_established(struct lws *wsi, struct session *session) {
    session->watcher = lws_get_opaque_user_data(wsi);
    lws_set_opaque_user_data(wsi, NULL);
    if (!session->watcher)
        return -1;
    watch_begin(session->watcher, wsi);
    return 0;
}

static int serve_websocket(struct lws *wsi, enum lws_callback_reasons reason,
                           struct session *session) {
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return on_established(wsi, session);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return session->watcher ? watch_writable(session->watcher) : -1;
    default: /* LWS_CALLBACK_CLOSED */
        watch_end(session->watcher);
        session->watcher = NULL;
        return 0;
    }
}

/* --- The protocol -------------------------------------------------------------------------------
 */

static int on_accept(struct server *server) {
    if (!server->stopping && server->connections <= server->options.max_connections + 64)
        return 0;
    server->metrics.refused++;
    return 1;
}

static void on_destroy(struct lws *wsi, struct server *server) {
    server->connections--;
    watch_end(lws_get_opaque_user_data(wsi)); /* one that never began */
}

int http_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t size) {
    struct session *session = user;
    struct server *server = lws_context_user(lws_get_context(wsi));
    switch (reason) {
    case LWS_CALLBACK_FILTER_NETWORK_CONNECTION:
        return on_accept(server);
    case LWS_CALLBACK_WSI_CREATE:
        server->connections++;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        on_destroy(wsi, server);
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return on_upgrade(wsi, server, in);
    case LWS_CALLBACK_HTTP:
        return on_request(wsi, session, server, in, size);
    case LWS_CALLBACK_HTTP_BODY:
        return on_body(session, in, size);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return on_body_complete(session);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return maybe_write(session);
    case LWS_CALLBACK_CLOSED_HTTP:
        if (session)
            on_close(session);
        return 0;
    case LWS_CALLBACK_ESTABLISHED:
    case LWS_CALLBACK_SERVER_WRITEABLE:
    case LWS_CALLBACK_CLOSED:
        return serve_websocket(wsi, reason, session);
    default:
        return 0;
    }
}

int http_refuse_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                         size_t size) {
    static const char body[] =
        "{\"error\": {\"code\": \"not_implemented\", \"message\": \"the method "
        "is unknown: GET /openapi.json lists what there is\"}}";
    unsigned char buffer[LWS_PRE + 512];
    (void)user;
    (void)in;
    (void)size;
    if (reason != LWS_CALLBACK_RAW_RX)
        return 0;
    int used =
        snprintf((char *)buffer + LWS_PRE, sizeof buffer - LWS_PRE,
                 "HTTP/1.1 501 Not Implemented\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                 "Connection: close\r\n\r\n%s",
                 JSON_TYPE, sizeof body - 1, body);
    lws_write(wsi, buffer + LWS_PRE, (size_t)used, LWS_WRITE_RAW);
    return -1;
}
