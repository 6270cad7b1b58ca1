"""Who hears of an alarm: alarms of one severity about one incident of one subject become children of one composite.

An alarm is routed when it has actions, or is a child of a composite that has them. The composite notifies once of its
incident; what stands alone notifies by itself. See docs/decisions.md for what a composite must not hold.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from aws_cdk import aws_sns as sns

from bedrock_eval.alarms.description import AlarmDescription
from bedrock_eval.alarms.kinds import Incident, Severity
from bedrock_eval_cdk.monitoring.alarm_policy import AlarmPolicy
from bedrock_eval_cdk.monitoring.routed_alarm import RoutedAlarm
from constructs import Construct

# PutCompositeAlarm: children and rule.
_MOST_CHILDREN = 100
_MOST_RULE = 10_240
_TOKEN = re.compile(r"\$\{Token\[[^\]]+\]\}")
# An alarm that CloudFormation names stands in a rule by its ARN, which has up to 67 characters and a name of 255.
_LONGEST_ARN = "x" * 322


@dataclass(frozen=True)
class Notified:
    """The topics that alarms notify.

    Attributes:
        recovered: where it is said that all is well, where that is not the topic.
    """

    topic: sns.ITopic
    recovered: sns.ITopic | None = None

    def notify_of(self, alarm: cloudwatch.AlarmBase) -> None:
        """Notify the topics when the alarm is in alarm and when it is well again."""
        alarm.add_alarm_action(actions.SnsAction(self.topic))
        alarm.add_ok_action(actions.SnsAction(self.recovered or self.topic))


@dataclass(frozen=True)
class _Group:
    """Alarms of one incident, which are in alarm together."""

    severity: Severity
    incident: Incident
    subject: tuple[str, ...]


@dataclass(frozen=True)
class AlarmRouter:
    """Gives every alarm somebody who hears of it.

    Attributes:
        scope: of the composites.
    """

    scope: Construct
    policy: AlarmPolicy
    notified: Notified

    def route(self, alarms: Sequence[RoutedAlarm]) -> tuple[RoutedAlarm, ...]:
        """Notify of each alarm by itself or by the composite of its incident; gives them with their composites."""
        groups: dict[_Group, list[RoutedAlarm]] = {}
        for made in alarms:
            incident = made.kind.incident
            if incident is None:
                self.notified.notify_of(made.alarm)
                continue
            subject = made.subject[: incident.subject_parts]
            groups.setdefault(_Group(made.severity, incident, subject), []).append(made)
        explaining = {made.kind.name: made for made in (*self.policy.explaining, *alarms)}
        composed: dict[int, cloudwatch.CompositeAlarm] = {}
        for group, members in groups.items():
            if len(members) == 1 and members[0].kind.unless not in explaining:
                self.notified.notify_of(members[0].alarm)
            else:
                composed |= self._compose(group, members, explaining)
        return tuple(replace(made, told_by=composed.get(id(made))) for made in alarms)

    def _compose(
        self, group: _Group, members: Sequence[RoutedAlarm], explaining: Mapping[str, RoutedAlarm]
    ) -> dict[int, cloudwatch.CompositeAlarm]:
        """The composites over a group, by the identity of the alarms that each notifies of."""
        by_term = {_term(member, explaining): member for member in members}
        shards = list(shard(list(by_term)))
        composed: dict[int, cloudwatch.CompositeAlarm] = {}
        for number, terms in enumerate(shards, 1):
            part = (f"part-{number}",) if len(shards) > 1 else ()
            words = (group.severity, group.incident, *group.subject, *part)
            name = self.policy.take_name(*words, subject=group.subject)
            composite = cloudwatch.CompositeAlarm(
                self.scope,
                "-".join(words),
                composite_alarm_name=name,
                alarm_description=self._description(group, members),
                alarm_rule=cloudwatch.AlarmRule.from_string(" OR ".join(terms)),
            )
            children = [by_term[term] for term in terms]
            explained_by = [found for each in children if (found := explaining.get(each.kind.unless or ""))]
            if name is None:
                _leave_name_to_cloudformation(composite)
            else:
                # The rule names its children as text, so CloudFormation cannot see that they come first.
                composite.node.add_dependency(*(each.alarm for each in (*children, *explained_by)))
            self.notified.notify_of(composite)
            composed |= {id(each): composite for each in children}
        return composed

    def _description(self, group: _Group, members: Sequence[RoutedAlarm]) -> str:
        kinds = ", ".join(dict.fromkeys(member.kind.name for member in members))
        said = AlarmDescription(
            f"{group.incident.capitalize()} of {' '.join(group.subject)}: at least one of these is in alarm: {kinds}. "
            "It notifies once, whichever join later, and again when all are OK.",
            group.severity,
            look_at="the alarms named in the message.",
        )
        return self.policy.description(said, entry="incidents")


def _leave_name_to_cloudformation(composite: cloudwatch.CompositeAlarm) -> None:
    """Take away the name that the CDK makes up, which a second alarm of the same path in the account would take."""
    made = composite.node.default_child
    if not isinstance(made, cloudwatch.CfnCompositeAlarm):
        raise TypeError(f"{composite.node.path}: CDK no longer makes a CfnCompositeAlarm")
    made.add_property_deletion_override("AlarmName")


def _term(member: RoutedAlarm, explaining: Mapping[str, RoutedAlarm]) -> str:
    """The part of a rule about one alarm, which does not count while another explains it."""
    explained_by = explaining.get(member.kind.unless or "")
    return member.in_a_rule if explained_by is None else f"({member.in_a_rule} AND NOT {explained_by.in_a_rule})"


def shard(terms: Sequence[str]) -> Iterator[tuple[str, ...]]:
    """Terms of composite rules, as many to a rule as CloudWatch takes: 100 children, 10,240 characters with ` OR `."""
    part: list[str] = []
    children = size = 0
    for term in terms:
        named, length = term.count("ALARM("), len(_TOKEN.sub(_LONGEST_ARN, term))
        if part and (children + named > _MOST_CHILDREN or size + len(" OR ") + length > _MOST_RULE):
            yield tuple(part)
            part, children, size = [], 0, 0
        size += length + (len(" OR ") if part else 0)
        children += named
        part.append(term)
    if part:
        yield tuple(part)
