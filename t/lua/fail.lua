-- Fails for every message that says so.
return function(event)
  if event.text == "fail" then error("as it was told") end
end
