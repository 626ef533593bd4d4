// @azure/communication-call-automation through the edge: every method of
// CallAutomationClient, CallConnection, CallMedia and CallRecording that asks the
// service (wire-formats of Call Automation), allowed and denied.
import { CallAutomationClient } from '@azure/communication-call-automation';
import { AzureKeyCredential } from '@azure/core-auth';
import { answers, edge, fails, is, run, skip, token, works } from './harness.mjs';

const customer = { communicationUserId: '8:acs:11111111-1111-4111-8111-111111111111_0000000a-aaaa-bbbb-cccc-0123456789ab' };
const agent = { communicationUserId: '8:acs:11111111-1111-4111-8111-111111111111_0000000b-aaaa-bbbb-cccc-0123456789ab' };
const asha = { microsoftTeamsUserId: 'a7d10000-0000-4000-8000-00000000b002' };
const bela = { microsoftTeamsUserId: 'a7d10000-0000-4000-8000-00000000b003' };
const wire = id => ({ rawId: id, kind: 'communicationUser', communicationUser: { id } });
const callback = 'https://app.contoso.example/calls';
const participant = { identifier: wire(agent.communicationUserId), isMuted: false, isOnHold: false };
let calls = 0;
const call = id => ({ callConnectionId: id, serverCallId: Buffer.from(`https://calls.contoso.example/${id}`).toString('base64'),
  targets: [wire(agent.communicationUserId)], callConnectionState: 'connected', callbackUri: callback,
  source: wire(customer.communicationUserId), correlationId: 'c-1' });

answers([
  ['POST', /^\/calling\/callConnections$/, 201, () => call(`call-${++calls}`)],
  ['POST', /^\/calling\/callConnections:(answer|connect)$/, 200, () => call(`call-${++calls}`)],
  ['POST', /^\/calling\/callConnections:(redirect|reject)$/, 204],
  ['GET', /^\/calling\/callConnections\/[^/]+$/, 200, (r, m) => call('call-1')],
  ['DELETE', /^\/calling\/callConnections\/[^/]+$/, 204],
  ['POST', /:terminate$/, 204],
  ['POST', /:transferToParticipant$/, 202, { operationContext: 'o' }],
  ['POST', /\/participants:add$/, 202, { participant, operationContext: 'o', invitationId: 'i-1' }],
  ['POST', /\/participants:cancelAddParticipant$/, 202, { invitationId: 'i-1', operationContext: 'o' }],
  ['POST', /\/participants:remove$/, 202, { operationContext: 'o' }],
  ['POST', /\/participants:mute$/, 200, { operationContext: 'o' }],
  ['POST', /\/participants:moveHere$/, 202, { participants: [participant], operationContext: 'o', fromCall: 'call-1' }],
  ['GET', /\/participants$/, 200, { value: [participant] }],
  ['GET', /\/participants\/[^/]+$/, 200, participant],
  ['POST', /:(play|recognize|cancelAllMediaOperations|startTranscription|stopTranscription|updateTranscription|startMediaStreaming|stopMediaStreaming|sendDtmfTones)$/, 202, { operationContext: 'o' }],
  ['POST', /:(hold|unhold|startContinuousDtmfRecognition|stopContinuousDtmfRecognition)$/, 200],
  ['POST', /^\/calling\/recordings$/, 200, { recordingId: 'rec-1', recordingState: 'active', recordingKind: 'azureCommunicationServices' }],
  ['GET', /^\/calling\/recordings\/[^/:]+$/, 200, { recordingId: 'rec-1', recordingState: 'active' }],
  ['DELETE', /^\/calling\/recordings\/[^/]+$/, 204],
  ['POST', /^\/calling\/recordings\/[^/]+:(pause|resume)$/, 202],
]);

const client = who => new CallAutomationClient(edge, { getToken: async () => ({ token: token(who, {}), expiresOnTimestamp: Date.now() + 3.6e6 }) },
  { retryOptions: { maxRetries: 0 } });
const error = e => [e.statusCode, e.code];
const refused = (name, code, call) => fails(`${name} denied: RestError 403 ${code}`, call, 403, code, error);

