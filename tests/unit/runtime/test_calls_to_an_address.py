"""A call that goes to a given address is still held to the certificate of the name it is for."""

import http.server
import ssl
import threading

import pytest
import trustme

from lambda_src.runtime.outside import Call, Http, NoAnswer

NAME = "pds.example"  # resolves nowhere


class QuietServer(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        pass  # a client that refuses the certificate hangs up


@pytest.fixture
def serve(tmp_path, monkeypatch):
    """`serve("pds.example")`: a server on 127.0.0.1 with a certificate for that name; its port, what it was asked."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "roots.pem"))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "roots.pem"))
    servers = []

    def start(name):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert(name).configure_cert(context)
        names = []
        context.sni_callback = lambda _socket, server_name, _context: names.append(server_name)
        asked = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                asked.append((self.path, self.headers["host"], self.headers["connection"]))
                self.send_response(200)
                self.send_header("content-length", "2")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_arguments):
                pass

        server = QuietServer(("127.0.0.1", 0), Handler)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        servers.append(server)
        return server.server_port, asked, names

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def ask(port, *, address="127.0.0.1"):
    http = Http()
    try:
        return http.exchange(f"https://{NAME}:{port}", Call("read", "/x", 3, address=address), provider="test")
    finally:
        http.close()


def test_the_name_is_asked_for_at_the_address_and_the_connection_is_not_kept(serve):
    port, asked, names = serve(NAME)
    assert ask(port).content == b"ok"
    assert asked == [("/x", f"{NAME}:{port}", "close")]
    assert names == [NAME]


def test_a_server_at_the_address_without_a_certificate_for_the_name_is_not_talked_to(serve):
    port, asked, _ = serve("another.example")
    with pytest.raises(NoAnswer):
        ask(port)
    assert asked == []


def test_without_an_address_the_resolver_is_asked_and_knows_of_nothing(serve):
    port, asked, _ = serve(NAME)
    with pytest.raises(NoAnswer):
        ask(port, address=None)
    assert asked == []
