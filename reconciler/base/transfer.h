/*
 * One HTTP exchange on a curl easy handle: what base/http.c queues, starts and delivers. Only for
 * base/: others see struct http_transfer as opaque.
 */
#ifndef TSE_BASE_TRANSFER_H
#define TSE_BASE_TRANSFER_H

#include "base/http.h"

#include <curl/curl.h>

enum transfer_state {
    TRANSFER_QUEUED,    /* waits for a free place; has no easy handle yet */
    TRANSFER_ACTIVE,    /* curl works on it */
    TRANSFER_LINGERING, /* connect_only: connected, watching whether the peer closes at once */
    TRANSFER_DELIVERED, /* its callback runs */
    TRANSFER_CANCELLED  /* cancelled from inside a sink, where curl forbids removing it */
};

struct http_transfer {
    struct http_client *client;
    unsigned long long sequence; /* of being sent, see http_mark() */
    bool give_up;                /* http_abort_since() wants it ended */
    enum transfer_state state;
    struct http_transfer *prev, *next;
    http_done *done;
    void *context;

    struct http_endpoint endpoint;
    char *method, *url;
    struct curl_slist *headers;
    char *request_body;
    size_t request_size, request_sent;
    http_sink *sink;
    void *sink_context;
    bool connect_only, head_only;
    long timeout_ms, stall_ms;
    size_t max_body;

    CURL *easy;
    char *body;
    size_t body_size, body_capacity;
    bool head_complete;
    enum http_outcome verdict; /* HTTP_OK, or why our own callbacks ended it */
    struct http_timer *watch;  /* of a stall, or the end of lingering */
    long long active_ms;       /* when the last byte came or went; only with stall_ms */
    curl_off_t uploaded;       /* bytes sent at the last look of the stall watch */
    char explanation[CURL_ERROR_SIZE];
};

/* Copies the request; takes its body. */
struct http_transfer *transfer_new(const struct http_request *request);

/* Sets `easy`, fresh or reset, up for the transfer, which keeps it. */
void transfer_prepare(struct http_transfer *transfer, CURL *easy);

/* What the end of a transfer means; fills transfer->explanation when it is not HTTP_OK. */
enum http_outcome transfer_outcome(struct http_transfer *transfer, CURLcode code);

/* Puts the system's words for an errno, in our lower case, into the explanation. */
void transfer_explain_errno(struct http_transfer *transfer, int number);

/* Frees it, but not its easy handle. */
void transfer_free(struct http_transfer *transfer);

#endif
