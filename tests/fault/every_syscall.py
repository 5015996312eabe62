"""What is done to a vault is done again with each of its system calls failing, one at a time.

    every_syscall.py [--full | --seconds N] [--only STORY[:N[:DEED]]] [--seed N]

A story is a command, or a server with some requests, on a vault that was made ready for it.  It is run once
to count the calls that change something below the vault's directory; then again for each call with EIO,
with ENOSPC, with half of a write done, and with SIGKILL in its place.  Whatever happens then: what was
acknowledged is there, with its entry; the vault opens again; cofre-verify finds the log good; and the
same command, given again, does what it was to do.

Without --full as many are tried as there is time for, in an order that the seed gives.
Needs COFRE_BIN and COFRE_FAULT_LIB.  Works in the present directory.
"""
import argparse
import base64
import hashlib
import http.client
import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import time

DEEDS = ("EIO", "ENOSPC", "short", "kill", "torn", "after")
COFRE = os.environ["COFRE_BIN"] + "/cofre"
VERIFY = os.environ["COFRE_BIN"] + "/cofre-verify"
HERE = os.getcwd()
VAULT = HERE + "/now/vault"
KEY = HERE + "/key"
CUSTOMERS = 5


class Finding(Exception):
    pass


def preload():
    lib = os.environ["COFRE_FAULT_LIB"]
    if "address" in os.environ.get("COFRE_SANITIZE", ""):
        cc = os.environ.get("CC", "cc")
        asan = subprocess.check_output([cc, "-print-file-name=libasan.so"], text=True).strip()
        return asan + " " + lib
    return lib


PRELOAD = preload()


def environment(fault):
    env = dict(os.environ)
    if fault is not None:
        env["LD_PRELOAD"] = PRELOAD
        env["COFRE_FAULT"] = fault
    return env


def cofre(*words, fault=None):
    command = [COFRE, "--vault", VAULT, "--key-file", KEY, *words]
    return subprocess.run(command, env=environment(fault), capture_output=True, timeout=120, text=True,
                          stdin=subprocess.DEVNULL, check=False)


def must(done, what, codes=(0,)):
    if done.returncode not in codes:
        raise Finding(f"{what}: exit status {done.returncode}\n{done.stdout[-600:]}{done.stderr[-900:]}")
    return done


def verify(what):
    must(subprocess.run([VERIFY, VAULT + "/audit", "--vkey", HERE + "/vkey"], capture_output=True, text=True,
                        timeout=120, check=False), what)


def fresh(base):
    shutil.rmtree(HERE + "/now", ignore_errors=True)
    os.mkdir(HERE + "/now")
    if base is not None:
        shutil.copytree(HERE + "/" + base, VAULT, symlinks=True)
        os.chmod(VAULT, 0o700)


def first_entry():
    try:
        with open(VAULT + "/audit/keys/pruned", encoding="utf-8") as file:
            return 256 * int(file.readlines()[3].split()[1])
    except FileNotFoundError:
        return 0


def entries():
    lines = {}
    start = first_entry()
    while True:
        done = cofre("--json", "audit", "show", "--from", str(start), "--limit", "1000")
        must(done, "audit show")
        for line in done.stdout.splitlines():
            lines[json.loads(line)["seq"]] = line
        if '"next"' not in done.stderr:
            return lines
        start = json.loads(done.stderr)["next"]


def leaf(line):
    return base64.b64encode(hashlib.sha256(b"\0" + line.encode()).digest()).decode()


# ---- stories ----

class Command:
    """One command; acts, if it is done, are in the log afterwards."""

    def __init__(self, words, base="ready", again=(0,), acts=()):
        self.words, self.base, self.again, self.acts = words, base, again, acts

    def run(self, fault):
        self.code = cofre(*self.words, fault=fault).returncode

    def check(self):
        must(cofre("status"), "the vault opens")
        verify("the log is good")
        self.look()
        must(cofre(*self.words), "the same again", self.again)
        verify("the log is good after that")

    def look(self):
        if self.code != 0:
            return
        acts = [json.loads(line)["act"] for line in entries().values()]
        for act in self.acts:
            if act not in acts:
                raise Finding(f"done, and no entry {act}")


