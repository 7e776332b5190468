"""The hall file's ``uplink`` and ``page`` sections."""

from ipaddress import ip_address
from pathlib import Path
from typing import Any, Literal
from urllib.parse import SplitResult, urlsplit

import attrs
from attrs import validators

from edge.hall.site import Unfit, shown

_PORTS = {"mqtt": 1883, "mqtts": 8883}


def _url(uplink: "UplinkSettings", _: Any, value: str) -> None:
    such_as = {"zh": "例如 mqtts://broker.example:8883", "en": "such as mqtts://broker.example:8883"}
    try:
        url = urlsplit(value)
        port = url.port
    except ValueError:  # a port that is no number, half a bracket
        raise Unfit(
            {"zh": f"{shown(value)} 不是地址", "en": f"{shown(value)} is no URL"},
            {"zh": such_as["zh"], "en": such_as["en"]},
        ) from None
    if url.scheme not in _PORTS:
        raise Unfit(
            {
                "zh": f"{shown(value)} 不以 mqtt:// 或 mqtts:// 开头",
                "en": f"{shown(value)} is neither mqtt:// nor mqtts://",
            },
            {
                "zh": f"mqtts:// 加密，mqtt:// 不加密，{such_as['zh']}",
                "en": f"mqtts:// is encrypted, {such_as['en']}",
            },
        )
    if url.username is not None or url.password is not None:
        raise Unfit(
            {"zh": "地址里不能写用户名和密码", "en": "name and password do not belong into the URL"},
            {"zh": "写在 username 和 password 中", "en": "write them under username and password"},
        )
    if not url.hostname or port == 0 or url.path.strip("/") or url.query or url.fragment or " " in value:
        raise Unfit(
            {
                "zh": f"{shown(value)} 应只含主机和端口",
                "en": f"{shown(value)} must name a host and a port, and no more",
            },
            {"zh": such_as["zh"], "en": such_as["en"]},
        )


def _needs_tls(uplink: "UplinkSettings", attribute: Any, value: Path | None) -> None:
    if value is not None and uplink.url.startswith("mqtt://"):
        raise Unfit(
            {"zh": "mqtt:// 不加密，证书不会使用", "en": "mqtt:// is not encrypted: certificates would not be used"},
            {"zh": f"改用 mqtts://，或去掉 {attribute.name}", "en": f"use mqtts://, or take {attribute.name} out"},
        )


def _needs(other: str) -> Any:
    def check(uplink: "UplinkSettings", attribute: Any, value: Any) -> None:
        if value is not None and getattr(uplink, other) is None:
            raise Unfit(
                {"zh": f"有 {attribute.name} 而没有 {other}", "en": f"{attribute.name} stands without {other}"},
                {"zh": f"写上 {other}", "en": f"write {other} as well"},
            )

    return check


@attrs.frozen(kw_only=True)
class UplinkSettings:
    """The way to the centre.

    ``ca``, ``certificate``, ``key``  PEM files, absolute once the hall file is loaded.
    ``confirm``                       who says that an entry has arrived: the broker, or the centre behind it.
    """

    url: str = attrs.field(validator=_url)
    ca: Path | None = attrs.field(default=None, validator=_needs_tls)
    certificate: Path | None = attrs.field(default=None, validator=[_needs("key"), _needs_tls])
    key: Path | None = attrs.field(default=None, validator=[_needs("certificate"), _needs_tls])
    username: str | None = None
    password: str | None = attrs.field(default=None, validator=_needs("username"), repr=False)
    keepalive_s: int = attrs.field(default=30, validator=[validators.ge(5), validators.le(3600)])
    confirm: Literal["broker", "centre"] = "broker"

    def _split(self) -> SplitResult:
        return urlsplit(self.url)

    @property
    def tls(self) -> bool:
        return self._split().scheme == "mqtts"

    @property
    def host(self) -> str:
        return self._split().hostname or ""

    @property
    def port(self) -> int:
        return self._split().port or _PORTS[self._split().scheme]

    def relative_to(self, folder: Path) -> "UplinkSettings":
        """The same with its files looked for in that folder, unless they say where they are themselves."""
        files = {name: getattr(self, name) for name in ("ca", "certificate", "key")}
        return attrs.evolve(self, **{name: folder / file for name, file in files.items() if file is not None})


def _address(page: "PageSettings", _: Any, value: str) -> None:
    try:
        ip_address(value)
    except ValueError:
        raise Unfit(
            {"zh": f"{shown(value)} 不是 IP 地址", "en": f"{shown(value)} is no IP address"},
            {
                "zh": "0.0.0.0 表示所有网卡，127.0.0.1 仅本机",
                "en": "0.0.0.0 for every network, 127.0.0.1 for this board alone",
            },
        ) from None


@attrs.frozen(kw_only=True)
class PageSettings:
    """Where the local page listens; ``port`` 0 turns it off."""

    port: int = attrs.field(default=8080, validator=[validators.ge(0), validators.le(65535)])
    address: str = attrs.field(default="0.0.0.0", validator=_address)
