-- Lists, maps, bytes, GeoJSON, iterators, records, and the object `aerospike`.
local host = ...
local type, setmetatable, error = type, setmetatable, error
local insert = table.insert

-- The functions of a class are the host's own, so that their errors name the place they are called at.
local function functions_of(prefix, names)
  local functions = {}
  for _, name in ipairs(names) do
    functions[name] = host[prefix .. name]
  end
  return functions
end

-- Makes a class callable: `list { … }`.
local function constructor(functions, run)
  return setmetatable(functions, { __call = run })
end

list = functions_of('list_', {
  'insert', 'append', 'prepend', 'remove', 'concat', 'trim', 'take', 'drop', 'size', 'nbytes', 'tostring', 'iterator'
})
list.create = functions_of('list_', { 'create' }).create
list.new = list.create
constructor(list, host.list_new)

local next_element = host.cursor_element

map = functions_of('map_', { 'remove', 'size', 'nbytes', 'tostring', 'pairs', 'iterator', 'keys', 'values' })
map.create = functions_of('map_', { 'create' }).create
map.new = map.create
constructor(map, host.map_new)

iterator = functions_of('cursor_', { 'has_next' })
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
bytes = functions_of('bytes_', byte_functions)
constructor(bytes, host.bytes_new)

geojson = constructor({}, host.geojson_new)

record = functions_of('record_', {
  'ttl', 'last_update_time', 'gen', 'size', 'memory_size', 'device_size', 'key', 'setname', 'digest', 'numbins',
  'set_ttl', 'drop_key', 'bin_names'
})

-- The metatables, which are also what `getmetatable` shows.
local function class(name, index, newindex, len, text)
  local metatable = host.classes[name]
  metatable.__index, metatable.__newindex, metatable.__len, metatable.__tostring = index, newindex, len, text
end

class('List', host.list_index, host.list_newindex, host.list_size, host.list_tostring)
class('Map', host.map_index, host.map_newindex, host.map_size, host.map_tostring)
class('Record', host.record_index, host.record_newindex)
class('GeoJSON', nil, nil, nil, host.geojson_tostring)
class('Iterator')
host.classes.Iterator.__index = iterator
class('Bytes', host.bytes_get_byte, host.bytes_set_byte, nil, host.bytes_tostring)
-- Lua asks for a length with two arguments, and a server answers the question only with one
host.classes.Bytes.__len = function() return 0 end
List, Map, Bytes = host.classes.List, host.classes.Map, host.classes.Bytes

local function method(name, run)
  return function(self, r)
    if self ~= aerospike then
      local class = type(self) == 'userdata' and host.class_of(self)
      local text = class and 'Aerospike expected, got ' .. class or 'userdata expected, got ' .. type(self)
      error("bad argument #1 to '" .. name .. "' (" .. text .. ')', 2)
    end
    return run(r)
  end
end

aerospike = {
  create = method('create', host.record_create),
  update = method('update', host.record_update),
  exists = method('exists', host.record_exists),
  remove = method('remove', host.record_remove),
  -- stream functions have no clock: a real server answers them 0
  get_current_time = method('get_current_time', function() return host.in_stream and 0 or host.current_time() end),
  log = function() end,
  set_context = function() return 0 end,
  get_config = function() return 0 end
}
setmetatable(aerospike, { __name = 'Aerospike' })

-- Nobody reads what an embedded server logs; what cannot be formatted is an error all the same.
local format = string.format
for _, level in ipairs { 'trace', 'debug', 'info', 'warn' } do
  _G[level] = function(text, ...)
    format(text, ...)
  end
end
