"""YAML text -> plain values, and the line on which each of them stands.

Scalars are read by YAML 1.2's core rules, because those of YAML 1.1 surprise: there ``on`` and ``no`` are booleans
and ``12:30`` is 750. A key is always the text that stands there, so ``on:`` is ``on`` and a card's number keeps its
zeros. Nothing is constructed but text, numbers, booleans, lists and mappings, whatever tags a file carries.
"""

import re
import unicodedata
from typing import Any

import attrs
import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from devices.faults import Words

Path = tuple[str | int, ...]

MAX_BYTES = 1 << 20
_TAG = "tag:yaml.org,2002:"


@attrs.frozen(kw_only=True)
class Fault:
    """Something wrong at ``path``; ``line`` (from 1) where the path alone does not tell it."""

    path: Path
    wrong: Words
    right: Words
    line: int | None = None


class _Loader(yaml.SafeLoader):
    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


# More than 18 digits are text: no setting is that large, and Python refuses to read thousands of them.
for _kind, _pattern, _first in (
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    ("int", r"[-+]?[0-9]{1,18}|0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}", list("-+0123456789")),
    (
        "float",
        r"[-+]?(?:\.[0-9]{1,18}|[0-9]{1,18}(?:\.[0-9]{0,18})?)(?:[eE][-+]?[0-9]{1,2})?",
        list("-+.0123456789"),
    ),
):
    _Loader.add_implicit_resolver(_TAG + _kind, re.compile(f"(?:{_pattern})$"), _first)


