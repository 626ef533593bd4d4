-- Lets everything through, as far as it may.
return function(event, verdict)
  return plain_text()
end
