-- Streams: a chain of operations that pull values through one another, on servers up to and with the first `reduce`,
-- and from that one on again on the client.
local host = ...
local list, map, type, getmetatable, setmetatable, pairs, ipairs = list, map, type, getmetatable, setmetatable, pairs, ipairs
local clone_list, clone_map, merge_maps, append, elements = list.clone, map.clone, map.merge, list.append, list.iterator
local unpack, pack, insert, List, Map = table.unpack, table.pack, table.insert, List, Map
local raw_pcall = host.pcall

-- A number that has come this far is handed on before its aggregation ends.
local EARLY = 1000

local function copy_of(value)
  local kind = type(value)
  if kind == 'table' then
    local copy = {}
    for k, v in pairs(value) do
      copy[k] = v
    end
    return copy
  elseif kind == 'userdata' then
    local class = getmetatable(value)
    return class == Map and clone_map(value) or class == List and clone_list(value) or nil
  end
  return value
end

-- Each operation makes of a function that gives the next value, or nil, another such function.
local operations = {}

function operations.filter(pull, wants)
  return function()
    for value in pull do
      if wants(value) then
        return value
      end
    end
  end
end

function operations.map(pull, f)
  local done = false
  return function()
    local value
    if not done then
      value = pull()
    end
    if value == nil then
      done = true
      return nil
    end
    return f(value)
  end
end

function operations.reduce(pull, f)
  local done = false
  return function()
    if done then
      return nil
    end
    local value = pull()
    if value ~= nil then
      for other in pull do
        value = f(value, other)
      end
    end
    done = true
    return value
  end
end

function operations.aggregate(pull, init, f)
  local done = false
  return function()
    if done then
      return nil
    end
    local value = copy_of(init)
    for other in pull do
      value = f(value, other)
      if type(value) == 'number' and value >= EARLY then
        return value
      end
    end
    done = true
    return value
  end
end

local Stream = {}
Stream.__index = Stream

for name, run in pairs(operations) do
  Stream[name] = function(self, ...)
    insert(self.ops, { name = name, run = run, arguments = pack(...) })
    return self
  end
end

function Stream.groupby(self, f)
  local function gather(groups, value)
    local key = f and f(value) or nil
    local group = groups[key] or list()
    append(group, value)
    groups[key] = group
    return groups
  end
  local function join(a, b)
    local joined = clone_list(a)
    for value in elements(b) do
      append(joined, value)
    end
    return joined
  end
  return self:aggregate(map(), gather):reduce(function(a, b)
    return merge_maps(a, b, join)
  end)
end

-- The operations of one side.
local function select_operations(ops, is_client)
  local selected, is_reduced = {}, false
  for _, op in ipairs(ops) do
    local is_reduce = op.name == 'reduce' and not is_reduced
    if is_reduce or is_reduced == is_client then
      insert(selected, op)
    end
    is_reduced = is_reduced or is_reduce
  end
  return selected
end

-- Runs a stream function of the module. `read` gives values until nil; `write` takes them until it says no.
function host.stream(name, arguments, count, is_client, read, write)
  host.in_stream = true
  local stream = setmetatable({ ops = {} }, Stream)
  local ok, result = host.run(name, arguments, count, stream)
  if not ok then
    return ok, result
  end
  return raw_pcall(function()
    if type(result) ~= 'table' then
      host.no_stream(result)
    end
    local finished = false
    local pull = function()
      local value
      if not finished then
        value = read()
        finished = value == nil
      end
      return value
    end
    for _, op in ipairs(select_operations(result.ops, is_client)) do
      pull = op.run(pull, unpack(op.arguments, 1, op.arguments.n)) or pull
    end
    for value in pull do
      if not write(value) then
        break
      end
    end
  end)
end

-- The words of a server for a function that returns no stream.
function host.no_stream(result)
  error(('[string "aerospike.lua"]:33: attempt to index a %s value (global \'result\')'):format(type(result)), 0)
end
