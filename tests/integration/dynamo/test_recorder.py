"""The recorder sees what a function asks; a declaration that says anything else does not pass."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from lambda_src.dynamo.boto3_client import Boto3Client
from lambda_src.dynamo.render import grants_of
from lambda_src.dynamo.schema import AccessPattern, Entity, Index, Table
from lambda_src.dynamo.store import EXISTS, Action, Check, Delete, Put, Store, Update, UpdateItem
from tests.support.recorded_operations import Recorder, check_asked, check_found

READER = "reader"
WRITER = "writer"
WRITERS = (WRITER,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    id: str
    topic: str = "t"


@dataclass(frozen=True, slots=True, kw_only=True)
class Comment:
    id: str
    number: int


@dataclass(frozen=True, slots=True)
class Declared:
    """A small service's table, of which a test can spoil one pattern."""

    table: Table
    page: Entity[Page]
    comment: Entity[Comment]
    patterns: dict[str, AccessPattern[Any]]


BY_TOPIC = Index("by-topic", partition="GSI1PK", sort="GSI1SK")
BY_OTHER = Index("by-other", partition="GSI2PK", sort="GSI2SK")


def declared(**spoilt: dict[str, Any]) -> Declared:
    """spoilt: other arguments for patterns, by name; kinds of items go by theirs."""
    table = Table("pages", "Pages", "PAGES", partition="PK", sort="SK", indexes=(BY_TOPIC, BY_OTHER))
    keys = {"GSI1PK": "TOPIC#{topic}", "GSI1SK": "{id}", "GSI2PK": "OTHER#{id}", "GSI2SK": "{topic}"}
    page = Entity(table, Page, pk="PAGE#{id}", sk="PAGE", index_keys=keys)
    comment = Entity(table, Comment, pk="PAGE#{id}", sk="COMMENT#{number:4}")
    right: dict[str, dict[str, Any]] = {
        "page_by_id": {"operation": "GetItem", "reads": ("page",), "asked_by": (READER, WRITER)},
        "pages_of_topic": {"operation": "Query", "reads": ("page",), "index": BY_TOPIC, "asked_by": (READER,)},
        "all_of_page": {"operation": ("Query", "BatchGetItem"), "reads": ("page", "comment"), "asked_by": (READER,)},
        "comments": {"operation": "Query", "reads": ("comment",), "asked_by": (READER,)},
        "write_page": {"operation": ("PutItem", "UpdateItem", "DeleteItem"), "writes": ("page",), "asked_by": WRITERS},
        "add_comment": {
            "operation": ("PutItem", "ConditionCheckItem"), "writes": ("page", "comment"), "transaction": True,
            "asked_by": (WRITER,),
        },
        "fill": {"operation": "BatchWriteItem", "writes": ("page", "comment"), "asked_by": (WRITER,)},
        "pages_of_other": {"operation": "Query", "reads": ("page",), "index": BY_OTHER, "asked_by": ("nobody",)},
        "both_indexes": {"operation": "Query", "reads": ("page",), "index": BY_OTHER, "asked_by": ("nobody",)},
    }  # fmt: skip
    kinds = {"page": page, "comment": comment}
    patterns: dict[str, AccessPattern[Any]] = {}
    for name, said in right.items():
        options = {**said, **spoilt.get(name, {})}
        for side in ("reads", "writes"):
            options[side] = tuple(kinds[kind] for kind in options.get(side, ()))
        patterns[name] = AccessPattern(name, "?", cost="", **options)
    return Declared(table, page, comment, patterns)


@dataclass(frozen=True, slots=True)
class Scene:
    """The service at work."""

    declared: Declared
    recorder: Recorder
    store: Store

    def write(self) -> None:
        patterns, page, comment = self.declared.patterns, self.declared.page, self.declared.comment
        with self.recorder.acting(WRITER):
            self.store.put(patterns["write_page"], Put(page, Page(id="a")))
            self.store.update(patterns["write_page"], UpdateItem(page.key(id="a"), Update().set(topic="t")))
            self.store.delete(patterns["write_page"], Delete(page.key(id="b")))
            self.store.get(patterns["page_by_id"], id="a")
            on_page: list[Action] = [Check(page.key(id="a"), EXISTS), Put(comment, Comment(id="a", number=1))]
            self.store.transact(patterns["add_comment"], on_page)
            self.store.batch_write(patterns["fill"], puts=[comment.item(Comment(id="a", number=2))])

    def read(self) -> None:
        patterns, page = self.declared.patterns, self.declared.page
        with self.recorder.acting(READER):
            self.store.get(patterns["page_by_id"], id="a")
            self.store.items(patterns["pages_of_topic"], topic="t")
            self.store.items(patterns["all_of_page"], id="a")
            self.store.batch_get(patterns["all_of_page"], [page.key(id="a")])
            self.store.items(patterns["comments"], id="a")

    def check(self) -> None:
        for function in (READER, WRITER):
            check_asked(self.recorder, [self.declared.table], function)
        check_found(self.recorder, [self.declared.table])


