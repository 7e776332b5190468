"""Regular expressions that a hall file may hold: those that cannot take long on a line of bounded length.

Python's matcher goes back and tries again wherever a repetition might have stopped elsewhere, and holds up every
thread meanwhile. So: no group is repeated, and a repetition is written so that it never gives back what it took
(``\\d++``, ``[^,]*+``, ``\\w{1,12}+``), except for two. What is left to try on a line of 512 characters is then bounded.
"""

import re
import warnings

LONGEST = 200
_PLAIN_REPETITIONS = 2
_OPTIONAL = 4
_ALTERNATIVES = 4
_GROUP = re.compile(r"\((?:\?:|\?P<[a-z]+>|(?!\?))")
_CLASS = re.compile(r"\[\^?\]?(?:[^\]\\]|\\.)*\]")
_REPEAT = re.compile(r"[*+?]|\{[0-9]*,?[0-9]*\}")


def check_pattern(pattern: str) -> None:
    """Raises ValueError, with what to write instead."""
    if len(pattern) > LONGEST:
        raise _refused(f"不得超过 {LONGEST} 个字符", f"at most {LONGEST} characters")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", FutureWarning)  # "[[": what it will mean may change
            re.compile(pattern)
    except (re.error, FutureWarning) as error:
        raise _refused(f"正则表达式有误：{error}", f"not a regular expression: {error}") from None
    plain = optional = 0
    before = ""  # the item that a repetition would repeat
    at = 0
    while at < len(pattern):
        at, item = _item(pattern, at)
        if item[0] in "*+?{" and _REPEAT.fullmatch(item):
            if before == ")" and item != "?":
                raise _refused("括号不得重复", "no group may be repeated")
            giving = pattern[at : at + 1] != "+"
            at += pattern[at : at + 1] in ("+", "?")
            plain += giving and item != "?"
            optional += giving and item == "?"
        before = item
    if plain > _PLAIN_REPETITIONS:
        raise _refused(
            "重复最多两处可回溯，其余请写成 \\d++、[^,]*+ 的形式",
            "two repetitions at most may give back what they took; write the others like \\d++ and [^,]*+",
        )
    if optional > _OPTIONAL or pattern.count("|") > _ALTERNATIVES:
        raise _refused(
            f"? 最多 {_OPTIONAL} 个，| 最多 {_ALTERNATIVES} 个", f"at most {_OPTIONAL} ? and {_ALTERNATIVES} |"
        )


def _item(pattern: str, at: int) -> tuple[int, str]:
    """The end and the text of the piece that begins there."""
    first = pattern[at]
    if first == "\\":
        if pattern[at + 1].isdigit():
            raise _refused("不支持反向引用", "no references to earlier groups")
        return at + 2, pattern[at : at + 2]
    if first == "(":
        if not (group := _GROUP.match(pattern, at)):
            raise _refused("只支持 (…)、(?:…) 和 (?P<名>…)", "only (…), (?:…) and (?P<name>…)")
        return group.end(), "("
    for form in (_CLASS,) if first == "[" else (_REPEAT,) if first in "*+?{" else ():
        if match := form.match(pattern, at):
            return match.end(), match[0]
    return at + 1, first


def _refused(zh: str, en: str) -> ValueError:
    return ValueError({"zh": f"pattern：{zh}", "en": f"pattern: {en}"})
