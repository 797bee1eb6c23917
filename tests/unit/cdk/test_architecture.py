"""Boxes and arrows are read from templates, also from kinds of template that no service has yet."""

from typing import Any

import pytest

from cdk_app.docs.architecture import Arrow, architecture_of
from cdk_app.docs.boxes import words
from cdk_app.docs.templates import Templates

type Part = tuple[str, dict[str, Any]]
"""Type and properties of a resource."""


def templates(
    app: dict[str, Any], data: dict[str, Any] | None = None, outputs: dict[str, Any] | None = None
) -> Templates:
    """A service's two templates, of resources by logical id: (type, properties) or the whole resource."""

    def body(resources: dict[str, Any]) -> dict[str, Any]:
        written = {
            name: {"Type": part[0], "Properties": part[1]} if isinstance(part, tuple) else part
            for name, part in resources.items()
        }
        return {"Resources": written, "Outputs": outputs or {}}

    return Templates("prod", {"prod-SampleData": body(data or {}), "prod-SampleApp": body(app)})


def arrows(
    app: dict[str, Any], data: dict[str, Any] | None = None, outputs: dict[str, Any] | None = None
) -> set[Arrow]:
    return set(architecture_of("Sample", templates(app, data, outputs)).arrows)


def function(role: str = "Role") -> Part:
    return "AWS::Lambda::Function", {"Role": {"Fn::GetAtt": [role, "Arn"]}, "MemorySize": 256, "Timeout": 60}


def policy(*statements: dict[str, Any], role: str = "Role") -> Part:
    allowed = [{"Effect": "Allow", **statement} for statement in statements]
    return "AWS::IAM::Policy", {"PolicyDocument": {"Statement": allowed}, "Roles": [{"Ref": role}]}


def allowed(resource: Part, *actions: str) -> set[Arrow]:
    """The arrows of a function that is allowed these actions on a resource of its stack."""
    statement = {"Action": list(actions), "Resource": {"Fn::GetAtt": ["Target", "Arn"]}}
    app = {"Function": function(), "Role": ("AWS::IAM::Role", {}), "Target": resource, "Policy": policy(statement)}
    return arrows(app)


def test_an_api_calls_the_function_behind_its_alias():
    api: Part = ("AWS::ApiGatewayV2::Api", {})
    alias = ("AWS::Lambda::Alias", {"FunctionName": {"Ref": "Function"}, "Name": "live"})
    integration = ("AWS::ApiGatewayV2::Integration", {"ApiId": {"Ref": "Api"}, "IntegrationUri": {"Ref": "Live"}})
    app = {"Api": api, "Live": alias, "Function": function(), "Integration": integration}
    assert arrows(app) == {Arrow("Api", "Function", "calls")}


def test_a_stream_feeds_its_consumer():
    table = ("AWS::DynamoDB::GlobalTable", {"TableName": "Sample-prod"})
    mapping = (
        "AWS::Lambda::EventSourceMapping",
        {
            "BatchSize": 100,
            "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
            "FunctionName": {"Ref": "Function"},
        },
    )
    app = {"Table": table, "Function": function(), "Mapping": mapping}
    assert arrows(app) == {Arrow("Table", "Function", "feeds", ("stream", "batches of 100"))}


def test_a_bucket_feeds_the_function_its_notification_names():
    bucket: Part = ("AWS::S3::Bucket", {})
    lambdas = [{"Events": ["s3:ObjectCreated:*"], "LambdaFunctionArn": {"Fn::GetAtt": ["Function", "Arn"]}}]
    notification = (
        "Custom::S3BucketNotifications",
        {"BucketName": {"Ref": "Bucket"}, "NotificationConfiguration": {"LambdaFunctionConfigurations": lambdas}},
    )
    app = {"Bucket": bucket, "Function": function(), "Notification": notification}
    assert arrows(app) == {Arrow("Bucket", "Function", "feeds")}


def events_of_a_bucket() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
    """An app that hears of a bucket of the other stack, that stack, and its outputs."""
    name = {"Fn::GetStackOutput": {"StackName": "prod-SampleData", "OutputName": "Name"}}
    goal = {"Arn": {"Fn::GetAtt": ["Queue", "Arn"]}, "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["Dead", "Arn"]}}}
    pattern = {"source": ["aws.s3"], "detail-type": ["Object Created"], "detail": {"bucket": {"name": [name]}}}
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 5}
    objects = {"Fn::Join": ["", ["arn:", {"Ref": "AWS::Partition"}, ":s3:::", name, "/uploads/*"]]}
    app = {
        "UploadedRule": ("AWS::Events::Rule", {"EventPattern": pattern, "Targets": [goal]}),
        "Queue": ("AWS::SQS::Queue", {"RedrivePolicy": redrive}),
        "Dead": ("AWS::SQS::Queue", {}),
        "Function": function(),
        "Role": ("AWS::IAM::Role", {}),
        "Policy": policy({"Action": ["s3:GetObject", "s3:DeleteObject"], "Resource": objects}),
    }
    kept = [{"Prefix": "uploads/", "ExpirationInDays": 1, "Status": "Enabled"}]
    bucket = {"VersioningConfiguration": {"Status": "Enabled"}, "LifecycleConfiguration": {"Rules": kept}}
    return app, {"Bucket": ("AWS::S3::Bucket", bucket)}, {"Name": {"Value": {"Ref": "Bucket"}}}


