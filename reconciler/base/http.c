/*
 * The HTTP client and event loop: queueing, starting, delivering and waiting, over one curl multi
 * handle. See http.h for what it promises, transfer.c for a single exchange, timers.c for timers.
 */
#include "base/http.h"

#include "base/error.h"
#include "base/memory.h"
#include "base/timers.h"
#include "base/transfer.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <utlist.h>

/* Limited transfers (those with a timeout; streams may last and would starve the rest) that curl
 * works on at once. Each costs about 25 KB while it lasts. */
#define ACTIVE_LIMIT 64
/* Idle connections and idle easy handles that are kept for the next requests. */
#define CONNECTIONS_KEPT 64L
#define HANDLES_KEPT     16
/* How long a peer that accepted a connection may take to close it for the connection to count as
 * refused: a port proxy whose backend is not there. */
#define LINGER_MS 50

struct http_watch {
    int descriptor;
    unsigned events;
    http_watch_ready *ready;
    void *context;
    struct http_watch *prev, *next;
};

struct http_client {
    CURLM *multi;
    struct http_transfer *queued[2], *started; /* queued: streams, and limited ones */
    struct http_watch *watches;
    unsigned watching; /* how many there are */
    struct timer_list timers;
    int limited;   /* started ones with a timeout */
    int lingering; /* in TRANSFER_LINGERING */
    int cancelled; /* in TRANSFER_CANCELLED */
    int giving_up; /* with give_up set */
    unsigned long long sent;
    bool in_curl; /* inside curl_multi_perform: sinks run, curl's handles must stay */
    CURL *pool[HANDLES_KEPT];
    int pooled;
};

long long http_now_ms(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (long long)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct http_client *http_client_new(struct error *error) {
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        error_set(error, ERROR_FAILED, "libcurl does not start; reinstall the package libcurl4");
        return NULL;
    }
    struct http_client *client = memory_alloc(sizeof *client);
    client->multi = curl_multi_init();
    if (!client->multi) {
        free(client);
        curl_global_cleanup();
        error_set(error, ERROR_FAILED,
                  "libcurl cannot make a multi handle; raise the limit of open files (ulimit -n)");
        return NULL;
    }
    curl_multi_setopt(client->multi, CURLMOPT_MAXCONNECTS, CONNECTIONS_KEPT);
    return client;
}

/* --- the life of a transfer --------------------------------------------------------------------*/

static void stop_watch(struct http_transfer *transfer) {
    if (transfer->watch)
        timers_cancel(&transfer->client->timers, transfer->watch);
    transfer->watch = NULL;
}

static struct http_transfer **queue_of(struct http_client *client,
                                       const struct http_transfer *transfer) {
    return &client->queued[transfer->timeout_ms > 0];
}

/* Takes a transfer off its list and away from curl; its connection stays for others if it can. */
static void stop(struct http_transfer *transfer) {
    struct http_client *client = transfer->client;
    stop_watch(transfer);
    client->giving_up -= transfer->give_up;
    if (transfer->state == TRANSFER_QUEUED) {
        DL_DELETE(*queue_of(client, transfer), transfer);
        return;
    }
    curl_multi_remove_handle(client->multi, transfer->easy);
    DL_DELETE(client->started, transfer);
    client->limited -= transfer->timeout_ms > 0;
    client->lingering -= transfer->state == TRANSFER_LINGERING;
    client->cancelled -= transfer->state == TRANSFER_CANCELLED;
}

/* Frees a stopped transfer and keeps its easy handle for another. */
static void release(struct http_transfer *transfer) {
    struct http_client *client = transfer->client;
    if (!transfer->easy) {
        /* it was never started */
    } else if (client->pooled < HANDLES_KEPT) {
        curl_easy_reset(transfer->easy);
        client->pool[client->pooled++] = transfer->easy;
    } else {
        curl_easy_cleanup(transfer->easy);
    }
    transfer_free(transfer);
}

