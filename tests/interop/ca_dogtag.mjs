// SPDX-License-Identifier: Apache-2.0
// The test CA's part of Dogtag's REST API, v2 and, under other paths, v1: profiles, requests, their review and approval with
// nonces that are kept in the session, certificates, revocation.
import crypto from 'node:crypto'
import { profiles, Refusal } from './ca_store.mjs'

const reasons = ['Unspecified', 'Key_Compromise', 'CA_Compromise', 'Affiliation_Changed', 'Superseded', 'Cessation_of_Operation',
  'Certificate_Hold', 'Remove_from_CRL', 'Privilege_Withdrawn', 'AA_Compromise']

const json = (status, value, headers = {}) =>
  ({ status, headers: { 'content-type': 'application/json', ...headers }, body: value === undefined ? '' : JSON.stringify(value) })
const names = { 400: 'base.BadRequestException', 401: 'base.UnauthorizedException', 403: 'base.ForbiddenException' }
const problem = (status, message, name = names[status] ?? 'base.PKIException') =>
  json(status, { ClassName: `com.netscape.certsrv.${name}`, Code: status, Message: message, Attributes: { Attribute: [] } })

const inputs = () => [
  { id: 'i1', ClassID: 'certReqInputImpl', Name: 'Certificate Request Input',
    Attribute: [{ name: 'cert_request_type', Value: '' }, { name: 'cert_request', Value: '' }] },
  { id: 'i2', ClassID: 'submitterInfoInputImpl', Name: 'Requestor Information',
    Attribute: [{ name: 'requestor_name', Value: '' }, { name: 'requestor_email', Value: '' }, { name: 'requestor_phone', Value: '' }] },
]

// In the order in which they are tried; {api} is the root of v2 or one of v1's.
const routes = [
  ['GET', '/certrequests/profiles', 'profiles'],
  ['GET', '/certrequests/profiles/([^/]+)', 'template'],
  ['POST', '/certrequests', 'submit'],
  ['GET', '/certrequests/(0x[0-9a-f]+)', 'request'],
  ['GET', '/agent/certrequests', 'requests'],
  ['GET', '/agent/certrequests/(0x[0-9a-f]+)', 'review'],
  ['POST', '/agent/certrequests/(0x[0-9a-f]+)/(approve|reject|cancel)', 'approve'],
  ['GET', '/certs/(0x[0-9a-f]+)', 'cert'],
  ['GET', '/agent/certs/(0x[0-9a-f]+)', 'review-cert'],
  ['POST', '/agent/certs/(0x[0-9a-f]+)/(revoke|unrevoke)', 'revoke'],
]

// v1only: the server is an older one, which knows /ca/rest alone.
export function dogtagStep(method, path, v1only) {
  if (path === '/pki/v2/info' && !v1only)
    return { step: 'info', words: [] }
  const api = path.match(/^\/ca\/(v2|v1|rest)(\/.*)$/)
  if (!api || (v1only && api[1] !== 'rest'))
    return undefined
  for (const [wanted, pattern, step] of routes) {
    const match = api[2].match(new RegExp(`^${pattern}$`))
    if (match && method === wanted)
      return { step, words: match.slice(1), api: `/ca/${api[1]}`, old: api[1] !== 'v2' }
  }
  return undefined
}

export class Dogtag {
  #sessions = new Map()
  constructor(store, origin) { Object.assign(this, { store, origin }) }

  answer(call, request, fault) {
    if (fault?.kind === 'lost-session')
      this.#sessions.clear()
    const known = request.headers.cookie?.match(/JSESSIONID=([0-9A-F]+)/)?.[1]
    const id = this.#sessions.has(known) ? known : crypto.randomBytes(16).toString('hex').toUpperCase()
    if (id !== known)
      this.#sessions.set(id, new Map())
    const answer = this.#do(call, request, fault, this.#sessions.get(id))
    if (id !== known)
      answer.headers['set-cookie'] = `JSESSIONID=${id}; Path=/ca; Secure; HttpOnly`
    if (call.old)
      answer.headers.deprecation = 'true'
    return answer
  }

