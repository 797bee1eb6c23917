"""Which services there are. A further one is a folder here, one below `lambda_src/services`, and a value below."""

from typing import Final

from cdk_app.services.flags import Flag
from cdk_app.services.service import Endpoint, Service, StandIn
from lambda_src.services.algoitny import tables as algoitny_tables
from lambda_src.services.nbhd_city import tables as nbhd_city_tables
from lambda_src.services.stock_track_record import tables as stock_track_record_tables
from lambda_src.services.yoto_smart_stream import tables as yoto_smart_stream_tables

# Real videos speak of real shares, and an invented price beside them would only mislead: prices are real as soon as
# YouTube is, and without a key then simply not configured, as on AWS.
YOUTUBE_KEY: Final = "YOUTUBE_API_KEY"
VIDEOS_AND_PRICES: Final = StandIn(
    name="videos-and-prices",
    title="YouTube, Gemini and prices",
    port=8010,
    application="cdk_app.services.stock_track_record.stand_ins.app:sample_app",
    endpoints=(
        Endpoint("YOUTUBE_API_BASE_URL", "/youtube/youtube/v3", key=YOUTUBE_KEY),
        Endpoint("GEMINI_API_BASE_URL", "/gemini/v1beta", key="GEMINI_API_KEY"),
        Endpoint("FINNHUB_API_BASE_URL", "/finnhub/api/v1", key="FINNHUB_API_KEY", real_with=YOUTUBE_KEY),
        Endpoint("ALPHA_VANTAGE_API_BASE_URL", "/alpha-vantage", key="ALPHA_VANTAGE_API_KEY", real_with=YOUTUBE_KEY),
        Endpoint("YAHOO_API_BASE_URL", "/yahoo", real_with=YOUTUBE_KEY),
    ),
)

# Without keys, and always a stand-in here: BlueSky sends people back to a public address only, which this machine has
# not.
BLUESKY: Final = StandIn(
    name="bluesky",
    title="BlueSky",
    port=8013,
    application="cdk_app.services.nbhd_city.bluesky.app:sample_app",
    endpoints=(
        Endpoint("BLUESKY_OAUTH_ISSUER"),
        Endpoint("BLUESKY_OAUTH_AUTHORIZATION_ENDPOINT", "/basic/authorize"),
        Endpoint("BLUESKY_OAUTH_TOKEN_ENDPOINT", "/basic/token"),
        Endpoint("PLC_DIRECTORY_URL", "/plc"),
        Endpoint("BLUESKY_PUBLIC_API_URL", "/public"),
    ),
)

# Always a stand-in here, as well: a client of Google's knows the addresses of its pages, and people of this machine are
# whoever they like to be.
GOOGLE: Final = StandIn(
    name="google",
    title="Google's sign-in",
    port=8012,
    application="cdk_app.services.algoitny.google.app:sample_app",
    endpoints=(Endpoint("GOOGLE_TOKEN_URL", "/token"), Endpoint("GOOGLE_JWKS_URL", "/certs")),
)

STOCK_TRACK_RECORD: Final = Service(
    name="StockTrackRecord",
    package="stock_track_record",
    title="Stock Track Record",
    local_port=8001,
    tables=stock_track_record_tables.TABLES,
    queues={
        "SQS_QUEUE_URL": "ProcessingQueue",
        "SQS_DLQ_URL": "ProcessingDeadLetters",
        "PRICE_QUEUE_URL": "PricesQueue",
        "PRICE_DLQ_URL": "PricesDeadLetters",
    },
    secrets={"API_KEYS_SECRET_ID": "ApiKeys", "CURSOR_SECRET_ID": "CursorKey"},
    tasks={"sweep": 5},
    data_stack="cdk_app.services.stock_track_record.stacks:StockTrackRecordData",
    app_stack="cdk_app.services.stock_track_record.stacks:StockTrackRecordApp",
    smoke="cdk_app.services.stock_track_record.smoke:check",
    workload="cdk_app.services.stock_track_record.workload:workload",
    stand_ins=(VIDEOS_AND_PRICES,),
)

