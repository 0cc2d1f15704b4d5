// SPDX-License-Identifier: MIT
// ws of node with compression: ws_takeover.js URL OPTIONS. How many messages came back as they were, and what was agreed on, as JSON.
const WebSocket = require('ws');
const socket = new WebSocket(process.argv[2], { perMessageDeflate: { threshold: 0, ...JSON.parse(process.argv[3]) } });
let said = 0, count = 0, last, agreed;

function say() {
    if (said === 200) return socket.close();
    last = JSON.stringify({ number: said, kind: 'price', of: 'ACME' });
    if (said % 7 === 3) {
        for (let i = 0; i < 5000; i++) last += String.fromCharCode(97 + (i * said * 7919 >> 5) % 26);
    }
    said++;
    socket.send(last);
}

socket.on('open', () => {
    agreed = socket._extensions['permessage-deflate'].params;
    say();
});
socket.on('message', data => {
    count += data.toString() === last;
    say();
});
socket.on('close', () => console.log(JSON.stringify([count, agreed])));
