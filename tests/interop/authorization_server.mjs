// SPDX-License-Identifier: Apache-2.0
// An authorization server with the settings of FAPI 2.0 message signing, as the ecosystems of Open Finance run it: PAR with a
// signed request object, private_key_jwt, tokens bound to the client's certificate, and the user consents to everything.
//
//   node authorization_server.mjs DIR    DIR has server.key, server.pem, root.pem, client.json (client_id, redirect_uri), and
//                                        sig1.pem, the certificate of the key that the client signs with
//
// Writes DIR/port once it listens on https://localhost:PORT, its issuer.
import fs from 'node:fs'
import https from 'node:https'
import crypto from 'node:crypto'
import Provider from 'oidc-provider'

const dir = process.argv[2]
const read = name => fs.readFileSync(`${dir}/${name}`)
const client = JSON.parse(read('client.json'))
const certificate = new crypto.X509Certificate(read('sig1.pem'))
// As the directory of the UAE names keys.
const kid = crypto.createHash('sha256').update(certificate.raw).digest('base64url')
const clientKey = { ...certificate.publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'PS256' }
const signing = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
const resource = 'https://resource.example'

function configuration() {
  return {
    clients: [{
      client_id: client.client_id,
      redirect_uris: [client.redirect_uri],
      jwks: { keys: [clientKey] },
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'PS256',
      request_object_signing_alg: 'PS256',
      id_token_signed_response_alg: 'PS256',
      grant_types: ['authorization_code', 'client_credentials'],
      response_types: ['code'],
      tls_client_certificate_bound_access_tokens: true,
      require_signed_request_object: true,
      authorization_details_types: ['account-access'],
      scope: 'openid accounts',
    }],
    jwks: { keys: [{ ...signing, alg: 'PS256', use: 'sig', kid: 'server-sig' }] },
    scopes: ['openid', 'accounts'],
    enabledJWA: {
      clientAuthSigningAlgValues: ['PS256'],
      requestObjectSigningAlgValues: ['PS256'],
      idTokenSigningAlgValues: ['PS256'],
    },
    features: {
      devInteractions: { enabled: false },
      fapi: { enabled: true, profile: '2.0' },
      pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true },
      requestObjects: { enabled: true, requireSignedRequestObject: true },
      clientCredentials: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        getCertificate: ctx => ctx.socket.getPeerX509Certificate(),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => resource,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: 'accounts', audience: resource, accessTokenFormat: 'jwt', accessTokenTTL: 600,
          jwt: { sign: { alg: 'PS256' } },
        }),
      },
      richAuthorizationRequests: {
        enabled: true,
        types: { 'account-access': { validate: () => {} } },
        // As asked for, all along.
        authorizationDetailsForGrantSource: ctx => ctx.oidc.params.authorization_details && JSON.parse(ctx.oidc.params.authorization_details),
        authorizationDetailsForAccessToken: (ctx, token, source) => source?.rar,
        authorizationDetailsForIntrospection: (ctx, token) => token.rar,
      },
    },
    pkce: { required: () => true },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
    // The user is logged in and has consented.
    interactions: { url: (ctx, interaction) => `/consent/${interaction.uid}` },
    ttl: { Interaction: 600, Grant: 600, Session: 600 },
  }
}

const server = https.createServer({
  key: read('server.key'), cert: read('server.pem'), ca: read('root.pem'),
  requestCert: true, rejectUnauthorized: true, minVersion: 'TLSv1.2',
})
server.listen(0, 'localhost', () => {
  const issuer = `https://localhost:${server.address().port}`
  const provider = new Provider(issuer, configuration())
  const handle = provider.callback()
  provider.on('server_error', (ctx, error) => console.error('server_error', error))
  provider.on('pushed_authorization_request.error', (ctx, error) => console.error('par', error.message, error.error_detail))
  provider.on('grant.error', (ctx, error) => console.error('grant', error.message, error.error_detail))
  provider.on('authorization.error', (ctx, error) => console.error('authorization', error.message, error.error_detail))
  server.on('request', async (request, response) => {
    if (!request.url.startsWith('/consent/'))
      return handle(request, response)
    const { params, prompt, grantId, session } = await provider.interactionDetails(request, response)
    let grant = grantId ? await provider.Grant.find(grantId) : new provider.Grant({ accountId: 'user1', clientId: params.client_id })
    grant.addOIDCScope('openid accounts')
    grant.addResourceScope(resource, 'accounts')
    if (params.authorization_details && !grant.rar)
      for (const detail of JSON.parse(params.authorization_details))
        grant.addRar(detail)
    const result = { login: { accountId: session?.accountId ?? 'user1' }, consent: { grantId: await grant.save() } }
    await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true })
  })
  fs.writeFileSync(`${dir}/port.new`, String(server.address().port))
  fs.renameSync(`${dir}/port.new`, `${dir}/port`)
})
