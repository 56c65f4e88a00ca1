"""The part of `LocalExchange` that makes its Rails half misbehave on command."""

from __future__ import annotations

import math
from collections.abc import Callable

from bigone_sync.testing._connection import TEXT
from bigone_sync.testing._rails_faults import RailsRefusal, check_command
from bigone_sync.testing._rails_hub import RailsSocket
from bigone_sync.testing._spot_base import Base


class RailsMisbehaviour(Base):
    """Commands to the Rails half. All may be called from any thread, before and after `start`.

    Connections are named by the ids of `LocalExchange.rails_connections`; a method that is given one that is not open
    raises ValueError.
    """

    # -- one connection -----------------------------------------------------------------------------------------

    def rails_lag(self, connection: int, seconds: float) -> None:
        """Deliver what is written to a connection from now on so much later; everything stays in its order.

        Raises:
            ValueError: no such connection, or no such delay.
        """
        if not 0 <= seconds < math.inf:
            raise ValueError(f"seconds must be finite and not negative: {seconds}")
        self._with_socket(connection, lambda socket: socket.set_lag(seconds))

    def rails_stall(self, connection: int) -> None:
        """Deliver nothing to a connection any more, not even an answer to a ping, until `rails_resume`."""
        self._with_socket(connection, lambda socket: socket.set_stalled(True))

    def rails_resume(self, connection: int) -> None:
        """Deliver what has waited since `rails_stall`, and go on."""
        self._with_socket(connection, lambda socket: socket.set_stalled(False))

    def rails_cut(self, connection: int) -> None:
        """End the TCP connection at once, without a close frame; what waits is lost."""

        def do(socket: RailsSocket) -> None:
            socket.drop()
            self._rails.hub.remove(socket)

        self._with_socket(connection, do)

    def rails_drop_next(self, connection: int, result_type: str, n: int = 1) -> None:
        """Leave out the next ``n`` messages of a kind on one connection, whatever the others get.

        Args:
            result_type: as it stands on the wire, for example ``publicOrderBookDelta``.
        """

        def do(socket: RailsSocket) -> None:
            socket.drops[result_type] += n

        self._with_socket(connection, do)

    def rails_send_raw(self, data: str | bytes, connection: int | None = None) -> None:
        """Send a text frame of any content to one Rails connection or (None) to all; bytes may be invalid UTF-8."""
        payload = data.encode() if isinstance(data, str) else data

        def do() -> None:
            hub = self._rails.hub
            for socket in hub.all() if connection is None else [hub.socket(connection)]:
                socket.send(TEXT, payload)

        self._call(do)

    # -- commands -----------------------------------------------------------------------------------------------

    def rails_hold(self, result_type: str, status: int) -> None:
        """Hold back the replies and notifications of a kind, though what they tell is done, until `rails_release`.

        What comes after them is sent meanwhile. Streams of data are not concerned.

        Args:
            result_type: as it stands on the wire, for example ``createOrder``.
            status: their ``statusCode``, for example 202 or 200; 200 for kinds that have none.
        """
        self._call(lambda: self._rails.faults.held_kinds.add((result_type, status)))

    def rails_release(self) -> None:
        """Send what was held back, in its order, to those of its receivers that are still there; hold no more."""

        def do() -> None:
            self._rails.faults.held_kinds.clear()
            self._rails.hub.release()

        self._call(do)

    def rails_lose_next(self, command: str, n: int = 1) -> None:
        """Carry out the next ``n`` commands of a kind, but cut the connection of each before any reply.

        Args:
            command: createOrder, cancelOrder, modifyOrder or updateLeverage.

        Raises:
            ValueError: no such command.
        """
        check_command(command)

        def do() -> None:
            self._rails.faults.lost[command] += n

        self._call(do)

    def rails_busy(self, order_id: str, n: int = 1) -> None:
        """Answer the next ``n`` cancellations of an order with 409: it is being filled, try again."""

        def do() -> None:
            self._rails.faults.busy[order_id] += n

        self._call(do)

    # -- refusing -----------------------------------------------------------------------------------------------

    def refuse_rails_handshakes(self, status: int, n: int | None = None) -> None:
        """Answer the next ``n`` handshakes (None: all until `accept_rails_handshakes`) with an HTTP status.

        Handshakes that would be refused for their query are refused for that and do not count.
        """
        self._call(lambda: self._rails.faults.refusals.append(RailsRefusal(n, status)))

    def accept_rails_handshakes(self) -> None:
        """End every `refuse_rails_handshakes`."""
        self._call(self._rails.faults.refusals.clear)

    def _with_socket(self, connection: int, do: Callable[[RailsSocket], None]) -> None:
        self._call(lambda: do(self._rails.hub.socket(connection)))
