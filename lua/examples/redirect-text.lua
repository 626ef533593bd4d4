-- "Unsupported message" in the language of the recipient's country.

local texts = {
  BR = "Mensagem não suportada. Abra no outro aplicativo.",
  DE = "Nachricht nicht unterstützt. Bitte in der anderen App öffnen.",
  IN = "असमर्थित संदेश। इसे दूसरे ऐप में खोलें।",
}

return function(event, verdict)
  if verdict.name ~= "placeholder" then return end
  local person = event.recipients[1]
  local words = person and person.country and texts[person.country]
  if words then return placeholder(words) end
end
