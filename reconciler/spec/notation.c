/*
 * Texts with a notation of their own: names, images, addresses, capabilities … Each function checks
 * one and returns its canonical form, or NULL; each is the hand-written twin of its type's regular
 * expression, which only the schemas use, because glibc's regexec is too slow for 10,000 services.
 */
#include "spec/notation.h"
#include "base/memory.h"
#include "spec/quantity.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static bool is_lower_or_digit(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/* Whether every character of the text is alphanumeric or one of `others`. */
static bool consists_of(const char *text, const char *others) {
    for (; *text; text++)
        if (!is_letter(*text) && !is_digit(*text) && !strchr(others, *text))
            return false;
    return true;
}

static bool has_control_or_space(const char *text) {
    for (; *text; text++)
        if ((unsigned char)*text <= ' ' || *text == 0x7f)
            return true;
    return false;
}

static bool is_name(const char *text, size_t length) {
    if (length == 0 || length > 63 || !is_lower_or_digit(text[0]) ||
        !is_lower_or_digit(text[length - 1]))
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_lower_or_digit(text[i]) && text[i] != '-')
            return false;
    return true;
}

const char *convert_any(struct arena *arena, const char *text) {
    return arena_copy(arena, text);
}

const char *convert_not_empty(struct arena *arena, const char *text) {
    return *text ? arena_copy(arena, text) : NULL;
}

const char *convert_name(struct arena *arena, const char *text) {
    return is_name(text, strlen(text)) ? arena_copy(arena, text) : NULL;
}

const char *convert_feature(struct arena *arena, const char *text) {
    return is_letter(*text) && consists_of(text, "-_") ? arena_copy(arena, text) : NULL;
}

const char *convert_condition(struct arena *arena, const char *text) {
    const char *name = *text == '!' ? text + 1 : text;
    return is_letter(*name) && consists_of(name, "-_") ? arena_copy(arena, text) : NULL;
}

const char *convert_variable_name(struct arena *arena, const char *text) {
    if ((!is_letter(*text) && *text != '_') || !consists_of(text, "_"))
        return NULL;
    return arena_copy(arena, text);
}

/* What Kubernetes allows for the name of a container's environment variable. */
const char *convert_environment_name(struct arena *arena, const char *text) {
    if (!*text || is_digit(*text) || !consists_of(text, "-._"))
        return NULL;
    return arena_copy(arena, text);
}

/* One path component of an image: alphanumerics, separated by ".", "_", "__" or dashes. */
static bool is_image_component(const char *text, size_t length) {
    size_t i = 0;
    while (i < length) {
        size_t start = i;
        while (i < length && is_lower_or_digit(text[i]))
            i++;
        if (i == start)
            return false;
        if (i == length)
            return true;
        char separator = text[i];
        size_t run = 0;
        while (i < length && text[i] == separator) {
            i++;
            run++;
        }
        if (!strchr("._-", separator) || (separator == '.' && run > 1) ||
            (separator == '_' && run > 2))
            return false;
    }
    return false;
}

static bool is_registry_host(const char *text, size_t length) {
    size_t colon = length;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == ':' && colon == length)
            colon = i;
        else if (i > colon ? !is_digit(text[i])
                           : !is_letter(text[i]) && !is_digit(text[i]) && text[i] != '.' &&
                                 text[i] != '-')
            return false;
    }
    return colon > 0 && colon + 1 != length && text[0] != '-' && text[0] != '.';
}

/* [HOST[:PORT]/]PATH: the first component is a host when it has a dot or a colon, or is
 * "localhost" (distribution's reference grammar). */
static bool is_repository(const char *text, size_t length) {
    const char *slash = memchr(text, '/', length);
    size_t first = slash ? (size_t)(slash - text) : length;
    if (slash && (memchr(text, '.', first) || memchr(text, ':', first) ||
                  (first == 9 && memcmp(text, "localhost", 9) == 0))) {
        if (!is_registry_host(text, first))
            return false;
        text += first + 1;
        length -= first + 1;
    }
    for (;;) {
        slash = memchr(text, '/', length);
        size_t part = slash ? (size_t)(slash - text) : length;
        if (!is_image_component(text, part))
            return false;
        if (!slash)
            return true;
        text += part + 1;
        length -= part + 1;
    }
}

static bool is_tag(const char *text, size_t length) {
    if (length == 0 || length > 128 || text[0] == '.' || text[0] == '-')
        return false;
    for (size_t i = 0; i < length; i++)
        if (!is_letter(text[i]) && !is_digit(text[i]) && !strchr("._-", text[i]))
            return false;
    return true;
}

static bool is_digest(const char *text) {
    if (strncmp(text, "sha256:", 7) != 0 || strlen(text) != 71)
        return false;
    return strspn(text + 7, "0123456789abcdef") == 64;
}

const char *convert_image(struct arena *arena, const char *text) {
    const char *digest = strchr(text, '@');
    size_t length = digest ? (size_t)(digest - text) : strlen(text);
    if (digest && !is_digest(digest + 1))
        return NULL;
    const char *slash = memrchr(text, '/', length);
    const char *name = slash ? slash : text;
    const char *colon = memchr(name, ':', length - (size_t)(name - text));
    size_t repository = colon ? (size_t)(colon - text) : length;
    if (colon && !is_tag(colon + 1, length - repository - 1))
        return NULL;
    return is_repository(text, repository) ? arena_copy(arena, text) : NULL;
}

