-- Streams: a chain of operations that pull values through one another, on servers up to and with the first `reduce`,
-- and from that one on again on the client.
local host = ...
local setmetatable, pairs, ipairs, unpack, pack, insert = setmetatable, pairs, ipairs, table.unpack, table.pack, table.insert
local raw_pcall = host.pcall

local Stream = { groupby = host.groupby }
Stream.__index = Stream

for name, run in pairs(host.operations) do
  Stream[name] = function(self, ...)
    insert(self.ops, { name = name, run = run, arguments = pack(...) })
    return self
  end
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

-- Of what a function returned that is no stream a server says that it has no operations, and calls it a global.
local _ENV = {}
local function operations_of(returned) result = returned return result.ops end

-- Runs a stream function of the module. `read` gives values until nil; `write` takes them until it says no.
function host.stream(name, arguments, count, is_client, read, write)
  host.in_stream = true
  local stream = setmetatable({ ops = {} }, Stream)
  local ok, returned = host.run(name, arguments, count, stream)
  if not ok then
    return ok, returned
  end
  return raw_pcall(function()
    local ops = operations_of(returned)
    local finished = false
    local pull = function()
      local value
      if not finished then
        value = read()
        finished = value == nil
      end
      return value
    end
    for _, op in ipairs(select_operations(ops, is_client)) do
      pull = op.run(pull, unpack(op.arguments, 1, op.arguments.n)) or pull
    end
    for value in pull do
      if not write(value) then
        break
      end
    end
  end)
end
