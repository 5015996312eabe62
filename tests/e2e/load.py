"""Clients that write and read until the server goes away: load.py URL OUT SHOP.curl CRM.curl ROUND

Every acknowledged answer is a line of OUT, flushed before the next request is made:
act, external_id or -, customer id or -, seq, leaf hash.
"""
import http.client
import json
import re
import sys
import threading
import urllib.parse

WRITERS, READERS = 32, 32
address, out_name, shop_file, crm_file, turn = sys.argv[1:]
netloc = urllib.parse.urlsplit(address).netloc
lock = threading.Lock()
strange = []


def token(name):
    return re.search(r"Bearer (\S+)\"", open(name, encoding="ascii").read()).group(1)


def ask(connection, who, method, path, body=None):
    headers = {"Authorization": "Bearer " + who}
    data = None
    if body is not None:
        headers["Content-Type"] = "application/json"
        data = json.dumps(body)
    connection.request(method, path, data, headers)
    reply = connection.getresponse()
    text = reply.read()
    receipt = reply.getheader("Cofre-Audit", "").split(" ")
    return reply.status, text, receipt


def work(number, out, step):
    connection = http.client.HTTPConnection(netloc, timeout=30)
    i = 0
    try:
        while True:
            i += 1
            act, wanted, (status, text, receipt), name = step(connection, number, i)
            if status == 503:
                continue
            if status != wanted or len(receipt) != 3:
                strange.append(f"{act}: {status} with {len(receipt)} words of receipt")
                return
            cus = json.loads(text)["id"] if act == "create" else "-"
            with lock:
                out.write("\t".join([act, name, cus, receipt[0], receipt[1]]) + "\n")
                out.flush()
    except (http.client.HTTPException, OSError):
        return


def write(connection, number, i):
    name = f"K{turn}-{number}-{i}"
    body = {"external_id": name, "fields": {"name": "Ana Nadie", "email": f"{name}@example.org"},
            "consents": [{"purpose": "loyalty", "status": "granted", "source": "web"}]}
    return "create", 201, ask(connection, SHOP, "POST", "/v1/customers", body), name


def read(connection, _number, i):
    path = ("/records?limit=3", "/events?limit=3", "")[i % 3]
    return "read", 200, ask(connection, CRM, "GET", "/v1/views/loyalty" + path), "-"


SHOP, CRM = token(shop_file), token(crm_file)
with open(out_name, "a", encoding="ascii") as log:
    threads = [threading.Thread(target=work, args=(n, log, write if n < WRITERS else read))
               for n in range(WRITERS + READERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
for line in strange:
    print(line)
sys.exit(1 if strange else 0)
