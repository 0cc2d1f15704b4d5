// SPDX-License-Identifier: MIT
// ws of node: ws_node.js PORT. What works with it, as JSON.
const WebSocket = require('ws');
const site = 'ws://127.0.0.1:' + process.argv[2];

const talk = (path, options, said) => new Promise((resolve, reject) => {
    const socket = new WebSocket(site + path, options.subprotocols || [], options);
    socket.on('open', () => options.begin(socket));
    socket.on('message', (data, isBinary) => options.heard(socket, isBinary ? data : data.toString()));
    socket.on('pong', data => said.push('pong ' + data));
    socket.on('close', (code, reason) => resolve(said.push([code, reason.toString()])));
    socket.on('unexpected-response', (request, response) => {
        request.destroy();
        resolve(said.push(response.statusCode));
    });
    socket.on('error', reject);
});

(async () => {
    const said = [];
    const large = Buffer.alloc(3000000, 'x');
    await talk('/echo', {
        perMessageDeflate: false,
        subprotocols: ['two'],
        begin: socket => {
            said.push(socket.protocol);
            socket.ping('there?');
            socket.send('Gr', { fin: false });
            socket.send('üße', { fin: true });
            socket.send(large);
        },
        heard: (socket, data) => {
            if (typeof data === 'string') {
                said.push(data);
            } else {
                said.push(large.equals(data));
                socket.close(4002, 'enough');
            }
        }
    }, said);
    await talk('/echo', {
        perMessageDeflate: { threshold: 0 },
        begin: socket => {
            said.push(socket.extensions.split(';')[0]);
            socket.send(large);
        },
        heard: (socket, data) => {
            said.push(large.equals(data));
            socket.close();
        }
    }, said);
    await talk('/close', { begin: socket => socket.send('3000'), heard: () => {} }, said);
    await talk('/echo', { origin: 'null', begin: () => {}, heard: () => {} }, said);
    console.log(JSON.stringify(said));
})();
