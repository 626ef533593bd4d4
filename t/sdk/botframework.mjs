// botframework-connector through the edge: every method of its conversations and
// attachments (wire-formats of the connector), allowed and denied.
import connector from 'botframework-connector';
import { answers, edge, fails, is, ok, run, token, works } from './harness.mjs';

const { ConnectorClient } = connector;
const conversation = '19:b012cd34ef56ab78cd90@thread.v2';   // made here
const member = { id: '29:asha', name: 'Asha Rao', aadObjectId: 'a7d10000-0000-4000-8000-00000000b002' };

answers([
  ['POST', /^\/v3\/conversations$/, 201, { id: conversation, activityId: '1760000000456', serviceUrl: edge }],
  ['GET', /^\/v3\/conversations$/, 200, { conversations: [{ id: conversation, members: [member] }] }],
  ['POST', /\/activities\/history$/, 201, { id: '1760000000459' }],
  ['POST', /\/activities$/, 201, { id: '1760000000456' }],
  ['POST', /\/activities\/\d+$/, 201, { id: '1760000000457' }],
  ['PUT', /\/activities\/\d+$/, 200, { id: '1760000000456' }],
  ['DELETE', /\/activities\/\d+$/, 200],
  ['GET', /\/activities\/\d+\/members$/, 200, [member]],
  ['GET', /\/members$/, 200, [member]],
  ['GET', /\/members\/[^/]+$/, 200, member],
  ['GET', /\/pagedmembers$/, 200, { members: [member] }],
  ['DELETE', /\/members\/[^/]+$/, 200],
  ['POST', /\/attachments$/, 201, { id: 'att-1' }],
  ['GET', /^\/v3\/attachments\/[^/]+$/, 200, { name: 'plan.txt', type: 'text/plain', views: [{ viewId: 'original', size: 5 }] }],
  ['GET', /^\/v3\/attachments\/[^/]+\/views\/[^/]+$/, 200, { plan: 1 }],
]);

const client = who => new ConnectorClient({ signRequest: async r => { r.headers.set('authorization', `Bearer ${token(who, {})}`); return r; } },
  { baseUri: edge, noRetryPolicy: true });
const error = e => [e.statusCode, e.body?.error?.code ?? e.code];
const text = (t, more) => ({ type: 'message', text: t, textFormat: 'plain', from: { id: '28:bot' }, ...more });

run(async () => {
  const c = client('bot').conversations;
  let r = await works('createConversation', () => c.createConversation({ isGroup: false, bot: { id: '28:bot' }, members: [{ id: '29:asha' }] }),
    ['POST', /^\/v3\/conversations$/]);
  is(r.result?.id, conversation, '... its id is read');
  await works('getConversations', () => c.getConversations(), ['GET', /^\/v3\/conversations$/]);
  r = await works('sendToConversation', () => c.sendToConversation(conversation, text('Pick a gate')), ['POST', /\/activities$/]);
  is(JSON.parse(r.seen.body).text, 'Pick a gate', '... upstream got the text');
  is(r.result?.id, '1760000000456', '... its id is read');
  await works('sendToConversation: typing', () => c.sendToConversation(conversation, { type: 'typing', from: { id: '28:bot' } }), ['POST', /\/activities$/]);
  await works('sendToConversation: a card', () => c.sendToConversation(conversation, text('', { attachments: [{ contentType: 'application/vnd.microsoft.card.hero',
    content: { title: 'Gate', buttons: [{ type: 'openUrl', title: 'Map', value: 'https://contoso.example/m' }] } }] })), ['POST', /\/activities$/]);
  await works('replyToActivity', () => c.replyToActivity(conversation, '1760000000456', text('3')), ['POST', /\/activities\/1760000000456$/]);
  await works('updateActivity', () => c.updateActivity(conversation, '1760000000456', text('4')), ['PUT', /\/activities\/1760000000456$/]);
  await works('deleteActivity', () => c.deleteActivity(conversation, '1760000000456'), ['DELETE', /\/activities\/1760000000456$/]);
  await works('sendConversationHistory', () => c.sendConversationHistory(conversation, { activities: [text('one'), text('two')] }), ['POST', /\/activities\/history$/]);
  is((await works('getConversationMembers', () => c.getConversationMembers(conversation), ['GET', /\/members$/])).result?.length, 1, '... one of them');
  await works('getConversationPagedMembers', () => c.getConversationPagedMembers(conversation), ['GET', /\/pagedmembers/]);
  await works('getActivityMembers', () => c.getActivityMembers(conversation, '1760000000456'), ['GET', /\/activities\/1760000000456\/members$/]);
  await works('deleteConversationMember', () => c.deleteConversationMember(conversation, '29:asha'), ['DELETE', /\/members\/29:asha$/]);
  await works('uploadAttachment', () => c.uploadAttachment(conversation, { type: 'text/plain', name: 'plan.txt', originalBase64: Buffer.from('plan') }),
    ['POST', /\/attachments$/]);
  const a = client('bot').attachments;
  await works('getAttachmentInfo', () => a.getAttachmentInfo('att-1'), ['GET', /^\/v3\/attachments\/att-1$/]);
  await works('getAttachment', () => a.getAttachment('att-1', 'original'), ['GET', /\/views\/original$/]);

  // someone of another system, where nothing is enabled
  const d = client('ziya').conversations;
  const mixed = '19:ff12cd34ef56ab78cd90@thread.v2';
  const refused = (name, call) => fails(`${name} denied: RestError 403 acs_not_enabled`, call, 403, 'acs_not_enabled', error);
  await refused('sendToConversation', () => d.sendToConversation(mixed, text('hello')));
  await refused('replyToActivity', () => d.replyToActivity(mixed, '1760000000456', text('hello')));
  await refused('updateActivity', () => d.updateActivity(mixed, '1760000000456', text('hello')));
  await refused('deleteActivity', () => d.deleteActivity(mixed, '1760000000456'));
  await refused('sendConversationHistory', () => d.sendConversationHistory(mixed, { activities: [text('one')] }));
});
