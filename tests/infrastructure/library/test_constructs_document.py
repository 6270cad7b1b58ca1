"""docs/constructs.md says what the constructs take."""

import pytest

from examples.reference import CONSTRUCTS, DOCUMENT, Documented, document


def test_the_document_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == document(), "make generate"


@pytest.mark.parametrize("construct", CONSTRUCTS.values())
def test_every_property_is_described(construct: type) -> None:
    documented = Documented(construct)
    names = [name for name, _, _ in documented.properties]
    assert names
    assert set(documented.entries("Args")) == set(names)
    assert all(text for _, text in documented.methods)


def test_the_document_holds_every_example_and_its_properties() -> None:
    text = document()
    for construct in CONSTRUCTS.values():
        assert f"## {construct.__name__}\n" in text
        assert f"{construct.__name__}(" in text
