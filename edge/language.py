"""Which of the two languages the person at the keyboard reads."""

import os
from collections.abc import Mapping
from typing import Literal

from devices.faults import Words

Language = Literal["zh", "en"]


def language(environment: Mapping[str, str] = os.environ) -> Language:
    """Chinese where the environment says so, in the order POSIX asks its variables; English elsewhere."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        locale = environment.get(name)
        if locale:
            return "zh" if locale.lower().startswith("zh") else "en"
    return "en"


def pick(words: Words, language: Language) -> str:
    """The sentence in that language."""
    return words[language]
