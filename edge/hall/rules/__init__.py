"""The hall's rules, one file each: settings, state, judgement and its reason in words."""

import attrs

from edge.hall.rules import air, crowd, fever, hygiene, patrol, surge, wait


@attrs.frozen(kw_only=True)
class RuleSettings:
    """The hall file's ``rules`` section; a rule that is not named there keeps its defaults."""

    fever: fever.Settings = attrs.field(factory=fever.Settings)
    crowd: crowd.Settings = attrs.field(factory=crowd.Settings)
    wait: wait.Settings = attrs.field(factory=wait.Settings)
    air: air.Settings = attrs.field(factory=air.Settings)
    hygiene: hygiene.Settings = attrs.field(factory=hygiene.Settings)
    patrol: patrol.Settings = attrs.field(factory=patrol.Settings)
    surge: surge.Settings = attrs.field(factory=surge.Settings)
