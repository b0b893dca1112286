/* Splitting a command line by the shell's quoting rules (POSIX.1-2017, Shell, 2.2), without any
 * expansion. */
#include "spec/arguments.h"
#include "base/memory.h"

#include <string.h>

static bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* Copies one quoted part, `text` being after the quote. Returns what follows the closing quote, or
 * NULL when there is none. */
static const char *copy_quoted(const char *text, char quote, char **out) {
    while (*text && *text != quote) {
        /* Within double quotes a backslash quotes only these. */
        if (quote == '"' && *text == '\\' && text[1] && strchr("\"\\$`\n", text[1]))
            text++;
        *(*out)++ = *text++;
    }
    return *text ? text + 1 : NULL;
}

/* Copies one argument up to a blank; sets the problem instead when it does not end. */
static const char *copy_argument(const char *text, char **out, const char **problem) {
    while (*text && !is_blank(*text)) {
        if (*text == '\'' || *text == '"') {
            text = copy_quoted(text + 1, *text, out);
            if (!text) {
                *problem = "a quote is opened and never closed";
                return "";
            }
        } else if (*text == '\\') {
            if (!text[1]) {
                *problem = "ends with a backslash that quotes nothing";
                return "";
            }
            *(*out)++ = text[1];
            text += 2;
        } else {
            *(*out)++ = *text++;
        }
    }
    return text;
}

const char *split_arguments(struct arena *arena, const char *text, struct text_list *list) {
    size_t length = strlen(text);
    const char *problem = NULL;
    /* Each argument takes at least a character and a blank. */
    list->items = arena_array(arena, const char *, length / 2 + 1);
    list->count = 0;
    list->declared = true;
    char *out = arena_alloc(arena, length * 2 + 2);
    while (!problem) {
        while (is_blank(*text))
            text++;
        if (*text == '#')
            text += strcspn(text, "\n");
        else if (!*text)
            break;
        else {
            list->items[list->count++] = out;
            text = copy_argument(text, &out, &problem);
            *out++ = '\0';
        }
    }
    return problem;
}
