-- What programs get of Lua's own library.
--
-- Gone is what reaches outside: io, package, files, bytecode, the debug library, and of os all but the clock. `require` finds
-- the modules that are registered. Guarded is what could
-- catch the error that ends a call, or run for ever where no instruction is counted: finalizers, message handlers,
-- patterns, and functions that loop over as many places as they are told to.
local host = ...
local raw_pcall, raw_load, raw_setmetatable, raw_getmetatable = pcall, load, setmetatable, getmetatable
local error, type, rawget, rawset, rawlen, select, tostring = error, type, rawget, rawset, rawlen, select, tostring
local ended, error_text, class_of = host.ended, host.error_text, host.class_of
local resume, close = coroutine.resume, coroutine.close
local insert, remove, sort, unpack, concat = table.insert, table.remove, table.sort, table.unpack, table.concat

for _, name in ipairs { 'dofile', 'loadfile', 'package', 'io', 'debug' } do
  _G[name] = nil
end
local date = os.date
os = { clock = os.clock, difftime = os.difftime, time = os.time }
string.dump = nil

function print() end

host.pcall = raw_pcall

local function bad(place, name, text)
  error("bad argument #" .. place .. " to '" .. name .. "' (" .. text .. ')', 3)
end

-- A format is gone through where no instruction is counted.
function os.date(format, ...)
  if type(format) == 'string' and #format > 1024 then
    bad(1, 'date', 'format is too long')
  end
  return date(format, ...)
end

-- A call that has to end is not saved by catching its error. Errors of the host become text.
local function settle(ok, ...)
  if ok then
    return ok, ...
  end
  local message = error_text((...))
  if ended() then
    error(message, 0)
  end
  return ok, message
end

function pcall(...)
  return settle(raw_pcall(...))
end

local function handle(handler, ok, ...)
  if ok then
    return true, ...
  end
  local _, result = settle(raw_pcall(handler, (select(2, settle(ok, ...)))))
  return false, result
end

-- The handler runs after the error, not in its place: there, no instructions are counted.
function xpcall(f, handler, ...)
  return handle(handler, raw_pcall(f, ...))
end

function coroutine.resume(...)
  return settle(resume(...))
end

function coroutine.close(...)
  return settle(close(...))
end

-- Finalizers run where no instructions are counted, so they do not run.
function setmetatable(object, metatable)
  if type(object) ~= 'table' then
    error("bad argument #1 to 'setmetatable' (table expected, got " .. type(object) .. ')', 2)
  end
  local finalizer = type(metatable) == 'table' and rawget(metatable, '__gc')
  if not finalizer then
    return raw_setmetatable(object, metatable)
  end
  rawset(metatable, '__gc', nil)
  local ok, message = raw_pcall(raw_setmetatable, object, metatable)
  rawset(metatable, '__gc', finalizer)
  if not ok then
    error(message, 2)
  end
  return object
end

function getmetatable(object)
  local class = type(object) == 'userdata' and class_of(object)
  if class then
    return host.classes[class]
  end
  return raw_getmetatable(object)
end

function collectgarbage(option)
  return option == 'count' and host.used_memory() / 1024 or 0
end

-- Source as text alone, of the size a module may have.
local MAX_SOURCE = 1024 * 1024

