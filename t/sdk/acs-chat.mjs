// @azure/communication-chat through the edge: every method of ChatClient and
// ChatThreadClient works where policy allows it, and fails with a RestError whose
// status and code can be read where it denies (wire-formats of ACS chat).
import { ChatClient } from '@azure/communication-chat';
import { AzureCommunicationTokenCredential } from '@azure/communication-common';
import { answers, all, edge, fails, is, ok, run, skip, token, works } from './harness.mjs';

const thread = '19:ab12cd34ef56ab78cd90@thread.v2';
const customer = '8:acs:11111111-1111-4111-8111-111111111111_0000000a-aaaa-bbbb-cccc-0123456789ab';
const asha = { microsoftTeamsUserId: 'a7d10000-0000-4000-8000-00000000b002' };
const ashaWire = { rawId: `8:orgid:${asha.microsoftTeamsUserId}`,
  microsoftTeamsUser: { userId: asha.microsoftTeamsUserId, isAnonymous: false, cloud: 'public' } };
const when = '2025-10-09T08:00:01Z';
const chatThread = { id: thread, topic: 'Claim 8812', createdOn: when,
  createdByCommunicationIdentifier: { rawId: customer, communicationUser: { id: customer } } };
const message = id => ({ id, type: 'html', sequenceId: '12', version: id,
  content: { message: '<p>see <b>photo</b></p>' }, senderDisplayName: 'Asha Rao', createdOn: when,
  senderCommunicationIdentifier: ashaWire });

answers([
  ['POST', /^\/chat\/threads$/, 201, { chatThread }],
  ['GET', /^\/chat\/threads$/, 200, { value: [{ id: thread, topic: 'Claim 8812' }] }],
  ['GET', /^\/chat\/threads\/[^/]+$/, 200, chatThread],
  ['PATCH', /^\/chat\/threads\/[^/]+$/, 204],
  ['DELETE', /^\/chat\/threads\/[^/]+$/, 204],
  ['POST', /\/messages$/, 201, { id: '1760000000456' }],
  ['GET', /\/messages$/, 200, r => /page=2/.test(r.url) ? { value: [message('1760000000457')] }
    : { value: [message('1760000000456')], nextLink: `${edge}/chat/threads/${encodeURIComponent(thread)}/messages?page=2&api-version=2025-03-15` }],
  ['GET', /\/messages\/\d+$/, 200, (r, m) => message(r.url.split('?')[0].split('/').pop())],
  ['PATCH', /\/messages\/\d+$/, 204],
  ['DELETE', /\/messages\/\d+$/, 204],
  ['GET', /\/participants$/, 200, { value: [
    { communicationIdentifier: { rawId: customer, communicationUser: { id: customer } }, displayName: 'Customer' },
    { communicationIdentifier: ashaWire, displayName: 'Asha Rao' }] }],
  ['POST', /\/participants\/:add$/, 201, {}],
  ['POST', /\/participants\/:remove$/, 204],
  ['POST', /\/typing$/, 200],
  ['POST', /\/readReceipts$/, 200],
  ['GET', /\/readReceipts$/, 200, { value: [{ senderCommunicationIdentifier: ashaWire, chatMessageId: '1760000000456', readOn: when }] }],
]);

const client = (who, id) => new ChatClient(edge,
  new AzureCommunicationTokenCredential(token(who, { skypeid: id.slice(2) })), { retryOptions: { maxRetries: 0 } });
const error = e => [e.statusCode, e.code];

