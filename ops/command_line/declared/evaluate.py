"""Declares `bedrock-eval evaluate`."""

from pathlib import Path
from typing import Any

from ops.command_line.options import add_endpoint, add_json
from ops.command_line.values import confidence, decimal, integer, local_path, not_empty

DEFAULT_FOLDER = Path("build") / "evaluate"
DEFAULT_CONCURRENCY = 8
DEFAULT_CONFIDENCE = 0.95
# As in an environment file; tests/ops/command_line compares them with the evaluation's own defaults.
READ_TIMEOUT_SECONDS = 120
ATTEMPTS = 4
THROTTLE_MINUTES = 30
FAILED_CASE_ROUNDS = 2


def declare(commands: Any) -> None:
    """Add the command."""
    evaluate = commands.add_parser(
        "evaluate",
        help="evaluate models from this terminal",
        description="Evaluate models from this terminal with the code of the deployed evaluation. Nothing needs to be "
        "deployed.",
        examples=(
            "evaluate --dataset cases.jsonl --model us.amazon.nova-2-lite-v1:0 --limit 20",
            "evaluate --dataset cases.jsonl --model a=amazon.nova-lite-v1:0 --model b=amazon.nova-pro-v1:0",
            "evaluate --dataset cases.jsonl --model amazon.nova-lite-v1:0 --gate 'f1_score>=0.5' --json",
        ),
    )
    _add_question(evaluate.add_argument)
    _add_verdict(evaluate.add_argument)
    _add_calls(evaluate.add_argument)
    add_json(evaluate)
    add_endpoint(evaluate)


def _add_question(add: Any) -> None:
    """Add what the models are asked. Paths stay texts, so that messages show them as they were given."""
    add("--dataset", type=local_path, required=True, metavar="F", help="JSONL with prompt and referenceResponse")
    add("--model", action="append", required=True, metavar="[NAME=]ID", help="a model to evaluate; repeatable")
    add("--system", type=local_path, metavar="F", help="file with the system prompt (without its last line break)")
    add("--template", type=local_path, metavar="F", help="file with the text around the prompt, {{prompt}} once in it")
    add(
        "--max-tokens",
        type=integer(1, 1_000_000),
        metavar="N",
        help="longest answer (4,096; 16,384 for models that think)",
    )
    add("--temperature", type=decimal(0, 1), metavar="X", help="of sampling; some models refuse it")
    add("--top-p", type=decimal(0, 1), metavar="X", help="of sampling; some models refuse it")
    add(
        "--stop-sequence",
        action="append",
        type=not_empty,
        metavar="TEXT",
        help="a text that ends an answer; repeatable",
    )
    add("--limit", type=integer(1, 1_000_000_000), metavar="N", help="use the first N cases only")


def _add_verdict(add: Any) -> None:
    add("--metric", action="append", metavar="M", help="NAME or NAME={JSON of its parameters}; repeatable")
    add("--gate", action="append", default=[], metavar="G", help='for example "f1_score>=0.5"; repeatable')
    add("--baseline", type=local_path, metavar="DIR", help="folder of an earlier evaluation, for --max-drop")
    add(
        "--max-drop",
        action="append",
        default=[],
        metavar="M=X",
        help="how far M may fall below the baseline; repeatable",
    )
    add(
        "--confidence",
        type=confidence,
        default=DEFAULT_CONFIDENCE,
        metavar="C",
        help="level of intervals and gates (%(default)s)",
    )
    add("--score-thoughts", action="store_true", help="score leading <think> parts with the answers")


def _add_calls(add: Any) -> None:
    add("--out", type=Path, metavar="DIR", help=f"folder of the results ({DEFAULT_FOLDER}/<dataset>)")
    add("--retry-failed", action="store_true", help="retry the failed cases of the finished run in --out, as a new run")
    add(
        "--concurrency",
        type=integer(1, 256),
        default=DEFAULT_CONCURRENCY,
        metavar="N",
        help="calls at the same time (%(default)s)",
    )
    add(
        "--read-timeout",
        type=integer(1, 3600),
        default=READ_TIMEOUT_SECONDS,
        metavar="S",
        help="seconds to wait for one answer (%(default)s)",
    )
    add(
        "--attempts",
        type=integer(1, 10),
        default=ATTEMPTS,
        metavar="N",
        help="calls for a case after transient errors (%(default)s)",
    )
    add(
        "--throttle-limit",
        type=integer(1, 1440),
        default=THROTTLE_MINUTES,
        metavar="MIN",
        help="minutes that Bedrock may throttle one call before the run fails (%(default)s)",
    )
    add(
        "--failed-case-rounds",
        type=integer(0, 10),
        default=FAILED_CASE_ROUNDS,
        metavar="N",
        help="times that this command retries failed cases (%(default)s)",
    )
    add("--tokens-per-minute", type=integer(1, 10**12), metavar="N", help="quota of each model, for the quota estimate")
    add("--region", metavar="R", help="the Region of Bedrock (AWS_REGION, or that of the AWS configuration)")
    add(
        "--destination-region",
        action="append",
        default=[],
        metavar="R",
        help="a Region that an inference profile routes to, when the table of models does not have it; repeatable",
    )
