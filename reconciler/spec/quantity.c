/*
 * Quantities and durations; see quantity.h for the notations. All arithmetic is on integers: a
 * number is read as a mantissa and a power of ten, so that "0.1" is exactly a tenth.
 */
#include "spec/quantity.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

__extension__ typedef unsigned __int128 wide;

#define NANO 1000000000

/* mantissa × 10^exponent */
struct decimal {
    wide mantissa;
    int exponent;
};

/* Reads "12", "12.", "1.5" or ".5" and moves *text behind it. */
static int read_decimal(const char **text, struct decimal *decimal) {
    const char *at = *text;
    size_t digits = 0;
    bool fraction = false;
    *decimal = (struct decimal){0};
    for (;; at++) {
        if (*at == '.' && !fraction) {
            fraction = true;
            continue;
        }
        if (*at < '0' || *at > '9')
            break;
        if (__builtin_mul_overflow(decimal->mantissa, (wide)10, &decimal->mantissa) ||
            __builtin_add_overflow(decimal->mantissa, (wide)(*at - '0'), &decimal->mantissa))
            return -1;
        decimal->exponent -= fraction;
        digits++;
    }
    if (digits == 0)
        return -1;
    *text = at;
    return 0;
}

/* Reads what follows "e" in "1e6". Powers beyond what any quantity can use are refused. */
static int read_exponent(const char *text, int *exponent) {
    bool negative = *text == '-';
    if (*text == '-' || *text == '+')
        text++;
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 2 || text[digits] != '\0')
        return -1;
    int value = 0;
    for (size_t i = 0; i < digits; i++)
        value = value * 10 + (text[i] - '0');
    *exponent = negative ? -value : value;
    return 0;
}

struct suffix {
    const char *text;
    int64_t factor;
    int exponent; /* of ten, besides the factor */
};

static int read_suffix(const char *text, const struct suffix *suffixes, struct suffix *found) {
    for (const struct suffix *suffix = suffixes; suffix->text; suffix++) {
        if (strcmp(suffix->text, text) == 0) {
            *found = *suffix;
            return 0;
        }
    }
    *found = (struct suffix){"", 1, 0};
    if (*text != 'e' && *text != 'E')
        return -1;
    return read_exponent(text + 1, &found->exponent);
}

/* decimal × factor as a positive int64_t; a fraction is rounded up, as Kubernetes does. */
static int to_integer(struct decimal decimal, int64_t factor, int64_t *result) {
    wide value = decimal.mantissa;
    int exponent = decimal.exponent;
    for (; exponent < 0 && value != 0 && value % 10 == 0; exponent++)
        value /= 10;
    if (__builtin_mul_overflow(value, (wide)factor, &value))
        return -1;
    bool fraction = false;
    for (; exponent < 0 && value != 0; exponent++) {
        fraction |= value % 10 != 0;
        value /= 10;
    }
    value += fraction;
    for (; exponent > 0 && value != 0; exponent--) {
        value *= 10;
        if (value > INT64_MAX)
            return -1;
    }
    if (value == 0 || value > INT64_MAX)
        return -1;
    *result = (int64_t)value;
    return 0;
}

static int parse_quantity(const char *text, const struct suffix *suffixes, int scale,
                          int64_t *result) {
    struct decimal decimal;
    struct suffix suffix;
    if (*text == '+')
        text++;
    if (read_decimal(&text, &decimal) != 0 || read_suffix(text, suffixes, &suffix) != 0)
        return -1;
    decimal.exponent += suffix.exponent + scale;
    return to_integer(decimal, suffix.factor, result);
}

/* Where Kubernetes and Compose give a letter different meanings, Kubernetes' holds: "k" is 1000,
 * and "m", a thousandth, is not here. */
static const struct suffix byte_suffixes[] = {
    {"", 1, 0},
    {"Ki", INT64_C(1) << 10, 0},
    {"Mi", INT64_C(1) << 20, 0},
    {"Gi", INT64_C(1) << 30, 0},
    {"Ti", INT64_C(1) << 40, 0},
    {"Pi", INT64_C(1) << 50, 0},
    {"Ei", INT64_C(1) << 60, 0},
    {"k", 1, 3},
    {"M", 1, 6},
    {"G", 1, 9},
    {"T", 1, 12},
    {"P", 1, 15},
    {"E", 1, 18},
    {"b", 1, 0},
    {"kb", INT64_C(1) << 10, 0},
    {"mb", INT64_C(1) << 20, 0},
    {"g", INT64_C(1) << 30, 0},
    {"gb", INT64_C(1) << 30, 0},
    {NULL, 0, 0},
};

int parse_bytes(const char *text, int64_t *bytes) {
    return parse_quantity(text, byte_suffixes, 0, bytes);
}

char *suggest_bytes(char *buffer, size_t size, const char *text) {
    static const char units[] = "kmgtpe";
    struct decimal decimal;
    const char *unit = text;
    if (read_decimal(&unit, &decimal) != 0 || !*unit)
        return NULL;
    const char *known = strchr(units, tolower((unsigned char)*unit));
    const char *rest = unit + 1;
    if (*rest == 'i' || *rest == 'I')
        rest++;
    if (*rest == 'b' || *rest == 'B')
        rest++;
    size_t length = (size_t)(unit - text);
    if (!known || *rest || length + 3 > size)
        return NULL;
    snprintf(buffer, size, "%.*s%ci", (int)length, text, toupper((unsigned char)*known));
    return buffer;
}

