/* Cuts a JSON list into its objects as it arrives; see inspect.h. The objects themselves are read
 * by jansson: this only counts brackets outside of strings. */
#include "engines/docker/inspect.h"

#include <ctype.h>
#include <stdlib.h>

#define MAX_LEVEL   256
#define MAX_ELEMENT ((size_t)16 << 20)

static void keep(struct docker_array_reader *reader, char byte) {
    if (reader->size == reader->capacity) {
        reader->capacity = reader->capacity ? reader->capacity * 2 : 4096;
        reader->text = memory_resize(reader->text, reader->capacity);
    }
    reader->text[reader->size++] = byte;
}

static bool finish_element(struct docker_array_reader *reader) {
    json_auto_t *element = json_loadb(reader->text, reader->size, 0, NULL);
    reader->size = 0;
    return element && reader->element(reader->context, element) == 0;
}

/* An object of the list is open. */
static bool in_element(const struct docker_array_reader *reader) {
    return reader->level > reader->depth;
}

/* Whether a bracket of this sort may open here: the list is an array of objects. */
static bool may_open(const struct docker_array_reader *reader, char byte) {
    if (reader->done || reader->level >= MAX_LEVEL)
        return false;
    if (reader->level + 1 == reader->depth)
        return byte == '[';
    return reader->level != reader->depth || byte == '{';
}

static bool close_bracket(struct docker_array_reader *reader, char byte) {
    if (reader->level == 0)
        return false;
    bool was_in = in_element(reader);
    if (was_in)
        keep(reader, byte);
    reader->level--;
    reader->done = reader->level == 0;
    return !was_in || in_element(reader) || finish_element(reader);
}

static bool feed_structure(struct docker_array_reader *reader, char byte) {
    if (byte == '}' || byte == ']')
        return close_bracket(reader, byte);
    if (byte == '{' || byte == '[') {
        if (!may_open(reader, byte))
            return false;
        reader->level++;
    }
    if (in_element(reader))
        keep(reader, byte);
    return true;
}

static void feed_string(struct docker_array_reader *reader, char byte) {
    if (reader->escaped)
        reader->escaped = false;
    else if (byte == '\\')
        reader->escaped = true;
    else if (byte == '"')
        reader->in_string = false;
    if (in_element(reader))
        keep(reader, byte);
}

static bool feed_byte(struct docker_array_reader *reader, char byte) {
    if (reader->in_string) {
        feed_string(reader, byte);
        return true;
    }
    if (reader->level == 0 && byte != '{' && byte != '[')
        return isspace((unsigned char)byte);
    if (byte != '"')
        return feed_structure(reader, byte);
    reader->in_string = true;
    if (in_element(reader))
        keep(reader, byte);
    return true;
}

bool docker_array_feed(void *context, const char *data, size_t size) {
    struct docker_array_reader *reader = context;
    for (size_t i = 0; i < size && !reader->failed; i++)
        reader->failed = !feed_byte(reader, data[i]) || reader->size > MAX_ELEMENT;
    return !reader->failed;
}

bool docker_array_complete(const struct docker_array_reader *reader) {
    return reader->done && !reader->failed;
}

void docker_array_clear(struct docker_array_reader *reader) {
    free(reader->text);
    reader->text = NULL;
    reader->size = reader->capacity = 0;
}
