/*
 * Errors as values: a fallible function takes a `struct error *` last, returns 0 or -1, and on -1
 * has filled the error with a code (what kind of failure, so that callers can decide to retry) and
 * a message a user can act on. Callers on the way up add context with error_wrap().
 */
#ifndef TSE_BASE_ERROR_H
#define TSE_BASE_ERROR_H

enum error_code {
    ERROR_NONE = 0,
    ERROR_FAILED,      /* it does not work and trying again will not change that */
    ERROR_INPUT,       /* the desired state or another file of the user's is wrong */
    ERROR_USAGE,       /* the command line is wrong */
    ERROR_UNREACHABLE, /* the engine does not answer: absent, refusing, restarting */
    ERROR_TRANSIENT,   /* the engine answered, but trying again may pass: 5xx, 409 races */
    ERROR_CONFLICT,    /* a name, address or port is taken by something that is not ours */
    ERROR_TIMEOUT,     /* a deadline passed */
    ERROR_INTERRUPTED  /* the user asked to stop (SIGINT, SIGTERM) */
};

struct error {
    enum error_code code;
    char *message; /* owned; free with error_clear() */
};

#define ERROR_INIT                                                                                 \
    { ERROR_NONE, 0 }

/* Sets code and a printf-formatted message, replacing what was there. Returns -1, so that a caller
 * can `return error_set(...)`. `error` may be NULL when the caller does not want the text. */
int error_set(struct error *error, enum error_code code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "CONTEXT: " before the message, keeping the code. Returns -1. */
int error_wrap(struct error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Moves `from` into `to` (which is cleared first); `from` is empty afterwards. */
void error_move(struct error *to, struct error *from);

/* Frees the message and resets the code. */
void error_clear(struct error *error);

/* The message, or a fallback text: never NULL. */
const char *error_text(const struct error *error);

/* Whether a later attempt may pass without anybody changing anything. */
int error_is_retryable(enum error_code code);

#define cleanup_error __attribute__((cleanup(error_clear)))

#endif
