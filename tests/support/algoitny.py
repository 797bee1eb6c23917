"""AlgoItny on a test table: the real services over DynamoDB Local, with a queue whose deliveries a test plays.

judge = new_judge()                                    # fixture
ann = judge.user("ann@example.com")                    # as stored, on plan Free
judge.ask("GET", "/api/account/me", by=ann)            # an answer of the API
"""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from itertools import count
from typing import Any, ClassVar, Final

import httpx

from lambda_src.runtime.clock import epoch_ms
from lambda_src.runtime.secrets import Secret
from lambda_src.services.algoitny import items
from lambda_src.services.algoitny.models.plans import PlanNameGuard, SubscriptionPlan
from lambda_src.services.algoitny.models.problems import Problem, ProblemBody, TestCase
from lambda_src.services.algoitny.models.users import Counter, EmailGuard, GoogleGuard, User, normalised_email
from lambda_src.services.algoitny.principals import AccessTokens
from tests.support.played import HeldSecret, PlayedService

JOBS: Final = "http://queue.test/algoitny-jobs"
JOBS_DLQ: Final = "http://queue.test/algoitny-jobs-dlq"
STATS_DLQ: Final = "http://queue.test/algoitny-stats-dlq"
ARCHIVE_DLQ: Final = "http://queue.test/algoitny-archive-dlq"
ORIGIN: Final = "http://localhost:5173"
SIGNING_KEY: Final = "k" * 64
FREE: Final = 1
PRO: Final = 2
ADMIN: Final = 3
PLANS: Final = (
    {"plan_id": FREE, "name": "Free", "max_hints_per_day": 5, "max_executions_per_day": 50, "is_self_service": True},
    {"plan_id": PRO, "name": "Pro", "max_hints_per_day": 30, "max_executions_per_day": 200, "price": Decimal("9.90")},
    {
        "plan_id": ADMIN, "name": "Admin", "max_hints_per_day": -1, "max_executions_per_day": -1,
        "can_register_problems": True,
    },
)  # fmt: skip

type Json = dict[str, Any]


class PlayedJudge(PlayedService[Any]):
    """The service over a given table, with everything around it under control; the default plans are there."""

    package = "algoitny"
    invocation_milliseconds = 900_000
    settings: ClassVar[Mapping[str, Any]] = {
        "algoitny_content_bucket": "content",
        "algoitny_archive_bucket": "archive",
        "algoitny_job_queue_url": JOBS,
        "algoitny_job_dlq_url": JOBS_DLQ,
        "algoitny_stats_dlq_url": STATS_DLQ,
        "algoitny_archive_dlq_url": ARCHIVE_DLQ,
        "app_secret_arn": "app",
        "google_client_ids": "client-1",
        "google_redirect_uris": "http://localhost:5173/callback,postmessage",
        "cors_allowed_origins": ORIGIN,
    }

    def __init__(self, *, more_secrets: Mapping[str, Secret] | None = None, **options: Any) -> None:
        self.secret = HeldSecret({"current": SIGNING_KEY, "google_client_secret": "google-secret", "admin_emails": ""})
        self._ids = count(12345)
        super().__init__(secrets={"app": self.secret, **(more_secrets or {})}, **options)
        if self.item(items.COUNTER.key(name="plan_id")) is None:
            self._plant_plans(PLANS)

    @property
    def now_ms(self) -> int:
        return epoch_ms(self.clock())

    # ---- what was there before the test began ------------------------------------------------------------------------

    def plan(self, **fields: Any) -> SubscriptionPlan:
        """A plan with its guard. fields: `plan_id` and `name` among them."""
        [plan] = self._plant_plans([fields])
        return plan

    def user(self, email: str, *, plan_id: int = FREE, **fields: Any) -> User:
        """An account with all of its items, counted by its plan, ids from 12345 on."""
        given: Json = {"user_id": next(self._ids), "created_at": self.now_ms, "updated_at": self.now_ms}
        user = User(email=normalised_email(email), subscription_plan_id=plan_id, **given | fields)
        planted = [
            items.USER.item(user),
            items.EMAIL_GUARD.item(EmailGuard(user.email, user.user_id, self.now_ms)),
            self._raised("user_id", user.user_id),
        ]
        if user.google_id is not None:
            planted.append(items.GOOGLE_GUARD.item(GoogleGuard(user.google_id, user.user_id, self.now_ms)))
        if (stored := self.stored_plan(plan_id)) is not None:
            planted.append({**stored, "uct": stored.get("uct", 0) + 1})
        self.put_items(*planted)
        return user

    def admin(self, email: str = "boss@example.com", **fields: Any) -> User:
        return self.user(email, is_staff=True, **fields)

    def problem(
        self, platform: str = "baekjoon", problem_id: str = "1000", *, cases: int = 3, **fields: Any
    ) -> Problem:
        """A completed problem whose test case n has the input `n` and the output `out n`."""
        now: Json = {"created_at": self.now_ms, "updated_at": self.now_ms}
        given: Json = {"title": f"Problem {problem_id}", "is_completed": True, "test_case_count": cases, **now}
        problem = Problem(platform=platform, problem_id=problem_id, **given | fields)
        self.put_items(
            items.PROBLEM.item(problem),
            items.PROBLEM_BODY.item(ProblemBody(platform=platform, problem_id=problem_id, **now)),
            *(
                items.TEST_CASE.item(
                    TestCase(
                        platform=platform, problem_id=problem_id, sort_id=f"{number:06}", input=str(number),
                        output=f"out {number}", **now,
                    )
                )
                for number in range(1, cases + 1)
            ),
        )  # fmt: skip
        return problem

    def _plant_plans(self, plans: Iterable[Mapping[str, Any]]) -> list[SubscriptionPlan]:
        made = [
            SubscriptionPlan(**{"created_at": self.now_ms, "updated_at": self.now_ms, **fields}) for fields in plans
        ]
        guards = [PlanNameGuard(plan.name.lower(), plan.plan_id, self.now_ms) for plan in made]
        self.put_items(
            *map(items.PLAN.item, made),
            *map(items.PLAN_NAME_GUARD.item, guards),
            self._raised("plan_id", max(plan.plan_id for plan in made)),
        )
        return made

    def _raised(self, name: str, value: int) -> Mapping[str, object]:
        """A counter that has come so far."""
        stands = (self.item(items.COUNTER.key(name=name)) or {}).get("val", 0)
        return items.COUNTER.item(Counter(name, max(stands, value)))

    # ---- requests of users -------------------------------------------------------------------------------------------

    def token(self, user: User) -> str:
        """An access token of a user as given."""
        return self.part(AccessTokens).issue(user).text

    def ask(self, method: str, path: str, *, by: User | None = None, **options: Any) -> httpx.Response:
        """A request of a user, or of a visitor."""
        headers = dict(options.pop("headers", {}))
        if by is not None:
            headers["Authorization"] = f"Bearer {self.token(by)}"
        return self.api.request(method, path, headers=headers, **options)

    # ---- what a test looks at ----------------------------------------------------------------------------------------

    def stored_user(self, user_id: int) -> Json | None:
        return self.item(items.USER.key(user_id=user_id))

    def stored_plan(self, plan_id: int) -> Json | None:
        return self.item(items.PLAN.key(plan_id=plan_id))


type MakeJudge = Callable[..., PlayedJudge]
