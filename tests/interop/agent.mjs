// SPDX-License-Identifier: Apache-2.0
// What the judges' scripts share: requests to the agent, and TAP's lines.
import http from 'node:http'

const socketPath = process.env.HSM_AGENT_SOCKET
const keptAlive = new http.Agent({ keepAlive: true })

// Resolves to { status, body }.
export function call(method, path, body) {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? undefined : JSON.stringify(body)
    const headers = text === undefined ? {} : { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text) }
    const request = http.request({ socketPath, method, path, headers, agent: keptAlive }, response => {
      const parts = []
      response.on('data', part => parts.push(part))
      response.on('end', () => {
        const whole = Buffer.concat(parts).toString()
        resolve({ status: response.statusCode, text: whole, body: whole ? JSON.parse(whole) : undefined })
      })
    })
    request.on('error', reject)
    request.end(text)
  })
}

// The body of an answer that has to be 200.
export async function ask(method, path, body) {
  const answer = await call(method, path, body)
  if (answer.status !== 200)
    throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`)
  return answer.body
}

export const b64u = data => Buffer.from(data).toString('base64url')

let failed = 0
export function tell(good, name, why) {
  console.log(`${good ? 'ok' : 'not ok'} ${name}`)
  if (!good) {
    failed++
    console.log(String(why ?? '').split('\n').map(line => `# ${line}`).join('\n'))
  }
}

export async function succeeds(name, what) {
  try {
    const wrong = await what()
    tell(wrong === undefined || wrong === true, name, wrong)
  } catch (error) {
    tell(false, name, error.stack)
  }
}

// what has to throw, with words that match.
export async function refuses(name, words, what) {
  try {
    const value = await what()
    tell(false, name, `it was accepted: ${JSON.stringify(value)}`)
  } catch (error) {
    tell(words.test(`${error.code} ${error.message}`), name, error.stack)
  }
}

export function finish() {
  keptAlive.destroy()
  process.exitCode = failed ? 1 : 0
}
