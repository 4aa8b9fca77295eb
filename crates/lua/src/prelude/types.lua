-- Lists, maps, bytes, GeoJSON, iterators, records, and the object `aerospike`.
local host = ...
local answer, one = host.answer, host.one
local type, select, setmetatable, error = type, select, setmetatable, error
local insert = table.insert

-- Functions that take a fixed number of arguments: what is more is dropped.
local function fixed(prefix, names)
  local functions = {}
  for _, name in ipairs(names) do
    local run = host[prefix .. name]
    functions[name] = function(a, b, c)
      return one(name, run(a, b, c))
    end
  end
  return functions
end

-- Functions that count their arguments; more than five are as wrong as six.
local function counted(prefix, names)
  local functions = {}
  for _, name in ipairs(names) do
    local run = host[prefix .. name]
    functions[name] = function(...)
      if select('#', ...) > 5 then
        return answer(name, run(nil, nil, nil, nil, nil, nil))
      end
      return answer(name, run(...))
    end
  end
  return functions
end

-- Makes a class callable: `list { … }`.
local function constructor(functions, name, run)
  return setmetatable(functions, {
    __call = function(_, ...)
      if select('#', ...) > 5 then
        return one(name, run(nil, nil, nil, nil, nil, nil))
      end
      return one(name, run(...))
    end
  })
end

list = fixed('list_', {
  'insert', 'append', 'prepend', 'remove', 'concat', 'trim', 'take', 'drop', 'size', 'nbytes', 'tostring'
})
list.create = counted('list_', { 'create' }).create
list.new = list.create
constructor(list, 'list', host.list_new)

local element = host.cursor_element
local function next_element(cursor)
  return one('for iterator', element(cursor))
end

function list.iterator(l)
  return next_element, one('iterator', host.list_cursor(l))
end

map = fixed('map_', { 'remove', 'size', 'nbytes', 'tostring' })
map.create = counted('map_', { 'create' }).create
map.new = map.create
constructor(map, 'map', host.map_new)

local function walk(name, step)
  local function next_entry(cursor)
    return answer('for iterator', step(cursor))
  end
  map[name] = function(m)
    return next_entry, one(name, host.map_cursor(m))
  end
end

walk('pairs', host.cursor_pair)
walk('iterator', host.cursor_pair)
walk('keys', host.cursor_key)
walk('values', host.cursor_value)

iterator = fixed('cursor_', { 'has_next' })
iterator.next = next_element
setmetatable(iterator, { __call = function(_, cursor) return next_element(cursor) end })

local byte_functions = { 'size', 'set_size', 'get_type', 'set_type', 'get_string', 'get_bytes', 'set_string',
  'set_bytes', 'append_string', 'append_bytes', 'set_var_int', 'append_var_int', 'get_var_int' }
for _, kind in ipairs {
  'byte', 'int16', 'int16_be', 'int16_le', 'int32', 'int32_be', 'int32_le', 'int64', 'int64_be', 'int64_le'
} do
  for _, verb in ipairs { 'get_', 'set_', 'append_' } do
    insert(byte_functions, verb .. kind)
  end
end
bytes = counted('bytes_', byte_functions)
constructor(bytes, 'bytes', host.bytes_new)

geojson = constructor({}, 'geojson', host.geojson_new)

record = fixed('record_', {
  'ttl', 'last_update_time', 'gen', 'size', 'memory_size', 'device_size', 'key', 'setname', 'digest', 'numbins',
  'set_ttl', 'drop_key', 'bin_names'
})

-- The metatables, which are also what `getmetatable` shows.
local function class(name, index, newindex, len, text)
  local function pass(name, run)
    return run and function(a, b, c)
      return one(name, run(a, b, c))
    end
  end
  local metatable = host.classes[name]
  metatable.__index = pass('index', index)
  metatable.__newindex = pass('newindex', newindex)
  metatable.__len = pass('len', len)
  metatable.__tostring = text and function(object) return one('tostring', text(object)) end
end

class('List', host.list_index, host.list_newindex, host.list_size, host.list_tostring)
class('Map', host.map_index, host.map_newindex, host.map_size, host.map_tostring)
class('Record', host.record_index, host.record_newindex)
class('GeoJSON', nil, nil, nil, host.geojson_tostring)
class('Iterator')
host.classes.Iterator.__index = iterator
class('Bytes', function(b, i) return host.bytes_get_byte(b, i) end, host.bytes_set_byte, nil, host.bytes_tostring)
-- Lua asks for a length with two arguments, and a server answers the question only with one
host.classes.Bytes.__len = function() return 0 end
List, Map, Bytes = host.classes.List, host.classes.Map, host.classes.Bytes

function list.clone(l)
  local copy = {}
  for v in list.iterator(l) do
    insert(copy, v)
  end
  return list(copy)
end

function list.merge(a, b)
  local merged = list.clone(a)
  for v in list.iterator(b) do
    list.append(merged, v)
  end
  return merged
end

-- A value that is nil or false is as good as none.
function map.clone(m)
  local copy = map()
  for k, v in map.pairs(m) do
    if v ~= nil then
      copy[k] = v
    end
  end
  return copy
end

function map.merge(a, b, f)
  local merged = map.clone(a)
  local joins = type(f) == 'function'
  for k, v in map.pairs(b) do
    local joined = merged[k] and joins and f(a[k], v) or v
    if joined ~= nil then
      merged[k] = joined
    else
      map.remove(merged, k)
    end
  end
  return merged
end

function map.diff(a, b)
  local found = map()
  for k, v in map.pairs(a) do
    if not b[k] and v ~= nil then
      found[k] = v
    end
  end
  for k, v in map.pairs(b) do
    if not a[k] and v ~= nil then
      found[k] = v
    end
  end
  return found
end

function math.sum(a, b)
  return a + b
end

function math.product(a, b)
  return a * b
end

local function method(name, run)
  return function(self, r)
    if self ~= aerospike then
      error("bad argument #1 to '" .. name .. "' (userdata expected, got " .. type(self) .. ')', 2)
    end
    return one(name, run(r))
  end
end

aerospike = {
  create = method('create', host.record_create),
  update = method('update', host.record_update),
  exists = method('exists', host.record_exists),
  remove = method('remove', host.record_remove),
  get_current_time = method('get_current_time', host.current_time),
  log = function() end,
  set_context = function() return 0 end,
  get_config = function() return 0 end
}

-- Nobody reads what an embedded server logs; what cannot be formatted is an error all the same.
local format = string.format
for _, level in ipairs { 'trace', 'debug', 'info', 'warn' } do
  _G[level] = function(text, ...)
    format(text, ...)
  end
end
