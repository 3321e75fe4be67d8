// SPDX-License-Identifier: Apache-2.0
// The inventory's page in a real browser, without a network: nothing is asked for, nothing complains, what expires first
// is seen first, and axe finds nothing that keeps somebody from reading it.
//
//   node inventory.mjs CHROMIUM PAGE PICTURES    The page is of the keys of tests/flow/37-inventory.sh.
import fs from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { tell, succeeds, finish } from './agent.mjs'

const check = (name, good, why) => tell(good, name, why)
const [executablePath, file, pictures] = process.argv.slice(2)
const url = pathToFileURL(file).href
const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })

// Opens the page and keeps what it says and asks for.
async function open(options) {
  const context = await browser.newContext({ offline: true, ...options })
  const page = await context.newPage()
  const seen = { said: [], asked: [] }
  page.on('console', message => seen.said.push(message.text()))
  page.on('pageerror', error => seen.said.push(error.message))
  page.on('dialog', dialog => { seen.said.push(dialog.message()); dialog.dismiss() })
  page.on('request', request => { if (!request.url().startsWith('data:')) seen.asked.push(request.url()) })
  await page.goto(url, { waitUntil: 'load' })
  return { page, seen }
}

// Each row of the timeline: its text, its class, where its bar ends, and where today is.
const rows = page => page.$$eval('.chart li', items => {
  const today = document.querySelector('.today').getBoundingClientRect().left
  return items.map(item => {
    const bar = item.querySelector('.bar').getBoundingClientRect()
    const track = item.querySelector('.track').getBoundingClientRect()
    return { name: item.querySelector('.who b').textContent, kind: item.className, when: item.querySelector('.when').innerText,
      bar: [bar.left, bar.right], track: [track.left, track.right], today, colour: getComputedStyle(item.querySelector('.when b')).color }
  })
})

const { page, seen } = await open({ viewport: { width: 1300, height: 1000 } })
check('the console is quiet', seen.said.length === 0, seen.said.join('\n'))
check('the page alone is asked for', seen.asked.length === 1 && seen.asked[0] === url, seen.asked.join('\n'))
check('it runs no scripts', await page.evaluate(() => document.scripts.length) === 0)

const timeline = await rows(page)
const names = timeline.map(row => row.name).join(' ')
check('what expires first comes first, and what is disabled or has no certificate is left out', names === 's4 c3 sig4 evil tls enc1', names)
const kinds = timeline.map(row => row.kind).join(' ')
check('each is as near as it is', kinds === 'expired urgent soon later later later', kinds)
check('words say how long', /expired 3 days ago/.test(timeline[0].when) && /in 28 days/.test(timeline[1].when), timeline.map(row => row.when).join('\n'))
check('bars end where their certificates do', timeline.every((row, i) => i === 0 || row.bar[1] >= timeline[i - 1].bar[1]) &&
  timeline[0].bar[1] <= timeline[0].today && timeline.slice(1).every(row => row.bar[1] > row.today), JSON.stringify(timeline))
check('bars stay in their tracks', timeline.every(row => row.bar[0] >= row.track[0] - 1 && row.bar[1] <= row.track[1] + 1))
check('the four kinds have four colours', new Set(timeline.map(row => row.colour)).size === 4, JSON.stringify(timeline.map(row => row.colour)))
const counts = (await page.$$eval('.tiles li', items => items.map(item => item.innerText.replace(/\s+/g, ' ')))).join('; ')
check('the counts are right', /^1 . expired; 1 . within 30 days; 1 . 31 to 90 days; 3 . after 90 days; 2 . no certificate$/.test(counts), counts)
const table = await page.$$eval('tbody tr', items => items.map(item => item.innerText))
check('the table has every version', table.length === 9, table.join('\n'))
check('names are text, whatever they look like', (await page.textContent('tbody')).includes('<script>alert(1)</script> & "friends"') &&
  (await page.textContent('.chart')).includes('<img src=x onerror=alert(2)>'))
await page.screenshot({ path: `${pictures}/wide.png`, fullPage: true })

// What a screen reader is told of the timeline.
const spoken = await page.locator('section', { has: page.locator('#timeline') }).ariaSnapshot()
check('the timeline is a list with names and times', /list/.test(spoken) && /listitem.*c3/.test(spoken) && /in 28 days/.test(spoken), spoken)

for (const [name, options] of [['light', { colorScheme: 'light' }], ['dark', { colorScheme: 'dark' }],
  ['narrow', { viewport: { width: 400, height: 800 } }]]) {
  await succeeds(`axe finds nothing wrong, ${name}`, async () => {
    const { page } = await open({ viewport: { width: 1300, height: 1000 }, bypassCSP: true, ...options })
    const wide = await page.evaluate(() => document.scrollingElement.scrollWidth - window.innerWidth)
    if (wide > 0)
      throw new Error(`the page is ${wide} pixels too wide`)
    await page.screenshot({ path: `${pictures}/${name}.png`, fullPage: true })
    await page.evaluate(axe)
    const found = await page.evaluate(() => window.axe.run())
    if (found.violations.length > 0)
      throw new Error(found.violations.map(v => `${v.id}: ${v.help}: ${v.nodes.map(n => n.html.slice(0, 120)).join(' | ')}`).join('\n'))
    return found.passes.length > 10
  })
}
await browser.close()
finish()
