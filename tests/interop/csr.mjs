// SPDX-License-Identifier: Apache-2.0
// @peculiar/x509 and node-forge read certificate requests: signature, subject and its order, alternative names, usages.
//
//   node csr.mjs FILE    FILE has a JSON object a line: {"name", "file", "subject": [["C","AE"],...], "san": ["dns:x"],
//                        "usages": ["digitalSignature"], "extended": ["serverAuth"], "algorithm": "RS256"}
import 'reflect-metadata'
import crypto from 'node:crypto'
import fs from 'node:fs'
import forge from 'node-forge'
import * as x509 from '@peculiar/x509'
import { succeeds, finish } from './agent.mjs'

x509.cryptoProvider.set(crypto.webcrypto)

const oids = {
  '2.5.4.6': 'C', '2.5.4.8': 'ST', '2.5.4.7': 'L', '2.5.4.10': 'O', '2.5.4.11': 'OU', '2.5.4.3': 'CN', '2.5.4.5': 'serialNumber',
  '2.5.4.15': 'businessCategory', '1.3.6.1.4.1.311.60.2.1.3': 'jurisdictionC', '2.5.4.97': 'organizationIdentifier',
  '0.9.2342.19200300.100.1.1': 'UID', '1.2.840.113549.1.9.1': 'emailAddress'
}
const usageBits = ['digitalSignature', 'nonRepudiation', 'keyEncipherment', 'dataEncipherment', 'keyAgreement']
const extendedOids = { '1.3.6.1.5.5.7.3.1': 'serverAuth', '1.3.6.1.5.5.7.3.2': 'clientAuth' }
const forgeAlgorithms = { '1.2.840.113549.1.1.11': 'RS256', '1.2.840.113549.1.1.13': 'RS512' }

function equal(what, got, wanted) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)]
  if (a !== b)
    throw new Error(`${what}: ${a}, wanted ${b}`)
}

async function peculiar(wanted, pem) {
  const request = new x509.Pkcs10CertificateRequest(pem)
  if (!await request.verify())
    throw new Error('its signature does not verify')
  // An RDN each, the attribute's name or OID with its values.
  equal('subject', request.subjectName.toJSON().map(rdn => Object.entries(rdn).map(([type, values]) => [oids[type] ?? (type === 'E' ? 'emailAddress' : type), ...values])),
    wanted.subject.map(([type, value]) => [[type, value]]))
  const find = type => request.extensions.find(extension => extension instanceof type)
  equal('alternative names', (find(x509.SubjectAlternativeNameExtension)?.names.items ?? []).map(name => `${name.type}:${name.value}`), wanted.san)
  const bits = find(x509.KeyUsagesExtension)?.usages ?? 0
  equal('key usage', usageBits.filter((_, i) => bits & 1 << i), wanted.usages)
  equal('extended key usage', (find(x509.ExtendedKeyUsageExtension)?.usages ?? []).map(oid => extendedOids[oid] ?? oid), wanted.extended)
  const { name, hash } = request.signatureAlgorithm
  equal('algorithm', `${name.startsWith('RSA') ? 'RS' : 'ES'}${hash.name.slice(4)}`, wanted.algorithm)
  return true
}

function nodeForge(wanted, pem) {
  const request = forge.pki.certificationRequestFromPem(pem)
  if (!request.verify())
    throw new Error('its signature does not verify')
  equal('subject', request.subject.attributes.map(({ type, value }) => [oids[type] ?? type, forge.util.decodeUtf8(value)]), wanted.subject)
  const extensions = request.getAttribute({ name: 'extensionRequest' })?.extensions ?? []
  const find = name => extensions.find(extension => extension.name === name)
  equal('alternative names', (find('subjectAltName')?.altNames ?? []).map(name => (name.type === 7 ? `ip:${name.ip}` : `dns:${name.value}`)), wanted.san)
  equal('key usage', usageBits.filter(name => find('keyUsage')?.[name]), wanted.usages)
  equal('extended key usage', ['serverAuth', 'clientAuth'].filter(name => find('extKeyUsage')?.[name]), wanted.extended)
  equal('algorithm', forgeAlgorithms[request.signatureOid], wanted.algorithm)
  return true
}

for (const line of fs.readFileSync(process.argv[2], 'utf8').split('\n').filter(Boolean)) {
  const wanted = JSON.parse(line)
  const pem = fs.readFileSync(wanted.file, 'utf8')
  await succeeds(`@peculiar/x509 reads ${wanted.name}`, () => peculiar(wanted, pem))
  if (wanted.algorithm.startsWith('RS')) // node-forge has no EC
    await succeeds(`node-forge reads ${wanted.name}`, () => nodeForge(wanted, pem))
}
finish()
