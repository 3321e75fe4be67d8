// SPDX-License-Identifier: Apache-2.0
// How the test CA misbehaves: the lines of DIR/faults, read again at each request.
//
//   STEP FAULT [ARGUMENT] [xTIMES]     STEP as in the CA's log (submit, approve, simpleenroll, ...), or * for any
//
//   slow MS          does it later, if anybody waits   status CODE     answers that and does nothing
//   late MS          does it, and answers later
//   drop             hangs up and does nothing         drop-after      does it, and hangs up without an answer
//   html             answers 200 with a page of a proxy, and does nothing
//   empty            does it, and answers with nothing in it
//   truncated        does it, and answers with the first half
//   garbage          does it, and answers with bytes that mean nothing
//   huge             does it, and answers with 8 MiB
//   wrong-nonce      (review, review-cert) tells a nonce that isn't the one
//   other-request (review) shows another request than that of the id
//   other-certificate  (review-cert) shows another certificate than that of the id
//   lost-session     forgets all sessions before
//   other-key        (approve, simpleenroll) certifies a key that nobody asked about
//   wait SECONDS     (simpleenroll, simplereenroll) answers 202 with Retry-After
//   reject           (submit) rejects the request
import fs from 'node:fs'

export class Faults {
  #used = new Map()
  constructor(path) { this.path = path }

  // The fault for this request: {kind, argument}, or nothing.
  next(step) {
    if (!fs.existsSync(this.path))
      return undefined
    for (const line of fs.readFileSync(this.path, 'utf8').split('\n')) {
      const words = line.trim().split(/\s+/)
      if (words[0] !== step && words[0] !== '*')
        continue
      const times = /^x\d+$/.test(words.at(-1)) ? +words.at(-1).slice(1) : Infinity
      const used = this.#used.get(line) ?? 0
      if (used >= times)
        continue
      this.#used.set(line, used + 1)
      return { kind: words[1], argument: words[2] }
    }
    return undefined
  }
}

// The answer as it will be sent: {status, headers, body}, or null to hang up.
export function spoil(fault, answer) {
  switch (fault?.kind) {
    case 'drop-after':
      return null
    case 'empty':
      return { ...answer, body: '' }
    case 'truncated':
      return { ...answer, body: Buffer.from(answer.body).subarray(0, Buffer.byteLength(answer.body) / 2) }
    case 'garbage':
      return { ...answer, body: Buffer.from([0xff, 0xfe, 0x00, 0x7b, 0x22, 0x80, 0x5b, 0x5b]) }
    case 'huge':
      return { ...answer, body: Buffer.alloc(8 << 20, 0x20) }
    default:
      return answer
  }
}
