"""Commands of a client, given and answered on a clock that the tests turn."""

from __future__ import annotations

from rails_made import MARKET, Clock

from bigone_sync.errors import BigOneError
from bigone_sync.protocol.rails_news import Answer
from bigone_sync.rails.commands import CANCEL, CREATE, MODIFY, Command, Commands

ORDERS = (CREATE, CANCEL, MODIFY)


class Rig:
    """Commands of a client whose name is ``rails``, and how often the exchange said 429."""

    def __init__(self) -> None:
        self.clock, self.exceeded = Clock(), 0
        self.commands = Commands("rails", self._exceed, self.clock)

    def _exceed(self) -> None:
        self.exceeded += 1

    def begin(
        self,
        name: str = CREATE,
        request_id: str = "r1",
        *,
        confirm: bool = True,
        order_id: str | None = None,
        session: str = "rails/1",
        sent: bool = True,
    ) -> Command:
        """A command that may take ten seconds."""
        now = self.clock.now
        command = Command(name, request_id, session, confirm, 10.0, now + 10, MARKET, order_id, began=now)
        self.commands.add(command)
        if sent:
            self.commands.sent(command, 5.0)
        return command

    def tell(self, *answers: Answer) -> None:
        for each in answers:
            self.commands.answered(each)
        self.commands.settle()

    def failure(self, command: Command) -> BigOneError:
        """What a command ended with."""
        self.commands.settle()
        error = command.future.exception(0)
        assert isinstance(error, BigOneError)
        return error
