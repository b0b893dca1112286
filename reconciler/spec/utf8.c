/* Decoding UTF-8; see utf8.h for why the locale's functions do not serve. */
#include "spec/utf8.h"

/* Bytes of the sequence that a lead byte opens, its payload bits and the smallest code point that
 * needs that many bytes; 0 for a byte that opens none. */
static size_t lead_byte(unsigned char byte, uint32_t *bits, uint32_t *least) {
    if (byte < 0x80) {
        *bits = byte;
        *least = 0;
        return 1;
    }
    if (byte >= 0xC2 && byte <= 0xDF) {
        *bits = byte & 0x1Fu;
        *least = 0x80;
        return 2;
    }
    if (byte >= 0xE0 && byte <= 0xEF) {
        *bits = byte & 0x0Fu;
        *least = 0x800;
        return 3;
    }
    if (byte >= 0xF0 && byte <= 0xF4) {
        *bits = byte & 0x07u;
        *least = 0x10000;
        return 4;
    }
    return 0;
}

size_t utf8_decode(const char *text, size_t size, uint32_t *code_point) {
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t value = 0;
    uint32_t least = 0;
    size_t length = lead_byte(bytes[0], &value, &least);
    if (length == 0 || length > size)
        return 0;
    for (size_t i = 1; i < length; i++) {
        if ((bytes[i] & 0xC0u) != 0x80)
            return 0;
        value = value << 6 | (bytes[i] & 0x3Fu);
    }
    if (value < least || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF))
        return 0;
    *code_point = value;
    return length;
}

bool utf8_valid(const char *text, size_t size) {
    uint32_t code_point;
    for (size_t at = 0; at < size;) {
        size_t length = utf8_decode(text + at, size - at, &code_point);
        if (length == 0)
            return false;
        at += length;
    }
    return true;
}

size_t utf8_length(const char *text, size_t size) {
    size_t count = 0;
    for (size_t i = 0; i < size; i++)
        count += ((unsigned char)text[i] & 0xC0u) != 0x80;
    return count;
}

size_t utf8_line_break(const char *text, size_t size) {
    const unsigned char *bytes = (const unsigned char *)text;
    if (bytes[0] == '\r')
        return size > 1 && bytes[1] == '\n' ? 2 : 1;
    if (bytes[0] == '\n')
        return 1;
    if (size > 1 && bytes[0] == 0xC2 && bytes[1] == 0x85)
        return 2;
    if (size > 2 && bytes[0] == 0xE2 && bytes[1] == 0x80 && (bytes[2] == 0xA8 || bytes[2] == 0xA9))
        return 3;
    return 0;
}

bool utf8_is_control(uint32_t code_point) {
    return code_point < 0x20 || (code_point >= 0x7F && code_point < 0xA0);
}
