/*
 * The log: one line on standard error for each event, key=value, no secrets:
 *   2026-11-25T10:00:00.000Z level=info event=redis-up latency_ms=1
 */
#ifndef REGISTRY_LOG_H
#define REGISTRY_LOG_H

#include <stddef.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARNING, LOG_ERROR };

/* What is below is not written; LOG_INFO to begin with. */
void log_set_level(enum log_level least);

/* Writes a line; the format gives its "key=value …" after the event. Line breaks become spaces. */
void log_line(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define TIME_SIZE 32

/* The time now, as "2026-11-25T10:00:00.000Z". Returns the buffer (TIME_SIZE bytes). */
char *time_text(char *buffer);

#endif
