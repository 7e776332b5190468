"""The hall's rules, one file each: settings, state, judgement and its reason in words."""

import attrs

from edge.hall.rules.air import Settings as AirSettings
from edge.hall.rules.crowd import Settings as CrowdSettings
from edge.hall.rules.fever import Settings as FeverSettings
from edge.hall.rules.hygiene import Settings as HygieneSettings
from edge.hall.rules.patrol import Settings as PatrolSettings
from edge.hall.rules.surge import Settings as SurgeSettings
from edge.hall.rules.wait import Settings as WaitSettings


@attrs.frozen(kw_only=True)
class RuleSettings:
    """The hall file's ``rules`` section; a rule that is not named there keeps its defaults."""

    fever: FeverSettings = attrs.field(factory=FeverSettings)
    crowd: CrowdSettings = attrs.field(factory=CrowdSettings)
    wait: WaitSettings = attrs.field(factory=WaitSettings)
    air: AirSettings = attrs.field(factory=AirSettings)
    hygiene: HygieneSettings = attrs.field(factory=HygieneSettings)
    patrol: PatrolSettings = attrs.field(factory=PatrolSettings)
    surge: SurgeSettings = attrs.field(factory=SurgeSettings)
