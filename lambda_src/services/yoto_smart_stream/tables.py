"""Table design and access patterns of Yoto Smart Stream, as data that runs.

Reads are carried out from here; the stack's table, the functions' grants, local and test tables and `TABLES.md` are
computed from here. Conditions of writes stand with their code in the repositories.
"""

import gzip
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from lambda_src.dynamo.schema import AccessPattern, CursorFormat, Entity, Index, SparseKey, Stored, Table
from lambda_src.dynamo.store import EXISTS, Attr, Condition, Update, UpdateItem
from lambda_src.runtime.accounts.refresh import sign_in_patterns
from lambda_src.runtime.accounts.throttle import throttle_patterns
from lambda_src.runtime.buckets import Bucket, Prefix
from lambda_src.runtime.transcription_jobs import TranscriptionJobs
from lambda_src.services.yoto_smart_stream import models

API: Final = "api"
WORKER: Final = "worker"
MIGRATION: Final = "migration"  # whoever moves data in, while an environment names them
SUPPORT: Final = "support"  # a person, or a program with credentials of its own; no function

_IN_EVERY_LIST: Final = (
    "entity", "filename", "size", "duration", "content_type", "transcript_status", "transcript_error",
    "transcript_chars", "transcribed_at", "uploaded_by", "created_at", "updated_at",
)  # fmt: skip
_OF_USERS: Final = ("user_id", "username", "email", "is_active", "is_admin", "must_change_password")

GSI1: Final = Index("GSI1", "GSI1PK", "GSI1SK", projection="INCLUDE", include=(*_IN_EVERY_LIST, *_OF_USERS))
GSI2: Final = Index("GSI2", "GSI2PK", "GSI2SK", projection="INCLUDE", include=(*_IN_EVERY_LIST, "name_key"))

MAIN: Final = Table(
    "main", base_name="yoto-smart-stream", environment_variable="DYNAMODB_TABLE", partition="PK", sort="SK",
    indexes=(GSI1, GSI2), ttl="expires_at",
)  # fmt: skip
TABLES: Final = (MAIN,)

# ---- objects ---------------------------------------------------------------------------------------------------------

UPLOADS: Final = "uploads"
MEDIA: Final = "media"
RAW_TRANSCRIPTS: Final = "transcripts/raw"
AUDIO_BUCKET: Final = Bucket(
    "Audio",
    environment_variable="S3_AUDIO_BUCKET",
    prefixes=(
        # A ticket stays good until its time is over, so what it can write is never what is played.
        Prefix(UPLOADS, {API: ("PutObject",), WORKER: ("GetObject", "DeleteObject")}, days_kept=1),
        Prefix(
            MEDIA,
            {
                API: ("GetObject",),
                WORKER: ("GetObject", "PutObject", "DeleteObject"),
                MIGRATION: ("GetObject", "PutObject"),
            },
        ),
        # Amazon Transcribe writes with the rights of who starts a job.
        Prefix(RAW_TRANSCRIPTS, {WORKER: ("GetObject", "PutObject")}, days_kept=7),
    ),
    browser_methods=("GET", "HEAD", "POST"),
)
BUCKETS: Final = (AUDIO_BUCKET,)

# ---- jobs of Amazon Transcribe ---------------------------------------------------------------------------------------

TRANSCRIPTIONS: Final = TranscriptionJobs(
    "yss", {WORKER: ("StartTranscriptionJob", "GetTranscriptionJob", "DeleteTranscriptionJob")}
)

# ---- items -----------------------------------------------------------------------------------------------------------

