/* Errors as values; see error.h for the convention. */
#include "base/error.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int error_set(struct error *error, enum error_code code, const char *format, ...) {
    if (!error)
        return -1;
    /* Format before freeing: the arguments may quote the message being replaced. */
    va_list arguments;
    va_start(arguments, format);
    char *message = format_va(format, arguments);
    va_end(arguments);
    free(error->message);
    error->message = message;
    error->code = code;
    return -1;
}

int error_wrap(struct error *error, const char *format, ...) {
    if (!error)
        return -1;
    va_list arguments;
    va_start(arguments, format);
    cleanup_free char *context = format_va(format, arguments);
    va_end(arguments);
    char *message = format_text("%s: %s", context, error_text(error));
    free(error->message);
    error->message = message;
    return -1;
}

void error_move(struct error *to, struct error *from) {
    error_clear(to);
    *to = *from;
    *from = (struct error)ERROR_INIT;
}

void error_clear(struct error *error) {
    free(error->message);
    *error = (struct error)ERROR_INIT;
}

const char *error_text(const struct error *error) {
    return error->message ? error->message : "unknown error";
}

int error_is_retryable(enum error_code code) {
    return code == ERROR_UNREACHABLE || code == ERROR_TRANSIENT;
}
