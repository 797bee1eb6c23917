"""What the service counts in its own words: metrics that its dashboard draws, and one that an alarm reads."""

from typing import Final

SIGN_IN_FAILURE: Final = "SignInFailure"
UPLOAD_REJECTED: Final = "UploadRejected"  # by its dimension `reason`
TRANSCRIPTION_DONE: Final = "TranscriptionDone"
TRANSCRIPTION_FAILED: Final = "TranscriptionFailed"