run(async () => {
  const chat = client('customer', customer);
  const t = chat.getChatThreadClient(thread);

  let r = await works('createChatThread', () => chat.createChatThread({ topic: 'Claim 8812' },
    { participants: [{ id: { communicationUserId: customer }, displayName: 'Customer' }, { id: asha, displayName: 'Asha Rao' }] }),
    ['POST', /^\/chat\/threads\?/]);
  is(r.result?.chatThread?.id, thread, '... and its answer is read');
  is(JSON.parse(r.seen.body).topic, 'Claim 8812', '... and upstream got the topic');
  is((await works('listChatThreads', () => all(chat.listChatThreads()), ['GET', /^\/chat\/threads\?/])).result?.length, 1, '... one thread');
  is((await works('getProperties', () => t.getProperties(), ['GET', /@thread\.v2\?/])).result?.topic, 'Claim 8812', '... the topic');
  await works('updateTopic', () => t.updateTopic('Claim 8813'), ['PATCH', /@thread\.v2\?/]);
  await works('updateProperties', () => t.updateProperties({ topic: 'Claim 8814', metadata: { a: 'b' } }), ['PATCH', /@thread\.v2\?/]);
  r = await works('sendMessage', () => t.sendMessage({ content: 'Your claim was received' }, { senderDisplayName: 'Claims desk', type: 'text' }),
    ['POST', /\/messages\?/]);
  is(r.result?.id, '1760000000456', '... its id is read');
  is(JSON.parse(r.seen.body).content, 'Your claim was received', '... and upstream got the text');
  r = await works('sendMessage with an image', () => t.sendMessage({ content: '<p>see <img src="https://m.contoso.example/x.png"></p>' }, { type: 'html' }),
    ['POST', /\/messages\?/]);
  ok(!/<img/.test(r.seen.body) && /m\.contoso\.example\/x\.png/.test(r.seen.body), '... goes on with its link (AC-13)', r.seen.body);
  is((await works('getMessage', () => t.getMessage('1760000000456'), ['GET', /\/messages\/1760000000456\?/])).result?.content?.message,
    '<p>see <b>photo</b></p>', '... as it is');
  is((await works('listMessages', () => all(t.listMessages({ maxPageSize: 1 })), ['GET', /page=2/])).result?.map(m => m.id),
    ['1760000000456', '1760000000457'], '... over two pages');
  await works('updateMessage', () => t.updateMessage('1760000000456', { content: 'Your claim was accepted' }), ['PATCH', /\/messages\/1760000000456\?/]);
  await works('deleteMessage', () => t.deleteMessage('1760000000456'), ['DELETE', /\/messages\/1760000000456\?/]);
  is((await works('listParticipants', () => all(t.listParticipants()), ['GET', /\/participants\?/])).result?.length, 2, '... two of them');
  await works('removeParticipant', () => t.removeParticipant(asha), ['POST', /\/participants\/:remove\?/]);
  r = await works('addParticipants', () => t.addParticipants({ participants: [{ id: asha, displayName: 'Asha Rao' }] }), ['POST', /\/participants\/:add\?/]);
  is(r.result?.invalidParticipants ?? [], [], '... nobody is refused');
  is((await works('sendTypingNotification', () => t.sendTypingNotification({ senderDisplayName: 'Customer' }), ['POST', /\/typing\?/])).result, true, '... taken');
  await works('sendReadReceipt', () => t.sendReadReceipt({ chatMessageId: '1760000000456' }), ['POST', /\/readReceipts\?/]);
  is((await works('listReadReceipts', () => all(t.listReadReceipts()), ['GET', /\/readReceipts\?/])).result?.length, 1, '... one receipt');
  skip('startRealtimeNotifications', 'a socket to another host, which is not the edge');

  // a tenant that has enabled nothing
  const other = client('stranger', '8:acs:11111111-1111-4111-8111-111111111111_0000000f-aaaa-bbbb-cccc-0123456789ab');
  const o = other.getChatThreadClient('19:ff12cd34ef56ab78cd90@thread.v2');
  const denied = [
    ['createChatThread', () => other.createChatThread({ topic: 'x' }, { participants: [{ id: { microsoftTeamsUserId: 'a7d10000-0000-4000-8000-00000000b0ff' } }] })],
    ['sendMessage', () => o.sendMessage({ content: 'hello' })],
    ['updateMessage', () => o.updateMessage('1760000000456', { content: 'hello' })],
    ['deleteMessage', () => o.deleteMessage('1760000000456')],
    ['addParticipants', () => o.addParticipants({ participants: [{ id: { microsoftTeamsUserId: 'a7d10000-0000-4000-8000-00000000b0ff' } }] })],
    ['sendTypingNotification', () => o.sendTypingNotification()],
    ['sendReadReceipt', () => o.sendReadReceipt({ chatMessageId: '1760000000456' })],
  ];
  for (const [name, call] of denied) await fails(`${name} denied: RestError 403 acs_not_enabled`, call, 403, 'acs_not_enabled', error);
  await fails('a message that is an image only: RestError 403 images_not_supported',
    () => t.sendMessage({ content: '<img src="data:image/png;base64,iVBORw0KGgo=">' }, { type: 'html' }), 403, 'images_not_supported', error);

  // what one side deleted is gone for the other
  const gone = '19:de12cd34ef56ab78cd90@thread.v2';
  await works('deleteChatThread', () => chat.deleteChatThread(gone), ['DELETE', /19:de12.*@thread\.v2\?/]);
});
