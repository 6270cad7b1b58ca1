"""What the command line says of a misspelt command, option or value."""

import pytest

from ops.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["evalute"], "(did you mean 'evaluate'?)"),
        (["runs", "lst", "--env", "dev"], "(did you mean 'list'?)"),
        (["logs", "tokns"], "(did you mean 'tokens'?)"),
        (["logs", "tokens", "--by", "modl"], "(did you mean 'model'?)"),
        (["evaluate", "--modle", "x"], "--modle (did you mean '--model'?)"),
        (
            ["evaluate", "--dataset", "x", "--model", "y", "--confidance=0.9"],
            "--confidance (did you mean '--confidence'",
        ),
        (["evaluate", "--dataset", "x", "--model", "y", "--confidence", "０.9"], "is not a confidence"),
        (["evaluate", "--dataset", "x", "--model", "y", "--concurrency", "８"], "is not a whole number"),
        (["evaluate", "--dataset", "x", "--model", "y", "--max-tokens", "1_0"], "is not a whole number"),
        (["runs", "list", "--env", "dev", "--limit", "５"], "is not a number of runs"),
        (["logs", "slow", "--threshold-ms", "inf"], "is not a number above 0"),
        (["logs", "slow", "--hours", "１"], "is not a number above 0"),
        (["dashboard", "--env", "dev", "--hours", "nan"], "a number above 0"),
    ],
)
def test_a_usage_error_says_what_was_meant(arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 1
    assert told in capsys.readouterr().err


def test_an_option_that_is_right_is_not_told_of(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["evaluate", "--model", "x"])
    assert "did you mean" not in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["runs", "list", "--env", "dve"], "no environment 'dve' (did you mean 'dev'?)"),
        (
            [
                "evaluate",
                "--dataset",
                "x",
                "--model",
                "amazon.nova-lite-v1:0",
                "--region",
                "us-east-1",
                "--metric",
                "f1score",
            ],
            "'f1score' is not a metric (did you mean 'f1_score'?)",
        ),
    ],
)
def test_a_misspelt_name_is_told_what_it_is_near_to(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 1
    assert told in capsys.readouterr().err
