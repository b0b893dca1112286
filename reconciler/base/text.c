/* Text for people; see text.h. */
#include "base/text.h"

#include "base/memory.h"

#include <locale.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <threads.h>
#include <wchar.h>

/* Widths come from glibc's own tables, whatever locale the user has: C.UTF-8 is always there. */
static locale_t utf8_locale;
static once_flag utf8_once = ONCE_FLAG_INIT;

static void make_locale(void) {
    utf8_locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
}

static locale_t enter_utf8(void) {
    call_once(&utf8_once, make_locale);
    return utf8_locale ? uselocale(utf8_locale) : (locale_t)0;
}

static void leave_utf8(locale_t old) {
    if (old)
        uselocale(old);
}

/* One character as it will be shown. */
struct glyph {
    size_t bytes;   /* it takes in the input; 0 at the end */
    size_t columns; /* it takes on the screen */
    char instead;   /* shown in its place, or NUL: itself */
};

static struct glyph next_glyph(const char *text) {
    if (*text == '\0')
        return (struct glyph){0, 0, 0};
    mbstate_t state = {0};
    wchar_t wide;
    size_t bytes = mbrtowc(&wide, text, strlen(text), &state);
    if (bytes == (size_t)-1 || bytes == (size_t)-2)
        return (struct glyph){1, 1, '?'};
    int columns = wcwidth(wide);
    if (columns < 0)
        return (struct glyph){bytes, 1, ' '};
    return (struct glyph){bytes, (size_t)columns, 0};
}

size_t text_columns(const char *text) {
    locale_t old = enter_utf8();
    size_t columns = 0;
    for (struct glyph glyph; (glyph = next_glyph(text)).bytes > 0; text += glyph.bytes)
        columns += glyph.columns;
    leave_utf8(old);
    return columns;
}

/* Appends what is shown of a glyph; returns its columns. */
static size_t put_glyph(FILE *out, const char *text, struct glyph glyph, bool utf8) {
    bool ascii = glyph.bytes == 1;
    if (glyph.instead || (!ascii && !utf8)) {
        fputc(glyph.instead ? glyph.instead : '?', out);
        return 1;
    }
    fwrite(text, 1, glyph.bytes, out);
    return glyph.columns;
}

static size_t shown_columns(struct glyph glyph, bool utf8) {
    return glyph.bytes > 1 && !utf8 ? 1 : glyph.columns;
}

static size_t total_columns(const char *text, bool utf8) {
    size_t columns = 0;
    for (struct glyph glyph; (glyph = next_glyph(text)).bytes > 0; text += glyph.bytes)
        columns += shown_columns(glyph, utf8);
    return columns;
}

char *text_fit(const char *text, size_t columns, bool utf8) {
    char *result = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&result, &size);
    if (!out)
        return copy_text("");
    locale_t old = enter_utf8();
    const char *ellipsis = utf8 ? "…" : "...";
    size_t ellipsis_columns = utf8 ? 1 : 3;
    bool cut = total_columns(text, utf8) > columns;
    bool room = columns > ellipsis_columns;
    size_t limit = cut && room ? columns - ellipsis_columns : columns;
    size_t used = 0;
    for (struct glyph glyph; (glyph = next_glyph(text)).bytes > 0; text += glyph.bytes) {
        if (used + shown_columns(glyph, utf8) > limit)
            break;
        used += put_glyph(out, text, glyph, utf8);
    }
    if (cut && room)
        fputs(ellipsis, out);
    leave_utf8(old);
    fclose(out); /* may move the result: only now is it final */
    return result;
}

char *text_bytes(char *buffer, size_t size, long long bytes) {
    static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
    if (bytes < 1000) {
        snprintf(buffer, size, "%lld B", bytes);
        return buffer;
    }
    double value = (double)bytes / 1000;
    size_t unit = 0;
    for (; value >= 999.95 && unit + 1 < sizeof(units) / sizeof(units[0]); unit++)
        value /= 1000;
    snprintf(buffer, size, "%.1f %s", value, units[unit]);
    return buffer;
}

char *text_elapsed(char *buffer, size_t size, long long milliseconds) {
    long long seconds = milliseconds / 1000;
    if (milliseconds < 0)
        snprintf(buffer, size, "0.0s");
    else if (seconds < 60)
        snprintf(buffer, size, "%lld.%llds", seconds, milliseconds % 1000 / 100);
    else if (seconds < 3600)
        snprintf(buffer, size, "%lldm%02llds", seconds / 60, seconds % 60);
    else if (seconds < 86400)
        snprintf(buffer, size, "%lldh%02lldm", seconds / 3600, seconds % 3600 / 60);
    else
        snprintf(buffer, size, "%lldd%lldh", seconds / 86400, seconds % 86400 / 3600);
    return buffer;
}

const char *style_begin(enum style style, bool colour) {
    static const char *const codes[] = {"",         "\x1b[1m",  "\x1b[2m", "\x1b[31m",
                                        "\x1b[32m", "\x1b[33m", "\x1b[36m"};
    return colour ? codes[style] : "";
}

const char *style_end(enum style style, bool colour) {
    return colour && style != STYLE_PLAIN ? "\x1b[0m" : "";
}
