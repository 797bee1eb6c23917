"""How records reach functions, and what failed reaches queues: through the emulator."""

import json
from collections.abc import Mapping
from typing import Any, Final

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from cdk_app.local.ministack import QUICK, MiniStack
from cdk_app.local.streams.batches import Answer, NotInvoked, NotSent

# Lambda lets a function run for 15 minutes; some more to start it on a busy machine. A call is never made twice: what
# is lost on the way comes again with the batch. Each mapping has one connection at most.
PATIENT: Final = Config(connect_timeout=2, read_timeout=960, retries={"total_max_attempts": 1}, max_pool_connections=50)


class EmulatorCalls:
    """Calls for all threads of the bridge."""

    def __init__(self, emulator: MiniStack) -> None:
        self._functions = emulator.session.client("lambda", endpoint_url=emulator.url, config=PATIENT)
        self._queues = emulator.session.client("sqs", endpoint_url=emulator.url, config=QUICK)

    def invoke(self, function_arn: str, event: Mapping[str, Any]) -> Answer:
        """Have a function handle an event, and wait for it. Raises NotInvoked."""
        try:
            returned = self._functions.invoke(FunctionName=function_arn, Payload=json.dumps(event).encode())
            text = returned["Payload"].read()
        except (BotoCoreError, ClientError) as error:
            raise NotInvoked(str(error)) from error
        try:
            payload = json.loads(text or b"null")
        except ValueError:
            payload = text.decode(errors="replace")
        return Answer(payload, returned.get("FunctionError"), returned.get("ExecutedVersion", "$LATEST"))

    def send(self, queue_arn: str, text: str) -> None:
        """Send a message to a queue. Raises NotSent."""
        try:
            url = self._queues.get_queue_url(QueueName=queue_arn.rpartition(":")[2])["QueueUrl"]
            self._queues.send_message(QueueUrl=url, MessageBody=text)
        except (BotoCoreError, ClientError) as error:
            raise NotSent(str(error)) from error
