# SPDX-License-Identifier: ISC
"""A long line to a POP3 server, on loopback: every octet arrives half a round
trip later, the first ones after TCP's handshake, without its slow start.

usage: proxy.py TARGET-PORT RTT-MS       prints the port, counts on SIGINT

Counts the round trips that are waited for. TCP's handshake is one. The way of
the greeting is another, when the server speaks first. Then each request is one
that is sent after something was heard and while nothing is under way: whoever
pipelines keeps the line busy and waits for nothing.
"""
import asyncio
import collections
import sys
import threading

CHUNK = 1 << 16


class Direction:
    """What is under way to one side."""

    def __init__(self):
        self.writer = None
        self.queue = collections.deque()
        self.filled = asyncio.Event()

    def put(self, due, octets):
        self.queue.append((due, octets))
        self.filled.set()

    async def carry(self, on_arrival):
        """Until b"", the end, has arrived."""
        clock = asyncio.get_running_loop().time
        while True:
            while not self.queue:
                self.filled.clear()
                await self.filled.wait()
            due, octets = self.queue[0]
            if (wait := due - clock()) > 0:
                await asyncio.sleep(wait)
            self.queue.popleft()
            if not octets:
                break
            on_arrival()
            self.writer.write(octets)
            await self.writer.drain()
        if self.writer.can_write_eof():
            self.writer.write_eof()


class Connection:
    def __init__(self, line):
        self.line = line
        self.has_heard = self.has_spoken = False
        self.clock = asyncio.get_running_loop().time
        self.began = self.clock()
        self.up, self.down = Direction(), Direction()
        self.line.trips += 1

    def heard(self):
        if not self.has_spoken and not self.has_heard:
            self.line.trips += 1
        self.has_heard = True

    def spoke(self):
        is_quiet = not self.down.queue and not self.up.queue
        if not self.has_spoken or (self.has_heard and is_quiet):
            self.line.trips += 1
            self.has_heard = False
        self.has_spoken = True

    async def listen_to_client(self, reader):
        """What it says before TCP's handshake would be over, waits for it."""
        rtt = self.line.rtt
        while octets := await reader.read(CHUNK):
            self.spoke()
            sent = max(self.clock(), self.began + rtt)
            self.up.put(sent + rtt / 2, octets)
        self.up.put(self.clock() + rtt / 2, b"")

    async def serve(self):
        """The server sees the connection when TCP's handshake is over."""
        await asyncio.sleep(self.line.rtt * 1.5)
        reader, self.up.writer = await asyncio.open_connection(
            "127.0.0.1", self.line.target)
        await asyncio.gather(self.listen_to_server(reader),
                             self.up.carry(lambda: None))
        self.up.writer.close()

    async def listen_to_server(self, reader):
        while octets := await reader.read(CHUNK):
            self.down.put(self.clock() + self.line.rtt / 2, octets)
        self.down.put(self.clock() + self.line.rtt / 2, b"")

    async def run(self, reader, writer):
        self.down.writer = writer
        await asyncio.gather(self.listen_to_client(reader), self.serve(),
                             self.down.carry(self.heard))
        writer.close()


class Line:
    """`with Line(port, 0.1) as line`: connect to line.port."""

    def __init__(self, target, rtt):
        self.target, self.rtt, self.trips = target, rtt, 0
        self.port = None
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever,
                                       daemon=True)

    async def serve(self):
        server = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]

    async def accept(self, reader, writer):
        try:
            await Connection(self).run(reader, writer)
        except (OSError, asyncio.CancelledError):
            # Cancelled by end(): there is nobody to be told.
            writer.close()

    async def end(self):
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def __enter__(self):
        self.thread.start()
        asyncio.run_coroutine_threadsafe(self.serve(), self.loop).result(10)
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self.end(), self.loop).result(10)
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(10)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with Line(int(sys.argv[1]), float(sys.argv[2]) / 1000) as line:
        print(line.port, flush=True)
        try:
            line.thread.join()
        except KeyboardInterrupt:
            print(f"{line.trips} round trips")


if __name__ == "__main__":
    main()
