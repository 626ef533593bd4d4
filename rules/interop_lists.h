/*
** interop_lists.h -- the engine's own closed lists: part of interop.h.
**
** Owns what a request can be (operation), carry (kind, feature), become (verdict)
** and be judged by (record): one row an entry, from which the enums, the names,
** the language's words and the reference page come. Systems, reasons, notices and
** facts are not here: policies declare them.
*/
#ifndef INTEROP_LISTS_H
#define INTEROP_LISTS_H

/* ORDER: from mildest to strictest (behaviour section 1) */
#define INTEROP_VERDICTS(X) \
  X(DELIVER,     "deliver")      /* the request, byte for byte */ \
  X(AMEND,       "amend")        /* single members set */ \
  X(STRIP,       "strip")        /* named features removed, the rest in its own format */ \
  X(PLAIN_TEXT,  "plain_text")   /* content reduced to plain text */ \
  X(AS_REPLY,    "as_reply")     /* a new message that replies to the original */ \
  X(PLACEHOLDER, "placeholder")  /* "Unsupported message. Open it in ..." */ \
  X(DROP,        "drop")         /* nothing goes upstream, the client is told success */ \
  X(ESCALATE,    "escalate")     /* a meeting instead */ \
  X(DENY,        "deny")         /* refused in the API's own error form */

typedef enum {
#define INTEROP_X(name, text) INTEROP_V_##name,
  INTEROP_VERDICTS(INTEROP_X)
#undef INTEROP_X
  INTEROP_VERDICT_COUNT
} interop_verdict_t;

#define INTEROP_OPERATIONS(X) \
  X(CONVERSATION_CREATE, "conversation.create") X(CONVERSATION_UPDATE, "conversation.update") \
  X(CONVERSATION_DELETE, "conversation.delete") X(CONVERSATION_GET, "conversation.get") \
  X(CONVERSATION_LIST, "conversation.list") \
  X(PARTICIPANT_ADD, "participant.add") X(PARTICIPANT_REMOVE, "participant.remove") \
  X(PARTICIPANT_LIST, "participant.list") \
  X(MESSAGE_SEND, "message.send") X(MESSAGE_REPLY, "message.reply") \
  X(MESSAGE_EDIT, "message.edit") X(MESSAGE_DELETE, "message.delete") \
  X(MESSAGE_UNDELETE, "message.undelete") X(MESSAGE_GET, "message.get") \
  X(MESSAGE_LIST, "message.list") \
  X(REACTION_ADD, "reaction.add") X(REACTION_REMOVE, "reaction.remove") \
  X(TYPING, "typing") X(READ_RECEIPT, "read_receipt") \
  X(CALL_CREATE, "call.create") X(CALL_ANSWER, "call.answer") \
  X(CALL_ADD_PARTICIPANT, "call.add_participant") X(CALL_TRANSFER, "call.transfer") \
  X(CALL_REDIRECT, "call.redirect") X(CALL_HANGUP, "call.hangup") \
  X(RECORDING_START, "recording.start") X(RECORDING_STOP, "recording.stop") \
  X(TRANSCRIPTION_START, "transcription.start") X(TRANSCRIPTION_STOP, "transcription.stop") \
  X(SCREEN_SHARE_START, "screen_share.start") X(MEETING_CREATE, "meeting.create") \
  X(MEDIA_UPLOAD, "media.upload") X(ACCOUNT_LINK, "account.link") \
  X(ACCOUNT_UNLINK, "account.unlink") X(GROUP_MAP, "group.map") \
  X(INVITE_LINK_CREATE, "invite_link.create") X(INVITE_LINK_JOIN, "invite_link.join") \
  X(BATCH, "batch") X(OTHER, "other")

typedef enum {
#define INTEROP_X(name, text) INTEROP_OP_##name,
  INTEROP_OPERATIONS(INTEROP_X)
#undef INTEROP_X
  INTEROP_OPERATION_COUNT
} interop_operation_t;

/* ORDER: from least to most demanding; a message's kind is the most demanding
** thing in it; OTHER stands apart (no message, or nothing of it is known) */
#define INTEROP_KINDS(X) \
  X(TEXT, "text") X(RICH_TEXT, "rich_text") X(IMAGE, "image") X(GIF, "gif") \
  X(ATTACHMENT, "attachment") X(ACTION_CARD, "action_card") X(OTHER, "other")

typedef enum {
#define INTEROP_X(name, text) INTEROP_K_##name,
  INTEROP_KINDS(INTEROP_X)
#undef INTEROP_X
  INTEROP_KIND_COUNT
} interop_kind_t;

/* name, text, the kind that a message with it has at least */
#define INTEROP_FEATURES(X) \
  X(FORMATTING, "formatting", RICH_TEXT) X(LINK, "link", RICH_TEXT) \
  X(MENTION, "mention", RICH_TEXT) X(EMOJI, "emoji", TEXT) \
  X(CUSTOM_EMOJI, "custom_emoji", TEXT) X(IMAGE, "image", IMAGE) \
  X(GIF, "gif", GIF) X(FILE, "file", ATTACHMENT) X(CARD, "card", ACTION_CARD) \
  X(CODE, "code", RICH_TEXT) X(TABLE, "table", RICH_TEXT) \
  X(QUOTE, "quote", RICH_TEXT) X(HOSTED_CONTENT, "hosted_content", IMAGE) \
  X(IMPORTANCE, "importance", TEXT) \
  X(UNDECLARED, "undeclared", TEXT)  /* members of a body that nobody declared; receipts only */

typedef enum {
#define INTEROP_X(name, text, kind) INTEROP_F_##name,
  INTEROP_FEATURES(INTEROP_X)
#undef INTEROP_X
  INTEROP_FEATURE_COUNT
} interop_feature_t;

/* what the store keeps; MESSAGE and CALL live in shared memory in nginx */
#define INTEROP_RECORDS(X) \
  X(TENANT, "tenant") X(USER, "user") X(CONVERSATION, "conversation") \
  X(MESSAGE, "message") X(CALL, "call")

typedef enum {
#define INTEROP_X(name, text) INTEROP_R_##name,
  INTEROP_RECORDS(INTEROP_X)
#undef INTEROP_X
  INTEROP_RECORD_COUNT
} interop_record_kind_t;

#endif
