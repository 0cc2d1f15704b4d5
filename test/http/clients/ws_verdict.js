// SPDX-License-Identifier: MIT
// What ws of node makes of streams of bytes: lines as test/http/ws_verdict.c writes them come in, and its own verdicts go out.
// Usage: ws_verdict.js LIMIT
const path = require('path');
const readline = require('readline');
const library = path.join(path.dirname(require.resolve('ws')), 'lib');
const Receiver = require(path.join(library, 'receiver.js'));
const PerMessageDeflate = require(path.join(library, 'permessage-deflate.js'));
const { kStatusCode } = require(path.join(library, 'constants.js'));
const limit = Number(process.argv[2]);

function show(data) {
    if (data.length <= 64) return data.toString('hex');
    let hash = 2166136261;
    for (const byte of data) hash = Math.imul(hash ^ byte, 16777619) >>> 0;
    return '#' + data.length + '.' + hash.toString(16).padStart(8, '0');
}

// Made anew each time, since ws changes them.
const terms = {
    deflate: () => ({ server_no_context_takeover: [true], client_no_context_takeover: [true] }),
    takeover: () => ({ server_max_window_bits: ['10'], client_max_window_bits: ['10'] })
};

function extensions(isServer, kind) {
    const deflate = new PerMessageDeflate({}, isServer, limit);
    deflate.accept([terms[kind]()]);
    return { [PerMessageDeflate.extensionName]: deflate };
}

function judge(isServer, kind, data) {
    return new Promise(resolve => {
        const receiver = new Receiver({ isServer, extensions: terms[kind] ? extensions(isServer, kind) : {}, maxPayload: limit });
        let said = '', end = 'end:1006:unclean';
        receiver.on('message', (message, isBinary) => said += (isBinary ? 'binary:' : 'text:') + show(message) + ' ');
        receiver.on('ping', payload => said += 'ping:' + show(payload) + ' ');
        receiver.on('pong', payload => said += 'pong:' + show(payload) + ' ');
        receiver.on('conclude', (code, reason) => end = 'end:' + code + ':' + reason.toString('hex') + ':clean');
        receiver.on('error', error => {
            end = 'end:' + error[kStatusCode] + ':unclean';
            resolve(said + end);
        });
        receiver.on('finish', () => resolve(said + end));
        receiver.end(data);
    });
}

(async () => {
    for await (const line of readline.createInterface({ input: process.stdin })) {
        const [side, kind, bytes] = line.split('\t')[0].split(' ');
        console.log(await judge(side === 'server', kind, Buffer.from(bytes, 'hex')));
    }
})();
