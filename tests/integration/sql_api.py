"""A small Snowflake SQL API over fakesnow, for tests/snowflake.rs: `sql_api.py PUBLIC_KEY FOLDER`.

It prints its port, and serves POST /api/v2/statements and GET /api/v2/statements/HANDLE on 127.0.0.1 until its standard
input ends. A request's token must be signed by the key, for TEST.LOADER. All statements of a request are one session; a
transaction that one leaves open is rolled back. Requests are written to standard error, one JSON object per line.

FOLDER/fail makes the next COPY fail after it has loaded its rows, FOLDER/busy makes the next request meet a busy server, and
FOLDER/slow makes it be answered later, by its handle.
"""

import base64
import hashlib
import json
import os
import re
import sys
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import fakesnow
import snowflake.connector
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding

with open(sys.argv[1], "rb") as file:
    KEY = serialization.load_pem_public_key(file.read())
FOLDER = sys.argv[2]
LOCK = threading.Lock()
LATER = {}
# fakesnow does not take a table's comment with a quote in it.
COMMENT = re.compile(r"\nCOMMENT = '(?:[^']|'')*'$")
DONE = {}


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def refuse_token(headers):
    if headers.get("X-Snowflake-Authorization-Token-Type") != "KEYPAIR_JWT":
        return "no key pair token"
    head, claims, signature = headers["Authorization"].removeprefix("Bearer ").split(".")
    KEY.verify(decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256())
    der = KEY.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    fingerprint = base64.b64encode(hashlib.sha256(der).digest()).decode()
    claims = json.loads(decoded(claims))
    wanted = {"iss": f"TEST.LOADER.SHA256:{fingerprint}", "sub": "TEST.LOADER"}
    if {name: claims[name] for name in wanted} != wanted or json.loads(decoded(head)) != {"alg": "RS256", "typ": "JWT"}:
        return f"not the user's key: {claims}"
    return None if claims["iat"] <= time.time() + 5 < claims["exp"] <= claims["iat"] + 3600 else "no valid time"


def once(name):
    try:
        os.remove(os.path.join(FOLDER, name))
        return True
    except FileNotFoundError:
        return False


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        request_id = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)["requestId"][0]
        print(json.dumps({"id": request_id, **body}), file=sys.stderr, flush=True)
        if once("busy"):
            return self.answer(429, {"code": "390000", "message": "too many requests"})
        why = None
        try:
            why = refuse_token(self.headers)
        except Exception as error:
            why = f"{type(error).__name__}: {error}"
        if why:
            return self.answer(401, {"code": "390144", "message": why})
        with LOCK:
            if request_id not in DONE:
                DONE[request_id] = self.run(body)
        if once("slow"):
            LATER[request_id] = DONE[request_id]
            return self.answer(202, {"code": "333334", "statementHandle": request_id})
        return self.answer(*DONE[request_id])

    def do_GET(self):
        status = LATER.pop(self.path.rsplit("/", 1)[-1], (404, {"message": "no such statement"}))
        self.answer(*status)

    def run(self, body):
        statements = [COMMENT.sub("", statement) for statement in body["statement"].split(";\n")]
        if len(statements) != int(body["parameters"]["MULTI_STATEMENT_COUNT"]):
            return 422, {"code": "000008", "message": f"Actual statement count {len(statements)}"}
        cursor = CONNECTION.cursor()
        is_open = False
        try:
            for statement in statements:
                if os.path.exists(os.path.join(FOLDER, "fail")) and "COPY INTO" in statement:
                    cursor.execute(statement)
                    os.remove(os.path.join(FOLDER, "fail"))
                    raise RuntimeError("a fault after the copy")
                rows = cursor.execute(statement).fetchall()
                is_open = statement == "BEGIN" or (is_open and statement not in ("COMMIT", "ROLLBACK"))
        except Exception as error:
            if is_open:
                cursor.execute("ROLLBACK")
            return 422, {"code": "100038", "message": str(error)}
        return 200, {"code": "090001", "data": json.loads(json.dumps(rows, default=str))}

    def answer(self, status, body):
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


with fakesnow.patch():
    CONNECTION = snowflake.connector.connect(database="LAKE", schema="PUBLIC")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_address[1], flush=True)
    # What the test asks for itself, line by line.
    for line in sys.stdin:
        with LOCK:
            rows = CONNECTION.cursor().execute(json.loads(line)).fetchall()
        print(json.dumps([[value if value is None else str(value) for value in row] for row in rows]), flush=True)
