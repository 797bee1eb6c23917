"""Handing records of a table's stream to their function once more.

A dead letter of a stream's reader is a record, whole, which the function takes as if the stream had brought it; or it
is Lambda's note of where a batch stood that failed for a day, from which nothing can be read any more.
https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html
"""

import json
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from cdk_app.operations.redrive.mover import DeadLetter, DeadLetters, NotARedriveQueue

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sqs import SQSClient

POSITION: Final = "DDBStreamBatchInfo"
A_POSITION: Final = "a position holds no records: compute anew what they changed, then drop it"
NO_REASON: Final = "nobody said why"


class DeadRecords(DeadLetters):
    """What the reader of a stream gave up. Raises NotARedriveQueue."""

    def __init__(self, sqs: "SQSClient", lambda_: "LambdaClient", function: str) -> None:
        mappings = lambda_.list_event_source_mappings(FunctionName=function)["EventSourceMappings"]
        places = [each.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination") for each in mappings]
        found = [place for place in places if place]
        if len(found) != 1:
            raise NotARedriveQueue(f"{function} reads no stream, or leaves nothing behind of what it gives up")
        super().__init__(sqs, found[0])
        self._lambda = lambda_
        self._function = function

    def _put_back(self, letter: DeadLetter) -> str | None:
        """Call the function with it, as long as that takes. What it refuses again, it sets aside anew."""
        record = _object(letter.body)
        if not record or POSITION in record:
            return A_POSITION if record else "no record"
        try:
            answer = self._lambda.invoke(
                FunctionName=self._function, Payload=json.dumps({"Records": [record]}).encode("utf-8")
            )
            said = _object(answer["Payload"].read())
        except (BotoCoreError, ClientError) as error:
            return f"not handed over: {error}"
        if answer.get("FunctionError") or said.get("batchItemFailures") != []:
            return f"not handled: {json.dumps(said)}"
        return None

    def _unsaid(self, body: str) -> str:
        """What Lambda's note says. A letter without one lacks its reason."""
        note = _object(body)
        if POSITION not in note:
            return NO_REASON
        count, why = note[POSITION].get("batchSize"), note.get("requestContext", {}).get("condition")
        return f"Lambda gave up {count} records: {why}"


def _object(text: str | bytes) -> dict[str, Any]:
    """A JSON object, empty where it is none."""
    try:
        value = json.loads(text)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}
