/* The event loop's timers; see timers.h. */
#include "base/timers.h"

#include "base/memory.h"

#include <stdlib.h>
#include <utlist.h>

struct http_timer *timers_add(struct timer_list *list, long long due_ms, http_timer_fire *fire,
                              void *context) {
    struct http_timer *timer = memory_alloc(sizeof *timer);
    *timer = (struct http_timer){
        .due_ms = due_ms, .sequence = list->next_sequence++, .fire = fire, .context = context};
    struct http_timer *after = list->head ? list->head->prev : NULL;
    while (after && after->due_ms > due_ms)
        after = after == list->head ? NULL : after->prev;
    if (after)
        DL_APPEND_ELEM(list->head, after, timer);
    else
        DL_PREPEND(list->head, timer);
    return timer;
}

void timers_cancel(struct timer_list *list, struct http_timer *timer) {
    DL_DELETE(list->head, timer);
    free(timer);
}

size_t timers_fire(struct timer_list *list, long long now_ms) {
    size_t fired = 0;
    unsigned long long end = list->next_sequence;
    /* A callback may add and cancel any timer, so each round starts from the head. Timers that
     * callbacks add wait for the next call, or one that re-arms itself at once would never let the
     * loop go. They are not in front of older ones that are due: their due time is later. */
    while (list->head && list->head->due_ms <= now_ms && list->head->sequence < end) {
        struct http_timer timer = *list->head;
        timers_cancel(list, list->head);
        timer.fire(timer.context);
        fired++;
    }
    return fired;
}

long timers_wait(const struct timer_list *list, long long now_ms, long limit_ms) {
    if (!list->head)
        return limit_ms;
    long long left = list->head->due_ms - now_ms;
    if (left < 0)
        left = 0;
    return left < limit_ms ? (long)left : limit_ms;
}

void timers_clear(struct timer_list *list) {
    while (list->head)
        timers_cancel(list, list->head);
}
