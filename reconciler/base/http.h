/*
 * The HTTP client and the event loop of the program's one working thread: a libcurl multi handle,
 * plus timers and descriptors of others. Every request to an engine, every health probe (HTTP, or a
 * bare TCP connect) and every wait goes through here, so that any number of them is in flight
 * without a second thread. Knows nothing of engines.
 */
#ifndef TSE_BASE_HTTP_H
#define TSE_BASE_HTTP_H

#include <stdbool.h>
#include <stddef.h>

struct error;
struct http_client;
struct http_transfer;
struct http_timer;

/* Where requests go. The strings must outlive the transfers that use them. */
struct http_endpoint {
    const char *url;         /* "http://localhost", "https://10.0.0.5:2376": no trailing slash */
    const char *unix_socket; /* path of a unix socket to connect to, or NULL */
    const char *ca_file;     /* TLS: PEM files, or NULL */
    const char *cert_file;
    const char *key_file;
    bool skip_verify; /* TLS: do not check the server's certificate (DOCKER_TLS_VERIFY unset) */
};

/* Called with each piece of a 2xx body as it arrives, instead of collecting it. Return false to
 * abort the transfer. */
typedef bool http_sink(void *context, const char *data, size_t size);

struct http_request {
    const struct http_endpoint *endpoint;
    const char *method;         /* "GET", "POST", … */
    const char *path;           /* path and query, already percent-encoded; copied */
    const char *const *headers; /* "Name: value" strings, NULL-terminated, or NULL; copied */
    char *body;                 /* malloc'd or NULL; http_send() takes ownership */
    size_t body_size;
    http_sink *sink;
    void *sink_context;
    bool connect_only; /* only open the TCP connection, then report success or failure; a peer that
                          closes at once (a port proxy without a backend) counts as failure */
    bool head_only;    /* HEAD */
    long timeout_ms;   /* whole transfer; 0: none (streams) */
    long stall_ms;     /* abort when no byte arrives for this long; 0: never */
    size_t max_body;   /* bytes of body accepted before the transfer is aborted; 0: 64 MiB, or with
                          a sink no limit */
};

enum http_outcome {
    HTTP_OK,          /* a complete response of any status arrived */
    HTTP_UNREACHABLE, /* no connection: refused, no such socket, name not found, TLS failure */
    HTTP_CUT,         /* the connection ended before the response was complete */
    HTTP_TIMED_OUT,   /* timeout_ms or stall_ms passed */
    HTTP_GARBAGE,     /* what arrived is not HTTP */
    HTTP_TOO_LARGE,   /* the body exceeded max_body */
    HTTP_ABORTED      /* the sink returned false, or http_abort_since() */
};

struct http_response {
    enum http_outcome outcome;
    long status;      /* HTTP status; 0 unless an answer's head was read */
    const char *body; /* NUL-terminated, may hold more NULs; valid during the callback */
    size_t body_size;
    const char *explanation; /* libcurl's words when outcome is not HTTP_OK; never NULL */
    const char *peer; /* with connect_only and HTTP_OK: the IP address that was connected to */
    const struct http_transfer *transfer; /* for http_header() */
};

/* Called exactly once for each transfer, from http_run() (never from inside http_send()). */
typedef void http_done(void *context, const struct http_response *response);

/* Returns a client, or NULL and the error. Free with http_client_free(), which drops transfers and
 * timers without calling back. */
struct http_client *http_client_new(struct error *error);
void http_client_free(struct http_client *client);

/* Queues a request; takes ownership of request->body. Never fails: trouble arrives as an outcome.
 */
struct http_transfer *http_send(struct http_client *client, const struct http_request *request,
                                http_done *done, void *context);

/* Ends a transfer without calling back. */
void http_cancel(struct http_client *client, struct http_transfer *transfer);

/* A point in time, for http_abort_since(). */
unsigned long long http_mark(const struct http_client *client);

/* Ends all transfers that were sent after the mark with HTTP_ABORTED; their callbacks run from the
 * next http_run(). For giving up on requests that somebody else holds the handles of. */
void http_abort_since(struct http_client *client, unsigned long long mark);

/* The value of a response header (case-insensitive name), or NULL; valid during the callback. */
const char *http_header(const struct http_response *response, const char *name);

/* Calls `fire` once, `delay_ms` from now, from http_run(). */
typedef void http_timer_fire(void *context);
struct http_timer *http_after(struct http_client *client, long delay_ms, http_timer_fire *fire,
                              void *context);
void http_timer_cancel(struct http_client *client, struct http_timer *timer);

/*
 * Waiting for a descriptor that is not curl's. `ready` is called from http_run() as long as one of
 * the events holds; with events 0 never. A peer that is gone counts as both. A watch by itself is
 * no work under way (see http_busy()): whoever waits for something has a timer set beside it. The
 * descriptor must stay open until http_unwatch(), which may be called from any callback.
 */
#define HTTP_READABLE 1u
#define HTTP_WRITABLE 2u
typedef void http_watch_ready(void *context);
struct http_watch *http_watch(struct http_client *client, int descriptor, unsigned events,
                              http_watch_ready *ready, void *context);
void http_watch_for(struct http_watch *watch, unsigned events);
void http_unwatch(struct http_client *client, struct http_watch *watch);

/* Waits up to `wait_ms` for something to happen and runs the callbacks that are due; returns at
 * once when nothing is under way and no timer is set. */
void http_run(struct http_client *client, long wait_ms);

/* Whether transfers or timers remain. */
bool http_busy(const struct http_client *client);

/* Monotonic milliseconds. */
long long http_now_ms(void);

#endif
