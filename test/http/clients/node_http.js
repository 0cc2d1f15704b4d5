// node's http module, over one connection: node_http.js PORT
const http = require('http');
const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
const sockets = new Set();

const ask = (method, path, send = request => request.end()) => new Promise((resolve, reject) => {
    const options = { port: process.argv[2], host: '127.0.0.1', method, path, agent };
    const request = http.request(options, answer => {
        let text = '';
        answer.on('data', piece => text += piece).on('end', () => resolve(text));
    });
    request.on('error', reject).on('socket', socket => sockets.add(socket));
    send(request);
});

const inPieces = request => {
    for (const piece of ['one ', 'two ', 'three']) {
        request.write(piece);
    }
    request.end();
};

const afterContinue = request => {
    request.setHeader('Expect', '100-continue');
    request.on('continue', () => request.end('as told'));
    request.flushHeaders();
};

const withTrailers = request => {
    request.setHeader('Trailer', 'X-Sum');
    request.write('body');
    request.addTrailers({ 'X-Sum': '42' });
    request.end();
};

(async () => {
    const said = [
        await ask('GET', '/'),
        await ask('POST', '/echo', request => request.end('sent')),
        await ask('POST', '/mirror', inPieces),
        await ask('POST', '/echo', afterContinue),
        await ask('POST', '/trailer/x-sum', withTrailers),
        await ask('HEAD', '/stream/2'),
        await ask('GET', '/stream/2'),
        await ask('GET', '/later'),
        sockets.size,
    ];
    console.log(JSON.stringify(said));
    agent.destroy();
})();
