/* A connection to a dependency; see link.h. */
#include "registry/link.h"

#include "registry/log.h"

#include <string.h>

#define BACKOFF_LEAST_MS 50
#define BACKOFF_MOST_MS  2000

static void retry(void *data) {
    struct link *link = data;
    link->connect(link->data);
}

static void expired(void *data) {
    struct link *link = data;
    link->expired(link->data);
}

void link_init(struct link *link, struct loop *loop, const char *name, void (*connect)(void *),
               void (*expire)(void *), void *data) {
    memset(link, 0, sizeof *link);
    link->loop = loop;
    link->name = name;
    link->connect = connect;
    link->expired = expire;
    link->data = data;
    link->retry.fire = retry;
    link->retry.data = link;
    link->deadline.fire = expired;
    link->deadline.data = link;
}

void link_connecting(struct link *link) {
    link->state = LINK_CONNECTING;
    link_await(link, LINK_DEADLINE_MS);
}

void link_up(struct link *link) {
    link->state = LINK_UP;
    link->backoff_ms = 0;
    link->reconnects++;
    link_idle(link);
    log_line(LOG_INFO, "up", "dependency=%s", link->name);
}

void link_down(struct link *link, const char *reason) {
    enum log_level level =
        link->state == LINK_UP || link->backoff_ms == 0 ? LOG_WARNING : LOG_DEBUG;
    link->state = LINK_DOWN;
    link_idle(link);
    loop_unwatch(link->loop, &link->source);
    if (link->ended)
        return;
    link->backoff_ms = link->backoff_ms ? link->backoff_ms * 2 : BACKOFF_LEAST_MS;
    if (link->backoff_ms > BACKOFF_MOST_MS)
        link->backoff_ms = BACKOFF_MOST_MS;
    timer_set(link->loop, &link->retry, link->backoff_ms);
    log_line(level, "down", "dependency=%s retry_ms=%lld reason=\"%s\"", link->name,
             (long long)link->backoff_ms, reason);
}

void link_await(struct link *link, int64_t ms_left) {
    timer_set(link->loop, &link->deadline, ms_left);
}

void link_idle(struct link *link) {
    timer_cancel(&link->deadline);
}

void link_stop(struct link *link) {
    link->ended = true;
    link->state = LINK_DOWN;
    link_idle(link);
    timer_cancel(&link->retry);
    loop_unwatch(link->loop, &link->source);
}
