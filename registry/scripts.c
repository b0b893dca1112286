/* The Lua scripts; see scripts.h. */
#include "registry/scripts.h"

#include "base/memory.h"
#include "registry/log.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_ARGUMENTS 16

/* Every script has these keys: what it is about, the deadlines, the events, the versions. */
#define COMMON_KEYS "registry:expiry", REDIS_EVENTS_KEY, "registry:config-versions"

#define LUA_EVENT                                                                                  \
    "local function event(kind, service, name, data)\n"                                            \
    "  return redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'type', kind,\n"              \
    "    'service', service, 'name', name, 'data', data)\n"                                        \
    "end\n"
#define LUA_NOW                                                                                    \
    "local t = redis.call('TIME')\n"                                                               \
    "local now = t[1] * 1000 + math.floor(t[2] / 1000)\n"
#define LUA_DECODE                                                                                 \
    "local function decode(text)\n"                                                                \
    "  local ok, value = pcall(cjson.decode, text)\n"                                              \
    "  if ok and type(value) == 'table' then return value end\n"                                   \
    "  return {}\n"                                                                                \
    "end\n"

static const char *const texts[SCRIPT_COUNT] = {
    /* service, name, head, health, tail, time, ttl ("" none) → {kind, document, event id}; kind is
     * registered, updated, unchanged or conflict */
    [SCRIPT_REGISTER] = LUA_EVENT LUA_NOW LUA_DECODE
    "local service, name, head, health, tail, time, ttl = unpack(ARGV)\n"
    "local old = redis.call('GET', KEYS[1])\n"
    "local kind, registered = 'registered', time\n"
    "if old then\n"
    "  local was = decode(old)\n"
    "  if was.source == 'reconciler' then return {'conflict', old, ''} end\n"
    "  if health == '' and type(was.health) == 'string' then health = was.health end\n"
    "  if type(was.registeredAt) == 'string' then registered = was.registeredAt end\n"
    "  kind = 'updated'\n"
    "end\n"
    "if health == '' then health = 'unknown' end\n"
    "local member = service .. ':' .. name\n"
    "if ttl == '' then redis.call('ZREM', KEYS[2], member)\n"
    "else redis.call('ZADD', KEYS[2], string.format('%.0f', now + ttl * 1000), member) end\n"
    "local document = head .. health .. tail\n"
    "if old and string.sub(old, 1, #document) == document then return {'unchanged', old, ''} end\n"
    "document = document .. ', \"registeredAt\": \"' .. registered .. '\", \"updatedAt\": \"' .. "
    "time\n"
    "  .. '\", \"source\": \"api\"}'\n"
    "redis.call('SET', KEYS[1], document)\n"
    "return {kind, document, event(kind, service, name, document)}\n",

    /* service, name, admin ("1") → {kind, document, event id}; kind is deregistered, unknown or
     * conflict */
    [SCRIPT_DEREGISTER] = LUA_EVENT LUA_DECODE
    "local service, name, admin = unpack(ARGV)\n"
    "local old = redis.call('GET', KEYS[1])\n"
    "if not old then return {'unknown', '', ''} end\n"
    "if admin ~= '1' and decode(old).source == 'reconciler' then return {'conflict', old, ''} end\n"
    "redis.call('DEL', KEYS[1])\n"
    "redis.call('ZREM', KEYS[2], service .. ':' .. name)\n"
    "return {'deregistered', old, event('deregistered', service, name, old)}\n",

    /* service, name, health ("" unsaid), time → {kind, document, event id}; kind is renewed,
     * updated, unknown or conflict. The document's own fields are the last ones of their names. */
    [SCRIPT_HEARTBEAT] = LUA_EVENT LUA_NOW LUA_DECODE
    "local service, name, health, time = unpack(ARGV)\n"
    "local old = redis.call('GET', KEYS[1])\n"
    "if not old then return {'unknown', '', ''} end\n"
    "local was = decode(old)\n"
    "if was.source == 'reconciler' then return {'conflict', old, ''} end\n"
    "if type(was.ttl) == 'number' then redis.call('ZADD', KEYS[2],\n"
    "  string.format('%.0f', now + was.ttl * 1000), service .. ':' .. name) end\n"
    "if health == '' or health == was.health then return {'renewed', old, ''} end\n"
    "local document = string.gsub(old, '(, \"health\": \")%a+', '%1' .. health, 1)\n"
    "document = string.gsub(document, '(\"updatedAt\": \")[^\"]*(\", \"source\": \"api\"})$',\n"
    "  '%1' .. time .. '%2')\n"
    "redis.call('SET', KEYS[1], document)\n"
    "return {'updated', document, event('updated', service, name, document)}\n",

    /* our idea of the time now in Redis → {time now, next deadline or -1, number expired}. A
     * command that waited in a stalled Redis must not expire what could not be renewed meanwhile:
     * then the number is -1. */
    [SCRIPT_EXPIRE] = LUA_EVENT LUA_NOW
    "local number = 0\n"
    "if now - ARGV[1] > 1000 then return {string.format('%.0f', now), '-1', -1} end\n"
    "for _, member in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', string.format('%.0f', "
    "now),\n"
    "    'LIMIT', 0, 200)) do\n"
    "  local service, name = string.match(member, '^([^:]*):(.*)$')\n"
    "  local key = 'registry:services:' .. member\n"
    "  local old = redis.call('GET', key)\n"
    "  if old then\n"
    "    redis.call('DEL', key)\n"
    "    event('expired', service, name, old)\n"
    "    number = number + 1\n"
    "  end\n"
    "  redis.call('ZREM', KEYS[2], member)\n"
    "end\n"
    "local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')\n"
    "return {string.format('%.0f', now), first[2] or '-1', number}\n",

    /* → {time now, next deadline or -1, number granted}: who could not renew while Redis was away
     * has its whole TTL again, also who is not overdue yet. */
    [SCRIPT_GRANT] = LUA_NOW LUA_DECODE
    "local number = 0\n"
    "for _, member in ipairs(redis.call('ZRANGE', KEYS[2], 0, -1)) do\n"
    "  local old = redis.call('GET', 'registry:services:' .. member)\n"
    "  local ttl = old and decode(old).ttl\n"
    "  if type(ttl) == 'number' then\n"
    "    redis.call('ZADD', KEYS[2], string.format('%.0f', now + ttl * 1000), member)\n"
    "    number = number + 1\n"
    "  else redis.call('ZREM', KEYS[2], member) end\n"
    "end\n"
    "local first = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')\n"
    "return {string.format('%.0f', now), first[2] or '-1', number}\n",

    /* service, key, version, document, deleted ("1") → {kind, document, event id}; kind is
     * config-set, config-deleted or old: a version only ever rises. */
    [SCRIPT_PUBLISH] = LUA_EVENT
    "local service, name, version, document, deleted = unpack(ARGV)\n"
    "local member = service .. ':' .. name\n"
    "local known = tonumber(redis.call('HGET', KEYS[4], member) or '0')\n"
    "if tonumber(version) <= known then return {'old', '', ''} end\n"
    "local answer\n" /* the version last: what was refused is tried again */
    "if deleted == '1' then\n"
    "  local old = redis.call('HGET', KEYS[1], name)\n"
    "  answer = {'old', '', ''}\n"
    "  if old then\n"
    "    redis.call('HDEL', KEYS[1], name)\n"
    "    answer = {'config-deleted', old, event('config-deleted', service, name, old)}\n"
    "  end\n"
    "else\n"
    "  redis.call('HSET', KEYS[1], name, document)\n"
    "  answer = {'config-set', document, event('config-set', service, name, document)}\n"
    "end\n"
    "redis.call('HSET', KEYS[4], member, version)\n"
    "return answer\n",
};

