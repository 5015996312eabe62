"""N keep-alive connections at once, each with a request in flight: many.py URL FILE.curl N ROUNDS

All are open before the first request; in each round all requests are sent before the first answer is
read.  Prints how many answers were 200, and the slowest round in seconds.
"""
import re
import selectors
import socket
import sys
import time
import urllib.parse

url, token_file, count, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
where = urllib.parse.urlsplit(url)
token = re.search(r"Bearer (\S+)\"", open(token_file, encoding="ascii").read()).group(1)
path = "/v1/views/loyalty/records?limit=2"
request = f"GET {path} HTTP/1.1\r\nHost: {where.netloc}\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
answer = re.compile(rb"^HTTP/1\.1 (\d+).*?\r\nContent-Length: (\d+)\r\n(?:.*?\r\n)?\r\n", re.S | re.I)
DEADLINE = 15

sockets = []
for _ in range(count):
    s = socket.create_connection((where.hostname, where.port), timeout=DEADLINE)
    s.setblocking(False)
    sockets.append(s)

good = 0
slowest = 0.0
for _ in range(rounds):
    begin = time.monotonic()
    selector = selectors.DefaultSelector()
    waiting = {}
    for s in sockets:
        s.send(request)
        waiting[s] = b""
        selector.register(s, selectors.EVENT_READ)
    while waiting and time.monotonic() - begin < DEADLINE:
        for key, _ in selector.select(1):
            s = key.fileobj
            data = s.recv(65536)
            waiting[s] += data
            match = answer.match(waiting[s])
            if match and len(waiting[s]) >= match.end() + int(match[2]):
                good += match[1] == b"200"
            elif data:
                continue
            selector.unregister(s)
            del waiting[s]
    slowest = max(slowest, time.monotonic() - begin)
print(good, f"{slowest:.2f}")
