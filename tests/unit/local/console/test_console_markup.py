from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from cdk_app.local.console.markup import Markup, join, tag


class Reader(HTMLParser):
    """What a browser would see: elements with their attributes, and the text between them."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


# Carriage returns and NUL are normalised by HTML itself, so they are no part of the round trip.
any_text = st.text(st.characters(exclude_characters="\r\x00", exclude_categories=["Cs"]))


@given(any_text, any_text)
def test_whatever_text_goes_in_comes_out_as_text(inside, attribute):
    seen = Reader(tag("p", inside, title=attribute))
    assert seen.elements == [("p", {"title": attribute})]
    assert seen.text == inside


def test_a_script_in_a_text_stays_a_text():
    assert tag("td", "<script>alert('x')</script>") == "<td>&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;</td>"


def test_elements_inside_elements_are_not_escaped_again():
    assert tag("p", tag("b", "a & b"), " c") == "<p><b>a &amp; b</b> c</p>"


def test_text_joined_to_markup_by_hand_loses_its_trust():
    assert tag("p", Markup("<b>") + "x") == "<p>&lt;b&gt;x</p>"


def test_absent_children_and_attributes_leave_no_trace():
    assert tag("p", None, class_=None, hidden=False) == "<p></p>"


def test_attribute_names_are_written_as_html_has_them():
    assert tag("label", for_="x", data_live="/a?b=1&c=2", hidden=True) == (
        '<label for="x" data-live="/a?b=1&amp;c=2" hidden></label>'
    )


def test_an_empty_attribute_is_written():
    assert tag("option", "any", value="") == '<option value="">any</option>'


def test_elements_without_content_are_not_closed():
    assert tag("input", name="partition") == '<input name="partition">'


def test_half_a_surrogate_pair_becomes_a_question_mark_because_no_answer_can_carry_it():
    assert tag("p", "a\ud83d", title="\ud83d") == '<p title="?">a?</p>'


def test_numbers_are_content():
    assert join(0, " ", 1.5) == "0 1.5"