  #info(request, call) {
    const { id, status, certId, errorMessage } = request
    return {
      requestID: id, requestType: 'enrollment', requestStatus: status, requestURL: `${this.origin}${call.api}/certrequests/${id}`,
      ...certId && { certId, certURL: `${this.origin}${call.api}/certs/${certId}` },
      certRequestType: 'pkcs10', operationResult: errorMessage ? 'error' : 'success', ...errorMessage && { errorMessage },
    }
  }

  #do(call, request, fault, nonces) {
    const { step, words } = call
    if (/^(requests|review|approve|review-cert|revoke)$/.test(step) && !request.isAgent)
      return request.peer || request.user ? problem(403, 'Authorization failed on resource: certServer.ca') : problem(401, 'Authentication required')
    switch (step) {
      case 'info':
        return json(200, { Version: '11.10.1', Attributes: { Attribute: [] } })
      case 'profiles':
        return json(200, { total: Object.keys(profiles).length, entries: Object.entries(profiles).map(([profileId, { name }]) =>
          ({ profileId, profileName: name, profileURL: `${this.origin}${call.api}/certrequests/profiles/${profileId}` })) })
      case 'template':
        return profiles[words[0]] ? json(200, { ProfileID: words[0], Renewal: false, Input: inputs(), Output: [] })
          : problem(404, `Profile ${words[0]} not found`, 'profile.ProfileNotFoundException')
      case 'submit':
        return this.#submit(call, request, fault)
      case 'requests': {
        const state = new URLSearchParams(request.query).get('requestState')
        const entries = this.store.requests().filter(one => !state || one.status === state).map(one => this.#info(one, call))
        return json(200, { total: entries.length, entries })
      }
      case 'request': case 'review': case 'approve': {
        const found = this.store.request(words[0])
        if (!found)
          return problem(404, `Request ID ${words[0]} not found`, 'request.RequestNotFoundException')
        if (step === 'request')
          return json(200, this.#info(found, call))
        return step === 'review' ? this.#review(found, fault, nonces) : this.#decide(found, words[1], request, fault, nonces)
      }
      default: {
        const found = this.store.cert(words[0])
        if (!found)
          return problem(404, `Certificate ID ${words[0]} not found`, 'dbs.certdb.CertIdNotFoundException')
        return step === 'revoke' ? this.#revoke(found, words[1], request, nonces) : this.#cert(found, step, fault, nonces)
      }
    }
  }

  #submit(call, request, fault) {
    let asked
    try { asked = JSON.parse(request.body) } catch { return problem(400, 'Unable to parse the request') }
    const profile = profiles[asked.ProfileID]
    if (!profile || profile.approval === 'none')
      return problem(400, `Unable to find profile: ${asked.ProfileID}`)
    const given = Object.fromEntries((asked.Input ?? []).flatMap(input => input.Attribute).map(({ name, Value }) => [name, Value]))
    if (given.cert_request_type !== 'pkcs10' || !given.cert_request)
      return problem(400, 'Invalid certificate request')
    if (profile.approval === 'agent' && !request.isAgent)
      return problem(401, 'Authentication required')
    try {
      const { csr, type } = this.store.checkCsr(given.cert_request)
      let record = { profile: asked.ProfileID, csr, input: asked.Input, requestor: given.requestor_name }
      if (profile.keyType && profile.keyType !== type)
        record = { ...record, status: 'rejected', errorMessage: `Request Key Type ${type.toUpperCase()} Not Matched Rejected` }
      else if (fault?.kind === 'reject')
        record = { ...record, status: 'rejected', errorMessage: 'Request Deferred - rejected by the test' }
      record = this.store.newRequest(record)
      if (profile.approval === 'agent' && record.status === 'pending')
        record = this.store.approve(record)
      return json(200, { total: 1, entries: [this.#info(record, call)] })
    } catch (error) {
      if (error instanceof Refusal)
        return problem(400, error.message)
      throw error
    }
  }

  #review(found, fault, nonces) {
    const nonce = crypto.randomBytes(8).readBigInt64BE().toString()
    nonces.set(found.id, nonce)
    const shown = fault?.kind === 'other-request' ? this.store.requests().find(({ csr }) => csr !== found.csr) : found
    return json(200, {
      ProfileID: found.profile, Renewal: false, Input: shown.input, Output: [], nonce: fault?.kind === 'wrong-nonce' ? `${nonce}1` : nonce,
      requestId: found.id, requestType: 'enrollment', requestStatus: found.status, requestNotes: '', profileSetId: 'serverCertSet',
      profileName: profiles[found.profile].name,
      // An agent gives back what it was told, also what it doesn't understand.
      ProfilePolicySet: [{ policies: [{ id: '1', def: { name: 'Subject Name Default' }, constraint: { name: 'Subject Name Constraint' } }] }],
    })
  }

  #decide(found, act, request, fault, nonces) {
    let told
    try { told = JSON.parse(request.body) } catch { return problem(400, 'Unable to parse the request') }
    if (told.nonce == null || !nonces.has(found.id))
      return problem(400, 'Missing nonce.')
    if (nonces.get(found.id) !== String(told.nonce))
      return problem(403, `Invalid nonce: ${told.nonce}`)
    nonces.delete(found.id)
    if (!told.ProfilePolicySet || told.requestId !== found.id)
      return problem(400, 'The request data are not those of the review')
    if (found.status !== 'pending')
      return problem(400, `Request ${found.id} is ${found.status}`)
    if (act === 'approve')
      this.store.approve(found, fault?.kind === 'other-key')
    else
      this.store.saveRequest({ ...found, status: act === 'reject' ? 'rejected' : 'canceled' })
    return { status: 204, headers: {}, body: '' }
  }

  #cert(found, step, fault, nonces) {
    const certificate = new crypto.X509Certificate(found.pem)
    const value = {
      id: found.id, IssuerDN: certificate.issuer, SubjectDN: certificate.subject,
      Encoded: fault?.kind === 'other-certificate' ? this.store.read('server.pem') : found.pem, Status: found.status,
      NotBefore: certificate.validFrom, NotAfter: certificate.validTo,
      PKCS7CertChain: this.store.pkcs7(found.pem, this.store.read('issuer.pem'), this.store.read('root.pem'))
        .toString('base64').replace(/(.{64})/g, '$1\r\n'),
    }
    if (step === 'review-cert') {
      value.Nonce = crypto.randomInt(2 ** 47)
      nonces.set(`cert ${found.id}`, value.Nonce)
      if (fault?.kind === 'wrong-nonce')
        value.Nonce++
    }
    return json(200, value)
  }

  #revoke(found, act, request, nonces) {
    let told
    try { told = JSON.parse(request.body || '{}') } catch { return problem(400, 'Unable to parse the request') }
    const info = { requestID: '0x1', requestType: 'revocation', requestStatus: 'complete', certId: found.id, operationResult: 'success' }
    if (act === 'unrevoke') {
      if (found.reason !== 'Certificate_Hold')
        return problem(400, `certificate ${found.id} is not on hold`)
      this.store.saveCert({ ...found, status: 'VALID', reason: undefined })
      return json(200, { ...info, requestType: 'unrevocation' })
    }
    const nonce = nonces.get(`cert ${found.id}`)
    if (told.Nonce == null || nonce === undefined)
      return problem(400, 'Missing nonce.')
    if (nonce !== told.Nonce)
      return problem(403, `Invalid nonce: ${told.Nonce}`)
    if (!reasons.includes(told.Reason))
      return problem(400, `Invalid revocation reason: ${told.Reason}`)
    nonces.delete(`cert ${found.id}`)
    if (found.status === 'REVOKED' && found.reason !== 'Certificate_Hold')
      return problem(400, `certificate ${found.id} has already been revoked`)
    this.store.saveCert({ ...found, status: 'REVOKED', reason: told.Reason, comments: told.Comments })
    return json(200, info)
  }
}