class Document:
    """One file: its ``data``, what is wrong with it as YAML (``faults``), and where things stand.

    ``unread``  the paths that hold None because what stands there could not be read.
    """

    def __init__(self, text: str) -> None:
        self.data: Any = None
        self.faults: list[Fault] = []
        self.unread: set[Path] = set()
        self._root: Node | None = None
        self._done: dict[Node, Any] = {}
        try:
            self._root = _compose(text)
            if self._root is not None:
                self.data = self._value(self._root, ())
        except yaml.reader.ReaderError as error:
            self._tell(_unreadable_character(error.character), (), text.count("\n", 0, error.position) + 1)
        except yaml.MarkedYAMLError as error:
            self.faults.append(_syntax_fault(error))
        except RecursionError:
            self._tell(_TOO_DEEP, (), 1)
        except (yaml.YAMLError, ValueError, OverflowError):
            # PyYAML lets chr() and int() speak for themselves on \U escapes and %YAML lines without sense.
            self._tell(_NOT_YAML, (), 1)

    def line(self, path: Path) -> int:
        """The line of the key or item at that path, or of the nearest thing around it; from 1."""
        node, line = self._root, 1
        for step in path:
            found = None
            if isinstance(node, MappingNode):
                for key, value in node.value:
                    if isinstance(key, ScalarNode) and key.value == step:
                        found, line = value, key.start_mark.line + 1
            elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                found = node.value[step]
                line = found.start_mark.line + 1
            if found is None:
                break
            node = found
        return line

    def source(self, path: Path) -> str | None:
        """The scalar at that path as the file writes it; None for anything else."""
        node = self._root
        for step in path:
            if isinstance(node, MappingNode):
                node = next((v for k, v in reversed(node.value) if isinstance(k, ScalarNode) and k.value == step), None)
            elif isinstance(node, SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
            else:
                return None
        if not isinstance(node, ScalarNode):
            return None
        quote = node.style if node.style in ("'", '"') else ""
        return f"{quote}{node.value}{quote}"

    def _value(self, node: Node, path: Path) -> Any:
        if node in self._done:
            if self._done[node] is _OPEN:
                self._unreadable(_SELF, path, node)
                return None
            return self._done[node]  # an alias: the anchor's own value
        self._done[node] = _OPEN
        if isinstance(node, MappingNode):
            value: Any = self._mapping(node, path)
        elif isinstance(node, SequenceNode):
            value = [self._value(item, (*path, n)) for n, item in enumerate(node.value)]
        else:
            value = self._scalar(node, path)
        self._done[node] = value
        return value

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        value: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if not isinstance(key_node, ScalarNode):
                self._tell(_KEY_NOT_TEXT, path, line)
                continue
            key = key_node.value
            if _control(key):
                self._tell(_unreadable_character(ord(_control(key))), path, line)
                continue
            if key in lines:
                twice: Words = {
                    "zh": f"{key} 写了两次（第 {lines[key]} 行已有）",
                    "en": f"{key} stands twice (already on line {lines[key]})",
                }
                right: Words = {"zh": "只保留一个", "en": "keep one of the two"}
                self.faults.append(Fault(path=(*path, key), wrong=twice, right=right, line=line))
            lines[key] = line
            value[key] = self._value(value_node, (*path, key))
        return value

    def _scalar(self, node: Node, path: Path) -> Any:
        text: str = node.value
        if _control(text):
            self._unreadable(_unreadable_character(ord(_control(text))), path, node)
            return None
        kind = node.tag.removeprefix(_TAG)
        plain = text.lower()
        try:
            if kind == "str":
                return text
            if kind == "null":
                return None
            if kind == "bool":
                return {"true": True, "false": False}[plain]
            if kind == "int":
                return int(text, {"0x": 16, "0o": 8}.get(plain[:2], 10))
            if kind == "float":
                return float(text)
        except (ValueError, KeyError):
            pass  # `!!int seven`
        wrong: Words = {"zh": f"标签 {node.tag} 用在这里不成立", "en": f"the tag {node.tag} does not work here"}
        self._unreadable(
            (wrong, {"zh": "去掉标签，直接写值", "en": "leave the tag out and write the value alone"}), path, node
        )
        return None

    def _tell(self, said: tuple[Words, Words], path: Path, line: int) -> None:
        self.faults.append(Fault(path=path, wrong=said[0], right=said[1], line=line))

    def _unreadable(self, said: tuple[Words, Words], path: Path, node: Node) -> None:
        self._tell(said, path, node.start_mark.line + 1)
        self.unread.add(path)


_OPEN = object()


def _compose(text: str) -> Node | None:
    loader = _Loader(text)
    try:
        return loader.get_single_node()
    finally:
        loader.dispose()


def _control(text: str) -> str:
    """The first character that no name, port or path of a hall has; empty if there is none."""
    return next((c for c in text if c not in "\n\t" and unicodedata.category(c) in ("Cc", "Cs")), "")


# --- what PyYAML says, for a technician --------------------------------------------------------------------------

_TOO_DEEP: tuple[Words, Words] = (
    {"zh": "括号或缩进嵌套过深", "en": "brackets or levels are nested too deeply"},
    {"zh": "参照 examples 中的厅文件", "en": "see the hall files in examples"},
)
_NOT_YAML: tuple[Words, Words] = (
    {"zh": "不是有效的 YAML", "en": "this is not valid YAML"},
    {"zh": "检查反斜杠转义和以 % 开头的行", "en": "check backslash escapes and lines that begin with %"},
)
_SELF: tuple[Words, Words] = (
    {"zh": "引用了它自己", "en": "this refers to itself"},
    {"zh": "把值直接写出来", "en": "write the value out"},
)
_KEY_NOT_TEXT: tuple[Words, Words] = (
    {"zh": "这里的键不是文字", "en": "a key must be a word here"},
    {"zh": "写成「键: 值」；花括号只写一层", "en": "write `key: value`, and braces once, not doubled"},
)

# What the scanner and the parser say most -> what it means to somebody who types a hall file.
_SYNTAX: tuple[tuple[str, Words, Words], ...] = (
    (
        r"'\\t'",
        {"zh": "行首用了制表符（Tab）", "en": "a tab stands where the line is indented"},
        {"zh": "缩进一律用空格", "en": "indent with spaces"},
    ),
    (
        "mapping values are not allowed",
        {"zh": "这里不能再有冒号", "en": "a colon cannot stand here"},
        {
            "zh": "含「: 」的文字加引号，并检查上一行的缩进和冒号",
            "en": "put text with `: ` in quotes, and check indent and colon of the line above",
        },
    ),
    (
        "undefined alias",
        {"zh": "* 引用的锚点不存在", "en": "* refers to an anchor that is not there"},
        {
            "zh": "先用 & 定义，或给以 * 开头的文字加引号",
            "en": "define it with & above, or put text beginning with * in quotes",
        },
    ),
    (
        r"expected ',' or",
        {"zh": "这里打开的括号没有合上", "en": "the bracket that opens here is not closed"},
        {"zh": "用逗号分隔，并补上 } 或 ]", "en": "separate with commas and close with } or ]"},
    ),
    (
        "unexpected end of stream|document separator",
        {"zh": "这里打开的引号没有合上", "en": "the quote that opens here is not closed"},
        {"zh": "补上引号", "en": "close it"},
    ),
    (
        "expected a single document",
        {"zh": "文件里有第二个 YAML 文档", "en": "a second YAML document begins here"},
        {"zh": "一个文件只写一个厅，去掉 ---", "en": "one file is one hall: take the --- out"},
    ),
    (
        "could not find expected ':'",
        {"zh": "键后面缺少冒号", "en": "a colon is missing after a key"},
        {"zh": "写成「键: 值」，冒号后空一格", "en": "write `key: value`, with a space after the colon"},
    ),
    (
        "expected <block end>|block mapping|block collection",
        {"zh": "缩进与上文不一致", "en": "the indent does not fit the lines above"},
        {"zh": "同级的行左侧对齐", "en": "begin lines of one level in one column"},
    ),
)


def _syntax_fault(error: yaml.MarkedYAMLError) -> Fault:
    said = f"{error.context or ''} {error.problem or ''}"
    mark = error.problem_mark or error.context_mark
    known = next(((wrong, right) for pattern, wrong, right in _SYNTAX if re.search(pattern, said)), None)
    if known is None:
        detail = "".join(c if c.isprintable() else " " for c in (error.problem or "")).strip()
        known = (
            {"zh": f"YAML 语法错误（{detail}）", "en": f"not valid YAML ({detail})"},
            {"zh": "含特殊字符的文字加引号", "en": "put text with special characters in quotes"},
        )
    elif "not closed" in known[0]["en"] and error.context_mark is not None:
        mark = error.context_mark  # the end of the file tells nobody where it began
    return Fault(path=(), wrong=known[0], right=known[1], line=mark.line + 1 if mark is not None else 1)


def _unreadable_character(character: int | str | bytes) -> tuple[Words, Words]:
    code = character if isinstance(character, int) else ord(character)
    return (
        {"zh": f"有不可见字符 U+{code:04X}", "en": f"there is an invisible character, U+{code:04X}"},
        {"zh": "删去并重新键入该处", "en": "delete it and type that place again"},
    )
