"""Commands: what people and the centre may ask of the hall. Each is carried out once, answered and recorded."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from devices.faults import Words
from edge.hall.alarms import Alarms
from edge.hall.flow import Effect, Moment, Rule
from mqtt.messages import Command, Done, Operation, rfc3339

# Answers kept so that a request that comes again is answered again and not carried out again.
_KEPT = 200


class Refused(Exception):
    """The request cannot be carried out; ``text`` says why and what would be right."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(en)
        self.code = code
        self.text: Words = {"zh": zh, "en": en}


class Commands(Rule):
    """The verbs below ``do/``."""

    name = "commands"

    def __init__(self, alarms: Alarms, identity: Mapping[str, Any]) -> None:
        self._alarms = alarms
        self._identity = identity
        self._verbs: dict[str, Callable[[Command, Moment], tuple[Mapping[str, Any], Iterable[Effect]]]] = {
            "ping": self._ping,
            "acknowledge": self._acknowledge,
        }
        self._answered: dict[str, dict[str, Any]] = {}

    def carry_out(self, command: Command, moment: Moment) -> tuple[Done, list[Effect]]:
        """The answer, and what follows from the command besides."""
        at = rfc3339(moment.wall)
        before = self._answered.get(command.id)
        if before is not None and before["command"] == command.name:
            return Done(id=command.id, at=at, **before), []
        effects: list[Effect] = []
        answer: dict[str, Any] = {"command": command.name, "ok": True}
        try:
            if command.problem is not None:
                raise Refused(command.problem["code"], **command.problem["text"])
            if before is not None:
                raise Refused(
                    "id-used", f"该 id 已用于 {before['command']}", f"that id was used for {before['command']} before"
                )
            verb = self._verbs.get(command.name)
            if verb is None:
                known = ", ".join(sorted(self._verbs))
                raise Refused("unknown-command", f"未知命令，可用：{known}", f"no such command; there are: {known}")
            result, following = verb(command, moment)
            effects.extend(following)
            answer["result"] = dict(result)
        except Refused as refused:
            answer |= {"ok": False, "error": {"code": refused.code, "text": refused.text}}
        effects.append(
            Operation(
                by=command.by,
                command=command.name,
                args=dict(command.args),
                ok=answer["ok"],
                error=answer.get("error"),
            )
        )
        if command.problem is None and before is None:
            self._answered[command.id] = answer
        while len(self._answered) > _KEPT:
            del self._answered[next(iter(self._answered))]
        return Done(id=command.id, at=at, **answer), effects

    def save(self) -> Any:
        return self._answered

    def restore(self, state: Any) -> None:
        self._answered = dict(state)

    def _ping(self, command: Command, moment: Moment) -> tuple[Mapping[str, Any], Iterable[Effect]]:
        return {**self._identity, "at": rfc3339(moment.wall)}, ()

    def _acknowledge(self, command: Command, moment: Moment) -> tuple[Mapping[str, Any], Iterable[Effect]]:
        code, source = command.args.get("code"), command.args.get("source")
        if not isinstance(code, str) or not isinstance(source, str):
            raise Refused(
                "bad-arguments",
                "acknowledge 需要 code 和 source",
                'acknowledge needs {"code": "FEVER", "source": "entrance-temp"} as on now/alarm',
            )
        try:
            effects = list(self._alarms.acknowledge(code, source, command.by))
        except KeyError:
            standing = ", ".join(f"{a.code}/{a.source}" for a in self._alarms.standing()) or "-"
            raise Refused(
                "nothing-to-acknowledge",
                f"没有待确认的 {code}/{source}；现有报警：{standing}",
                f"{code}/{source} is not waiting to be acknowledged; standing: {standing}",
            ) from None
        return {"code": code, "source": source}, effects