@pytest.fixture
def play(dynamodb_client, make_tables):
    def make(**spoilt: dict[str, Any]) -> Scene:
        made = declared(**spoilt)
        names = make_tables([made.table])
        recorder = Recorder(Boto3Client(dynamodb_client), names, [made.table])
        scene = Scene(made, recorder, Store(recorder, names))
        scene.write()
        scene.read()
        return scene

    return make


def test_a_service_that_does_what_it_declares_passes(play):
    scene = play()
    scene.check()
    assert scene.recorder.operations[READER] == {
        ("pages", "dynamodb:GetItem"),
        ("pages", "dynamodb:Query"),
        ("pages", "dynamodb:BatchGetItem"),
        ("pages/by-topic", "dynamodb:Query"),
    }
    assert scene.recorder.patterns[WRITER]["add_comment"] == {
        ("pages", "dynamodb:PutItem"), ("pages", "dynamodb:ConditionCheckItem"),
    }  # fmt: skip
    assert scene.recorder.found["all_of_page"] == {"Page", "Comment"}
    assert scene.recorder.transactions == {"add_comment"}


@pytest.mark.parametrize(
    ("spoilt", "complaint"),
    [
        ({"comments": {"asked_by": (WRITER,)}}, "reader has to be among those who ask"),
        ({"comments": {"asked_by": (READER, WRITER)}}, "writer never asks"),
        ({"page_by_id": {"asked_by": (READER,)}}, "writer has to be among"),
        ({"page_by_id": {"operation": ("GetItem", "BatchGetItem")}}, "page_by_id says .* and takes"),
        ({"all_of_page": {"operation": "Query"}}, "all_of_page says .* and takes"),
        ({"write_page": {"operation": ("PutItem", "DeleteItem")}}, "write_page says .* and takes"),
        ({"add_comment": {"operation": ("PutItem", "UpdateItem")}}, "add_comment says .* and takes"),
        ({"add_comment": {"transaction": False}}, "is a transaction or it is none"),
        ({"fill": {"operation": "PutItem"}}, "fill says .* and takes"),
    ],
)
def test_a_wrong_asker_or_operation_is_noticed(play, spoilt, complaint):
    with pytest.raises(AssertionError, match=complaint):
        play(**spoilt).check()


def test_a_wrong_index_is_noticed(play):
    """The store runs what is declared: an index that cannot answer the question fails before it is asked."""
    scene = play()
    for index in (BY_OTHER, None):
        wrong: dict[str, dict[str, Any]] = {"pages_of_topic": {"index": index}, "pages_of_other": {"index": BY_TOPIC}}
        with pytest.raises(TypeError, match="key template"):
            play(**wrong)
        with pytest.raises(AssertionError, match=r"pages_of_topic says .* and takes"):
            replace(scene, declared=declared(**wrong)).check()


def test_a_call_that_no_pattern_was_named_for_is_noticed(play):
    scene = play()
    request = {"TableName": scene.store._caller.physical_name(scene.declared.table), "Key": {"PK": {"S": "a"}}}
    with scene.recorder.acting(READER), pytest.raises(Exception, match="ValidationException"):
        scene.recorder.call("GetItem", request, "")
    with pytest.raises(AssertionError, match="reader has to be among"):
        scene.check()


@pytest.mark.parametrize(
    "granted",
    [
        lambda patterns: patterns[:-1],
        lambda patterns: [*patterns, patterns[0].table.patterns[-1]],
    ],
)
def test_a_role_that_is_granted_something_else_is_noticed(play, monkeypatch, granted):
    scene = play()
    monkeypatch.setattr(
        "tests.support.recorded_operations.grants_of", lambda patterns: grants_of(granted(list(patterns)))
    )
    with pytest.raises(AssertionError, match=r"is granted .* too much"):
        scene.check()


def test_what_a_pattern_finds_without_saying_so_is_noticed(play):
    scene = play()
    check_found(scene.recorder, [scene.declared.table])
    with pytest.raises(AssertionError, match="Comment"):
        check_found(scene.recorder, [declared(all_of_page={"reads": ("page",)}).table])


class Events:
    """botocore's events of a session."""

    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}

    def register(self, name: str, handler: Any) -> None:
        self.handlers[name] = handler

    def emit(self, name: str, **params: str) -> None:
        """As botocore does: every handler of a name that leads to this one."""
        for registered, handler in self.handlers.items():
            if name.startswith(registered):
                handler(params=params, event_name=name, model=None)


@pytest.fixture
def events() -> Events:
    return Events()


def test_queues_and_secrets_are_noted_by_the_setting_that_names_them(events):
    engine: Any = None
    recorder = Recorder(engine, {"task_queue_url": "http://q/tasks", "secret_arn": "arn:secret", "pages": "Pages-1"})
    recorder.listen(events)
    with recorder.acting("worker"):
        events.emit("before-parameter-build.sqs.SendMessageBatch", QueueUrl="http://q/tasks")
        events.emit("before-parameter-build.secrets-manager.GetSecretValue", SecretId="arn:secret")
        events.emit("before-parameter-build.dynamodb.GetItem", TableName="Pages-1")  # of one who has no store
    assert recorder.operations == {
        "worker": {
            ("task_queue_url", "sqs:SendMessage"),
            ("secret_arn", "secretsmanager:GetSecretValue"),
            ("pages", "dynamodb:GetItem"),
        }
    }
