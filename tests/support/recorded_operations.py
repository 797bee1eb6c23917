"""What a service asks of AWS, by the role that asks, as it was seen at its clients; and how that compares with tables.

Nothing here is computed from the declarations but what is compared with them.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

from lambda_src.dynamo.client import Client, Response
from lambda_src.dynamo.render import grants_of
from lambda_src.dynamo.schema import AccessPattern, Table, patterns_of
from lambda_src.dynamo.values import Request
from lambda_src.runtime.buckets import Bucket
from lambda_src.runtime.transcription_jobs import KNOWS_NO_RESOURCE

if TYPE_CHECKING:
    from botocore.hooks import BaseEventHooks

type Operations = set[tuple[str, str]]
"""(place, action): `table`, `table/index`, `bucket/prefix`, `transcription-job/beginning*`, queue, secret or stack by
the name it was given.

For example `dynamodb:Query`.
"""

# Actions of TransactWriteItems: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/transaction-apis-iam.html
_OF_TRANSACTION: Final = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html
_OF_OBJECTS: Final = {
    "HeadObject": "GetObject",
    "CopyObject": "PutObject",
    "CreateMultipartUpload": "PutObject",
    "UploadPart": "PutObject",
    "CompleteMultipartUpload": "PutObject",
    "ListObjects": "ListBucket",
    "ListObjectsV2": "ListBucket",
}
_KEYS_ALONE: Final = 4  # attributes: of the table, and of one index
EVERYTHING: Final = "*"  # for actions that know no resource
# IAM's name by botocore's, and what says where.
_SERVICES: Final = {"sqs": "sqs", "secrets-manager": "secretsmanager", "cloudformation": "cloudformation"}
_PLACES: Final = {"sqs": "QueueUrl", "secrets-manager": "SecretId", "cloudformation": "StackName"}


class Recorder:
    """A client that notes what goes through it, for whoever is at work; and what goes through other AWS clients.

    names: physical names of tables, buckets and stacks, URLs of queues and ids of secrets, by the names they are noted
    under; a bucket's is that of its variable. tables: whose items are told apart. buckets: whose prefixes are. jobs:
    what the names of jobs of Amazon Transcribe begin with. role: at work now. operations: by role. patterns: what each
    pattern took, by role and its name. transactions: the patterns that were transactions. found: kinds of items by
    pattern.
    """

    def __init__(
        self,
        client: Client,
        names: Mapping[str, str],
        tables: Iterable[Table] = (),
        buckets: Iterable[Bucket] = (),
        jobs: str = "",
    ) -> None:
        self.role = "api"
        self.operations: defaultdict[str, Operations] = defaultdict(set)
        self.patterns: defaultdict[str, defaultdict[str, Operations]] = defaultdict(lambda: defaultdict(set))
        self.transactions: set[str] = set()
        self.found: defaultdict[str, set[str]] = defaultdict(set)
        self._client = client
        self._names = {physical: name for name, physical in names.items()}
        self._tables = {table.name: table for table in tables}
        self._buckets = {bucket.environment_variable.lower(): bucket for bucket in buckets}
        self._jobs = jobs

    @contextmanager
    def acting(self, role: str) -> Iterator[None]:
        """What happens inside is done by this role."""
        before, self.role = self.role, role
        try:
            yield
        finally:
            self.role = before

    # ---- tables ------------------------------------------------------------------------------------------------------

    def call(self, operation: str, request: Request, pattern: str) -> Response:
        self.patterns[self.role][pattern] |= self._add(operation, request)
        if operation == "TransactWriteItems":
            self.transactions.add(pattern)
        answer = self._client.call(operation, request, pattern)
        for physical, item in _items(request, answer):
            self.found[pattern].add(kind_of(self._tables[self._names[physical]], item))
        return answer

    def close(self) -> None:
        self._client.close()

    def _add(self, operation: str, request: Mapping[str, Any]) -> Operations:
        asked = {
            (self._names[physical] + (f"/{index}" if index else ""), f"dynamodb:{action}")
            for physical, index, action in _asked_of_tables(operation, request)
        }
        self.operations[self.role] |= asked
        return asked

    # ---- everything else ---------------------------------------------------------------------------------------------

    def listen(self, events: "BaseEventHooks | Any") -> None:
        """Note the calls of a boto3 client, or of all that a session makes from now on: its `events`.

        A signed URL is noted as the call that it is for; so is a signed form, of which botocore tells only the signer.
        """
        events.register("before-parameter-build", self._note)
        events.register("before-sign.s3.PutObject", self._note_form)

    def _note_form(self, request: Any, **_: object) -> None:
        if (policy := request.context.get("s3-presign-post-policy")) is not None:
            said = {
                name: value for each in policy["conditions"] if isinstance(each, dict) for name, value in each.items()
            }
            self._note({"Bucket": said["bucket"], "Key": said["key"]}, "before-parameter-build.s3.PutObject")

    def _note(
        self, params: Mapping[str, Any], event_name: str, context: Mapping[str, Any] | None = None, **_: object
    ) -> None:
        service, operation = event_name.split(".")[1:]
        if service == "dynamodb":
            self._add(operation, params)
            return
        if service == "s3":
            if operation == "CreateBucket" and context and context.get("is_presign_request"):
                return  # where botocore takes the address of a form from
            for bucket, key, action in _asked_of_buckets(operation, params):
                self.operations[self.role].add((self._prefix_of(bucket, key), f"s3:{action}"))
            return
        if service == "transcribe":
            self._note_transcription(operation, params)
            return
        place = params[_PLACES[service]]
        action = f"{_SERVICES[service]}:{operation.removesuffix('Batch')}"
        self.operations[self.role].add((self._names[place], action))

    def _note_transcription(self, operation: str, params: Mapping[str, Any]) -> None:
        """A call of Amazon Transcribe; a start is also what that service does with the rights of who calls it.

        https://docs.aws.amazon.com/transcribe/latest/APIReference/API_StartTranscriptionJob.html
        """
        name, known = params["TranscriptionJobName"], self._jobs
        place = f"transcription-job/{f'{known}*' if known and name.startswith(known) else name}"
        place = EVERYTHING if operation in KNOWS_NO_RESOURCE else place
        self.operations[self.role].add((place, f"transcribe:{operation}"))
        if operation == "StartTranscriptionJob":
            bucket, _, key = params["Media"]["MediaFileUri"].removeprefix("s3://").partition("/")
            self._note({"Bucket": bucket, "Key": key}, "before-parameter-build.s3.GetObject")
            written = {"Bucket": params["OutputBucketName"], "Key": params["OutputKey"]}
            self._note(written, "before-parameter-build.s3.PutObject")

    def _prefix_of(self, physical: str, key: str) -> str:
        """The bucket with the longest declared prefix of a key, or with the key where that is below none."""
        name = self._names[physical]
        known = [prefix.name for prefix in self._buckets[name].prefixes if key.startswith(f"{prefix.name}/")]
        return f"{name}/{max(known, key=len, default=key)}"


def check_asked(recorder: Recorder, tables: Iterable[Table], function: str) -> None:
    """Fails where what a function was seen to do is not what it is declared, and granted, to do."""
    declared = {pattern.name: pattern for pattern in patterns_of(tables, function)}
    seen = recorder.patterns[function]
    undeclared, idle = sorted(seen.keys() - declared.keys()), sorted(declared.keys() - seen.keys())
    assert not undeclared, f"{function} has to be among those who ask {undeclared}"
    assert not idle, f"{function} never asks {idle}"
    check_patterns(recorder, declared.values(), function)
    of_tables = {(place, action) for place, action in recorder.operations[function] if action.startswith("dynamodb:")}
    role = granted(declared.values())
    assert of_tables == role, f"{function} is granted {role - of_tables} too much and {of_tables - role} too little"


def check_patterns(recorder: Recorder, patterns: Iterable[AccessPattern[Any]], asker: str) -> None:
    """Fails where patterns took other operations than they say, whoever else may ask them."""
    for pattern in patterns:
        name, seen, said = pattern.name, recorder.patterns[asker][pattern.name], _declared(pattern)
        assert seen == said, f"pattern {name} says {said} and takes {seen}"
        assert (name in recorder.transactions) == pattern.transaction, f"pattern {name} is a transaction or it is none"


def check_found(recorder: Recorder, tables: Iterable[Table]) -> None:
    """Fails where a pattern found items of a kind that it does not say it reads."""
    declared = {
        pattern.name: {entity.name for entity in pattern.reads} for table in tables for pattern in table.patterns
    }
    unexpected = {name: kinds - declared.get(name, kinds) for name, kinds in recorder.found.items()}
    wrong = {name: kinds for name, kinds in unexpected.items() if kinds}
    assert not wrong, f"patterns found what they do not say they read: {wrong}"


def granted(patterns: Iterable[AccessPattern[Any]]) -> Operations:
    """What a role with these patterns may do."""
    return {
        pair
        for grant in grants_of(patterns)
        for pair in (
            *((grant.table.name, f"dynamodb:{action}") for action in grant.actions),
            *((f"{grant.table.name}/{index}", "dynamodb:Query") for index in grant.index_names),
        )
    }


def kind_of(table: Table, item: Mapping[str, Any]) -> str:
    """The one kind of item whose key templates have the shape of this item's key, as far as that was asked for.

    An index of keys alone shows less of a kind than its items have: of two, what states a constant is the item.
    """
    found = [
        entity
        for entity in table.entities
        if all(_has_shape(entity.template_of(name), item[name]["S"]) for name in table.key_names if name in item)
        and all(item.get(name) == {"S": text} for name, text in entity.constants.items() if len(item) > _KEYS_ALONE)
    ]
    [kind] = [entity for entity in found if len(found) == 1 or bool(entity.constants) is (len(item) > _KEYS_ALONE)]
    return kind.name


def _has_shape(template: Any, text: str) -> bool:
    try:
        template.parse(text)
    except ValueError:
        return False
    return True


def _declared(pattern: AccessPattern[Any]) -> Operations:
    """What a pattern says it takes. Only a Query asks an index."""
    table, index = pattern.table.name, pattern.index
    return {
        (f"{table}/{index.name}" if index and operation == "Query" else table, f"dynamodb:{operation}")
        for operation in pattern.operations
    }


def _asked_of_tables(operation: str, request: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(table, index or nothing, IAM action without its service) of one call."""
    if operation == "TransactWriteItems":
        for item in request["TransactItems"]:
            [(kind, action)] = item.items()
            yield action["TableName"], "", _OF_TRANSACTION[kind]
    elif "RequestItems" in request:
        for table in request["RequestItems"]:
            yield table, "", operation
    else:
        yield request["TableName"], request.get("IndexName", ""), operation


def _asked_of_buckets(operation: str, params: Mapping[str, Any]) -> Iterator[tuple[str, str, str]]:
    """(bucket, key, IAM action without its service) of one call, or of one signed URL. A copy also reads its source."""
    if "CopySource" in params:
        source, _, key = unquote(params["CopySource"].partition("?")[0]).partition("/")  # boto3 has put it together
        yield source, key, "GetObject"
    if operation == "DeleteObjects":
        yield from ((params["Bucket"], each["Key"], "DeleteObject") for each in params["Delete"]["Objects"])
    else:
        key = params.get("Key") or params.get("Prefix", "")
        yield params["Bucket"], key, _OF_OBJECTS.get(operation, operation)


def _items(request: Request, answer: Response) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """(table, item) of what a read found."""
    for table, items in answer.get("Responses", {}).items():
        yield from ((table, item) for item in items)
    found = answer.get("Items", [answer["Item"]] if answer.get("Item") else ())
    keyed = (item for item in found if item)  # rows without their keys tell no kind
    yield from ((request["TableName"], item) for item in keyed)
