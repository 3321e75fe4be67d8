// SPDX-License-Identifier: Apache-2.0
// The test CA's EST (RFC 7030, RFC 8951), as Dogtag does it: simplereenroll wants a client certificate, and the same subject.
import crypto from 'node:crypto'
import { labels, profiles, Refusal } from './ca_store.mjs'

const wrapped = der => `${der.toString('base64').replace(/(.{64})/g, '$1\r\n')}\r\n`
const text = (status, body, headers = {}) => ({ status, headers: { 'content-type': 'text/plain', ...headers }, body })
const pkcs7 = (der, type) => ({
  status: 200, body: wrapped(der),
  headers: { 'content-type': type, 'content-transfer-encoding': 'base64' },
})

export function estStep(path) {
  const match = path.match(/^\/\.well-known\/est\/(?:([^/]+)\/)?(cacerts|simpleenroll|simplereenroll|csrattrs)$/)
  return match && { step: match[2], label: match[1] }
}

export function est(store, { step, label }, request, fault) {
  const usage = label === undefined ? profiles.estServiceCert.usage : labels[label]
  if (!usage)
    return text(404, 'no such label')
  if (step === 'csrattrs')
    return text(404, 'no csrattrs here')
  if (step === 'cacerts')
    return pkcs7(store.pkcs7(store.read('issuer.pem'), store.read('root.pem')), 'application/pkcs7-mime')
  if (request.method !== 'POST')
    return text(405, 'POST it')
  if (!request.peer && request.user !== 'est-user')
    return text(401, 'Authentication required', { 'www-authenticate': 'Basic realm="EST"' })
  if (step === 'simplereenroll' && !request.peer)
    return text(403, 'no client certificate')
  if (!(request.headers['content-type'] ?? '').toLowerCase().startsWith('application/pkcs10'))
    return text(415, 'the content is no application/pkcs10')
  if (fault?.kind === 'wait')
    return text(202, 'come back later', { 'retry-after': fault.argument })
  try {
    const { csr } = store.checkCsr(request.body)
    const cert = store.issue(csr, usage, profiles.estServiceCert.days, fault?.kind === 'other-key')
    if (step === 'simplereenroll' && new crypto.X509Certificate(cert.pem).subject !== request.peer.subject)
      return text(403, 'another subject than that of the client certificate')
    return pkcs7(store.pkcs7(cert.pem), 'application/pkcs7-mime; smime-type=certs-only')
  } catch (error) {
    if (error instanceof Refusal)
      return text(400, error.message)
    throw error
  }
}
