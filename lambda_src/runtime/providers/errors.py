"""What can go wrong with an outside service.

UpstreamFailed          502  ProviderUnavailable                         retryable
                               MalformedAnswer, ProviderThrottled
AppError                     ProviderDisabled                            KeyRejected, QuotaExhausted
                             AnswerRefused, RequestRefused
"""

from lambda_src.errors import AppError, UpstreamFailed


class ProviderUnavailable(UpstreamFailed):
    """A provider gave no usable answer this time: time-out, connection error, 5xx."""

    default_detail = "An outside service did not answer"


class MalformedAnswer(ProviderUnavailable):
    """A provider answered with success, but not in the format it documents."""

    default_detail = "An outside service gave an answer that cannot be read"


class ProviderThrottled(ProviderUnavailable):
    """A provider asks for a pause. `retry_after_seconds` is how long, None where it did not say."""

    default_detail = "The limit of an outside service was reached"


class ProviderDisabled(AppError):
    """A provider will refuse every call until somebody changes something. The detail holds no secret."""

    code = "provider_disabled"
    default_detail = "An outside service is not available to us"


class KeyRejected(ProviderDisabled):
    """A provider does not accept the key; a newer one may be waiting in the secret."""

    default_detail = "An outside service does not accept its key"


class QuotaExhausted(ProviderDisabled):
    """A provider's daily quota is used up."""

    default_detail = "The daily quota of an outside service is used up"


class AnswerRefused(AppError):
    """A provider does not want to answer, or not usably; asking the same again would not help."""

    code = "answer_refused"
    default_detail = "An outside service does not answer this request"


class RequestRefused(AppError):
    """A provider cannot take what a request is about. The detail is its own message, or the status of its answer."""

    code = "request_refused"
    default_detail = "An outside service does not take this request"
