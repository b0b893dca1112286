/* One HTTP exchange: curl's options and callbacks for it, and what its end means; see transfer.h.
 */
#include "base/transfer.h"

#include "base/memory.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define DEFAULT_MAX_BODY   ((size_t)64 << 20)
#define CONNECT_TIMEOUT_MS 10000L
#define BUFFER_SIZE        16384L

struct http_transfer *transfer_new(const struct http_request *request) {
    struct http_transfer *transfer = memory_alloc(sizeof *transfer);
    *transfer = (struct http_transfer){
        .endpoint = *request->endpoint,
        .method = copy_text(request->method ? request->method : "GET"),
        .url = format_text("%s%s", request->endpoint->url, request->path ? request->path : "/"),
        .request_body = request->body,
        .request_size = request->body ? request->body_size : 0,
        .sink = request->sink,
        .sink_context = request->sink_context,
        .connect_only = request->connect_only,
        .head_only = request->head_only,
        .timeout_ms = request->timeout_ms,
        .stall_ms = request->stall_ms,
        .max_body = request->max_body};
    if (!transfer->max_body)
        transfer->max_body = request->sink ? SIZE_MAX : DEFAULT_MAX_BODY;
    bool has_type = false;
    for (const char *const *header = request->headers; header && *header; header++) {
        transfer->headers = curl_slist_append(transfer->headers, *header);
        has_type = has_type || strncasecmp(*header, "Content-Type:", 13) == 0;
    }
    /* curl would wait a second for "100 Continue", and call every body a form. */
    transfer->headers = curl_slist_append(transfer->headers, "Expect:");
    if (!has_type)
        transfer->headers = curl_slist_append(transfer->headers, "Content-Type:");
    return transfer;
}

static long status_of(const struct http_transfer *transfer) {
    long status = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static void note_activity(struct http_transfer *transfer) {
    if (transfer->stall_ms > 0)
        transfer->active_ms = http_now_ms();
}

static size_t on_header(char *data, size_t unit, size_t count, void *context) {
    struct http_transfer *transfer = context;
    size_t size = unit * count;
    note_activity(transfer);
    bool blank = size == 0 || data[0] == '\r' || data[0] == '\n';
    if (blank && status_of(transfer) >= 200)
        transfer->head_complete = true;
    return size;
}

/* Room for `size` more bytes and a NUL, taking the announced length as a hint so that most bodies
 * are allocated once. */
static void reserve(struct http_transfer *transfer, size_t size) {
    size_t needed = transfer->body_size + size + 1;
    if (needed <= transfer->body_capacity)
        return;
    size_t capacity = transfer->body_capacity * 2;
    if (!transfer->body) {
        curl_off_t announced = -1;
        curl_easy_getinfo(transfer->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &announced);
        if (announced > 0 && announced < (1 << 20))
            capacity = (size_t)announced + 1;
    }
    if (capacity < needed)
        capacity = needed;
    transfer->body = memory_resize(transfer->body, capacity);
    transfer->body_capacity = capacity;
}

static size_t on_body(char *data, size_t unit, size_t count, void *context) {
    struct http_transfer *transfer = context;
    size_t size = unit * count;
    note_activity(transfer);
    if (transfer->state == TRANSFER_CANCELLED)
        return CURL_WRITEFUNC_ERROR;
    if (size > transfer->max_body - transfer->body_size) {
        transfer->verdict = HTTP_TOO_LARGE;
        return CURL_WRITEFUNC_ERROR;
    }
    long status = status_of(transfer);
    if (transfer->sink && status >= 200 && status < 300) {
        transfer->body_size += size;
        if (!transfer->sink(transfer->sink_context, data, size))
            transfer->verdict = HTTP_ABORTED;
        return transfer->verdict == HTTP_OK ? size : CURL_WRITEFUNC_ERROR;
    }
    reserve(transfer, size);
    memcpy(transfer->body + transfer->body_size, data, size);
    transfer->body_size += size;
    return size;
}

static size_t on_read(char *data, size_t unit, size_t count, void *context) {
    struct http_transfer *transfer = context;
    size_t size = unit * count;
    note_activity(transfer);
    if (size > transfer->request_size - transfer->request_sent)
        size = transfer->request_size - transfer->request_sent;
    memcpy(data, transfer->request_body + transfer->request_sent, size);
    transfer->request_sent += size;
    return size;
}

/*
 * When a kept-alive connection ends before the first byte of an answer, curl repeats the request on
 * a new one. That is wanted for every method but POST, which the server may have performed already
 * (RFC 9110, 9.2.2). A body that comes from a callback which cannot rewind keeps curl from it: the
 * end shows as HTTP_CUT.
 */
static void prepare_body(struct http_transfer *transfer) {
    CURL *easy = transfer->easy;
    bool post = strcmp(transfer->method, "POST") == 0;
    if (!transfer->request_size && !post)
        return;
    curl_easy_setopt(easy, CURLOPT_POST, 1L);
    curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)transfer->request_size);
    if (post && transfer->request_size) {
        curl_easy_setopt(easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(easy, CURLOPT_READDATA, transfer);
    } else {
        const char *body = transfer->request_body ? transfer->request_body : "";
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, body);
    }
    curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, BUFFER_SIZE);
}

