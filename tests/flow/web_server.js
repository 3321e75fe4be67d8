// SPDX-License-Identifier: Apache-2.0
// HTTPS by node: web_server.js serve PORT CHAIN KEY, or web_server.js ask URL ROOT CHAIN KEY, which prints the answer.
const fs = require('fs');
const https = require('https');

const [act, ...rest] = process.argv.slice(2);
const read = (path) => fs.readFileSync(path);

if (act === 'serve') {
    const [port, chain, key] = rest;
    https.createServer({ cert: read(chain), key: read(key), minVersion: 'TLSv1.2' },
        (request, response) => response.end('hello from node\n')).listen(Number(port), '127.0.0.1');
} else {
    const [url, root, chain, key] = rest;
    https.get(url, { ca: read(root), cert: read(chain), key: read(key) }, (response) => {
        response.pipe(process.stdout);
    }).on('error', (error) => {
        console.error(error.message);
        process.exitCode = 1;
    });
}
