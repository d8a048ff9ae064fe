"""A receiver of webhooks that knows nothing of us: it checks signatures with Python's hmac, and misbehaves as it is told.

Each line of the file `faults` is one fault for one request, in order; without any left, messages are taken. What was asked is
written to standard output, a JSON document a line.
"""
import hashlib, hmac, http.server, json, os, socket, ssl, struct, sys, threading, time

port, secret, faults, certificate = int(sys.argv[1]), sys.argv[2].encode(), sys.argv[3], sys.argv[4:]
lock = threading.Lock()


def fault():
    with lock:
        try:
            lines = open(faults).read().split()
        except FileNotFoundError:
            return "none"
        with open(faults + ".part", "w") as rest:
            rest.write("\n".join(lines[1:]))
        os.rename(faults + ".part", faults)
        return lines[0] if lines else "none"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        name, stamp = self.headers["Bootwright-Id"], self.headers["Bootwright-Timestamp"]
        signed = b".".join([stamp.encode(), name.encode(), body])
        wanted = "sha256=" + hmac.new(secret, signed, hashlib.sha256).hexdigest()
        good = hmac.compare_digest(wanted, self.headers["Bootwright-Signature"])
        what = fault()
        told = {
            "id": name,
            "good": good and abs(time.time() - int(stamp)) < 300,
            "type": self.headers["Content-Type"],
            "fault": what,
            "body": json.loads(body),
        }
        with lock:
            print(json.dumps(told), flush=True)
        if what == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
            self.connection.close()
            return
        if what == "hang":
            time.sleep(600)
        status = {"500": 500, "410": 410, "302": 302}.get(what, 200)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        if what == "slow":
            # It takes the message, and then talks on for ever.
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            try:
                for _ in range(600):
                    time.sleep(1)
                    self.wfile.write(b"1\r\nx\r\n")
            except OSError:
                self.close_connection = True
            return
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
if certificate:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
