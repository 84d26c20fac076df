-- The lease of a domain, in the server's own time.
--
-- KEYS  1 lease  hash    token (the fence), holder, until (microseconds since the epoch)
--       2 turn   stream  one entry when the lease is given up: who waits reads it
-- ARGV  1 acquire | renew | release
--       2 holder: a name for this one grant, so that asking again for a lost reply gets the same token
--       3 ttl in milliseconds
--       4 token (renew, release)
--
-- acquire answers {1, token} or {0, holder, milliseconds left}; renew and release {1},
-- or {0} when a newer token has been granted.
--
-- A new token is higher than the last, and no smaller than the time: should the server lose the
-- last grants, the next one is still higher than those.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) * 1000000 + tonumber(clock[2])
local ttl = tonumber(ARGV[3]) * 1000
local found = redis.call('HMGET', KEYS[1], 'token', 'holder', 'until')
local token, holder, ends = tonumber(found[1] or 0), found[2] or '', tonumber(found[3] or 0)

local function set(new_token, until_when)
  redis.call('HSET', KEYS[1], 'token', string.format('%.0f', new_token), 'holder', ARGV[2],
    'until', string.format('%.0f', until_when))
end

if ARGV[1] == 'acquire' then
  if ends > now and holder ~= ARGV[2] then
    if ends > now + ttl then
      -- The server's clock was set back: no lease is longer than itself.
      ends = now + ttl
      redis.call('HSET', KEYS[1], 'until', string.format('%.0f', ends))
    end
    return {0, holder, math.ceil((ends - now) / 1000)}
  end
  if ends <= now then
    token = math.max(token + 1, now)
  end
  set(token, now + ttl)
  return {1, string.format('%.0f', token)}
end

local mine = tonumber(ARGV[4])
if token > mine then
  return {0}
end
if ARGV[1] == 'renew' then
  set(mine, now + ttl)
else
  set(mine, 0)
  redis.call('XADD', KEYS[2], 'MAXLEN', 1, '*', 'by', ARGV[2])
end
return {1}
