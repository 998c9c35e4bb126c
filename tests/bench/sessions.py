"""ZooKeeper sessions by the hundred in one thread, for wrappers without a server: each registers, tells of its data
every twenty seconds and comes back as our wrappers do.
"""

import asyncio
import random
import struct
import typing

from kazoo.protocol.serialization import Connect, Create, Delete, GetData, ReplyHeader, SetData, Transaction, int_struct
from kazoo.security import OPEN_ACL_UNSAFE

SESSION_TIMEOUT = 10.0
REPORT_EVERY = 20.0
# A session that has been silent for this long counts as over, as our daemons hold it.
GIVEN_UP = 1.5 * SESSION_TIMEOUT
PING = struct.pack(">ii", -2, 11)
EPHEMERAL = 1
NO_NODE = -101


class Registration(typing.NamedTuple):
    path: str
    data: typing.Callable[[], str]


class Lost(Exception):
    """The connection, or the session with it."""


class Wrapper:
    """`registrations`: its ephemeral znodes; `reports()`: [(path, data), ...] of the persistent ones that are due."""

    def __init__(self, port, registrations, reports):
        self._port = port
        self._registrations = registrations
        self._reports = reports
        self._session = (0, b"\0" * 16)
        self._heard = 0.0
        self._last_xid = 0

    async def live(self):
        while True:
            try:
                fresh = await self._connect()
                if fresh:
                    for registration in self._registrations:
                        await self._register(registration)
                await self._serve()
            except (OSError, asyncio.IncompleteReadError, asyncio.TimeoutError, Lost):
                self._writer.close()
                await asyncio.sleep(random.uniform(0.1, 1.0))

    async def _connect(self):
        """Whether the session is a new one."""
        now = asyncio.get_running_loop().time()
        if now - self._heard > GIVEN_UP:
            self._session = (0, b"\0" * 16)
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        session, password = self._session
        self._send(Connect(0, 0, int(SESSION_TIMEOUT * 1000), session, password, False).serialize())
        granted, _ = Connect.deserialize(await self._receive(), 0)
        if granted.time_out <= 0:
            self._session = (0, b"\0" * 16)
            raise Lost
        fresh = granted.session_id != session
        self._session = (granted.session_id, granted.passwd)
        return fresh

    async def _register(self, registration):
        path, data = registration.path, registration.data().encode()
        create = Create(path, data, OPEN_ACL_UNSAFE, EPHEMERAL)
        error = await self._ask(GetData(path, None))
        if error not in (0, NO_NODE):
            raise Lost
        await self._ask(create if error else Transaction([Delete(path, -1), create]))

    async def _serve(self):
        now = asyncio.get_running_loop().time
        ping_at, report_at = now(), now() + random.uniform(0, REPORT_EVERY)
        while True:
            if now() >= report_at:
                report_at += REPORT_EVERY
                for path, data in self._reports():
                    await self._ask(SetData(path, data.encode(), -1))
            if now() >= ping_at:
                ping_at = now() + SESSION_TIMEOUT / 3
                self._send(PING)
            # Answers to pings, and the end of the connection.
            try:
                await self._receive(within=max(0.001, min(ping_at, report_at) - now()))
            except asyncio.TimeoutError:
                continue

    async def _ask(self, request):
        """Its error code."""
        self._last_xid += 1
        self._send(int_struct.pack(self._last_xid) + int_struct.pack(request.type) + bytes(request.serialize()))
        while True:
            header, _ = ReplyHeader.deserialize(await self._receive(), 0)
            if header.xid == self._last_xid:
                return header.err

    def _send(self, payload):
        self._writer.write(int_struct.pack(len(payload)) + bytes(payload))

    async def _receive(self, within=GIVEN_UP):
        (length,) = int_struct.unpack(await asyncio.wait_for(self._reader.readexactly(4), within))
        payload = await asyncio.wait_for(self._reader.readexactly(length), GIVEN_UP)
        self._heard = asyncio.get_running_loop().time()
        return payload
