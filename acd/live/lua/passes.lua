-- What the codes and links of a domain stand for, each by the digest of its secret.
--
-- KEYS  1 base  "tieline:{domain}:"; below it
--         pass:<digest>     hash  kind, contact, about, expires (epoch seconds of the nodes' clocks)
--         passes:<contact>  hash  digest -> kind
--       All live in one slot, and no longer than they are good.
-- ARGV  1 keep | look | take | move | forget, then
--       keep    digest, kind, contact, about, expires, now, seconds to live
--       look    digest, kind, now
--       take    the same
--       move    the contact before, the contact after
--       forget  contacts
--
-- keep answers 1, or 0 when another one has that digest; look and take {contact, about, expires},
-- or nothing. A contact has one code: the next one takes its place.

local base, now = KEYS[1], 0
local function pass(digest) return base .. 'pass:' .. digest end
local function of(contact) return base .. 'passes:' .. contact end

local longest = 8 * 86400 -- longer than any pass is good

local function pairs_of(key)
  local found, flat = {}, redis.call('HGETALL', key)
  for i = 1, #flat, 2 do
    found[#found + 1] = {flat[i], flat[i + 1]}
  end
  return found
end

local function drop(digest, contact)
  redis.call('HDEL', pass(digest), 'kind', 'contact', 'about', 'expires')
  redis.call('HDEL', of(contact), digest)
end

local function note(digest, contact, kind)
  redis.call('HSET', of(contact), digest, kind)
  redis.call('EXPIRE', of(contact), longest)
end

local function find(digest, kind)
  local found = redis.call('HMGET', pass(digest), 'kind', 'contact', 'about', 'expires')
  if found[1] == kind and tonumber(found[4]) > now then
    return {found[2], found[3], found[4]}
  end
end

local what = ARGV[1]

if what == 'keep' then
  local digest, kind, contact = ARGV[2], ARGV[3], ARGV[4]
  now = tonumber(ARGV[7])
  if kind == 'code' then
    for _, each in ipairs(pairs_of(of(contact))) do
      if each[2] == 'code' then
        drop(each[1], contact)
      end
    end
  end
  local there = redis.call('HGET', pass(digest), 'expires')
  if there and tonumber(there) > now then
    return 0
  end
  redis.call('HSET', pass(digest), 'kind', kind, 'contact', contact, 'about', ARGV[5],
    'expires', ARGV[6])
  redis.call('EXPIRE', pass(digest), ARGV[8])
  note(digest, contact, kind)
  return 1
elseif what == 'look' or what == 'take' then
  now = tonumber(ARGV[4])
  local found = find(ARGV[2], ARGV[3])
  if found and what == 'take' then
    drop(ARGV[2], found[1])
  end
  return found
elseif what == 'move' then
  for _, each in ipairs(pairs_of(of(ARGV[2]))) do
    redis.call('HDEL', of(ARGV[2]), each[1])
    if redis.call('HGET', pass(each[1]), 'contact') then
      redis.call('HSET', pass(each[1]), 'contact', ARGV[3])
      note(each[1], ARGV[3], each[2])
    end
  end
  return 1
end

for i = 2, #ARGV do
  for _, each in ipairs(pairs_of(of(ARGV[i]))) do
    drop(each[1], ARGV[i])
  end
end
return 1