function load(chunk, name, _, ...)
  if type(chunk) == 'function' then
    local pieces, size = {}, 0
    while true do
      local piece = chunk()
      if piece == nil or piece == '' then
        break
      elseif type(piece) ~= 'string' then
        return nil, 'reader function must return a string'
      end
      size = size + #piece
      if size > MAX_SOURCE then
        return nil, 'source is too long'
      end
      pieces[#pieces + 1] = piece
    end
    chunk, name = concat(pieces), name or '=(load)'
  end
  if type(chunk) == 'string' and #chunk > MAX_SOURCE then
    return nil, 'source is too long'
  end
  return raw_load(chunk, name, 't', ...)
end

-- What is required once is there. A module that requires itself, by whatever way, would do so without end.
local LOADING = {}
local loaded = { _G = _G, coroutine = coroutine, math = math, os = os, string = string, table = table, utf8 = utf8 }

function require(name)
  if type(name) ~= 'string' then
    bad(1, 'require', 'string expected, got ' .. type(name))
  end
  local known = loaded[name]
  if known == LOADING then
    error("loop or previous error loading module '" .. name .. "'", 2)
  elseif known ~= nil then
    return known
  end
  local source = host.library(name)
  if source == nil then
    error("module '" .. name .. "' not found: no module of this name is registered", 2)
  end
  local chunk, message = raw_load(source, '@' .. host.directory .. '/' .. name .. '.lua', 't')
  if chunk == nil then
    error("error loading module '" .. name .. "':\n\t" .. message, 2)
  end
  loaded[name] = LOADING
  local result = chunk(name)
  if result == nil then
    result = true
  end
  loaded[name] = result
  return result
end

-- Functions on tables believe what a metatable says of a length, so those with one are walked in Lua.
local function is_plain(t)
  return type(t) ~= 'table' or raw_getmetatable(t) == nil
end

function table.insert(t, ...)
  if is_plain(t) then
    return insert(t, ...)
  end
  local count = select('#', ...)
  local place, value = ...
  local last = #t + 1
  if count == 1 then
    place, value = last, place
  elseif count ~= 2 then
    error("wrong number of arguments to 'insert'", 2)
  end
  for i = last, place + 1, -1 do
    t[i] = t[i - 1]
  end
  t[place] = value
end

function table.remove(t, ...)
  if is_plain(t) then
    return remove(t, ...)
  end
  local last = #t
  local place = ... or last
  local value = t[place]
  for i = place, last - 1 do
    t[i] = t[i + 1]
  end
  if last > 0 then
    t[last] = nil
  end
  return value
end

function table.move(from, first, last, place, to)
  to = to or from
  if type(from) ~= 'table' then
    bad(1, 'move', 'table expected, got ' .. type(from))
  elseif type(to) ~= 'table' then
    bad(5, 'move', 'table expected, got ' .. type(to))
  end
  if place > first and place <= last and rawequal(from, to) then
    for i = last - first, 0, -1 do
      to[place + i] = from[first + i]
    end
  else
    for i = 0, last - first do
      to[place + i] = from[first + i]
    end
  end
  return to
end

function table.sort(t, ...)
  if is_plain(t) then
    return sort(t, ...)
  end
  local copy = {}
  for i = 1, #t do
    copy[i] = t[i]
  end
  sort(copy, ...)
  for i = 1, #copy do
    t[i] = copy[i]
  end
end

-- Patterns: matching is the host's, which counts its steps.
local scan, substitute = host.scan, host.substitute
string.find, string.match, string.rep = host.find, host.match, host.rep

function string.gmatch(s, pattern, init)
  s, pattern = host.text(s, 1), host.text(pattern, 2)
  local from, last = host.start(s, init), -1
  local function step(to, after, ...)
    if to == nil then
      from = #s + 2
      return nil
    end
    from, last = after, after
    return ...
  end
  return function()
    return step(scan(s, pattern, from, last))
  end
end

local function pieces_of(s, pattern, replacement, most)
  local pieces, count, from, copied, last = {}, 0, 1, 1, -1
  local is_table = type(replacement) == 'table'
  local function step(to, after, ...)
    if to == nil then
      return false
    end
    local value
    if is_table then
      value = replacement[(...)]
    else
      value = replacement(...)
    end
    if not value then
      value = s:sub(to, after - 1)
    elseif type(value) ~= 'string' and type(value) ~= 'number' then
      error('invalid replacement value (a ' .. type(value) .. ')', 4)
    end
    pieces[#pieces + 1] = s:sub(copied, to - 1)
    pieces[#pieces + 1] = value
    from, copied, last, count = after, after, after, count + 1
    return true
  end
  local anchored = pattern:sub(1, 1) == '^'
  while count < most and step(scan(s, pattern, from, last, true)) and not anchored do
  end
  pieces[#pieces + 1] = s:sub(copied)
  return concat(pieces), count
end

function string.gsub(s, pattern, replacement, most)
  local kind = type(replacement)
  if kind == 'table' or kind == 'function' then
    s, pattern = host.text(s, 1), host.text(pattern, 2)
    return pieces_of(s, pattern, replacement, most or math.huge)
  elseif kind ~= 'string' and kind ~= 'number' then
    bad(3, 'gsub', 'string/function/table expected, got ' .. (kind == 'nil' and 'nil' or kind))
  end
  return substitute(s, pattern, replacement, most)
end

-- Runs a function of the module on a record.
function host.call(...)
  host.in_stream = false
  return host.run(...)
end

-- Runs a function of the module: what it returns or raises, untouched.
function host.run(name, arguments, count, ...)
  local f = _G[name]
  if f == nil then
    return nil
  end
  if select('#', ...) == 0 then
    return raw_pcall(f, unpack(arguments, 1, count))
  end
  return raw_pcall(f, ..., unpack(arguments, 1, count))
end
