"""What is put into every place that a SIP peer fills in."""

from __future__ import annotations

import random
from collections.abc import Callable

OWNED = "/tmp/tieline-owned"
"""What the commands below would create, if anything ran them."""

WORDS: list[bytes] = [
    b"${SHELL(touch %s)}" % OWNED.encode(),
    b"`touch %s` $(touch %s)" % (OWNED.encode(), OWNED.encode()),
    b"${CHANNEL} ${CALLERID(all)} $[1+1]",
    b"x}${SHELL(id)}",
    b"x):2:5 ) or (",
    b"%0d%0aAction: Originate%0d%0aChannel: Local/1001@agents%00",
    b"%{x}s %n %s",
    b"& | , ; ^ # ! * ? < > = ~ ' /",
    b'a \\" b \\\\ c',
    b"one, verified, gold",
    b"\x01\x02\x08\x1b[31m\x7f bell\x07 tab\t.",
    b"caf\xe9 \xff\xfe \x80\x9f",
    "李娜 \U0001f389 \u202etfel ot thgir\u2028\u2029\u0085\u200b.".encode(),
    b"\xed\xa0\x80 \xc0\xaf \xf4\x90\x80\x80",
    b"A" * 3500,
    "号".encode() * 900,
    b"agi_arg_1: x",
    b"200 result=1 (x) HANGUP",
    b"520-Invalid",
    b"X-Tieline-Contact: forged",
    b"Variable: TIELINE_DONE=yes",
    b"TIELINE_CONTACT=abc;who=admin;verified=yes",
    b"{{ caller }} {% for x in y %} {{ 7*7 }}",
    b"[red]x[/red] [[k@t]] <break time='9s'/>",
    b"'; DROP TABLE contact; --",
    b"../../../etc/passwd",
    b"Local/*40@agents PJSIP/1001",
    b"<sip:1001@127.0.0.1>",
]
"""Names that are legal between quotes, whatever they hold."""

BREAKING: list[bytes] = [
    b'x" <sip:1001@127.0.0.1>, "y',
    b"x\r\nX-Tieline-Contact: forged\r\nX: y",
    b"x\nX-Tieline-Contact: forged\nX: y",
    b"x\r\n X-Tieline-Contact: folded",
    b"x\rX-Tieline-Contact: forged",
    b"nul\x00l",
    b"\\",
    b'"',
]
"""Names that are not: they may be refused, or lose what breaks them."""

