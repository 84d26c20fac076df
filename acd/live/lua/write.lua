-- One write of the one who may write: all of its changes, or none.
--
-- KEYS  1 lease    hash    token (of the newest holder; this is the fence), holder, until
--       2 meta     hash    engine, contact (newest numbers), confirmed,
--                          token, n, reply (the last write and what it was answered)
--       3 engine   stream  <number>-0: at, body
--       4 contact  stream  the same
--       5 live     hash    contact -> state
--       6 kept     hash    "<kind> <name>" -> body
--       7 snapshot hash    seq, at, body
--       8...       stream  letters, one stream for each address
-- ARGV  1 token of the writer
--       2 n, which grows by one with each write of this token
--       3 the newest number of `engine` the writer knows of
--       4... changes: a name and its values
--
-- Answers {"ok", numbers...}, {"fenced", token} or {"back", newest number}.
--
-- The same n again is the same write, whose reply was lost: it gets the same reply and changes
-- nothing. A smaller n is an old copy that was stuck on its way: it changes nothing either.

local token, n, known = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local newest = tonumber(redis.call('HGET', KEYS[1], 'token') or 0)
if newest > token then
  return {'fenced', newest}
end

local meta = redis.call('HMGET', KEYS[2], 'token', 'n', 'reply', 'engine', 'contact')
if tonumber(meta[1]) == token and n <= tonumber(meta[2]) then
  if n < tonumber(meta[2]) then
    return {'stale'}
  end
  return cjson.decode(meta[3])
end

local last = {engine = tonumber(meta[4] or 0), contact = tonumber(meta[5] or 0)}
if last.engine > known then
  return {'fenced', newest}
elseif last.engine < known then
  -- The server lost entries it had confirmed. A snapshot that covers them makes it whole again.
  if ARGV[4] ~= 'snapshot' or tonumber(ARGV[5]) ~= known then
    return {'back', last.engine}
  end
  last.engine = known
end
if newest < token then
  redis.call('HSET', KEYS[1], 'token', token)
end

local streams = {engine = KEYS[3], contact = KEYS[4]}

-- The newest entry always stays.
local function prune(stream, upto)
  local from = math.min(upto + 1, last[stream])
  redis.call('XTRIM', streams[stream], 'MINID', string.format('%.0f-0', from))
end

local change = {
  append = function(stream, at, body)
    last[stream] = last[stream] + 1
    redis.call('XADD', streams[stream], string.format('%.0f-0', last[stream]),
      'at', at, 'body', body)
    return last[stream]
  end,
  snapshot = function(seq, at, body)
    redis.call('HSET', KEYS[7], 'seq', seq, 'at', at, 'body', body)
    prune('engine', tonumber(seq))
  end,
  confirm = function(seq)
    local before = tonumber(redis.call('HGET', KEYS[2], 'confirmed') or 0)
    local upto = math.max(before, tonumber(seq))
    redis.call('HSET', KEYS[2], 'confirmed', string.format('%.0f', upto))
    prune('contact', upto)
  end,
  live = function(contact, state) redis.call('HSET', KEYS[5], contact, state) end,
  drop = function(contact) redis.call('HDEL', KEYS[5], contact) end,
  keep = function(name, body) redis.call('HSET', KEYS[6], name, body) end,
  post = function(key, body) redis.call('XADD', KEYS[tonumber(key)], '*', 'body', body) end,
  taken = function(key, from) redis.call('XTRIM', KEYS[tonumber(key)], 'MINID', from) end,
}
local values = {append = 3, snapshot = 3, confirm = 1, live = 2, drop = 1, keep = 2, post = 2,
  taken = 2}

local answer = {'ok'}
local i = 4
while ARGV[i] do
  local name = ARGV[i]
  local number = change[name](ARGV[i + 1], ARGV[i + 2], ARGV[i + 3])
  if number then
    answer[#answer + 1] = string.format('%.0f', number)
  end
  i = i + 1 + values[name]
end

redis.call('HSET', KEYS[2], 'token', string.format('%.0f', token), 'n', n,
  'reply', cjson.encode(answer), 'engine', string.format('%.0f', last.engine),
  'contact', string.format('%.0f', last.contact))
return answer
