"""What the service counts in its own words: metrics that its dashboard draws, and those that alarms read."""

from typing import Final

SIGN_IN_FAILURE: Final = "SignInFailure"
UPLOAD_REJECTED: Final = "UploadRejected"  # by its dimension `reason`
TRANSCRIPTION_DONE: Final = "TranscriptionDone"
TRANSCRIPTION_FAILED: Final = "TranscriptionFailed"  # for whatever reason
TRANSCRIPTION_REFUSED: Final = "TranscriptionRefused"  # of those: the provider wants a deployment that is set up right
JOB_RESENT: Final = "JobResent"  # its message was lost, or waits for long
SWEEP_FAILED: Final = "SweepFailed"  # a job that the sweep could not bring forward
