-- What a stream does with its values: each operation makes of a function that gives the next value, or nil, another such
-- function. A server has these in a file of its own, which errors name with the line.
local host = ...
local type, getmetatable, pairs = type, getmetatable, pairs
local clone_list, clone_map, List, Map = list.clone, map.clone, List, Map

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

local operations = {}
host.operations = operations

function operations.filter(pull, p)
  return function()
    for value in pull do
      if p(value) then return value end
    end
  end
end

function operations.map(pull, f)
  local done = false
  return function()
    local value
    if not done then value = pull() end
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
    if done then return nil end
    local value = pull()
    done = true
    if value == nil then
      return nil
    end
    for other in pull do value = f(value, other) end
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
