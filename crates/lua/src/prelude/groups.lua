-- Groups of values, as lists by what a function makes of them: an aggregation, and a reduction that joins them.
local host = ...
local clone_list, merge_maps, append, elements = list.clone, map.merge, list.append, list.iterator

function host.groupby(stream, f)
  local function join(a, b)
    local joined = clone_list(a)
    for value in elements(b) do
      append(joined, value)
    end
    return joined
  end
  local function gather(groups, value)
    local key = f and f(value) or nil
    local group = groups[key] or list()
    append(group, value)
    groups[key] = group
    return groups
  end
  return stream:aggregate(map(), gather):reduce(function(a, b)
    return merge_maps(a, b, join)
  end)
end
