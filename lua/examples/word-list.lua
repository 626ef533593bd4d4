-- Code names stay inside: a message that has one of them, as a whole word in any
-- case, does not cross, and the log says which.

local names = text.list{
  "Bluebird", "Project Kestrel", "Osprey",
}

return function(event)
  local found = event.text and text.contains_any(event.text, names)
  if found then
    log("code name", found, "by", event.sender.id)
    return deny("confidential", "This message holds a name that must stay inside.")
  end
end
