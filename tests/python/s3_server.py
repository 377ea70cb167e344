"""A server that speaks S3, in memory, for the tests of storage: s3_server.py ADDRESS_FILE

Listens on a free port of 127.0.0.1, has one empty bucket, `carelake`, and takes any credentials. Its address
(http://127.0.0.1:PORT) is written into the file once it answers. It stays until it is ended.
"""

import os
import sys
import threading
import urllib.request

from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import WSGIRequestHandler, make_server

BUCKET = "carelake"


def one_at_a_time(application):
    """S3 decides a conditional put in one step; moto looks first and writes later, so nobody may come in between."""
    turn = threading.Lock()

    def in_turn(environment, start_response):
        with turn:
            return application(environment, start_response)

    return in_turn


class Silent(WSGIRequestHandler):
    def log_request(self, *_):
        pass


def main(address_file):
    application = one_at_a_time(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, application, threaded=True, request_handler=Silent)
    address = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    signed = {"Authorization": "AWS4-HMAC-SHA256 Credential=any/20260101/us-east-1/s3/aws4_request"}
    urllib.request.urlopen(urllib.request.Request(f"{address}/{BUCKET}", method="PUT", headers=signed))
    # In one step, so that whoever waits for the file reads all of it.
    with open(f"{address_file}.new", "w") as file:
        file.write(address)
    os.rename(f"{address_file}.new", address_file)
    threading.Event().wait()


if __name__ == "__main__":
    main(sys.argv[1])
