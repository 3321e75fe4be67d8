// SPDX-License-Identifier: Apache-2.0
// The test CA's keys, requests and certificates: files in one directory, read again for each use, so that whoever restarts the
// CA, or decides about a request by hand, finds them. The openssl program issues.
import crypto from 'node:crypto'
import fs from 'node:fs'
import { execFileSync } from 'node:child_process'

const usages = {
  server: ['digitalSignature,keyEncipherment', 'serverAuth'],
  client: ['digitalSignature', 'clientAuth'],
  both: ['digitalSignature,keyEncipherment', 'serverAuth,clientAuth'],
  sign: ['digitalSignature,nonRepudiation', null],
  enc: ['keyEncipherment,dataEncipherment', null],
}

// What a profile issues. manual: an agent decides; agent: done at once for an agent, refused to others.
export const profiles = {
  caServerCert: { name: 'Manual Server Certificate Enrollment', usage: 'server', days: 720, keyType: 'rsa', approval: 'manual' },
  caECServerCert: { name: 'Manual Server Certificate Enrollment with ECC keys', usage: 'server', days: 720, keyType: 'ec', approval: 'manual' },
  caUserCert: { name: 'Manual User Dual-Use Certificate Enrollment', usage: 'client', days: 180, approval: 'manual' },
  caAgentServerCert: { name: 'Agent-Authenticated Server Certificate Enrollment', usage: 'server', days: 720, approval: 'agent' },
  caSigningCert: { name: 'Manual Signing Certificate Enrollment', usage: 'sign', days: 398, approval: 'manual' },
  caEncryptionCert: { name: 'Manual Encryption Certificate Enrollment', usage: 'enc', days: 398, approval: 'manual' },
  estServiceCert: { name: 'Enrollment over Secure Transport', usage: 'both', days: 90, approval: 'none' },
}
// EST labels, beside the one without a name.
export const labels = { server: 'server', client: 'client', both: 'both', sign: 'sign', enc: 'enc' }

const pemOf = (type, der) =>
  `-----BEGIN ${type}-----\n${der.toString('base64').replace(/(.{64})/g, '$1\n').replace(/\n$/, '')}\n-----END ${type}-----\n`
const derOf = pem => Buffer.from(pem.replace(/-----[^-]+-----|\s/g, ''), 'base64')
const openssl = (args, input) => execFileSync('openssl', args, { input, stdio: ['pipe', 'pipe', 'pipe'] })

export class Refusal extends Error {}

export class Store {
  constructor(dir) {
    this.dir = dir
    fs.mkdirSync(`${dir}/requests`, { recursive: true })
    fs.mkdirSync(`${dir}/certs`, { recursive: true })
    fs.mkdirSync(`${dir}/keys`, { recursive: true })
    if (!fs.existsSync(`${dir}/server.pem`))
      this.#make()
  }

  path(name) { return `${this.dir}/${name}` }
  read(name) { return fs.readFileSync(this.path(name), 'utf8') }
  write(name, text) {
    fs.writeFileSync(this.path(`${name}.new`), text, { mode: 0o600 })
    fs.renameSync(this.path(`${name}.new`), this.path(name))
  }

