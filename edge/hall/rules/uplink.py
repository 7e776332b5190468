"""UPLINK: the line to the centre is down, or the centre's broker refuses what it is given."""

from collections.abc import Iterable
from typing import Any

from edge.hall.flow import Condition, Effect, Link, Moment, Rule

# A reconnect within this time is nobody's business.
_ON_DELAY_S = 30.0


class Uplink(Rule):
    """Two conditions: ``broker`` (no connection) and ``refused`` (rows set aside, which somebody must look at)."""

    name = "uplink"

    def __init__(self) -> None:
        self._refused = 0

    def report(self, link: Link, moment: Moment) -> Iterable[Effect]:
        """The uplink's word on the line."""
        why = f" ({link.reason})" if link.reason else ""
        yield Condition(
            "UPLINK",
            "broker",
            not link.connected,
            {
                "zh": f"与中心的连接中断{why}：本厅照常运行，数据已保存，请通知信息技术部门",
                "en": f"no connection to the centre{why}: the hall goes on and keeps everything, call IT",
            },
            value=link.reason or None,
            on_delay_s=_ON_DELAY_S,
        )
        # Told at the first one, at twice as many, and when they are gone: a thousand refusals are not a thousand alarms.
        if (link.refused == 0) != (self._refused == 0) or link.refused >= 2 * self._refused > 0:
            again = link.refused > 0
            self._refused = link.refused
            yield Condition(
                "UPLINK",
                "refused",
                link.refused > 0,
                {
                    "zh": f"中心拒收 {link.refused} 条记录{why}：记录已另存，请检查权限",
                    "en": f"the broker refused {link.refused} entries{why}: they are set aside, check its permissions",
                },
                value=link.refused,
                again=again,
            )

    def save(self) -> Any:
        return {"refused": self._refused}

    def restore(self, state: Any) -> None:
        self._refused = state["refused"]