USER: Final = Entity(
    MAIN, models.UserRecord, pk="USER#{username_key}", sk="PROFILE", constants={"entity": "user"},
    index_keys={"GSI1PK": "USER", "GSI1SK": "{created_at}#{username_key}"},
    notes="An account, by its name in lower case",
)  # fmt: skip
EMAIL_CLAIM: Final = Entity(
    MAIN, models.EmailClaim, pk="EMAIL#{email_key}", sk="CLAIM", constants={"entity": "email_claim"},
    key_only=("email_key",), notes="Whose an e-mail address is",
)  # fmt: skip
USER_ID_CLAIM: Final = Entity(
    MAIN, models.UserIdClaim, pk="USERID#{user_id}", sk="CLAIM", constants={"entity": "user_id_claim"},
    key_only=("user_id",), notes="Whose an id is; kept for ever, so that no id comes back",
)  # fmt: skip
ID_COUNTER: Final = Entity(
    MAIN, models.IdCounter, pk="COUNTER#USER", sk="COUNTER", constants={"entity": "id_counter"},
    notes="The newest id of a user that was drawn",
)  # fmt: skip
ADMIN_GUARD: Final = Entity(
    MAIN, models.AdminGuard, pk="GUARD#ADMIN", sk="COUNT", constants={"entity": "admin_guard"},
    notes="How many administrators can sign in; never below one again",
)  # fmt: skip
AUDIO: Final = Entity(
    MAIN, models.AudioFileRecord, pk="AUDIO#{filename}", sk="METADATA", constants={"entity": "audio"},
    index_keys={
        "GSI1PK": "AUDIO", "GSI1SK": "{created_at}#{filename}", "GSI2PK": "AUDIO", "GSI2SK": "{name_sort}",
    },
    derived=("name_key",), notes="A file of the library, without its text",
)  # fmt: skip


LONG_TEXT_BYTES: Final = 102_400


def stored_text(text: str) -> str | bytes:
    """A text as it is stored: gzipped where it is long."""
    encoded = text.encode()
    return text if len(encoded) <= LONG_TEXT_BYTES else gzip.compress(encoded, mtime=0)


def _text_of(stored: object) -> str:
    return gzip.decompress(stored).decode() if isinstance(stored, bytes) else str(stored)


TRANSCRIPT: Final = Entity(
    MAIN, models.Transcript, pk="AUDIO#{filename}", sk="TRANSCRIPT", constants={"entity": "transcript"},
    key_only=("filename",), stored={"text": Stored(read=_text_of, write=stored_text)},
    notes="The text of a file: as it is, or gzipped where it is long. Beside the file, so that its updates stay small",
)  # fmt: skip
PLAY_LINK: Final = Entity(
    MAIN, models.PlayLink, pk="PLAY#{play_token}", sk="LINK", constants={"entity": "play_link"},
    key_only=("play_token",), notes="The file that an unguessable link plays",
)  # fmt: skip
UPLOAD: Final = Entity(
    MAIN, models.UploadIntent, pk="UPLOAD#{upload_id}", sk="INTENT", constants={"entity": "upload"},
    notes="A ticket for an upload, and what became of it; leaves by TTL",
)  # fmt: skip
JOB: Final = Entity(
    MAIN, models.Job, pk="JOB#{job_id}", sk="JOB", constants={"entity": "job"},
    index_keys={
        "GSI1PK": SparseKey("JOB", lambda job: not job.is_done),
        "GSI1SK": SparseKey("{created_at}#{job_id}", lambda job: not job.is_done),
    },
    stored={"object_keys": Stored(omit_default=True)},
    notes="A transcription, or objects to be deleted; in GSI1 until it is done, then it leaves by TTL",
)  # fmt: skip
SETTING: Final = Entity(
    MAIN, models.Setting, pk="SETTING#{setting_key}", sk="VALUE", constants={"entity": "setting"},
    notes="What an administrator chose",
)  # fmt: skip
PROBE: Final = Entity(MAIN, models.Probe, pk="HEALTH", sk="HEALTH", notes="Nobody writes it")

SIGN_INS: Final = sign_in_patterns(MAIN, models.UserSignIn, pk="SIGNIN#{signin_id}", sk="TOKEN", asked_by=(API,))
THROTTLE: Final = throttle_patterns(MAIN, pk="THROTTLE#{digest}", sk="LOGIN", asked_by=(API,))

# ---- access patterns: users ------------------------------------------------------------------------------------------

_get = partial(AccessPattern, operation="GetItem", consistent=True, cost="1 request; 1 RRU consistent")