/* An absolute path in a container, without "." and doubled slashes; ".." is refused. */
const char *convert_target(struct arena *arena, const char *text) {
    if (*text != '/')
        return NULL;
    char *clean = arena_alloc(arena, strlen(text) + 2);
    size_t used = 0;
    while (*text) {
        while (*text == '/')
            text++;
        size_t length = strcspn(text, "/");
        if (length == 2 && text[0] == '.' && text[1] == '.')
            return NULL;
        if (length > 0 && !(length == 1 && text[0] == '.')) {
            clean[used++] = '/';
            memcpy(clean + used, text, length);
            used += length;
        }
        text += length;
    }
    if (used == 0)
        clean[used++] = '/';
    clean[used] = '\0';
    return clean;
}

const char *convert_ipv4(struct arena *arena, const char *text) {
    uint32_t address;
    return parse_ipv4(text, &address) == 0 ? arena_copy(arena, text) : NULL;
}

const char *convert_ip(struct arena *arena, const char *text) {
    struct in6_addr six;
    if (strchr(text, ':'))
        return inet_pton(AF_INET6, text, &six) == 1 ? arena_copy(arena, text) : NULL;
    return convert_ipv4(arena, text);
}

/* What `docker run --add-host` takes besides addresses: "host-gateway". */
const char *convert_host_address(struct arena *arena, const char *text) {
    return strcmp(text, "host-gateway") == 0 ? arena_copy(arena, text) : convert_ip(arena, text);
}

const char *convert_cidr(struct arena *arena, const char *text) {
    uint32_t address;
    unsigned prefix;
    if (parse_cidr4(text, &address, &prefix) != 0)
        return NULL;
    return arena_format(arena, "%u.%u.%u.%u/%u", address >> 24, address >> 16 & 255,
                        address >> 8 & 255, address & 255, prefix);
}

/* RFC 1123: labels of letters, digits and dashes, separated by dots, 253 characters at most. */
const char *convert_hostname(struct arena *arena, const char *text) {
    size_t label = 0;
    char previous = '.';
    for (const char *c = text; *c; previous = *c++) {
        if (*c == '.' || *c == '-') {
            if (previous == '.' || (*c == '.' && previous == '-'))
                return NULL;
        } else if (!is_letter(*c) && !is_digit(*c)) {
            return NULL;
        }
        label = *c == '.' ? 0 : label + 1;
        if (label > 63)
            return NULL;
    }
    if (previous == '.' || previous == '-' || strlen(text) > 253)
        return NULL;
    return arena_copy(arena, text);
}

static const char *const capabilities[] = {"ALL",
                                           "AUDIT_CONTROL",
                                           "AUDIT_READ",
                                           "AUDIT_WRITE",
                                           "BLOCK_SUSPEND",
                                           "BPF",
                                           "CHECKPOINT_RESTORE",
                                           "CHOWN",
                                           "DAC_OVERRIDE",
                                           "DAC_READ_SEARCH",
                                           "FOWNER",
                                           "FSETID",
                                           "IPC_LOCK",
                                           "IPC_OWNER",
                                           "KILL",
                                           "LEASE",
                                           "LINUX_IMMUTABLE",
                                           "MAC_ADMIN",
                                           "MAC_OVERRIDE",
                                           "MKNOD",
                                           "NET_ADMIN",
                                           "NET_BIND_SERVICE",
                                           "NET_BROADCAST",
                                           "NET_RAW",
                                           "PERFMON",
                                           "SETFCAP",
                                           "SETGID",
                                           "SETPCAP",
                                           "SETUID",
                                           "SYS_ADMIN",
                                           "SYS_BOOT",
                                           "SYS_CHROOT",
                                           "SYS_MODULE",
                                           "SYS_NICE",
                                           "SYS_PACCT",
                                           "SYS_PTRACE",
                                           "SYS_RAWIO",
                                           "SYS_RESOURCE",
                                           "SYS_TIME",
                                           "SYS_TTY_CONFIG",
                                           "SYSLOG",
                                           "WAKE_ALARM",
                                           NULL};

static const char *const signals[] = {
    "ABRT", "ALRM", "BUS", "CHLD", "CONT", "FPE",    "HUP",    "ILL",  "INT",  "IO",   "KILL",
    "PIPE", "PROF", "PWR", "QUIT", "SEGV", "STOP",   "STKFLT", "SYS",  "TERM", "TRAP", "TSTP",
    "TTIN", "TTOU", "URG", "USR1", "USR2", "VTALRM", "WINCH",  "XCPU", "XFSZ", NULL};

const char *const *known_capabilities(void) {
    return capabilities;
}

const char *const *known_signals(void) {
    return signals;
}

static const char *find_without_prefix(const char *text, const char *prefix,
                                       const char *const *known) {
    if (strncasecmp(text, prefix, strlen(prefix)) == 0)
        text += strlen(prefix);
    for (; *known; known++)
        if (strcasecmp(text, *known) == 0)
            return *known;
    return NULL;
}