static void deliver(struct http_transfer *transfer, enum http_outcome outcome) {
    long status = 0;
    if (transfer->head_complete)
        curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    stop(transfer);
    transfer->state = TRANSFER_DELIVERED;
    free(transfer->request_body);
    transfer->request_body = NULL;
    const char *peer = NULL;
    if (transfer->connect_only && outcome == HTTP_OK)
        curl_easy_getinfo(transfer->easy, CURLINFO_PRIMARY_IP, &peer);
    bool collected = transfer->body != NULL;
    if (collected)
        transfer->body[transfer->body_size] = '\0';
    struct http_response response = {.outcome = outcome,
                                     .status = status,
                                     .body = collected ? transfer->body : "",
                                     .body_size = collected ? transfer->body_size : 0,
                                     .explanation = transfer->explanation,
                                     .peer = peer,
                                     .transfer = transfer};
    transfer->done(transfer->context, &response);
    release(transfer);
}

/* --- stalls ------------------------------------------------------------------------------------*/

static void watch_stall(void *context) {
    struct http_transfer *transfer = context;
    struct http_client *client = transfer->client;
    transfer->watch = NULL;
    if (transfer->state != TRANSFER_ACTIVE)
        return;
    long long now = http_now_ms();
    curl_off_t uploaded = 0; /* curl tells of what it sends only when asked */
    curl_easy_getinfo(transfer->easy, CURLINFO_SIZE_UPLOAD_T, &uploaded);
    if (uploaded > transfer->uploaded)
        transfer->active_ms = now;
    transfer->uploaded = uploaded;
    long long due = transfer->active_ms + transfer->stall_ms;
    if (due > now) {
        transfer->watch = timers_add(&client->timers, due, watch_stall, transfer);
        return;
    }
    snprintf(transfer->explanation, sizeof transfer->explanation, "nothing arrived for %ld ms",
             transfer->stall_ms);
    deliver(transfer, HTTP_TIMED_OUT);
}

/* --- lingering: does a peer that accepted keep the connection? ---------------------------------*/

static void linger_passed(void *context) {
    struct http_transfer *transfer = context;
    transfer->watch = NULL;
    deliver(transfer, HTTP_OK);
}

static void linger(struct http_transfer *transfer) {
    struct http_client *client = transfer->client;
    transfer->state = TRANSFER_LINGERING;
    client->lingering++;
    stop_watch(transfer);
    transfer->watch =
        timers_add(&client->timers, http_now_ms() + LINGER_MS, linger_passed, transfer);
}

static curl_socket_t socket_of(const struct http_transfer *transfer) {
    curl_socket_t descriptor = CURL_SOCKET_BAD;
    curl_easy_getinfo(transfer->easy, CURLINFO_ACTIVESOCKET, &descriptor);
    return descriptor;
}

static void look_at_lingering(struct http_transfer *transfer) {
    curl_socket_t descriptor = socket_of(transfer);
    char byte;
    ssize_t got =
        descriptor == CURL_SOCKET_BAD ? 0 : recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
    if (got > 0) { /* it even speaks first */
        deliver(transfer, HTTP_OK);
    } else if (got == 0) {
        snprintf(transfer->explanation, sizeof transfer->explanation,
                 "connection closed at once by the peer");
        deliver(transfer, HTTP_UNREACHABLE);
    } else if (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        transfer_explain_errno(transfer, errno);
        deliver(transfer, HTTP_UNREACHABLE);
    }
}

/* --- the loop ----------------------------------------------------------------------------------*/

static CURL *take_handle(struct http_client *client) {
    if (client->pooled)
        return client->pool[--client->pooled];
    CURL *easy = curl_easy_init();
    if (!easy) {
        fputs("tse-reconcile: out of memory. Free some, then run the command again.\n", stderr);
        abort();
    }
    return easy;
}

static void start(struct http_client *client, struct http_transfer *transfer) {
    DL_DELETE(*queue_of(client, transfer), transfer);
    DL_APPEND(client->started, transfer);
    client->limited += transfer->timeout_ms > 0;
    transfer->state = TRANSFER_ACTIVE;
    transfer_prepare(transfer, take_handle(client));
    curl_multi_add_handle(client->multi, transfer->easy);
    if (transfer->stall_ms > 0)
        transfer->watch =
            timers_add(&client->timers, http_now_ms() + transfer->stall_ms, watch_stall, transfer);
}

/* Looks only at those that start: the queue may be long, and this runs at each event. */
static void start_queued(struct http_client *client) {
    while (client->queued[false])
        start(client, client->queued[false]);
    while (client->queued[true] && client->limited < ACTIVE_LIMIT)
        start(client, client->queued[true]);
}

