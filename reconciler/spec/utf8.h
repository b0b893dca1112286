/*
 * UTF-8, one code point at a time. Text that reaches a terminal, a JSON document or a YAML file has
 * to be valid, and columns count code points; glibc's own conversion depends on the locale.
 */
#ifndef TSE_SPEC_UTF8_H
#define TSE_SPEC_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decodes the code point at `text`, of which `size` > 0 bytes are readable. Returns how many bytes
 * it takes, or 0 when they are not UTF-8 (RFC 3629: no overlong forms, no surrogates). */
size_t utf8_decode(const char *text, size_t size, uint32_t *code_point);

/* Whether all of it is UTF-8. */
bool utf8_valid(const char *text, size_t size);

/* Code points in valid UTF-8 (every byte that is not a continuation counts). */
size_t utf8_length(const char *text, size_t size);

/* Bytes of the line break at `text`, of which `size` > 0 bytes are readable, or 0 if there is none.
 * The breaks of YAML 1.1 (CR LF, CR, LF, NEL, LS, PS), because line numbers come from libyaml. */
size_t utf8_line_break(const char *text, size_t size);

/* Whether it is a control character (C0, DEL, C1), which must not reach a terminal. */
bool utf8_is_control(uint32_t code_point);

#endif
