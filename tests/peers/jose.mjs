// SPDX-License-Identifier: Apache-2.0
// What jose and node-jose say to the agent's messages, and the agent to theirs. argv[2] is the socket of an agent with
// the keys r2, p256, p384, p521 and ed. Lines for part() of lib.sh.
import http from 'node:http';
import * as jose from 'jose';
import nodeJose from 'node-jose';

const agent = new http.Agent({keepAlive: true, maxSockets: 1});

function tell(good, name, detail) {
  console.log((good ? 'ok ' : 'not ok ') + name);
  if (!good)
    console.log('# ' + JSON.stringify(detail, (_, value) => value instanceof Error ? String(value) : value));
}

function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const request = http.request({socketPath: process.argv[2], method, path, agent}, (reply) => {
      let text = '';
      reply.on('data', (piece) => { text += piece; });
      reply.on('end', () => resolve({status: reply.statusCode, body: JSON.parse(text)}));
    });
    request.on('error', reject);
    request.end(body && JSON.stringify(body));
  });
}

async function attempt(name, work) {
  try {
    tell(await work(), name);
  } catch (error) {
    tell(false, name, error);
  }
}

async function refuses(name, work) {
  try {
    tell(false, name, await work());
  } catch (error) {
    tell(true, name);
  }
}

const {body: set} = await call('GET', '/v1/jwks');
const remote = jose.createLocalJWKSet(set);
const keystore = await nodeJose.JWK.asKeyStore({keys: set.keys.filter((key) => key.kty !== 'OKP')});
const make = async (key, rest) => (await call('POST', `/v1/keys/${key}/jws`, rest)).body.jws;
const kid = (key) => set.keys.find((one) => one.kid === kids[key]).kid;
const kids = {};
for (const key of ['r2', 'p256', 'p384', 'p521', 'ed']) {
  const {body} = await call('GET', `/v1/keys/${key}`);
  kids[key] = await jose.calculateJwkThumbprint(body.public_key.jwk);
  tell(set.keys.some((one) => one.kid === kids[key]), `${key}: the kid is the thumbprint as jose has it`, set);
}

const pairs = [['r2', 'RS256'], ['r2', 'RS384'], ['r2', 'RS512'], ['r2', 'PS256'], ['r2', 'PS384'], ['r2', 'PS512'],
  ['p256', 'ES256'], ['p384', 'ES384'], ['p521', 'ES512'], ['ed', 'EdDSA'], ['ed', 'Ed25519']];
for (const [key, algorithm] of pairs) {
  const header = {kid: kid(key), alg: algorithm};
  const jws = await make(key, {payload_text: 'the payload', algorithm, header});
  await attempt(`jose takes ${algorithm}`, async () => {
    // The set says EdDSA; RFC 9864's name is another one to jose.
    const jwk = set.keys.find((one) => one.kid === kids[key]);
    const {payload} = await jose.compactVerify(jws, await jose.importJWK({...jwk, alg: algorithm}), {algorithms: [algorithm]});
    return new TextDecoder().decode(payload) === 'the payload';
  });
  if (key !== 'ed') {
    await attempt(`node-jose takes ${algorithm}`, async () =>
      (await nodeJose.JWS.createVerify(keystore, {algorithms: [algorithm]}).verify(jws)).payload.toString() === 'the payload');
  }
  const [head, , signature] = jws.split('.');
  await refuses(`jose refuses another payload with ${algorithm}`, () => jose.compactVerify(`${head}.AAAA.${signature}`, remote));
}

// JSON, several signers, b64 false.
const general = await make('r2', {payload_text: 'text', serialization: 'general', algorithm: 'PS256', header: {kid: kid('r2')},
  signers: [{key: 'p256', header: {kid: kid('p256')}}]});
await attempt('jose takes the general form', async () => (await jose.generalVerify(general, remote)).payload.length === 4);
await attempt('node-jose, too', async () =>
  (await nodeJose.JWS.createVerify(keystore, {algorithms: ['*']}).verify(general)).payload.toString() === 'text');
const flat = await make('p256', {payload_text: '$.02', serialization: 'flattened', b64: false, unprotected: {kid: kid('p256')}});
await attempt('jose takes an unencoded payload', async () =>
  new TextDecoder().decode((await jose.flattenedVerify(flat, remote)).payload) === '$.02');
const detached = await make('p256', {payload_text: '$.02', b64: false, detached: true, header: {kid: kid('p256')}});
await attempt('and a detached one', async () => {
  const [head, , signature] = detached.split('.');
  const {payload} = await jose.flattenedVerify({protected: head, payload: '$.02', signature}, remote);
  return payload.length === 4;
});

// Tokens.
const {body: {jwt}} = await call('POST', '/v1/keys/r2/jwt', {claims: {iss: 'me', aud: 'you'}, lifetime: 60,
  algorithm: 'PS256', header: {kid: kid('r2'), typ: 'JWT'}});
await attempt('jose takes a token', async () => {
  const {payload} = await jose.jwtVerify(jwt, remote, {issuer: 'me', audience: 'you', typ: 'JWT', maxTokenAge: '60s'});
  return payload.exp === payload.iat + 60;
});

// The other way round.
for (const [alg, options] of [['PS256', {modulusLength: 2048}], ['RS512', {modulusLength: 2048}], ['ES256'], ['ES384'],
  ['ES512'], ['EdDSA', {crv: 'Ed25519'}]]) {
  const pair = await jose.generateKeyPair(alg, {...options, extractable: true});
  const key = {...await jose.exportJWK(pair.publicKey), kid: 'theirs', alg};
  const token = await new jose.SignJWT({a: 1}).setProtectedHeader({alg, kid: 'theirs'}).setIssuedAt().setExpirationTime('1m')
    .setIssuer('them').sign(pair.privateKey);
  const {status, body} = await call('POST', '/v1/verify/jws', {jws: token, jwks: {keys: [key]}, jwt: {iss: 'them', exp: true}});
  tell(status === 200 && body.claims.a === 1, `the agent takes jose's ${alg}`, body);
  const other = alg === 'RS512' ? 'PS512' : 'RS512';
  const refused = await call('POST', '/v1/verify/jws', {jws: token, jwks: {keys: [{...key, alg: other}]}});
  tell(refused.status === 422 && refused.body.code === 'not-verified', `but not with a key for ${other}`, refused.body);
}
const secret = new TextEncoder().encode(JSON.stringify(set.keys[0]));
const confused = await new jose.SignJWT({a: 1}).setProtectedHeader({alg: 'HS256', kid: set.keys[0].kid}).sign(secret);
const {status, body} = await call('POST', '/v1/verify/jws', {jws: confused, jwks: set});
tell(status === 422 && body.code === 'not-verified', 'a public key is no secret to the agent', body);
agent.destroy();
