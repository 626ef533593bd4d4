-- Phased rollout: one user in five may send as before, all others as plain text.
-- The same user is always on the same side.

local percent = 20

return function(event, verdict)
  if event.sender.id and text.hash(event.sender.id) % 100 >= percent then
    return plain_text()
  end
end