static const struct suffix cpu_suffixes[] = {
    {"", 1, 0}, {"n", 1, -9}, {"u", 1, -6}, {"m", 1, -3}, {"k", 1, 3}, {NULL, 0, 0},
};

int parse_cpus(const char *text, int64_t *nano_cpus) {
    return parse_quantity(text, cpu_suffixes, 9, nano_cpus);
}

/* One "1.5h" of a duration, in nanoseconds; what is smaller than one is dropped, as in Go. */
static int read_duration_part(const char **text, int64_t *nanoseconds) {
    static const struct suffix units[] = {
        {"ns", 1, 0},
        {"us", 1000, 0},
        {"\u00B5s", 1000, 0}, /* micro sign */
        {"\u03BCs", 1000, 0}, /* Greek letter mu */
        {"ms", 1000000, 0},
        {"s", NANO, 0},
        {"m", INT64_C(60) * NANO, 0},
        {"h", INT64_C(3600) * NANO, 0},
        {NULL, 0, 0},
    };
    struct decimal decimal;
    if (read_decimal(text, &decimal) != 0)
        return -1;
    /* A unit ends where the next number begins. */
    size_t length = strcspn(*text, ".0123456789");
    for (const struct suffix *unit = units; unit->text; unit++) {
        if (strlen(unit->text) != length || strncmp(unit->text, *text, length) != 0)
            continue;
        wide value;
        if (__builtin_mul_overflow(decimal.mantissa, (wide)unit->factor, &value))
            return -1;
        for (; decimal.exponent < 0; decimal.exponent++)
            value /= 10;
        if (value > INT64_MAX)
            return -1;
        *nanoseconds = (int64_t)value;
        *text += length;
        return 0;
    }
    return -1;
}

int parse_duration(const char *text, int64_t *nanoseconds) {
    int64_t total = 0;
    if (*text == '+')
        text++;
    if (strcmp(text, "0") == 0) {
        *nanoseconds = 0;
        return 0;
    }
    if (*text == '\0')
        return -1;
    while (*text) {
        int64_t part;
        if (read_duration_part(&text, &part) != 0 || __builtin_add_overflow(total, part, &total))
            return -1;
    }
    *nanoseconds = total;
    return 0;
}

char *format_bytes(char *buffer, size_t size, int64_t bytes) {
    static const char *const names[] = {"", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"};
    size_t power = 0;
    while (bytes != 0 && bytes % 1024 == 0) {
        bytes /= 1024;
        power++;
    }
    snprintf(buffer, size, "%" PRId64 "%s", bytes, names[power]);
    return buffer;
}

char *format_cpus(char *buffer, size_t size, int64_t nano_cpus) {
    static const char *const names[] = {"n", "u", "m", ""};
    size_t power = nano_cpus == 0 ? 3 : 0;
    for (; power < 3 && nano_cpus % 1000 == 0; power++)
        nano_cpus /= 1000;
    snprintf(buffer, size, "%" PRId64 "%s", nano_cpus, names[power]);
    return buffer;
}

/* "1.5ms": a value in a unit that is `factor` nanoseconds, with as many decimals as needed. */
static void append_fraction(char *buffer, size_t size, int64_t value, int64_t factor,
                            const char *unit) {
    char decimals[24] = "";
    int64_t rest = value % factor;
    if (rest != 0) {
        int digits = factor == NANO ? 9 : factor == 1000000 ? 6 : 3;
        snprintf(decimals, sizeof decimals, ".%0*" PRId64, digits, rest);
        for (size_t end = strlen(decimals); decimals[end - 1] == '0'; end--)
            decimals[end - 1] = '\0';
    }
    size_t used = strlen(buffer);
    snprintf(buffer + used, size - used, "%" PRId64 "%s%s", value / factor, decimals, unit);
}

char *format_duration(char *buffer, size_t size, int64_t nanoseconds) {
    static const int64_t minute = INT64_C(60) * NANO;
    buffer[0] = '\0';
    if (nanoseconds == 0) {
        snprintf(buffer, size, "0s");
    } else if (nanoseconds < 1000) {
        snprintf(buffer, size, "%" PRId64 "ns", nanoseconds);
    } else if (nanoseconds < 1000000) {
        append_fraction(buffer, size, nanoseconds, 1000, "us");
    } else if (nanoseconds < NANO) {
        append_fraction(buffer, size, nanoseconds, 1000000, "ms");
    } else {
        int64_t hours = nanoseconds / (60 * minute);
        int64_t minutes = nanoseconds / minute % 60;
        if (hours != 0)
            snprintf(buffer, size, "%" PRId64 "h", hours);
        if (minutes != 0)
            snprintf(buffer + strlen(buffer), size - strlen(buffer), "%" PRId64 "m", minutes);
        if (nanoseconds % minute != 0)
            append_fraction(buffer, size, nanoseconds % minute, NANO, "s");
    }
    return buffer;
}
