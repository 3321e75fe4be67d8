// SPDX-License-Identifier: Apache-2.0
// A certificate authority to test with, which speaks EST and Dogtag's REST API, that of its KRA too. Node.js 20 and the openssl program; all that it
// keeps is in DIR, which is made when it isn't there.
//
//   node ca.mjs DIR serve [v1]            listens on 127.0.0.1 and writes DIR/port; v1: as a Dogtag of before 11.5. The port is
//                                         that of the time before, so that what was down comes back
//   node ca.mjs DIR issue USAGE CSR       a certificate for the CSR (PEM), with the issuing CA's, on standard output: as the portal
//                                         of an ecosystem gives it. USAGE: server, client, both, sign, enc; USAGE:DAYS
//   node ca.mjs DIR requests              the Dogtag requests, a line each: id, status, profile
//   node ca.mjs DIR approve|reject ID     decides about a request, as an agent of the CA would; ID - is the newest
//   node ca.mjs DIR status CERTIFICATE    VALID or REVOKED and the reason, of a certificate (PEM)
//
// DIR/root.pem is its root, DIR/bundle.pem issuing CA and root. DIR/est-user and DIR/agent have USER:PASSWORD for HTTP's basic
// authentication; a client certificate of this CA does for EST, and for Dogtag's agents one with OU=Agents. DIR/log has a line for
// each request: step, status, who. DIR/faults: see ca_faults.mjs.
import crypto from 'node:crypto'
import fs from 'node:fs'
import https from 'node:https'
import { Dogtag, dogtagStep } from './ca_dogtag.mjs'
import { est, estStep } from './ca_est.mjs'
import { Faults, spoil } from './ca_faults.mjs'
import { kra, kraStep } from './ca_kra.mjs'
import { Store } from './ca_store.mjs'

const [dir, act, ...args] = process.argv.slice(2)
if (!dir || !act) {
  console.error('usage: ca.mjs DIR serve|issue|requests|approve|reject|status ...')
  process.exit(2)
}
const store = new Store(dir)

function userOf(headers) {
  const given = Buffer.from((headers.authorization ?? '').replace(/^Basic /, ''), 'base64').toString()
  return ['est-user', 'agent'].find(user => given === store.read(user).trim())
}

function peerOf(socket) {
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
  return certificate && !store.isRevoked(certificate) ? certificate : undefined
}

async function bodyOf(request) {
  const parts = []
  for await (const part of request)
    parts.push(part)
  return Buffer.concat(parts).toString()
}

function serve(v1only) {
  const faults = new Faults(store.path('faults'))
  const dogtag = new Dogtag(store, '')
  const server = https.createServer({
    key: store.read('server.key'), cert: store.read('server.pem'), ca: store.read('bundle.pem'),
    requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2',
  }, async (incoming, response) => {
    const [path, query = ''] = incoming.url.split('?')
    const peer = peerOf(incoming.socket), user = userOf(incoming.headers)
    const request = {
      method: incoming.method, headers: incoming.headers, query, peer, user,
      isAgent: user === 'agent' || /^OU=Agents$/m.test(peer?.subject ?? ''), body: await bodyOf(incoming),
    }
    const viaEst = estStep(path), viaDogtag = viaEst ? undefined : dogtagStep(incoming.method, path, v1only)
    const viaKra = kraStep(incoming.method, path, v1only)
    const step = (viaEst ?? viaDogtag ?? viaKra)?.step ?? 'unknown'
    const fault = faults.next(step)
    const say = what => fs.appendFileSync(store.path('log'),
      `${step} ${what} ${peer ? peer.subject.replaceAll('\n', ',') : user ?? '-'} ${incoming.method} ${incoming.url}\n`)
    if (fault?.kind === 'slow')
      await new Promise(done => setTimeout(done, +fault.argument))
    if (fault?.kind === 'drop' || incoming.socket.destroyed) {
      say('dropped')
      return incoming.socket.destroy()
    }
    let answer
    if (fault?.kind === 'status')
      answer = { status: +fault.argument, headers: { 'content-type': 'text/plain' }, body: 'the test wants this' }
    else if (fault?.kind === 'html')
      answer = { status: 200, headers: { 'content-type': 'text/html' }, body: '<html><body>Please log in</body></html>' }
    else if (viaEst)
      answer = est(store, viaEst, request, fault)
    else if (viaDogtag)
      answer = dogtag.answer(viaDogtag, request, fault)
    else if (viaKra)
      answer = kra(store, viaKra, request, dogtag.origin)
    else
      answer = { status: 404, headers: { 'content-type': 'text/html' }, body: '<html>HTTP Status 404 - Not Found</html>' }
    answer = spoil(fault, answer)
    say(answer?.status ?? 'dropped-after')
    if (!answer)
      return incoming.socket.destroy()
    if (fault?.kind === 'late')
      await new Promise(done => setTimeout(done, +fault.argument))
    response.writeHead(answer.status, answer.headers)
    response.end(answer.body)
  })
  const before = fs.existsSync(store.path('port')) ? +store.read('port') : 0
  server.listen(before, '127.0.0.1', () => {
    dogtag.origin = `https://localhost:${server.address().port}`
    store.write('port', String(server.address().port))
    store.write('ready', '')
  })
}

function find(id) {
  const found = id === '-' ? store.requests().at(-1) : store.request(id)
  if (!found)
    throw new Error(`there is no request ${id}`)
  return found
}

switch (act) {
  case 'serve':
    fs.rmSync(store.path('ready'), { force: true })
    serve(args[0] === 'v1')
    break
  case 'issue': {
    const [usage, days] = args[0].split(':')
    const { csr } = store.checkCsr(fs.readFileSync(args[1], 'utf8'))
    process.stdout.write(store.issue(csr, usage, days ?? 365).pem + store.read('issuer.pem'))
    break
  }
  case 'requests':
    for (const { id, status, profile } of store.requests())
      console.log(id, status, profile)
    break
  case 'approve':
    store.approve(find(args[0]))
    break
  case 'reject':
    store.saveRequest({ ...find(args[0]), status: 'rejected' })
    break
  case 'status': {
    const serial = new crypto.X509Certificate(fs.readFileSync(args[0])).serialNumber
    const { status, reason } = store.cert(`0x${serial.toLowerCase()}`)
    console.log(status, reason ?? '')
    break
  }
  default:
    throw new Error(`there is no act ${act}`)
}