ALGOITNY: Final = Service(
    name="AlgoItny",
    package="algoitny",
    title="AlgoItny",
    local_port=8002,
    tables=algoitny_tables.TABLES,
    buckets=algoitny_tables.BUCKETS,
    queues={
        "ALGOITNY_JOB_QUEUE_URL": "JobsQueue",
        "ALGOITNY_JOB_DLQ_URL": "JobsDeadLetters",
        "ALGOITNY_STATS_DLQ_URL": "StatsDeadLetters",
        "ALGOITNY_ARCHIVE_DLQ_URL": "ArchiverDeadLetters",
    },
    secrets={"APP_SECRET_ARN": "AppSecret"},
    tasks={"maintenance": 15, "rollup": 60},
    also_calls=frozenset({"s3"}),
    data_stack="cdk_app.services.algoitny.stacks:AlgoItnyData",
    app_stack="cdk_app.services.algoitny.stacks:AlgoItnyApp",
    smoke="cdk_app.services.algoitny.smoke:check",
    stand_ins=(GOOGLE,),
    local_secrets="cdk_app.services.algoitny.local_secrets:MADE_UP",
    samples="cdk_app.services.algoitny.samples:plant",
    workload="cdk_app.services.algoitny.workload:workload",
)

NBHD_CITY: Final = Service(
    name="NbhdCity",
    package="nbhd_city",
    title="nbhd.city",
    local_port=8004,
    tables=nbhd_city_tables.TABLES,
    queues={"NBHD_TASK_QUEUE_URL": "TasksQueue", "NBHD_TASK_DLQ_URL": "TasksDeadLetters"},
    secrets={"APP_SECRET_ARN": "AppSecret"},
    tasks={"sweep": 15, "audit": 7 * 24 * 60},
    data_stack="cdk_app.services.nbhd_city.stacks:NbhdCityData",
    app_stack="cdk_app.services.nbhd_city.stacks:NbhdCityApp",
    smoke="cdk_app.services.nbhd_city.smoke:check",
    workload="cdk_app.services.nbhd_city.workload:workload",
    stand_ins=(BLUESKY,),
    local_secrets="cdk_app.services.nbhd_city.local_secrets:MADE_UP",
    samples="cdk_app.services.nbhd_city.samples:plant",
)

YOTO_SMART_STREAM: Final = Service(
    name="YotoSmartStream",
    package="yoto_smart_stream",
    title="Yoto Smart Stream",
    local_port=8003,
    tables=yoto_smart_stream_tables.TABLES,
    buckets=yoto_smart_stream_tables.BUCKETS,
    jobs=yoto_smart_stream_tables.TRANSCRIPTIONS,
    flags=(Flag("enable_cloudfront"), Flag("enable_mqtt"), Flag("yoto_client_id", is_switch=False)),
    queues={"TRANSCRIPTION_QUEUE_URL": "TranscriptionQueue", "TRANSCRIPTION_DLQ_URL": "TranscriptionDeadLetters"},
    secrets={
        "JWT_SECRET_ARN": "SigningKey",
        "BOOTSTRAP_ADMIN_SECRET_ARN": "BootstrapAdmin",
        "CLOUDFRONT_PRIVATE_KEY_SECRET_ARN": "MediaKey",
    },
    tasks={"sweep": 10},
    also_calls=frozenset({"s3", "transcribe"}),
    data_stack="cdk_app.services.yoto_smart_stream.stacks:YotoSmartStreamData",
    app_stack="cdk_app.services.yoto_smart_stream.stacks:YotoSmartStreamApp",
    smoke="cdk_app.services.yoto_smart_stream.smoke:check",
    samples="cdk_app.services.yoto_smart_stream.samples:plant",
    workload="cdk_app.services.yoto_smart_stream.workload:workload",
)

SERVICES: Final = (STOCK_TRACK_RECORD, ALGOITNY, YOTO_SMART_STREAM, NBHD_CITY)