static void drop_cancelled(struct http_client *client) {
    struct http_transfer *transfer = client->cancelled ? client->started : NULL;
    for (struct http_transfer *following; transfer; transfer = following) {
        following = transfer->next;
        if (transfer->state == TRANSFER_CANCELLED) {
            stop(transfer);
            release(transfer);
        }
    }
}

/* Starts over after each callback: it may change the lists. */
static size_t deliver_given_up(struct http_client *client) {
    size_t delivered = 0;
    while (client->giving_up) {
        struct http_transfer *transfer;
        DL_SEARCH_SCALAR(client->started, transfer, give_up, true);
        for (size_t i = 0; i < 2 && !transfer; i++)
            DL_SEARCH_SCALAR(client->queued[i], transfer, give_up, true);
        snprintf(transfer->explanation, sizeof transfer->explanation, "given up");
        deliver(transfer, HTTP_ABORTED);
        delivered++;
    }
    return delivered;
}

/* Delivers what curl has finished. Returns how many callbacks ran. */
static size_t deliver_finished(struct http_client *client) {
    size_t delivered = 0;
    int left;
    CURLMsg *message;
    while ((message = curl_multi_info_read(client->multi, &left))) {
        if (message->msg != CURLMSG_DONE)
            continue;
        struct http_transfer *transfer = NULL;
        CURLcode code = message->data.result; /* the message dies with the handle */
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&transfer);
        enum http_outcome outcome = transfer_outcome(transfer, code);
        if (transfer->connect_only && outcome == HTTP_OK) {
            linger(transfer);
            continue;
        }
        deliver(transfer, outcome);
        delivered++;
    }
    return delivered;
}

static size_t work(struct http_client *client) {
    size_t given_up = deliver_given_up(client);
    start_queued(client);
    int running;
    client->in_curl = true;
    curl_multi_perform(client->multi, &running);
    client->in_curl = false;
    drop_cancelled(client);
    size_t finished = deliver_finished(client);
    return given_up + finished + timers_fire(&client->timers, http_now_ms());
}

/* What is polled beside curl's own sockets, and whom it concerns. */
struct polled {
    struct curl_waitfd *items;
    void **owners; /* first `lingering` transfers, then watches */
    unsigned lingering, count;
};

static void poll_also(struct polled *polled, int descriptor, short events, void *owner) {
    polled->items[polled->count] = (struct curl_waitfd){.fd = descriptor, .events = events};
    polled->owners[polled->count++] = owner;
}

static void collect_polled(struct http_client *client, struct polled *polled) {
    struct http_transfer *transfer;
    struct http_watch *watch;
    size_t room = (size_t)client->lingering + client->watching;
    if (!room)
        return;
    polled->items = memory_alloc(room * sizeof *polled->items);
    polled->owners = memory_alloc(room * sizeof *polled->owners);
    for (transfer = client->started; transfer; transfer = transfer->next)
        if (transfer->state == TRANSFER_LINGERING)
            poll_also(polled, socket_of(transfer), CURL_WAIT_POLLIN, transfer);
    polled->lingering = polled->count;
    for (watch = client->watches; watch; watch = watch->next) {
        unsigned events = (watch->events & HTTP_READABLE ? CURL_WAIT_POLLIN : 0u) |
                          (watch->events & HTTP_WRITABLE ? CURL_WAIT_POLLOUT : 0u);
        if (events)
            poll_also(polled, watch->descriptor, (short)events, watch);
    }
}

/* A callback may cancel the ones that come later, so only the first is delivered: the others are
 * still ready in the next round, which begins with them. */
static void deliver_polled(struct http_client *client, const struct polled *polled) {
    for (unsigned at = 0; at < polled->count; at++) {
        if (!polled->items[at].revents && polled->items[at].fd != CURL_SOCKET_BAD)
            continue;
        if (at < polled->lingering) {
            look_at_lingering(polled->owners[at]);
            return;
        }
        struct http_watch *watch = polled->owners[at];
        DL_DELETE(client->watches, watch);
        DL_APPEND(client->watches, watch);
        watch->ready(watch->context);
        return;
    }
}

/* Waits for curl's sockets, for the lingering and the watched ones, and for the first timer. */
static void wait_for_events(struct http_client *client, long wait_ms) {
    long limit = timers_wait(&client->timers, http_now_ms(), wait_ms < 0 ? 0 : wait_ms);
    struct polled polled = {0};
    collect_polled(client, &polled);
    curl_multi_poll(client->multi, polled.items, polled.count,
                    limit > INT_MAX ? INT_MAX : (int)limit, NULL);
    deliver_polled(client, &polled);
    free(polled.items);
    free(polled.owners);
}