static void prepare_connection(struct http_transfer *transfer) {
    CURL *easy = transfer->easy;
    const struct http_endpoint *endpoint = &transfer->endpoint;
    bool tls = strncmp(endpoint->url, "https:", 6) == 0;
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_TIMEOUT_MS);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    if (endpoint->unix_socket)
        curl_easy_setopt(easy, CURLOPT_UNIX_SOCKET_PATH, endpoint->unix_socket);
    else
        curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
    if (!tls) {
        /* Plain HTTP goes to this host and to containers, where no proxy can lead. */
        curl_easy_setopt(easy, CURLOPT_PROXY, "");
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
        return;
    }
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    if (endpoint->ca_file)
        curl_easy_setopt(easy, CURLOPT_CAINFO, endpoint->ca_file);
    if (endpoint->cert_file)
        curl_easy_setopt(easy, CURLOPT_SSLCERT, endpoint->cert_file);
    if (endpoint->key_file)
        curl_easy_setopt(easy, CURLOPT_SSLKEY, endpoint->key_file);
    if (endpoint->skip_verify) {
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L);
    }
}

void transfer_prepare(struct http_transfer *transfer, CURL *easy) {
    transfer->easy = easy;
    note_activity(transfer);
    curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer);
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, transfer->explanation);
    curl_easy_setopt(easy, CURLOPT_URL, transfer->url);
    curl_easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, "tse-reconcile");
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, BUFFER_SIZE);
    curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, transfer->timeout_ms);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, transfer->headers);
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, transfer);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, transfer);
    prepare_connection(transfer);
    if (transfer->connect_only) {
        curl_easy_setopt(easy, CURLOPT_CONNECT_ONLY, 1L);
        return;
    }
    prepare_body(transfer);
    if (transfer->head_only)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, transfer->method);
}

void transfer_explain_errno(struct http_transfer *transfer, int number) {
    snprintf(transfer->explanation, sizeof transfer->explanation, "%s", strerror(number));
    transfer->explanation[0] = (char)tolower((unsigned char)transfer->explanation[0]);
}

/* curl has one code for all timeouts. Only a connection that did not come about within the limit
 * for connecting means that nobody is there. (CURLINFO_CONNECT_TIME_T is 0 on a reused connection.)
 */
static enum http_outcome outcome_of_timeout(const struct http_transfer *transfer) {
    long sent = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_REQUEST_SIZE, &sent);
    bool connecting = sent == 0;
    bool ours = transfer->timeout_ms > 0 && transfer->timeout_ms <= CONNECT_TIMEOUT_MS;
    return connecting && !ours ? HTTP_UNREACHABLE : HTTP_TIMED_OUT;
}

static enum http_outcome outcome_of_code(const struct http_transfer *transfer, CURLcode code) {
    switch (code) {
    case CURLE_OK:
        /* curl is content with a head that breaks off; we are not. */
        return transfer->head_complete || transfer->connect_only ? HTTP_OK : HTTP_CUT;
    case CURLE_OPERATION_TIMEDOUT:
        return outcome_of_timeout(transfer);
    case CURLE_UNSUPPORTED_PROTOCOL: /* "HTTP/0.9": anything at all came */
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_OUT_OF_MEMORY: /* what curl 7 says to a head that is too long */
#if CURL_AT_LEAST_VERSION(8, 6, 0)
    case CURLE_TOO_LARGE:
#endif
        return HTTP_GARBAGE;
    case CURLE_GOT_NOTHING:
    case CURLE_PARTIAL_FILE:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
        return HTTP_CUT;
    default:
        return HTTP_UNREACHABLE;
    }
}

enum http_outcome transfer_outcome(struct http_transfer *transfer, CURLcode code) {
    if (transfer->verdict == HTTP_TOO_LARGE)
        snprintf(transfer->explanation, sizeof transfer->explanation,
                 "the answer is longer than %zu bytes", transfer->max_body);
    if (transfer->verdict == HTTP_ABORTED)
        snprintf(transfer->explanation, sizeof transfer->explanation, "aborted by the receiver");
    if (transfer->verdict != HTTP_OK)
        return transfer->verdict;
    enum http_outcome outcome = outcome_of_code(transfer, code);
    long number = 0;
    curl_easy_getinfo(transfer->easy, CURLINFO_OS_ERRNO, &number);
    if (code == CURLE_COULDNT_CONNECT && number)
        transfer_explain_errno(transfer, (int)number);
    else if (code == CURLE_OK && outcome == HTTP_CUT)
        snprintf(transfer->explanation, sizeof transfer->explanation,
                 "the connection ended within the head of the answer");
    else if (outcome != HTTP_OK && !transfer->explanation[0])
        snprintf(transfer->explanation, sizeof transfer->explanation, "%s",
                 curl_easy_strerror(code));
    return outcome;
}

void transfer_free(struct http_transfer *transfer) {
    free(transfer->method);
    free(transfer->url);
    curl_slist_free_all(transfer->headers);
    free(transfer->request_body);
    free(transfer->body);
    free(transfer);
}