def test_a_bucket_tells_a_rule_that_puts_its_events_onto_a_queue():
    assert arrows(*events_of_a_bucket()) == {
        Arrow("Bucket", "UploadedRule", "feeds"),
        Arrow("UploadedRule", "Queue", "sends"),
        Arrow("Queue", "Dead", "fails", ("after 5 tries", "or by Uploaded")),
        Arrow("Function", "Bucket", "uses", ("uploads/",)),
    }


def test_a_bucket_and_its_rule_say_what_stays_and_what_is_heard():
    architecture = architecture_of("Sample", templates(*events_of_a_bucket()))
    assert architecture.box("Bucket").lines == ["S3 · old versions", "uploads/ 1 day"]
    rule = architecture.box("UploadedRule")
    assert (rule.kind, rule.title, rule.lines) == ("event", "Uploaded", ["EventBridge", "Object Created"])


def test_a_queue_gives_up_to_its_dead_letters():
    policy_of_queue = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 3}
    app = {"Queue": ("AWS::SQS::Queue", {"RedrivePolicy": policy_of_queue}), "Dead": ("AWS::SQS::Queue", {})}
    assert arrows(app) == {Arrow("Queue", "Dead", "fails", ("after 3 tries",))}


def test_a_function_hears_of_a_table_and_gives_up_to_its_dead_letters():
    mapping = {
        "EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
        "FunctionName": {"Ref": "Function"},
        "BatchSize": 100,
        "ParallelizationFactor": 10,
        "DestinationConfig": {"OnFailure": {"Destination": {"Fn::GetAtt": ["Dead", "Arn"]}}},
    }
    app = {
        "Table": ("AWS::DynamoDB::Table", {}),
        "Function": function(),
        "Role": ("AWS::IAM::Role", {}),
        "Policy": policy({"Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Dead", "Arn"]}}),
        "Dead": ("AWS::SQS::Queue", {}),
        "Mapping": ("AWS::Lambda::EventSourceMapping", mapping),
    }
    assert arrows(app) == {
        Arrow("Table", "Function", "feeds", ("stream", "batches of 100", "10 at once")),
        Arrow("Function", "Dead", "fails"),
    }


@pytest.mark.parametrize(
    ("resource_type", "actions", "flow"),
    [
        ("AWS::DynamoDB::GlobalTable", ("dynamodb:GetItem", "dynamodb:Query"), "reads"),
        ("AWS::DynamoDB::GlobalTable", ("dynamodb:PutItem",), "writes"),
        ("AWS::DynamoDB::GlobalTable", ("dynamodb:GetItem", "dynamodb:UpdateItem"), "uses"),
        ("AWS::S3::Bucket", ("s3:GetObject",), "reads"),
        ("AWS::S3::Bucket", ("s3:PutObject", "s3:GetObject"), "uses"),
        ("AWS::SQS::Queue", ("sqs:SendMessage",), "sends"),
        ("AWS::SNS::Topic", ("sns:Publish",), "sends"),
        ("AWS::SecretsManager::Secret", ("secretsmanager:GetSecretValue",), "reads"),
        ("AWS::StepFunctions::StateMachine", ("states:StartExecution",), "calls"),
    ],
)
def test_what_a_role_allows_is_an_arrow(resource_type, actions, flow):
    assert allowed((resource_type, {}), *actions) == {Arrow("Function", "Target", flow)}


@pytest.mark.parametrize(
    ("resource_type", "actions"),
    [
        ("AWS::SQS::Queue", ("sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes")),
        ("AWS::DynamoDB::GlobalTable", ("dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams")),
    ],
)
def test_what_an_event_source_needs_is_no_arrow_of_its_own(resource_type, actions):
    assert allowed((resource_type, {}), *actions) == set()


def test_a_table_of_the_other_stack_is_known_by_its_name_and_its_indexes_are_noted():
    tables = {
        "Main": ("AWS::DynamoDB::GlobalTable", {"TableName": "Sample-prod"}),
        "Other": ("AWS::DynamoDB::GlobalTable", {"TableName": "Sample-Other-prod"}),
    }
    arn: list[Any] = ["arn:aws:dynamodb:", {"Ref": "AWS::Region"}, ":table/Sample-prod/index/GSI1"]
    statement = {"Action": "dynamodb:Query", "Resource": {"Fn::Join": ["", arn]}}
    app = {"Function": function(), "Role": ("AWS::IAM::Role", {}), "Policy": policy(statement)}
    assert arrows(app, tables) == {Arrow("Function", "Main", "reads", ("GSI1",))}