run(async () => {
  const c = client('customer');
  let r = await works('createCall', () => c.createCall({ targetParticipant: agent }, callback), ['POST', /callConnections\?/]);
  is(r.result?.callConnectionProperties?.callConnectionId, 'call-1', '... its id is read');
  await works('createCall to a Teams user', () => c.createCall({ targetParticipant: asha }, callback), ['POST', /callConnections\?/]);
  await works('createGroupCall', () => c.createGroupCall([agent, { communicationUserId: agent.communicationUserId.replace('_0000000b', '_0000000c') }], callback),
    ['POST', /callConnections\?/]);
  await works('answerCall', () => c.answerCall('ctx', callback), ['POST', /callConnections:answer\?/]);
  await works('redirectCall', () => c.redirectCall('ctx', { targetParticipant: agent }), ['POST', /callConnections:redirect\?/]);
  await works('rejectCall', () => c.rejectCall('ctx'), ['POST', /callConnections:reject\?/]);
  await works('connectCall', () => c.connectCall({ id: 'c2VydmVy', kind: 'serverCallLocator' }, callback), ['POST', /callConnections:connect\?/]);

  const one = c.getCallConnection('call-1');
  is((await works('getCallConnectionProperties', () => one.getCallConnectionProperties(), ['GET', /call-1\?/])).result?.callConnectionState, 'connected', '... its state');
  await works('getParticipant', () => one.getParticipant(agent), ['GET', /participants\//]);
  is((await works('listParticipants', () => one.listParticipants(), ['GET', /participants\?/])).result?.values?.length, 1, '... one of them');
  r = await works('addParticipant', () => one.addParticipant({ targetParticipant: agent }), ['POST', /participants:add\?/]);
  is(r.result?.invitationId, 'i-1', '... its invitation');
  await works('cancelAddParticipantOperation', () => one.cancelAddParticipantOperation('i-1'), ['POST', /participants:cancelAddParticipant\?/]);
  await works('transferCallToParticipant', () => one.transferCallToParticipant(agent), ['POST', /:transferToParticipant\?/]);
  await works('removeParticipant', () => one.removeParticipant(agent), ['POST', /participants:remove\?/]);
  await works('muteParticipant', () => one.muteParticipant(agent), ['POST', /participants:mute\?/]);
  await works('moveParticipants', () => one.moveParticipants([agent], 'call-3'), ['POST', /participants:moveHere\?/]);

  const m = one.getCallMedia();
  const file = [{ kind: 'fileSource', url: 'https://m.contoso.example/prompt.wav' }];
  await works('play', () => m.play(file, [agent]), ['POST', /:play\?/]);
  await works('playToAll', () => m.playToAll(file), ['POST', /:play\?/]);
  await works('startRecognizing', () => m.startRecognizing(agent, { kind: 'callMediaRecognizeDtmfOptions', maxTonesToCollect: 3 }), ['POST', /:recognize\?/]);
  await works('cancelAllOperations', () => m.cancelAllOperations(), ['POST', /:cancelAllMediaOperations\?/]);
  await works('startContinuousDtmfRecognition', () => m.startContinuousDtmfRecognition(agent), ['POST', /:startContinuousDtmfRecognition\?/]);
  await works('stopContinuousDtmfRecognition', () => m.stopContinuousDtmfRecognition(agent), ['POST', /:stopContinuousDtmfRecognition\?/]);
  await works('sendDtmfTones', () => m.sendDtmfTones(['one', 'two'], agent), ['POST', /:sendDtmfTones\?/]);
  await works('hold', () => m.hold(agent), ['POST', /:hold\?/]);
  await works('unhold', () => m.unhold(agent), ['POST', /:unhold\?/]);
  await works('startTranscription', () => m.startTranscription({ locale: 'en-US' }), ['POST', /:startTranscription\?/]);
  await works('updateTranscription', () => m.updateTranscription('de-DE'), ['POST', /:updateTranscription\?/]);
  await works('stopTranscription', () => m.stopTranscription(), ['POST', /:stopTranscription\?/]);
  await works('startMediaStreaming', () => m.startMediaStreaming(), ['POST', /:startMediaStreaming\?/]);
  await works('stopMediaStreaming', () => m.stopMediaStreaming(), ['POST', /:stopMediaStreaming\?/]);

  const rec = c.getCallRecording();
  r = await works('recording: start', () => rec.start({ callLocator: { id: call('call-1').serverCallId, kind: 'serverCallLocator' } }), ['POST', /recordings\?/]);
  is(r.result?.recordingId, 'rec-1', '... its id is read');
  await works('recording: getState', () => rec.getState('rec-1'), ['GET', /recordings\/rec-1\?/]);
  await works('recording: pause', () => rec.pause('rec-1'), ['POST', /rec-1:pause\?/]);
  await works('recording: resume', () => rec.resume('rec-1'), ['POST', /rec-1:resume\?/]);
  await works('recording: stop', () => rec.stop('rec-1'), ['DELETE', /rec-1\?/]);
  skip('recording: delete and the downloads', 'the storage that a recording lies on is another host, which is not the edge');

  // what policy refuses, each with its own reason
  await refused('createGroupCall with a Teams user (AC-5)', 'group_call_not_supported', () => c.createGroupCall([agent, asha], callback));
  await refused('recording of a call with a Teams user (AC-6)', 'recording_not_supported',
    () => rec.start({ callLocator: { id: call('call-2').serverCallId, kind: 'serverCallLocator' } }));
  const two = c.getCallConnection('call-2');
  await refused('addParticipant to a call with a Teams user (AC-5)', 'group_call_not_supported', () => two.addParticipant({ targetParticipant: bela }));
  await refused('transferCallToParticipant to a Teams user (AC-7)', 'routing_not_supported', () => two.transferCallToParticipant(bela));
  await refused('redirectCall to a Teams user (AC-7)', 'routing_not_supported', () => c.redirectCall('ctx', { targetParticipant: bela }));
  const s = client('stranger');
  await refused('createCall where ACS users are not enabled (AC-1)', 'acs_not_enabled',
    () => s.createCall({ targetParticipant: { microsoftTeamsUserId: 'a7d10000-0000-4000-8000-00000000b0ff' } }, callback));
  await refused('recording without the acknowledged duty (AC-21)', 'privacy_notice_required',
    () => s.getCallRecording().start({ callLocator: { id: 'c2VydmVyOTk=', kind: 'serverCallLocator' } }));
});