USER_BY_NAME: Final[AccessPattern[models.UserRecord]] = _get(
    "user_by_name", "Who has this name, in any case?", reads=USER, asked_by=(API, WORKER)
)
HOLDER_OF_USER_ID: Final[AccessPattern[models.UserIdClaim]] = _get(
    "holder_of_user_id", "Which name has the user of this id?", reads=USER_ID_CLAIM, asked_by=(API,)
)
ACTIVE_ADMINS: Final[AccessPattern[models.AdminGuard]] = _get(
    "active_admins", "How many administrators can sign in?", reads=ADMIN_GUARD, asked_by=(API, WORKER)
)
USERS_OLDEST_FIRST: Final = AccessPattern(
    "users_oldest_first", "Which users are there, oldest first?",
    operation="Query", reads=USER, index=GSI1, asked_by=(API,),
    cost="1 request per page; 0.04 RRU per user of 0.3 KB; GSI1 lags by up to about a second",
)  # fmt: skip
COUNT_USERS: Final = AccessPattern(
    "count_users", "How many users are there?",
    operation="Query", reads=USER, index=GSI1, asked_by=(SUPPORT,), cost="1 request per MB; 0.04 RRU per user",
)  # fmt: skip
NEXT_USER_ID: Final = AccessPattern(
    "next_user_id", "Draw an id; further on where ids turn out to be taken",
    operation="UpdateItem", writes=ID_COUNTER, asked_by=(API, WORKER), cost="1 request; 1 WRU",
)  # fmt: skip
CREATE_USER: Final = AccessPattern(
    "create_user", "Add a user whose name, id and address are free, and count an administrator",
    operation=("PutItem", "UpdateItem"), writes=(USER, USER_ID_CLAIM, EMAIL_CLAIM, ADMIN_GUARD), transaction=True,
    asked_by=(API, WORKER), cost="1 request; 2 to 4 items of 1 KB, 5 to 9 WRU with the index",
)  # fmt: skip
UPDATE_USER: Final = AccessPattern(
    "update_user", "Change a user as read, name and address aside",
    operation="UpdateItem", writes=USER, asked_by=(API, WORKER), cost="1 request; 2 WRU with the index",
)  # fmt: skip
CHANGE_USER: Final = AccessPattern(
    "change_user", "Change a user as read with the address, and whether there is one administrator more or less",
    operation=("UpdateItem", "DeleteItem", "PutItem"), writes=(USER, EMAIL_CLAIM, ADMIN_GUARD), transaction=True,
    asked_by=(API,), cost="1 request; 2 to 4 items of 1 KB, 5 to 9 WRU with the index",
)  # fmt: skip
RECOUNT_ADMINS: Final = AccessPattern(
    "recount_admins", "Change a user as read who becomes an administrator that can sign in, or is none any more",
    operation="UpdateItem", writes=(USER, ADMIN_GUARD), transaction=True,
    asked_by=(API, WORKER), cost="1 request; 2 items of 1 KB, 5 WRU with the index",
)  # fmt: skip
DELETE_USER: Final = AccessPattern(
    "delete_user", "Remove a user as read, free the address, keep the id from coming back",
    operation=("DeleteItem", "UpdateItem"), writes=(USER, EMAIL_CLAIM, USER_ID_CLAIM, ADMIN_GUARD), transaction=True,
    asked_by=(API,), cost="1 request; 2 to 4 items of 1 KB, 5 to 9 WRU with the index",
)  # fmt: skip

# ---- access patterns: the library ------------------------------------------------------------------------------------

