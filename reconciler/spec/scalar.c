/* The core schema of YAML 1.2: which unquoted texts are null, booleans and numbers, and the tags
 * that say so. */
#include "spec/node.h"
#include "spec/yaml_internal.h"

#include <string.h>

static bool is_one_of(const char *text, const char *const *words) {
    for (; *words; words++) {
        if (strcmp(text, *words) == 0)
            return true;
    }
    return false;
}

#define DIGITS "0123456789"

static bool is_integer(const char *text) {
    if (text[0] == '0' && text[1] == 'o')
        return text[2] && text[2 + strspn(text + 2, "01234567")] == '\0';
    if (text[0] == '0' && text[1] == 'x')
        return text[2] && text[2 + strspn(text + 2, DIGITS "abcdefABCDEF")] == '\0';
    if (*text == '-' || *text == '+')
        text++;
    return *text && text[strspn(text, DIGITS)] == '\0';
}

static bool is_float(const char *text) {
    static const char *const words[] = {".inf", ".Inf", ".INF", NULL};
    static const char *const not_numbers[] = {".nan", ".NaN", ".NAN", NULL};
    if (is_one_of(text, not_numbers))
        return true;
    if (*text == '-' || *text == '+')
        text++;
    if (is_one_of(text, words))
        return true;
    size_t whole = strspn(text, DIGITS);
    text += whole;
    if (*text == '.') {
        size_t decimals = strspn(text + 1, DIGITS);
        if (whole + decimals == 0)
            return false;
        text += 1 + decimals;
    } else if (whole == 0) {
        return false;
    }
    if (*text == 'e' || *text == 'E') {
        text++;
        if (*text == '-' || *text == '+')
            text++;
        size_t power = strspn(text, DIGITS);
        if (power == 0)
            return false;
        text += power;
    }
    return *text == '\0';
}

int parse_boolean(const char *text) {
    static const char *const yes[] = {"true", "True", "TRUE", NULL};
    static const char *const no[] = {"false", "False", "FALSE", NULL};
    if (is_one_of(text, yes))
        return 1;
    return is_one_of(text, no) ? 0 : -1;
}

enum scalar_type scalar_type(const char *text) {
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL", NULL};
    if (is_one_of(text, nulls))
        return SCALAR_NULL;
    if (parse_boolean(text) >= 0)
        return SCALAR_BOOL;
    if (is_integer(text))
        return SCALAR_INTEGER;
    return is_float(text) ? SCALAR_FLOAT : SCALAR_STRING;
}

bool yaml_apply_tag(struct node *node, const char *tag) {
    static const struct {
        const char *name;
        enum scalar_type type;
    } tags[] = {{"null", SCALAR_NULL}, {"bool", SCALAR_BOOL}, {"int", SCALAR_INTEGER}};
    if (strcmp(tag, "!") == 0 || strcmp(tag, CORE_TAG "str") == 0) {
        node->kind = NODE_SCALAR;
        node->quoted = true;
        return true;
    }
    if (strncmp(tag, CORE_TAG, strlen(CORE_TAG)) != 0)
        return false;
    tag += strlen(CORE_TAG);
    enum scalar_type type = scalar_type(node->text);
    bool fits = strcmp(tag, "float") == 0 && (type == SCALAR_FLOAT || type == SCALAR_INTEGER);
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++)
        fits = fits || (strcmp(tag, tags[i].name) == 0 && type == tags[i].type);
    if (!fits)
        return false;
    node->kind = type == SCALAR_NULL ? NODE_NULL : NODE_SCALAR;
    node->quoted = false;
    return true;
}