static void digest(enum script script, char text[41]) {
    unsigned char bytes[SHA_DIGEST_LENGTH];
    SHA1((const unsigned char *)texts[script], strlen(texts[script]), bytes);
    for (int i = 0; i < SHA_DIGEST_LENGTH; i++)
        snprintf(text + (size_t)i * 2, 3, "%02x", bytes[i]);
}

static void loaded(void *data, redisReply *reply) {
    struct redis *redis = data;
    if (reply && reply->type == REDIS_REPLY_ERROR) {
        log_line(LOG_ERROR, "script-load", "reason=\"%s\"", reply->str);
        redis_reset(redis, reply->str);
    }
}

void scripts_load(struct redis *redis) {
    for (int script = 0; script < SCRIPT_COUNT; script++)
        redis_command(redis, loaded, redis, "SCRIPT", "LOAD", texts[script]);
}

struct script_call {
    struct redis *redis;
    redis_done *done;
    void *data;
};

static void script_answered(void *data, redisReply *reply) {
    struct script_call call = *(struct script_call *)data;
    free(data);
    if (reply && reply->type == REDIS_REPLY_ERROR) {
        log_line(LOG_ERROR, "script", "reason=\"%s\"", reply->str);
        /* Somebody flushed the scripts: a new connection loads them again. */
        if (strncmp(reply->str, "NOSCRIPT", 8) == 0)
            redis_reset(call.redis, "scripts are gone");
        reply = NULL;
    }
    call.done(call.data, reply);
}

void script_run(struct redis *redis, enum script script, redis_done *done, void *data,
                const char *key, int count, const char **arguments) {
    char sha[41];
    const char *words[MAX_ARGUMENTS] = {"EVALSHA", sha, "4", key, COMMON_KEYS};
    int used = 7;
    digest(script, sha);
    for (int i = 0; i < count; i++)
        words[used++] = arguments[i];
    struct script_call *call = memory_alloc(sizeof *call);
    *call = (struct script_call){redis, done, data};
    redis_send_texts(redis, 0, script_answered, call, used, words);
}
