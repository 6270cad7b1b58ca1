from bedrock_eval import layout
from bedrock_eval.layout import RunLayout, definition_key, evaluation_prefix

RUN = RunLayout("quality", "20261123T060000Z")


def test_a_run_lies_below_its_evaluation() -> None:
    begin = "runs/quality/20261123T060000Z/"
    assert RUN.prefix == begin
    assert {RUN.definition, RUN.lock, RUN.state, RUN.summary, RUN.report, RUN.published} == {
        begin + name
        for name in ("definition.json", "lock.json", "run.json", "summary.json", "report.html", "published.json")
    }
    assert RUN.prefix.startswith(evaluation_prefix("quality"))


def test_parts_sort_in_the_order_of_their_numbers() -> None:
    keys = [RUN.part("small", number) for number in (0, 9, 10, 99_999)]
    assert keys[0] == "runs/quality/20261123T060000Z/results/small/part-00000.jsonl"
    assert keys == sorted(keys)
    assert all(key.startswith(RUN.parts("small")) for key in keys)


def test_a_candidate_whose_name_begins_as_another_has_a_folder_of_its_own() -> None:
    assert not RUN.part("small-brief", 0).startswith(RUN.parts("small"))
    assert not RunLayout("quality-long", "x").prefix.startswith(evaluation_prefix("quality"))


def test_what_expires_and_what_does_not_lie_apart() -> None:
    assert definition_key("quality") == "definitions/quality.json"
    roots = (layout.RUNS, layout.DEFINITIONS, layout.BASELINES)
    assert len(set(roots)) == 3
    assert all(root.endswith("/") for root in roots)
