"""A running `carelake serve`, which can be stopped, killed and started again at the same addresses."""

import os
import re
import signal
import socket
import subprocess
import threading
import time

from programs import BUILT

# `mllp default 127.0.0.1:2575`, `http 127.0.0.1:8080`.
DOOR = re.compile(r"^(mllp|http)\b.*?\b(\d+\.\d+\.\d+\.\d+):(\d+)")
START_WITHIN = 60
STOP_WITHIN = 120


class Server:
    """Its ports are chosen once, so that senders find it again after a restart."""

    def __init__(self, lake, folder, name="server", more_config="", more_mllp="", wrapper=()):
        self.lake, self.name, self.wrapper = lake, name, list(wrapper)
        self.log = os.path.join(folder, f"{name}.log")
        self.config = os.path.join(folder, f"{name}.toml")
        self.mllp_port, self.http_port = free_port(), free_port()
        self.process = None
        with open(self.config, "w", encoding="utf-8") as file:
            file.write(
                f'[mllp.default]\nlisten = "127.0.0.1:{self.mllp_port}"\n{more_mllp}\n'
                f'[http]\nlisten = "127.0.0.1:{self.http_port}"\n{more_config}'
            )

    @property
    def mllp(self):
        return f"127.0.0.1:{self.mllp_port}"

    @property
    def http(self):
        return f"127.0.0.1:{self.http_port}"

    def spawn(self):
        """Starts it and waits for nothing."""
        words = [*self.wrapper, os.path.join(BUILT, "carelake"), "serve", "--lake", self.lake, "--config", self.config]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, encoding="utf-8"
            )
        self.doors = {}
        self.is_open = threading.Event()
        threading.Thread(target=self.read_doors, args=[self.process, self.doors, self.is_open], daemon=True).start()

    def start(self):
        """Starts it; both doors are open when this returns."""
        self.spawn()
        self.wait_until_open()
        return self

    def wait_until_open(self):
        if not self.is_open.wait(START_WITHIN) or self.process.poll() is not None:
            raise AssertionError(f"{self.name} did not open its doors, exit code {self.process.poll()}:\n{self.tail()}")
        assert self.doors == {"mllp": self.mllp_port, "http": self.http_port}, self.doors

    def read_doors(self, process, doors, is_open):
        """Reads on to the end, or the server would wait for a reader."""
        with process.stdout:
            for line in process.stdout:
                if found := DOOR.match(line):
                    doors[found[1]] = int(found[3])
                    if len(doors) == 2:
                        is_open.set()
        is_open.set()

    def kill(self):
        """As the power does. False if it had ended by itself, which it must not."""
        was_alive = self.process.poll() is None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        return was_alive

    def stop(self):
        """As an operator does; gives the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_WITHIN)
        finally:
            self.close()

    def close(self):
        """Ends it if it is alive still."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def tail(self):
        with open(self.log, encoding="utf-8", errors="replace") as log:
            return "".join(log.readlines()[-30:])


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def mllp_exchange(port, *messages, within=30):
    """Sends each message when the one before it is answered; gives the answers without their frames."""
    answers = []
    with socket.create_connection(("127.0.0.1", port), timeout=within) as connection:
        received = b""
        for message in messages:
            connection.sendall(b"\x0b" + message + b"\x1c\r")
            while b"\x1c\r" not in received:
                more = connection.recv(65536)
                if not more:
                    raise AssertionError("the server hung up without an answer")
                received += more
            answer, _, received = received.partition(b"\x1c\r")
            answers.append(answer.lstrip(b"\x0b"))
    return answers


def wait_until(what, condition, within=30):
    """Asks again until it is so."""
    until = time.monotonic() + within
    while not condition():
        if time.monotonic() > until:
            raise AssertionError(f"{within} s were not enough: {what}")
        time.sleep(0.1)
