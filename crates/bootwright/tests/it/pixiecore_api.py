# A server that speaks Pixiecore's API, made with nothing but Python: what it says of a card stands in the directory given.
import http.server, json, pathlib, socketserver, sys, time

answers, port = pathlib.Path(sys.argv[1]), int(sys.argv[2])


class Api(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *words):
        pass

    def say(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/files/"):
            return self.say(200, b"the file " + self.path.encode())
        mac = self.path.rsplit("/", 1)[-1]
        with open(answers / "asked", "a") as asked:
            asked.write(self.path + "\n")
        try:
            mode = (answers / mac).read_text()
        except FileNotFoundError:
            return self.say(404, b"no such machine")
        if mode == "slow":
            time.sleep(60)
        elif mode == "rubbish":
            self.say(200, b"\x00\xff<html>hello")
        elif mode == "broken":
            self.say(500, b"oh")
        elif mode == "huge":
            self.send_response(200)
            self.send_header("Content-Length", str(10 << 30))
            self.end_headers()
            self.wfile.write(b'{"kernel":"')
            while True:
                self.wfile.write(b"x" * (1 << 16))
        elif mode == "drip":
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            while True:
                self.wfile.write(b" ")
                self.wfile.flush()
                time.sleep(1)
        else:
            self.say(200, mode.encode())


class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
    daemon_threads = True

    def handle_error(self, *what):
        pass


server = Server(("10.77.0.1", port), Api)
print("ready", flush=True)
server.serve_forever()