class Init(Command):
    def __init__(self):
        super().__init__((), base=None)

    def run(self, fault):
        if os.path.exists(KEY):
            os.rename(KEY, KEY + ".kept")
        done = cofre("init", fault=fault)
        self.code = done.returncode
        with open(HERE + "/vkey", "w", encoding="ascii") as out:
            out.write(done.stdout)

    def check(self):
        try:
            if self.code == 0:
                must(cofre("status"), "the vault opens")
                verify("the log is good")
            elif self.code < 0:  # what a crash leaves is a vault, or refused as none
                must(cofre("status"), "half a vault", (0, 1, 5, 6))
            else:
                if os.path.exists(VAULT):
                    raise Finding(f"init failed, and left {os.listdir(VAULT)}")
                must(cofre("init"), "init again")
        finally:
            if os.path.exists(KEY + ".kept"):
                os.rename(KEY + ".kept", KEY)
            shutil.copy(HERE + "/vkey.ready", HERE + "/vkey")


class Import(Command):
    def __init__(self):
        super().__init__(("import", "customers", HERE + "/few.csv"), acts=("import-start", "import-end"))

    def check(self):
        super().check()
        count = json.loads(must(cofre("status", "--json"), "status").stdout)["customers"]
        if count != CUSTOMERS:
            raise Finding(f"{count} customers instead of {CUSTOMERS}")


class Serve:
    """A server, some requests with their receipts, SIGTERM."""

    base = "ready"
    RUN_FOR = 30

    def run(self, fault):
        self.receipts, self.customers = [], []
        command = [COFRE, "--vault", VAULT, "--key-file", KEY, "serve", "--listen", "127.0.0.1:0"]
        with open("serve.err", "w", encoding="utf-8") as err:
            server = subprocess.Popen(command, env=environment(fault), stdout=subprocess.PIPE, stderr=err,
                                      stdin=subprocess.DEVNULL, text=True)
        try:
            line = server.stdout.readline()
            if line.startswith("listening on "):
                self.talk(line.split("//")[1].strip().rstrip("/"))
            if server.poll() is None:
                server.send_signal(signal.SIGTERM)
            server.wait(timeout=self.RUN_FOR)
        except subprocess.TimeoutExpired as late:
            raise Finding("the server does not end") from late
        finally:
            if server.poll() is None:
                server.kill()
            server.wait()
            server.stdout.close()

    def talk(self, address):
        try:
            connection = http.client.HTTPConnection(address, timeout=20)
            for i in range(6):
                self.ask(connection, "shop", "POST", "/v1/customers", {"external_id": f"F{i}"})
                self.ask(connection, "crm", "GET", "/v1/views/loyalty/records?limit=2")
                if i == 2:
                    self.ask(connection, "officer", "GET", "/v1/audit/checkpoint")
        except TimeoutError as late:
            raise Finding("a request is not answered") from late
        except (http.client.HTTPException, OSError):
            pass  # it was killed

    def ask(self, connection, who, method, path, body=None):
        with open(f"{HERE}/{who}.token", encoding="ascii") as file:
            headers = {"Authorization": "Bearer " + file.read()}
        if body is not None:
            headers["Content-Type"] = "application/json"
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        reply = connection.getresponse()
        text = reply.read()
        receipt = reply.getheader("Cofre-Audit", "").split(" ")
        if len(receipt) == 3:
            self.receipts.append((int(receipt[0]), receipt[1]))
        elif reply.status < 500:
            raise Finding(f"{reply.status} without a receipt")
        if reply.status == 201:
            self.customers.append(json.loads(text)["id"])

    def check(self):
        must(cofre("status"), "the vault opens")
        verify("the log is good")
        lines = entries()
        for seq, hashed in self.receipts:
            if seq not in lines or leaf(lines[seq]) != hashed:
                raise Finding(f"entry {seq} was acknowledged, and is not in the log")
        for cus in self.customers:
            must(cofre("customer", "show", cus), "a customer that was acknowledged")


class Prune(Command):
    def __init__(self):
        super().__init__(("audit", "prune", "--below", "300"), base="long", again=(0, 6), acts=("audit-prune",))

    def check(self):
        super().check()
        if os.path.exists(VAULT + "/audit/tile/entries/000"):
            raise Finding("pruned, and still there")


