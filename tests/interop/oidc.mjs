// SPDX-License-Identifier: Apache-2.0
// A client of authorization_server.mjs whose keys are the agent's: from the pushed request to the token, over mutual TLS.
//
//   node --openssl-shared-config oidc.mjs DIR PROFILE    DIR has transport.key (a key reference), transport.pem, root.pem, port,
//                                                        client.json; PROFILE has client-assertion and request-object
import fs from 'node:fs'
import https from 'node:https'
import crypto from 'node:crypto'
import { ask, call, tell, succeeds, finish } from './agent.mjs'

const [dir, profile] = process.argv.slice(2)
const read = name => fs.readFileSync(`${dir}/${name}`)
const client = JSON.parse(read('client.json'))
const issuer = `https://localhost:${read('port')}`
const identity = { ca: read('root.pem'), cert: read('transport.pem'), key: read('transport.key') }
const signer = '/v1/keys/sig1/jwt'

function send(method, url, { form, cookies = [], as = identity } = {}) {
  return new Promise((resolve, reject) => {
    const headers = form ? { 'Content-Type': 'application/x-www-form-urlencoded' } : {}
    if (cookies.length)
      headers.Cookie = cookies.join('; ')
    const request = https.request(url, { method, headers, agent: false, ...as }, response => {
      const parts = []
      response.on('data', part => parts.push(part))
      response.on('end', () => {
        for (const line of response.headers['set-cookie'] ?? []) {
          const pair = line.split(';')[0], name = pair.split('=')[0] + '='
          const at = cookies.findIndex(cookie => cookie.startsWith(name))
          at < 0 ? cookies.push(pair) : cookies.splice(at, 1, pair)
        }
        const text = Buffer.concat(parts).toString()
        let body = text
        try { body = JSON.parse(text) } catch {}
        resolve({ status: response.statusCode, body, location: response.headers.location })
      })
    })
    request.on('error', reject)
    request.end(form && new URLSearchParams(form).toString())
  })
}

const assertion = async (claims = {}) =>
  (await ask('POST', signer, { profile: `${profile}/client-assertion`, claims: { aud: issuer, ...claims } })).jwt
const authenticated = async (form, jwt) => ({
  ...form, client_id: client.client_id, client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
  client_assertion: jwt ?? await assertion(),
})
const verifier = crypto.randomBytes(32).toString('base64url')
const details = [{ type: 'account-access', consent: { ConsentId: 'x' } }]
const requestClaims = {
  aud: issuer, client_id: client.client_id, redirect_uri: client.redirect_uri, scope: 'openid accounts',
  response_type: 'code', nonce: crypto.randomUUID(), state: crypto.randomUUID(),
  code_challenge: crypto.createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
  authorization_details: details,
}
const requestObject = async (claims = {}) =>
  (await ask('POST', signer, { profile: `${profile}/request-object`, claims: { ...requestClaims, ...claims } })).jwt
const push = async (jwt, request) =>
  send('POST', `${issuer}/request`, { form: await authenticated({ request: request ?? await requestObject() }, jwt) })

// The user's browser: follows redirects, with its own cookies, until it is sent back to the client.
async function browse(url) {
  const cookies = []
  for (let i = 0; i < 10; i++) {
    if (url.startsWith(client.redirect_uri))
      return new URL(url).searchParams
    const answer = await send('GET', new URL(url, issuer), { cookies })
    if (!answer.location)
      throw new Error(`${url}: ${answer.status} ${JSON.stringify(answer.body)}`)
    url = answer.location
  }
  throw new Error('it goes round in circles')
}

await succeeds('from the pushed request to the token', async () => {
  const pushed = await push()
  tell(pushed.status === 201, 'the pushed request is accepted', JSON.stringify(pushed.body))
  const where = `${issuer}/auth?` + new URLSearchParams({ client_id: client.client_id, request_uri: pushed.body.request_uri })
  const back = await browse(where)
  tell(back.get('state') === requestClaims.state && back.get('iss') === issuer, 'the user comes back with state and iss', back)
  const answer = await send('POST', `${issuer}/token`, { form: await authenticated({
    grant_type: 'authorization_code', code: back.get('code'), redirect_uri: client.redirect_uri, code_verifier: verifier,
  }) })
  tell(answer.status === 200, 'the code is worth a token', JSON.stringify(answer.body))
  const token = JSON.parse(Buffer.from(answer.body.access_token.split('.')[1], 'base64url'))
  const thumbprint = crypto.createHash('sha256').update(new crypto.X509Certificate(identity.cert).raw).digest('base64url')
  tell(token.cnf['x5t#S256'] === thumbprint, "which is bound to the agent's TLS key", JSON.stringify(token))
  tell(JSON.stringify(answer.body.authorization_details) === JSON.stringify(details), 'and has the authorization details')
})

await succeeds('client credentials', async () => {
  const answer = await send('POST', `${issuer}/token`, { form: await authenticated({ grant_type: 'client_credentials', scope: 'accounts' }) })
  return answer.status === 200 || JSON.stringify(answer.body)
})

// --- What the server refuses, so that it is known to look

await succeeds('an assertion is good for once', async () => {
  const jwt = await assertion()
  const first = await push(jwt), second = await push(jwt)
  return (first.status === 201 && second.status === 401) || JSON.stringify([first, second])
})
await succeeds('without the client certificate there is no connection', async () => {
  try {
    const answer = await send('POST', `${issuer}/request`, { as: { ca: identity.ca } })
    return `it was answered with ${answer.status}`
  } catch (error) {
    return /CERTIFICATE_REQUIRED|ECONNRESET|handshake/i.test(`${error.code} ${error.message}`) || error.stack
  }
})

// --- What the agent refuses before

async function refused(name, kind, claims, more = {}) {
  await succeeds(`the agent doesn't sign ${name}`, async () => {
    const answer = await call('POST', signer, { profile: `${profile}/${kind}`, claims: { aud: issuer, ...claims }, ...more })
    return (answer.status >= 400 && answer.status < 500) || answer.text
  })
}
await refused('an assertion for another issuer', 'client-assertion', { iss: 'someone-else' })
await refused('one for another audience', 'client-assertion', { aud: `${issuer}/token/` })
await refused('one that lives for 6 minutes', 'client-assertion', {}, { lifetime: 360 })
await refused('one with an algorithm that is not PS256', 'client-assertion', {}, { algorithm: 'RS256' })
await refused('a request object for 11 minutes', 'request-object', requestClaims, { lifetime: 660 })
await refused('one without a nonce', 'request-object', { ...requestClaims, nonce: undefined })
await refused('one for another client', 'request-object', { ...requestClaims, client_id: 'someone-else' })
finish()