AUDIO_NEWEST_FIRST: Final = AccessPattern(
    "audio_newest_first", "Which files are there, newest first?",
    operation="Query", reads=AUDIO, index=GSI1, descending=True, asked_by=(API,),
    cost="1 request per page; 0.05 RRU per file of 0.4 KB; GSI1 lags by up to about a second",
)  # fmt: skip
AUDIO_BY_NAME: Final = AccessPattern(
    "audio_by_name", "Which files begin with, or contain, this text?",
    operation="Query", reads=AUDIO, index=GSI2, begins="name_sort", asked_by=(API,),
    cursor=CursorFormat("audio_by_name"),  # bound to a digest of the search: the text itself may not fit into a cursor
    cost="1 request per page, at most 5 per page of matches; 0.05 RRU per file looked at",
)  # fmt: skip
AUDIO_FILE: Final[AccessPattern[models.AudioFileRecord]] = _get(
    "audio_file", "Which file is this?", reads=AUDIO, asked_by=(API, WORKER)
)
AUDIO_FILES: Final = AccessPattern(
    "audio_files", "Which files are these?",
    operation="BatchGetItem", reads=AUDIO, consistent=True, asked_by=(WORKER,), cost="1 request per 100; 1 RRU each",
)  # fmt: skip
AUDIO_AND_TEXT: Final[AccessPattern[models.AudioFileRecord | models.Transcript]] = AccessPattern(
    "audio_and_text", "Which file is this, and what is said in it?",
    operation="BatchGetItem", reads=(AUDIO, TRANSCRIPT), consistent=True, asked_by=(API,),
    cost="1 request; 1 RRU, and 1 per 4 KB of stored text",
)  # fmt: skip
UPSERT_AUDIO: Final = AccessPattern(
    "upsert_audio", "Add a file, or change what is given of it",
    operation="UpdateItem", writes=AUDIO, asked_by=(SUPPORT,), cost="1 request; 3 WRU with the indexes",
)  # fmt: skip
RESET_AUDIO: Final = AccessPattern(
    "reset_audio", "Change what is given of a file, and take its text away",
    operation=("UpdateItem", "DeleteItem"), writes=(AUDIO, TRANSCRIPT), transaction=True, asked_by=(SUPPORT,),
    cost="1 request; 2 items, 4 WRU with the indexes, 2 more per KB of stored text",
)  # fmt: skip
DELETE_AUDIO: Final = AccessPattern(
    "delete_audio", "Remove a file as read with its text and its link, and note its object for deletion",
    operation=("DeleteItem", "PutItem"), writes=(AUDIO, TRANSCRIPT, PLAY_LINK, JOB), transaction=True, asked_by=(API,),
    cost="1 request; 7 WRU with the indexes, 2 more for a link, and 2 per KB of the text that goes",
)  # fmt: skip
FILE_OF_LINK: Final[AccessPattern[models.PlayLink]] = _get(
    "file_of_link", "Which file does this link play?", reads=PLAY_LINK, asked_by=(API,)
)
SET_PLAY_LINK: Final = AccessPattern(
    "set_play_link", "Give a file as read another link, or none",
    operation=("UpdateItem", "DeleteItem", "PutItem"), writes=(AUDIO, PLAY_LINK), transaction=True, asked_by=(API,),
    cost="1 request; 6 WRU with the indexes, 8 for a link in place of another",
)  # fmt: skip

# ---- access patterns: uploads ----------------------------------------------------------------------------------------

CREATE_UPLOAD: Final = AccessPattern(
    "create_upload", "Keep a ticket", operation="PutItem", writes=UPLOAD, asked_by=(API,), cost="1 request; 1 WRU"
)
UPLOAD_BY_ID: Final[AccessPattern[models.UploadIntent]] = _get(
    "upload_by_id", "What became of this ticket?", reads=UPLOAD, asked_by=(API, WORKER)
)
FINALIZE_UPLOAD: Final = AccessPattern(
    "finalize_upload", "Take an upload into the library once, with the work that follows from it",
    operation=("UpdateItem", "PutItem", "DeleteItem"), writes=(UPLOAD, AUDIO, TRANSCRIPT, JOB), transaction=True,
    asked_by=(WORKER,),
    cost="1 request; 9 WRU with the indexes; for a replacement 12, and 2 per KB of the text that goes",
)  # fmt: skip
REJECT_UPLOAD: Final = AccessPattern(
    "reject_upload", "Say why an upload was not taken",
    operation="UpdateItem", writes=UPLOAD, asked_by=(WORKER,), cost="1 request; 1 WRU",
)  # fmt: skip

# ---- access patterns: transcripts and jobs ---------------------------------------------------------------------------

