// SPDX-License-Identifier: MIT
// ws of node as a server, which does what the path says: ws_serve.js [OPTIONS-OF-COMPRESSION]. Says its port.
const { WebSocketServer } = require('ws');
const server = new WebSocketServer({ port: 0, host: '127.0.0.1', perMessageDeflate: process.argv[2] ? JSON.parse(process.argv[2]) : false });

const paths = {
    '/ping': socket => {
        socket.on('pong', data => socket.close(4001, 'there: ' + data));
        socket.ping('there?\x1b[2J');
    },
    '/evil': socket => {
        socket.send('\x1b[31mred\x07\r\nGr\u00fc\u00dfe \u201cso\u201d\u202e');
        socket.send(Buffer.from([0, 1, 27, 255]));
        socket.close(1000, 'bye\x1b[2J');
    },
    '/asked': (socket, request) => {
        socket.send(JSON.stringify([socket.protocol, request.headers.origin, request.headers['x-one'], request.headers['x-two']]));
        socket.close();
    },
    '/long': socket => {
        socket.send('x'.repeat(3000000));
        socket.close(1000);
    },
    '/away': socket => socket.close(1001),
    '/lost': socket => socket.terminate(),
    '/wrong': socket => socket._socket.write(Buffer.from([0x91, 0])),
    '/echo': socket => socket.on('message', (data, isBinary) => socket.send(data, { binary: isBinary }))
};
server.on('connection', (socket, request) => paths[request.url](socket, request));
server.on('listening', () => console.log(server.address().port));