const char *convert_capability(struct arena *arena, const char *text) {
    (void)arena;
    return find_without_prefix(text, "CAP_", capabilities);
}

const char *convert_signal(struct arena *arena, const char *text) {
    const char *name = find_without_prefix(text, "SIG", signals);
    if (name)
        return arena_format(arena, "SIG%s", name);
    if (strncasecmp(text, "SIGRTM", 6) != 0 && strncasecmp(text, "RTM", 3) != 0)
        return NULL;
    /* Real-time signals: RTMIN, RTMIN+1 … RTMAX-1, RTMAX, as the engine spells them. */
    const char *rest = text + (strncasecmp(text, "SIG", 3) == 0 ? 3 : 0);
    bool minimum = strncasecmp(rest, "RTMIN", 5) == 0;
    if (!minimum && strncasecmp(rest, "RTMAX", 5) != 0)
        return NULL;
    const char *offset = rest + 5;
    if (*offset && (*offset != (minimum ? '+' : '-') || !is_digit(offset[1]) ||
                    strspn(offset + 1, "0123456789") > 2 ||
                    offset[1 + strspn(offset + 1, "0123456789")] != '\0'))
        return NULL;
    return arena_format(arena, "SIG%s%s", minimum ? "RTMIN" : "RTMAX", offset);
}

const char *convert_reload_signal(struct arena *arena, const char *text) {
    const char *signal = convert_signal(arena, text);
    return signal ? signal + 3 : NULL;
}

/* NAME or UID, and after a colon GROUP or GID. */
const char *convert_user(struct arena *arena, const char *text) {
    const char *colon = strchr(text, ':');
    if (!*text || has_control_or_space(text) || colon == text ||
        (colon && (!colon[1] || strchr(colon + 1, ':'))))
        return NULL;
    return arena_copy(arena, text);
}

const char *convert_label_key(struct arena *arena, const char *text) {
    if (!*text || has_control_or_space(text) || strchr(text, '='))
        return NULL;
    return arena_copy(arena, text);
}

const char *convert_sysctl(struct arena *arena, const char *text) {
    return is_letter(*text) && consists_of(text, "._-/") ? arena_copy(arena, text) : NULL;
}

/* 1 to 65535, without leading zeros. */
static bool is_port(const char *text) {
    size_t digits = strspn(text, "0123456789");
    if (digits < 1 || digits > 5 || text[digits] || *text == '0')
        return false;
    return strtoul(text, NULL, 10) <= 65535;
}

/* HOST:PORT; an IPv6 address in brackets. */
const char *convert_address(struct arena *arena, const char *text) {
    const char *colon = strrchr(text, ':');
    if (!colon || colon == text || !is_port(colon + 1))
        return NULL;
    bool six = *text == '[' && colon[-1] == ']';
    size_t skip = six ? 1 : 0;
    const char *host = arena_copy_n(arena, text + skip, (size_t)(colon - text) - 2 * skip);
    bool fits =
        six ? strchr(host, ':') && convert_ip(arena, host) : convert_hostname(arena, host) != NULL;
    return fits ? arena_copy(arena, text) : NULL;
}

const char *convert_url_path(struct arena *arena, const char *text) {
    return *text == '/' && !has_control_or_space(text) && !strchr(text, '#')
               ? arena_copy(arena, text)
               : NULL;
}

static const char *const ulimits[] = {
    "as",     "core",  "cpu", "data",   "fsize",  "locks",      "memlock", "msgqueue", "nice",
    "nofile", "nproc", "rss", "rtprio", "rttime", "sigpending", "stack",   NULL};

const char *const *known_ulimits(void) {
    return ulimits;
}

const char *convert_ulimit_name(struct arena *arena, const char *text) {
    for (size_t i = 0; ulimits[i]; i++)
        if (strcmp(text, ulimits[i]) == 0)
            return arena_copy(arena, text);
    return NULL;
}

/* Marks the characters of a set: single ones and ranges ("a-z"); "-" stands for itself where it
 * cannot be a range. Returns -1 if it is no set of printable ASCII characters. */
static int mark_characters(const char *set, bool marked[128]) {
    for (; *set; set++) {
        const unsigned char first = (unsigned char)*set;
        unsigned char last = first;
        if (set[1] == '-' && set[2]) {
            set += 2;
            last = (unsigned char)*set;
        }
        if (first <= ' ' || last > '~' || first > last)
            return -1;
        for (unsigned c = first; c <= last; c++)
            marked[c] = true;
    }
    return 0;
}

const char *convert_characters(struct arena *arena, const char *text) {
    bool marked[128] = {false};
    return *text && mark_characters(text, marked) == 0 ? arena_copy(arena, text) : NULL;
}

bool consists_of_characters(const char *text, const char *set) {
    bool marked[128] = {false};
    if (mark_characters(set, marked) != 0)
        return false;
    for (; *text; text++)
        if ((unsigned char)*text >= 128 || !marked[(unsigned char)*text])
            return false;
    return true;
}
