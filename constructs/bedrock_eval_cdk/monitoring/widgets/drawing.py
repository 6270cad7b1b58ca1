"""What all widgets of the dashboard share: statistic, period, Region and axis are said, and thresholds drawn.

CloudWatch's default statistic is Average, which makes a flat line of every count.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval import catalogue
from bedrock_eval.alarms.kinds import AlarmKind, Comparison, Severity
from bedrock_eval.alarms.thresholds import Thresholds
from bedrock_eval.alarms.units import figure
from bedrock_eval_cdk.monitoring.metrics import metric
from bedrock_eval_cdk.monitoring.routed_alarm import RoutedAlarm
from bedrock_eval_cdk.monitoring.series import Series, watched_series
from bedrock_eval_cdk.monitoring.subjects import MonitoredModels

COLUMNS = 24
THIRD = COLUMNS // 3
HALF = COLUMNS // 2
HEIGHT = 6
# Of texts over the whole width, at 1280 px.
_HEADING_LETTERS, _LETTERS, _LINES_A_ROW = 100, 150, 2
# In a column; CloudWatch cuts longer titles.
_TITLE_LETTERS = 6.25
TRAFFIC_PERIOD = Duration.minutes(5)
RUN_PERIOD = Duration.hours(1)
# Runs are days apart: their graphs look further back than the dashboard does.
RUN_START = "-P60D"
# Percentiles of one latency: the middle, the slow tenth, the slow hundredth.
PERCENTILES = {"p50": cloudwatch.Color.GREEN, "p90": cloudwatch.Color.BLUE, "p99": cloudwatch.Color.PURPLE}

Line = cloudwatch.HorizontalAnnotation
_SEVERITY_COLOR = {Severity.CRITICAL: cloudwatch.Color.RED, Severity.WARNING: cloudwatch.Color.ORANGE}
_SIGN = {Comparison.ABOVE: ">", Comparison.AT_LEAST: ">=", Comparison.BELOW: "<"}
_HOUR = 3_600
_MOST_STATES = 100


def heading(text: str, details: str = "") -> cloudwatch.TextWidget:
    """A line over the rows that follow, with details in it, or below it where they do not fit."""
    line = f"{text}: {details}" if details else text
    if len(line) <= _HEADING_LETTERS:
        return cloudwatch.TextWidget(markdown=f"## {line}", width=COLUMNS, height=1)
    return cloudwatch.TextWidget(markdown=f"## {text}\n\n{details}", width=COLUMNS, height=text_rows(text, details))


def text_rows(*paragraphs: str) -> int:
    """How high a text over the whole width must be, so that nobody has to scroll in it at 1280 px."""
    lines = sum(1 + len(each) // _LETTERS for each in paragraphs)
    return 1 + -(-lines // _LINES_A_ROW)


def line(value: float, label: str, color: str) -> Line:
    """A threshold across a graph; its label names the value."""
    return cloudwatch.HorizontalAnnotation(value=value, label=label, color=color)


@dataclass(frozen=True)
class Drawing:
    """Makes widgets for one environment, with the thresholds of its alarms drawn in."""

    models: MonitoredModels
    alarms: Sequence[RoutedAlarm]
    thresholds: Thresholds
    region: str

    def graph(  # noqa: PLR0913 - all by keyword but the first two
        self,
        title: str,
        series: Sequence[Series],
        *,
        unit: str,
        limits: Sequence[Line] = (),
        width: int | None = None,
        top: float | None = None,
        bottom: float | None = 0,
        period: Duration = TRAFFIC_PERIOD,
        statistic: str = "Sum",
        start: str | None = None,
    ) -> cloudwatch.GraphWidget:
        """A graph of one unit, its axis from 0 on unless `bottom` says otherwise; None: from the lowest value on.

        Args:
            width: None: a third, or more where the title needs it.
        """
        return cloudwatch.GraphWidget(
            title=title,
            left=list(series),
            left_annotations=list(limits),
            left_y_axis=cloudwatch.YAxisProps(label=unit, show_units=False, min=bottom, max=top),
            # CDK leaves out of a series what it takes for CloudWatch's defaults; the widget says it for them.
            statistic=statistic,
            period=period,
            region=self.region,
            start=start,
            # Ends before the period that is not complete; an end of its own could only be a fixed time.
            live_data=False,
            width=width or _width(title),
            height=HEIGHT,
        )

    def run_graph(  # noqa: PLR0913 - all by keyword but the first two
        self,
        title: str,
        series: Sequence[Series],
        *,
        unit: str,
        limits: Sequence[Line] = (),
        top: float | None = None,
        bottom: float | None = 0,
        statistic: str = "Maximum",
    ) -> cloudwatch.GraphWidget:
        """A graph of figures that come once a run."""
        return self.graph(
            title,
            series,
            unit=unit,
            limits=limits,
            top=top,
            bottom=bottom,
            period=RUN_PERIOD,
            statistic=statistic,
            start=RUN_START,
        )

    def total(self, title: str, series: Sequence[Series], *, days: int, width: int = THIRD) -> cloudwatch.IWidget:
        """One number a series over the last days, which need not be those that the dashboard shows."""
        return cloudwatch.SingleValueWidget(
            title=title,
            metrics=list(series),
            set_period_to_time_range=True,
            start=f"-P{days}D",
            end="P0D",
            period=Duration.days(1),
            region=self.region,
            width=width,
            height=HEIGHT // 2,
        )

    def newest(self, title: str, series: Sequence[Series], *, period: Duration) -> cloudwatch.IWidget:
        """The newest value of each series, however long ago it came."""
        return cloudwatch.SingleValueWidget(
            title=title,
            metrics=list(series),
            start=RUN_START,
            end="P0D",
            period=period,
            region=self.region,
            width=COLUMNS,
            height=HEIGHT // 2,
        )

    def limits(self, kinds: Sequence[AlarmKind], *subjects: Mapping[str, str]) -> list[Line]:
        """A line for each threshold of the alarms of these kinds on these dimensions; none where no alarm was made."""
        equal: dict[str, list[RoutedAlarm]] = {}
        for routed in self.alarms:
            if routed.kind in kinds and routed.dimensions in subjects:
                equal.setdefault(_limit(routed), []).append(routed)
        return [self.limit(*drawn) for drawn in equal.values()]

    def limit(self, *equal: RoutedAlarm) -> Line:
        """The line of alarms with one threshold, whose names would cover each other on lines of their own."""
        names = ", ".join(dict.fromkeys(routed.kind.name for routed in equal))
        severe = min((routed.severity for routed in equal), key=list(Severity).index)
        return line(equal[0].threshold, f"{names} {_limit(equal[0])}", _SEVERITY_COLOR[severe])

    def about(self, kind: AlarmKind, subject: str) -> list[RoutedAlarm]:
        """The alarms of a kind about a model, a guardrail or an evaluation."""
        return [routed for routed in self.alarms if routed.kind == kind and routed.subject[0] == subject]

    def alarmed(self, titles: Mapping[str, str], subject: str) -> list[cloudwatch.IWidget]:
        """A graph of what each alarm about a subject watches that has none elsewhere, titles by kind."""
        return [
            self.graph(
                ": ".join((titles[routed.kind.name], *routed.subject[1:])),
                [routed.series],
                unit=routed.kind.axis,
                limits=[self.limit(routed)],
                period=Duration.seconds(routed.kind.window.seconds),
                start=RUN_START if routed.kind.window.seconds > _HOUR else None,
            )
            for routed in self.alarms
            if routed.kind.name in titles and routed.subject[0] == subject
        ]

    def watch(self, title: str, kind: AlarmKind, subjects: Mapping[str, Mapping[str, str]]) -> cloudwatch.IWidget:
        """What an alarm kind of one metric watches, a series for each labelled subject, beside its threshold."""
        (entry,) = kind.metrics.values()
        return self.graph(
            title,
            [
                watched_series(kind, dimensions=dimensions, thresholds=self.thresholds, label=label)
                for label, dimensions in subjects.items()
            ],
            unit=kind.axis,
            limits=self.limits([kind], *subjects.values()),
            period=Duration.seconds(kind.window.seconds),
            statistic=entry.statistic,
        )

    def counts(self, entries: Mapping[catalogue.Metric, str | None], dimensions: Mapping[str, str]) -> list[Series]:
        """Counts in five minutes, by entry and colour."""
        return [
            metric(entry, dimensions=dimensions, period=TRAFFIC_PERIOD, label=entry.title, color=color)
            for entry, color in entries.items()
        ]

    def percentiles(self, entry: catalogue.Metric, dimensions: Mapping[str, str]) -> list[Series]:
        """p50, p90 and p99 of a latency."""
        return [
            metric(
                entry,
                dimensions=dimensions,
                period=TRAFFIC_PERIOD,
                statistic=percentile,
                label=percentile,
                color=color,
            )
            for percentile, color in PERCENTILES.items()
        ]

    def states(self) -> list[cloudwatch.IWidget]:
        """The state of every alarm: those that tell people by their severity, then the parts of incidents."""
        telling: dict[cloudwatch.IAlarm, Severity] = {
            routed.told_by or routed.alarm: routed.severity for routed in self.alarms
        }
        parts = [routed.alarm for routed in self.alarms if routed.told_by is not None]
        return [
            *(
                widget
                for each in Severity
                for widget in _states(
                    f"Alarms that notify: {each}", [alarm for alarm, found in telling.items() if found is each]
                )
            ),
            *_states("Alarms grouped into incidents", parts),
        ]


def _width(title: str) -> int:
    """A metric of one's own may have a name of 63 letters."""
    return next((width for width in (THIRD, HALF) if len(title) <= width * _TITLE_LETTERS), COLUMNS)


def _limit(routed: RoutedAlarm) -> str:
    return f"{_SIGN[routed.kind.comparison]} {figure(routed.threshold)}"


def _states(title: str, alarms: Sequence[cloudwatch.IAlarm]) -> Iterator[cloudwatch.IWidget]:
    """What rings comes first, then what changed last."""
    for start in range(0, len(alarms), _MOST_STATES):
        part = alarms[start : start + _MOST_STATES]
        yield cloudwatch.AlarmStatusWidget(
            title=title if start == 0 else f"{title} (from {start + 1} on)",
            alarms=list(part),
            sort_by=cloudwatch.AlarmStatusWidgetSortBy.STATE_UPDATED_TIMESTAMP,
            width=COLUMNS,
            height=1 + -(-len(part) // 4),
        )
