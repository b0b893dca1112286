/* The log; see log.h. */
#include "registry/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

static enum log_level least_level = LOG_INFO;

void log_set_level(enum log_level least) {
    least_level = least;
}

char *time_text(char *buffer) {
    struct timespec now;
    struct tm parts;
    char date[24];
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(buffer, TIME_SIZE, "%s.%03dZ", date, (int)(now.tv_nsec / 1000000));
    return buffer;
}

void log_line(enum log_level level, const char *event, const char *format, ...) {
    static const char *const names[] = {"debug", "info", "warning", "error"};
    char time[TIME_SIZE];
    char line[1024];
    if (level < least_level)
        return;
    int used =
        snprintf(line, sizeof line, "%s level=%s event=%s ", time_text(time), names[level], event);
    va_list arguments;
    va_start(arguments, format);
    int more = vsnprintf(line + used, sizeof line - (size_t)used - 1, format, arguments);
    va_end(arguments);
    size_t size = (size_t)used + (size_t)(more > 0 ? more : 0);
    if (size > sizeof line - 2)
        size = sizeof line - 2;
    for (size_t i = 0; i < size; i++)
        if (line[i] == '\n' || line[i] == '\r')
            line[i] = ' ';
    line[size++] = '\n';
    /* One write for one line; nobody can be told when it fails. */
    if (write(STDERR_FILENO, line, size) < 0)
        return;
}
