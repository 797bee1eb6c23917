"""Answers have the fields of their body and no others."""

from dataclasses import dataclass

import pytest
from pydantic import BaseModel, ConfigDict, Field

from lambda_src.runtime.bodies import Shape


@dataclass(frozen=True)
class Book:
    id: str
    title: str
    pages: int
    secret: str = "hidden"

    @property
    def is_long(self) -> bool:
        return self.pages > 100


class BookBody(BaseModel):
    model_config = ConfigDict(populate_by_name=True)

    id: str
    name: str
    is_long: bool
    half: float = Field(default=0.0)


def test_a_body_has_attributes_of_the_same_name_and_those_it_names_otherwise():
    shape = Shape[Book](BookBody, {"name": "title", "half": lambda book: book.pages / 2})
    answer = shape(Book("a", "A title", 101))
    assert answer == {"id": "a", "name": "A title", "is_long": True, "half": 50.5}
    assert list(answer) == list(BookBody.model_fields), "in the order of the document"
    BookBody.model_validate(answer)


def test_a_field_that_the_model_does_not_have_is_noticed():
    with pytest.raises(AttributeError, match="name"):
        Shape[Book](BookBody)(Book("a", "A title", 101))
