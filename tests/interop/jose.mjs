// SPDX-License-Identifier: Apache-2.0
// jose and node-jose, two libraries that know nothing of each other, judge what the agent signs, encrypts and decrypts.
//
//   node jose.mjs    The agent has the keys rsa, ec, ed (to sign), dec (RSA, to decrypt) and dh (EC, to derive).
import crypto from 'node:crypto'
import * as jose from 'jose'
import nodeJose from 'node-jose'
import { ask, b64u, call, tell, succeeds, refuses, finish } from './agent.mjs'

const jwks = await ask('GET', '/v1/jwks')
const localSet = jose.createLocalJWKSet(jwks)
const publicOf = {}
for (const name of ['rsa', 'ec', 'ed', 'dec', 'dh'])
  publicOf[name] = (await ask('GET', `/v1/keys/${name}`)).public_key.jwk
const payload = Buffer.from('{"amount":"100.00","name":"Zoë"}')
const text = data => Buffer.from(data).toString()
const signers = [['rsa', 'RS256'], ['rsa', 'RS384'], ['rsa', 'RS512'], ['rsa', 'PS256'], ['rsa', 'PS384'], ['rsa', 'PS512'],
  ['ec', 'ES256'], ['ed', 'EdDSA']]

// --- Signatures

for (const [key, algorithm] of signers) {
  const { jws } = await ask('POST', `/v1/keys/${key}/jws`, { algorithm, payload: b64u(payload) })
  await succeeds(`jose verifies ${algorithm}`, async () => {
    const verified = await jose.compactVerify(jws, await jose.importJWK(publicOf[key], algorithm), { algorithms: [algorithm] })
    return text(verified.payload) === text(payload) && verified.protectedHeader.alg === algorithm
  })
  if (algorithm !== 'EdDSA') { // which node-jose doesn't know
    await succeeds(`node-jose verifies ${algorithm}`, async () => {
      const jwk = await nodeJose.JWK.asKey(publicOf[key])
      return text((await nodeJose.JWS.createVerify(jwk).verify(jws)).payload) === text(payload)
    })
  }
  await refuses(`jose refuses ${algorithm} over another payload`, /SIGNATURE_VERIFICATION_FAILED/, async () => {
    const [header, , signature] = jws.split('.')
    return jose.compactVerify(`${header}.${b64u('{}')}.${signature}`, await jose.importJWK(publicOf[key], algorithm))
  })
}
for (const serialization of ['flattened', 'general']) {
  await succeeds(`${serialization} JSON`, async () => {
    const { jws } = await ask('POST', '/v1/keys/ec/jws', { algorithm: 'ES256', payload: b64u(payload), serialization })
    const value = typeof jws === 'string' ? JSON.parse(jws) : jws
    const key = await jose.importJWK(publicOf.ec, 'ES256')
    const verified = await (serialization === 'flattened' ? jose.flattenedVerify : jose.generalVerify)(value, key)
    return text(verified.payload) === text(payload)
  })
}
await succeeds('a detached payload', async () => {
  const { jws } = await ask('POST', '/v1/keys/rsa/jws', { algorithm: 'PS256', payload: b64u(payload), detached: true })
  const [header, middle, signature] = jws.split('.')
  const key = await jose.importJWK(publicOf.rsa, 'PS256')
  await jose.flattenedVerify({ protected: header, payload: b64u(payload), signature }, key)
  return middle === ''
})
await succeeds('a detached payload that is not encoded (RFC 7797)', async () => {
  const { jws } = await ask('POST', '/v1/keys/rsa/jws', { algorithm: 'PS256', payload: b64u(payload), detached: true, b64: false })
  const [header, , signature] = jws.split('.')
  const verified = await jose.flattenedVerify({ protected: header, payload, signature }, await jose.importJWK(publicOf.rsa, 'PS256'))
  return verified.protectedHeader.b64 === false
})
await succeeds('a JWT, its key found in the JWKS', async () => {
  const { jwt } = await ask('POST', '/v1/keys/ec/jwt', { algorithm: 'ES256', claims: { iss: 'me', aud: 'you' }, lifetime: 60 })
  const { payload: claims } = await jose.jwtVerify(jwt, localSet, { issuer: 'me', audience: 'you', maxTokenAge: '60s' })
  return claims.exp - claims.iat === 60 && typeof claims.jti === 'string' || JSON.stringify(claims)
})
await succeeds('the kid of a plain key is its RFC 7638 thumbprint', async () => {
  const found = jwks.keys.map(key => key.kid)
  return found.includes(await jose.calculateJwkThumbprint(publicOf.ec)) || found
})

// --- What the agent verifies

const foreign = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
const foreignJwk = { ...foreign.publicKey.export({ format: 'jwk' }), kid: 'theirs', alg: 'PS256', use: 'sig' }
const theirs = await new jose.CompactSign(payload).setProtectedHeader({ alg: 'PS256', kid: 'theirs' }).sign(foreign.privateKey)
await succeeds('the agent verifies what jose signed', async () => {
  const answer = await ask('POST', '/v1/verify/jws', { jws: theirs, jwks: { keys: [foreignJwk] } })
  return text(Buffer.from(answer.payload, 'base64url')) === text(payload) || JSON.stringify(answer)
})
for (const [name, jws] of [
  ['RS256 under a key for PS256', await new jose.CompactSign(payload).setProtectedHeader({ alg: 'RS256', kid: 'theirs' }).sign(foreign.privateKey)],
  ['another payload', theirs.replace(/\..*\./, `.${b64u('{}')}.`)],
  ['alg none', `${b64u('{"alg":"none","kid":"theirs"}')}.${b64u(payload)}.`],
  ['HMAC with the public key as secret', await new jose.CompactSign(payload).setProtectedHeader({ alg: 'HS256', kid: 'theirs' })
    .sign(Buffer.from(foreign.publicKey.export({ type: 'spki', format: 'pem' })))],
]) {
  await succeeds(`the agent refuses ${name}`, async () => {
    const answer = await call('POST', '/v1/verify/jws', { jws, jwks: { keys: [foreignJwk] } })
    return answer.status >= 400 && answer.status < 500 || answer.text
  })
}

