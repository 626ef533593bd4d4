-- Which Communication Services resources may talk to us, by the names that we
-- gave them. The policy's own list knows only their numbers.

local allowed = {
  ["0e3a1c52-1111-4c6e-9a51-0000000000aa"] = "web shop",
  ["0e3a1c52-2222-4c6e-9a51-0000000000bb"] = "claims",
}

return function(event)
  local resource = event.sender.acs_resource
  if resource == nil then return end
  local name = allowed[resource]
  if name == nil then
    log("resource", resource, "is on no list")
    return deny("acs_resource_not_allowed")
  end
  return set_header("X-Resource-Name", name)
end