@pytest.mark.parametrize(
    "reference",
    [
        {"Fn::GetStackOutput": {"StackName": "prod-SampleData", "OutputName": "SecretArn"}},
        {"Fn::ImportValue": "the-secret"},
    ],
)
def test_a_secret_of_the_other_stack_is_known_by_its_output(reference):
    outputs = {"SecretArn": {"Value": {"Ref": "Secret"}, "Export": {"Name": "the-secret"}}}
    statement = {"Action": "secretsmanager:GetSecretValue", "Resource": reference}
    app = {"Function": function(), "Role": ("AWS::IAM::Role", {}), "Policy": policy(statement)}
    data: dict[str, Part] = {"Secret": ("AWS::SecretsManager::Secret", {})}
    assert arrows(app, data, outputs) == {Arrow("Function", "Secret", "reads")}


def test_each_function_has_the_arrows_of_its_own_role():
    statement = {"Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Queue", "Arn"]}}
    app = {
        "First": function("FirstRole"),
        "Second": function("SecondRole"),
        "FirstRole": ("AWS::IAM::Role", {}),
        "SecondRole": ("AWS::IAM::Role", {}),
        "Queue": ("AWS::SQS::Queue", {}),
        "Policy": policy(statement, role="SecondRole"),
    }
    assert arrows(app) == {Arrow("Second", "Queue", "sends")}


def test_a_function_that_fills_the_dead_letters_of_its_queue_is_noted_there():
    redrive = {"deadLetterTargetArn": {"Fn::GetAtt": ["Dead", "Arn"]}, "maxReceiveCount": 5}
    mapping = {"EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]}, "FunctionName": {"Ref": "WorkerFunction"}}
    app = {
        "Queue": ("AWS::SQS::Queue", {"RedrivePolicy": redrive}),
        "Dead": ("AWS::SQS::Queue", {}),
        "WorkerFunction": function(),
        "Role": ("AWS::IAM::Role", {}),
        "Mapping": ("AWS::Lambda::EventSourceMapping", mapping),
        "Policy": policy({"Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Dead", "Arn"]}}),
    }
    assert arrows(app) == {
        Arrow("Queue", "WorkerFunction", "feeds"),
        Arrow("Queue", "Dead", "fails", ("after 5 tries", "or by Worker function")),
    }


def test_alarms_are_one_box_that_notifies_the_topic_and_the_topic_its_mailbox():
    alarm = ("AWS::CloudWatch::Alarm", {"AlarmActions": [{"Ref": "Topic"}]})
    email = ("AWS::SNS::Subscription", {"Protocol": "email", "TopicArn": {"Ref": "Topic"}, "Endpoint": "x"})
    drawn = architecture_of(
        "Sample", templates({"One": alarm, "Two": alarm, "Topic": ("AWS::SNS::Topic", {}), "Email": email})
    )
    assert [box.title for box in drawn.boxes] == ["Topic", "2 alarms", "Operator"]
    assert drawn.in_words() == "2 alarms notify Topic. Topic notify Operator."


def test_a_release_is_described_by_the_steps_of_its_deployment():
    app = {
        "Function": function(),
        "Live": {
            "Type": "AWS::Lambda::Alias",
            "Properties": {"FunctionName": {"Ref": "Function"}, "Name": "live"},
            "UpdatePolicy": {"CodeDeployLambdaAliasUpdate": {"DeploymentGroupName": {"Ref": "Group"}}},
        },
        "Group": ("AWS::CodeDeploy::DeploymentGroup", {"DeploymentConfigName": {"Ref": "Steps"}}),
        "Steps": ("AWS::CodeDeploy::DeploymentConfig", {"TrafficRoutingConfig": {"Type": "TimeBasedCanary"}}),
    }
    [box] = architecture_of("Sample", templates(app)).boxes
    assert list(box.lines) == ["Lambda · 256 MB · 1 min", "alias live · canary"]


def test_a_denying_statement_is_no_arrow():
    statement = {"Effect": "Deny", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["Queue", "Arn"]}}
    app = {
        "Function": function(),
        "Role": ("AWS::IAM::Role", {}),
        "Queue": ("AWS::SQS::Queue", {}),
        "Policy": policy(statement),
    }
    assert arrows(app) == set()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("ProcessingDeadLetters", "Processing dead letters"),
        ("ApiFunction", "API function"),
        ("YotoOAuth", "Yoto OAuth"),
    ],
)
def test_logical_ids_become_words(name, said):
    assert words(name) == said
