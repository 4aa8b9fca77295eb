-- Copies and unions of lists and maps, and sums. A server has these in a file of its own, which errors name with the line.
local insert, type = table.insert, type

function list.clone(l)
  local copy = {}
  for v in list.iterator(l) do
    insert(copy, v)
  end
  return list(copy)
end
function list.merge(a, b)
  local merged = {}
  for v in list.iterator(a) do
    insert(merged, v)
  end
  for v in list.iterator(b) do
    insert(merged, v)
  end
  return list(merged)
end
function map.merge(a, b, f)
  local merged, joins = map(), type(f) == 'function'
  for k, v in map.pairs(a) do -- a value that is nil is as good as none
    if v ~= nil then merged[k] = v end
  end
  for k, v in map.pairs(b) do
    local joined = merged[k] and joins and f(a[k], v) or v
    if joined ~= nil then merged[k] = joined else map.remove(merged, k) end
  end
  return merged end
function map.diff(m1, m2)
  local found = map()
  for k, v in map.pairs(m1) do
    if not m2[k] and v ~= nil then
      found[k] = v
    end
  end
  for k, v in map.pairs(m2) do
    if not m1[k] and v ~= nil then
      found[k] = v
    end
  end
  return found
end
function map.clone(m)
  local copy = map()
  for k, v in map.pairs(m) do
    if v ~= nil then copy[k] = v end
  end
  return copy
end
function math.sum(a, b)
  return a + b
end
function math.product(a, b)
  return a * b
end