// --- Encryption

const contents = ['A128GCM', 'A192GCM', 'A256GCM', 'A128CBC-HS256', 'A192CBC-HS384', 'A256CBC-HS512']
const wraps = [['dec', 'RSA-OAEP'], ['dec', 'RSA-OAEP-256'], ['dh', 'ECDH-ES'], ['dh', 'ECDH-ES+A128KW'], ['dh', 'ECDH-ES+A192KW'],
  ['dh', 'ECDH-ES+A256KW']]
for (const [i, enc] of contents.entries()) {
  for (const [key, alg] of i === 2 ? wraps : [wraps[i]]) {
    await succeeds(`the agent decrypts jose's ${alg} with ${enc}`, async () => {
      const jwe = await new jose.CompactEncrypt(payload).setProtectedHeader({ alg, enc }).encrypt(await jose.importJWK(publicOf[key], alg))
      const answer = await ask('POST', `/v1/keys/${key}/jwe-decrypt`, { jwe })
      return text(Buffer.from(answer.plaintext, 'base64url')) === text(payload)
    })
  }
}
await succeeds("the agent decrypts node-jose's RSA-OAEP-256 with A256GCM", async () => {
  const jwk = await nodeJose.JWK.asKey(publicOf.dec)
  const jwe = await nodeJose.JWE.createEncrypt({ format: 'compact', fields: { alg: 'RSA-OAEP-256' } }, jwk).update(payload).final()
  const answer = await ask('POST', '/v1/keys/dec/jwe-decrypt', { jwe })
  return text(Buffer.from(answer.plaintext, 'base64url')) === text(payload)
})
const recipientRsa = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
const recipientEc = crypto.generateKeyPairSync('ec', { namedCurve: 'P-256' })
for (const [alg, pair] of [['RSA-OAEP', recipientRsa], ['RSA-OAEP-256', recipientRsa], ['ECDH-ES', recipientEc], ['ECDH-ES+A256KW', recipientEc]]) {
  const recipient = pair.publicKey.export({ format: 'jwk' })
  const { jwe } = await ask('POST', '/v1/jwe-encrypt', { recipient, algorithm: alg, encryption: 'A256GCM', plaintext: b64u(payload) })
  await succeeds(`jose decrypts the agent's ${alg}`, async () =>
    text((await jose.compactDecrypt(jwe, pair.privateKey)).plaintext) === text(payload))
  await succeeds(`node-jose decrypts the agent's ${alg}`, async () => {
    const jwk = await nodeJose.JWK.asKey(pair.privateKey.export({ format: 'jwk' }))
    return text((await nodeJose.JWE.createDecrypt(jwk, { algorithms: ['*'] }).decrypt(jwe)).payload) === text(payload)
  })
}

// --- Nested: signed by one side, encrypted to the other

for (const alg of ['RSA-OAEP', 'RSA-OAEP-256']) {
  const inner = await new jose.CompactSign(payload).setProtectedHeader({ alg: 'PS256', kid: 'theirs' }).sign(foreign.privateKey)
  const jwe = await new jose.CompactEncrypt(Buffer.from(inner)).setProtectedHeader({ alg, enc: 'A256GCM', cty: 'JWT' })
    .encrypt(await jose.importJWK(publicOf.dec, alg))
  await succeeds(`the agent opens what jose signed and encrypted with ${alg}`, async () => {
    const answer = await ask('POST', '/v1/keys/dec/jwe-decrypt', { jwe, verify: { jwks: { keys: [foreignJwk] } } })
    return text(Buffer.from(answer.payload, 'base64url')) === text(payload) || JSON.stringify(answer)
  })
  await succeeds(`but not with somebody else's signature inside (${alg})`, async () => {
    const answer = await call('POST', '/v1/keys/dec/jwe-decrypt', { jwe, verify: { jwks: { keys: [publicOf.rsa] } } })
    return answer.status >= 400 && answer.status < 500 || answer.text
  })
}
{
  const { alg, ...anyAlg } = foreignJwk
  const inner = await new jose.CompactSign(payload).setProtectedHeader({ alg: 'RS256', kid: 'theirs' }).sign(foreign.privateKey)
  const jwe = await new jose.CompactEncrypt(Buffer.from(inner)).setProtectedHeader({ alg: 'RSA-OAEP-256', enc: 'A256GCM' })
    .encrypt(await jose.importJWK(publicOf.dec, 'RSA-OAEP-256'))
  for (const algorithms of [undefined, ['RS256'], ['PS256', 'RS256'], []]) {
    await succeeds(`a profile for PS256 takes no RS256 inside, whatever the request permits (${algorithms})`, async () => {
      const answer = await call('POST', '/v1/keys/dec/jwe-decrypt',
        { profile: 'site/inner', jwe, verify: { jwks: { keys: [anyAlg] }, algorithms } })
      return answer.status >= 400 && answer.status < 500 || answer.text
    })
  }
}
tell(jwks.keys.every(key => !('d' in key)), 'the JWKS has public keys only')
finish()
