"""Why there is no reading: one error, in words a technician understands, in both languages."""

from typing import TypedDict


class Words(TypedDict):
    """The same sentence for both kinds of reader."""

    zh: str
    en: str


class DeviceFault(Exception):
    """A part cannot do its work; the sampler tries again and reports it if it lasts.

    ``code``      a short stable name from :data:`CODES`.
    ``text``      what is wrong and what to look at first.
    ``lost``      the bus itself is gone: it must be closed and opened anew.
    ``degraded``  the part still works, with less (paper near its end, say).
    """

    def __init__(self, code: str, text: Words, *, lost: bool = False, degraded: bool = False) -> None:
        if code not in CODES:
            raise ValueError(f"{code!r} is not a fault code")
        super().__init__(text["en"])
        self.code = code
        self.text = text
        self.lost = lost
        self.degraded = degraded


CODES: dict[str, Words] = {
    "no-answer": {
        "zh": "设备无应答：请检查供电、接线和地址",
        "en": "no answer from the device: check its power, wiring and address",
    },
    "unplugged": {
        "zh": "找不到设备接口：请检查插头和连线",
        "en": "the device's port is gone: check plug and cable",
    },
    "garbled": {
        "zh": "数据校验错误：请检查线长、屏蔽、波特率和接地",
        "en": "data arrives garbled: check cable length, shielding, baud rate and ground",
    },
    "silent": {
        "zh": "设备在线但无数据：请断电重启设备",
        "en": "the device is there but gives no data: power it off and on",
    },
    "out-of-range": {
        "zh": "读数超出器件量程：请检查安装和器件",
        "en": "the reading is outside what the part can measure: check its mounting and the part",
    },
    "not-permitted": {
        "zh": "系统不允许此操作：请检查服务权限和系统设置",
        "en": "the system does not allow that: check the service's permissions and the system's settings",
    },
    "stuck": {
        "zh": "读数长时间不变：传感器可能已失效，请检查或更换",
        "en": "the reading has not moved for long: the sensor has probably died, check or replace it",
    },
    "jumps": {
        "zh": "读数跳变：请检查接线、安装位置和干扰",
        "en": "the reading jumps: check wiring, mounting and what stands near it",
    },
    "error-flag": {
        "zh": "器件自报错误：如不恢复请更换",
        "en": "the part reports an error of its own: replace it if that lasts",
    },
    "blocked": {
        "zh": "光束被长时间遮挡：请移开障碍物或重新对准",
        "en": "the beam is blocked for long: remove what stands in it or align it again",
    },
    "paper-out": {
        "zh": "打印纸用尽：请换纸，期间手写号票",
        "en": "ticket paper is out: change the roll, write tickets by hand until then",
    },
    "paper-near-end": {
        "zh": "打印纸即将用尽：请准备纸卷",
        "en": "ticket paper is near its end: have a roll ready",
    },
    "cover-open": {
        "zh": "打印机盖未关：请合上机盖",
        "en": "the printer's cover is open: close it",
    },
    "offline": {
        "zh": "打印机脱机：请检查开关、切刀和卡纸",
        "en": "the printer is off line: check its switch, cutter and for a paper jam",
    },
}


def fault(code: str, *, detail: str = "", lost: bool = False, degraded: bool = False) -> DeviceFault:
    """The fault of that code in its standard words, with the wire's own detail behind them."""
    words = CODES[code]
    if detail:
        words = {"zh": f"{words['zh']}（{detail}）", "en": f"{words['en']} ({detail})"}
    return DeviceFault(code, words, lost=lost, degraded=degraded)
