# SPDX-License-Identifier: MIT
"""Messages that two readers may take for different numbers of requests: what is said of their length, their lines or their
whereabouts can be read in more than one way. ROWS has (name, bytes) of each.

In them @M is the path that the message asks for, @S the path of a request that is one only for some readers, and @A, at the end
of each, the path of a request that is one for everybody."""

SMUGGLED = b"GET @S HTTP/1.1\r\nHost: x\r\n\r\n"
HONEST = b"GET @A HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
PATH_SIZE = 6  # of what @S becomes: /s/123
SMUGGLED_SIZE = len(SMUGGLED) - len(b"@S") + PATH_SIZE


def head(*fields, line=b"POST @M HTTP/1.1", host=b"Host: x"):
    lines = [line, *([host] if host is not None else []), *fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"


def either(coding):
    """A body by its length, in which a reader of chunks sees its end, and then a request."""
    return head(b"Content-Length: %d" % (5 + SMUGGLED_SIZE), coding) + b"0\r\n\r\n" + SMUGGLED


def short(coding):
    """Chunks, in which a reader of lengths sees four bytes, and then a request."""
    chunk = b"%x\r\n" % SMUGGLED_SIZE + SMUGGLED + b"\r\n0\r\n\r\n"
    return head(b"Content-Length: 4", coding) + chunk


def coded(coding, version=b"1.1"):
    """The same without a length: who sees no chunks sees no body."""
    line = b"POST @M HTTP/" + version
    return head(coding, line=line) + b"%x\r\n" % SMUGGLED_SIZE + SMUGGLED + b"\r\n0\r\n\r\n"


def length(field):
    """A body of five bytes, or none, or one that takes in the next request."""
    return head(field) + b"GET /"


def sized(field):
    """A body that is a request for whoever does not see the length."""
    return head(field % SMUGGLED_SIZE) + SMUGGLED


def chunks(body):
    return head(b"Transfer-Encoding: chunked") + body


def hidden(before, behind):
    """A request in the data of a chunk, which some readers end earlier or later."""
    return chunks(before + SMUGGLED + behind)


def line(text):
    return head(line=text)


def field(text):
    return head(text, line=b"GET @M HTTP/1.1")


def host(*fields, target=b"@M", version=b"1.1"):
    return head(*fields, line=b"GET " + target + b" HTTP/" + version, host=None)


CODINGS = {
    "plain": b"Transfer-Encoding: chunked",
    "in capitals": b"TRANSFER-ENCODING: CHUNKED",
    "behind two spaces": b"Transfer-Encoding:  chunked",
    "behind a tab": b"Transfer-Encoding:\tchunked",
    "before a space": b"Transfer-Encoding: chunked ",
    "before a vertical tab": b"Transfer-Encoding: chunked\x0b",
    "behind a vertical tab": b"Transfer-Encoding: \x0bchunked",
    "behind a form feed": b"Transfer-Encoding: \x0cchunked",
    "without a space": b"Transfer-Encoding:chunked",
    "not quite its name": b"Transfer-Encoding: xchunked",
    "half its name": b"Transfer-Encoding: chunk",
    "of no name": b"Transfer-Encoding:",
    "unknown": b"Transfer-Encoding: cow",
    "identity": b"Transfer-Encoding: identity",
    "before identity": b"Transfer-Encoding: chunked, identity",
    "behind identity": b"Transfer-Encoding: identity, chunked",
    "twice in a list": b"Transfer-Encoding: chunked, chunked",
    "behind gzip": b"Transfer-Encoding: gzip, chunked",
    "before gzip": b"Transfer-Encoding: chunked, gzip",
    "behind a comma": b"Transfer-Encoding: , chunked",
    "before a comma": b"Transfer-Encoding: chunked,",
    "with a parameter": b"Transfer-Encoding: chunked;q=1",
    "quoted": b'Transfer-Encoding: "chunked"',
    "quoted once": b"Transfer-Encoding: 'chunked'",
    "with a NUL inside": b"Transfer-Encoding: chun\0ked",
    "with a NUL behind": b"Transfer-Encoding: chunked\0",
    "with a byte of 8 bits": b"Transfer-Encoding: \xc2\xa0chunked",
    "with a bare CR": b"Transfer-Encoding: chunked\r",
    "in two fields": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity",
    "in two fields, the other way": b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "in two equal fields": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "with a space before the colon": b"Transfer-Encoding : chunked",
    "with a tab before the colon": b"Transfer-Encoding\t: chunked",
    "with a NUL before the colon": b"Transfer-Encoding\0: chunked",
    "with a semicolon before the colon": b"Transfer-Encoding;: chunked",
    "behind a space": b" Transfer-Encoding: chunked",
    "behind a colon": b":Transfer-Encoding: chunked",
    "folded": b"Transfer-Encoding:\r\n chunked",
    "folded by a tab": b"Transfer-Encoding:\r\n\tchunked",
    "folded into the field before": b"X-One: a\r\n Transfer-Encoding: chunked",
    "underlined": b"Transfer_Encoding: chunked",
    "behind a bare LF": b"X-One: a\nTransfer-Encoding: chunked",
    "behind a bare CR": b"X-One: a\rTransfer-Encoding: chunked",
    "named by Connection": b"Transfer-Encoding: chunked\r\nConnection: transfer-encoding",
}
ROWS = [("length and a coding " + name, either(coding)) for name, coding in CODINGS.items()]
ROWS += [("a short length and a coding " + name, short(CODINGS[name])) for name in
         ("plain", "not quite its name", "behind a vertical tab", "with a space before the colon", "folded", "in two fields",
          "behind a bare LF", "before identity")]
ROWS += [("a coding " + name, coded(CODINGS[name])) for name in
         ("plain", "in capitals", "before a space", "behind identity", "twice in a list", "with a parameter", "in two equal fields",
          "with a bare CR", "named by Connection", "unknown")]
ROWS += [
    ("a coding in HTTP/1.0", coded(CODINGS["plain"], b"1.0")),
    ("a coding in HTTP/1.0 that is kept", coded(CODINGS["plain"] + b"\r\nConnection: keep-alive", b"1.0")),

    ("a length with a plus", length(b"Content-Length: +5")),
    ("a length with a minus", length(b"Content-Length: -5")),
    ("a length with a zero before it", length(b"Content-Length: 05")),
    ("a length in octal or decimal", sized(b"Content-Length: 00%d")),
    ("a length in hexadecimal", length(b"Content-Length: 0x5")),
    ("a length with a space in it", length(b"Content-Length: 5 0")),
    ("a length with a comma", length(b"Content-Length: 5,")),
    ("two equal lengths in a list", length(b"Content-Length: 5, 5")),
    ("two lengths in a list", length(b"Content-Length: 5, 0")),
    ("two equal lengths", length(b"Content-Length: 5\r\nContent-Length: 5")),
    ("two lengths", sized(b"Content-Length: %d\r\nContent-Length: 0")),
    ("two lengths, the other way", sized(b"Content-Length: 0\r\nContent-Length: %d")),
    ("a length with a fraction", length(b"Content-Length: 5.0")),
    ("a length with an exponent", length(b"Content-Length: 5e0")),
    ("a length that is empty", length(b"Content-Length:")),
    ("a length beyond 2^64", length(b"Content-Length: 18446744073709551621")),
    ("a length beyond 2^63", length(b"Content-Length: 9223372036854775813")),
    ("a length in other digits", length("Content-Length: ５".encode())),
    ("a length before a tab", length(b"Content-Length: 5\t")),
    ("a length before a NUL", length(b"Content-Length: 5\x00")),
    ("a length behind a vertical tab", length(b"Content-Length: \x0b5")),
    ("a length with a space before the colon", sized(b"Content-Length : %d")),
    ("a length with a tab before the colon", sized(b"Content-Length\t: %d")),
    ("a length behind a space", sized(b" Content-Length: %d")),
    ("a length that is folded", sized(b"Content-Length:\r\n %d")),
    ("a length that goes on behind a fold", sized(b"Content-Length: %d\r\n 0")),
    ("a length underlined", sized(b"Content_Length: %d")),
    ("a length behind a bare LF", sized(b"X-One: a\nContent-Length: %d")),
    ("a length behind a bare CR", sized(b"X-One: a\rContent-Length: %d")),
    ("a length named by Connection", sized(b"Content-Length: %d\r\nConnection: content-length")),
    ("a length of GET", head(b"Content-Length: %d" % SMUGGLED_SIZE, line=b"GET @M HTTP/1.1") + SMUGGLED),
    ("a length of HEAD", head(b"Content-Length: %d" % SMUGGLED_SIZE, line=b"HEAD @M HTTP/1.1") + SMUGGLED),
    ("a length of OPTIONS", head(b"Content-Length: %d" % SMUGGLED_SIZE, line=b"OPTIONS @M HTTP/1.1") + SMUGGLED),
    ("a length of CONNECT", head(b"Content-Length: %d" % SMUGGLED_SIZE, line=b"CONNECT x:80 HTTP/1.1") + SMUGGLED),

    ("a chunk's size with a prefix", hidden(b"0x%x\r\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's size with a plus", hidden(b"+%x\r\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's size below zero", hidden(b"-1\r\n", b"\r\n0\r\n\r\n")),
    ("a chunk's size behind a space", hidden(b" %x\r\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's size before a space", hidden(b"%x \r\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's size before a tab", hidden(b"%x\t\r\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's size in two parts", hidden(b"0_%x\r\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's size of 17 digits", hidden(b"%017x\r\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's size of 16 digits", hidden(b"%016x\r\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's size beyond 2^64", hidden(b"1%016x\r\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's size beyond 2^32", hidden(b"1%08x\r\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk without a size", hidden(b"\r\n", b"\r\n0\r\n\r\n")),
    ("a chunk's size that is none", hidden(b"size\r\n", b"\r\n0\r\n\r\n")),
    ("a chunk's size before a bare LF", hidden(b"%x\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's size before two CR", hidden(b"%x\r\r\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's size before a bare CR", hidden(b"%x\rX" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's size before a NUL", hidden(b"%x\0\r\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's extension", hidden(b"%x;a=b\r\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's extension behind a space", hidden(b"%x ;a\r\n" % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's extension, quoted", hidden(b'%x;a="b;c"\r\n' % SMUGGLED_SIZE, b"\r\n0\r\n\r\n")),
    ("a chunk's extension with a bare LF", chunks(b"2;\nxx\r\n%x\r\n0\r\n\r\n" % (4 + SMUGGLED_SIZE) + SMUGGLED)),
    ("a chunk's extension with a bare CR", chunks(b"2;\rxx\r\n%x\r\n0\r\n\r\n" % (4 + SMUGGLED_SIZE) + SMUGGLED)),
    ("a chunk's extension with CRLF in quotes", chunks(b'5;a="\r\nGET /\r\n0\r\n\r\n')),
    ("a chunk's extension that is long", chunks(b"5;" + b"a" * 17000 + b"\r\nGET /\r\n0\r\n\r\n")),
    ("a chunk with more than its size", chunks(b"4\r\nGET /\r\n0\r\n\r\n")),
    ("a chunk with less than its size", chunks(b"7\r\nGET /\r\n0\r\n\r\n")),
    ("a chunk before a bare LF", chunks(b"5\r\nGET /\n0\r\n\r\n")),
    ("a chunk before two other bytes", chunks(b"5\r\nGET /xx0\r\n\r\n")),
    ("a chunk before nothing", chunks(b"5\r\nGET /0\r\n\r\n")),
    ("the last chunk before bare LF", chunks(b"0\n\n")),
    ("the last chunk before CRLF and LF", chunks(b"0\r\n\n")),
    ("the last chunk in many zeros", chunks(b"000\r\n\r\n")),
    ("the last chunk with an extension", chunks(b"0;a\r\n\r\n")),
    ("a trailer", chunks(b"0\r\nX-One: a\r\n\r\n")),
    ("a trailer that is a length", chunks(b"0\r\nContent-Length: %d\r\n\r\n" % SMUGGLED_SIZE + SMUGGLED)),
    ("a trailer that is a coding", chunks(b"0\r\nTransfer-Encoding: chunked\r\n\r\n")),
    ("a trailer that is a Host", chunks(b"0\r\nHost: y\r\n\r\n")),
    ("a trailer that is a request", chunks(b"0\r\nGET @S HTTP/1.1\r\nHost: x\r\n\r\n")),
    ("a trailer before a bare LF", chunks(b"0\r\nX-One: a\n\r\n")),
    ("a trailer that is folded", chunks(b"0\r\nX-One: a\r\n b\r\n\r\n")),
    ("a trailer with a space before the colon", chunks(b"0\r\nX-One : a\r\n\r\n")),

    ("a line with two spaces", line(b"GET  @M HTTP/1.1")),
    ("a line with two spaces behind", line(b"GET @M  HTTP/1.1")),
    ("a line with tabs", line(b"GET\t@M\tHTTP/1.1")),
    ("a line with a space behind it", line(b"GET @M HTTP/1.1 ")),
    ("a line with a space before it", line(b" GET @M HTTP/1.1")),
    ("a line without a version", line(b"GET @M")),
    ("a line of four parts", line(b"GET @M @S HTTP/1.1")),
    ("a line of HTTP/1.2", line(b"GET @M HTTP/1.2")),
    ("a line of HTTP/1.10", line(b"GET @M HTTP/1.10")),
    ("a line of HTTP/2.0", line(b"GET @M HTTP/2.0")),
    ("a line of HTTP/0.9", line(b"GET @M HTTP/0.9")),
    ("a line of http/1.1", line(b"GET @M http/1.1")),
    ("a line that is the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    ("a line before a bare LF", b"GET @M HTTP/1.1\nHost: x\n\n"),
    ("a line before a bare CR", b"GET @M HTTP/1.1\rHost: x\r\n\r\n"),
    ("a line behind CRLF", b"\r\n" + line(b"GET @M HTTP/1.1")),
    ("a line behind LF", b"\n" + line(b"GET @M HTTP/1.1")),
    ("a line behind many CRLF", b"\r\n" * 5 + line(b"GET @M HTTP/1.1")),
    ("a target with a fragment", line(b"GET @M#@S HTTP/1.1")),
    ("a target with a NUL", line(b"GET @M\0@S HTTP/1.1")),
    ("a target with a bare CR", line(b"GET @M\r HTTP/1.1")),
    ("a target with a vertical tab", line(b"GET @M\x0b HTTP/1.1")),
    ("a target with bytes of 8 bits", line(b"GET @M\xe2\x82\xac HTTP/1.1")),
    ("a target with quotes", line(b'GET @M"<> HTTP/1.1')),
    ("a target with a backslash", line(b"GET \\@M HTTP/1.1")),
    ("a target with two slashes", line(b"GET /@M HTTP/1.1")),
    ("a target with an escaped CRLF", line(b"GET @M%0d%0aHost:%20y HTTP/1.1")),
    ("a target with an escaped slash", line(b"GET @M%2f..%2f HTTP/1.1")),
    ("a target that goes up", line(b"GET @M/../../s HTTP/1.1")),
    ("a target that is a star", line(b"GET * HTTP/1.1")),
    ("a target without a slash", line(b"GET x@M HTTP/1.1")),
    ("a method in small letters", line(b"get @M HTTP/1.1")),
    ("a method that nobody knows", line(b"JUMP @M HTTP/1.1")),
    ("a method that is no token", line(b"GE(T @M HTTP/1.1")),
    ("the method TRACE", line(b"TRACE @M HTTP/1.1")),
    ("the method CONNECT", head(line=b"CONNECT x:80 HTTP/1.1") + SMUGGLED),

    ("no Host", host()),
    ("no Host in HTTP/1.0", host(version=b"1.0")),
    ("an empty Host", host(b"Host:")),
    ("two Hosts", host(b"Host: x", b"Host: y")),
    ("two equal Hosts", host(b"Host: x", b"Host: x")),
    ("a list of Hosts", host(b"Host: x, y")),
    ("a Host with a path", host(b"Host: x/y")),
    ("a Host with userinfo", host(b"Host: x@y")),
    ("a Host with a space", host(b"Host: x y")),
    ("a Host with a bad port", host(b"Host: x:80:81")),
    ("a Host with a NUL", host(b"Host: x\0y")),
    ("a Host with a space before the colon", host(b"Host : x")),
    ("a Host that is folded", host(b"Host:\r\n x")),
    ("an absolute target", host(b"Host: x", target=b"http://x@M")),
    ("an absolute target of another host", host(b"Host: x", target=b"http://y@M")),
    ("an absolute target without a Host", host(target=b"http://y@M")),
    ("an absolute target with userinfo", host(b"Host: x", target=b"http://a@x@M")),
    ("an absolute target without a host", host(b"Host: x", target=b"http://@M")),

    ("a field with a space before the colon", field(b"X-One : a")),
    ("a field without a colon", field(b"X-One")),
    ("a field without a name", field(b": a")),
    ("a field with a NUL", field(b"X-One: a\0b")),
    ("a field with a bare CR", field(b"X-One: a\rb")),
    ("a field with a bare LF", field(b"X-One: a\nX-Two: b")),
    ("a field with a control", field(b"X-One: a\x01b")),
    ("a field with a byte of 8 bits", field(b"X-One: \xe4")),
    ("a field whose name has 8 bits", field(b"X-\xe4: a")),
    ("a field that is folded", field(b"X-One: a\r\n b")),
    ("a first field that is folded", b"GET @M HTTP/1.1\r\n X-One: a\r\nHost: x\r\n\r\n"),
    ("a field behind which an empty line has a space", field(b"X-One: a\r\n \r\nX-Two: b")),
    ("a head that ends in LF", b"GET @M HTTP/1.1\r\nHost: x\r\n\n"),
    ("a head that ends in CR", b"GET @M HTTP/1.1\r\nHost: x\r\n\r" + SMUGGLED),
    ("Connection that names Host", field(b"Connection: host")),
    ("Connection that closes", head(b"Connection: close", line=b"GET @M HTTP/1.1") + SMUGGLED),
    ("HTTP/1.0 that is not kept", head(line=b"GET @M HTTP/1.0") + SMUGGLED),
    ("HTTP/1.0 that is kept", head(b"Connection: keep-alive", line=b"GET @M HTTP/1.0") + SMUGGLED),
    ("an upgrade to h2c", field(b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk")),
    ("an upgrade with a body", head(b"Connection: Upgrade", b"Upgrade: websocket", b"Content-Length: %d" % SMUGGLED_SIZE) + SMUGGLED),
    ("an Expect with a body", head(b"Expect: 100-continue", b"Content-Length: %d" % SMUGGLED_SIZE) + SMUGGLED),
    ("an Expect without a body", field(b"Expect: 100-continue")),
    ("an Expect of something else", head(b"Expect: y 100-continue", b"Content-Length: %d" % SMUGGLED_SIZE) + SMUGGLED),
    ("an Expect twice", head(b"Expect: 100-continue\r\nExpect: 100-continue", b"Content-Length: %d" % SMUGGLED_SIZE) + SMUGGLED),
]


def name_of(tag):
    """Of the row whose path a tag, such as s/123, is a part of."""
    return ROWS[int(tag.split("/")[1]) - 100][0] if "/" in tag else "a path of nobody's"


def message(number):
    """The bytes of a row, and of the honest request behind it. Numbers have three digits."""
    text = ROWS[number][1] + HONEST
    for letter in (b"M", b"S", b"A"):
        text = text.replace(b"@" + letter, b"/%s/%d" % (letter.lower(), 100 + number))
    return text