REQUEST_TRANSCRIPTION: Final = AccessPattern(
    "request_transcription", "Put a file in flight with a new job",
    operation=("UpdateItem", "PutItem"), writes=(AUDIO, JOB), transaction=True, asked_by=(API,),
    cost="1 request; 2 items of 1 KB, 7 WRU with the indexes",
)  # fmt: skip
BEGIN_TRANSCRIPTION: Final = AccessPattern(
    "begin_transcription", "Say that a provider works on exactly this job",
    operation="UpdateItem", writes=(AUDIO, JOB), transaction=True, asked_by=(WORKER,),
    cost="1 request; 2 items of 1 KB, 6 WRU with the indexes",
)  # fmt: skip
FINISH_TRANSCRIPTION: Final = AccessPattern(
    "finish_transcription", "Write what came of exactly this job, and end it",
    operation=("UpdateItem", "PutItem"), writes=(AUDIO, TRANSCRIPT, JOB), transaction=True,
    asked_by=(WORKER,), cost="1 request; 2 or 3 items, 7 WRU with the indexes, 2 more per KB of stored text",
)  # fmt: skip
CANCEL_TRANSCRIPTION: Final = AccessPattern(
    "cancel_transcription", "Stop exactly this job",
    operation="UpdateItem", writes=(AUDIO, JOB), transaction=True, asked_by=(API,),
    cost="1 request; 2 items of 1 KB, 7 WRU with the indexes",
)  # fmt: skip
WRITE_TRANSCRIPT: Final = AccessPattern(
    "write_transcript", "Give a file its text by hand",
    operation=("UpdateItem", "PutItem"), writes=(AUDIO, TRANSCRIPT), transaction=True, asked_by=(API,),
    cost="1 request; 2 items, 4 WRU with the indexes, 2 more per KB of stored text",
)  # fmt: skip
CLEAR_TRANSCRIPT: Final = AccessPattern(
    "clear_transcript", "Remove the text of a file and all that is known of it",
    operation=("UpdateItem", "DeleteItem"), writes=(AUDIO, TRANSCRIPT), transaction=True, asked_by=(API,),
    cost="1 request; 2 items, 4 WRU with the indexes, 2 more per KB of stored text",
)  # fmt: skip
SET_TRANSCRIPT_STATUS: Final = AccessPattern(
    "set_transcript_status", "Say how a transcription stands, whatever the text",
    operation="UpdateItem", writes=AUDIO, asked_by=(API,), cost="1 request; 3 WRU with the indexes",
)  # fmt: skip
JOB_BY_ID: Final[AccessPattern[models.Job]] = _get("job_by_id", "What is this job?", reads=JOB, asked_by=(WORKER,))
FINISH_JOB: Final = AccessPattern(
    "finish_job", "End a job", operation="UpdateItem", writes=JOB, asked_by=(WORKER,), cost="1 request; 2 WRU"
)
UNFINISHED_JOBS: Final = AccessPattern(
    "unfinished_jobs", "Which jobs are not done, oldest first?",
    operation="Query", reads=JOB, index=GSI1, asked_by=(WORKER,), cost="1 request; 0.03 RRU per job; GSI1 lags",
)  # fmt: skip
JOBS: Final = AccessPattern(
    "jobs", "What are these jobs now?",
    operation="BatchGetItem", reads=JOB, consistent=True, asked_by=(WORKER,), cost="1 request per 100; 1 RRU each",
)  # fmt: skip

# ---- access patterns: settings and readiness -------------------------------------------------------------------------

SETTING_BY_KEY: Final[AccessPattern[models.Setting]] = _get(
    "setting_by_key", "What was chosen?", reads=SETTING, asked_by=(API, WORKER)
)
PUT_SETTING: Final = AccessPattern(
    "put_setting", "Choose", operation="PutItem", writes=SETTING, asked_by=(API,), cost="1 request; 1 WRU"
)
PROBE_TABLE: Final = AccessPattern(
    "probe_table", "Does the table answer?", operation="GetItem", reads=PROBE, asked_by=(API,),
    cost="1 request; 0.5 RRU",
)  # fmt: skip

# ---- what writes of several features share ---------------------------------------------------------------------------

JOB_KEPT: Final = timedelta(days=30)


def as_read(file: models.AudioFileRecord) -> Condition:
    """A file is as it was read, and no later one of its name, whose versions begin at 1 again."""
    return Attr("version").eq(file.version) & Attr("created_at").eq(file.created_at)


def ended_job(job_id: str, now: datetime) -> UpdateItem:
    """The write that ends a job: it leaves the list of what is to be done, and the table a month later."""
    expires_at = int((now + JOB_KEPT).timestamp())
    done = Update().set(job_state="done", finished_at=models.timestamp(now), expires_at=expires_at)
    return UpdateItem(JOB.key(job_id=job_id), done.remove("GSI1PK", "GSI1SK"), EXISTS)