class Rotate(Command):
    def __init__(self):
        super().__init__(("key", "rotate", "audit"), acts=("audit-rotate",))

    def look(self):
        super().look()
        with open(VAULT + "/audit/keys/vkeys", encoding="ascii") as file:
            if self.code == 0 and len(file.readlines()) < 2:
                raise Finding("rotated, and one key")


STORIES = {
    "init": Init(),
    "import": Import(),
    "serve": Serve(),
    "rotate": Rotate(),
    "prune": Prune(),
    "kek": Command(("key", "rotate", "kek"), acts=("key-rotate", "key-rotated"), again=(0, 4)),
}


# ---- what they begin with ----

def prepare(stories):
    os.environ["LC_ALL"] = "C.UTF-8"
    with open("few.csv", "w", encoding="ascii") as out:
        out.write("external_id,name,email,consents\n")
        for i in range(CUSTOMERS):
            out.write(f"C{i},Ana Nadie,c{i}@example.org,loyalty\n")
    fresh(None)
    with open("vkey", "w", encoding="ascii") as out:
        out.write(must(cofre("init"), "init").stdout)
    shutil.copy("vkey", "vkey.ready")
    must(cofre("view", "apply", os.environ["COFRE_SRC"] + "/examples/sample-shop/loyalty.json"), "view apply")
    for name, more in (("shop", ["--role", "ingest"]), ("crm", ["--role", "crm", "--view", "loyalty"]),
                       ("officer", ["--role", "compliance"])):
        with open(name + ".token", "w", encoding="ascii") as out:
            out.write(must(cofre("token", "issue", "--name", name, *more), "token").stdout.strip())
    shutil.copytree(VAULT, "ready")
    if "prune" not in stories:
        return
    serve = Serve()
    serve.talk = lambda address: many(serve, address)
    serve.run(None)
    shutil.copytree(VAULT, "long")


def many(serve, address):
    connection = http.client.HTTPConnection(address, timeout=20)
    for i in range(1400):
        serve.ask(connection, "crm", "GET", "/v1/views/loyalty/records?limit=2")
        if i % 200 == 0:
            serve.ask(connection, "officer", "GET", "/v1/audit/checkpoint")


def count(name, story):
    fresh(story.base)
    with open("count", "wb") as out:
        out.write(bytes(8))
    if os.path.exists("calls." + name):
        os.remove("calls." + name)
    story.run(f"path=/now/vault,count={HERE}/count,log={HERE}/calls.{name}")
    with open("count", "rb") as file:
        calls = struct.unpack("<Q", file.read())[0]
    story.check()
    if calls == 0:
        raise Finding(f"{name}: no call was seen")
    return calls


def writes(name):
    with open("calls." + name, encoding="utf-8") as file:
        return {int(line.split()[0]) for line in file if line.split()[2] == "write"}


def attempts(name, calls):
    written = writes(name)
    for n in range(1, calls + 1):
        for deed in DEEDS:
            if n in written or deed not in ("short", "torn"):
                yield name, n, deed


def attempt(name, n, deed):
    story = STORIES[name]
    fresh(story.base)
    with open("count", "wb") as out:
        out.write(bytes(8))
    story.run(f"path=/now/vault,count={HERE}/count,nth={n},do={deed}")
    story.check()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--seconds", type=int, default=40)
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    story, n, deed = (options.only.split(":") + ["", "", ""])[:3]
    names = [story] if story else list(STORIES)

    prepare(names)
    todo = []
    for name in names:
        calls = count(name, STORIES[name])
        print(f"{name}: {calls} calls", flush=True)
        todo += attempts(name, calls)
    todo = [t for t in todo if (not n or t[1] == int(n)) and (not deed or t[2] == deed)]
    random.Random(options.seed).shuffle(todo)

    end = time.monotonic() + options.seconds
    tried = findings = 0
    for name, number, deed in todo:
        if not options.full and not options.only and time.monotonic() > end:
            break
        tried += 1
        try:
            attempt(name, number, deed)
        except (Finding, subprocess.TimeoutExpired) as finding:
            findings += 1
            print(f"FINDING {name}:{number}:{deed}: {finding}", flush=True)
    print(f"{tried} of {len(todo)} tried, {findings} findings")
    return 1 if findings or tried == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
