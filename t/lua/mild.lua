-- Lets everything through, as far as it may.
return function(event, verdict)
  return deliver()
end
