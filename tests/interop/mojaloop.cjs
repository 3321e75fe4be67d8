// SPDX-License-Identifier: Apache-2.0
// Mojaloop's own library: its validator judges what the agent signs, its signer makes what the agent judges.
//
//   node mojaloop.cjs    The agent has the keys rsa and ec.
const crypto = require('node:crypto')
const { validator: Validator, signer: Signer } = require('@mojaloop/sdk-standard-components/src/lib/jws')
const { ilpFactory, ILP_VERSIONS } = require('@mojaloop/sdk-standard-components/src/lib/ilp')
// What the library writes bodies with, to sign them and to send them.
const { stringify } = require('safe-stable-stringify')

const quiet = { child: () => quiet }
for (const level of ['debug', 'verbose', 'info', 'warn', 'error', 'log', 'isDebugEnabled'])
  quiet[level] = () => quiet
const b64u = text => Buffer.from(text).toString('base64url')

const message = {
  method: 'POST',
  url: 'https://switch.example/transfers',
  headers: { 'FSPIOP-Source': 'payerfsp', 'FSPIOP-Destination': 'payeefsp', Date: 'Sat, 21 Nov 2026 10:00:00 GMT' },
  body: { transferId: 'b51ec534-ee48-4575-b6a9-ead2955b8069', amount: { currency: 'AED', amount: '100.5' }, payee: 'Zoë', note: 'a/b' },
}

async function main() {
  const { ask, call, succeeds, refuses, finish } = await import('./agent.mjs')
  const pem = async name => (await ask('GET', `/v1/keys/${name}`)).public_key.pem
  const keys = { rsa: await pem('rsa'), ec: await pem('ec') }

  async function sign(key, more = {}) {
    const { body, ...rest } = { ...message, ...more }
    return ask('POST', `/v1/keys/${key}/http-signature`, { profile: key === 'ec' ? 'site/es256' : 'mojaloop', ...rest, body_text: JSON.stringify(body) })
  }
  const lower = headers => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  function judge(key, answer, change = {}) {
    const headers = lower({ ...message.headers, ...answer.headers, ...change.headers })
    for (const [name, value] of Object.entries(headers))
      if (value === undefined)
        delete headers[name]
    const body = change.body ?? JSON.parse(Buffer.from(answer.body, 'base64url'))
    return new Validator({ logger: quiet, validationKeys: { payerfsp: keys[key], otherfsp: keys[key] } }).validate({ headers, body })
  }

  for (const key of ['rsa', 'ec']) {
    const answer = await sign(key)
    await succeeds(`the validator accepts the agent's signature (${key})`, () => judge(key, answer) === true)
    const wrongs = {
      'another body': { body: { ...message.body, amount: { currency: 'AED', amount: '999' } } },
      'another URI': { headers: { 'fspiop-uri': '/quotes' } },
      'another method': { headers: { 'fspiop-http-method': 'PUT' } },
      'another source': { headers: { 'fspiop-source': 'otherfsp' } },
      'another destination': { headers: { 'fspiop-destination': 'otherfsp' } },
      'another date': { headers: { date: 'Sat, 21 Nov 2026 10:00:01 GMT' } },
    }
    for (const [name, change] of Object.entries(wrongs))
      await refuses(`and not over ${name} (${key})`, /./, () => judge(key, answer, change))
  }

  // --- The other way round

  const theirs = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
  const signer = new Signer({ logger: quiet, signingKey: theirs.privateKey.export({ type: 'pkcs8', format: 'pem' }) })
  const request = { headers: lower(message.headers), body: message.body, url: message.url, method: 'POST' }
  signer.sign(request, 'POST')
  const publicPem = theirs.publicKey.export({ type: 'spki', format: 'pem' })
  const verify = (more = {}) => call('POST', '/v1/verify/http-signature', {
    profile: 'mojaloop/request', method: 'POST', url: message.url, headers: { ...request.headers, ...more.headers },
    body_text: stringify(more.body ?? message.body), keys: { payerfsp: publicPem, otherfsp: publicPem }, ...more.top,
  })
  await succeeds("the agent accepts the signer's signature", async () => {
    const answer = await verify()
    return answer.status === 200 || answer.text
  })
  for (const [name, change] of Object.entries({
    'another body': { body: { ...message.body, amount: { currency: 'AED', amount: '999' } } },
    'another URI': { top: { url: 'https://switch.example/quotes' } },
    'another method': { top: { method: 'PUT' } },
    'another source': { headers: { 'fspiop-source': 'otherfsp' } },
    'another destination': { headers: { 'fspiop-destination': 'otherfsp' } },
    'another date': { headers: { date: 'Sat, 21 Nov 2026 10:00:01 GMT' } },
    "another's key": { top: { keys: { payerfsp: keys.rsa } } },
  })) {
    await succeeds(`and not over ${name}`, async () => {
      const answer = await verify(change)
      return answer.status >= 400 && answer.status < 500 || answer.text
    })
  }

  // --- Conditions and fulfilments, with a secret that both know

  const secret = crypto.randomBytes(24).toString('base64')
  await succeeds('a shared secret is imported', async () => {
    const answer = await call('PUT', '/v1/keys/ilp', { type: 'hmac:256', secret: b64u(Buffer.from(secret).toString('base64')) })
    return answer.status === 201 || answer.text
  })
  const party = fspId => ({ partyIdInfo: { partyIdType: 'MSISDN', partyIdentifier: '16135551212', fspId } })
  const transaction = {
    transactionId: crypto.randomUUID(), quoteId: crypto.randomUUID(), payer: party('payerfsp'), payee: party('payeefsp'),
    amount: { currency: 'AED', amount: '100.5' }, note: 'Zoë "\u0001/\u{1f600}', expiration: '2026-11-21T10:00:00.000Z',
    transactionType: { scenario: 'TRANSFER', initiator: 'PAYER', balance: -1.5e-7 },
  }
  for (const [version, profile] of [[ILP_VERSIONS.v4, 'mojaloop/ilp'], [ILP_VERSIONS.v1, 'mojaloop/ilp-v1']]) {
    const ilp = ilpFactory(version, { secret, logger: quiet })
    await succeeds(`the agent's fulfilment and condition are the library's (${profile})`, async () => {
      const wanted = ilp.getResponseIlp(transaction)
      const input = version === ILP_VERSIONS.v4 ? { transaction } : { data: wanted.ilpPacket }
      const answer = await ask('POST', '/v1/keys/ilp/mac', { profile, ...input })
      const same = answer.fulfilment === wanted.fulfilment && answer.condition === wanted.condition
      return (same && ilp.validateFulfil(answer.fulfilment, answer.condition)) || JSON.stringify([answer, wanted])
    })
  }
  finish()
}
main()
