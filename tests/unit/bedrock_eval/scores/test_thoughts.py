import pytest
from hypothesis import given
from hypothesis import strategies as st

from bedrock_eval.scores.text.thoughts import split_thought


@pytest.mark.parametrize(
    ("text", "thought", "answer"),
    [
        ("<think>maybe No</think>Yes", "maybe No", "Yes"),
        ("\n <THINK>\nmaybe\n</THINK>\n\nYes\n", "maybe", "Yes"),
        ('<thinking effort="high">maybe</thinking>Yes', "maybe", "Yes"),
        ("<reasoning>maybe</reasoning><answer>B</answer>", "maybe", "<answer>B</answer>"),
        ("[THINK]maybe[/THINK]Yes", "maybe", "Yes"),
        ("◁think▷maybe◁/think▷Yes", "maybe", "Yes"),
        ("<|begin_of_thought|>maybe<|end_of_thought|>Yes", "maybe", "Yes"),
        ("<think>a</think>\n<think>b</think>Yes", "a\n\nb", "Yes"),
        ("<think>a <think>b</think> c</think>Yes", "a <think>b</think> c", "Yes"),
        ("<think>how <think> is closed</think>Yes", "how <think> is closed", "Yes"),
        ("<think></think>Yes", "", "Yes"),
        ("<think/>Yes", "", "Yes"),
        ("<think>for ever", "for ever", ""),
        # The chat template had opened it.
        ("so it is\n</think>\n\nYes", "so it is", "Yes"),
    ],
)
def test_leading_thoughts_are_set_apart(text: str, thought: str, answer: str) -> None:
    assert split_thought(text) == (thought, answer)


@pytest.mark.parametrize(
    "text",
    [
        "Yes",
        " Yes ",
        "",
        "Yes <think>no</think>",
        "a </think> b",
        "<thinker>Yes",
        "<b>think</b>",
        "[think about it](x)",
    ],
)
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert split_thought(text) == (None, text)


@given(st.text(), st.text(alphabet=st.characters(exclude_characters="<[◁|/"), min_size=1))
def test_no_text_breaks_it_and_no_answer_is_lost(thought: str, answer: str) -> None:
    split_thought(thought)
    assert split_thought(f"<think>{answer}</think>{answer}")[1] == answer.strip(" \t\r\n\ufeff\u200b")