  // A root, an issuing CA, the CA's own server and the two users with their passwords, USER:PASSWORD.
  #make() {
    const ca = 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'
    for (const [name, subject, parent, extensions] of [
      ['root', '/O=Test CA/CN=Test root', null, ca],
      ['issuer', '/O=Test CA/CN=Test issuing CA', 'root', `${ca}authorityKeyIdentifier=keyid\n`],
      ['server', '/O=Test CA/CN=localhost', 'issuer', 'keyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth\n' +
        'subjectAltName=DNS:localhost,IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n'],
      ['transport', '/O=Test CA/CN=KRA transport', 'issuer', 'keyUsage=critical,keyEncipherment,dataEncipherment\nauthorityKeyIdentifier=keyid\n'],
    ]) {
      const key = this.path(`${name}.key`)
      this.write('extensions', extensions)
      const csr = openssl(['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', key, '-subj', subject])
      const signer = parent ? ['-CA', this.path(`${parent}.pem`), '-CAkey', this.path(`${parent}.key`)] : ['-signkey', key]
      this.write(`${name}.pem`, openssl(['x509', '-req', ...signer, '-days', '3650', '-sha256', '-set_serial', this.#serial(),
        '-extfile', this.path('extensions')], csr))
    }
    for (const user of ['est-user', 'agent'])
      this.write(user, `${user}:${crypto.randomBytes(12).toString('hex')}\n`)
    this.write('bundle.pem', this.read('issuer.pem') + this.read('root.pem'))
    this.write('server.pem', this.read('server.pem') + this.read('issuer.pem'))
  }

  #serial() {
    const bytes = crypto.randomBytes(8)
    bytes[0] = bytes[0] & 0x7f | 0x40
    return `0x${bytes.toString('hex')}`
  }

  // text: PEM or the base64 alone. The request as PEM, its signature good, and not too weak.
  checkCsr(text) {
    const csr = pemOf('CERTIFICATE REQUEST', derOf(text))
    let words
    try {
      openssl(['req', '-verify', '-noout'], csr)
      words = openssl(['req', '-noout', '-text'], csr).toString()
    } catch {
      throw new Refusal('Invalid PKCS #10 request')
    }
    const bits = +words.match(/Public-Key: \((\d+) bit\)/)?.[1]
    const type = /rsaEncryption|rsassaPss/.test(words) ? 'rsa' : 'ec'
    if (type === 'rsa' && bits < 2048)
      throw new Refusal(`Key size ${bits} is too small`)
    return { csr, type }
  }

  // The certificate's record. otherKey: for a key that nobody asked about.
  issue(csr, usage, days, otherKey = false) {
    const id = this.#serial()
    const [keyUsage, extended] = usages[usage]
    const name = `certs/${id}`
    this.write(`${name}.extensions`, 'basicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n' +
      `keyUsage=critical,${keyUsage}\n${extended ? `extendedKeyUsage=${extended}\n` : ''}`)
    if (otherKey)
      csr = openssl(['req', '-new', '-newkey', 'rsa:2048', '-nodes', '-keyout', '/dev/null', '-subj', '/CN=another'])
    const pem = openssl(['x509', '-req', '-CA', this.path('issuer.pem'), '-CAkey', this.path('issuer.key'), '-set_serial', id,
      '-days', String(days), '-sha256', '-extfile', this.path(`${name}.extensions`), '-copy_extensions', 'copy'], csr).toString()
    fs.rmSync(this.path(`${name}.extensions`))
    return this.saveCert({ id, pem, status: 'VALID' })
  }

  #load(name) { return fs.existsSync(this.path(name)) ? JSON.parse(this.read(name)) : undefined }
  #save(name, record) { this.write(name, JSON.stringify(record)); return record }
  saveCert(record) { return this.#save(`certs/${record.id}.json`, record) }
  saveKey(record) { const id = this.#serial(); this.#save(`keys/${id}.json`, record); return id }
  key(id) { return /^0x[0-9a-f]+$/.test(id) ? this.#load(`keys/${id}.json`) : undefined }
  saveRequest(record) { return this.#save(`requests/${record.id}.json`, record) }
  cert(id) { return /^0x[0-9a-f]+$/.test(id) ? this.#load(`certs/${id}.json`) : undefined }
  request(id) { return /^0x[0-9a-f]+$/.test(id) ? this.#load(`requests/${id}.json`) : undefined }
  requests() {
    return fs.readdirSync(this.path('requests')).filter(name => name.endsWith('.json'))
      .map(name => this.#load(`requests/${name}`)).sort((a, b) => a.made - b.made)
  }
  newRequest(values) { return this.saveRequest({ id: this.#serial(), status: 'pending', made: Date.now(), ...values }) }

  approve(request, otherKey) {
    const { usage, days } = profiles[request.profile]
    const cert = this.issue(request.csr, usage, days, otherKey)
    return this.saveRequest({ ...request, status: 'complete', certId: cert.id })
  }

  isRevoked(certificate) {
    return this.cert(`0x${certificate.serialNumber.toLowerCase()}`)?.status !== 'VALID'
  }

  // Certificates alone in a PKCS#7, DER.
  pkcs7(...pems) {
    this.write('pkcs7.in', pems.join(''))
    return openssl(['crl2pkcs7', '-nocrl', '-certfile', this.path('pkcs7.in'), '-outform', 'DER'])
  }
}
