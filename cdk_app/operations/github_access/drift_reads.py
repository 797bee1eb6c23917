"""What drift detection reads, by resource type.

CloudFormation reads each resource with the rights of whoever asked for the detection. These are the calls that describe
a resource; none returns what is stored in it: no item, no message, no secret value.
https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/using-cfn-stack-drift.html
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

DRIFT_READS: Final[Mapping[str, tuple[str, ...]]] = MappingProxyType(
    {
        "AWS::ApiGatewayV2::Api": ("apigateway:GET",),
        "AWS::ApiGatewayV2::Integration": ("apigateway:GET",),
        "AWS::ApiGatewayV2::Route": ("apigateway:GET",),
        "AWS::ApiGatewayV2::Stage": ("apigateway:GET",),
        "AWS::Budgets::Budget": ("budgets:ViewBudget", "budgets:ListTagsForResource"),
        "AWS::CloudFront::Distribution": ("cloudfront:GetDistribution", "cloudfront:ListTagsForResource"),
        "AWS::CloudFront::KeyGroup": ("cloudfront:GetKeyGroup",),
        "AWS::CloudFront::OriginAccessControl": ("cloudfront:GetOriginAccessControl",),
        "AWS::CloudFront::PublicKey": ("cloudfront:GetPublicKey",),
        "AWS::CloudWatch::Alarm": ("cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"),
        "AWS::CloudWatch::CompositeAlarm": ("cloudwatch:DescribeAlarms", "cloudwatch:ListTagsForResource"),
        "AWS::CloudWatch::Dashboard": ("cloudwatch:GetDashboard",),
        "AWS::CodeDeploy::Application": ("codedeploy:GetApplication", "codedeploy:ListTagsForResource"),
        "AWS::CodeDeploy::DeploymentConfig": ("codedeploy:GetDeploymentConfig",),
        "AWS::CodeDeploy::DeploymentGroup": ("codedeploy:GetDeploymentGroup", "codedeploy:ListTagsForResource"),
        "AWS::DynamoDB::GlobalTable": (
            "dynamodb:DescribeContinuousBackups",
            "dynamodb:DescribeContributorInsights",
            "dynamodb:DescribeKinesisStreamingDestination",
            "dynamodb:DescribeTable",
            "dynamodb:DescribeTableReplicaAutoScaling",
            "dynamodb:DescribeTimeToLive",
            "dynamodb:GetResourcePolicy",
            "dynamodb:ListTagsOfResource",
        ),
        "AWS::Events::Rule": ("events:DescribeRule", "events:ListTagsForResource", "events:ListTargetsByRule"),
        "AWS::IAM::Policy": ("iam:GetRolePolicy",),
        "AWS::IAM::Role": ("iam:GetRole", "iam:GetRolePolicy", "iam:ListAttachedRolePolicies", "iam:ListRolePolicies"),
        "AWS::Lambda::Alias": ("lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig"),
        "AWS::Lambda::EventInvokeConfig": ("lambda:GetFunctionEventInvokeConfig",),
        "AWS::Lambda::EventSourceMapping": ("lambda:GetEventSourceMapping", "lambda:ListTags"),
        "AWS::Lambda::Function": (
            "lambda:GetFunction",
            "lambda:GetFunctionCodeSigningConfig",
            "lambda:GetFunctionRecursionConfig",
            "lambda:GetRuntimeManagementConfig",
            "lambda:ListTags",
        ),
        "AWS::Lambda::Permission": ("lambda:GetPolicy",),
        "AWS::Lambda::Version": ("lambda:GetFunction", "lambda:GetProvisionedConcurrencyConfig"),
        "AWS::Logs::LogGroup": (
            "logs:DescribeIndexPolicies",
            "logs:DescribeLogGroups",
            "logs:DescribeResourcePolicies",
            "logs:GetDataProtectionPolicy",
            "logs:ListTagsForResource",
        ),
        "AWS::Logs::MetricFilter": ("logs:DescribeMetricFilters",),
        "AWS::Logs::QueryDefinition": ("logs:DescribeQueryDefinitions",),
        "AWS::S3::Bucket": (
            "s3:GetBucketCORS",
            "s3:GetBucketNotification",
            "s3:GetBucketOwnershipControls",
            "s3:GetBucketPolicy",
            "s3:GetBucketPublicAccessBlock",
            "s3:GetBucketTagging",
            "s3:GetBucketVersioning",
            "s3:GetEncryptionConfiguration",
            "s3:GetLifecycleConfiguration",
        ),
        "AWS::S3::BucketPolicy": ("s3:GetBucketPolicy",),
        "AWS::SNS::Subscription": ("sns:GetSubscriptionAttributes",),
        "AWS::SNS::Topic": (
            "sns:GetDataProtectionPolicy",
            "sns:GetTopicAttributes",
            "sns:ListSubscriptionsByTopic",
            "sns:ListTagsForResource",
        ),
        "AWS::SNS::TopicPolicy": ("sns:GetTopicAttributes",),
        "AWS::SQS::Queue": ("sqs:GetQueueAttributes", "sqs:ListQueueTags"),
        "AWS::SQS::QueuePolicy": ("sqs:GetQueueAttributes",),
        "AWS::SecretsManager::Secret": ("secretsmanager:DescribeSecret",),
    }
)

# Types that hold nothing to read back.
NOTHING_TO_READ: Final = frozenset({"AWS::CDK::Metadata"})


def actions() -> list[str]:
    """All of them, each once, in order."""
    return sorted({action for actions in DRIFT_READS.values() for action in actions})
