/* Descriptors and timers on libwebsockets' loop; see loop.h. */
#include "registry/loop.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* Events handled before libwebsockets has its turn again. */
#define BATCH 32

int loop_open(struct loop *loop, struct lws_context *context, struct lws_vhost *vhost,
              struct error *error) {
    lws_sock_file_fd_type descriptor;
    loop->context = context;
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (loop->epoll < 0)
        return error_set(error, ERROR_FAILED, "epoll_create1: %s", strerror(errno));
    descriptor.filefd = loop->epoll;
    loop->wsi = lws_adopt_descriptor_vhost(vhost, LWS_ADOPT_RAW_FILE_DESC, descriptor,
                                           LOOP_PROTOCOL_NAME, NULL);
    if (!loop->wsi)
        return error_set(error, ERROR_FAILED, "libwebsockets does not take the event descriptor");
    lws_set_opaque_user_data(loop->wsi, loop);
    return 0;
}

void loop_close(struct loop *loop) {
    lws_set_opaque_user_data(loop->wsi, NULL);
}

/* One event at a time: what a handler removes is then never in a list already fetched. */
static void dispatch(const struct loop *loop) {
    struct epoll_event event;
    for (int i = 0; i < BATCH && epoll_wait(loop->epoll, &event, 1, 0) == 1; i++) {
        struct source *source = event.data.ptr;
        source->ready(source->data, event.events);
    }
}

int loop_callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                  size_t size) {
    (void)user;
    (void)in;
    (void)size;
    const struct loop *loop = lws_get_opaque_user_data(wsi);
    if (reason == LWS_CALLBACK_RAW_RX_FILE && loop)
        dispatch(loop);
    return 0;
}

void loop_watch(struct loop *loop, struct source *source, int fd, uint32_t events) {
    struct epoll_event event = {.events = events, .data.ptr = source};
    int operation = source->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;
    if (source->watched && source->events == events)
        return;
    source->fd = fd;
    source->events = events;
    source->watched = epoll_ctl(loop->epoll, operation, fd, &event) == 0;
}

void loop_unwatch(struct loop *loop, struct source *source) {
    if (source->watched)
        epoll_ctl(loop->epoll, EPOLL_CTL_DEL, source->fd, NULL);
    source->watched = false;
}

static void fire(lws_sorted_usec_list_t *sul) {
    struct timer *timer = (struct timer *)sul;
    timer->fire(timer->data);
}

void timer_set(struct loop *loop, struct timer *timer, int64_t ms) {
    lws_sul_schedule(loop->context, 0, &timer->sul, fire, ms > 0 ? ms * LWS_US_PER_MS : 1);
}

void timer_cancel(struct timer *timer) {
    lws_sul_cancel(&timer->sul);
}

int64_t loop_now_ms(void) {
    return lws_now_usecs() / LWS_US_PER_MS;
}
