-- Letters of one sender to one or more addresses, each once however often it is asked.
--
-- KEYS  1 sender  hash    n (of the last call); goes away by itself a day after the last call
--       2...      stream  letters, one stream for each address
-- ARGV  1 n, which grows by one with each call of this sender
--       2... the index of the address's key, and the body, in turn
--
-- Answers {"ok"} or, for an old copy that was stuck on its way, {"stale"}.

local n, last = tonumber(ARGV[1]), tonumber(redis.call('HGET', KEYS[1], 'n') or 0)
if n < last then
  return {'stale'}
end
if n > last then
  for i = 2, #ARGV, 2 do
    redis.call('XADD', KEYS[tonumber(ARGV[i])], '*', 'body', ARGV[i + 1])
  end
  redis.call('HSET', KEYS[1], 'n', n)
  redis.call('EXPIRE', KEYS[1], 86400)
end
return {'ok'}
