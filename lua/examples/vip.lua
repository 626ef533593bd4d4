-- The board's conversation gets formatted text as plain text where everybody
-- else's is told as unsupported. The policy must grant it: may relax to plain_text.

local board = { ["g-board"] = true }

return function(event, verdict)
  if verdict.name == "placeholder" and event.kind == "rich_text" and board[event.conversation.id] then
    return plain_text()
  end
end