void http_run(struct http_client *client, long wait_ms) {
    if (client->in_curl || !http_busy(client))
        return;
    if (work(client) > 0)
        return;
    /* A queued transfer that could not start waits for another to end, which wakes the poll. */
    wait_for_events(client, wait_ms);
    work(client);
}

bool http_busy(const struct http_client *client) {
    return client->queued[false] || client->queued[true] || client->started || client->timers.head;
}

/* --- the interface -----------------------------------------------------------------------------*/

struct http_transfer *http_send(struct http_client *client, const struct http_request *request,
                                http_done *done, void *context) {
    struct http_transfer *transfer = transfer_new(request);
    transfer->client = client;
    transfer->sequence = ++client->sent;
    transfer->done = done;
    transfer->context = context;
    DL_APPEND(*queue_of(client, transfer), transfer);
    return transfer;
}

void http_cancel(struct http_client *client, struct http_transfer *transfer) {
    switch (transfer->state) {
    case TRANSFER_QUEUED:
    case TRANSFER_ACTIVE:
    case TRANSFER_LINGERING:
        if (!client->in_curl || transfer->state == TRANSFER_QUEUED) {
            stop(transfer);
            release(transfer);
            return;
        }
        client->giving_up -= transfer->give_up;
        transfer->give_up = false;
        client->lingering -= transfer->state == TRANSFER_LINGERING;
        client->cancelled++;
        transfer->state = TRANSFER_CANCELLED;
        return;
    case TRANSFER_DELIVERED: /* from inside its own callback: it is over anyway */
    case TRANSFER_CANCELLED:
        return;
    }
}

unsigned long long http_mark(const struct http_client *client) {
    return client->sent;
}

static void give_up_since(struct http_client *client, struct http_transfer *first,
                          unsigned long long mark) {
    for (struct http_transfer *transfer = first; transfer; transfer = transfer->next) {
        if (transfer->sequence <= mark || transfer->give_up ||
            transfer->state == TRANSFER_CANCELLED)
            continue;
        transfer->give_up = true;
        client->giving_up++;
    }
}

void http_abort_since(struct http_client *client, unsigned long long mark) {
    give_up_since(client, client->queued[false], mark);
    give_up_since(client, client->queued[true], mark);
    give_up_since(client, client->started, mark);
}

const char *http_header(const struct http_response *response, const char *name) {
    struct curl_header *header = NULL;
    if (!response->transfer || !response->transfer->easy)
        return NULL;
    CURLHcode code = curl_easy_header(response->transfer->easy, name, 0, CURLH_HEADER, -1, &header);
    return code == CURLHE_OK ? header->value : NULL;
}

struct http_timer *http_after(struct http_client *client, long delay_ms, http_timer_fire *fire,
                              void *context) {
    long long due = http_now_ms() + (delay_ms > 0 ? delay_ms : 0);
    return timers_add(&client->timers, due, fire, context);
}

void http_timer_cancel(struct http_client *client, struct http_timer *timer) {
    timers_cancel(&client->timers, timer);
}

struct http_watch *http_watch(struct http_client *client, int descriptor, unsigned events,
                              http_watch_ready *ready, void *context) {
    struct http_watch *watch = memory_alloc(sizeof *watch);
    *watch = (struct http_watch){descriptor, events, ready, context, NULL, NULL};
    DL_APPEND(client->watches, watch);
    client->watching++;
    return watch;
}

void http_watch_for(struct http_watch *watch, unsigned events) {
    watch->events = events;
}

void http_unwatch(struct http_client *client, struct http_watch *watch) {
    DL_DELETE(client->watches, watch);
    client->watching--;
    free(watch);
}

void http_client_free(struct http_client *client) {
    if (!client)
        return;
    while (client->watches)
        http_unwatch(client, client->watches);
    for (size_t i = 0; i < 2; i++)
        while (client->queued[i])
            http_cancel(client, client->queued[i]);
    while (client->started)
        http_cancel(client, client->started);
    timers_clear(&client->timers);
    while (client->pooled)
        curl_easy_cleanup(client->pool[--client->pooled]);
    curl_multi_cleanup(client->multi);
    curl_global_cleanup();
    free(client);
}
