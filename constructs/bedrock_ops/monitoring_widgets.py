"""The widgets of the dashboard. Each says its statistic, period, Region and axis: CloudWatch's default is Average."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from bedrock_eval import alarm_kinds as kinds
from bedrock_eval import catalogue
from bedrock_eval.alarm_kinds import AlarmKind, Comparison, Severity, Thresholds, figure
from bedrock_eval.metrics import METRICS, MetricDefinition
from bedrock_ops.alarms import RoutedAlarm, watched
from bedrock_ops.monitoring_metrics import metric, search
from bedrock_ops.monitoring_subjects import Watched, WatchedCandidate, WatchedEvaluation, WatchedModel

COLUMNS = 24
THIRD = COLUMNS // 3
HALF = COLUMNS // 2
HEIGHT = 6
TRAFFIC_PERIOD = Duration.minutes(5)
RUN_PERIOD = Duration.hours(1)
# Runs are days apart: their graphs look further back than the dashboard does.
RUN_START = "-P60D"

_Series = cloudwatch.Metric | cloudwatch.MathExpression
_SEVERITY_COLOR = {Severity.CRITICAL: cloudwatch.Color.RED, Severity.WARNING: cloudwatch.Color.ORANGE}
_SIGN = {Comparison.ABOVE: ">", Comparison.AT_LEAST: ">=", Comparison.BELOW: "<"}
_DIRECTION = {
    catalogue.Better.HIGHER: " (higher is better)",
    catalogue.Better.LOWER: " (lower is better)",
    catalogue.Better.NEUTRAL: "",
}
# One colour a candidate, the same in every graph of its evaluation.
_CANDIDATE_COLORS = (
    *(cloudwatch.Color.BLUE, cloudwatch.Color.ORANGE, cloudwatch.Color.GREEN, cloudwatch.Color.PURPLE),
    *(cloudwatch.Color.BROWN, cloudwatch.Color.PINK, cloudwatch.Color.GREY, cloudwatch.Color.RED, "#17becf", "#bcbd22"),
)

# Titles and units of what alarms watch and no other graph shows.
_OF_MODELS = {
    kinds.OUTPUT_SPEED.name: ("Output tokens per second, streamed", "tokens per second"),
    kinds.QUOTA_TOKENS.name: ("Quota of tokens per minute in use", "% of the quota"),
    kinds.QUOTA_REQUESTS.name: ("Quota of requests per minute in use", "% of the quota"),
    kinds.TOKENS_PER_HOUR.name: ("Tokens per hour", "tokens in 1 h"),
    kinds.TOKENS_PER_DAY.name: ("Tokens per day", "tokens in 1 d"),
    kinds.COST_PER_HOUR.name: ("Estimated cost per hour", "US dollars in 1 h"),
    kinds.COST_PER_DAY.name: ("Estimated cost per day", "US dollars in 1 d"),
    kinds.UNPRICED_TOKENS.name: ("Tokens without a rate", "tokens in 1 d"),
    kinds.LEGACY_MODEL.name: ("Calls as a legacy model", "requests in 1 h"),
    kinds.END_OF_LIFE.name: ("Days to its end of life", "days"),
}
_OF_EVALUATIONS = {kinds.INCONCLUSIVE.name: ("Days with an inconclusive verdict", "1 yes, 0 no")}
_OF_GUARDRAILS = {kinds.GUARDRAIL_INTERVENTIONS.name: ("Interventions of the guardrail", "% of invocations")}
_HOUR = 3_600


def heading(text: str) -> cloudwatch.TextWidget:
    """A line over the rows that follow."""
    return cloudwatch.TextWidget(markdown=f"## {text}", width=COLUMNS, height=1)


@dataclass(frozen=True)
class Widgets:
    """Builds rows of widgets for the subjects of one environment, with the thresholds of its alarms drawn in."""

    watched: Watched
    alarms: Sequence[RoutedAlarm]
    thresholds: Thresholds
    region: str

    def states(self) -> list[cloudwatch.IWidget]:
        """The state of every alarm; a widget holds a hundred."""
        parts = [self.alarms[start : start + 100] for start in range(0, len(self.alarms), 100)]
        return [
            cloudwatch.AlarmStatusWidget(
                title="Alarms",
                alarms=[routed.alarm for routed in part],
                sort_by=cloudwatch.AlarmStatusWidgetSortBy.STATE_UPDATED_TIMESTAMP,
                width=COLUMNS,
                height=2 + -(-len(part) // 4),
            )
            for part in parts
        ]

    def all_models(self) -> cloudwatch.IWidget:
        """Every model id that is called in this account and Region, declared or not."""
        return self._graph(
            "Invocations of all models",
            [search(catalogue.INVOCATIONS, period=TRAFFIC_PERIOD)],
            unit="requests in 5 min",
            width=COLUMNS,
        )

    def model(self, model: WatchedModel) -> list[cloudwatch.IWidget]:
        """Traffic, latency, tokens, errors and rates of one declared model."""
        return [
            self._graph("Invocations", [self._count(catalogue.INVOCATIONS, model)], unit="requests in 5 min"),
            self._latency(model),
            self._graph(
                "Tokens",
                [self._count(entry, model) for entry in (catalogue.INPUT_TOKENS, catalogue.OUTPUT_TOKENS)],
                unit="tokens in 5 min",
            ),
            self._graph(
                "Errors and throttles",
                [
                    self._count(catalogue.CLIENT_ERRORS, model, color=cloudwatch.Color.BROWN),
                    self._count(catalogue.SERVER_ERRORS, model, color=cloudwatch.Color.PINK),
                    self._count(catalogue.THROTTLES, model, color=cloudwatch.Color.PURPLE),
                ],
                unit="requests in 5 min",
                limits=self._limits([kinds.THROTTLE_COUNT], model.dimensions),
                width=HALF,
            ),
            self._rates(model),
            *self._alarmed(_OF_MODELS, model.name),
        ]

    def evaluation(self, evaluation: WatchedEvaluation) -> list[cloudwatch.IWidget]:
        """Scores with their gates, verdicts, and how the runs went, a series a candidate."""
        least = evaluation.min_coverage
        return [
            *(self._score(evaluation, METRICS[name]) for name in evaluation.metrics),
            *self._verdicts(evaluation),
            self._run_gauges(
                evaluation,
                "Coverage",
                [catalogue.RUN_COVERAGE],
                unit="share answered",
                limits=[_line(least, f"min_coverage {least:g}", cloudwatch.Color.ORANGE)],
                top=1,
            ),
            self._run_gauges(
                evaluation, "Cases and failed cases", [catalogue.RUN_CASES, catalogue.RUN_FAILED_CASES], unit="cases"
            ),
            self._run_gauges(evaluation, "Duration of runs", [catalogue.RUN_DURATION], unit="seconds"),
            self._run_gauges(
                evaluation,
                "Tokens of runs",
                [catalogue.RUN_INPUT_TOKENS, catalogue.RUN_OUTPUT_TOKENS],
                unit="tokens",
            ),
            self._runs(evaluation),
            *self._alarmed(_OF_EVALUATIONS, evaluation.name),
        ]

    def guardrails(self) -> list[cloudwatch.IWidget]:
        """What the alarms of each guardrail watch."""
        return [graph for each in self.watched.guardrails for graph in self._alarmed(_OF_GUARDRAILS, each.name)]

    def health(self) -> list[cloudwatch.IWidget]:
        """Whether the evaluator and its watchers do their work."""
        names = self.watched.names
        functions = (names.custom_evaluator, names.watchdog)
        return [
            self._functions("Function errors", catalogue.LAMBDA_ERRORS, functions, unit="errors in 5 min"),
            self._functions("Function duration (p90)", catalogue.LAMBDA_DURATION, functions, unit="ms"),
            self._executions(),
            self._watch(
                "Schedule deliveries that failed",
                kinds.DEAD_LETTERS,
                {names.dead_letters: self.watched.dead_letters_dimensions},
                unit="messages waiting",
            ),
            self._watch(
                "Watchdog heartbeat",
                kinds.WATCHDOG_SILENT,
                {names.watchdog: self.watched.application_dimensions},
                unit="reports in 1 h",
            ),
            *self._overdue(),
            self._ends_of_life(),
            *self._log_delivery(),
        ]

    def _graph(  # noqa: PLR0913 - all by keyword but the first two
        self,
        title: str,
        series: Sequence[_Series],
        *,
        unit: str,
        limits: Sequence[cloudwatch.HorizontalAnnotation] = (),
        width: int = THIRD,
        top: float | None = None,
        period: Duration = TRAFFIC_PERIOD,
        statistic: str = "Sum",
        start: str | None = None,
    ) -> cloudwatch.GraphWidget:
        return cloudwatch.GraphWidget(
            title=title,
            left=list(series),
            left_annotations=list(limits),
            left_y_axis=cloudwatch.YAxisProps(label=unit, show_units=False, min=0, max=top),
            # CDK leaves out of a series what it takes for CloudWatch's defaults; the widget says it for them.
            statistic=statistic,
            period=period,
            region=self.region,
            start=start,
            width=width,
            height=HEIGHT,
        )

    def _alarmed(self, graphs: Mapping[str, tuple[str, str]], subject: str) -> list[cloudwatch.IWidget]:
        """A graph of what each alarm about a subject watches that has none above, titles and units by kind."""
        return [
            self._graph(
                ": ".join((graphs[routed.kind.name][0], *routed.subject[1:])),
                [routed.series],
                unit=graphs[routed.kind.name][1],
                limits=[self._limit(routed)],
                period=Duration.seconds(routed.kind.window.seconds),
                start=RUN_START if routed.kind.window.seconds > _HOUR else None,
            )
            for routed in self.alarms
            if routed.kind.name in graphs and routed.subject[0] == subject
        ]

    def _limits(
        self, kinds: Sequence[AlarmKind], *subjects: Mapping[str, str]
    ) -> list[cloudwatch.HorizontalAnnotation]:
        """A line for each threshold of the alarms of these kinds on these dimensions; none where no alarm was made."""
        drawn = {
            (routed.kind.name, routed.threshold): routed
            for routed in self.alarms
            if routed.kind in kinds and routed.dimensions in subjects
        }
        return [self._limit(routed) for routed in drawn.values()]

    def _limit(self, routed: RoutedAlarm) -> cloudwatch.HorizontalAnnotation:
        label = f"{routed.kind.name} {_SIGN[routed.kind.comparison]} {figure(routed.threshold)}"
        return _line(routed.threshold, label, _SEVERITY_COLOR[routed.severity])

    def _count(self, entry: catalogue.Metric, model: WatchedModel, *, color: str | None = None) -> cloudwatch.Metric:
        return metric(entry, dimensions=model.dimensions, period=TRAFFIC_PERIOD, label=entry.title, color=color)

    def _latency(self, model: WatchedModel) -> cloudwatch.IWidget:
        percentiles = {"p50": cloudwatch.Color.GREEN, "p90": cloudwatch.Color.BLUE, "p99": cloudwatch.Color.PURPLE}
        series = [
            metric(
                catalogue.INVOCATION_LATENCY,
                dimensions=model.dimensions,
                period=TRAFFIC_PERIOD,
                statistic=percentile,
                label=percentile,
                color=color,
            )
            for percentile, color in percentiles.items()
        ]
        return self._graph(
            "Latency to the last token",
            series,
            unit="ms",
            limits=self._limits([kinds.LATENCY_P90], model.dimensions),
            statistic="p90",
        )

    def _rates(self, model: WatchedModel) -> cloudwatch.IWidget:
        rates = (
            (kinds.CLIENT_ERRORS, "Client errors", cloudwatch.Color.BROWN),
            (kinds.SERVER_ERRORS, "Server errors", cloudwatch.Color.PINK),
            (kinds.THROTTLES, "Throttles", cloudwatch.Color.PURPLE),
        )
        series = [
            watched(kind, dimensions=model.dimensions, thresholds=model.thresholds, label=label, color=color)
            for kind, label, color in rates
        ]
        return self._graph(
            f"Rates, from {model.thresholds.traffic_floor} requests in 5 min on",
            series,
            unit="% of requests",
            limits=self._limits([kind for kind, _, _ in rates], model.dimensions),
            width=HALF,
        )

    def _score(self, evaluation: WatchedEvaluation, definition: MetricDefinition) -> cloudwatch.IWidget:
        entry = catalogue.score(definition.name, better=definition.better, title=definition.title)
        gates = [gate for gate in evaluation.gates if gate.metric == definition.name]
        return self._run_graph(
            f"{definition.title}, mean{_DIRECTION[definition.better]}",
            [self._of_candidate(entry, evaluation, candidate) for candidate in evaluation.candidates],
            unit=definition.unit,
            limits=[
                _line(bound, f"gate {side} {bound:g}", cloudwatch.Color.RED)
                for gate in gates
                for side, bound in (("min", gate.min), ("max", gate.max))
                if bound is not None
            ],
            top=1 if definition.high == 1 else None,
            statistic=entry.statistic,
        )

    def _verdicts(self, evaluation: WatchedEvaluation) -> list[cloudwatch.IWidget]:
        judged = {
            f"{candidate.name}: {gate.metric}": evaluation.verdict_dimensions(candidate, gate)
            for candidate in evaluation.candidates
            for gate in evaluation.gates
        }
        if not judged:
            return []
        return [
            self._run_graph(
                "Verdicts of the gates",
                [
                    metric(catalogue.GATE_VERDICT, dimensions=dimensions, period=RUN_PERIOD, label=label)
                    for label, dimensions in judged.items()
                ],
                unit="0 better, 1 not worse, 2 inconclusive, 3 worse",
                limits=self._limits([kinds.VERDICT], *judged.values()),
                top=3,
            )
        ]

    def _run_gauges(  # noqa: PLR0913 - all by keyword but the first three
        self,
        evaluation: WatchedEvaluation,
        title: str,
        entries: Sequence[catalogue.Metric],
        *,
        unit: str,
        limits: Sequence[cloudwatch.HorizontalAnnotation] = (),
        top: float | None = None,
    ) -> cloudwatch.IWidget:
        several = len(entries) > 1
        series = [
            self._of_candidate(entry, evaluation, candidate, label_entry=several)
            for entry in entries
            for candidate in evaluation.candidates
        ]
        return self._run_graph(title, series, unit=unit, limits=limits, top=top)

    def _runs(self, evaluation: WatchedEvaluation) -> cloudwatch.IWidget:
        entries = (catalogue.RUN_FINISHED, catalogue.RUN_FAILED, catalogue.RUN_SKIPPED)
        return self._run_graph(
            "Runs finished, failed, skipped",
            [
                metric(entry, dimensions=evaluation.dimensions, period=RUN_PERIOD, label=entry.title)
                for entry in entries
            ],
            unit="1 = yes",
            limits=self._limits([kinds.RUN_FAILED], evaluation.dimensions),
        )

    def _run_graph(  # noqa: PLR0913 - all by keyword but the first two
        self,
        title: str,
        series: Sequence[_Series],
        *,
        unit: str,
        limits: Sequence[cloudwatch.HorizontalAnnotation] = (),
        top: float | None = None,
        statistic: str = "Maximum",
    ) -> cloudwatch.IWidget:
        return self._graph(
            title,
            series,
            unit=unit,
            limits=limits,
            top=top,
            period=RUN_PERIOD,
            statistic=statistic,
            start=RUN_START,
        )

    def _of_candidate(
        self,
        entry: catalogue.Metric,
        evaluation: WatchedEvaluation,
        candidate: WatchedCandidate,
        *,
        label_entry: bool = False,
    ) -> cloudwatch.Metric:
        place = evaluation.candidates.index(candidate)
        return metric(
            entry,
            dimensions=evaluation.candidate_dimensions(candidate),
            period=RUN_PERIOD,
            label=f"{candidate.name}: {entry.title.lower()}" if label_entry else candidate.name,
            color=None if label_entry else _CANDIDATE_COLORS[place % len(_CANDIDATE_COLORS)],
        )

    def _functions(
        self, title: str, entry: catalogue.Metric, functions: Sequence[str], *, unit: str
    ) -> cloudwatch.IWidget:
        series = [
            metric(entry, dimensions={"FunctionName": name}, period=TRAFFIC_PERIOD, label=name) for name in functions
        ]
        return self._graph(title, series, unit=unit, statistic=entry.statistic)

    def _executions(self) -> cloudwatch.IWidget:
        dimensions = self.watched.state_machine_dimensions
        entries = (catalogue.STATES_FAILED, catalogue.STATES_TIMED_OUT, catalogue.STATES_ABORTED)
        return self._graph(
            "Executions that did not finish",
            [metric(entry, dimensions=dimensions, period=TRAFFIC_PERIOD, label=entry.title) for entry in entries],
            unit="executions in 5 min",
            limits=self._limits([kinds.EXECUTIONS_FAILED], dimensions),
        )

    def _watch(
        self, title: str, kind: AlarmKind, subjects: Mapping[str, Mapping[str, str]], *, unit: str
    ) -> cloudwatch.IWidget:
        """What an alarm kind of one metric watches, a series for each labelled subject, beside its threshold."""
        (entry,) = kind.metrics.values()
        return self._graph(
            title,
            [
                watched(kind, dimensions=dimensions, thresholds=self.thresholds, label=label)
                for label, dimensions in subjects.items()
            ],
            unit=unit,
            limits=self._limits([kind], *subjects.values()),
            period=Duration.seconds(kind.window.seconds),
            statistic=entry.statistic,
        )

    def _overdue(self) -> list[cloudwatch.IWidget]:
        scheduled = {item.name: item.dimensions for item in self.watched.evaluations if item.scheduled}
        if not scheduled:
            return []
        return [self._watch("Overdue evaluations", kinds.RUN_OVERDUE, scheduled, unit="0 in time, 1 overdue")]

    def _ends_of_life(self) -> cloudwatch.IWidget:
        entry = catalogue.DAYS_TO_END_OF_LIFE
        found = search(entry, period=RUN_PERIOD, dimensions=self.watched.application_dimensions)
        return self._graph(
            "Days to the end of life of models, where announced",
            [found],
            unit="days",
            period=RUN_PERIOD,
            statistic=entry.statistic,
        )

    def _log_delivery(self) -> list[cloudwatch.IWidget]:
        if not self.watched.logs_invocations:
            return []
        lost: dict[str, dict[str, str]] = {"Records lost": {}}
        return [self._watch("Invocation logs lost", kinds.LOG_DELIVERY, lost, unit="failed deliveries in 5 min")]


def _line(value: float, label: str, color: str) -> cloudwatch.HorizontalAnnotation:
    return cloudwatch.HorizontalAnnotation(value=value, label=label, color=color)
