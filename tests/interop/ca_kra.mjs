// SPDX-License-Identifier: Apache-2.0
// The test CA's part of Dogtag's KRA: the transport certificate, keys archived and retrieved. A session key comes sealed by
// RSA-OAEP (keyWrap.useOAEP=true), a private key wrapped with it by RFC 5649; what comes otherwise is refused.
import crypto from 'node:crypto'

const json = (status, value) => ({ status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) })
const problem = (status, Message) =>
  json(status, { ClassName: 'com.netscape.certsrv.base.PKIException', Code: status, Message, Attributes: { Attribute: [] } })
const wrapIv = Buffer.from('a65959a6', 'hex')
const wrapOid = '{2 16 840 1 101 3 4 1 48}'

const routes = [
  ['GET', '/config/cert/transport', 'transport'],
  ['POST', '/agent/keyrequests', 'archive'],
  ['POST', '/agent/keys/retrieve', 'retrieve'],
]

export function kraStep(method, path, v1only) {
  const api = path.match(/^\/kra\/(v2|v1|rest)(\/.*)$/)
  if (!api || (v1only && api[1] !== 'rest'))
    return undefined
  const route = routes.find(([wanted, pattern]) => wanted === method && pattern === api[2])
  return route && { step: route[2], api: `/kra/${api[1]}` }
}

const unseal = (store, text) => crypto.privateDecrypt(
  { key: store.read('transport.key'), padding: crypto.constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' }, Buffer.from(text, 'base64'))

function archive(store, given, call, origin) {
  const cipher = crypto.createDecipheriv('id-aes256-wrap-pad', unseal(store, given.transWrappedSessionKey), wrapIv)
  const der = Buffer.concat([cipher.update(Buffer.from(given.wrappedPrivateData, 'base64')), cipher.final()])
  const key = crypto.createPrivateKey({ key: der, format: 'der', type: 'pkcs8' })
  const id = store.saveKey({
    clientKeyID: given.clientKeyID, algorithm: given.keyAlgorithm, size: given.keySize,
    pkcs8: der.toString('base64'), publicKey: crypto.createPublicKey(key).export({ format: 'pem', type: 'spki' }),
  })
  return json(201, { RequestInfo: {
    requestType: 'securityDataEnrollment', requestStatus: 'complete', requestURL: `${origin}${call.api}/agent/keyrequests/${id}`,
    keyURL: `${origin}${call.api}/agent/keys/${id}` } })
}

function retrieve(store, given) {
  const found = store.key(given.keyId)
  if (!found)
    return problem(404, `Key ID ${given.keyId} not found`)
  const cipher = crypto.createCipheriv('id-aes256-wrap-pad', unseal(store, given.transWrappedSessionKey), wrapIv)
  const wrapped = Buffer.concat([cipher.update(Buffer.from(found.pkcs8, 'base64')), cipher.final()])
  return json(200, { wrappedPrivateData: wrapped.toString('base64'), algorithm: found.algorithm, size: found.size,
    wrapAlgorithm: given.payloadWrappingName, type: 'asymmetricKey' })
}

export function kra(store, call, request, origin) {
  if (call.step === 'transport')
    return json(200, { Encoded: store.read('transport.pem') })
  if (!request.isAgent)
    return problem(request.peer || request.user ? 403 : 401, 'Authorization failed on resource: certServer.kra')
  try {
    const told = JSON.parse(request.body)
    const given = Object.fromEntries(told.Attributes.Attribute.map(({ name, value }) => [name, value]))
    if ((given.algorithmOID ?? given.payloadEncryptionOID) !== wrapOid)
      return problem(400, 'Unsupported algorithm')
    return call.step === 'archive' ? archive(store, given, call, origin) : retrieve(store, given)
  } catch (error) {
    return problem(400, `Unable to unwrap: ${error.message}`)
  }
}
