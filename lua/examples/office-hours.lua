-- Messages to the help desk wait for the morning: outside of office hours the
-- sender is told when it is open. Monday to Friday, 9 to 17 o'clock.

local desk = "helpdesk"       -- the id of the user who is the help desk
local offset = 330            -- minutes east of Greenwich: India

local function open(t)
  local d = time.date(t, offset)
  return d.wday <= 5 and d.hour >= 9 and d.hour < 17
end

return function(event)
  if open(event.time) then return end
  for i = 1, #event.recipients do
    if event.recipients[i].id == desk then
      return deny("quiet_hours", "The help desk is open Monday to Friday, 9 to 17 o'clock.")
    end
  end
end
