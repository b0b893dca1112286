/*
 * The event loop's timers: a list sorted by due time. Only for base/http.c; others set timers with
 * http_after(). A few hundred are alive at most, and most are set to fire after all others, so a
 * list that is searched from its end is as fast as a heap and simpler.
 */
#ifndef TSE_BASE_TIMERS_H
#define TSE_BASE_TIMERS_H

#include "base/http.h"

struct http_timer {
    long long due_ms; /* of http_now_ms() */
    unsigned long long sequence;
    http_timer_fire *fire;
    void *context;
    struct http_timer *prev, *next;
};

struct timer_list {
    struct http_timer *head;
    unsigned long long next_sequence;
};

struct http_timer *timers_add(struct timer_list *list, long long due_ms, http_timer_fire *fire,
                              void *context);
void timers_cancel(struct timer_list *list, struct http_timer *timer);

/* Fires what is due, in order of due time and then of being set; not what the callbacks add.
 * Returns how many fired. A timer is gone before its callback runs. */
size_t timers_fire(struct timer_list *list, long long now_ms);

/* Milliseconds until the first is due, at most `limit_ms`. */
long timers_wait(const struct timer_list *list, long long now_ms, long limit_ms);

/* Frees all without firing. */
void timers_clear(struct timer_list *list);

#endif