SHORT = [
    b"${SHELL(touch %s)}" % OWNED.encode(),
    b'"x" <sip:1001@127.0.0.1>;privacy=off;screen=yes;reason=unconditional',
    b"%0d%0aAction: Hangup%0d%0aChannel: /.*/%00",
    b"x&y|z,1;w^$[1+1]\\",
    b"\x01\x1b[2J\x7f\xff\xe9",
    "李娜\u202e".encode(),
    b"B" * 2000,
    b"1001",
    b"yes",
]
FIELDS: dict[str, Callable[[bytes], dict[str, bytes]]] = {
    "From user": lambda word: {"From": b"<sip:%s@127.0.0.1>" % word},
    "From domain": lambda word: {"From": b"<sip:5551234@%s>" % word},
    "From parameters": lambda word: {"From": b"<sip:5551234@127.0.0.1;%s>" % word},
    "To name": lambda word: {"To": b'"%s" <sip:4001@127.0.0.1>' % word},
    "To user": lambda word: {"To": b"<sip:%s@127.0.0.1>" % word},
    "Contact": lambda word: {"Contact": b'"%s" <sip:%s@127.0.0.1:9>' % (word, word)},
    "whole Contact": lambda word: {"Contact": word},
} | {
    name: lambda word, name=name: {name: word}
    for name in (
        *("User-Agent", "Subject", "Organization", "Reason", "Privacy", "Call-Info", "Identity"),
        *("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "Diversion"),
        *("History-Info", "Referred-By", "Replaces", "Alert-Info", "Geolocation", "Supported"),
        *("X-Tieline-Contact", "X-Tieline-Context", "X-TIELINE_CONTACT", "TIELINE_DONE"),
        *("TIELINE_AGENT", "X-Asterisk-Variable", "Variable", "CALLERID(num)"),
    )
}
"""Where a caller may write what, in an INVITE."""

NOT_NUMBERS = [
    *(
        b"",
        b"0",
        b"1" * 16,
        b"1" * 200,
        b"s",
        b"h",
        b"i",
        b"t",
        b"*41",
        b"*43",
        b"*431",
        b"#",
        b"**",
    ),
    *(b"4001*", b"4001#", b"40 01", b"40%2001", b"4001%20", b"4001.", b"4001,1", b"4001,1,Hangup"),
    *(b"4001&1001", b"4001|1", b"4001;x=1", b"4001^1", b"4001@enter", b"4001/n", b"+", b"++4001"),
    *(b"4001+", b"4+001", b"-", b"--", b"-4001%0a", b"4001%0d%0aAction:%20Hangup"),
    *(b"4001%0a", b"%0a4001", b"4001%09", b"4001%22", b"4001%5c", b"4001%7f", b"4001%ff", b"%00"),
    *(b"${EXTEN}", b"%24%7bSHELL(id)%7d", b"$[1+1]", b"XXXX", b"NXXX", b"!", b"4001!"),
    *(b"Local/1001@agents", b"PJSIP/1001", b"1001@agents", b"agents", b"leg", b"..%2f..%2fetc"),
    *("４００１".encode(), "٤٠٠١".encode(), b"4001\xe9", b"\xff\xfe", b"4001\x00", b"4001\r\n"),
]
"""Dialled, but nothing of it is a number."""


def nowhere_targets(domain: bytes) -> list[bytes]:
    """Where an agent must not be able to send a caller by REFER."""
    here = b"@" + domain
    return [
        *(b"sip:*40" + here, b"sip:*41" + here, b"sip:4001" + here, b"sip:4900" + here),
        *(b"sip:s" + here, b"sip:h" + here, b"sip:i" + here, b"sip:9999" + here, b"sip:" + domain),
        *(b"sip:4104%0d%0aAction:%20Originate" + here, b"sip:4104,1,Hangup" + here),
        *(b"sip:../../x" + here, b"sip:Local%2f*40%40agents" + here, b"sip:4104%40agents" + here),
        *(b"sip:%24%7bSHELL(id)%7d" + here, b"sip:4104;ext=1" + here, b"sip:" + b"4" * 3000 + here),
        *(b"sip:4104" + here + b"?Replaces=a%3bto-tag%3db%3bfrom-tag%3dc", b"tel:4104"),
        *(b"http://127.0.0.1/", b"sip:4104%26PJSIP%2f1003" + here, b"\xff", b""),
    ]


def shapes(domain: bytes) -> list[bytes]:
    """INVITEs for TCP that are too long, cut short, or lie about themselves."""
    offer = b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    audio = offer + b"m=audio 9 RTP/AVP 0\r\n"

    def invite(
        name: bytes = b"x", more: bytes = b"", body: bytes = audio, length: int = -1
    ) -> bytes:
        tag = b"%d" % random.Random(name + more + body + b"%d" % length).getrandbits(64)
        return (
            b"INVITE sip:4001@" + domain + b" SIP/2.0\r\n"
            b"Via: SIP/2.0/TCP 127.0.0.1:9;branch=z9hG4bK" + tag + b"\r\n"
            b'From: "' + name + b'" <sip:5551234@127.0.0.1>;tag=' + tag + b"\r\n"
            b"To: <sip:4001@127.0.0.1>\r\nContact: <sip:x@127.0.0.1:9;transport=tcp>\r\n"
            b"Call-ID: "
            + tag
            + b"\r\nCSeq: 1 INVITE\r\nMax-Forwards: 70\r\n"
            + more
            + b"Content-Type: application/sdp\r\nContent-Length: "
            + b"%d\r\n\r\n" % (len(body) if length == -1 else length)
            + body
        )

    return [
        *(invite(b"A" * 10**size) for size in (4, 5, 6)),
        *(invite(length=length) for length in (-5, 0, 999_999, 2**31, 2**64)),
        invite(more=b"X-Y: z\r\n" * 5000),
        invite(more=b"X-Long: " + b"z" * 50_000 + b"\r\n"),
        invite(more=b"Contact: <sip:a@b>\r\n" * 300),
        invite(more=b"Via: SIP/2.0/TCP 192.0.2.1;branch=x\r\n" * 300),
        invite(more=b"Record-Route: <sip:192.0.2.1;lr>\r\n" * 100),
        invite(more=b"CSeq: 2 BYE\r\nCall-ID: x\r\nMax-Forwards: -1\r\n"),
        invite(body=b"v=0\r\n"),
        invite(body=b"\x00" * 500),
        invite(body=offer + b"m=audio 9 RTP/AVP 0\r\n" * 300),
        invite(body=offer + b"m=audio 99999999999 RTP/AVP 0\r\n"),
        invite(body=audio + b"a=rtpmap:0 " + b"x" * 9000 + b"\r\n"),
        invite(body=audio + b"a=crypto:1 x y\r\na=fingerprint:sha-256 z\r\n"),
        invite()[:400],
        random.Random(2).randbytes(100_000),
        b"\r\n" * 50_000,
    ]
