-- What is counted of one subject, changed only if it is still what the writer has seen.
--
-- KEYS  1 tries  hash  record
-- ARGV  1 the record as it was seen, "" for none
--       2 the record as it shall be, "" for none
--       3 seconds after which it counts for nothing
--
-- Answers 1, or 0 when somebody else was quicker.

if (redis.call('HGET', KEYS[1], 'record') or '') ~= ARGV[1] then
  return 0
end
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[1], 'record')
else
  redis.call('HSET', KEYS[1], 'record', ARGV[2])
  redis.call('EXPIRE', KEYS[1], ARGV[3])
end
return 1
