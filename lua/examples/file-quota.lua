-- At most five files per user and hour.

return function(event)
  if event.features.file and counter.incr("files " .. event.sender.id, 3600) > 5 then
    return deny("file_quota", "At most five files can be sent in an hour.")
  end
end
