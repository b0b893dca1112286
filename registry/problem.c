/* What is wrong with a request; see problem.h. */
#include "registry/problem.h"

#include <stdarg.h>
#include <stdio.h>

int problem_set(struct problem *problem, int status, const char *code, const char *field,
                const char *format, ...) {
    va_list arguments;
    problem->status = status;
    problem->code = code;
    snprintf(problem->field, sizeof problem->field, "%s", field ? field : "");
    va_start(arguments, format);
    vsnprintf(problem->message, sizeof problem->message, format, arguments);
    va_end(arguments);
    return -1;
}
